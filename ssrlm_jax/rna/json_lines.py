"""Lines of JSON, a record each, as `ssrlm fold --format json` writes them.

Structures are read from `pairs` (from 1), which hold base triples, or where these lack
from `dot_bracket`. Other names of these fields are those of columns of tables.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ssrlm_jax.rna import formats


def records(path: formats.Path) -> Iterator[formats.Read]:
    """Yields the records of a file.

    Raises:
      ValueError: as `textfile.lines`; the file is empty.
    """
    number = 0
    for number, text in formats.text_lines(path):
        place = f"{path}:{number}"
        try:
            fields = json.loads(text)
        except (ValueError, RecursionError) as error:
            yield formats.Note(f"{place}: not a line of JSON ({error})")
            continue
        try:
            yield _record(fields, f"record{number}", place)
        except ValueError as error:
            yield formats.Note(f"{place}: {error}")
    if not number:
        raise ValueError(f"{path}: the file is empty")


def _record(fields: Any, name: str, place: str) -> formats.Record:
    if not isinstance(fields, Mapping):
        raise ValueError(f"an object {{...}} is expected, found {str(fields)[:20]!r}")
    names = list(fields)
    columns, _ = formats.found_columns(names)
    if "sequence" not in columns:
        raise ValueError(
            f"a field {formats.shown_columns('sequence')} is expected, found "
            f"{', '.join(map(repr, names[:6]))}"
        )
    values = {what: fields[names[column]] for what, column in columns.items()}
    if isinstance(values.get("pairs"), list):
        values["pairs"] = _pairs(values["pairs"])
    cells = {what: str(value) for what, value in values.items() if value is not None}
    return formats.of_cells(cells, name, place)


def _pairs(listed: list[Any]) -> str:
    """Returns pairs as tables have them."""
    if not all(isinstance(pair, list) and len(pair) == 2 for pair in listed):
        raise ValueError(f"pairs as [[1, 7], ...] are expected, found {listed!s:.20}")
    return ";".join(f"{i}-{j}" for i, j in listed)
