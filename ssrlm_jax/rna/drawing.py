"""ViennaRNA's PostScript: drawings of structures, and dot plots of probabilities.

Both hold the sequence; a drawing holds the pairs, a dot plot the square root of each
pair's probability (`i j sqrt ubox`) and the pairs of one structure (`lbox`), which are
not read.

Source: RNAfold's manual; the files themselves.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ssrlm_jax.rna import formats, structures, textfile

HEADER = "%!PS"
_STEM_ENDS = ("_dp", "_ss")  # of RNAfold's names of files
_PAIR = re.compile(r"\[\s*(\d+)\s+(\d+)\s*\]")
_BOX = re.compile(r"(?:.*\s)?(\d+)\s+(\d+)\s+(\S+)\s+ubox")
_CUT = re.compile(r"/cutpoint\s+(\d+)\s+def")


class Drawn(NamedTuple):
    """What a file holds.

    Attributes:
      name: of the file, without what RNAfold adds.
      sequence: letters; of two strands joined.
      breaks: where a second strand begins, as of `formats.Record`.
      pairs: of a drawing, from 1; None: it is a dot plot.
      probabilities: i and j from 1, and the probability, of a dot plot.
    """

    name: str
    sequence: str
    breaks: tuple[int, ...]
    pairs: list[tuple[int, int]] | None
    probabilities: list[tuple[int, int, float]]


def records(path: formats.Path) -> Iterator[formats.Read]:
    """Yields the structure of a drawing.

    Raises:
      ValueError: as `read`; the file is a dot plot.
    """
    drawn = read(path)
    if drawn.pairs is None:
        raise ValueError(f"{path}: a dot plot of probabilities, which is no structure")
    pairs = np.array(drawn.pairs, np.int64).reshape(-1, 2) - 1
    try:
        structure = structures.Structure(len(drawn.sequence), pairs)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    yield formats.Record(
        drawn.name, drawn.sequence, structure, place=str(path), breaks=drawn.breaks
    )


def read(path: formats.Path) -> Drawn:
    """Reads a file.

    Raises:
      ValueError: as `textfile.lines`; there is no sequence, or no pairs nor boxes.
    """
    within, sequence = "", ""
    breaks: tuple[int, ...] = ()
    pairs: list[tuple[int, int]] | None = None
    boxes = []
    is_plot = False
    for number, text in formats.text_lines(path):
        if text.startswith("/sequence"):
            within = "sequence"
            text = text.partition("(")[2]
        elif text.startswith("/pairs"):
            within, pairs = "pairs", []
        if within == "sequence":
            letters, end, _ = text.partition(")")
            sequence += letters.rstrip("\\").strip()
            within = "" if end else within
        elif within == "pairs":
            pairs = [
                *(pairs or []),
                *((int(i), int(j)) for i, j in _PAIR.findall(text)),
            ]
            within = "" if text.endswith("def") else within
        elif found := _CUT.match(text):
            breaks = (int(found[1]) - 1,)
        elif text[0].isdigit() and text.endswith("ubox"):
            boxes.append(_box(path, number, text, len(sequence)))
        is_plot |= "ubox" in text
    if not sequence or (pairs is None and not is_plot):
        raise ValueError(
            f"{path}: ViennaRNA's PostScript with /sequence and /pairs or lines "
            "'i j p ubox' is expected"
        )
    name = formats.stem(path)
    for end in _STEM_ENDS:
        name = name.removesuffix(end)
    return Drawn(name, sequence, breaks, pairs, boxes)


def _box(
    path: formats.Path, number: int, text: str, length: int
) -> tuple[int, int, float]:
    """Returns a pair and its probability."""
    i = j = 0
    root = -1.0
    if found := _BOX.fullmatch(text):
        i, j = sorted((int(found[1]), int(found[2])))
        root = float(found[3]) if textfile.is_number(found[3]) else root
    if not (1 <= i < j <= length and 0 <= root <= 1 + 1e-3):
        raise ValueError(
            f"{path}:{number}: 'i j p ubox' with 1 <= i < j <= {length} and p in 0..1 "
            f"expected, found {text[:30]!r}"
        )
    return i, j, min(root, 1.0) ** 2
