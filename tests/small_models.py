"""A model that folds, small and untrained."""

import dataclasses

import jax
import jax.numpy as jnp

from ssrlm_jax import config, model_dir
from ssrlm_jax.models import attention, encoders, heads
from ssrlm_jax.rna import alphabet

SIZES = config.EncoderConfig(
    num_layers=2, width=16, num_heads=2, num_kv_heads=2, ffn_width=24
)
HEAD = config.HeadConfig(channels=4)


def save(folder):
    """Writes a model directory, of which the threshold is 0.45."""
    body = encoders.Encoder(**dataclasses.asdict(SIZES), attend=attention.plain)
    token_BL = jnp.zeros((1, 8), jnp.uint8)
    keys = jax.random.split(jax.random.key(0))
    params = {
        "encoder": body.init(keys[0], token_BL, token_BL)["params"],
        "pair_head": heads.build(HEAD, "float32").init(
            keys[1], jnp.zeros((1, 8, 16)), jnp.ones((1, 8), bool)
        )["params"],
    }
    description = model_dir.Description(
        architecture=SIZES,
        letters=alphabet.LETTERS,
        made={},
        scores={},
        threshold=0.45,
        head=HEAD,
        trained_length=10,
    )
    model_dir.save(folder, description, params)
