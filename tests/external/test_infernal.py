import shutil

import pytest
import stand_ins

from ssrlm_jax.external import infernal, programs

REPLAY = f"""
    import pathlib, shutil, sys
    words = sys.argv[1:]
    if words == ["-h"]:
        print("# cmscan :: search sequence(s) against a CM database")
        print("# INFERNAL 1.1.4 (Dec 2020)")
        sys.exit()
    (pathlib.Path(__file__).parent / "call.log").write_text(" ".join(words))
    recorded = pathlib.Path({str(stand_ins.TOOLS)!r}) / "cmscan.tblout"
    shutil.copy(recorded, words[words.index("--tblout") + 1])
"""
STEM = "GGGCUAGCCAUGGAAACCAUGGCUAGCCC"


def _models(folder):
    """A file of models that looks as if cmpress had run."""
    for end in ("", ".i1f", ".i1i", ".i1m", ".i1p"):
        (folder / f"two.cm{end}").write_text("models")
    return str(folder / "two.cm")


@pytest.fixture
def scanner(tmp_path):
    path = stand_ins.program(tmp_path, "cmscan", REPLAY)
    return infernal.Scanner(_models(tmp_path), path)


def test_the_least_e_value_is_the_family(scanner):
    found = infernal.scan(["A", "C", "G", "U", "A"], scanner)
    first = infernal.Hit("hairpin_test", "RX00001", 0, 76, 102.5, 5.1e-49)
    # of query 4 the table holds this one and stem_test with 3.8e-10
    last = infernal.Hit("hairpin_test", "RX00001", 37, 113, 102.5, 7.5e-49)
    assert found == [first, None, None, None, last]


def test_settings_reach_the_program(scanner, tmp_path):
    infernal.scan(["A"] * 5, scanner._replace(num_threads=3))
    assert (tmp_path / "call.log").read_text() == (
        "--rfam --cut_ga --nohmmonly --toponly --noali --cpu 3 -o /dev/null "
        f"--tblout hits {tmp_path / 'two.cm'} in.fa"
    )


def test_no_sequence_needs_no_program(scanner, tmp_path):
    assert infernal.scan([], scanner) == []
    assert infernal.scan([""], scanner) == [None]
    assert not (tmp_path / "call.log").exists()


def test_describe_names_version_and_models(scanner):
    assert infernal.describe(scanner) == {
        "program": "cmscan",
        "version": "INFERNAL 1.1.4",
        "models": "two.cm",
        "models_sha256": programs.digest(scanner.models),
    }


def test_what_is_missing_is_said_at_once(scanner, tmp_path, monkeypatch):
    infernal.check(scanner)
    (tmp_path / "two.cm.i1m").unlink()
    with pytest.raises(programs.ProgramError, match="run `cmpress .*/two.cm` first"):
        infernal.check(scanner)
    with pytest.raises(programs.ProgramError, match="'/no', .* is no file"):
        infernal.check(scanner._replace(models="/no"))
    monkeypatch.delenv("SSRLM_RFAM_CM", raising=False)
    with pytest.raises(programs.ProgramError, match="nor SSRLM_RFAM_CM names"):
        infernal.check(scanner._replace(models=""))
    monkeypatch.delenv("SSRLM_CMSCAN", raising=False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(programs.ProgramError, match="^cmscan: not found on PATH"):
        infernal.check(scanner._replace(path=""))


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("open('hits', 'w').write('a b c')", "a table of hits is expected, .*'a b c'"),
        ("", "wrote no table"),
        ("import sys; sys.exit('Error: bad CM')", "exit status 1: Error: bad CM"),
    ],
)
def test_a_wrong_answer_is_refused(tmp_path, script, message):
    path = stand_ins.program(tmp_path, "cmscan", script)
    with pytest.raises(programs.ProgramError, match=message):
        infernal.scan(["ACGU"], infernal.Scanner(_models(tmp_path), path))


def test_the_real_program_finds_a_hairpin(tmp_path):
    if not (shutil.which("cmscan") and shutil.which("cmpress")):
        pytest.skip("Infernal is not installed")
    models = shutil.copy(stand_ins.TOOLS / "stem.cm", tmp_path)
    programs.run([shutil.which("cmpress"), models])
    sequences = ["", "A", "N" * 30, "AAAA" + STEM + "CAAA", "ACGU" * 20]
    found = infernal.scan(sequences, infernal.Scanner(models))
    assert [hit is not None for hit in found] == [False, False, False, True, False]
    assert (found[3].family, found[3].accession) == ("stem_test", "RX00002")
    assert (found[3].start, found[3].stop) == (4, 4 + len(STEM) + 1)
