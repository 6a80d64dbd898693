"""A real chain for tests: the sarcin-ricin loop of PDB entry 1Q96, 27 nt."""

import dataclasses
import functools
import pathlib

import numpy as np

from ssrlm_jax import config
from ssrlm_jax.data import tertiary_crops
from ssrlm_jax.infer import atom_methods
from ssrlm_jax.models import folding_inputs, folding_network, geometry
from ssrlm_jax.rna import atoms, coordinate_formats

PATH = pathlib.Path(__file__).parent / "fixtures" / "1Q96.pdb"
SIZES = config.FoldingConfig(
    single_width=32,
    pair_width=16,
    structure_width=64,
    num_blocks=1,
    num_heads=4,
    head_size=16,
    num_pair_heads=2,
    pair_head_size=16,
    outer_width=4,
    triangle_width=8,
    transition_factor=2,
    num_structure_layers=4,
    num_point_heads=4,
    torsion_width=32,
    single_dropout=0.0,
    pair_dropout=0.0,
    num_cycles=1,
)


@functools.cache
def chain() -> tertiary_crops.Structure:
    return tertiary_crops.read(str(PATH), config.StructuresConfig())[0]


def whole() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns xyz_LT3, kind_L and is_atom_LT of nucleotides with all their atoms."""
    one = chain()
    kind_L = atoms.encode(one.letters)
    is_whole_L = (one.is_atom_LT == atoms.is_atom()[kind_L]).all(1)
    return one.xyz_LT3[is_whole_L], kind_L[is_whole_L], one.is_atom_LT[is_whole_L]


def helix_pdb(letters: str) -> str:
    """Returns the PDB file of a strand of an A-form helix."""
    xyz_LT3, is_atom_LT = atom_methods.helix_atoms(letters)
    nothing_L = np.zeros(len(letters), np.float32)
    chain = coordinate_formats.PredictedChain(letters, xyz_LT3, is_atom_LT, nothing_L)
    return coordinate_formats.as_pdb(chain, {}, {})


def groups(name: str = "base9") -> geometry.Groups:
    return geometry.groups(dataclasses.asdict(atoms.geometry(name)))


def inputs(number: int, length: int, width: int = 8) -> folding_inputs.Inputs:
    rng = np.random.default_rng(number)
    return folding_inputs.Inputs(
        rng.normal(size=(1, length, width)).astype(np.float32),
        rng.integers(0, 4, (1, length)),
        np.arange(length)[None],
        np.ones((1, length), bool),
    )


def network(
    settings: config.FoldingConfig = SIZES, **options
) -> tuple[folding_network.Folder, geometry.Groups]:
    return folding_network.build(
        settings, dataclasses.asdict(atoms.geometry(settings.geometry)), **options
    )
