"""`ssrlm paper` as its users call it: two programs on ten RNAs, and what goes wrong."""

import csv
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import processes
import pytest
import ten_rnas

from ssrlm_jax import cli
from ssrlm_jax.comparisons import items, known_sets
from ssrlm_jax.jobs import paper_choice
from ssrlm_jax.rna import record_tables, trained_sequences

ROOT = pathlib.Path(__file__).parents[2]


def call(folder, *words, others=()):
    tables = map(str, [folder / "two.py", *others])
    given = [*tables, f"--config.data={folder}", f"--out={folder}/out"]
    return cli.main(["paper", *given, *map(str, words)])


def rows(folder, of="Ten"):
    told = json.loads((folder / "out" / "two.json").read_text())
    return {row["method"]: row for row in told["rows"] if row["set"] == of}


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A folder where all went well."""
    folder = tmp_path_factory.mktemp("done")
    ten_rnas.write(folder)
    assert call(folder, "--report") == 0
    return folder


def test_numbers_are_the_hand_worked_ones(done):
    found = rows(done)
    assert found["right"]["values"]["F1"] == [1.0, 1.0, 1.0]
    assert found["inner"]["values"]["precision"] == [1.0, 1.0, 1.0]
    assert found["inner"]["values"]["recall"] == [0.5, 0.5, 0.5]
    assert found["inner"]["values"]["F1"] == pytest.approx([2 / 3] * 3, abs=1e-6)
    assert found["inner"]["values"]["AUPRC"] == [None] * 3
    assert found["inner"]["values"]["0 to 50 nt, 10"][0] == pytest.approx(
        2 / 3, abs=1e-6
    )
    assert [found[name]["rank"] for name in ("right", "inner")] == [[1, 1], [2, 2]]
    assert found["inner"]["shared"] == {"equal": 0, "near": 0, "reason": ""}


def test_scores_by_identity_need_what_trained(tmp_path, caplog, capsys):
    ten_rnas.write(tmp_path, names=("right",))
    assert call(tmp_path) == 0
    assert "Ten: no scores by identity: no method says what trained it" in caplog.text
    assert call(tmp_path, f"--config.train={tmp_path}/none.tsv") == 1
    assert (
        f"config.train={tmp_path}/none.tsv: no file is there" in capsys.readouterr().err
    )
    assert list(rows(tmp_path)["right"]["values"])[-1] == "0 to 50 nt, 10"


def test_every_file_says_the_same(done):
    out = done / "out"
    text = (out / "two.md").read_text()
    assert "| Inner | 0.667 (0.667-0.667); paper 0.700 | 1.000 (1.000-1.000) |" in text
    assert "## Secret: ten hairpins, 10 RNAs\n\nNot scored: find it." in text
    assert "| Right | 1.0 | none |" in text
    (line,) = [
        row
        for row in csv.DictReader((out / "two.csv").read_text().splitlines())
        if (row["set"], row["method"], row["column"]) == ("Ten", "inner", "F1")
    ]
    assert (line["value"], line["paper"], line["best rank"]) == ("0.666667", "0.7", "2")
    assert "Inner & 0.667 (0.667-0.667); paper 0.700" in (out / "two.tex").read_text()
    page = (out / "report.html").read_text()
    assert "<td>Inner</td>" in page
    assert "<td>0.667 (0.667-0.667); paper 0.700</td>" in page


def test_nothing_is_predicted_twice_and_a_new_method_runs_alone(tmp_path):
    ten_rnas.write(tmp_path, names=("right",))
    assert call(tmp_path) == 0
    assert call(tmp_path) == 0
    ten_rnas.write(tmp_path)
    assert call(tmp_path) == 0
    for name in ("right", "inner"):
        assert sorted(ten_rnas.calls(tmp_path, name)) == sorted(ten_rnas.SEQUENCES)


def test_what_was_said_for_one_set_is_not_asked_for_another(tmp_path, capsys):
    path = ten_rnas.write(tmp_path, names=("right",))
    assert call(tmp_path) == 0
    path.write_text(path.read_text().replace(', file=""', ""))
    assert call(tmp_path, "--dry_run") == 0
    told = capsys.readouterr().out.splitlines()[-3:-1]
    assert [line.split() for line in told] == [
        ["Ten", "right", "kept"],
        ["Secret", "right", "kept"],
    ]
    assert call(tmp_path) == 0
    assert rows(tmp_path, "Secret")["right"]["values"]["F1"] == [1.0, 1.0, 1.0]
    assert len(ten_rnas.calls(tmp_path, "right")) == 10


def test_a_file_of_what_trained_is_compared_with_the_sets(tmp_path):
    ten_rnas.write(tmp_path)
    known = [f"x{n}\t{letters}" for n, letters in enumerate(ten_rnas.SEQUENCES[:4])]
    for name, lines in (("a", known[:3]), ("b", known[3:])):
        text = "\n".join(["id\tsequence", *lines]) + "\n"
        (tmp_path / f"{name}.tsv").write_text(text)
    named = ",".join(f"inner={tmp_path}/{name}.tsv" for name in "ab")
    assert call(tmp_path, f"--config.trained={named}") == 0
    found = rows(tmp_path)
    assert found["inner"]["shared"]["equal"] == 4
    assert found["right"]["shared"]["equal"] == 0
    # A model's own hashes are of what did train; a file may have more.
    (tmp_path / "m").mkdir()
    hashes = tmp_path / "m" / trained_sequences.FILE
    trained_sequences.write(hashes, ten_rnas.SEQUENCES[:2])
    models = f"--config.models=inner={tmp_path}/m"
    assert call(tmp_path, f"--config.trained={named}", models) == 0
    assert rows(tmp_path)["inner"]["shared"]["equal"] == 2


def test_a_set_is_written_as_it_is_scored(tmp_path, capsys, monkeypatch):
    ten_rnas.write(tmp_path)
    ten = items.LabelledSet(
        name="Ten", title="", file="ten.tsv", count=9, get="", without=("one.tsv",)
    )
    monkeypatch.setitem(known_sets.SETS, "Ten", ten)
    text = f"id\tsequence\nx\t{ten_rnas.SEQUENCES[3].lower()}\n"
    (tmp_path / "one.tsv").write_text(text)
    given = [f"--config.data={tmp_path}", f"--out={tmp_path}/out"]
    assert cli.main(["paper", "--write=Ten", *given]) == 0
    path = pathlib.Path(capsys.readouterr().out.strip())
    assert path == tmp_path / "out" / "sets" / "Ten.tsv"
    written = list(record_tables.read_table(path))
    assert [one.name for one in written] == [f"r{n}" for n in range(10) if n != 3]
    assert len(written[0].structure.pairs) == 4
    assert cli.main(["paper", "--write=Eleven", *given]) == 1
    assert "--write=Eleven: Eleven is none of ArchiveII, " in capsys.readouterr().err


def test_base_triples_are_written_for_others(tmp_path, capsys):
    ten_rnas.write(tmp_path)
    lines = ["id\tdotbracket\tpairs", f"r0\t{ten_rnas.KNOWN}\t1-8;1-9"]
    (tmp_path / "mine.tsv").write_text("\n".join(lines) + "\n")
    assert call(tmp_path, "--add=mine", f"--predictions={tmp_path}/mine.tsv") == 0
    capsys.readouterr()
    assert call(tmp_path, "--write=Ten", "--methods=mine") == 0
    *_, path = map(pathlib.Path, capsys.readouterr().out.split())
    header, line = path.read_text().splitlines()
    assert header == lines[0]
    assert line.startswith("r0\t(......)")
    assert line.endswith("\t1-8;1-9")


def test_what_methods_said_is_written_for_others(tmp_path, capsys):
    ten_rnas.write(tmp_path)
    (tmp_path / "inner.json").write_text(
        json.dumps({"version": "1", ten_rnas.SEQUENCES[2]: "crash"})
    )
    assert call(tmp_path, "--write=Ten", "--methods=inner") == 1
    assert "nothing is kept of inner on Ten: ssrlm paper" in capsys.readouterr().err
    assert not (tmp_path / "out" / "sets").exists()
    assert call(tmp_path, "--methods=inner") == 0
    capsys.readouterr()
    assert call(tmp_path, "--write=Ten", "--methods=inner") == 0
    *_, path = map(pathlib.Path, capsys.readouterr().out.split())
    assert path == tmp_path / "out" / "sets" / "Ten" / "inner.tsv"
    lines = [f"r{n}\t{ten_rnas.INNER}" for n in range(10) if n != 2]
    assert path.read_text().splitlines() == ["id\tdotbracket", *lines]
    before = rows(tmp_path)["inner"]["values"]["F1"]
    assert call(tmp_path, "--add=again", f"--predictions={path}") == 0
    assert rows(tmp_path)["again"]["values"]["F1"] == before
    assert call(tmp_path, "--write=Ten", "--methods=again,iner") == 1
    assert "iner is none of right, inner, again" in capsys.readouterr().err


def test_what_a_program_fails_on_costs_one_rna_each(tmp_path, capsys):
    crash, hang, half = ten_rnas.SEQUENCES[:3]
    ten_rnas.write(tmp_path)
    ten_rnas.tell(tmp_path, "inner", **{crash: "crash", hang: "hang", half: "half"})
    assert call(tmp_path, "--config.time_limit=3", "--parallel=2") == 0
    found = rows(tmp_path)["inner"]
    assert found["failed"] == {
        "r0": "inner: exit status 1: it cannot fold this",
        "r1": "inner: stopped, it took longer than 3 s",
        "r2": "inner, sequence 1 of the call: the structure has 7 positions, the "
        "sequence 14",
    }
    # Seven RNAs of 2/3, three that count as no pairs.
    assert found["values"]["F1"][0] == pytest.approx(0.7 * 2 / 3, abs=1e-6)
    text = (tmp_path / "out" / "two.md").read_text()
    assert "| Inner (3 failed) | 0.467 (" in text
    assert "- Inner, Ten, r1: inner: stopped, it took longer than 3 s" in text
    ten_rnas.tell(tmp_path, "inner")
    assert call(tmp_path) == 0
    assert len(rows(tmp_path)["inner"]["failed"]) == 3  # until it is asked for
    assert r"Inner (3 failed) & 0.467" in (tmp_path / "out" / "two.tex").read_text()
    capsys.readouterr()
    assert call(tmp_path, "--dry_run") == 0
    assert "kept, 3 of it failures: --retry" in capsys.readouterr().out
    assert call(tmp_path, "--retry") == 0
    assert rows(tmp_path)["inner"]["failed"] == {}


def test_another_version_is_another_method(tmp_path):
    ten_rnas.write(tmp_path, names=("inner",))
    assert call(tmp_path) == 0
    ten_rnas.tell(tmp_path, "inner", version="2.0")
    assert call(tmp_path) == 0
    assert len(ten_rnas.calls(tmp_path, "inner")) == 20
    assert rows(tmp_path)["inner"]["about"]["version"] == "2.0"
    assert len(list((tmp_path / "out" / "predictions" / "Ten").iterdir())) == 2


def test_a_set_of_another_number_is_not_scored(tmp_path):
    ten_rnas.write(tmp_path, count=11)
    assert call(tmp_path) == 0
    found = rows(tmp_path)
    assert {row["reason"] for row in found.values()} == {
        f"{tmp_path}/ten.tsv: 10 RNAs, Ten has 11: find it"
    }
    assert ten_rnas.calls(tmp_path, "right") == []


def test_a_method_that_is_not_here_is_a_row_with_what_gets_it(tmp_path):
    ten_rnas.write(tmp_path)
    (tmp_path / "inner").unlink()
    assert call(tmp_path) == 0
    found = rows(tmp_path)
    assert found["inner"]["reason"] == (
        f"inner: '{tmp_path}/inner', named by the setting, is no program that can be "
        "run; write it"
    )
    text = (tmp_path / "out" / "two.md").read_text()
    assert "- Inner (paper: F1 0.700): inner: " in text
    assert found["right"]["rank"] == [1, 1]


def test_a_run_that_is_killed_goes_on_where_it_was(tmp_path):
    ten_rnas.write(tmp_path)
    for name in ("right", "inner"):
        ten_rnas.tell(tmp_path, name, seconds=0.15)
    words = [f"--config.data={tmp_path}", f"--out={tmp_path}/out"]
    command = [
        sys.executable,
        ROOT / "launch" / "paper.py",
        tmp_path / "two.py",
        *words,
    ]
    moments, kills = random.Random(24), 0
    while True:
        started = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        before = sum(len(ten_rnas.calls(tmp_path, n)) for n in ("right", "inner"))
        wanted = before + moments.randint(2, 8)
        while started.poll() is None:
            now = sum(len(ten_rnas.calls(tmp_path, n)) for n in ("right", "inner"))
            if kills < 3 and now >= wanted:
                started.send_signal(signal.SIGKILL)
                started.wait()
                kills += 1
                break
            time.sleep(0.01)
        else:
            assert started.returncode == 0
            break
    assert kills == 3
    # What was under way is done again, and no more.
    num_calls = sum(len(ten_rnas.calls(tmp_path, n)) for n in ("right", "inner"))
    assert 20 <= num_calls <= 20 + 2 * kills
    found = rows(tmp_path)
    assert found["inner"]["values"]["F1"] == pytest.approx([2 / 3] * 3, abs=1e-6)
    assert found["right"]["failed"] == found["inner"]["failed"] == {}


@pytest.mark.skipif(not pathlib.Path("/proc/self").exists(), reason="no /proc here")
def test_a_program_that_hangs_ends_with_a_run_that_is_killed(tmp_path):
    ten_rnas.write(tmp_path)
    ten_rnas.tell(tmp_path, "right", **{ten_rnas.SEQUENCES[0]: "hang"})
    words = [f"--config.data={tmp_path}", f"--out={tmp_path}/out"]
    started = subprocess.Popen(
        [sys.executable, ROOT / "launch" / "paper.py", tmp_path / "two.py", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    told = tmp_path / "right.pid"
    while not (told.exists() and told.read_text()):
        assert started.poll() is None
        time.sleep(0.02)
    started.kill()
    started.wait()
    last = time.monotonic() + 20.0
    while processes.is_running(told.read_text()):
        assert time.monotonic() < last
        time.sleep(0.05)


def test_scores_of_before_are_taken_over(tmp_path):
    ten_rnas.write(tmp_path)
    place = tmp_path / "before" / "Ten"
    place.mkdir(parents=True)
    lines = [f"r{n}\t14\t0.{n}00" for n in range(10)]
    (place / "model.tsv").write_text("\n".join(["id\tlength\tf1", *lines]) + "\n")
    told = {
        "scores": {"model": {"strict": {"f1": {"mean": [0.45, 0.3, 0.6]}}}},
        "methods": {"model": {"threshold": 0.3}},
    }
    (place / "scores.json").write_text(json.dumps(told))
    assert call(tmp_path, f"--config.evaluated=inner={tmp_path}/before") == 0
    found = rows(tmp_path)["inner"]
    assert found["values"]["F1"] == [0.45, 0.3, 0.6]
    assert found["about"]["scored by"] == "ssrlm evaluate, before/Ten"
    assert ten_rnas.calls(tmp_path, "inner") == []
    (place / "model.tsv").write_text("id\tlength\tf1\nr0\t14\t0.5\n")
    assert call(tmp_path, f"--config.evaluated=inner={tmp_path}/before") == 0
    assert "scores of 1 RNAs, which are not" in rows(tmp_path)["inner"]["reason"]


def test_a_dry_run_does_nothing(tmp_path, capsys):
    ten_rnas.write(tmp_path)
    assert call(tmp_path, "--dry_run") == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].split() == ["Ten", "right", "10", "RNAs,", "0.0", "minutes"]
    assert told[3:5] == ["not here:", "  Secret: find it"]
    assert told[-1].startswith("all: 0.0 minutes with 1 at a time")
    assert not (tmp_path / "out").exists()
    assert ten_rnas.calls(tmp_path, "right") == []


def test_a_dry_run_counts_an_rna_of_two_sets_once(tmp_path, capsys):
    path = ten_rnas.write(tmp_path, names=("right",))
    path.write_text(path.read_text().replace(', file=""', ""))
    assert call(tmp_path, "--dry_run") == 0
    told = capsys.readouterr().out
    assert "10 RNAs, 0.0 minutes; 10 are counted above" in told
    assert "not here" not in told


def test_what_was_not_tried_again_is_counted_by_a_dry_run(tmp_path, capsys):
    ten_rnas.write(tmp_path, names=("right",))
    ten_rnas.tell(tmp_path, "right", **{ten_rnas.SEQUENCES[0]: "crash"})
    assert call(tmp_path) == 0
    capsys.readouterr()
    assert call(tmp_path, "--dry_run") == 0
    assert "right  kept" in capsys.readouterr().out
    assert call(tmp_path, "--dry_run", "--retry") == 0
    assert "right  1 RNAs, 0.0 minutes" in capsys.readouterr().out


def test_all_of_the_paper_without_data_says_what_is_missing(tmp_path, capsys):
    given = [f"--config.data={tmp_path}", f"--out={tmp_path}/out"]
    assert cli.main(["paper", "all", "--report", *given]) == 0
    told = capsys.readouterr().out
    for title in ("Table 1", "Table 2", "Table 3", "Fig. 2", "Fig. 3", "Fig. 4"):
        assert f"# {title}: " in told
    assert f"Not scored: there is no {tmp_path}/secondary/bprna_TS0.tsv.gz: " in told
    assert f"Not measured: there is no {tmp_path}/rfam/families.tsv.gz: " in told
    assert "(paper: F1 0.567)" in told
    for ending in ("md", "json", "csv", "tex"):
        names = {path.stem for path in (tmp_path / "out").glob(f"*.{ending}")}
        assert names == set(paper_choice.ITEMS)
    page = (tmp_path / "out" / "report.html").read_text()
    assert page.count('<section class="sheet"') == len(paper_choice.ITEMS)


def test_a_folder_of_data_that_is_not_there_replaces_no_table(tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir()
    (out / "table1.md").write_text("of before")
    given = [f"--config.data={tmp_path}/none", f"--out={out}", "--kept"]
    assert cli.main(["paper", "table1", *given]) == 1
    assert f"config.data={tmp_path}/none: no folder is there" in capsys.readouterr().err
    assert (out / "table1.md").read_text() == "of before"
