"""A model as a directory: model.json says what it is, model.safetensors holds it.

Whatever reads a model needs only this file, the encoder and the alphabet: no
training code. Parameters are named by their path in the Flax tree, a/b/c.
"""

import collections
import contextlib
import dataclasses
import functools
import itertools
import json
import logging
import math
import pathlib
import shutil
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import ArrayLike

from ssrlm_jax import config, files, types
from ssrlm_jax.rna import alphabet

FORMAT = 1
DESCRIPTION_FILE = "model.json"
WEIGHTS_FILE = "weights.safetensors"
DTYPES = {"float32": "F32", "float16": "F16"}  # of a file, and as safetensors says
_MAPPING = "an object"
_FIELDS: dict[str, tuple[tuple[type, ...], str]] = {  # of model.json, where it has them
    "architecture": ((dict,), _MAPPING),
    "letters": ((list,), "a list"),
    "made": ((dict,), _MAPPING),
    "scores": ((dict,), _MAPPING),
    "threshold": ((int, float, type(None)), "a number or null"),
    "head": ((dict, type(None)), "an object or null"),
    "folding": ((dict, type(None)), "an object or null"),
    "trained_length": ((int, type(None)), "a whole number or null"),
}
_log = logging.getLogger("ssrlm_jax")

ORIGIN = ("licence", "citation", "data_until")  # what goes on from model to model


@dataclasses.dataclass(frozen=True, kw_only=True)
class Description:
    """What model.json says.

    Attributes:
      architecture: of the encoder.
      letters: the alphabet, by token id.
      made: how the model came about: step, settings, versions.
      scores: validation scores by name; a loss is in nats.
      threshold: of a pair's probability, or None before one was chosen.
      head: the network that predicts pairs, or None before one was trained.
      folding: the network that predicts atoms, or None likewise.
      trained_length: nucleotides of the longest RNA in training, or None: unknown.
    """

    architecture: config.EncoderConfig
    letters: tuple[str, ...]
    made: types.Json
    scores: Mapping[str, float]
    threshold: float | None = None
    head: "config.HeadConfig | None" = None
    folding: "config.FoldingConfig | None" = None
    trained_length: int | None = None

    @property
    def has_parts(self) -> bool:
        """Whether there is more than an encoder."""
        return self.head is not None or self.folding is not None


@dataclasses.dataclass(frozen=True)
class Lazy:
    """An array that is made when it is written, part by part.

    Attributes:
      shape: of the whole.
      parts: yields what follows one another in memory, as float32 or narrower.
    """

    shape: tuple[int, ...]
    parts: Callable[[], Iterator[np.ndarray]]


def origin(
    description: Description | None, *, trained_until: str | None = None
) -> types.Json:
    """Returns licence, citation and date of weights; whoever trains on keeps them.

    Args:
      description: of the model; None: there is none, new weights are trained.
      trained_until: date of the newest of other data that trains it now, year-month-day
        or its beginning; "": not known, and so not of the whole either; None: none
        does.
    """
    if description is None:
        return {"data_until": trained_until} if trained_until else {}
    told = {n: description.made[n] for n in ORIGIN if n in description.made}
    if trained_until is not None:
        dates = (str(told.pop("data_until", "")), trained_until)
        if all(dates):
            told["data_until"] = max(dates, key=_sort_key)
        elif trained_until:
            _log.warning(
                "the model that is trained on tells no date of its data, so none is "
                "kept of the whole"
            )
    return told


def _sort_key(date: str) -> str:
    """Returns a date that sorts behind all that lie in its year or month."""
    return date + "9999-99-99"[len(date) :]


def save(
    directory: pathlib.Path,
    description: Description,
    params: types.Params,
    *,
    is_replaced: bool = False,
    dtype: str = "float32",
    others: Iterable[pathlib.Path] = (),
) -> None:
    """Writes a model directory; it appears whole or not at all.

    Args:
      directory: does not exist or is empty.
      description: becomes model.json.
      params: nested dict of arrays, or of `Lazy` ones.
      is_replaced: whether an earlier model in `directory` gives way.
      dtype: of the file, one of `DTYPES`; "float16" takes half the room, and rounds.
      others: files that belong to the model, to be copied.

    Raises:
      ValueError: something else is there, or a weight is too large for float16.
    """
    is_model = (directory / DESCRIPTION_FILE).is_file()
    if not (is_replaced and is_model):
        check_free(directory)
    with files.whole_directory(directory) as beside:
        from flax import traverse_util  # JAX: seconds that `describe` need not wait

        flat = traverse_util.flatten_dict(params, sep="/")
        write_arrays(beside / WEIGHTS_FILE, flat, dtype)
        fields = {"format": FORMAT} | dataclasses.asdict(description)
        (beside / DESCRIPTION_FILE).write_text(json.dumps(fields, indent=1) + "\n")
        for path in others:
            shutil.copyfile(path, beside / path.name)


def check_free(directory: pathlib.Path) -> None:
    """Raises a ValueError unless a directory can be made there."""
    files.check_place(directory)
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise ValueError(
            f"{directory} exists and is not empty; give a new directory, or remove it"
        )
    if not directory.name:
        raise ValueError(f"{directory} cannot be made; give a new directory")


def write_arrays(
    path: pathlib.Path, arrays: "Mapping[str, ArrayLike | Lazy]", dtype: str = "float32"
) -> None:
    """Writes a safetensors file of arrays of one dtype.

    The library's own writer wants all arrays in memory, and a copy of them.

    Args:
      path: of the file; replaced.
      arrays: by name; arrays or `Lazy` ones.
      dtype: one of `DTYPES`.

    Raises:
      ValueError: the parts of a `Lazy` array are not as many numbers as its shape, or
        a number is too large for the dtype.
    """
    name_of_dtype, kind = DTYPES[dtype], np.dtype(dtype).newbyteorder("<")
    lazy = {
        name: value
        if isinstance(value, Lazy)
        else Lazy(np.shape(value), functools.partial(_whole, value))
        for name, value in sorted(arrays.items())
    }
    header: dict[str, object] = {}
    end = 0
    for name, array in lazy.items():
        start, end = end, end + kind.itemsize * math.prod(array.shape)
        header[name] = {
            "dtype": name_of_dtype,
            "shape": list(array.shape),
            "data_offsets": [start, end],
        }
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, array in lazy.items():
            written = 0
            for part in array.parts():
                if np.abs(part).max(initial=0.0) > np.finfo(kind).max:
                    raise ValueError(f"{name} has numbers too large for {dtype}")
                written += file.write(np.ascontiguousarray(part, kind).data)
            if written != kind.itemsize * math.prod(array.shape):
                raise ValueError(
                    f"{name}: {written // kind.itemsize:,} numbers for the shape "
                    f"{array.shape}"
                )


def _whole(value: ArrayLike) -> Iterator[np.ndarray]:
    yield np.asarray(value)


def describe(directory: pathlib.Path) -> Description:
    """Returns what model.json says, without reading weights.

    Raises:
      ValueError: there is no model, a damaged one, or one of another format or
        alphabet.
    """
    path = directory / DESCRIPTION_FILE
    if not path.is_file():
        raise ValueError(f"{directory} {_missing(directory)}")
    try:
        fields = json.loads(path.read_text())
        _check_fields(fields)
        found = fields.pop("format")
        if found != FORMAT:
            raise ValueError(f"format {found} found, {FORMAT} expected")
        architecture = config.frozen(config.EncoderConfig, fields.pop("architecture"))
        letters = tuple(fields.pop("letters"))
        if head := fields.pop("head", None):
            head = config.frozen(config.HeadConfig, head)
        if folding := fields.pop("folding", None):
            folding = config.frozen(config.FoldingConfig, folding)
        description = Description(
            architecture=architecture,
            letters=letters,
            head=head,
            folding=folding,
            **fields,
        )
    except KeyError as error:
        raise ValueError(f"{path}: not a model description: no {error}") from error
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: not a model description: {error}") from error
    if letters != alphabet.LETTERS:
        raise ValueError(
            f"{path}: letters {letters} found, this version reads {alphabet.LETTERS}"
        )
    return description


def _missing(directory: pathlib.Path) -> str:
    """Says of a path that is no model directory what it is, and what to do."""
    if directory.is_file():
        return f"is a file; a directory is expected, with a {DESCRIPTION_FILE}"
    if not directory.exists():
        return f"does not exist; `ssrlm export WORKDIR {directory}` makes a model"
    found = f"is no model directory: it has no {DESCRIPTION_FILE}"
    inner = directory / "model"  # of the workdir of a run that is finished
    if (inner / DESCRIPTION_FILE).is_file():
        return f"{found}; its model is {inner}: name that"
    new = "MODEL" if any(directory.iterdir()) else directory
    return f"{found}; `ssrlm export WORKDIR {new}` makes one of a run"


def _check_fields(fields: object) -> None:
    """Raises a ValueError unless what model.json holds is of the kinds it should be."""
    if not isinstance(fields, dict):
        raise ValueError(f"{_MAPPING} expected, found {json.dumps(fields)[:40]}")
    for name, (kinds, accepted) in _FIELDS.items():
        value = fields.get(name)
        if name in fields and (not isinstance(value, kinds) or isinstance(value, bool)):
            raise ValueError(f"{name}={json.dumps(value)[:40]} is not {accepted}")
    if not 0 <= (fields.get("threshold") or 0) <= 1:
        raise ValueError(f"threshold={fields['threshold']} does not lie in 0..1")
    if (decoding := fields.get("made", {}).get("decoding")) is not None:
        if not isinstance(decoding, dict):
            raise ValueError(f"made.decoding={json.dumps(decoding)[:40]} is no object")
        config.frozen(config.DecodingConfig, decoding, "made.decoding.")


def load(directory: pathlib.Path) -> tuple[Description, types.Params]:
    """Returns a model: its description and its parameters, float32 NumPy arrays.

    A model of an encoder alone has its parameters at the top of the tree, another one
    has {"encoder": ...} and "pair_head" or "folding".

    Raises:
      ValueError: there is no model, or its weights are damaged.
    """
    from flax import traverse_util

    description = describe(directory)
    path = directory / WEIGHTS_FILE
    with _reading(path):
        arrays = safetensors.numpy.load_file(path)
    for name, array in arrays.items():
        if array.dtype.name not in DTYPES:
            raise ValueError(
                f"{path}: {name} is {array.dtype}, {' or '.join(DTYPES)} expected"
            )
        arrays[name] = array.astype(np.float32, copy=False)
        above = itertools.accumulate(name.split("/")[:-1], "{}/{}".format)
        if both := next((group for group in above if group in arrays), None):
            raise ValueError(f"{path}: {both} is an array, and a group with {name}")
    params = traverse_util.unflatten_dict(arrays, sep="/")
    for name in _parts(description):
        if not isinstance(params.get(name), dict):
            raise ValueError(f"{path}: {name}/... expected, as {DESCRIPTION_FILE} says")
    return description, params


def num_parameters(directory: pathlib.Path) -> dict[str, int]:
    """Counts the weights of a model by part, without reading them.

    The parts are those of `load`; an encoder alone is "encoder".

    Raises:
      ValueError: the weights cannot be read.
    """
    parts = _parts(describe(directory))
    path, counted = directory / WEIGHTS_FILE, collections.Counter[str]()
    with _reading(path), safetensors.safe_open(path, "np") as file:
        for name in file.keys():  # noqa: SIM118 (no mapping)
            part = name.partition("/")[0] if parts else "encoder"
            counted[part] += math.prod(file.get_slice(name).get_shape())
    return dict(counted)


def _parts(description: Description) -> list[str]:
    """Returns the groups of parameters of a model that is not an encoder alone."""
    has = {
        "encoder": description.has_parts,
        "pair_head": description.head is not None,
        "folding": description.folding is not None,
    }
    return [name for name, is_there in has.items() if is_there]


@contextlib.contextmanager
def _reading(path: pathlib.Path) -> Iterator[None]:
    """Makes what is wrong with a file of weights a ValueError."""
    try:
        with path.open("rb"):  # safetensors says of every failure: no such file
            yield
    except (OSError, safetensors.SafetensorError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ValueError(f"{path}: cannot be read as weights: {reason}") from error


def load_encoder(directory: pathlib.Path) -> tuple[Description, types.Params]:
    """Returns a model's description and the parameters of its encoder alone.

    Raises:
      ValueError: as `load`.
    """
    description, params = load(directory)
    return description, params["encoder"] if description.has_parts else params
