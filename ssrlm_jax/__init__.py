"""SSR-LM in JAX: a structure-aware RNA language model.

>>> predictor = ssrlm_jax.load()  # doctest: +SKIP
>>> predictor.fold(ssrlm_jax.read("my.fa"))  # doctest: +SKIP
"""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ssrlm_jax import config
    from ssrlm_jax.infer import predictors


def load(
    model: str | os.PathLike[str] | None = None,
    decoding: "config.DecodingConfig | None" = None,
    *,
    dtype: str = "auto",
) -> "predictors.Predictor":
    """Loads a model, for folding and embedding; see `infer.loading.load`.

    Args:
      model: a directory, or a name of `ssrlm models`; None: the one that SSRLM_MODEL
        names, else the default that comes with the package.
      decoding: from probabilities to structures; None: the model's own rule.
      dtype: of products: "float32", "bfloat16", or "auto", which is bfloat16 for wide
        encoders on CPUs with AMX and float32 elsewhere; see `infer.precision.choose`.

    Raises:
      ValueError: there is no model, or it is damaged.

    Example:
      >>> load().fold(["GGGGAAAACCCC"])[0].dot_bracket
      '((((....))))'
    """
    from ssrlm_jax.infer import catalogue, loading  # JAX: seconds

    return loading.load(catalogue.find(model), decoding, dtype=dtype)


def read(source: str | os.PathLike[str]) -> dict[str, str]:
    r"""Reads sequences by name, for `Predictor.fold` and `embed`.

    Args:
      source: a file, as `ssrlm fold` reads it; a name that comes again gets "-2", "-3"
        and so on. Two strands have '&' between them.

    Warns:
      UserWarning: letters or lines were read as something else.

    Raises:
      ValueError: a record that cannot be used, with its line; as `inputs.records`.

    Example:
      >>> import pathlib, tempfile
      >>> with tempfile.TemporaryDirectory() as folder:
      ...     path = pathlib.Path(folder, "my.fa")
      ...     _ = path.write_text(">a\nGGGGAAAACCCC\n>b\nGGGG&CCCC\n")
      ...     read(path)
      {'a': 'GGGGAAAACCCC', 'b': 'GGGG&CCCC'}
    """
    import warnings

    from ssrlm_jax.infer import inputs, results
    from ssrlm_jax.rna import strands

    names = results.FreeNames()
    found: dict[str, str] = {}
    for record in inputs.records(os.fspath(source)):
        if isinstance(record, inputs.Problem):
            raise ValueError(str(record))
        if isinstance(record, inputs.Note):
            warnings.warn(str(record), stacklevel=2)
            continue
        text = strands.marked(record.sequence, record.breaks)
        found[names.take(record.name)] = text
    return found
