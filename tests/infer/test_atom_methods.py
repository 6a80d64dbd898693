import numpy as np

from ssrlm_jax.infer import atom_methods
from ssrlm_jax.metrics import report3d, stereochemistry


def test_strands_that_were_predicted_one_by_one_lie_apart():
    strands = [atom_methods.helix("GGGAAA"), atom_methods.helix("UUUCCC")]
    found = atom_methods.together(strands)
    assert (found.letters, found.breaks) == ("GGGAAAUUUCCC", (5, 11))
    xyz_N3 = [found.xyz_LT3[part][found.is_atom_LT[part]] for part in np.s_[:6, 6:]]
    away_NN3 = xyz_N3[0][:, None] - xyz_N3[1]
    assert np.linalg.norm(away_NN3, axis=-1).min() >= atom_methods.APART - 1e-3
    bonds = stereochemistry.bond_outliers(found.xyz_LT3, found.is_atom_LT, found.breaks)
    assert bonds.num_links == 10
    assert report3d.base_pairs(found) == []
    sure = [one._replace(plddt_L=np.full(6, 0.5)) for one in strands]
    np.testing.assert_array_equal(atom_methods.together(sure).plddt_L, np.full(12, 0.5))
    assert atom_methods.together([sure[0], strands[1]]).plddt_L is None
