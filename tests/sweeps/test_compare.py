"""Scores of RNAs → lines of the table, against numbers that are worked out here."""

import json
import math

import numpy as np
import pytest
import tiny_sweep

from ssrlm_jax.jobs import sweep as job
from ssrlm_jax.metrics import statistics
from ssrlm_jax.sweeps import (
    chains,
    compare,
    job_graph,
    job_states,
    local_executor,
    rna_scores,
    sweep_report,
)


def column(values, names="abcd"):
    sums = [(0.0, 0.0) if math.isnan(v) else (v, 1.0) for v in values]
    return rna_scores.Column(
        names=tuple(names), length_N=np.full(len(values), 9), sums_N2=np.array(sums)
    )


def test_a_mean_over_seeds_by_hand():
    mean = rna_scores.over_seeds([column([0, 1, 0, 1]), column([1, 1, 0, 0])])
    assert mean.of_each.tolist() == [0.5, 1.0, 0.0, 0.5]
    assert mean.value == 0.5


def test_an_rna_without_a_score_does_not_count():
    one = column([0.2, math.nan, 0.4, math.nan])
    assert one.value == pytest.approx(0.3)
    assert math.isnan(one.of_each[1])


def test_seeds_of_different_rnas_are_no_mean():
    with pytest.raises(ValueError, match="scored on different RNAs: 4 and 3"):
        rna_scores.over_seeds([column([0, 1, 0, 1]), column([0, 1, 0], "abc")])


def test_a_paired_difference_by_hand():
    """Two RNAs: drawn aa, ab, ba, bb; the first method leads by 0.2 on a, -0.1 on b."""
    first, second = np.array([[0.5, 1], [0.3, 1]]), np.array([[0.3, 1], [0.4, 1]])
    found = statistics.difference(first, second, statistics.ratio, seed=0)
    assert found.interval.value == pytest.approx(0.05)
    assert found.interval.low == pytest.approx(-0.1)
    assert found.interval.high == pytest.approx(0.2)
    # It leads unless b is drawn twice: a quarter of the draws.
    assert found.probability == pytest.approx(0.75, abs=0.05)


def test_equal_methods_are_even():
    same = np.array([[0.5, 1.0], [0.3, 1.0]])
    found = statistics.difference(same, same, statistics.ratio, seed=0)
    assert found.interval == (0.0, 0.0, 0.0)
    assert found.probability == 0.5
    with pytest.raises(ValueError, match="2 and 1 sequences"):
        statistics.difference(same, same[:1], statistics.ratio, seed=0)


def test_a_ratio_of_nothing_is_not_defined():
    assert np.isnan(statistics.ratio(np.array([[0.0, 0.0]]))).all()


@pytest.fixture
def done(tables, tmp_path):
    asked = tiny_sweep.tiny(tables)
    made = job_graph.expand(asked, job.resolve)
    local_executor.run(tmp_path / "out", made, 2)
    return tmp_path / "out", asked, made


def test_the_report_of_a_tiny_sweep_by_hand(done):
    out, asked, made = done
    text = job.report(out, asked, made, {}, seed=0)
    told = json.loads((out / "report.json").read_text())
    bad, good = told["lines"]
    # One of three pairs found: precision 1, recall 1/3, F1 1/2.
    assert bad["scores"]["F1"]["mean"][0] == (0.5 + 1 + 0 + 0.5) / 4
    assert good["scores"]["F1"]["mean"][0] == (1 + 1 + 1 + 0.5) / 4
    assert good["scores"]["F1"]["paper"] == 0.9
    values_N2 = np.array([[1, 1], [1, 1], [1, 1], [0.5, 1]])
    expected = statistics.of_sums(values_N2, statistics.ratio, 0)
    assert good["scores"]["F1"]["mean"] == pytest.approx(list(expected))
    (above,) = told["comparisons"]
    assert (above["first"], above["second"]) == ("method=good", "method=bad")
    assert above["difference"][0] == 0.375
    assert above["probability"] > 0.9
    assert "| good | 0.875 (" in text
    assert "; paper 0.900" in text
    assert "| F1 | method=good | method=bad | 0.375 (" in text
    for name in ("report.md", "report.csv", "report.tex", "report.html"):
        assert "good" in (out / name).read_text()
    assert r"\textbf{0.875}" in (out / "report.tex").read_text()


def test_pictures_are_drawn_where_matplotlib_is(done):
    pytest.importorskip("matplotlib", reason="matplotlib is the extra [plots]")
    out, asked, made = done
    sweep_report.write(out, asked, made, {}, seed=0)
    assert (out / "scores.png").exists()
    assert not (out / "curves.png").exists()  # nothing was trained


def test_a_scatter_draws_the_ends_of_an_axis(done):
    pytest.importorskip("matplotlib", reason="matplotlib is the extra [plots]")
    out, asked, made = done
    drawn = chains.Sweep(**vars(asked) | {"scatter": "F1"})
    sweep_report.write(out, drawn, made, {}, seed=0)
    assert (out / "scatter.png").exists()


def test_a_report_of_nothing_says_why(tables, tmp_path):
    asked = tiny_sweep.tiny(tables)
    made = job_graph.expand(asked, job.resolve)
    out = tmp_path / "out"
    out.mkdir()
    looks = job_states.look(out, made)
    for line in compare.lines(out, asked, made, looks, 0):
        assert line.scores == {}
        (reason,) = line.missing
        assert reason.endswith("is not done (waiting)")


def test_a_loss_is_better_when_it_is_lower():
    def line(name, values):
        score = compare.Score(
            interval=statistics.Interval(0, 0, 0),
            seeds={"0": values[0], "1": 2.0},
            column=column(values),
        )
        return compare.Line(
            name=name,
            values={"objective": name},
            scores={"loss": score},
            missing=(),
            seconds=0.0,
            jobs=(),
            paper={},
        )

    measure = chains.Measure(name="loss", step="s", column="loss", is_lower_better=True)
    asked = chains.Sweep(
        axes={"objective": ("mlm", "ssm")},
        chain=lambda cell: (),
        measures=(measure,),
        compared="objective",
    )
    lines = [line("mlm", [1.0, 1.2, 1.4, 1.1]), line("ssm", [0.9, 1.1, 1.3, 1.0])]
    (above,) = compare.comparisons(lines, asked, seed=0)
    assert (above.first, above.second) == ("ssm", "mlm")
    assert above.difference.value == pytest.approx(-0.1)
    assert above.probability == 1.0
    assert (above.num_better, above.num_seeds) == (1, 2)  # a tie is not better
