"""Generated RNA: families that share a structure, and coding sequences.

A stand-in for real RNA where none is at hand: what a model can learn here (pairs
that mutate together, letters that a family keeps, codons) it must find in real
RNA too. Lengths are in nucleotides; everything follows from the seed.
"""

import dataclasses
import pathlib
from collections.abc import Iterator

import numpy as np

from ssrlm_jax import config
from ssrlm_jax.data import rows
from ssrlm_jax.prepare.corpus import from_records
from ssrlm_jax.rna import formats, structures

_PAIRS = np.array(["GC", "CG", "AU", "UA", "GU", "UG"])
_PAIR_SHARES = np.array([0.28, 0.28, 0.16, 0.16, 0.06, 0.06])  # as in rRNA helices
_LETTERS = np.array(list("ACGU"))
_LOOP_SHARES = np.array([0.37, 0.18, 0.24, 0.21])  # loops are rich in A
_STOP_CODONS = ("UAA", "UAG", "UGA")


@dataclasses.dataclass(frozen=True)
class Family:
    """A structure and the sequence that its members descend from."""

    structure: structures.Structure
    ancestor: np.ndarray  # str (length,), one letter each


def random_structure(rng: np.random.Generator, num_helices: int) -> str:
    """Returns dot-bracket text of nested helices, between unpaired ends.

    Each helix has 4-9 pairs, at times interrupted by a bulge or an internal loop
    of 1-3 nucleotides; it closes a hairpin loop of 4-8 nucleotides or a junction of
    one or two more helices.
    """

    def unpaired(low: int, high: int) -> str:
        return "." * int(rng.integers(low, high + 1))

    def helix(num_within: int) -> str:
        if num_within == 0:
            text = unpaired(4, 8)
        elif num_within == 1:
            text = junction([helix(0)])
        else:
            first = int(rng.integers(0, num_within - 1))
            text = junction([helix(first), helix(num_within - 2 - first)])
        num_pairs = int(rng.integers(4, 10))
        interrupted = int(rng.integers(2, num_pairs - 1)) if rng.random() < 0.4 else 0
        for pair in range(1, num_pairs + 1):
            text = f"({text})"
            if pair == interrupted:
                text = unpaired(1, 3) + text + unpaired(0, 3)
        return text

    def junction(branches: list[str]) -> str:
        return unpaired(1, 4) + "".join(branch + unpaired(1, 4) for branch in branches)

    return unpaired(0, 6) + helix(num_helices - 1) + unpaired(1, 6)


def random_family(rng: np.random.Generator) -> Family:
    """Returns a family of one to four helices; about 25 to 120 nucleotides."""
    text = random_structure(rng, int(rng.integers(1, 5)))
    structure = structures.from_dot_bracket(text)
    ancestor = rng.choice(_LETTERS, structure.length, p=_LOOP_SHARES)
    drawn = rng.choice(_PAIRS, len(structure.pairs), p=_PAIR_SHARES)
    for (i, j), pair in zip(structure.pairs, drawn, strict=True):
        ancestor[i], ancestor[j] = pair
    return Family(structure, ancestor)


def random_member(
    rng: np.random.Generator, family: Family, settings: config.FamiliesConfig
) -> str:
    """Returns a sequence of the family, mutated but with every pair kept.

    A pair that is drawn anew is drawn as a pair: compensatory mutation.
    """
    length = family.structure.length
    drawn = rng.choice(_LETTERS, length, p=_LOOP_SHARES)
    is_drawn = rng.random(length) < settings.loop_mutation_rate
    member = np.where(is_drawn, drawn, family.ancestor)
    pairs = family.structure.pairs
    drawn = rng.choice(_PAIRS, len(pairs), p=_PAIR_SHARES)
    is_drawn = rng.random(len(pairs)) < settings.pair_mutation_rate
    for (i, j), pair, is_new in zip(pairs, drawn, is_drawn, strict=True):
        kept = family.ancestor[i], family.ancestor[j]
        member[i], member[j] = pair if is_new else kept
    return "".join(member)


def random_coding(
    rng: np.random.Generator, codons: np.ndarray, shares: np.ndarray
) -> str:
    """Returns an open reading frame of 40-80 codons between untranslated ends."""

    def untranslated() -> str:
        return "".join(rng.choice(_LETTERS, int(rng.integers(5, 25)), p=_LOOP_SHARES))

    inner = "".join(rng.choice(codons, int(rng.integers(40, 81)), p=shares))
    stop = str(rng.choice(_STOP_CODONS))
    return f"{untranslated()}AUG{inner}{stop}{untranslated()}"


def write(out: pathlib.Path, settings: config.DataConfig, seed: int) -> None:
    """Writes a generated corpus, unless an earlier run has written the same.

    Raises:
      ValueError: there is a corpus of other settings.
    """
    how = {"families": dataclasses.asdict(settings.families), "seed": seed}
    if not out.exists():
        records = generate(settings.families, seed)
        from_records.write_corpus(out, records, row_length=settings.row_length, how=how)
    elif rows.read_manifest(out).how != how:
        raise ValueError(
            f"{out} was generated with other settings; remove it, or take another "
            "--workdir"
        )


def generate(
    settings: config.FamiliesConfig, seed: int
) -> dict[tuple[str, str], Iterator[formats.Record]]:
    """Returns the records of each (split, source) of a generated corpus.

    Validation members belong to the families of training, but were never seen.
    Codons are used with one bias, drawn once, as in one organism.
    """
    rng = np.random.default_rng(seed)
    families = [random_family(rng) for _ in range(settings.num_families)]
    codons = np.array([a + b + c for a in "ACGU" for b in "ACGU" for c in "ACGU"])
    codons = codons[~np.isin(codons, _STOP_CODONS)]
    shares = rng.dirichlet(np.full(len(codons), 0.15))

    def members(split: str, count: int, key: int) -> Iterator[formats.Record]:
        rng = np.random.default_rng([seed, key])
        for number, family in enumerate(families, 1):
            for member in range(1, count + 1):
                sequence = random_member(rng, family, settings)
                name = f"family{number}/{split}{member}"
                yield formats.Record(name, sequence, family.structure)

    def coding(split: str, count: int, key: int) -> Iterator[formats.Record]:
        rng = np.random.default_rng([seed, key])
        for member in range(1, count + 1):
            sequence = random_coding(rng, codons, shares)
            yield formats.Record(f"coding/{split}{member}", sequence, None)

    return {
        ("train", "ncrna"): members("train", settings.num_members, 1),
        ("validation", "ncrna"): members(
            "validation", settings.num_validation_members, 2
        ),
        ("train", "other"): coding("train", settings.num_coding, 3),
        ("validation", "other"): coding(
            "validation", settings.num_validation_coding, 4
        ),
    }
