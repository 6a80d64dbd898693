"""Models by name: those that come with the package, and those of a folder.

A name is that of a directory; a path always has a separator, or is a directory.
"""

import dataclasses
import os
import pathlib

from ssrlm_jax import model_dir

MODEL = "SSRLM_MODEL"  # names the model that is used where none is given
FOLDER = "SSRLM_MODELS"  # names a folder of models
DEFAULT = "energies"  # of the shipped ones
SHIPPED = pathlib.Path(__file__).parents[1] / "shipped"


@dataclasses.dataclass(frozen=True)
class Entry:
    """A model that has a name.

    Attributes:
      name: what `find` takes.
      directory: where it is.
      is_shipped: whether it came with the package.
    """

    name: str
    directory: pathlib.Path
    is_shipped: bool


def entries() -> list[Entry]:
    """Returns the models that have names, those of SSRLM_MODELS first.

    Raises:
      ValueError: SSRLM_MODELS names no directory.
    """
    found = shipped()
    if os.environ.get(FOLDER):
        folder = pathlib.Path(os.environ[FOLDER])
        if not folder.is_dir():
            raise ValueError(f"{FOLDER}={folder} is no directory")
        own = [Entry(path.name, path, is_shipped=False) for path in _models(folder)]
        found = [*own, *found]
    return found


def shipped() -> list[Entry]:
    """Returns the models that come with the package."""
    return [Entry(path.name, path, is_shipped=True) for path in _models(SHIPPED)]


def description(entry: Entry) -> model_dir.Description:
    """Returns what a model's model.json says; errors as `model_dir.describe`."""
    return model_dir.describe(entry.directory)


def find(model: str | os.PathLike[str] | None = None) -> pathlib.Path:
    """Returns the directory of a model.

    Args:
      model: a directory, or a name of `entries`; None: what SSRLM_MODEL says, else
        `DEFAULT`. A directory that holds a model goes before a name, and one's own
        models before shipped ones.

    Raises:
      ValueError: there is no such name, and the message says which there are; it is
        empty.
    """
    given = os.fspath(model) if model is not None else os.environ.get(MODEL) or DEFAULT
    if not given:  # of a variable that is not set; as a path it is the directory here
        raise ValueError("the name of the model is empty; `ssrlm models` lists names")
    path = pathlib.Path(given)
    # What has a separator is a path; whoever reads it says what is missing there.
    is_model = (path / model_dir.DESCRIPTION_FILE).is_file()
    if is_model or os.sep in given or given in (".", ".."):
        return path
    named = entries()
    for entry in named:
        if entry.name == given:
            return entry.directory
    if path.is_dir():
        return path
    where = f", which {MODEL} names" if model is None else ""
    raise ValueError(
        f"there is no model {given!r}{where}: neither a directory nor one of "
        f"{', '.join(entry.name for entry in named)} (`ssrlm models`)"
    )


def _models(folder: pathlib.Path) -> list[pathlib.Path]:
    if not folder.is_dir():
        return []
    return sorted(
        path
        for path in folder.iterdir()
        if (path / model_dir.DESCRIPTION_FILE).is_file()
    )
