"""A model directory, loaded for use."""

import functools
import pathlib
from collections.abc import Sequence

import flax.traverse_util
import jax.numpy as jnp

from ssrlm_jax import config, model_dir
from ssrlm_jax.external import relatives
from ssrlm_jax.infer import decoding_rules, precision, predictors, reactivity_curve
from ssrlm_jax.models import layerwise


def load(
    directory: str | pathlib.Path,
    decoding: config.DecodingConfig | None = None,
    *,
    dtype: str = "float32",
) -> predictors.Predictor:
    """Loads a model directory.

    Args:
      directory: made by `ssrlm export`, or WORKDIR/model of a finished run.
      decoding: from probabilities to structures; None: the model's own rule, which
        `ssrlm thresholds` chooses, else the defaults.
      dtype: of products, "float32", "bfloat16" or "auto", see `precision.choose`;
        the matrices of bfloat16 take half the memory, and embeddings and
        probabilities are rounded.

    Raises:
      ValueError: there is no model, or it is damaged; another dtype.
    """
    directory = pathlib.Path(directory)
    precision.check(dtype)
    description, params = model_dir.load(directory)
    of_encoder = precision.choose(dtype, description.architecture.width).encoder
    flat = flax.traverse_util.flatten_dict(params)
    del params
    for name in flat:  # one by one, so that there are never two copies of all
        rounded = of_encoder if is_matrix(name, flat[name].ndim) else None
        if layerwise.BLOCKS in name and len(flat[name]):  # letters have no layers
            flat[name] = layerwise.split(flat[name], rounded)
        else:
            flat[name] = jnp.asarray(flat[name], rounded)
    params = flax.traverse_util.unflatten_dict(flat)
    rules = functools.partial(decoding_rules.load, directory)
    curve = functools.partial(reactivity_curve.load, directory)
    memory = None
    if description.head and relatives.NAME in description.head.energies:
        memory = relatives.read(directory / relatives.FILE)
    return predictors.Predictor(
        description,
        params,
        decoding,
        dtype=dtype,
        rules=rules,
        curve=curve,
        memory=memory,
    )


def is_matrix(path: Sequence[str], rank: int) -> bool:
    """Tells what is held in the dtype of products: it is rounded to it when used.

    Args:
      path: of a parameter.
      rank: of its array; layers are stacked, and norms and most biases have 2.
    """
    return "blocks" in path and rank > 2
