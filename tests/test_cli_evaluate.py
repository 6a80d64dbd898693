import json

import full_disk
import numpy as np
import pytest

from ssrlm_jax import cli
from ssrlm_jax.rna import (
    formats,
    probabilities,
    record_tables,
    structure_formats,
    structures,
)


@pytest.fixture
def files(tmp_path):
    """Returns a truth of two RNAs and a folder with a prediction of one."""
    records = [
        formats.Record("a", "GGGAAACCC", structures.from_dot_bracket("(((...)))")),
        formats.Record("b", "GCAAAGC", structures.from_dot_bracket("((...))")),
    ]
    record_tables.write_table(tmp_path / "truth.tsv", records)
    folder = tmp_path / "program"
    folder.mkdir()
    structure_formats.write_ct(folder / "a.ct", records[0])
    return tmp_path / "truth.tsv", folder, records


def test_scores_count_what_is_missing_as_empty_and_say_so(files, tmp_path, capsys):
    truth, folder, _ = files
    out = tmp_path / "scores.json"
    command = ["evaluate", "--predictions", str(folder), "--truth", str(truth)]
    assert cli.main([*command, "--json", str(out)]) == 1
    shown = capsys.readouterr()
    assert "missing: 1\n  b" in shown.err
    assert "0.500" in shown.out
    facts = json.loads(out.read_text())
    assert facts["scores"]["strict"]["f1"]["mean"][0] == 0.5
    assert facts["scores without missing"]["strict"]["f1"]["mean"][0] == 1.0
    assert facts["problems"] == {"missing": ["b"]}
    assert cli.main([*command, "--json", str(out)]) == 1
    assert "exists; give another place, or --force" in capsys.readouterr().err


def test_all_there_is_status_0(files, capsys):
    truth, folder, records = files
    structure_formats.write_bpseq(folder / "b.bpseq", records[1])
    command = ["evaluate", "--predictions", str(folder), "--truth", str(truth)]
    assert cli.main(command) == 0
    shown = capsys.readouterr()
    assert "1.000" in shown.out
    assert shown.err == ""
    for name in ("a.arcs.png", "a.arcs.svg"):  # of `ssrlm fold`
        (folder / name).write_text("{}")
    assert cli.main(command) == 0


def test_probabilities_are_decoded_by_the_rule_that_is_asked_for(files):
    truth, _, records = files
    folder = truth.with_name("probabilities")
    folder.mkdir()
    for record in records:
        i, j = record.structure.pairs.T
        # A sharp loop that no known structure has, and that is more probable.
        place = (np.append(i, 0), np.append(j, 2), np.append(0.8 + 0 * i, 0.9))
        listed = probabilities.PairProbabilities(*place)
        path = folder / f"{record.name}.prob"
        probabilities.write(path, record.name, record.sequence, listed)
    command = ["evaluate", "--predictions", str(folder), "--truth", str(truth)]
    command += ["--threshold", "0.5"]
    means = []
    for number, flags in enumerate(([], ["--no-sharp-loops"])):
        out = truth.with_name(f"{number}.json")
        assert cli.main([*command, *flags, "--json", str(out)]) == 0
        facts = json.loads(out.read_text())
        means.append(facts["scores"]["strict"]["f1"]["mean"][0])
    assert means[0] < means[1] == 1.0


def test_bad_input_ends_in_one_line(files, tmp_path, capsys):
    truth, folder, _ = files
    for predictions, known in ((tmp_path / "x", truth), (folder, tmp_path / "y.tsv")):
        command = ["evaluate", "--predictions", str(predictions), "--truth", str(known)]
        assert cli.main(command) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("ssrlm evaluate: ")


def test_scores_that_cannot_be_written_are_told_before_they_are_made(
    files, tmp_path, capsys
):
    truth, folder, _ = files
    (tmp_path / "taken").write_text("mine")
    command = ["evaluate", "--predictions", str(folder), "--truth", str(truth)]
    for place in (tmp_path, tmp_path / "taken" / "scores.json"):
        assert cli.main([*command, "--force", "--json", str(place)]) == 1
        shown = capsys.readouterr()
        assert shown.out == ""
        (line,) = shown.err.splitlines()
        assert "a file is expected" in line or "cannot be written" in line


def test_a_full_disk_leaves_no_scores(files, tmp_path, capsys):
    truth, folder, _ = files
    out = tmp_path / "scores.json"
    command = ["evaluate", "--predictions", str(folder), "--truth", str(truth)]
    with full_disk.after(1000):
        assert cli.main([*command, "--json", str(out)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "scores.json cannot be written (File too large); make room" in line
    assert not list(tmp_path.glob("scores*"))


def test_a_page_is_written_beside_the_scores(files, tmp_path, capsys):
    truth, folder, _ = files
    command = ["evaluate", "--predictions", str(folder), "--truth", str(truth)]
    assert cli.main([*command, "--report"]) == 1
    assert "--report needs a new directory: give --out DIR" in capsys.readouterr().err
    assert not list(tmp_path.glob("*.html"))
    out = tmp_path / "scores"
    assert cli.main([*command, "--report", "--out", str(out)]) == 1
    page = (out / "report.html").read_text()
    assert '"id":["a","b"]' in page
    assert "missing: b" in page


def test_two_truths_are_not_one(capsys):
    command = ["evaluate", "--truth=a.tsv", "--config.truth=b.tsv", "--predictions=c"]
    assert cli.main(command) == 1
    assert "--truth=a.tsv and config.truth=b.tsv: give one" in capsys.readouterr().err
