"""Embeddings of sequences on disk: bfloat16, in shards, by sequence and model.

A store is a directory of safetensors files. A tensor's name is the hash of its
sequence under the model; what is there already is not computed again.
"""

import hashlib
import logging
import pathlib
from collections.abc import Callable, Sequence

import ml_dtypes
import numpy as np
import safetensors
import safetensors.numpy

from ssrlm_jax import files

SHARD = 256  # sequences of a file

Embed = Callable[[list[str]], list[np.ndarray]]

_log = logging.getLogger(__name__)


def key(model: str, sequence: str) -> str:
    """Returns the name of a sequence's embedding.

    Args:
      model: hash of the model's weights.
      sequence: letters; U or T, upper or lower case are one.
    """
    letters = sequence.upper().replace("T", "U")
    return hashlib.sha256(f"{model}:{letters}".encode()).hexdigest()[:32]


def hash_of(weights: pathlib.Path) -> str:
    """Returns the hash of a file of weights."""
    with weights.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def of(
    sequences: Sequence[str], model: str, embed: Embed, store: pathlib.Path | None
) -> list[np.ndarray]:
    """Returns embeddings, bfloat16 (L, E), and keeps new ones.

    Args:
      sequences: in any order.
      model: hash of the model's weights.
      embed: computes float arrays (L, E).
      store: directory; None: nothing is kept.

    Raises:
      ValueError: a file of the store is damaged.
    """
    names = [key(model, sequence) for sequence in sequences]
    found = _read(store, set(names)) if store else {}
    missing: dict[str, str] = {}
    for name, sequence in zip(names, sequences, strict=True):
        if name not in found:
            missing.setdefault(name, sequence)
    todo = list(missing)
    if todo:
        _log.info("embedding %d of %d sequences", len(todo), len(set(names)))
    for first in range(0, len(todo), SHARD):
        part = todo[first : first + SHARD]
        arrays = embed([missing[name] for name in part])
        new = {
            name: np.asarray(array, np.float32).astype(ml_dtypes.bfloat16)
            for name, array in zip(part, arrays, strict=True)
        }
        if store:
            _write(store, new)
        found |= new
    return [found[name] for name in names]


def _read(store: pathlib.Path, names: set[str]) -> dict[str, np.ndarray]:
    found = {}
    for path in sorted(store.glob("*.safetensors")):
        try:
            with safetensors.safe_open(path, framework="numpy") as opened:
                for name in names.intersection(opened.keys()):
                    found[name] = opened.get_tensor(name)
        except (OSError, safetensors.SafetensorError) as error:
            raise ValueError(
                f"{path}: cannot be read: {error}; remove the file, and its embeddings "
                "are computed again"
            ) from error
    return found


def _write(store: pathlib.Path, arrays: dict[str, np.ndarray]) -> None:
    """Adds a shard, named by what it holds; appears whole or not at all."""
    store.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256("".join(sorted(arrays)).encode()).hexdigest()[:16]
    with files.whole(store / f"{name}.safetensors") as part:
        safetensors.numpy.save_file(arrays, part)
