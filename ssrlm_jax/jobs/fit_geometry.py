"""Fits the places of atoms in rigid groups to real chains, and prints them.

  ssrlm fit_geometry STRUCTURES/train > places.py

Prints the table of a geometry of rna/rigid_groups.py with places that are medians over
all nucleotides that have all their atoms. Never fit on structures that a model is
tested on.
"""

import argparse
import pathlib
from collections.abc import Iterator, Mapping, Sequence

import jax.numpy as jnp
import numpy as np

from ssrlm_jax.jobs import command
from ssrlm_jax.models import geometry
from ssrlm_jax.rna import atoms, coordinates, rigid_groups


def fit(parsed: argparse.Namespace) -> None:
    """Reads structures and prints a table."""
    found: dict[str, list[np.ndarray]] = {letter: [] for letter in atoms.LETTERS}
    for letter, xyz_NT3 in nucleotides(parsed.structures):
        found[letter].append(xyz_NT3)
    missing = [letter for letter, parts in found.items() if not parts]
    if missing:
        raise ValueError(
            f"{parsed.structures}: no whole nucleotide {', '.join(missing)} is found"
        )
    tree = rigid_groups.GEOMETRIES[parsed.geometry]
    for letter, parts in found.items():
        xyz_NT3 = np.concatenate(parts)
        print(f'    "{letter}": {{  # {len(xyz_NT3):,} nucleotides')
        for name, (group, place_3) in fitted(letter, xyz_NT3, tree).items():
            numbers = ", ".join(f"{value + 0.0:.4f}" for value in place_3)
            print(f'        "{name}": ({group}, ({numbers})),')
        print("    },")


def nucleotides(directory: pathlib.Path) -> Iterator[tuple[str, np.ndarray]]:
    """Yields letters and the atoms of their whole nucleotides, chain by chain."""
    for path in sorted(directory.iterdir()):
        if not coordinates.is_structure(path.name):
            continue
        for chain in coordinates.read(path).chains:
            xyz_LT3, is_atom_LT = atoms.place(
                chain.letters, chain.residue_N, chain.name_N, chain.xyz_N3
            )
            kind_L = atoms.encode(chain.letters)
            is_whole_L = (is_atom_LT == atoms.is_atom()[kind_L]).all(1) & (kind_L >= 0)
            for kind, letter in enumerate(atoms.LETTERS):
                chosen_L = is_whole_L & (kind_L == kind)
                if chosen_L.any():
                    yield letter, xyz_LT3[chosen_L]


def fitted(
    letter: str, xyz_NT3: np.ndarray, tree: rigid_groups.Tree
) -> Mapping[str, tuple[int, np.ndarray]]:
    """Returns the group of each atom, and the median of its places there."""
    group_of = {name: group for name, (group, _) in tree.places[letter].items()}
    by_group = [_frames(letter, xyz_NT3, tree.frame)]
    for a, b, c, d in tree.torsions:
        del a
        at_b_N3, at_c_N3, at_d_N3 = (
            jnp.asarray(xyz_NT3[:, atoms.slot(letter, n)]) for n in (b, c, d)
        )
        by_group.append(geometry.from_points(at_d_N3, at_c_N3, 2 * at_c_N3 - at_b_N3))
    found = {}
    for name, group in group_of.items():
        global_N3 = jnp.asarray(xyz_NT3[:, atoms.slot(letter, name)])
        local_N3 = by_group[group].inverse(global_N3)
        found[name] = group, np.median(np.asarray(local_N3), axis=0)
    return dict(sorted(found.items(), key=lambda item: item[1][0]))


def _frames(letter: str, xyz_NT3: np.ndarray, names: Sequence[str]) -> geometry.Frames:
    return geometry.from_points(
        *(jnp.asarray(xyz_NT3[:, atoms.slot(letter, name)]) for name in names)
    )


COMMAND = command.Command(
    function=fit,
    about=__doc__,
    flags={
        "structures": {"type": pathlib.Path, "help": "directory of files"},
        "--geometry": {
            "choices": tuple(rigid_groups.GEOMETRIES),
            "default": "base9",
            "help": "its torsions are kept",
        },
    },
)
