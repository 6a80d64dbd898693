"""A model that folds, small and untrained."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from ssrlm_jax import config, model_dir
from ssrlm_jax.models import attention, encoders, heads
from ssrlm_jax.rna import alphabet

SIZES = config.EncoderConfig(
    num_layers=2, width=16, num_heads=2, num_kv_heads=2, ffn_width=24
)
HEAD = config.HeadConfig(channels=4)


def made(sizes=SIZES, head=HEAD, *, threshold=0.4, trained_length=50):
    """Returns description and parameters of an untrained model with a head."""
    body = encoders.Encoder(**dataclasses.asdict(sizes), attend=attention.plain)
    token_BL = jnp.zeros((1, 8), jnp.uint8)
    keys = jax.random.split(jax.random.key(0))
    params = {
        "encoder": body.init(keys[0], token_BL, token_BL)["params"],
        "pair_head": heads.fresh(heads.build(head, "float32"), sizes.width, keys[1]),
    }
    description = model_dir.Description(
        architecture=sizes,
        letters=alphabet.LETTERS,
        made={},
        scores={},
        threshold=threshold,
        head=head,
        trained_length=trained_length,
    )
    return description, jax.tree.map(np.asarray, params)


def save(folder):
    """Writes a model directory, of which the threshold is 0.45."""
    model_dir.save(folder, *made(threshold=0.45, trained_length=10))
