import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import structures

from ssrlm_jax import config
from ssrlm_jax.data import tertiary_crops
from ssrlm_jax.metrics import coordinate_scores
from ssrlm_jax.models import geometry
from ssrlm_jax.rna import atoms
from ssrlm_jax.tasks import tertiary_losses, tertiary_task

NEVER = jnp.full(1, jnp.inf)


def _frame_error(found_LT3, limit=NEVER):
    xyz_LT3, kind_L, is_LT = structures.whole()
    groups = structures.groups()
    found, true = (
        geometry.frames_of(jnp.array(x)[None], kind_L[None], groups)
        for x in (found_LT3, xyz_LT3)
    )
    points = (jnp.array(x).reshape(1, -1, 3) for x in (found_LT3, xyz_LT3))
    found_BN3, true_BN3 = points
    is_frame_BL = np.ones((1, len(kind_L)), bool)
    return float(
        tertiary_losses.frame_error(
            found, found_BN3, true, true_BN3, is_frame_BL, is_LT.reshape(1, -1), limit
        )[0]
    )


def test_frame_error_of_the_truth_of_its_motion_and_of_its_mirror_image():
    """At the truth it is sqrt(1e-4) angstrom; lDDT cannot tell the mirror image."""
    xyz_LT3, _, is_LT = structures.whole()
    assert _frame_error(xyz_LT3) == pytest.approx(1e-3, rel=1e-3)
    turn_33 = geometry.from_quaternion(jnp.array([0.5, 0.1, -0.5, 0.7]))
    moved_LT3 = np.array(geometry.rotate(turn_33[None, None], xyz_LT3)) + 30.0
    assert _frame_error(moved_LT3) == pytest.approx(1e-3, rel=2e-2)
    mirror_LT3 = xyz_LT3 * np.array([[[-1, 1, 1]]], np.float32)
    assert _frame_error(mirror_LT3) > 0.3
    score = coordinate_scores.lddt_all_atom(mirror_LT3, is_LT, xyz_LT3, is_LT).score
    assert score == pytest.approx(1.0)


def test_a_limit_bounds_frame_errors():
    xyz_LT3 = structures.whole()[0]
    far_LT3 = xyz_LT3 * 9
    assert _frame_error(far_LT3, jnp.full(1, 10.0)) <= 1.0 < _frame_error(far_LT3)


def test_phosphate_oxygens_may_be_named_either_way():
    xyz_LT3, _, is_LT = structures.whole()
    one, two = atoms.SWAPPED
    swapped_LT3 = xyz_LT3.copy()
    swapped_LT3[::2, [one, two]] = xyz_LT3[::2, [two, one]]
    found_BLT3, found_BLT = tertiary_losses.renamed(
        jnp.array(xyz_LT3)[None], jnp.array(swapped_LT3)[None], jnp.array(is_LT)[None]
    )
    np.testing.assert_array_equal(found_BLT3[0], xyz_LT3)
    np.testing.assert_array_equal(found_BLT[0], is_LT)


def test_lddt_of_the_target_is_the_metrics():
    xyz_LT3, _, is_LT = structures.whole()
    noisy_LT3 = xyz_LT3 + np.random.default_rng(0).normal(size=xyz_LT3.shape)
    noisy_LT3 = noisy_LT3.astype(np.float32)
    expected = coordinate_scores.lddt_c1(noisy_LT3, is_LT, xyz_LT3, is_LT)
    c1 = atoms.C1_PRIME
    found_BL = tertiary_losses.lddt(
        jnp.array(noisy_LT3[None, :, c1]),
        jnp.array(xyz_LT3[None, :, c1]),
        jnp.array(is_LT[None, :, c1]),
    )
    np.testing.assert_allclose(found_BL[0], expected.score_L, atol=1e-6)
    assert 0.3 < expected.score < 0.95


def test_a_chain_that_shrinks_loses_its_contacts():
    """The least is 1 - the mean of sigmoids of LIMITS; frame errors fall meanwhile."""
    xyz_LT3, _, is_LT = structures.whole()
    true_BLT3, is_BLT = jnp.array(xyz_LT3)[None], is_LT[None]
    found = [
        float(tertiary_losses.local_error(size * true_BLT3, true_BLT3, is_BLT)[0])
        for size in (1.0, 0.7, 0.1)
    ]
    least = 1 - np.mean(1 / (1 + np.exp(-np.array(tertiary_losses.LIMITS))))
    assert found[0] == pytest.approx(least, abs=1e-3)
    assert found[0] < found[1] < found[2]
    nothing_BLT = jnp.zeros_like(is_BLT)
    assert tertiary_losses.local_error(true_BLT3, true_BLT3, nothing_BLT).tolist() == [
        0.0
    ]


def test_bonds_and_clashes_of_nature_are_free_and_broken_ones_cost():
    one = structures.chain()
    xyz_BLT3 = jnp.array(one.xyz_LT3)[None]
    index_BL, is_BL = one.index_L[None], np.ones((1, len(one)), bool)
    assert tertiary_losses.bond_error(xyz_BLT3, index_BL, is_BL)[0] < 0.05
    broken_BLT3 = xyz_BLT3.at[:, 10:].add(5.0)
    assert tertiary_losses.bond_error(broken_BLT3, index_BL, is_BL)[0] > 0.1
    radius_BLT = tertiary_task._radii(atoms.encode(one.letters)[None])
    is_BLT = one.is_atom_LT[None]
    assert tertiary_losses.clash_error(xyz_BLT3, radius_BLT, index_BL, is_BLT)[0] < 0.1
    flat_BLT3 = xyz_BLT3.at[..., 2].multiply(0.1)
    assert tertiary_losses.clash_error(flat_BLT3, radius_BLT, index_BL, is_BLT)[0] > 1.0


def _crops(step=8):
    one = structures.chain()
    embedding_LE = np.random.default_rng(0).normal(size=(len(one), 32))
    settings = config.StructuresConfig(batch_size=1, step=step)
    return tertiary_crops.Crops([one], [embedding_LE], np.arange(1), settings)


def _task(crops, **weights):
    return tertiary_task.Tertiary(
        structures.SIZES,
        config.LossConfig(**weights),
        32,
        validation=crops.whole,
        chains=crops.structures,
    )


@pytest.mark.long
def test_padding_does_not_change_the_losses():
    found = []
    for step in (27, 40):
        crops = _crops(step)
        task = _task(crops, bonds=1.0, clashes=1.0)
        learned, _ = task.init(jax.random.key(0), {})
        batch = crops.longest(1)
        sums, _ = jax.jit(task.loss)(learned, {}, batch, jax.random.key(1))
        found.append({name: float(total) for name, (total, _) in sums.items()})
    assert found[0] == pytest.approx(found[1], rel=1e-4)
    assert found[0].keys() >= {"backbone", "atoms", "bonds", "clashes", "confidence"}


@pytest.mark.long
def test_one_real_chain_is_learned():
    """27 nt to an all-atom lDDT above 0.8; a wrong sign or mask anywhere stops it."""
    crops = _crops()
    task = _task(crops)
    learned, _ = task.init(jax.random.key(0), {})
    rate = optax.warmup_cosine_decay_schedule(0.0, 3e-3, 30, 1200, 1e-4)
    adam = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(rate))

    @jax.jit
    def train(learned, state, batch):
        def step(_, carry):
            learned, state = carry
            gradient = jax.grad(
                lambda p: task.loss(p, {}, batch, jax.random.key(0))[0]["loss"][0]
            )(learned)
            update, state = adam.update(gradient, state, learned)
            return optax.apply_updates(learned, update), state

        return jax.lax.fori_loop(0, 1200, step, (learned, state))

    learned, _ = train(learned, adam.init(learned), crops.longest(1))
    scores = task.evaluate(learned, {})
    assert scores["lddt"] > 0.8
    assert scores["rmsd"] < 1.0


def test_cost_counts_nucleotides_and_padding():
    crops = _crops(40)
    cost = _task(crops).cost(crops.longest(2))
    assert cost.tokens == 54
    assert cost.flops > cost.exact_flops > 0
    assert dataclasses.is_dataclass(config.LossConfig())
