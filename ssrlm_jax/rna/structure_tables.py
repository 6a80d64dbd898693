"""Tables of structures without letters: a name and a dot-bracket in each line.

Whoever shares what a program predicted of a known set need not share the set. Base
triples, which a dot-bracket cannot hold, are in a third column, of pairs.
"""

from collections.abc import Iterable, Iterator, Mapping

from ssrlm_jax import files
from ssrlm_jax.rna import formats, record_tables, strands, structures

_ID, _DOTS, _PAIRS = "id", "dotbracket", "pairs"


def each(path: formats.Path) -> Iterator[formats.Read] | None:
    """Returns the structures of a table without sequences, or None for another file.

    It has a header line that names both columns, as `record_tables.COLUMNS` has them,
    and `pairs`, if it likes: what stands there is read first. Each record has N for
    every letter, which nobody knows.

    Raises:
      ValueError: as `textfile.lines`.
    """
    rows = record_tables.table_rows(path)
    _, header = next(rows, (0, []))
    columns = record_tables.found_columns(header)
    if not {_ID, _DOTS} <= columns.keys() or "sequence" in columns:
        return None
    wanted = {name: columns[name] for name in (_ID, _DOTS, _PAIRS) if name in columns}
    return _records(path, rows, len(header), wanted)


def _records(
    path: formats.Path,
    rows: Iterable[tuple[int, list[str]]],
    num_columns: int,
    columns: Mapping[str, int],
) -> Iterator[formats.Read]:
    for number, row in rows:
        place = f"{path}:{number}"
        if len(row) != num_columns:
            told = f"{num_columns} fields expected, found {len(row)}"
            yield formats.Note(f"{place}: {told}")
            continue
        cells = {name: row[at] for name, at in columns.items()}
        cells["sequence"] = "N" * len(strands.joined(cells[_DOTS]))
        try:
            yield record_tables.of_cells(cells, "", place)
        except ValueError as error:
            yield formats.Note(f"{place}: {error}")


def write(
    path: formats.Path, named: Iterable[tuple[str, structures.Structure]]
) -> None:
    """Writes structures by name as a table that `each` reads back."""
    rows = []
    for name, one in named:
        flat = structures.without_triples(one)
        has_triples = len(flat.pairs) < len(one.pairs)
        pairs = record_tables.pairs_cell(one.pairs.tolist()) if has_triples else ""
        rows.append([name, structures.to_dot_bracket(flat), pairs])
    width = 3 if any(pairs for *_, pairs in rows) else 2
    lines = [row[:width] for row in ([_ID, _DOTS, _PAIRS], *rows)]
    files.write_text(path, "".join("\t".join(line) + "\n" for line in lines))
