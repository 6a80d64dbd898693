"""Labelled RNA -> what trains a folding model, and validation that does not flatter.

Whole groups of relatives are held out: records are relatives where they share a family,
or where MMseqs2 aligns them over half of their length. Consensus structures of families
join the training, except families that a test set has anything of.
"""

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence

import networkx
import numpy as np

from ssrlm_jax.data import labelled_records
from ssrlm_jax.external import mmseqs
from ssrlm_jax.rna import formats

FEW_PAIRS = 3  # a consensus with fewer on a sequence says nothing about it
# Two fifths of the letters over half of either: as far as a search finds them.
_RELATIVES = mmseqs.Settings(0.4, 0.5, 0)
_LARGEST_GROUP = 0.01  # of all records; a larger group of relatives is not held out


@dataclasses.dataclass(frozen=True)
class Sets:
    """Records by what they are for; `counts` says what was left out, and why."""

    train: Sequence[formats.Record]
    held_out: Sequence[formats.Record]
    counts: Mapping[str, int]


def make(
    labelled: Sequence[formats.Record],
    consensus: Sequence[formats.Record],
    tests: Sequence[formats.Record],
    *,
    families: Mapping[str, Collection[str]],
    tested_families: Collection[str],
    share: float,
    most_of_family: int,
    max_length: int,
    nearest: float = 1.0,
    num_threads: int = 1,
    seed: int = 0,
) -> Sets:
    """Returns what trains, and labelled records none of whose relatives do.

    Args:
      labelled: with known structures.
      consensus: with a family's consensus structure.
      tests: of all test sets; what equals one never trains.
      families: of labelled records, by name; more than those in their `family`.
      tested_families: whose consensus does not train.
      share: of the labelled records that is held out, in whole groups of relatives.
      most_of_family: consensus records of a family that train, drawn by the seed.
      max_length: nucleotides of a consensus record.
      nearest: identity with a test record, 0..1, from which on nothing trains; 1: only
        what is equal.
      num_threads: of MMseqs2.
      seed: draws groups and records.

    Raises:
      ValueError: a letter that is not of RNA.
      ProgramError: MMseqs2 is missing or failed.
    """
    rng = np.random.default_rng(seed)
    counts: dict[str, int] = {}
    tested = {labelled_records.letters_of(one) for one in tests}
    kept = [one for one in labelled if labelled_records.letters_of(one) not in tested]
    counts["labelled, equal a test record"] = len(labelled) - len(kept)
    added = _usable(consensus, tested_families, max_length)
    counts["consensus, of families not tested"] = len(added)
    known = tested | {labelled_records.letters_of(one) for one in kept}
    added = _distinct(added, known)
    counts["consensus, and not known yet"] = len(added)
    if nearest < 1.0:
        limits = mmseqs.Settings(nearest, 0.5, 2, num_threads=num_threads)
        far = []
        for name, part in (("labelled", kept), ("consensus", added)):
            near = _near(part, tests, limits)
            counts[f"{name}, near a test record"] = len(near)
            far.append([one for number, one in enumerate(part) if number not in near])
        kept, added = far
    chosen = _few_of_each(added, most_of_family, rng)
    counts["consensus, chosen"] = len(chosen)
    # The tables of families do not know all that a test record is a member of.
    limits = _RELATIVES._replace(num_threads=num_threads)
    unwanted = {chosen[number].family for number in _near(chosen, tests, limits)}
    chosen = [one for one in chosen if one.family not in unwanted]
    counts["families of it, near a test record"] = len(unwanted)
    records = [*kept, *chosen]
    own = [families.get(one.name, ()) for one in kept]
    own += [(one.family,) for one in chosen]
    group_N = groups(records, own, num_threads)
    drawn = _draw(group_N, len(kept), share, rng)
    counts["groups of relatives"] = len(set(group_N.tolist()))
    counts["groups held out"] = len(drawn)
    is_held_N = np.isin(group_N, list(drawn))
    counts["consensus, relatives of held-out records"] = int(
        is_held_N[len(kept) :].sum()
    )
    held_out = [one for one, is_held in zip(kept, is_held_N, strict=False) if is_held]
    train = [
        one for one, is_held in zip(records, is_held_N, strict=True) if not is_held
    ]
    return Sets(
        train, held_out, counts | {"train": len(train), "held out": len(held_out)}
    )


def groups(
    records: Sequence[formats.Record],
    families: Sequence[Iterable[str]],
    num_threads: int = 1,
) -> np.ndarray:
    """Returns a group for each record: int64, equal for relatives, and theirs.

    Args:
      records: in any order.
      families: of each record; none, one or several.
      num_threads: of MMseqs2.
    """
    graph = networkx.Graph()
    graph.add_nodes_from(range(len(records)))
    for number, names in enumerate(families):
        graph.add_edges_from((number, f"family {name}") for name in names)
    letters = [one.sequence for one in records]
    settings = _RELATIVES._replace(num_threads=num_threads)
    hits = mmseqs.search(letters, letters, settings, max_targets=1_000)
    graph.add_edges_from(
        zip(hits["query"].tolist(), hits["target"].tolist(), strict=True)
    )
    group_N = np.zeros(len(records), np.int64)
    for number, nodes in enumerate(networkx.connected_components(graph)):
        group_N[[node for node in nodes if isinstance(node, int)]] = number
    return group_N


def _usable(
    records: Iterable[formats.Record], tested_families: Collection[str], max_length: int
) -> list[formats.Record]:
    return [
        one
        for one in records
        if one.family not in tested_families
        and len(one.sequence) <= max_length
        and one.structure is not None
        and len(one.structure.pairs) >= FEW_PAIRS
    ]


def _distinct(
    records: Iterable[formats.Record], known: Collection[bytes]
) -> list[formats.Record]:
    found: dict[bytes, formats.Record] = {}
    for one in records:
        if (letters := labelled_records.letters_of(one)) not in known:
            found.setdefault(letters, one)
    return list(found.values())


def _near(
    records: Sequence[formats.Record],
    tests: Sequence[formats.Record],
    settings: mmseqs.Settings,
) -> set[int]:
    """Returns the places of records that a test record is like."""
    hits = mmseqs.search(
        [one.sequence for one in tests],
        [one.sequence for one in records],
        settings,
        max_targets=10_000,
    )
    return set(hits["target"].tolist())


def _few_of_each(
    records: Sequence[formats.Record], most: int, rng: np.random.Generator
) -> list[formats.Record]:
    taken: dict[str, int] = {}
    chosen = []
    for number in rng.permutation(len(records)).tolist():
        family = records[number].family
        taken[family] = taken.get(family, 0) + 1
        if taken[family] <= most:
            chosen.append(number)
    return [records[number] for number in sorted(chosen)]


def _draw(
    group_N: np.ndarray, num_labelled: int, share: float, rng: np.random.Generator
) -> set[int]:
    """Draws groups until the wanted share of the labelled records is in them."""
    sizes = dict(
        zip(*np.unique(group_N[:num_labelled], return_counts=True), strict=True)
    )
    drawn: set[int] = set()
    num_held = 0
    for group in rng.permutation(sorted(sizes)).tolist():
        if num_held >= share * num_labelled:
            break
        if sizes[group] <= max(1.0, _LARGEST_GROUP * num_labelled):
            drawn.add(group)
            num_held += sizes[group]
    return drawn
