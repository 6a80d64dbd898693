"""What a model has seen in training of a set: a score on it is no score."""

import pathlib
from collections.abc import Iterable

from ssrlm_jax.rna import trained_sequences


def hashes(directory: pathlib.Path) -> frozenset[str]:
    """Returns the hashes of the sequences that trained a model; none: not known.

    Args:
      directory: of the model. Where it has no list of hashes, the known structures
        that its head reads stand for what trained.

    Raises:
      ValueError: a file of it is damaged.
    """
    found = trained_sequences.read(directory / trained_sequences.FILE)
    if found:
        return found
    from ssrlm_jax.external import relatives

    path = directory / relatives.FILE
    if not path.exists():
        return frozenset()
    return frozenset(map(trained_sequences.digest, relatives.read(path).sequences))


def are_seen(directory: pathlib.Path, sequences: Iterable[str]) -> list[bool] | None:
    """Returns which sequences trained a model; None: it does not say.

    Raises:
      ValueError: as `hashes`, or a letter that is not of RNA.
    """
    known = hashes(directory)
    if not known:
        return None
    return [trained_sequences.digest(one) in known for one in sequences]
