"""Two sets of base pairs of the same chains: what they share and where they differ."""

import collections
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ssrlm_jax import types
from ssrlm_jax.rna import formats, pair_kinds, structures

Place = tuple[int, int]


class Compared(NamedTuple):
    """One chain.

    Attributes:
      letters: of the chain.
      mine: edges by (i, j), i < j.
      theirs: likewise; edges "" where not known.
    """

    letters: str
    mine: dict[Place, str]
    theirs: dict[Place, str]


def compare(chains: Iterable[Compared]) -> types.Json:
    """Counts shared pairs, and the others by what they are.

    Returns:
      precision, recall and f1 of `mine` pooled over all chains, once of every pair
      and once of the canonical ones; nan-free: 0 where there is nothing. Canonical:
      Watson-Crick and wobble by letters and by edges, those of the other side where
      one side does not know them; where neither does, by letters alone. A pair of one
      side counts as "partner differs" where the other side pairs one of its
      nucleotides elsewhere and does not pair the two, else as "unpaired"; a shared
      one with other edges by both, such as "cWW, tWW", mine first.
    """
    num_chains = 0
    totals: collections.Counter[str] = collections.Counter()
    other_edges: collections.Counter[str] = collections.Counter()
    only: dict[str, collections.Counter[str]] = {
        "mine": collections.Counter(),
        "theirs": collections.Counter(),
    }
    for chain in chains:
        num_chains += 1
        sides = {"mine": chain.mine, "theirs": chain.theirs}
        shared = chain.mine.keys() & chain.theirs.keys()
        totals["shared"] += len(shared)
        known = [p for p in shared if chain.mine[p] and chain.theirs[p]]
        totals["shared, edges of both known"] += len(known)
        differing = [p for p in known if chain.mine[p] != chain.theirs[p]]
        totals["shared, same edges"] += len(known) - len(differing)
        other_edges.update(f"{chain.mine[p]}, {chain.theirs[p]}" for p in differing)
        canonical = {
            "mine": _canonical(chain.letters, chain.mine, chain.theirs),
            "theirs": _canonical(chain.letters, chain.theirs, chain.mine),
        }
        totals["canonical shared"] += len(canonical["mine"] & canonical["theirs"])
        for side, other in (("mine", "theirs"), ("theirs", "mine")):
            totals[side] += len(sides[side])
            totals[f"canonical {side}"] += len(canonical[side])
            used = {position for pair in sides[other] for position in pair}
            for pair in sides[side].keys() - shared:
                where = "partner differs" if used & set(pair) else "unpaired"
                edges = sides[side][pair] or "edges unknown"
                kind = _kind(chain.letters, pair, sides[side][pair])
                only[side][f"{kind}, {edges}, {where}"] += 1
    return {
        "chains": num_chains,
        "all": _scores(totals["shared"], totals["mine"], totals["theirs"]),
        "canonical": _scores(
            totals["canonical shared"],
            totals["canonical mine"],
            totals["canonical theirs"],
        ),
        "edges": {
            "known to both": totals["shared, edges of both known"],
            "same": totals["shared, same edges"],
            "different": dict(other_edges.most_common()),
        },
        "only_mine": dict(only["mine"].most_common()),
        "only_theirs": dict(only["theirs"].most_common()),
    }


def _canonical(
    letters: str, found: dict[Place, str], others: dict[Place, str]
) -> set[Place]:
    return {
        pair
        for pair, edges in found.items()
        if _kind(letters, pair, edges or others.get(pair, "")) != pair_kinds.KINDS[2]
    }


def _kind(letters: str, pair: Place, edges: str) -> str:
    return pair_kinds.kind(letters[pair[0]], letters[pair[1]], edges)


def _scores(shared: int, mine: int, theirs: int) -> dict[str, float]:
    return {
        "shared": shared,
        "mine": mine,
        "theirs": theirs,
        "precision": round(shared / max(mine, 1), 4),
        "recall": round(shared / max(theirs, 1), 4),
        "f1": round(2 * shared / max(mine + theirs, 1), 4),
    }


def by_sequence(records: Sequence[formats.Record]) -> dict[str, structures.Structure]:
    """Returns known structures by sequence in RNA letters; the first of equals."""
    found: dict[str, structures.Structure] = {}
    for record in records:
        if record.structure is not None:
            letters = record.sequence.upper().replace("T", "U")
            found.setdefault(letters, record.structure)
    return found
