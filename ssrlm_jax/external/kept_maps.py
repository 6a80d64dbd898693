"""What a program says of pairs, kept on disk; probabilities as float16."""

import os
import pathlib
import threading
import tokenize

import numpy as np

from ssrlm_jax import files
from ssrlm_jax.rna import probabilities

_ROW = np.dtype([("i", "<i4"), ("j", "<i4"), ("probability", "<f2")])


def read(path: pathlib.Path) -> probabilities.PairProbabilities | None:
    """Returns what is kept; None: nothing is.

    Raises:
      ValueError: the file is something else.
    """
    try:
        rows = _rows(path)
        listed = probabilities.PairProbabilities(
            np.ascontiguousarray(rows["i"]),
            np.ascontiguousarray(rows["j"]),
            rows["probability"].astype(np.float32),
        )
        if probabilities.are_wrong(listed).any():
            raise ValueError("no pairs, or no probabilities")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError, tokenize.TokenError) as error:
        raise ValueError(f"{path}: not pair probabilities; remove it") from error
    return listed


def _rows(path: pathlib.Path) -> np.ndarray:
    """Returns the rows of a file, each of a pair; errors as those of NumPy's header."""
    with path.open("rb") as file:
        rows = np.lib.format.read_array(file)
        is_more = bool(file.read(1))
    if is_more or rows.ndim != 1 or rows.dtype != _ROW:
        raise ValueError("other rows")
    return rows


def rounded(listed: probabilities.PairProbabilities) -> probabilities.PairProbabilities:
    """Returns what `read` gives of it once it is kept."""
    kept = listed.probability.astype(_ROW["probability"]).astype(np.float32)
    return listed._replace(probability=kept)


def write(path: pathlib.Path, listed: probabilities.PairProbabilities) -> None:
    """Keeps what a program said; others may do so at the same time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = np.empty(len(listed.i), _ROW)
    for field, values in listed._asdict().items():
        rows[field] = values
    # Others may write the same map: each has a name of its own beside it.
    own = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}")
    with files.whole(own) as part, part.open("wb") as file:
        np.save(file, rows)
    own.replace(path)
