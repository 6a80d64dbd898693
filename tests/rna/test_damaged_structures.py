"""Damaged files are read or refused; of what is read nothing is lost in silence."""

import random

import duplex
import numpy as np
import pytest
import structures

from ssrlm_jax.data import tertiary_crops
from ssrlm_jax.rna import atom_files, coordinates

CIF = duplex.cif(
    duplex.changed(duplex.atoms(), place=lambda one: one.number), {"1": duplex.WHOLE}
)
FILES = {
    "pdb": structures.PATH.read_bytes(),
    "cif": CIF.encode(),
    "bcif": duplex.binary(CIF),
}

FIELDS = (b"nan", b"inf", b"****", b"1e30", b"9999.0", b"", b"?", b"'", b"HOH", b"\xff")


def _damaged(kind: str, seed: int) -> bytes:
    """Returns a file with faults; BinaryCIF, which bears little, with one byte's."""
    rng = random.Random(f"{kind} {seed}")
    if kind == "bcif":
        return _flipped(FILES[kind], rng)
    content = FILES[kind]
    for _ in range(rng.randint(1, 4)):
        content = rng.choice(KINDS)(content, rng)
    return content


def _flipped(content: bytes, rng: random.Random) -> bytes:
    found = bytearray(content)
    if found:
        found[rng.randrange(len(found))] = rng.randrange(256)
    return bytes(found)


def _cut(content: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(content) + 1)
    return content[:start] + content[start + rng.choice([1, 40, len(content)]) :]


def _without_lines(content: bytes, rng: random.Random) -> bytes:
    lines = content.split(b"\n")
    start = rng.randrange(len(lines))
    return b"\n".join(lines[:start] + lines[start + rng.choice([1, 30]) :])


def _lines_again(content: bytes, rng: random.Random) -> bytes:
    lines = content.split(b"\n")
    start, target = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[target:target] = lines[start : start + rng.choice([1, 25, 60])]
    return b"\n".join(lines)


def _other_field(content: bytes, rng: random.Random) -> bytes:
    lines = content.split(b"\n")
    place = rng.randrange(len(lines))
    fields = lines[place].split(b" ")
    number = rng.randrange(len(fields))
    value = rng.choice(FIELDS)
    fields[number] = value.rjust(len(fields[number]))  # columns stay, if it fits
    lines[place] = b" ".join(fields)
    return b"\n".join(lines)


KINDS = (_flipped, _flipped, _cut, _without_lines, _lines_again, _other_field)


def _check(path):
    entry = coordinates.read(path)
    for one in tertiary_crops.of_entry(entry):
        assert np.isfinite(one.xyz_LT3).all()
    assert entry.chains or entry.others
    whole = {
        (chain, residue.number)
        for chain, listed in atom_files.read(path).chains.items()
        for residue in listed
        if {"C1'", "C3'", "C4'"} <= residue.atoms.keys()
    }
    told = {
        (one.name, number) for one in entry.chains for number in one.numbers if number
    }
    others = [one.name for one in entry.others]
    lost = {
        (chain, number)
        for chain, number in whole - told
        if chain not in others
        and not any(
            name.startswith(f"{chain}:") and name.endswith(number) for name in others
        )
    }
    assert not lost


@pytest.mark.parametrize("kind", FILES)
def test_damaged_files_are_read_or_refused_with_their_name(tmp_path, kind):
    path = tmp_path / f"x.{kind}"
    errors = []
    for seed in range(40):
        path.write_bytes(_damaged(kind, seed))
        try:
            _check(path)
        except ValueError as error:
            errors.append(str(error))
    assert 0 < len(errors) < 40
    assert all(text.startswith(f"{path}:") for text in errors)
    assert "\n" not in "".join(errors)


def test_an_atom_without_a_place_is_refused(tmp_path):
    """CHARMM writes 9999.000 where it knows none."""
    given = duplex.changed(
        duplex.atoms(), xyz=lambda x: (9999.0,) * 3 if x.number == 3 else x.xyz
    )
    (tmp_path / "a.pdb").write_text(duplex.pdb(given))
    with pytest.raises(ValueError, match="C 3: the place of P is .* below 9999 are"):
        coordinates.read(tmp_path / "a.pdb")
