"""What each nucleotide is part of: stem, hairpin, interior loop, multiloop or end.

Letters as forgi writes them (Kerpedjiev et al. 2013; `BulgeGraph.to_element_string`):
s stem, h hairpin loop, i bulge or interior loop, m multiloop, f 5' end, t 3' end.
"""

import numpy as np

from ssrlm_jax.rna import structures


def of(structure: structures.Structure) -> str:
    """Returns a letter for each nucleotide.

    Pairs that cross others are set aside for the loops: as few as a greedy choice from
    short pairs to long ones drops; their nucleotides are s all the same. Unpaired
    nucleotides outside of all pairs, between two stems, are m.

    Args:
      structure: with or without pseudoknots; of a base triple the first pair counts.

    Example:
      >>> of(structures.from_dot_bracket("..((..((...)).))."))
      'ffssiisshhhssisst'
    """
    structure = structures.without_triples(structure)
    length = structure.length
    partner_L, _ = structures.partners(_nested(structure))
    letters = ["?"] * length
    _mark(letters, partner_L, -1, length)
    for position in structure.pairs.ravel().tolist():
        letters[position] = "s"
    return "".join(letters)


def _mark(letters: list[str], partner_L: np.ndarray, first: int, last: int) -> None:
    """Marks the loop that the pair (first, last) closes, and all loops in it."""
    todo = [(first, last)]
    while todo:
        i, j = todo.pop()
        unpaired, inner = [], []
        position = i + 1
        while position < j:
            partner = int(partner_L[position])
            if partner < 0:
                unpaired.append(position)
                position += 1
            else:
                inner.append((position, partner))
                position = partner + 1
        for index in unpaired:
            letters[index] = _letter(i, index, inner)
        todo += inner


def _letter(i: int, index: int, inner: list[tuple[int, int]]) -> str:
    if i < 0:
        if not inner or index < inner[0][0]:
            return "f"
        return "t" if index > inner[-1][1] else "m"
    return "hi"[len(inner)] if len(inner) < 2 else "m"


def _nested(structure: structures.Structure) -> structures.Structure:
    """Returns a structure without the pairs that cross a shorter one that is kept."""
    i, j = structure.pairs.T
    kept: list[int] = []
    for pair in np.argsort(j - i, kind="stable").tolist():
        held_i, held_j = i[kept], j[kept]
        crosses = (held_i < i[pair]) & (i[pair] < held_j) & (held_j < j[pair])
        crosses |= (i[pair] < held_i) & (held_i < j[pair]) & (j[pair] < held_j)
        if not crosses.any():
            kept.append(pair)
    return structures.Structure(structure.length, structure.pairs[sorted(kept)])
