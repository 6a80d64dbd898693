"""Two strands as one text, `GGGG&CCCC`, and where the second begins.

Positions count the letters of the strands joined, without the mark between them.
"""

import re

from ssrlm_jax.rna import alphabet

MOST = 2  # strands that are folded together
MARK = "&"  # as it is written; `alphabet.STRANDS` are read
# Between strands, for what knows of one: as many unknown letters as the shortest loop
# has, which RNAstructure's bimolecular programs write as III.
LINKER = "NNN"
_MARKS = re.compile(f"[{re.escape(alphabet.STRANDS)}]")


def split(text: str) -> tuple[str, tuple[int, ...]]:
    """Returns strands joined, and where those after the first begin, from 0.

    Raises:
      ValueError: a strand without letters.

    Example:
      >>> split("GGGG&CCC")
      ('GGGGCCC', (4,))
    """
    parts = _MARKS.split(text)
    if len(parts) > 1 and not all(parts):
        raise ValueError(
            f"a strand without letters; {MARK!r} is expected between two strands"
        )
    breaks, end = [], 0
    for part in parts[:-1]:
        end += len(part)
        breaks.append(end)
    return "".join(parts), tuple(breaks)


def joined(text: str) -> str:
    """Returns strands joined."""
    return linked(text, "")


def linked(text: str, linker: str) -> str:
    """Returns strands with a linker between them.

    Example:
      >>> linked("GGGG&CCCC", LINKER)
      'GGGGNNNCCCC'
    """
    return _MARKS.sub(linker, text)


def marked(text: str, breaks: tuple[int, ...]) -> str:
    """Returns joined strands, or their dot-bracket, with the mark between them.

    Example:
      >>> marked("(((())))", (4,))
      '((((&))))'
    """
    ends = [0, *breaks, len(text)]
    return MARK.join(text[a:b] for a, b in zip(ends, ends[1:], strict=False))
