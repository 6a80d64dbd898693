"""Both published heads. Sizes counted from the published modules (see each test)."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ssrlm_jax.models import heads, pair_resnet, pair_tiles

WIDTH, LENGTH = 12, 21
KINDS = {
    "rinalmo": {"kind": "rinalmo", "num_blocks": 2, "norm": "instance"},
    "rnafm": {"kind": "rnafm", "num_blocks": 4, "norm": "instance"},
    "rnafm batch": {"kind": "rnafm", "num_blocks": 4, "norm": "batch"},
}
SOURCES = 2  # of energies


def _head(name, **settings):
    sizes = {"channels": 6, "projection": 8, "dropout": 0.3}
    return heads.PairHead(**KINDS[name] | sizes | settings)


def _make(name, length=LENGTH, **settings):
    """Returns a head, parameters whose statistics are not 0 and 1, and an input."""
    head = _head(name, **settings)
    keys = jax.random.split(jax.random.key(0), 3)
    x_BLD = jax.random.normal(keys[0], (1, length, WIDTH))
    params = head.init(keys[1], x_BLD, jnp.ones((1, length), bool))["params"]
    leaves, tree = jax.tree.flatten(params)
    noise = jax.random.split(keys[2], len(leaves))
    moved = [
        leaf + 0.1 * jnp.abs(jax.random.normal(key, leaf.shape))
        for leaf, key in zip(leaves, noise, strict=True)
    ]
    return head, jax.tree.unflatten(tree, moved), x_BLD


def _logits(head, params, x_BLD, length_B, energy_BLMS=None):
    is_BL = jnp.arange(x_BLD.shape[1])[None] < jnp.asarray(length_B)[:, None]
    return jax.jit(head.apply)(
        {"params": params}, x_BLD, is_BL, energy_BLMS=energy_BLMS
    )


def _make_with_energies(name):
    """Returns a head that reads energies, its parameters, x_BLD and energies listed."""
    plain, params, x_BLD = _make(name)
    head = _head(name, num_energies=SOURCES)
    rng = np.random.default_rng(0)
    extra = {
        "energy": {"kernel": jnp.asarray(rng.normal(size=(2 * SOURCES, 6)), "float32")},
        "energy_share": jnp.asarray([0.7, 0.4]),
    }
    i, j = np.triu_indices(LENGTH, 1)
    listed = []
    for _ in range(SOURCES):
        kept = np.sort(rng.permutation(len(i))[:30])
        probability = rng.uniform(1e-4, 1.0, 30).astype(np.float16).astype("float32")
        listed.append((i[kept], j[kept], probability))
    return head, params | extra, x_BLD, listed


def _maps(listed, length=LENGTH):
    map_BLMS = np.zeros((1, length, length, len(listed)), np.float16)
    for number, (i, j, probability) in enumerate(listed):
        map_BLMS[0, i, j, number] = map_BLMS[0, j, i, number] = probability
    return jnp.asarray(map_BLMS)


@pytest.mark.parametrize(
    ("settings", "width", "expected"),
    [
        # RiNALMo's head at D = 1280: Linear 2560 -> 64, 2 x (1x1, 3x3, 1x1), 3x3 -> 1.
        (
            {"kind": "rinalmo", "num_blocks": 2},
            1280,
            2560 * 64 + 64 + 2 * 11 * 64 * 64 + 9 * 64 + 1,
        ),
        # RNA-FM's at D = 640: Linear 640 -> 128, 1x1 256 -> 64, 32 x (norm of scale,
        # shift, mean and variance, 3x3, 3x3), 3x3 -> 1.
        (
            {"kind": "rnafm", "num_blocks": 32},
            640,
            640 * 128
            + 128
            + 256 * 64
            + 64
            + 32 * (4 * 64 + 2 * 9 * 64 * 64)
            + 9 * 64
            + 1,
        ),
    ],
    ids=["rinalmo", "rnafm"],
)
def test_published_sizes(settings, width, expected):
    norm = "batch" if settings["kind"] == "rnafm" else "instance"
    head = heads.PairHead(
        channels=64, projection=128, dropout=0.3, norm=norm, **settings
    )
    x_BLD = jax.ShapeDtypeStruct((1, 8, width), jnp.float32)
    is_BL = jax.ShapeDtypeStruct((1, 8), jnp.bool_)
    params = jax.eval_shape(head.init, jax.random.key(0), x_BLD, is_BL)["params"]
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == expected
    assert expected in (254_593, 2_462_465 + 32 * 2 * 64)  # as others count them


@pytest.mark.parametrize("name", KINDS)
def test_logits_are_symmetric_and_float32(name):
    head, params, x_BLD = _make(name, dtype="bfloat16")
    logits_BLM = _logits(head, params, x_BLD, [LENGTH])
    assert logits_BLM.dtype == jnp.float32
    np.testing.assert_array_equal(logits_BLM, logits_BLM.swapaxes(1, 2))


@pytest.mark.parametrize("name", KINDS)
def test_padding_changes_nothing_whatever_it_holds(name):
    head, params, x_BLD = _make(name)
    alone = _logits(head, params, x_BLD, [LENGTH])
    for filling in (0.0, 7.0, -300.0):
        padded = jnp.pad(x_BLD, ((0, 0), (0, 9), (0, 0)), constant_values=filling)
        batch = jnp.concatenate([padded, jnp.roll(padded, 3, axis=1)])
        together = _logits(head, params, batch, [LENGTH, LENGTH + 9])
        np.testing.assert_allclose(
            together[0, :LENGTH, :LENGTH], alone[0], rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize("name", KINDS)
def test_gradients_do_not_see_padding(name):
    head, params, x_BLD = _make(name)

    def loss(params, x_BLD):
        logits_BLM = _logits(head, params, x_BLD, [LENGTH])
        return jnp.sin(logits_BLM[:, :LENGTH, :LENGTH]).sum()

    alone, alone_BLD = jax.grad(loss, (0, 1))(params, x_BLD)
    padded = jnp.pad(x_BLD, ((0, 0), (0, 5), (0, 0)), constant_values=50.0)
    found, found_BLD = jax.grad(loss, (0, 1))(params, padded)
    np.testing.assert_array_equal(found_BLD[:, LENGTH:], 0.0)
    np.testing.assert_allclose(found_BLD[:, :LENGTH], alone_BLD, rtol=1e-3, atol=1e-4)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-4),
        found,
        alone,
    )


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("size", [5, 8, 64])
def test_tiles_are_equal_to_the_whole_map(name, size):
    head, params, x_BLD = _make(name)
    whole_LM = np.asarray(_logits(head, params, x_BLD, [LENGTH]))[0]
    found_LM = np.full((LENGTH, LENGTH), np.nan, np.float32)
    for tile in pair_tiles.logits(head, params, x_BLD[0], size):
        rows, columns = tile.logits_LM.shape
        found_LM[tile.row : tile.row + rows, tile.column : tile.column + columns] = (
            tile.logits_LM
        )
    upper = np.triu_indices(LENGTH, 1)
    np.testing.assert_allclose(found_LM[upper], whole_LM[upper], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", KINDS)
def test_without_energies_nothing_is_added(name):
    _, params, _ = _make(name)
    found = heads.fresh(_head(name, num_energies=SOURCES), WIDTH, jax.random.key(1))
    added = {"energy", "energy_share"}
    assert set(found) - set(params) == added
    plain = heads.fresh(_head(name), WIDTH, jax.random.key(1))
    jax.tree.map(
        np.testing.assert_array_equal,
        plain,
        {k: v for k, v in found.items() if k not in added},
    )


def test_energies_skip_the_network_by_hand():
    head, params, x_BLD, listed = _make_with_energies("rnafm")
    nothing = _logits(head, params, x_BLD, [LENGTH], 0 * _maps(listed))
    # A network that gives 0 leaves the mean of the logits, by the learned shares.
    silent = params | {"logits": jax.tree.map(jnp.zeros_like, params["network"])}
    silent["network"] = params["network"] | {
        "logits": jax.tree.map(jnp.zeros_like, params["network"]["logits"])
    }
    del silent["logits"]
    energy_BLMS = jnp.zeros((1, LENGTH, LENGTH, 2)).at[0, 3, 9].set([0.5, 0.25])
    found = _logits(head, silent, x_BLD, [LENGTH], energy_BLMS)[0]
    least = np.log(1e-4)
    assert found[3, 9] == pytest.approx(0.7 * 0.0 + 0.4 * np.log(0.25 / 0.75), rel=1e-5)
    assert found[4, 9] == pytest.approx((0.7 + 0.4) * least, rel=1e-5)
    assert jnp.isfinite(nothing).all()


def test_logits_of_energies_stay_within_the_least_listed():
    found = heads.energy_logits(jnp.array([0.0, 1e-4, 0.5, 1.0]))
    np.testing.assert_allclose(found, [-9.21034, -9.21024, 0, 9.21034], rtol=1e-4)


@pytest.mark.parametrize("name", KINDS)
def test_energies_in_padding_change_nothing(name):
    head, params, x_BLD, listed = _make_with_energies(name)
    alone = _logits(head, params, x_BLD, [LENGTH], _maps(listed))
    padded_BLD = jnp.pad(x_BLD, ((0, 0), (0, 6), (0, 0)), constant_values=3.0)
    padded_BLMS = jnp.pad(
        _maps(listed), ((0, 0), (0, 6), (0, 6), (0, 0)), constant_values=0.5
    )
    found = _logits(head, params, padded_BLD, [LENGTH], padded_BLMS)
    np.testing.assert_allclose(
        found[0, :LENGTH, :LENGTH], alone[0], rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("size", [5, 64])
def test_tiles_with_energies_are_equal_to_the_whole_map(name, size):
    head, params, x_BLD, listed = _make_with_energies(name)
    whole_LM = np.asarray(_logits(head, params, x_BLD, [LENGTH], _maps(listed)))[0]
    found_LM = np.full((LENGTH, LENGTH), np.nan, np.float32)
    for tile in pair_tiles.logits(head, params, x_BLD[0], size, energies=listed):
        rows, columns = tile.logits_LM.shape
        found_LM[tile.row : tile.row + rows, tile.column : tile.column + columns] = (
            tile.logits_LM
        )
    upper = np.triu_indices(LENGTH, 1)
    np.testing.assert_allclose(found_LM[upper], whole_LM[upper], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["rnafm batch", "rinalmo"])
def test_the_reach_is_how_far_an_input_is_seen(name):
    # Without its norms over the map, which see everything.
    head, params, x_BLD = _make(name, length=41, normalise=lambda z_BLMC, _: z_BLMC)
    first_BLC, second_BLC = head.apply({"params": params}, x_BLD, method="project")
    is_BL = jnp.ones((1, 41), bool)

    def logits(first_BLC):
        return head.apply(
            {"params": params}, first_BLC, second_BLC, is_BL, is_BL, method="logits"
        )

    moved_BLC = first_BLC.at[0, 0].add(10.0)
    change_L = jnp.abs(logits(moved_BLC) - logits(first_BLC))[0].max(1)
    reach = heads.reach(head)
    assert change_L[reach] > 0
    np.testing.assert_array_equal(change_L[reach + 1 :], 0.0)


def test_the_reach_of_the_published_heads():
    # RiNALMo: three 3x3. RNA-FM: 33 of dilation 1, then 11, 11, 10 of 1, 2, 4.
    assert heads.reach(_head("rinalmo")) == 3
    rnafm = _head("rnafm", num_blocks=32)
    assert heads.reach(rnafm) == 33 + 11 * 1 + 11 * 2 + 10 * 4


def test_a_pair_feature_is_a_linear_function_of_both_vectors_concatenated():
    head, params, x_BLD = _make("rinalmo")
    first_BLC, second_BLC = head.apply({"params": params}, x_BLD, method="project")
    matrix = jnp.concatenate([params["first"]["kernel"], params["second"]["kernel"]])
    both = jnp.concatenate([x_BLD[0, 4], x_BLD[0, 9]])
    expected_C = both @ matrix + params["first"]["bias"]
    np.testing.assert_allclose(
        first_BLC[0, 4] + second_BLC[0, 9], expected_C, rtol=1e-5, atol=1e-5
    )


def test_dropout_acts_in_training_only():
    head, params, x_BLD = _make("rnafm")
    is_BL = jnp.ones((1, LENGTH), bool)

    def apply(*arguments):
        rngs = {"dropout": jax.random.key(5)}
        return head.apply({"params": params}, x_BLD, is_BL, *arguments, rngs=rngs)

    np.testing.assert_array_equal(apply(), apply(False))
    assert jnp.abs(apply(True) - apply()).max() > 1e-3


def test_the_norm_by_hand():
    # Four true elements 1 3 5 7: mean 4, variance 5; the fifth is padding.
    z_BLMC = jnp.array([1.0, 3.0, 5.0, 7.0, 99.0]).reshape(1, 1, 5, 1)
    is_BLM = jnp.array([True, True, True, True, False]).reshape(1, 1, 5)
    out = pair_resnet.instance_norm(z_BLMC, is_BLM)[0, 0, :4, 0]
    np.testing.assert_allclose(out, np.array([-3, -1, 1, 3]) / 5**0.5, rtol=1e-5)


def test_the_gradient_of_the_norm_is_that_of_its_definition():
    keys = jax.random.split(jax.random.key(0), 3)
    z_BLMC = 2.0 * jax.random.normal(keys[0], (2, 4, 5, 3)) + 1.0
    is_BLM = jax.random.uniform(keys[1], (2, 4, 5)) > 0.3
    weight_BLMC = jax.random.normal(keys[2], z_BLMC.shape)

    def plain(z_BLMC, is_BLM):
        _, mean_BC, variance_BC = pair_resnet.moments(z_BLMC, is_BLM)
        return pair_resnet.standardise(z_BLMC, mean_BC, variance_BC)

    def gradient(norm):
        return jax.grad(
            lambda z_BLMC: (jnp.sin(norm(z_BLMC, is_BLM)) * weight_BLMC).sum()
        )(z_BLMC)

    np.testing.assert_allclose(
        gradient(pair_resnet.instance_norm), gradient(plain), rtol=1e-4, atol=1e-5
    )


def _plain(z_BLMC, kernel, dilation):
    return jax.lax.conv_general_dilated(
        z_BLMC,
        kernel,
        (1, 1),
        "SAME",
        rhs_dilation=(dilation, dilation),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )


def _normal(*shapes, dtype=jnp.float32):
    keys = jax.random.split(jax.random.key(0), len(shapes))
    return [
        jax.random.normal(key, shape).astype(dtype)
        for key, shape in zip(keys, shapes, strict=True)
    ]


@pytest.mark.parametrize("dilation", [1, 2, 4])
@pytest.mark.parametrize("channels", [(32, 40), (3, 40)], ids=["wide", "narrow"])
def test_the_gradient_of_a_convolution_is_that_of_lax(dilation, channels):
    C, N = channels
    z_BLMC, kernel, weight_BLMN = _normal(
        (2, 23, 100, C), (3, 3, C, N), (2, 23, 100, N)
    )

    def gradients(convolve):
        return jax.grad(
            lambda z, kernel: (convolve(z, kernel, dilation) * weight_BLMN).sum(),
            (0, 1),
        )(z_BLMC, kernel)

    found = gradients(pair_resnet.convolve)
    for ours, expected in zip(found, gradients(_plain), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=2e-3)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 2, 3), (2, 23, 100), (1, 3, 1600)])
@pytest.mark.parametrize(("size", "dilation"), [(3, 1), (3, 4), (5, 3)])
def test_the_gradient_by_rows_is_that_of_lax(shape, size, dilation):
    z_BLMC, g_BLMN = _normal((*shape, 4), (*shape, 5))
    kernel = jnp.zeros((size, size, 4, 5))
    found = pair_resnet._kernel_gradient_by_rows(z_BLMC, g_BLMN, size, dilation)
    (expected,) = jax.vjp(lambda kernel: _plain(z_BLMC, kernel, dilation), kernel)[1](
        g_BLMN
    )
    scale = max(1.0, float(jnp.abs(expected).max()))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * scale)


def test_the_gradient_by_rows_is_summed_in_float32():
    z_BLMC, g_BLMN = _normal((1, 40, 200, 2), (1, 40, 200, 2), dtype=jnp.bfloat16)
    found = pair_resnet._kernel_gradient_by_rows(z_BLMC, g_BLMN, 3, 1)
    assert found.dtype == jnp.bfloat16
    exact = pair_resnet._kernel_gradient_by_rows(
        z_BLMC.astype(jnp.float32), g_BLMN.astype(jnp.float32), 3, 1
    )
    np.testing.assert_array_equal(found, exact.astype(jnp.bfloat16))


def test_moments_of_parts_combine_to_those_of_the_whole():
    z_BLMC = jax.random.normal(jax.random.key(1), (1, 6, 8, 3)) + 100.0
    is_BLM = jax.random.uniform(jax.random.key(2), (1, 6, 8)) > 0.2
    parts = [
        pair_resnet.moments(z_BLMC[:, :, part], is_BLM[:, :, part])
        for part in (slice(0, 1), slice(1, 5), slice(5, 8))
    ]
    _, mean_BC, variance_BC = pair_resnet.moments(z_BLMC, is_BLM)
    found_mean, found_variance = pair_tiles.combine(parts)
    np.testing.assert_allclose(found_mean, mean_BC, rtol=1e-6)
    np.testing.assert_allclose(found_variance, variance_BC, rtol=1e-4)
