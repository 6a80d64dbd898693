"""Reads the base pairs of DSSR's JSON; DSSR itself is the user's to get and run.

  x3dna-dssr -i=1ehz.cif --json -o=1ehz.json

Nucleotides go by chain and number of the authors, as DSSR names them: "A.PSU39",
"A.G47^A" with an insertion code, "1:A.G5" with a model.

Source: Lu et al. 2015, Nucleic Acids Research 43(21).
"""

import json
import os
import re
from collections.abc import Sequence

from ssrlm_jax.rna import coordinates, pair_kinds

_NUMBER = re.compile(r"(-?\d+)(?:\^(\w))?$")
_EDGES = re.compile(r"[ct][WHS][WHS]")


def read(
    path: str | os.PathLike[str], chains: Sequence[coordinates.Chain]
) -> list[pair_kinds.Pair]:
    """Returns the pairs of nucleotides of `chains`.

    Args:
      path: what DSSR wrote with --json.
      chains: of the same structure; pairs with anything else are left out.

    Returns:
      As of `rna.pair_annotation.annotate`; edges "" where DSSR names none ("--").

    Raises:
      ValueError: the file cannot be read, is no JSON of DSSR, or names a nucleotide
        that the structure has twice.
    """
    try:
        with open(path, encoding="utf-8") as file:
            listed = json.load(file).get("pairs", [])
        ends = [(pair["nt1"], pair["nt2"], pair.get("LW", "")) for pair in listed]
    except (OSError, ValueError, AttributeError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path}: DSSR's JSON with 'pairs' of 'nt1' and 'nt2' is expected ({error})"
        ) from error
    positions: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for index, chain in enumerate(chains):
        for position, number in enumerate(chain.numbers):
            if number:
                name = chain.name, number
                positions.setdefault(name, []).append((index, position))
    found = set()
    for first, second, edges in ends:
        known = [positions.get(_residue_name(name), []) for name in (first, second)]
        for name, several in zip((first, second), known, strict=True):
            if len(several) > 1:
                raise ValueError(
                    f"{path}: {name} may be any of {len(several)} nucleotides; number "
                    "the structure's strands apart"
                )
        if all(known) and known[0] != known[1]:
            named = edges if _EDGES.fullmatch(edges) else ""
            found.add(pair_kinds.ordered(*known[0][0], *known[1][0], named))
    return sorted(found)


def _residue_name(name: str) -> tuple[str, str]:
    """Returns chain and number of a nucleotide of DSSR."""
    chain, _, residue = name.split(":")[-1].partition(".")
    found = _NUMBER.search(residue)
    if not found:
        return chain, ""
    return chain, found[1] + (found[2] or "")
