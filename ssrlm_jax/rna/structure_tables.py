"""Tables of structures without letters: a name and a dot-bracket in each line.

Whoever shares what a program predicted of a known set need not share the set.
"""

from collections.abc import Iterable, Iterator

from ssrlm_jax import files
from ssrlm_jax.rna import formats, record_tables, strands, structures

_ID, _DOTS = "id", "dotbracket"


def each(path: formats.Path) -> Iterator[formats.Read] | None:
    """Returns the structures of a table without sequences, or None for another file.

    It has a header line that names both columns, as `record_tables.COLUMNS` has them.
    Each record has N for every letter, which nobody knows.

    Raises:
      ValueError: as `textfile.lines`.
    """
    rows = record_tables.table_rows(path)
    _, header = next(rows, (0, []))
    columns = record_tables.found_columns(header)
    if not {_ID, _DOTS} <= columns.keys() or "sequence" in columns:
        return None
    return _records(path, rows, len(header), columns[_ID], columns[_DOTS])


def _records(
    path: formats.Path,
    rows: Iterable[tuple[int, list[str]]],
    num_columns: int,
    at_id: int,
    at_dots: int,
) -> Iterator[formats.Read]:
    for number, row in rows:
        place = f"{path}:{number}"
        if len(row) != num_columns:
            told = f"{num_columns} fields expected, found {len(row)}"
            yield formats.Note(f"{place}: {told}")
            continue
        unknown = "N" * len(strands.joined(row[at_dots]))
        cells = {_ID: row[at_id], "sequence": unknown, _DOTS: row[at_dots]}
        try:
            yield record_tables.of_cells(cells, "", place)
        except ValueError as error:
            yield formats.Note(f"{place}: {error}")


def write(
    path: formats.Path, named: Iterable[tuple[str, structures.Structure]]
) -> None:
    """Writes structures by name as a table that `each` reads back.

    Raises:
      ValueError: a base triple.
    """
    lines = [f"{_ID}\t{_DOTS}"]
    lines += [f"{name}\t{structures.to_dot_bracket(one)}" for name, one in named]
    files.write_text(path, "".join(f"{line}\n" for line in lines))
