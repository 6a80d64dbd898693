"""Attention for NVIDIA GPUs by cuDNN: with a dense mask, or told where records lie.

The contract is attention.py's; axis letters as in models/layers.py, and N records.
"""

import jax
import jax.numpy as jnp


def cudnn_mask(
    q_BLHA: jax.Array, k_BMKA: jax.Array, v_BMKA: jax.Array, segment_BL: jax.Array
) -> jax.Array:
    """Attends by cuDNN with a dense mask of (L, L), computing all of it."""
    same_BLM = segment_BL[:, :, None] == segment_BL[:, None, :]
    out_BLHA = jax.nn.dot_product_attention(
        q_BLHA, k_BMKA, v_BMKA, mask=same_BLM[:, None], implementation="cudnn"
    )
    return jnp.where((segment_BL > 0)[:, :, None, None], out_BLHA, 0)


def cudnn_packed(
    q_BLHA: jax.Array,
    k_BMKA: jax.Array,
    v_BMKA: jax.Array,
    segment_BL: jax.Array,
    *,
    max_segments: int,
) -> jax.Array:
    """Attends by cuDNN told where each record lies.

    jax has no public function for it. Its private one reads wrong keys in jax 0.10
    when queries share them, so keys are repeated for every query head.

    Args:
      q_BLHA: queries.
      k_BMKA: keys.
      v_BMKA: values.
      segment_BL: records; a row holds at most `max_segments`.
      max_segments: of the corpus, which promises it: of a record beyond, the output
        would be what the memory held.
    """
    from jax._src.cudnn import fused_attention_stablehlo as cudnn

    # Outside records cuDNN writes nothing, in the gradients too: whatever the memory
    # held. Choosing here as well makes them 0.
    is_record_BL11 = (segment_BL > 0)[:, :, None, None]
    q_BLHA, k_BMKA, v_BMKA = (
        jnp.where(is_record_BL11, x, 0) for x in (q_BLHA, k_BMKA, v_BMKA)
    )
    num_shared = q_BLHA.shape[2] // k_BMKA.shape[2]
    length_BN, offset_BN = record_table(segment_BL, max_segments)
    out_BLHA = cudnn.dot_product_attention(
        q_BLHA,
        jnp.repeat(k_BMKA, num_shared, axis=2),
        jnp.repeat(v_BMKA, num_shared, axis=2),
        q_seqlen=length_BN,
        kv_seqlen=length_BN,
        q_offsets=offset_BN,
        kv_offsets=offset_BN,
        scale=q_BLHA.shape[-1] ** -0.5,
        mask_type=cudnn.MaskType.NO_MASK,
        qkv_layout="BTNH",
    )
    return jnp.where(is_record_BL11, out_BLHA, 0)


def record_table(
    segment_BL: jax.Array, max_segments: int
) -> tuple[jax.Array, jax.Array]:
    """Returns lengths (B, max_segments) and first positions (B, max_segments + 1).

    Records come in the order of the row; what is not used is -1, as cuDNN asks.
    """
    is_first_BL = jnp.pad(
        segment_BL[:, 1:] != segment_BL[:, :-1], ((0, 0), (1, 0)), constant_values=True
    ) & (segment_BL > 0)
    number_BL = jnp.where(
        segment_BL > 0, jnp.cumsum(is_first_BL, axis=1) - 1, max_segments
    )
    is_in_BLN = number_BL[:, :, None] == jnp.arange(max_segments)[None, None]
    length_BN = is_in_BLN.sum(axis=1, dtype=jnp.int32)
    first_BN = jnp.argmax(is_in_BLN, axis=1).astype(jnp.int32)
    is_used_BN = length_BN > 0
    return (
        jnp.where(is_used_BN, length_BN, -1),
        jnp.pad(
            jnp.where(is_used_BN, first_BN, -1), ((0, 0), (0, 1)), constant_values=-1
        ),
    )
