"""Checkpoints of other packages: names, shapes and values, read tensor by tensor.

safetensors files are mapped, and so are PyTorch's zip files: what is held in memory
is the tensor that is read. PyTorch's older files are read whole.
"""

import argparse
import dataclasses
import json
import pathlib
import pickle
import warnings
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import safetensors

from ssrlm_jax import types

if TYPE_CHECKING:
    from torch import Tensor

SETTINGS_FILE = "config.json"
WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin")
_NESTED = ("model", "state_dict")  # keys that tensors lie under in some checkpoints


@dataclasses.dataclass(frozen=True)
class Source:
    """An opened checkpoint.

    Attributes:
      path: of the file or directory, as given.
      shapes: name of a tensor -> its shape.
      values: what else stands among the tensors, by name, such as a threshold.
      settings: of config.json beside the file, or of the `args` in it; may be empty.
      reader: name of a tensor -> its values.
      notes: what else the file holds and is not read, for the user.
    """

    path: pathlib.Path
    shapes: Mapping[str, tuple[int, ...]]
    values: types.Json
    settings: types.Json
    reader: Callable[[str], np.ndarray]
    notes: Sequence[str] = ()

    def read(self, name: str) -> np.ndarray:
        """Returns a tensor as float32.

        Raises:
          ValueError: it holds no floating-point numbers.
        """
        found = np.asarray(self.reader(name))
        if found.dtype.kind not in "fV":  # V: bfloat16
            raise ValueError(f"{self.path}: {name} holds {found.dtype}, not floats")
        return found.astype(np.float32, copy=False)

    def integer(self, name: str, default: int | None = None) -> int | None:
        """Returns a setting that is a number above 0, or `default` if there is none.

        Raises:
          ValueError: it is something else.
        """
        found = self.settings.get(name)
        if found is None:
            return default
        if isinstance(found, bool) or not isinstance(found, int) or found < 1:
            raise ValueError(f"{self.path}: {name}={found!r} is no number above 0")
        return found

    def number(self, name: str, default: float) -> float:
        """Returns a setting that is a number, or `default` if there is none.

        Raises:
          ValueError: it is something else.
        """
        found = self.settings.get(name)
        if found is None:
            return default
        if isinstance(found, bool) or not isinstance(found, int | float):
            raise ValueError(f"{self.path}: {name}={found!r} is no number")
        return float(found)

    def expect(self, **known: object) -> None:
        """Refuses settings that are not what is known here; none has to be there.

        Raises:
          ValueError: one is there and is something else.
        """
        for name, value in known.items():
            found = self.settings.get(name)
            if found is not None and found != value:
                raise ValueError(
                    f"{self.path}: {name}={found!r} found, {value!r} is expected"
                )

    def renamed(self, rename: Callable[[str], str]) -> "Source":
        """Returns the same checkpoint with other names.

        Raises:
          ValueError: two tensors get one name.
        """
        originals: dict[str, str] = {}
        for name in self.shapes:
            new = rename(name)
            if new in originals:
                raise ValueError(
                    f"{self.path}: {originals[new]} and {name} are both {new}"
                )
            originals[new] = name
        return dataclasses.replace(
            self,
            shapes={new: self.shapes[old] for new, old in originals.items()},
            values={rename(name): value for name, value in self.values.items()},
            reader=lambda new: self.reader(originals[new]),
        )


def open_source(path: pathlib.Path, *, is_pickle_trusted: bool = False) -> Source:
    """Opens a file of weights, or a directory as Hugging Face stores models.

    Args:
      path: a .safetensors file, a PyTorch file, or a directory with one of
        WEIGHT_FILES, whole or in parts with an index.
      is_pickle_trusted: whether objects that a PyTorch file holds beside tensors may
        be unpickled, which can run code.

    Raises:
      ValueError: there is no such file, it is damaged, PyTorch is needed and missing,
        or it holds objects and is not trusted.
    """
    files = _files(path)
    settings_path = files[0].parent / SETTINGS_FILE
    settings: types.Json = {}
    if settings_path.is_file():
        settings = _json(settings_path)
    parts = [
        _open_safetensors(file)
        if file.suffix == ".safetensors"
        else _open_torch(file, is_pickle_trusted)
        for file in files
    ]
    part_of: dict[str, Source] = {}
    for part in parts:
        for name in part.shapes:
            if name in part_of:
                raise ValueError(f"{part.path}: {name} is in {part_of[name].path}, too")
            part_of[name] = part
    return Source(
        path,
        shapes={name: part.shapes[name] for name, part in part_of.items()},
        values={name: value for part in parts for name, value in part.values.items()},
        settings={**settings, **parts[0].settings},  # what is in the file decides
        reader=lambda name: part_of[name].reader(name),
        notes=[note for part in parts for note in part.notes],
    )


def _files(path: pathlib.Path) -> list[pathlib.Path]:
    """Returns the files that weights lie in."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise ValueError(f"{path}: no such file or directory")
    for name in WEIGHT_FILES:
        index = path / f"{name}.index.json"
        if index.is_file():
            return [path / part for part in _parts(index)]
        if (path / name).is_file():
            return [path / name]
    raise ValueError(
        f"{path} holds none of {', '.join(WEIGHT_FILES)}; name the file of weights"
    )


def _parts(index: pathlib.Path) -> list[str]:
    """Returns the files that the index of a model in parts names."""
    file_of = _json(index).get("weight_map")
    if not isinstance(file_of, Mapping) or not all(
        isinstance(part, str) and part == pathlib.PurePath(part).name
        for part in file_of.values()
    ):
        raise ValueError(f"{index}: no names of files under weight_map")
    parts = sorted(set(file_of.values()))
    for part in parts:
        if not (index.parent / part).is_file():
            raise ValueError(f"{index}: {part} is missing beside it")
    return parts


def _json(path: pathlib.Path) -> types.Json:
    try:
        found = json.loads(path.read_text())
    except ValueError as error:
        raise ValueError(f"{path}: is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise ValueError(f"{path}: a {type(found).__name__} found, settings expected")
    return found


def _open_safetensors(path: pathlib.Path) -> Source:
    try:
        opened = safetensors.safe_open(path, framework="flax")
        names = list(opened.keys())
        shapes = {name: tuple(opened.get_slice(name).get_shape()) for name in names}
    except (OSError, safetensors.SafetensorError) as error:
        raise ValueError(f"{path}: cannot be read as safetensors: {error}") from error
    return Source(path, shapes, {}, {}, opened.get_tensor)


def _open_torch(path: pathlib.Path, is_pickle_trusted: bool) -> Source:
    try:
        import torch
    except ImportError as error:
        raise ValueError(
            f"{path}: a PyTorch file needs PyTorch to be read; `pip install torch`, or "
            "give the model as safetensors"
        ) from error
    checkpoint = _unpickle(torch, path, is_pickle_trusted)
    if not isinstance(checkpoint, Mapping):
        raise ValueError(f"{path}: a {type(checkpoint).__name__} found, no state dict")
    settings = _as_settings(checkpoint.get("args"))
    beside: list[str] = []
    for key in _NESTED:
        if isinstance(checkpoint.get(key), Mapping):
            beside += [str(name) for name in checkpoint if name not in (key, "args")]
            checkpoint = checkpoint[key]
    tensors = {
        str(name): value
        for name, value in checkpoint.items()
        if isinstance(value, torch.Tensor)
    }
    if not tensors:
        raise ValueError(f"{path}: holds no tensors")
    others = {str(n): v for n, v in checkpoint.items() if str(n) not in tensors}
    beside += [name for name in others if name not in ("args", "threshold")]
    notes = [f"not read, beside the tensors: {', '.join(beside)}"] if beside else []
    return Source(
        path,
        {name: tuple(tensor.shape) for name, tensor in tensors.items()},
        others,
        settings,
        lambda name: _as_array(torch, tensors[name]),
        notes,
    )


def _as_array(torch: ModuleType, tensor: "Tensor") -> np.ndarray:
    """Returns a tensor; NumPy has no bfloat16."""
    tensor = tensor.detach()
    return (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()


def _unpickle(torch: ModuleType, path: pathlib.Path, is_trusted: bool) -> object:
    """Loads a PyTorch file; tensors are mapped, where the format allows it."""
    # An argparse.Namespace holds settings and can do nothing.
    with torch.serialization.safe_globals([argparse.Namespace]):
        try:
            return _load(torch, path, weights_only=True)
        except Exception as error:  # of many kinds, for a file of another kind
            with path.open("rb") as file:
                is_pickle = file.read(2) in (b"PK", b"\x80\x02")
            if not is_pickle:
                raise ValueError(
                    f"{path}: is no PyTorch file; give one, or safetensors, or a "
                    "directory that has either"
                ) from error
            if not isinstance(error, pickle.UnpicklingError):
                raise ValueError(
                    f"{path}: is no whole PyTorch file: {_first(error)}"
                ) from error
            if not is_trusted:
                raise ValueError(
                    f"{path}: holds Python objects beside tensors, and opening them "
                    "can run code; if you trust where the file comes from, add "
                    "--trust-pickle"
                ) from error
    warnings.warn(f"{path}: unpickled as trusted, its code may run", stacklevel=2)
    # What cannot be imported, such as fairseq's settings, is held as a plain object.
    lenient = SimpleNamespace(
        **{name: getattr(pickle, name) for name in ("load", "loads", "dump", "dumps")},
        Unpickler=_Unpickler,
        UnpicklingError=pickle.UnpicklingError,
        __name__="pickle",
    )
    try:
        return _load(torch, path, weights_only=False, pickle_module=lenient)
    except Exception as error:  # whatever the objects in it do
        raise ValueError(f"{path}: cannot be unpickled: {_first(error)}") from error


def _first(error: Exception) -> str:
    """Returns the first line of a message, with the kind of the error."""
    lines = str(error).strip().splitlines()
    return ": ".join([type(error).__name__, *lines[:1]])


def _load(torch: ModuleType, path: pathlib.Path, **options: object) -> object:
    try:
        return torch.load(path, map_location="cpu", mmap=True, **options)
    except RuntimeError as error:
        if "mmap can only be used" not in str(error):
            raise
    return torch.load(path, map_location="cpu", **options)


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> object:
        try:
            return super().find_class(module, name)
        except (ImportError, AttributeError):
            return type(name, (_Absent,), {"__module__": module})


class _Absent:
    """Stands in for an object of a package that is not installed."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        del args, kwargs

    def __setstate__(self, state: object) -> None:
        if isinstance(state, Mapping):
            self.__dict__.update(state)

    def __setitem__(self, key: object, value: object) -> None:
        self.__dict__[str(key)] = value

    def append(self, value: object) -> None:
        """Takes what an object that is a list would hold."""

    def extend(self, values: object) -> None:
        """Likewise."""


def _as_settings(args: object) -> types.Json:
    if args is None or isinstance(args, Mapping):
        return dict(args or {})
    return vars(args) if hasattr(args, "__dict__") else {}
