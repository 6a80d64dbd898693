import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import structures

from ssrlm_jax.models import (
    folding_network,
    geometry,
    refinements,
    structure_module,
    trunk,
)

LENGTH = 13


def _moved(params, size):
    rng = np.random.default_rng(7)
    return jax.tree.map(
        lambda leaf: (leaf + size * rng.normal(size=leaf.shape)).astype(np.float32),
        jax.device_get(params),
    )


@functools.cache
def _model():
    folder, groups = structures.network()
    params = folding_network.init(folder, 8, groups, jax.random.key(0))
    return folder, groups, _moved(params, 0.1)


@functools.cache
def _compiled(num_cycles, **options):
    folder, groups, params = _model()
    run = jax.jit(
        lambda params, inputs, tolerance: folding_network.fold(
            folder.clone(**options), params, inputs, groups, num_cycles, tolerance
        )
    )
    return functools.partial(run, params)


def _fold(inputs, num_cycles=1, tolerance=0.0, **options):
    return _compiled(num_cycles, **options)(inputs, tolerance)


@pytest.fixture(scope="module")
def alone():
    return _fold(structures.inputs(0, LENGTH))


def _check(found, expected, atol=2e-4):
    np.testing.assert_allclose(found, expected, atol=atol)


def test_padding_changes_nothing(alone):
    inputs = structures.inputs(0, LENGTH)
    padding = 6
    padded = inputs._replace(
        embedding_BLE=np.pad(
            inputs.embedding_BLE, ((0, 0), (0, padding), (0, 0)), constant_values=9.0
        ),
        kind_BL=np.pad(inputs.kind_BL, ((0, 0), (0, padding)), constant_values=2),
        index_BL=np.pad(inputs.index_BL, ((0, 0), (0, padding)), constant_values=5),
        is_BL=np.pad(inputs.is_BL, ((0, 0), (0, padding))),
    )
    found = _fold(padded).folded
    _check(found.xyz_BLT3[:, :LENGTH], alone.folded.xyz_BLT3)
    _check(found.pair_BLM[:, :LENGTH, :LENGTH], alone.folded.pair_BLM)
    _check(found.plddt()[:, :LENGTH], alone.folded.plddt())


@pytest.mark.parametrize("chunk", [1, 4])
def test_chunks_change_nothing(alone, chunk):
    found = _fold(structures.inputs(0, LENGTH), chunk=chunk)
    _check(found.folded.xyz_BLT3, alone.folded.xyz_BLT3)


def test_a_batch_is_one_by_one_also_where_one_settles_first():
    both = [structures.inputs(number, LENGTH) for number in (0, 1)]
    apart = [_fold(inputs, 4) for inputs in both]
    gaps = sorted(float(one.change_B[0]) for one in apart)
    assert gaps[0] < gaps[1]
    tolerance = sum(gaps) / 2  # in the fourth cycle one is settled, the other not
    apart = [_fold(inputs, 4, tolerance) for inputs in both]
    batch = jax.tree.map(lambda *leaves: np.concatenate(leaves), *both)
    together = _fold(batch, 4, tolerance)
    for number, one in enumerate(apart):
        assert together.num_cycles_B[number] == one.num_cycles_B[0]
        _check(together.folded.xyz_BLT3[number], one.folded.xyz_BLT3[0], atol=2e-3)
    steady = _fold(batch, 4, 1e9)
    assert steady.num_cycles_B.tolist() == [2, 2]


def test_another_cycle_reads_the_one_before(alone):
    found = _fold(structures.inputs(0, LENGTH), 2)
    assert found.num_cycles_B.tolist() == [2]
    assert np.abs(found.folded.xyz_BLT3 - alone.folded.xyz_BLT3).max() > 1e-2


def test_scanned_blocks_are_blocks_in_a_row():
    settings = dataclasses.replace(structures.SIZES, num_blocks=3)
    fields = {name: getattr(settings, name) for name in folding_network.TRUNK_FIELDS}
    network = trunk.Trunk(**fields)
    rng = np.random.default_rng(0)
    m_BSLD = rng.normal(size=(1, 1, 9, 32)).astype(np.float32)
    z_BLMC = rng.normal(size=(1, 9, 9, 16)).astype(np.float32)
    is_BL = np.arange(9)[None] < 8
    params = jax.jit(network.init)(jax.random.key(0), m_BSLD, z_BLMC, is_BL)
    params = _moved(params, 0.1)
    expected = jax.jit(network.apply)(params, m_BSLD, z_BLMC, is_BL)
    one = jax.jit(network.clone(num_blocks=1).apply)
    state = m_BSLD, z_BLMC
    for number in range(3):
        own = jax.tree.map(lambda leaf, n=number: leaf[n : n + 1], params)
        state = one(own, *state, is_BL)
    for found, wanted in zip(state, expected, strict=True):
        _check(found[:, :, :8], wanted[:, :, :8], atol=1e-4)


def test_a_rigid_motion_is_followed_and_features_do_not_see_it():
    module = structure_module.StructureModule(3, (4, 8, 4, 8), (9, 16, 2))
    keys = jax.random.split(jax.random.key(0), 6)
    s_BLD = jax.random.normal(keys[0], (1, LENGTH, 24))
    z_BLMC = jax.random.normal(keys[1], (1, LENGTH, LENGTH, 16))
    is_BL = jnp.ones((1, LENGTH), bool)
    params = _moved(jax.jit(module.init)(keys[2], s_BLD, z_BLMC, is_BL), 0.05)
    q_BL4 = jax.random.normal(keys[3], (1, LENGTH, 4))
    q_BL4 = q_BL4 / jnp.linalg.norm(q_BL4, axis=-1, keepdims=True)
    origin_BL3 = 10 * jax.random.normal(keys[4], (1, LENGTH, 3))
    turn_114 = jnp.array([[[0.1, 0.7, -0.5, 0.5]]])
    motion = geometry.Frames(
        geometry.from_quaternion(turn_114), jnp.array([[[30.0, -8.0, 2.0]]])
    )
    run = jax.jit(module.apply)
    first = run(params, s_BLD, z_BLMC, is_BL, (q_BL4, origin_BL3))
    turned = geometry.product(turn_114, q_BL4)
    second = run(params, s_BLD, z_BLMC, is_BL, (turned, motion.apply(origin_BL3)))
    _check(second.s_BLD, first.s_BLD, atol=1e-3)
    _check(second.torsion_BLK2, first.torsion_BLK2, atol=1e-3)
    moved = motion.apply(first.frames.origin_3[:, -1])
    scale = np.abs(moved).max()
    _check(second.frames.origin_3[:, -1] / scale, moved / scale, atol=1e-4)

    def total(params):
        found = module.apply(params, s_BLD, z_BLMC, is_BL)  # from identical frames
        return found.frames.origin_3.sum() + found.torsion_BLK2.sum()

    gradients = jax.tree.leaves(jax.jit(jax.grad(total))(params))
    assert all(np.isfinite(leaf).all() for leaf in gradients)


def test_refinement_follows_a_rigid_motion_and_leaves_empty_slots_out():
    network = refinements.Refinement(8, 2, 17, 23)
    xyz_LT3, kind_L, is_LT = structures.whole()
    arguments = kind_L[None], xyz_LT3[None], is_LT[None]
    params = jax.tree_util.tree_map_with_path(
        lambda path, leaf: jnp.float32(1e-6) if "step" in str(path[-1]) else leaf,
        jax.jit(network.init)(jax.random.key(0), *arguments),
    )
    run = jax.jit(network.apply)
    expected = np.array(run(params, *arguments))
    assert 1e-2 < np.abs(expected - xyz_LT3[None])[is_LT[None]].max() < 50
    turn_33 = geometry.from_quaternion(jnp.array([0.5, 0.1, -0.5, 0.7]))
    shift_113 = np.array([[[6.0, -90.0, 11.0]]])
    moved_LT3 = geometry.rotate(turn_33[None, None], xyz_LT3) + shift_113
    moved_LT3 = np.where(is_LT[..., None], moved_LT3, 77.0)  # empty slots anywhere
    found = run(params, kind_L[None], moved_LT3[None], is_LT[None])
    wanted = geometry.rotate(turn_33[None, None, None], expected) + shift_113[None]
    _check(np.array(found)[is_LT[None]], np.array(wanted)[is_LT[None]], atol=2e-3)


def test_too_long_for_learned_positions_is_an_error():
    settings = dataclasses.replace(
        structures.SIZES,
        mode="rhofold",
        geometry="rhofold_v5",
        start="point",
        max_length=9,
    )
    folder, groups = structures.network(settings)
    inputs = structures.inputs(0, 10)
    inputs = inputs._replace(token_BSL=np.full((1, 1, 10), 4))

    def folded(key):
        params = folding_network.init(folder, 8, groups, key)
        return folding_network.fold(folder, params, inputs, groups, 1, 0.0)

    with pytest.raises(ValueError, match="10 nucleotides found, the model knows 9"):
        jax.eval_shape(folded, jax.random.key(0))  # before anything is compiled


@pytest.mark.parametrize(("start", "is_apart"), [("strand", True), ("point", False)])
def test_before_training_nucleotides_are_where_they_start(start, is_apart):
    """The network's moves start at zero: a strand, 4.7 angstrom a step, or a point."""
    settings = dataclasses.replace(structures.SIZES, start=start)
    folder, groups = structures.network(settings)
    params = folding_network.init(folder, 8, groups, jax.random.key(0))
    inputs = structures.inputs(0, 9)
    run = jax.jit(lambda p, x: folding_network.fold(folder, p, x, groups, 1, 0.0))
    found = run(params, inputs).folded
    origin_L3 = found.structure.frames.origin_3[0, -1]
    step_L = np.linalg.norm(np.diff(origin_L3, axis=0), axis=-1)
    np.testing.assert_allclose(step_L, 4.7 if is_apart else 0.0, atol=0.05)
