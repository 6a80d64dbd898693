"""Decoding under constraints: they hold whatever the method and the probabilities.

Pairs that constraints rule out are not listed any more, forced ones are certain, and
`decode.decode` does the rest. Positions that must pair are seen to first.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ssrlm_jax.rna import constraints, decode, probabilities, structures

_Listed = probabilities.PairProbabilities


def applied(listed: _Listed, given: constraints.Constraints) -> _Listed:
    """Returns probabilities without pairs that are ruled out; forced ones are 1."""
    left = allowed(listed, given)
    return _with_certain(left, given.forced) if len(given.forced) else left


def allowed(listed: _Listed, given: constraints.Constraints) -> _Listed:
    """Returns probabilities without pairs that are ruled out; nothing is added."""
    is_kept = given.allows(listed.i, listed.j)
    return _Listed(*(column[is_kept] for column in listed))


def decoded(
    listed: _Listed, given: constraints.Constraints, flags: dict[str, Any]
) -> structures.Structure:
    """Returns the structure that a method reads, in which all constraints hold.

    A position that must pair gets a partner below the threshold, even one that is not
    listed, where there is no other: as many of them as possible, then the method's own
    rule. Pairs that hide a modified nucleotide within a helix are given up, and the
    rest is decoded again.

    Args:
      listed: probabilities of pairs, as a model gives them.
      given: of the sequence.
      flags: of `decode.decode`, with `threshold` and `method`.

    Raises:
      ValueError: forced pairs cross, and the method knows no pseudoknots; a position
        that must pair is left without a partner; as `decode.decode`.
    """
    _check_method(given, flags)
    left = applied(listed, given)
    if flags["method"] == "nested":
        left = _without_crossing(left, given.forced)
    while True:
        found = _decoded(left, given, flags)
        buried = found.pairs[given.buried(found)]
        forced = set(map(tuple, given.forced.tolist()))
        dropped = [pair for pair in map(tuple, buried.tolist()) if pair not in forced]
        if not dropped:
            break
        left = _without(left, dropped)
    _check_paired(found, given)
    return found


def _check_method(given: constraints.Constraints, flags: dict[str, Any]) -> None:
    if flags["method"] != "nested":
        return
    found = constraints.crossing(given)
    if found:
        one, other = found
        raise ValueError(
            f"the pairs ({one.i + 1}, {one.j + 1}) ({one.place}) and ({other.i + 1}, "
            f"{other.j + 1}) ({other.place}) cross, and the method 'nested' knows no "
            "pseudoknots; take 'greedy' or 'matching'"
        )


def _check_paired(found: structures.Structure, given: constraints.Constraints) -> None:
    is_left_L = given.must_pair.copy()
    is_left_L[found.pairs.ravel()] = False
    if is_left_L.any():
        position = int(np.argmax(is_left_L))
        raise ValueError(
            f"{given.place_of(position)}, and what else must hold leaves it no "
            "partner; drop a constraint"
        )


def _decoded(
    left: _Listed, given: constraints.Constraints, flags: dict[str, Any]
) -> structures.Structure:
    """Decodes what is left, positions that must pair first."""
    found = decode.decode(left, given.sequence, **flags)
    is_left_L = given.must_pair.copy()
    is_left_L[found.pairs.ravel()] = False
    if not is_left_L.any():
        return found
    boosted = _boosted(_with_candidates(left, given, flags["method"]), given, flags)
    if flags["method"] in ("nested", "matching"):
        return decode.decode(boosted, given.sequence, **flags)
    # One pair after the other can go astray: the first ones are found together.
    is_first = given.must_pair[boosted.i] | given.must_pair[boosted.j]
    first = _Listed(*(column[is_first] for column in boosted))
    together = flags | {"method": "matching", "max_pairs_per_base": 1}
    chosen = decode.decode(first, given.sequence, **together).pairs
    return decode.decode(_with_certain(left, chosen), given.sequence, **flags)


def _with_certain(listed: _Listed, pairs: np.ndarray) -> _Listed:
    """Returns probabilities of which pairs are 1; others of their letters are out."""
    is_kept = ~(np.isin(listed.i, pairs) | np.isin(listed.j, pairs))
    return _sorted(
        np.concatenate([listed.i[is_kept], pairs[:, 0]]),
        np.concatenate([listed.j[is_kept], pairs[:, 1]]),
        np.concatenate([listed.probability[is_kept], np.ones(len(pairs))]),
    )


def _with_candidates(
    left: _Listed, given: constraints.Constraints, method: str
) -> _Listed:
    """Adds all pairs that positions which must pair may have, with probability 0."""
    length = len(given.sequence)
    held = set((left.i.astype(np.int64) * length + left.j).tolist())
    added = {
        (min(position, other), max(position, other))
        for position in np.flatnonzero(given.must_pair).tolist()
        for other in constraints.partners(given, position).tolist()
    }
    new = sorted(pair for pair in added if pair[0] * length + pair[1] not in held)
    i, j = np.array(new, np.int64).reshape(-1, 2).T
    full = _sorted(
        np.concatenate([left.i, i]),
        np.concatenate([left.j, j]),
        np.concatenate([left.probability, np.zeros(len(new))]),
    )
    return _without_crossing(full, given.forced) if method == "nested" else full


def _boosted(
    listed: _Listed, given: constraints.Constraints, flags: dict[str, Any]
) -> _Listed:
    """Returns weights of which one position that must pair outweighs all others.

    Above the threshold, so that methods that add gains pair as many of these positions
    as they can, and choose among equals by probability.
    """
    threshold, length = flags["threshold"], len(given.sequence)
    must_P = given.must_pair[listed.i].astype(float) + given.must_pair[listed.j]
    small = 0.25 / length
    weight_P = must_P / 2 * (1 - small) + small * listed.probability
    is_open_P = (must_P > 0) | (listed.probability >= threshold)
    ordinary_P = small * (listed.probability - threshold)
    gain_P = np.where(must_P > 0, weight_P, ordinary_P) * (1 - threshold)
    boosted_P = np.clip(threshold + gain_P, 0.0, 1.0)
    return _Listed(listed.i[is_open_P], listed.j[is_open_P], boosted_P[is_open_P])


def _without_crossing(listed: _Listed, forced: np.ndarray) -> _Listed:
    """Returns the pairs that cross no forced one."""
    is_kept = np.ones(len(listed.i), bool)
    for i, j in forced.tolist():
        starts_inside = (listed.i > i) & (listed.i < j)
        is_kept &= ~(starts_inside & (listed.j > j))
        is_kept &= ~((listed.i < i) & (listed.j > i) & (listed.j < j))
    return _Listed(*(column[is_kept] for column in listed))


def _without(listed: _Listed, dropped: Sequence[tuple[int, ...]]) -> _Listed:
    held = set(dropped)
    pairs = zip(listed.i.tolist(), listed.j.tolist(), strict=True)
    is_kept = np.array([pair not in held for pair in pairs], bool)
    return _Listed(*(column[is_kept] for column in listed))


def _sorted(i: np.ndarray, j: np.ndarray, probability: np.ndarray) -> _Listed:
    order = np.lexsort((j, i))
    return _Listed(
        i[order].astype(np.int32),
        j[order].astype(np.int32),
        probability[order].astype(np.float32),
    )


def nested(given: constraints.Constraints) -> set[tuple[int, int]]:
    """Returns forced pairs that do not cross each other, as many as can be."""
    i, j = given.forced.T
    listed = _Listed(i, j, np.ones(len(i)))
    found = decode.decode(listed, given.sequence, threshold=0.5, method="nested")
    return {(i, j) for i, j in found.pairs.tolist()}


def ruled_out(given: constraints.Constraints) -> np.ndarray:
    """Returns the canonical pairs (P, 2) that statements of pairs rule out.

    Those that are forbidden, and those of a nucleotide that FMN cuts with other letters
    than G; not what follows from unpaired positions, forced pairs and the span.
    """
    cut = [s.i for s in given.statements if s.kind == constraints.WOBBLE]
    found = {(i, j) for i, j in given.forbidden.tolist()}
    for position in cut:
        for other, letter in enumerate(given.sequence.upper()):
            if letter == "A":
                found.add((min(position, other), max(position, other)))
    return np.array(sorted(found), np.int64).reshape(-1, 2)
