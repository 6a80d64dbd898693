"""Lines of JSON, a record each, as `ssrlm fold --format json` writes them.

Or one object, or a list of such, over several lines; places then count objects.

Structures are read from `pairs` (from 1), which hold base triples, or where these lack
from `dot_bracket`. Other names of these fields are those of columns of tables.
"""

import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any

from ssrlm_jax.rna import formats, record_tables


def is_json(text: str) -> bool:
    """Tells whether a file that begins so is JSON."""
    return text[0] == "{" or (text[0] == "[" and text[1:].lstrip()[:1] in ("", "{"))


def records(path: formats.Path) -> Iterator[formats.Read]:
    """Yields the records of a file; errors as `objects`."""
    for number, fields in objects(path):
        place = f"{path}:{number}"
        try:
            yield _record(fields, f"record{number}", place)
        except ValueError as error:
            yield formats.Note(f"{place}: {error}")


def objects(path: formats.Path) -> Iterator[tuple[int, Any]]:
    """Yields what lines hold, or one object, or a list of such, with its number.

    What is no JSON is a text that says so.

    Raises:
      ValueError: as `textfile.lines`; the file is empty.
    """
    lines = formats.text_lines(path)
    first = next(lines, None)
    if first is None:
        raise ValueError(f"{path}: the file is empty")
    if _is_whole(first[1]):
        for number, text in itertools.chain([first], lines):
            yield number, _read(text)
        return
    text = "\n".join(text for _, text in itertools.chain([first], lines))
    whole = _read(text)
    yield from enumerate(whole if isinstance(whole, list) else [whole], 1)


def _is_whole(text: str) -> bool:
    return isinstance(_read(text), Mapping)


def _read(text: str) -> Any:
    """Returns what JSON says; where it is none, why."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        return f"not JSON ({error})"


def _record(fields: Any, name: str, place: str) -> formats.Record:
    if not isinstance(fields, Mapping):
        raise ValueError(f"an object {{...}} is expected, found {str(fields)[:60]!r}")
    names = list(fields)
    columns = record_tables.found_columns(names)
    if "sequence" not in columns:
        raise ValueError(
            f"a field {record_tables.shown_columns('sequence')} is expected, found "
            f"{', '.join(map(repr, names[:6]))}"
        )
    values = {what: fields[names[column]] for what, column in columns.items()}
    cells = {}
    for what, value in values.items():
        is_text = isinstance(value, str | int) or (what == "pairs" and value != {})
        if value is not None and not is_text:
            raise ValueError(f"{what!r}: text is expected, found {str(value)[:40]!r}")
        cells[what] = "" if value is None else str(value)
    return record_tables.of_cells(cells, name, place)
