"""Rows: bins, ranks by intervals, and what a leaderboard says of them."""

import csv
import dataclasses
import io
import math

import numpy as np
import pytest

from ssrlm_jax.comparisons import (
    items,
    leaderboard,
    paper_report,
    set_files,
    set_scores,
    table_rows,
)

SET = items.LabelledSet(name="S", title="a set", file="s", count=40, get="it")
ITEM = items.Item(
    title="T",
    sets=(SET,),
    columns=(items.F1,),
    bins=("length", "identity", table_rows.NEAR),
)
LENGTHS = [40] * 20 + [120] * 20
IDENTITIES = np.array([0.0] * 10 + [0.75] * 10 + [1.0] * 20, np.float32)


def method(name):
    return items.Method(
        name=name,
        title=name.upper(),
        make=lambda settings: None,
        get="it",
        weights="w",
        threshold="t",
        rule="r",
        licence="l",
        trained="all",
        training=None,
        seconds=(1.0, 2.0),
    )


def scored(name, f1, shared=None):
    report = {"strict": {"f1": {"mean": [float(np.mean(f1)), 0.1, 0.9]}}}
    scores = set_scores.SetScores(
        report, [str(n) for n in range(40)], list(f1), {}, {}, [(100, 0.5)], 80.0
    )
    return table_rows.Scored(method(name), scores, shared, "")


def test_a_bar_in_a_cell_is_no_column():
    assert paper_report.row_of(["a|b", "c\nd"]) == r"| a\|b | c d |"


def rows_of(bins):
    rng = np.random.default_rng(0)
    noise = rng.uniform(-0.05, 0.05, 40)
    given = [
        scored("far", np.full(40, 0.3), set_files.Shared(None, None, "?")),
        scored("good", 0.7 + noise, set_files.Shared(2, 2, "")),
        scored("same", 0.7 - noise, set_files.Shared(0, 2, "")),
        table_rows.Scored(method("gone"), None, set_files.Shared(0, 0, ""), "not here"),
    ]
    methods = tuple(one.method for one in given)
    item = dataclasses.replace(ITEM, methods=methods, bins=bins)
    return item, table_rows.rows(item, SET, given, LENGTHS, IDENTITIES, seed=0)


@pytest.fixture
def rows():
    return rows_of(ITEM.bins)


def test_ranks_are_ranges_where_intervals_do_not_tell_apart(rows):
    ranks = {row.method.name: row.rank for row in rows[1]}
    assert ranks == {"far": (3, 3), "good": (1, 2), "same": (1, 2), "gone": None}
    assert paper_report.rank((1, 2)) == "1-2"
    assert paper_report.rank((3, 3)) == "3"


def test_what_trained_on_more_than_a_few_of_the_set_has_no_rank():
    given = [
        scored("seen", np.full(40, 0.9), set_files.Shared(3, 0, "")),
        scored("not", np.full(40, 0.5), set_files.Shared(0, 0, "")),
    ]
    item = dataclasses.replace(
        ITEM, methods=tuple(one.method for one in given), is_leaderboard=True
    )
    found = table_rows.rows(item, SET, given, LENGTHS, IDENTITIES, seed=0)
    assert [row.rank for row in found] == [None, (1, 1)]
    lines = leaderboard.markdown(item, found, "it", []).splitlines()
    named = [line.split(" | ")[0] for line in lines if line.startswith("| ")]
    assert named[2:] == ["| NOT", "| SEEN"]


def test_of_a_few_rnas_nothing_is_ranked():
    far = np.array([0.0] * 4 + [1.0] * 36, np.float32)
    given = [scored(name, [f1] * 40) for name, f1 in (("a", 0.9), ("b", 0.1))]
    item = dataclasses.replace(ITEM, bins=(table_rows.NEAR,))
    for row in table_rows.rows(item, SET, given, LENGTHS, far, seed=0):
        assert list(row.values) == ["F1", "F1, nothing near, 4"]
        assert list(row.ranks) == list(row.leads) == ["F1"]
        table = csv.DictReader(io.StringIO(paper_report.table_csv(item, [row])))
        ranks = {one["column"]: one["best rank"] for one in table}
        assert ranks["F1, nothing near, 4"] == ""
        assert ranks["F1"] == str(row.ranks["F1"][0])


def test_bins_hold_the_rnas_that_lie_in_them(rows):
    values = rows[1][1].values
    assert list(values) == [
        "F1",
        "0 to 50 nt, 20",
        "100 to 150 nt, 20",
        "nothing found, 10",
        "70% to 80%, 10",
        "90% to 100%, 20",
        "F1, nothing near, 10",
    ]
    f1 = np.array(rows[1][1].scores.f1)
    assert values["70% to 80%, 10"].value == pytest.approx(f1[10:20].mean())
    assert values["F1, nothing near, 10"].value == pytest.approx(f1[:10].mean())


def test_without_identities_there_are_no_bins_of_them():
    given = [scored("one", np.full(40, 0.5))]
    (row,) = table_rows.rows(ITEM, SET, given, LENGTHS, None, seed=0)
    assert list(row.values) == ["F1", "0 to 50 nt, 20", "100 to 150 nt, 20"]


def test_what_a_report_lacks_is_not_defined():
    column = items.Column("AUPRC", ("average_precision", "mean"))
    item = dataclasses.replace(ITEM, columns=(column,), bins=())
    (row,) = table_rows.rows(item, SET, [scored("a", [0.5] * 40)], LENGTHS, None, 0)
    assert math.isnan(row.values["AUPRC"].value)
    assert paper_report.shown(row.values["AUPRC"]) == "-"


def test_a_method_says_by_how_much_it_leads_each_other_one(rows):
    _, good, same, gone = rows[1]
    f1_of = {row.method.name: np.array(row.scores.f1) for row in (good, same)}
    gap_N = f1_of["good"] - f1_of["same"]
    lead = good.leads["F1"]["same"]
    assert lead.value == pytest.approx(gap_N.mean())
    assert lead.low < lead.value < lead.high
    assert same.leads["F1"]["good"] == pytest.approx((-lead[0], -lead[2], -lead[1]))
    near = good.leads["F1, nothing near, 10"]
    assert near["same"].value == pytest.approx(gap_N[:10].mean())
    assert set(near) == {"far", "same"}
    assert gone.leads == {}
    facts = paper_report.facts(rows[0], rows[1], "it")["rows"][1]
    assert facts["less"]["F1"]["same"][0] == pytest.approx(gap_N.mean(), abs=1e-6)
    table = list(csv.DictReader(io.StringIO(paper_report.table_csv(*rows))))
    (line,) = [
        one
        for one in table
        if (one["method"], one["column"]) == ("good", "F1, less same")
    ]
    assert float(line["value"]) == pytest.approx(gap_N.mean(), abs=1e-6)


def test_ranks_where_nothing_is_near_are_by_these_rnas_alone():
    first = scored("first", [0.9] * 10 + [0.1] * 30, set_files.Shared(0, 0, ""))
    second = scored("second", [0.1] * 10 + [0.9] * 30, set_files.Shared(0, 0, ""))
    item = dataclasses.replace(ITEM, bins=(table_rows.NEAR,))
    found = table_rows.rows(item, SET, [first, second], LENGTHS, IDENTITIES, seed=0)
    assert [row.ranks["F1"] for row in found] == [(2, 2), (1, 1)]
    assert [row.ranks["F1, nothing near, 10"] for row in found] == [(1, 1), (2, 2)]


def test_a_leaderboard_marks_what_was_seen_and_what_is_not_known():
    item, found = rows_of((table_rows.NEAR,))
    item = dataclasses.replace(item, is_leaderboard=True)
    text = leaderboard.markdown(item, found, "ssrlm paper it", [])
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    heads = "| method | S | rank | S, nothing near, 10 | rank | s, 100 nt |"
    assert lines[0].startswith(heads)
    assert "| s, 100 nt | s, 400 nt | MiB | licence | fitted to |" in lines[0]
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| GOOD", "| SAME", "| FAR"]
    assert "(0.100-0.900) † | 1-2 |" in lines[2]
    assert "†" not in lines[3]
    assert "(0.100-0.900) ? | 3 |" in lines[4]
    assert lines[2].endswith("| 0.5 |  | 80 | l | all |")
    assert "- GONE: not here" in text


def test_a_leaderboard_has_the_time_of_the_set_that_other_work_slowed_least():
    quiet, busy = (SET, dataclasses.replace(SET, name="T"))
    item = dataclasses.replace(ITEM, sets=(busy, quiet), is_leaderboard=True)
    found = []
    for one, times in ((busy, [0.9, 0.2, 0.8]), (quiet, [0.3, 0.5, 0.7])):
        given = scored("a", np.full(40, 0.5))
        seconds = [(100, time) for time in times] + [(130, 9.0), (400, 168.4)]
        given = given._replace(scores=given.scores._replace(seconds=seconds))
        found += table_rows.rows(item, one, [given], LENGTHS, IDENTITIES, seed=0)
    item = dataclasses.replace(item, methods=(found[0].method,))
    text = leaderboard.markdown(item, found, "ssrlm paper it", [])
    (line,) = [line for line in text.splitlines() if line.startswith("| A |")]
    assert line.endswith("| 0.5 | 168 | 80 | l | all |")
