import jax.numpy as jnp
import numpy as np
import pytest

from ssrlm_jax.infer import atom_methods
from ssrlm_jax.metrics import report3d, stereochemistry, superposition
from ssrlm_jax.models import geometry, strand
from ssrlm_jax.rna import atoms

LETTERS = "GGACUUCGAUCGGCAUAGCC"


def test_a_strand_is_an_a_form_helix():
    """Arnott et al. 1973: 11 nucleotides a turn, 2.81 angstrom each, P at 8.7."""
    xyz_LT3, is_atom_LT = atom_methods.helix_atoms(LETTERS)
    p_L3 = xyz_LT3[:, atoms.P]
    motion = superposition.fit(p_L3[:-1], p_L3[1:])
    twist = np.degrees(np.arccos((np.trace(motion.turn_33) - 1) / 2))
    assert twist == pytest.approx(360 / 11, abs=0.5)
    assert np.ptp(p_L3[:, 2]) / (len(LETTERS) - 1) == pytest.approx(2.81, abs=0.1)
    assert np.linalg.norm(p_L3[:, :2], axis=-1) == pytest.approx(8.7, abs=0.3)
    handed = stereochemistry.chirality(xyz_LT3, is_atom_LT)
    assert handed.num_wrong == 0
    clashes = stereochemistry.clashes(LETTERS, xyz_LT3, is_atom_LT)
    assert len(clashes.pair_N4) == 0
    bonds = stereochemistry.bond_outliers(xyz_LT3, is_atom_LT)
    assert bonds.num_outliers == bonds.num_link_outliers
    model = report3d.Model(LETTERS, xyz_LT3, is_atom_LT)
    assert report3d.base_pairs(model) == []


def test_places_are_relative():
    """The way from a place to the next is the same wherever a strand begins."""
    found = []
    for first in (0, 700):
        q_L4, origin_L3 = strand.frames(first + jnp.arange(3))
        frames = geometry.Frames(geometry.from_quaternion(q_L4), origin_L3)
        found.append(geometry.Frames(*(x[:1] for x in frames)).inverse(origin_L3))
    np.testing.assert_allclose(found[0], found[1], atol=1e-3)


def test_an_unknown_letter_is_named():
    with pytest.raises(ValueError, match="'N' at 3"):
        atom_methods.helix_atoms("ACN")
