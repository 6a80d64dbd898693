"""Names on the command line → files, checked before any long work starts."""

import glob
import logging
import os
import pathlib
from collections.abc import Iterable

from ssrlm_jax.rna import packings, structure_formats, textfile

_log = logging.getLogger(__name__)


def files(names: Iterable[str], flag: str) -> list[str]:
    """Returns the files that names stand for, in a fixed order.

    Args:
      names: files, directories (all files in them but hidden ones) and patterns
        such as `fasta/*.fa.gz`; several separated by commas.
      flag: where they were given, for messages.

    Raises:
      ValueError: a name stands for nothing, a file cannot be read, or it is empty
        or of no known format.
    """
    found: list[str] = []
    for name in (part for text in names for part in text.split(",") if part):
        if os.path.isdir(name):
            inside = sorted(pathlib.Path(name).iterdir())
            chosen = [
                os.fspath(path)
                for path in inside
                if path.is_file() and not packings.is_hidden(path)
            ]
            if folders := [path.name for path in inside if path.is_dir()]:
                said = "%s=%s: folders in it are not read: %s"
                _log.warning(said, flag, name, ", ".join(folders))
        else:
            chosen = [name] if os.path.exists(name) else sorted(glob.glob(name))
        if not chosen:
            raise ValueError(f"{flag}={name}: there is no such file")
        found += chosen
    for path in found:
        if not os.path.isfile(path):
            raise ValueError(
                f"{flag}={path}: a pipe, which cannot be read again; give a file, "
                "packed or not"
            )
        structure_formats.kind(path)
    return list(dict.fromkeys(found))


def families(path: str) -> dict[str, str]:
    """Reads a table of name and family, separated by tabs, one in a line.

    More columns are ignored; lines that begin with '#' too.

    Raises:
      ValueError: the file cannot be read, or a line has one column.
    """
    if not path:
        return {}
    found = {}
    for number, line in textfile.lines(path):
        text = line.decode("utf-8", "replace")
        if not text.strip() or text.startswith("#"):
            continue
        name, tab, rest = text.partition("\t")
        if not tab:
            raise ValueError(
                f"{path}:{number}: a name, a tab and a family are expected, "
                f"found {text[:20]!r}"
            )
        found[name] = rest.split("\t")[0].strip()
    return found
