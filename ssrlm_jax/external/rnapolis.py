"""Finds base pairs by RNApolis, an annotator of its own; needs the extra [pdb].

Source: Szachniuk et al., RNApolis (github.com/tzok/rnapolis-py); it names
Leontis-Westhof classes from heavy atoms alone.
"""

from collections.abc import Sequence

from ssrlm_jax.rna import coordinates, pair_kinds


def check() -> None:
    """Raises an ImportError where RNApolis is missing."""
    try:
        import rnapolis.annotator  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "annotator 'rnapolis' needs RNApolis: pip install 'ssrlm-jax[pdb]'"
        ) from error


def annotate(chains: Sequence[coordinates.Chain]) -> list[pair_kinds.Pair]:
    """Finds base pairs; arguments and result as of `rna.pair_annotation.annotate`."""
    from rnapolis import annotator, common, tertiary

    residues = []
    for number, chain in enumerate(chains):
        atoms: dict[int, list[tertiary.Atom]] = {}
        rows = zip(
            chain.residue_N.tolist(),
            chain.name_N.tolist(),
            chain.xyz_N3.tolist(),
            strict=True,
        )
        for position, name, xyz in rows:
            # A chain's place in the call and the position name a nucleotide.
            label = common.ResidueAuth(
                str(number), position + 1, None, chain.letters[position]
            )
            atoms.setdefault(position, []).append(
                tertiary.Atom(None, None, label, 1, name, *xyz, 1.0)
            )
        residues += [
            tertiary.Residue3D(
                None,
                of_one[0].auth,
                1,
                chain.letters[position],
                tuple(of_one),
            )
            for position, of_one in atoms.items()
            if chain.letters[position] != "N"
        ]
    if len(residues) < 2:
        return []
    base_pairs, _, _ = annotator.find_pairs(tertiary.Structure3D(residues), 1)
    found = set()
    for pair in base_pairs:
        one, two = pair.nt1.auth, pair.nt2.auth
        if one and two:
            found.add(
                pair_kinds.ordered(
                    int(one.chain),
                    one.number - 1,
                    int(two.chain),
                    two.number - 1,
                    pair.lw.value,
                )
            )
    return sorted(found)
