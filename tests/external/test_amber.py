import dataclasses
import random
import sys

import numpy as np
import pytest
import structures

from ssrlm_jax.external import amber
from ssrlm_jax.metrics import stereochemistry
from ssrlm_jax.rna import atoms, coordinate_formats

NOISE = 0.3 / 3**0.5  # angstrom along each axis


@pytest.fixture
def library():
    return pytest.importorskip("openmm", reason="OpenMM is not installed")


def _chain(first=0, last=27, noise=0.0, seed=1, **changed):
    """1Q96, of which the first nucleotide has no phosphate."""
    real = structures.chain()
    is_atom_LT = real.is_atom_LT[first:last]
    xyz_LT3 = real.xyz_LT3[first:last]
    rng = np.random.default_rng(seed)
    xyz_LT3 = xyz_LT3 + noise * rng.normal(size=xyz_LT3.shape)
    fields = {
        "letters": real.letters[first:last],
        "xyz_LT3": np.where(is_atom_LT[..., None], xyz_LT3, 0).astype(np.float32),
        "is_atom_LT": is_atom_LT,
        "plddt_L": np.linspace(0, 1, last - first, dtype=np.float32),
        "name": "Q",
        "numbers": tuple(range(11, 11 + last - first)),
    }
    return coordinate_formats.PredictedChain(**(fields | changed))


def _distance(chain, other):
    step_N3 = (chain.xyz_LT3 - other.xyz_LT3)[chain.is_atom_LT]
    return np.sqrt((step_N3**2).sum(-1).mean())


def _bonds(chain):
    return stereochemistry.bond_outliers(chain.xyz_LT3, chain.is_atom_LT)


def _num_clashes(chain):
    found = stereochemistry.clashes(chain.letters, chain.xyz_LT3, chain.is_atom_LT)
    return len(found.pair_N4)


def _length(chain, residue, name, other):
    a, b = (chain.xyz_LT3[residue, atoms.BACKBONE.index(n)] for n in (name, other))
    return np.linalg.norm(a - b)


@pytest.mark.parametrize("first", [0, 1], ids=["5' hydroxyl", "5' phosphate"])
def test_a_distorted_chain_gets_better(library, first):
    real, before = _chain(first), _chain(first, noise=NOISE)
    found = amber.relax(before)
    after = found.chain
    assert found.is_converged
    # The crystal itself, relaxed with and without its first nucleotide: -15256, -14551
    assert found.energy_before > 50_000
    assert -16_000 < found.energy_after < -14_000
    assert _bonds(before).share > 0.5
    assert _bonds(after).share < 0.01
    assert found.rmsd == pytest.approx(_distance(after, before), abs=1e-5)
    assert found.rmsd < 0.4
    assert _distance(after, real) < 0.6 * _distance(before, real)
    assert not stereochemistry.chirality(after.xyz_LT3, after.is_atom_LT).num_wrong
    assert not _num_clashes(after)
    assert after.letters == before.letters
    assert (after.name, after.numbers) == (before.name, before.numbers)
    assert after.xyz_LT3.dtype == np.float32
    np.testing.assert_array_equal(after.is_atom_LT, before.is_atom_LT)
    np.testing.assert_array_equal(after.plddt_L, before.plddt_L)
    np.testing.assert_array_equal(after.xyz_LT3[~after.is_atom_LT], 0)


def test_the_5_prime_phosphate_is_repaired_like_others(library):
    before = _chain(1, 7, noise=NOISE)
    after = amber.relax(before).chain
    for name, other in (("P", "O5'"), ("P", "OP1"), ("P", "OP2")):
        others = [_length(after, residue, name, other) for residue in range(1, 6)]
        assert _length(after, 0, name, other) == pytest.approx(
            np.mean(others), abs=0.03
        )


def test_equal_calls_give_equal_results_and_leave_random_numbers_alone(library):
    chain = _chain(0, 6, noise=NOISE)
    xyz_LT3 = chain.xyz_LT3.copy()
    random.seed(1)
    one = amber.relax(chain)
    random.seed(2)
    state = random.getstate()
    other = amber.relax(chain)
    np.testing.assert_array_equal(one.chain.xyz_LT3, other.chain.xyz_LT3)
    assert one[1:5] == other[1:5]
    np.testing.assert_array_equal(chain.xyz_LT3, xyz_LT3)
    assert random.getstate() == state


def test_nothing_moves_far_from_a_crystal(library):
    found = amber.relax(_chain(0, 12))
    assert found.rmsd < 0.15
    assert found.energy_after < found.energy_before


def test_without_time_nothing_moves(library):
    before = _chain(1, 5, noise=NOISE)
    found = amber.relax(before, limit_s=0)
    assert not found.is_converged
    assert found.energy_after == found.energy_before
    np.testing.assert_allclose(found.chain.xyz_LT3, before.xyz_LT3, atol=1e-4)
    assert found.rmsd < 1e-4


def test_time_that_runs_out_keeps_what_was_reached(library, monkeypatch):
    before = _chain(1, 5, noise=NOISE)
    ticks = iter([0.0] * 20)  # then time is up
    monkeypatch.setattr(amber.time, "monotonic", lambda: next(ticks, 9.0))
    found = amber.relax(before, limit_s=5.0)
    assert not found.is_converged
    assert found.energy_after < found.energy_before
    assert 0 < found.rmsd < 1.0
    monkeypatch.undo()
    assert amber.relax(before).energy_after < found.energy_after


def test_a_torn_chain_is_mended_and_atoms_that_overlap_part(library):
    xyz_LT3 = _chain().xyz_LT3.copy()
    step_3 = xyz_LT3[13, atoms.P] - xyz_LT3[12, atoms.O3_PRIME]
    xyz_LT3[13:] += 2 * step_3 / np.linalg.norm(step_3)  # one strand into the other
    before = _chain(xyz_LT3=xyz_LT3)
    assert _bonds(before).num_link_outliers == 1
    assert _num_clashes(before) > 100
    after = amber.relax(before).chain
    assert not _bonds(after).num_outliers
    assert not _num_clashes(after)


def _crowded(first=0, last=12, shrink=0.4):
    """Nucleotides moved into each other, each as it was: no fold can be made of it."""
    real = _chain(first, last)
    xyz_LT3 = real.xyz_LT3.copy()
    middle_L3 = xyz_LT3[:, atoms.C1_PRIME].copy()
    xyz_LT3 -= (1 - shrink) * (middle_L3 - middle_L3.mean(0))[:, None]
    return dataclasses.replace(real, xyz_LT3=xyz_LT3)


def _violations(chain):
    given = chain.letters, chain.xyz_LT3, chain.is_atom_LT
    return stereochemistry.violations(*given)


def test_ribose_keeps_its_handedness_where_atoms_cannot_part(library, monkeypatch):
    before = _crowded()
    assert _violations(before).wrong_chirality == 0
    assert _violations(before).clashes > 1_000
    after = _violations(amber.relax(before).chain)
    assert after.wrong_chirality == 0
    assert after.clashes < 100
    monkeypatch.setattr(amber, "HANDED", 0.0)
    assert _violations(amber.relax(before).chain).wrong_chirality > 0


def test_wrong_centres_are_turned(library):
    """O2' of two nucleotides on the wrong side of ribose."""
    xyz_LT3 = _chain(0, 8).xyz_LT3.copy()
    o2, c2, c1, c3 = (atoms.BACKBONE.index(n) for n in ("O2'", "C2'", "C1'", "C3'"))
    for residue in (2, 5):
        x_T3 = xyz_LT3[residue]
        normal_3 = np.cross(x_T3[c1] - x_T3[c2], x_T3[c3] - x_T3[c2])
        normal_3 /= np.linalg.norm(normal_3)
        x_T3[o2] -= 2 * ((x_T3[o2] - x_T3[c2]) @ normal_3) * normal_3
    before = _chain(0, 8, xyz_LT3=xyz_LT3)
    assert _violations(before).wrong_chirality == 2
    assert _violations(amber.relax(before).chain).wrong_chirality == 0


def test_a_chain_of_one_nucleotide_is_refused(library):
    with pytest.raises(ValueError, match="two nucleotides or more are expected"):
        amber.relax(_chain(1, 2))


@pytest.mark.parametrize("limit_s", [-1.0, float("nan")])
def test_an_impossible_limit_is_refused(library, limit_s):
    with pytest.raises(ValueError, match=f"limit_s={limit_s} is not >= 0"):
        amber.relax(_chain(), limit_s=limit_s)


@pytest.mark.parametrize(
    ("residue", "name"), [(3, "O2'"), (0, "OP2"), (1, "P"), (0, "O5'")]
)
def test_a_missing_atom_is_named(library, residue, name):
    is_atom_LT = _chain(1).is_atom_LT.copy()
    is_atom_LT[residue, atoms.BACKBONE.index(name)] = False
    message = f"nucleotide {residue + 1} has no {name}; all are expected"
    with pytest.raises(ValueError, match=message):
        amber.relax(_chain(1, is_atom_LT=is_atom_LT))


def test_atoms_on_one_another_are_refused(library):
    xyz_LT3 = _chain(0, 4).xyz_LT3.copy()
    xyz_LT3[3, atoms.P] = xyz_LT3[0, atoms.GLYCOSIDIC]
    with pytest.raises(ValueError, match="atoms lie on one another"):
        amber.relax(_chain(0, 4, xyz_LT3=xyz_LT3))


def test_unknown_letters_and_places_never_get_here():
    with pytest.raises(ValueError, match="nucleotide 2: 'N' is not one of A C G U"):
        _chain(0, 4, letters="GNGC")
    with pytest.raises(ValueError, match="finite numbers are expected"):
        _chain(0, 4, xyz_LT3=np.full_like(_chain(0, 4).xyz_LT3, np.nan))


def test_a_failure_of_the_simulation_is_said(library, monkeypatch):
    def fail(*_):
        raise library.OpenMMException("Particle coordinate is NaN")

    monkeypatch.setattr(library.LocalEnergyMinimizer, "minimize", fail)
    with pytest.raises(ArithmeticError, match="relaxation: Particle coordinate is NaN"):
        amber.relax(_chain(0, 3))


def test_a_missing_package_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "openmm", None)
    message = r"^relaxation needs OpenMM: pip install 'ssrlm-jax\[relax\]'$"
    with pytest.raises(ImportError, match=message):
        amber.check_installed()
    with pytest.raises(ImportError, match=message):
        amber.relax(_chain())
