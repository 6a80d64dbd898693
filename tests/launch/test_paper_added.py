"""A method of files, added to a table by `ssrlm paper --add`."""

import pytest
import ten_rnas
import test_paper_command


def test_a_method_of_files_is_added_and_stays(tmp_path):
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    for n, letters in enumerate(ten_rnas.SEQUENCES[:5]):
        text = f">r{n}\n{letters}\n{ten_rnas.KNOWN}\n"
        (theirs / f"r{n}.dbn").write_text(text)
    ten_rnas.write(tmp_path)
    given = ["--add=mine", f"--predictions={theirs}"]
    assert test_paper_command.call(tmp_path, *given, "--methods=mine,inner") == 0
    assert set(test_paper_command.rows(tmp_path)) == {"mine", "inner"}
    found = test_paper_command.rows(tmp_path)["mine"]
    assert found["values"]["F1"][0] == 0.5  # five are right, five are missing
    assert found["failed"]["r5"] == f"none in {theirs}"
    assert found["shared"]["equal"] is None
    for one in theirs.iterdir():
        one.unlink()
    assert test_paper_command.call(tmp_path, "--methods=mine,right") == 0
    assert test_paper_command.rows(tmp_path)["mine"]["values"]["F1"][0] == 0.5


def test_a_method_is_added_beside_what_is_kept(tmp_path):
    ten_rnas.write(tmp_path)
    (tmp_path / "mine.dbn").write_text(
        f">r0\n{ten_rnas.SEQUENCES[0]}\n{ten_rnas.KNOWN}\n"
    )
    assert test_paper_command.call(tmp_path, "--methods=inner") == 0
    assert (
        test_paper_command.call(
            tmp_path, "--add=mine", f"--predictions={tmp_path}/mine.dbn"
        )
        == 0
    )
    found = test_paper_command.rows(tmp_path)
    assert found["mine"]["values"]["F1"][0] == pytest.approx(0.1)
    assert found["inner"]["values"]["recall"] == [0.5, 0.5, 0.5]
    assert "10 RNAs are not predicted yet" in found["right"]["reason"]
    assert ten_rnas.calls(tmp_path, "right") == []


def test_files_of_no_rna_of_a_set_add_nothing(tmp_path, capsys):
    ten_rnas.write(tmp_path)
    (tmp_path / "x.dbn").write_text(">x\nGGGAAACCC\n(((...)))\n")
    assert (
        test_paper_command.call(
            tmp_path, "--add=mine", f"--predictions={tmp_path}/x.dbn"
        )
        == 1
    )
    assert "no prediction of an RNA of Ten" in capsys.readouterr().err
    assert not (tmp_path / "out" / "added").exists()
