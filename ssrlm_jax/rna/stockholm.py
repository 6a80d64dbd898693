"""Stockholm alignments → their sequences without gaps, each with its structure.

A row's own structure (`#=GR NAME SS`) goes before the consensus, which is projected on
every row. Either may stand in several lines, as R-scape and CaCoFold write them:
SS_cons, SS_cons_1, SS_cons_2 and so on; together they are the structure, with base
triples where they share a column. Other annotations are named, not read.

Source: Rfam's description of the format; WUSS notation in Infernal's User's Guide;
R-scape's User's Guide for numbered structures.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from ssrlm_jax.rna import alphabet, formats, structures

HEADER = "# STOCKHOLM 1."
_CONSENSUS = re.compile(r"SS_cons(_\w+)?")
_OWN = re.compile(r"SS(_\w+)?")
UNPAIRED = re.compile(r"[^][(){}<>A-Za-z]")  # of WUSS: . , - _ : ~

_Layers = dict[str, list[str]]  # pieces of annotations by their tags


def records(path: formats.Path) -> Iterator[formats.Read]:
    """Yields the sequences of Stockholm alignments.

    The family is the accession of the alignment (#=GF AC), else its identifier. A row
    whose structure or length is wrong is left out, and noted.

    Raises:
      ValueError: as `textfile.lines`; there is no `# STOCKHOLM` line.
    """
    unused: dict[str, None] = {}
    for one in _alignments(path):
        if isinstance(one, formats.Note):
            yield one
            continue
        yield from one.rows(path)
        unused |= dict.fromkeys(one.unused)
    if unused:
        text = f"{path}: annotations not used: {', '.join(unused)}"
        yield formats.Note(text, is_record=False)


class Columns(NamedTuple):
    """An alignment as it stands in the file.

    Attributes:
      family: accession, else identifier, else "".
      rows: aligned sequences by name.
      consensus: pairs of columns; None: there is no SS_cons.
      place: file and line of its first row.
    """

    family: str
    rows: dict[str, str]
    consensus: structures.Structure | None
    place: str


def columns(path: formats.Path) -> Iterator[Columns]:
    """Yields Stockholm alignments with their gaps.

    Raises:
      ValueError: as `records`; what `records` leaves out and notes; no rows.
    """
    for one in _alignments(path):
        if isinstance(one, formats.Note):
            raise ValueError(one.text)
        yield one.as_columns(path)


def _alignments(path: formats.Path) -> "Iterator[_Alignment | formats.Note]":
    """Yields whole alignments, and what is wrong with lines."""
    block: _Alignment | None = None
    begun = 0
    for number, text in formats.text_lines(path):
        if text.startswith(HEADER):
            if block is not None:
                yield block
                yield _unfinished(path, begun)
            block, begun = _Alignment(), number
        elif block is None:
            if text[0] == "#":  # a comment between two alignments
                continue
            raise ValueError(
                f"{path}:{number}: '{HEADER}0' is expected, found {text[:20]!r}"
            )
        elif text == "//":
            yield block
            block = None
        elif problem := block.add(number, text):
            yield formats.Note(f"{path}:{number}: {problem}")
    if block is not None:
        yield block
        yield _unfinished(path, begun)


def _unfinished(path: formats.Path, begun: int) -> formats.Note:
    return formats.Note(f"{path}:{begun}: the alignment does not end with '//'")


class _Alignment:
    """Collects the lines of one alignment; a row may come in several pieces."""

    def __init__(self) -> None:
        self.unused: dict[str, None] = {}  # annotations of columns, in their order
        self._pieces: dict[str, list[str]] = {}
        self._line: dict[str, int] = {}
        self._consensus: _Layers = {}
        self._own: dict[str, _Layers] = {}
        self._names: dict[str, str] = {}
        self._last = self._block = 0  # line; blank lines part blocks
        self._block_of: dict[str, int] = {}  # of a row, the last one

    def add(self, line: int, text: str) -> str:
        """Takes a line that is neither the header nor `//`; returns what is wrong."""
        words = text.split()
        self._block += line > self._last + 1
        self._last = line
        if words[0] == "#=GF" and len(words) > 2:
            self._names.setdefault(words[1], words[2])
        elif words[0] == "#=GC" and len(words) == 3:
            if _CONSENSUS.fullmatch(words[1]):
                self._consensus.setdefault(words[1], []).append(words[2])
            else:
                self.unused[f"#=GC {words[1]}"] = None
        elif words[0] == "#=GR" and len(words) == 4:
            if _OWN.fullmatch(words[2]):
                layers = self._own.setdefault(words[1], {})
                layers.setdefault(words[2], []).append(words[3])
            else:
                self.unused[f"#=GR {words[2]}"] = None
        elif words[0] in ("#=GC", "#=GR"):
            expected = (
                "'#=GC TAG text'" if words[0] == "#=GC" else "'#=GR NAME TAG text'"
            )
            return f"{expected} is expected, found {text[:30]!r}"
        elif not text.startswith("#"):
            if len(words) != 2:
                return (
                    f"a name and an aligned sequence are expected, found {text[:20]!r}"
                )
            if self._block_of.get(words[0]) == self._block:
                return (
                    f"{words[0]} comes twice in one block; names of rows differ, and "
                    "blank lines part the pieces of rows"
                )
            self._block_of[words[0]] = self._block
            self._pieces.setdefault(words[0], []).append(words[1])
            self._line.setdefault(words[0], line)
        return ""

    def rows(self, path: formats.Path) -> Iterator[formats.Read]:
        """Yields the sequences in the order of their rows."""
        family = self._family()
        consensus, broken = self._columns(self._consensus)
        lost = [name for name in self._pieces if name not in self._own]
        if broken and lost:
            place = f"{path}:{self._line[lost[0]]}"
            yield formats.Note(f"{place}: {broken}; {len(lost)} rows left out")
        for name, pieces in self._pieces.items():
            place, aligned = f"{path}:{self._line[name]}", "".join(pieces)
            layers, problem = consensus, ""
            if name in self._own:
                layers, problem = self._columns(self._own[name], f"#=GR {name} ")
            elif broken:
                continue
            if problem := problem or _misfit(aligned, layers):
                yield formats.Note(f"{place}: {name}: {problem}")
                continue
            yield _record(name, aligned, layers.values(), family, place)
        for name in self._own.keys() - self._pieces.keys():
            self.unused[f"#=GR {name}, which is no row"] = None

    def as_columns(self, path: formats.Path) -> Columns:
        """Returns the alignment; a ValueError where it has no rows, or is broken."""
        found, broken = self._columns(self._consensus)
        place = f"{path}:{min(self._line.values(), default=1)}"
        rows = {name: "".join(pieces) for name, pieces in self._pieces.items()}
        if not rows or broken:
            raise ValueError(f"{place}: {broken or 'an alignment without sequences'}")
        layers = list(found.values())
        consensus = None
        if layers:
            if len({one.length for one in layers}) > 1:
                raise ValueError(f"{place}: {', '.join(found)} differ in length")
            pairs = np.concatenate([one.pairs for one in layers])
            consensus = structures.Structure(layers[0].length, pairs)
        return Columns(self._family(), rows, consensus, place)

    def _family(self) -> str:
        return self._names.get("AC") or self._names.get("ID", "")

    def _columns(
        self, layers: _Layers, beginning: str = ""
    ) -> tuple[dict[str, structures.Structure], str]:
        """Returns the pairs of columns by tag, and what is wrong with one of them."""
        found = {}
        for tag, pieces in layers.items():
            try:
                found[beginning + tag] = structures.from_dot_bracket(
                    UNPAIRED.sub(".", "".join(pieces))
                )
            except ValueError as error:
                return {}, f"{beginning}{tag}: {error}"
        return found, ""


def _misfit(aligned: str, layers: Mapping[str, structures.Structure]) -> str:
    """Returns what is wrong with a row, else ""."""
    for tag, columns in layers.items():
        if columns.length != len(aligned):
            return f"{len(aligned)} columns, {tag} has {columns.length}"
    return "" if aligned.strip(alphabet.GAPS) else "gaps only"


def _record(
    name: str,
    aligned: str,
    layers: Iterable[structures.Structure],
    family: str,
    place: str,
) -> formats.Record:
    """Returns a row without its gaps; a pair of which one is a gap is dropped."""
    is_letter = np.array([letter not in alphabet.GAPS for letter in aligned])
    sequence = alphabet.without_gaps(aligned)
    found = [structures.projected(one, is_letter).pairs for one in layers]
    structure = None
    if found:
        structure = structures.Structure(len(sequence), np.concatenate(found))
    return formats.Record(name, sequence, structure, family, place)
