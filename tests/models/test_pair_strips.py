"""Maps that are kept and computed in strips, beside those in one piece."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ssrlm_jax.models import heads, pair_strips

WIDTH, LENGTH = 12, 21
SIZES = {"kind": "rnafm", "num_blocks": 4, "channels": 6, "norm": "instance"}


def _head(**settings):
    return heads.PairHead(**SIZES | {"projection": 8, "dropout": 0.0} | settings)


def _params(head):
    """Returns parameters of which none is 0 or 1 everywhere."""
    params = heads.fresh(head, WIDTH, jax.random.key(0))
    leaves, tree = jax.tree.flatten(params)
    keys = jax.random.split(jax.random.key(1), len(leaves))
    moved = [
        leaf + 0.1 * jnp.abs(jax.random.normal(key, leaf.shape))
        for leaf, key in zip(leaves, keys, strict=True)
    ]
    return jax.tree.unflatten(tree, moved)


def _check(head, rows, rtol, energies=(), energy_BLMS=None):
    params = _params(head)
    x_LD = jax.random.normal(jax.random.key(2), (LENGTH, WIDTH))
    is_BL = jnp.ones((1, LENGTH), bool)
    whole_BLM = jax.jit(head.apply)(
        {"params": params}, x_LD[None], is_BL, energy_BLMS=energy_BLMS
    )
    padded_LD = jnp.pad(x_LD, ((0, 3), (0, 0)), constant_values=50.0)
    strips = pair_strips.logits(head, params, padded_LD, LENGTH, energies, rows)
    found_LM = np.concatenate([strip.logits_LM for strip in strips])
    assert found_LM.shape == (LENGTH, LENGTH)
    upper = np.triu_indices(LENGTH, 1)
    expected = np.asarray(whole_BLM)[0][upper]
    np.testing.assert_allclose(found_LM[upper], expected, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("rows", [1, 5, 8, 64])
def test_strips_with_energies_are_equal_to_the_whole_map(rows):
    rng = np.random.default_rng(0)
    i, j = np.triu_indices(LENGTH, 1)
    energies, maps = [], np.zeros((1, LENGTH, LENGTH, 2), np.float32)
    for source in range(2):
        kept = np.sort(rng.permutation(len(i))[:30])
        p = rng.uniform(1e-4, 1.0, 30).astype(np.float16).astype(np.float32)
        energies.append((i[kept], j[kept], p))
        maps[0, i[kept], j[kept], source] = maps[0, j[kept], i[kept], source] = p
    _check(_head(num_energies=2), rows, 1e-4, energies, maps)


@pytest.mark.parametrize(
    ("settings", "rtol"), [({"num_blocks": 1}, 1e-4), ({"dtype": "bfloat16"}, 0.02)]
)
def test_strips_of_one_block_and_in_bfloat16(settings, rtol):
    _check(_head(**settings), 5, rtol)


def test_bytes_of_a_kept_map_are_those_that_it_takes(monkeypatch):
    head, made = _head(channels=4), []
    params = _params(head)

    def zeros(*given, make=np.zeros, **more):
        made.append(make(*given, **more))
        return made[-1]

    monkeypatch.setattr(np, "zeros", zeros)
    list(pair_strips.logits(head, params, jnp.ones((700, WIDTH))))
    (kept,) = (one for one in made if one.ndim == 3)
    assert kept.nbytes < pair_strips.num_bytes(head, 700) < 2.5 * kept.nbytes


def test_other_heads_are_not_of_blocks():
    assert pair_strips.is_of_blocks(_head())
    assert not pair_strips.is_of_blocks(_head(kind="rinalmo"))
    assert not pair_strips.is_of_blocks(_head(norm="batch"))
