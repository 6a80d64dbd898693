"""`ssrlm fold` with more than one answer, and of alignments."""

import json

import pytest

from ssrlm_jax import cli
from ssrlm_jax.cli import alternatives

HAIRPIN = "GGGGAAAACCCCAAAAGAAAAACAAA"
FAMILY = """# STOCKHOLM 1.0
#=GF AC RF99999
one      GGGGAAAA-CCCCAA
two      GGCGAAAAUCGCCAA
//
"""


def _fold(capsys, *flags):
    status = cli.main(["fold", *map(str, flags)])
    found = capsys.readouterr()
    return status, found.out, found.err


def test_other_structures_stand_below_with_what_they_are(capsys):
    flags = (HAIRPIN, "--samples", 50, "--suboptimal", 3, "--compare", "ViennaRNA")
    status, out, told = _fold(capsys, *flags)
    assert status == 0, told
    lines = out.splitlines()
    assert lines[2] == "((((....)))).............."
    shares = [line for line in lines if "of what model draws" in line]
    assert shares
    total = sum(float(line.split()[1].rstrip("%")) for line in shares)
    assert total == pytest.approx(100, abs=1)
    assert any("of what vienna draws" in line for line in lines)
    assert "((((....)))).............. -7.10 kcal/mol by vienna" in lines
    assert lines[-3] == "((((....)))).............. vienna"
    assert lines[-2].strip() == "0 differ"
    assert lines[-1].startswith("ensemble distance ")
    assert _fold(capsys, *flags)[1] == out  # same in, same out


def test_json_has_them_as_fields(capsys):
    status, out, _ = _fold(
        capsys, HAIRPIN, "--compare", "vienna", "--format", "json", "--max-span", 11
    )
    assert status == 0
    facts = json.loads(out)
    (one,) = facts["alternatives"]
    assert one["source"] == "vienna"
    assert one["dot_bracket"].startswith("(((.....)))")  # 12 is beyond the span
    assert "ensemble_distance" in facts


def test_cofold_stands_below_two_strands(capsys):
    given = "GGGGAAAACCCC&GGGGUUUUCCCC", "--compare", "ViennaRNA"
    status, out, told = _fold(capsys, *given)
    assert status == 0, told
    lines = out.splitlines()
    assert lines[3] == "((((((((((((&)))))))))))) vienna"
    assert lines[4].strip() == "0 differ"
    told = {"kind": "program", "source": "x", "dot_bracket": "((&.))", "differs": [4]}
    shown = alternatives.lines({"alternatives": [told], "ensemble_distance": 0.0})
    assert shown.splitlines()[:2] == ["((&.)) x", "    ^  1 differ"]


@pytest.mark.parametrize("flags", [("--samples", 5), ("--suboptimal", 2)])
def test_what_takes_one_strand_says_so(capsys, flags):
    status, _, told = _fold(capsys, "GGGGAAAA&UUUUCCCC", *flags)
    assert status == 1
    assert "two strands; --samples and --suboptimal take one" in told


def test_an_alignment_is_folded_as_one(capsys, tmp_path):
    path = tmp_path / "family.sto"
    path.write_text(FAMILY)
    status, out, told = _fold(capsys, path)
    assert status == 0, told
    lines = out.splitlines()
    assert lines[0].startswith(">RF99999 ")
    assert lines[2] == "((((.....)))).."
    assert lines[3] == "((((.....)))).. RNAalifold"
    first = next(n for n, line in enumerate(lines) if line.startswith(">one"))
    assert lines[first + 1 : first + 3] == ["GGGGAAAACCCCAA", "((((....)))).."]
    assert "3 of 3 folded" in told


def test_aligned_fasta_is_one_where_that_is_said(capsys, tmp_path):
    path = tmp_path / "family.fa"
    path.write_text(">one\nGGGGAAAA-CCCCAA\n>two\nGGCGAAAAUCGCCAA\n")
    status, out, _ = _fold(
        capsys, path, "--alignment", "-o", tmp_path / "out", "--format", "dbn,json"
    )
    assert status == 0
    assert not out
    written = {one.name for one in (tmp_path / "out").iterdir()}
    assert written == {"family.dbn", "one.dbn", "two.dbn", "predictions.jsonl"}


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--samples", "-1"), "--samples=-1 is < 0"),
        (("--suboptimal", "11"), "--suboptimal=11 does not lie in 0..10"),
        (("--compare", "mfold"), "--compare: 'mfold' is not one of vienna"),
        (("--alignment",), "--alignment needs a file"),
    ],
)
def test_flags_that_cannot_be_are_told(flags, message, capsys):
    status, _, told = _fold(capsys, HAIRPIN, *flags)
    assert status == 1
    assert message in told


def test_an_alignment_has_no_evidence(capsys, tmp_path):
    path = tmp_path / "family.sto"
    path.write_text(FAMILY)
    status, _, told = _fold(capsys, path, "--max-span", "9")
    assert status == 1
    assert f"--max-span is of one RNA; {path} is an alignment" in told
