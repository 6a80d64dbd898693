"""Attention over packed rows: one function, several back ends, chosen once.

Every back end takes (q_BLHA, k_BMKA, v_BMKA, segment_BL) and returns out_BLHA: a
position attends to the positions of its own record, and padding (segment 0)
attends to nothing and gets zeros. Records are runs of equal segment numbers, and no
number comes twice in a row: some back ends compare numbers, others count runs.
Softmax is float32 whatever the dtype of the arguments.
"""

import dataclasses
import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P

from ssrlm_jax.models import attention_blocks, layers

Attend = layers.Attend

NEVER = attention_blocks.NEVER
# By benchmarks/attention.py --rows=1: of a longer record, parts of the queries at a
# time stay in the caches of a CPU.
WHOLE = 512  # tokens
PART = 128


@dataclasses.dataclass(frozen=True)
class Choice:
    """A back end and, in one line, why it was chosen."""

    name: str
    reason: str


def scores(q_BLHA: jax.Array, k_BMKA: jax.Array) -> jax.Array:
    """Returns scaled products of queries and keys, float32 score_BHLM."""
    B, L, H, A = q_BLHA.shape
    K = k_BMKA.shape[2]
    q_BLKGA = q_BLHA.reshape(B, L, K, H // K, A)
    score_BKGLM = jnp.einsum(
        "BLKGA,BMKA->BKGLM", q_BLKGA, k_BMKA, preferred_element_type=jnp.float32
    )
    return (score_BKGLM * A**-0.5).reshape(B, H, L, -1)


def normalise(score_BHLM: jax.Array, segment_BL: jax.Array) -> jax.Array:
    """Returns what each position attends to, float32 weight_BHLM.

    Rows of records sum to 1, those of padding are 0.
    """
    same_BLM = segment_BL[:, :, None] == segment_BL[:, None, :]
    score_BHLM = jnp.where(same_BLM[:, None], score_BHLM, jnp.finfo(jnp.float32).min)
    weight_BHLM = jax.nn.softmax(score_BHLM, axis=-1)
    return jnp.where((segment_BL > 0)[:, None, :, None], weight_BHLM, 0)


def context(weight_BHLM: jax.Array, v_BMKA: jax.Array) -> jax.Array:
    """Returns float32 out_BLHA: the sums of values times their weights."""
    B, H, L, M = weight_BHLM.shape
    K, A = v_BMKA.shape[2:]
    weight_BKGLM = weight_BHLM.reshape(B, K, H // K, L, M).astype(v_BMKA.dtype)
    # Heads first, then turned: on CPUs faster than a product into this order.
    out_BKGLA = jnp.einsum(
        "BKGLM,BMKA->BKGLA",
        weight_BKGLM,
        v_BMKA,
        preferred_element_type=jnp.float32,
    )
    return jnp.moveaxis(out_BKGLA, 3, 1).reshape(B, L, H, A)


def plain(
    q_BLHA: jax.Array, k_BMKA: jax.Array, v_BMKA: jax.Array, segment_BL: jax.Array
) -> jax.Array:
    """Attends by dense products and a mask: the reference, quadratic in memory."""
    score_BHLM = scores(q_BLHA, k_BMKA)
    return _attended(score_BHLM, v_BMKA, segment_BL, segment_BL)


def added(
    q_BLHA: jax.Array,
    k_BMKA: jax.Array,
    v_BMKA: jax.Array,
    segment_BL: jax.Array,
    score_BHLM: jax.Array,
) -> tuple[jax.Array, jax.Array]:
    """Attends with scores added to its own; returns out_BLHA and the sum of scores."""
    score_BHLM = score_BHLM + scores(q_BLHA, k_BMKA)
    return _attended(score_BHLM, v_BMKA, segment_BL, segment_BL), score_BHLM


def records(
    q_BLHA: jax.Array,
    k_BMKA: jax.Array,
    v_BMKA: jax.Array,
    segment_BL: jax.Array,
    *,
    longest: int,
) -> jax.Array:
    """Attends as `plain` does, one record after the other; has no gradient.

    Args:
      q_BLHA: queries.
      k_BMKA: keys.
      v_BMKA: values.
      segment_BL: records; 0 is padding.
      longest: tokens that no record has more of. Shorter ones cost as much.
    """
    L = q_BLHA.shape[1]
    longest = min(longest, L)
    if longest == L <= WHOLE:
        return plain(q_BLHA, k_BMKA, v_BMKA, segment_BL)
    size = longest if longest <= WHOLE else PART
    start_BL, _ = attention_blocks.record_bounds(segment_BL)
    is_first_P = (start_BL == jnp.arange(L)[None]).reshape(-1)  # L in padding
    index_P = jnp.arange(is_first_P.size)

    def record(_: jax.Array, carry: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
        out_BLHA, index = carry
        # The next start of a record: as many as there are, known only as the
        # rows come.
        index = jnp.argmax(is_first_P & (index_P > index))
        b, start = index // L, index % L
        # What would go past the end of the row starts earlier.
        k_1MKA, v_1MKA, segment_1M = (
            attention_blocks.take(x, b, jnp.minimum(start, L - longest), longest)[None]
            for x in (k_BMKA, v_BMKA, segment_BL)
        )

        def part(n: jax.Array, out_BLHA: jax.Array) -> jax.Array:
            i = jnp.minimum(start + n * size, L - size)
            q_1RHA, old_1RHA, segment_1R = (
                attention_blocks.take(x, b, i, size)[None]
                for x in (q_BLHA, out_BLHA, segment_BL)
            )
            new_1RHA = _attended(scores(q_1RHA, k_1MKA), v_1MKA, segment_1R, segment_1M)
            # What is of other records stays: of the one before in a part that starts
            # earlier, of the next where this one is shorter than the longest.
            is_own_1R = segment_1R == segment_BL[b, start]
            new_1RHA = jnp.where(is_own_1R[:, :, None, None], new_1RHA, old_1RHA)
            return attention_blocks.put(out_BLHA, new_1RHA[0], b, i)

        return jax.lax.fori_loop(0, -(-longest // size), part, out_BLHA), index

    start = jnp.zeros_like(q_BLHA), jnp.int32(-1)
    return jax.lax.fori_loop(0, is_first_P.sum(), record, start)[0]


def _attended(
    score_BHLM: jax.Array,
    v_BMKA: jax.Array,
    segment_BL: jax.Array,
    segment_BM: jax.Array,
) -> jax.Array:
    """Returns out_BLHA of scores; weights are divided by their sums after they served.

    There are A numbers of a position then, not M as in `normalise`.
    """
    same_BLM = segment_BL[:, :, None] == segment_BM[:, None, :]
    score_BHLM = score_BHLM + jnp.where(same_BLM, 0.0, NEVER)[:, None]
    # Subtracting it changes no weight, so its gradient is 0: none is computed.
    top_BHL1 = jax.lax.stop_gradient(score_BHLM.max(axis=-1, keepdims=True))
    weight_BHLM = jnp.exp(score_BHLM - top_BHL1)
    sum_BLH1 = jnp.moveaxis(weight_BHLM.sum(axis=-1, keepdims=True), 1, 2)
    out_BLHA = context(weight_BHLM, v_BMKA) / sum_BLH1
    is_record_BL11 = (segment_BL > 0)[:, :, None, None]
    return jnp.where(is_record_BL11, out_BLHA, 0.0).astype(v_BMKA.dtype)


def choose(name: str, device: jax.Device) -> Choice:
    """Returns the back end for a device: `name` itself, or the best for "auto".

    Args:
      name: one of config.ATTENTION_BACKENDS.
      device: the first of those that train; the others are taken to be like it.

    Raises:
      ValueError: the device cannot run `name`.
    """
    if name == "auto":
        return _best(device)
    if missing := _missing(name, device):
        accepted = [n for n in _BACKENDS if not _missing(n, device)]
        raise ValueError(
            f"compute.attention={name!r} needs {missing}, found "
            f"{device.device_kind}; accepted here: {', '.join(accepted)}, auto"
        )
    return Choice(name, "asked for by compute.attention")


def available(device: jax.Device) -> dict[str, str]:
    """Returns, for each back end, what a device lacks to run it; "" for nothing."""
    return {name: _missing(name, device) for name in _BACKENDS}


@functools.cache
def build(name: str, *, mesh: Mesh | None = None, max_segments: int = 64) -> Attend:
    """Returns the back end called `name`, the same one for the same arguments.

    Functions that are compiled for one encoder serve another that equals it.

    Args:
      name: as given by `choose`.
      mesh: devices that share the work: examples over data and fsdp, heads over
        tensor. XLA cannot divide a kernel, so each device runs its own part.
      max_segments: most records that a row holds; "cudnn_packed" is built for it, and
        "blocks" has larger ones if it is 1.
    """
    attend = _BACKENDS[name]()
    if name in ("blocks", "cudnn_packed"):
        attend = functools.partial(attend, max_segments=max_segments)
    if mesh is None or name == "plain":
        return attend
    heads = P(("data", "fsdp"), None, "tensor", None)
    return jax.shard_map(
        attend,
        mesh=mesh,
        in_specs=(heads, heads, heads, P(("data", "fsdp"), None)),
        out_specs=heads,
        check_vma=False,
    )


@functools.cache
def in_use(name: str, longest: int) -> Attend:
    """Returns the back end for a model in use, of which no gradient is asked.

    Args:
      name: as given by `choose`.
      longest: tokens that no record has more of.
    """
    if name == "blocks":
        return functools.partial(records, longest=longest)
    return build(name)


def _pallas() -> Callable[..., jax.Array]:
    from ssrlm_jax.models import attention_kernels

    return attention_kernels.pallas


def _cudnn_mask() -> Callable[..., jax.Array]:
    from ssrlm_jax.models import attention_cudnn

    return attention_cudnn.cudnn_mask


def _cudnn_packed() -> Callable[..., jax.Array]:
    from ssrlm_jax.models import attention_cudnn

    return attention_cudnn.cudnn_packed


# What GPUs alone run is imported when it is asked for: CPUs start sooner.
_BACKENDS: dict[str, Callable[[], Callable[..., jax.Array]]] = {
    "plain": lambda: plain,
    "blocks": lambda: attention_blocks.attend,
    "pallas": _pallas,
    "cudnn_mask": _cudnn_mask,
    "cudnn_packed": _cudnn_packed,
}
# Compute capability of an NVIDIA GPU that a back end needs.
_CAPABILITY = {"pallas": 8.0, "cudnn_mask": 8.0, "cudnn_packed": 9.0}


def _capability(device: jax.Device) -> float:
    """Returns the compute capability of an NVIDIA GPU, 0 for other devices."""
    found = str(getattr(device, "compute_capability", ""))
    return float(found) if found.replace(".", "", 1).isdigit() else 0.0


def _missing(name: str, device: jax.Device) -> str:
    """Says what a device lacks for a back end; "" when it can run it."""
    needed = _CAPABILITY.get(name, 0.0)
    if _capability(device) >= needed:
        return ""
    return f"an NVIDIA GPU of compute capability {needed} or newer"


def _best(device: jax.Device) -> Choice:
    """Returns the back end that is fastest on a device, as far as measured."""
    if device.platform == "cpu":
        return Choice("blocks", "a CPU: computes only what lies within records")
    if not _missing("pallas", device):
        return Choice(
            "pallas",
            f"compute capability {_capability(device)}: skips what lies outside "
            "records; the fastest of training on an H100",
        )
    return Choice("plain", f"no kernel is known to run on {device.device_kind}")
