"""SSR-LM in JAX: a structure-aware RNA language model.

>>> predictor = ssrlm_jax.load("models/bprna")  # doctest: +SKIP
>>> predictor.fold(["GGGAAACCC"])  # doctest: +SKIP
"""

import pathlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ssrlm_jax import config
    from ssrlm_jax.infer import predictor


def load(
    model: str | pathlib.Path,
    decoding: "config.DecodingConfig | None" = None,
    *,
    dtype: str = "float32",
) -> "predictor.Predictor":
    """Loads a model directory, for folding and embedding; see `infer.predictor.load`.

    Raises:
      ValueError: there is no model, or it is damaged.
    """
    from ssrlm_jax.infer import predictor  # JAX: seconds

    return predictor.load(model, decoding, dtype=dtype)
