"""`ssrlm fold` with reactivities and constraints, on ten RNAs from file to file."""

import json

import numpy as np
import pytest

from ssrlm_jax import cli
from ssrlm_jax.rna import structures

SEED = 0
HAIRPIN = "GGGGAAAACCCCAAAAGAAAAACAAA"


@pytest.fixture(scope="module")
def ten(tmp_path_factory):
    """Returns a folder of ten RNAs, with reactivities and constraints."""
    folder = tmp_path_factory.mktemp("ten")
    rng = np.random.default_rng(SEED)
    names = [f"rna{n}" for n in range(10)]
    sequences = ["".join(rng.choice(list("ACGU"), 30)) for _ in names[1:]]
    sequences.insert(0, HAIRPIN)
    lines = [f">{n}\n{s}\n" for n, s in zip(names, sequences, strict=True)]
    (folder / "ten.fa").write_text("".join(lines))
    shape = []
    for name, sequence in zip(names[:9], sequences, strict=False):
        values = rng.exponential(0.5, len(sequence))
        rows = [f"{n} {v:.3f}\n" for n, v in enumerate(values, 1)]
        shape += [f">{name}\n", *rows]
    (folder / "ten.shape").write_text("".join(shape))
    known = ">rna0\n................(.....)...\n" + "".join(
        f">{name}\nP 1 0 10\n" for name in names[1:]
    )
    (folder / "ten.con").write_text(known)
    return folder


def _fold(folder, capsys, *flags):
    status = cli.main(["fold", *map(str, flags)])
    found = capsys.readouterr()
    return status, found.out, found.err


def test_ten_rnas_from_file_to_file(ten, tmp_path, capsys):
    out = tmp_path / "out"
    status, _, told = _fold(
        ten,
        capsys,
        *(ten / "ten.fa", "-o", out, "--format", "json,dbn", "--max-span", "25"),
        *("--reactivities", ten / "ten.shape", "--constraints", ten / "ten.con"),
    )
    assert status == 0, told
    assert "rna9" not in told  # it has constraints, if no reactivities
    lines = (out / "predictions.jsonl").read_text().splitlines()
    facts = [json.loads(line) for line in lines]
    assert [one["name"] for one in facts] == [f"rna{n}" for n in range(10)]
    assert [17, 23] in facts[0]["pairs"]
    for one in facts[1:]:
        assert all(i > 10 for i, _ in one["pairs"])
        assert all(j - i < 25 for i, j in one["pairs"])
    assert len(facts[0]["reactivities"]) == len(HAIRPIN)
    assert "reactivities" not in facts[9]


def test_a_record_whose_constraints_cannot_hold_is_reported_alone(
    ten, tmp_path, capsys
):
    wrong = tmp_path / "wrong.con"
    wrong.write_text(">rna0\n1 12\nP 1 0 1\n>rna1\n" + "x" * 30 + "\n>rna99\n1 9\n")
    status, out, told = _fold(ten, capsys, ten / "ten.fa", "--constraints", wrong)
    assert status == 1
    assert f"position 1 is paired with 12 ({wrong}:2) and unpaired ({wrong}:3)" in told
    assert "9 of 10 folded" in told
    assert f"warning: {wrong}:6: rna99: no such RNA" in told
    assert "rna2: nothing is known of it in" in told
    dots = out.splitlines()[2]
    assert out.startswith(">rna1")
    assert not len(structures.from_dot_bracket(dots).pairs)


def test_evidence_without_a_name_is_of_one_record(ten, tmp_path, capsys):
    one = tmp_path / "one.shape"
    one.write_text("1 0.5\n2 0.5\n")
    status, _, told = _fold(ten, capsys, ten / "ten.fa", "--reactivities", one)
    assert status == 1
    assert "it names no RNA, and was used for another record already" in told


def test_columns_that_end_early_are_told(tmp_path, capsys):
    (tmp_path / "one.fa").write_text(f">one\n{HAIRPIN}\n")
    path = tmp_path / "one.shape"
    for length, is_told in ((len(HAIRPIN), False), (len(HAIRPIN) - 6, True)):
        path.write_text("".join(f"{n} 0.{n % 9}\n" for n in range(1, length + 1)))
        flags = (tmp_path / "one.fa", "--reactivities", path)
        status, _, told = _fold(tmp_path, capsys, *flags)
        assert status == 0, told
        warning = f"{path}:1: it ends at position 20 of 26; there is no data behind"
        assert (warning in told) == is_told


def test_values_that_look_unnormalised_are_told(tmp_path, capsys):
    path = tmp_path / "raw.shape"
    path.write_text("".join(f"{n} {n * 100}\n" for n in range(1, 27)))
    status, _, told = _fold(tmp_path, capsys, HAIRPIN, "--reactivities", path)
    assert status == 0
    assert "normalised ones about 1; see --normalise" in told
    _, _, told = _fold(
        tmp_path, capsys, HAIRPIN, "--reactivities", path, "--normalise", "2-8"
    )
    assert "normalised" not in told


def test_pictures_are_coloured_by_reactivity(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    path = tmp_path / "a.shape"
    path.write_text("".join(f"{n} {n / 10}\n" for n in range(1, 26)))
    flags = (HAIRPIN, "--reactivities", path, "-o", tmp_path / "out", "--plot")
    status, _, told = _fold(tmp_path, capsys, *flags)
    assert status == 0, told
    for kind in ("arcs", "drawing"):
        svg = (tmp_path / "out" / f"sequence.{kind}.svg").read_text()
        assert "#cc2222" in svg  # above 0.85
        assert "#999999" in svg  # the last nucleotide has no data
    assert "#cc2222" not in (tmp_path / "out" / "sequence.map.svg").read_text()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--max-span", "-3"), "--max-span=-3 is < 0"),
        (("--reactivities", "nothing.shape"), "nothing.shape: cannot be read"),
    ],
)
def test_flags_that_cannot_be_are_told(flags, message, tmp_path, capsys):
    status, _, told = _fold(tmp_path, capsys, HAIRPIN, *flags)
    assert status == 1
    assert message in told


def test_pairs_that_are_forced_take_no_others_away(tmp_path, capsys):
    (tmp_path / "a.fa").write_text(">a\nGGGAAACUUCGGUUUCCCAAGG\n")
    (tmp_path / "a.con").write_text("1 18\n2 17\n3 16\n")  # the model's own, of seven
    _, before, _ = _fold(tmp_path, capsys, tmp_path / "a.fa", "-m", "energies")
    given = ("-m", "energies", "--constraints", tmp_path / "a.con")
    status, found, _ = _fold(tmp_path, capsys, tmp_path / "a.fa", *given)
    assert status == 0
    assert found.splitlines()[-1] == before.splitlines()[-1] == "(((((((....)))))))...."
