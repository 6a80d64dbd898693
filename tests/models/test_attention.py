"""Every back end that runs on a CPU gives what the plain one gives."""

import functools
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AbstractDevice, AbstractMesh, AxisType, use_abstract_mesh

from ssrlm_jax import config
from ssrlm_jax.models import attention, attention_cudnn, attention_kernels

CPU = types.SimpleNamespace(platform="cpu", device_kind="cpu")
A100 = types.SimpleNamespace(
    platform="gpu", device_kind="NVIDIA A100-SXM4-80GB", compute_capability="8.0"
)
H200 = types.SimpleNamespace(
    platform="gpu", device_kind="NVIDIA H200", compute_capability="9.0"
)
BACKENDS = {
    "blocks": attention.build("blocks"),
    "blocks, one record": attention.build("blocks", max_segments=1),
    "pallas": functools.partial(attention_kernels.pallas, interpret=True),
}


def _segments(*rows: list[int]) -> jax.Array:
    """Returns segment_BL of rows given as record lengths; the rest is padding."""
    L = max(sum(row) for row in rows)
    segment_BL = np.zeros((len(rows), L), np.uint8)
    for b, row in enumerate(rows):
        ends = np.cumsum(row)
        for n, (length, end) in enumerate(zip(row, ends, strict=True)):
            segment_BL[b, end - length : end] = n + 1
    return jnp.array(segment_BL)


# Records of one position, cut at block borders and over several blocks; padding in
# the row's end, over whole blocks, and over a whole row.
SEGMENT_BL = _segments([1, 63, 64, 2, 70, 50], [5, 20, 103], [250], [])


def _arrays(B: int, L: int, H: int, K: int, A: int, dtype=jnp.float32):
    shapes = (B, L, H, A), (B, L, K, A), (B, L, K, A), (B, L, H, A)
    keys = jax.random.split(jax.random.key(0), 4)
    return [
        jax.random.normal(key, shape).astype(dtype)
        for key, shape in zip(keys, shapes, strict=True)
    ]


def _out_and_gradients(attend, q, k, v, grad, segment_BL):
    @jax.jit
    def both(q, k, v):
        out, pull = jax.vjp(lambda *qkv: attend(*qkv, segment_BL), q, k, v)
        return out, *pull(grad)

    return both(q, k, v)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("H", "K", "A"), [(2, 2, 48), (2, 1, 64), (4, 2, 88)])
def test_back_ends_agree_with_the_plain_one_forward_and_backward(backend, H, K, A):
    arrays = _arrays(*SEGMENT_BL.shape, H, K, A)
    expected = _out_and_gradients(attention.plain, *arrays, SEGMENT_BL)
    found = _out_and_gradients(BACKENDS[backend], *arrays, SEGMENT_BL)
    for x, y in zip(found, expected, strict=True):
        # Sums of up to 300 float32 products, in another order.
        np.testing.assert_allclose(x, y, atol=5e-6, rtol=1e-5)


@pytest.mark.parametrize("max_segments", [1, 64])
@pytest.mark.parametrize("length", [1, 64, 513, 600])
def test_blocks_of_any_size_agree_with_the_plain_one(length, max_segments):
    segment_BL = _segments([length - length // 7])
    segment_BL = jnp.pad(segment_BL, ((0, 0), (0, length // 7)))
    arrays = _arrays(1, length, 2, 1, 8)
    expected = _out_and_gradients(attention.plain, *arrays, segment_BL)
    attend = attention.build("blocks", max_segments=max_segments)
    found = _out_and_gradients(attend, *arrays, segment_BL)
    for x, y in zip(found, expected, strict=True):
        np.testing.assert_allclose(x, y, atol=1e-5, rtol=1e-5)


# Rows of one record and of several, shorter and longer than what is computed whole,
# with and without padding; a record at the end of a row is shorter than the longest.
IN_USE = {
    "a whole row": ([[30]], 30),
    "several records": ([[1, 63, 64, 2, 70, 50], [5, 20, 103], [250], []], 256),
    "short ones": ([[9, 31, 12, 32, 4], [32, 1]], 32),
    "in parts": ([[700, 3, 45]], 704),
    "in parts, a whole row": ([[600]], 600),
    "in parts, several rows": ([[530, 20], [5, 600]], 600),
}


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize(("rows", "longest"), IN_USE.values(), ids=IN_USE)
def test_one_record_after_the_other_agrees_with_the_plain_one(rows, longest, dtype):
    segment_BL = jnp.pad(_segments(*rows), ((0, 0), (0, 2)))
    arrays = _arrays(*segment_BL.shape, 4, 2, 8, jnp.dtype(dtype))[:3]
    expected = attention.plain(*(x.astype(jnp.float32) for x in arrays), segment_BL)
    attend = attention.in_use("blocks", longest)
    found = jax.jit(attend)(*arrays, segment_BL)
    assert found.dtype == dtype
    error = {"float32": 5e-6, "bfloat16": 0.03}[dtype]
    np.testing.assert_allclose(found.astype(jnp.float32), expected, atol=error)
    np.testing.assert_array_equal(found[segment_BL == 0], 0.0)


@pytest.mark.parametrize("longest", [128, 600])
def test_one_record_after_the_other_ignores_other_records(longest):
    segment_BL = _segments([1, 63, 64, 2, 70], [100, 128])
    segment_BL = jnp.pad(segment_BL, ((0, 0), (0, 400)))
    q, k, v, _ = _arrays(*segment_BL.shape, 1, 1, 16)
    is_third_BL11 = (segment_BL == 3)[:, :, None, None]
    before, after = (
        attention.records(*arrays, segment_BL, longest=longest)[0, 64:128]
        for arrays in (
            (q, k, v),
            [jnp.where(is_third_BL11, x, x + 1.0) for x in (q, k, v)],
        )
    )
    np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("backend", BACKENDS)
def test_back_ends_round_bfloat16_as_the_plain_one(backend):
    arrays = _arrays(*SEGMENT_BL.shape, 1, 1, 48, jnp.bfloat16)
    exact = [x.astype(jnp.float32) for x in arrays]
    expected = _out_and_gradients(attention.plain, *exact, SEGMENT_BL)
    found = _out_and_gradients(BACKENDS[backend], *arrays, SEGMENT_BL)
    for x, y in zip(found, expected, strict=True):
        assert x.dtype == jnp.bfloat16
        np.testing.assert_allclose(x.astype(jnp.float32), y, atol=0.03, rtol=0.02)


@pytest.mark.parametrize("backend", ["plain", *BACKENDS])
def test_another_record_or_padding_changes_nothing_and_padding_is_zero(backend):
    attend = BACKENDS.get(backend, attention.plain)
    segment_BL = SEGMENT_BL[:1]
    q, k, v, grad = _arrays(*segment_BL.shape, 1, 1, 16)
    is_third_BL11 = (segment_BL == 3)[:, :, None, None]
    q, k, v, grad = (x * (segment_BL > 0)[:, :, None, None] for x in (q, k, v, grad))
    changed = [jnp.where(is_third_BL11, x, x + 1.0) for x in (q, k, v, grad)]

    before = _out_and_gradients(attend, q, k, v, grad, segment_BL)
    after = _out_and_gradients(attend, *changed, segment_BL)

    for x, y in zip(before, after, strict=True):
        np.testing.assert_array_equal(x[0, 64:128], y[0, 64:128])
    for x, y in zip(before[1:], after[1:], strict=True):
        assert not np.allclose(x[0, :64], y[0, :64])
    np.testing.assert_array_equal(before[0][segment_BL == 0], 0.0)
    for x in after:
        np.testing.assert_array_equal(x[segment_BL == 0], 0.0)


def test_back_ends_run_on_a_mesh():
    mesh = jax.make_mesh(
        (2, 2, 2), ("data", "fsdp", "tensor"), axis_types=(AxisType.Auto,) * 3
    )
    arrays = _arrays(*SEGMENT_BL.shape, 4, 2, 16)
    expected = _out_and_gradients(attention.plain, *arrays, SEGMENT_BL)
    found = _out_and_gradients(
        attention.build("blocks", mesh=mesh), *arrays, SEGMENT_BL
    )
    for x, y in zip(found, expected, strict=True):
        np.testing.assert_allclose(x, y, atol=5e-6, rtol=1e-5)


@pytest.mark.parametrize("backend", BACKENDS)
def test_recomputing_a_layer_does_not_attend_again(backend):
    x_BLHA = _arrays(1, 128, 1, 1, 16)[0]
    segment_BL = jnp.ones((1, 128), jnp.uint8)

    def num_loops(policy) -> int:
        """Counts loops of a compiled gradient; every pass over tiles is one."""

        def layer(x_BLHA, _):
            return BACKENDS[backend](x_BLHA, x_BLHA, x_BLHA, segment_BL), None

        def layers(x_BLHA):
            again = jax.checkpoint(layer, policy=policy, prevent_cse=False)
            return jax.lax.scan(again, x_BLHA, length=2)[0].sum()

        compiled = jax.jit(jax.grad(layers)).lower(x_BLHA).compile()
        return compiled.as_text().count(" while(")

    policies = jax.checkpoint_policies
    num_needed = num_loops(policies.everything_saveable)
    assert num_loops(policies.save_only_these_names("context")) == num_needed
    assert num_loops(policies.nothing_saveable) > num_needed


@pytest.mark.filterwarnings("ignore:The Pallas Triton backend is deprecated")
@pytest.mark.parametrize("A", [48, 64, 88])
@pytest.mark.parametrize("kind", [A100.device_kind, H200.device_kind])
def test_kernels_are_translated_for_gpus_without_one(A, kind):
    shapes = (1, 256, 4, A), (1, 256, 2, A), (1, 256, 2, A)
    q, k, v = (jax.ShapeDtypeStruct(shape, jnp.bfloat16) for shape in shapes)
    segment_BL = jax.ShapeDtypeStruct((1, 256), jnp.uint8)

    def gradients(q, k, v, segment_BL):
        def total(q, k, v):
            out = attention.build("pallas")(q, k, v, segment_BL)
            return out.astype(jnp.float32).sum()

        return jax.grad(total, (0, 1, 2))(q, k, v)

    device = AbstractDevice(kind, None, "gpu")
    mesh = AbstractMesh((1,), ("x",), (AxisType.Auto,), abstract_device=device)
    with use_abstract_mesh(mesh):
        traced = jax.jit(gradients).trace(q, k, v, segment_BL)
        text = traced.lower(lowering_platforms=("cuda",)).as_text()
    assert text.count("xla.gpu.triton") == 3


def test_record_table_by_hand():
    segment_BL = jnp.array([[1, 1, 1, 2, 3, 3, 0, 0], [0] * 8], jnp.uint8)
    length_BN, first_BN = attention_cudnn.record_table(segment_BL, 4)
    np.testing.assert_array_equal(length_BN, [[3, 1, 2, -1], [-1] * 4])
    np.testing.assert_array_equal(first_BN, [[0, 3, 4, -1, -1], [-1] * 5])


def test_gradients_of_packed_cudnn_are_zero_in_padding(monkeypatch):
    from jax._src.cudnn import fused_attention_stablehlo as cudnn

    # Stands in for the kernel, which leaves memory as it was outside records.
    @jax.custom_vjp
    def kernel(q, k, v):
        return q + k + v

    def backward(_, grad):
        is_in = (SEGMENT_BL > 0)[:, :, None, None]
        return (jnp.where(is_in, grad, 1e12),) * 3

    kernel.defvjp(lambda q, k, v: (kernel(q, k, v), None), backward)
    monkeypatch.setattr(
        cudnn, "dot_product_attention", lambda q, k, v, **_: kernel(q, k, v)
    )
    packed = attention.build("cudnn_packed", max_segments=8)
    arrays = _arrays(*SEGMENT_BL.shape, 2, 2, 8)
    for x in _out_and_gradients(packed, *arrays, SEGMENT_BL)[1:]:
        np.testing.assert_array_equal(x[SEGMENT_BL == 0], 0.0)
        np.testing.assert_array_equal(
            x[SEGMENT_BL > 0], arrays[3][SEGMENT_BL > 0], strict=True
        )


def test_choice_follows_the_device_and_says_why():
    assert attention.choose("auto", CPU).name == "blocks"
    assert attention.choose("auto", A100).name == "pallas"
    assert attention.choose("auto", H200).name == "pallas"
    assert attention.choose("plain", H200).name == "plain"
    assert attention.choose("auto", jax.devices()[0]).name == "blocks"
    assert "CPU" in attention.choose("auto", CPU).reason
    assert attention.in_use("pallas", 100) is attention.build("pallas")


@pytest.mark.parametrize(
    ("name", "device", "accepted"),
    [
        ("pallas", CPU, "plain, blocks, auto"),
        ("cudnn_mask", CPU, "plain, blocks, auto"),
        ("cudnn_packed", A100, "plain, blocks, pallas, cudnn_mask, auto"),
    ],
)
def test_an_impossible_choice_is_refused_by_name(name, device, accepted):
    with pytest.raises(ValueError, match=rf"compute\.attention='{name}'") as error:
        attention.choose(name, device)
    assert str(error.value).endswith(f"accepted here: {accepted}")


def test_the_config_knows_every_back_end():
    assert set(config.ATTENTION_BACKENDS) == {"auto", *attention.available(CPU)}
