"""Lines of dot-bracket files: which are structures, which sequences, and of what.

Before a line may stand a label (`Seq: `) or an energy, behind a structure its energy,
in brackets of any kind.
"""

import re

from ssrlm_jax.rna import alphabet, strands

BRACKETS = (("(", ")"), ("[", "]"), ("{", "}"), ("<", ">"))

_BRACKETS = frozenset(one for both in BRACKETS for one in both)
_SYMBOLS = _BRACKETS | frozenset(".,:|_-~&+")  # of structures, without letters
_BEHIND = re.compile(  # a structure: (-1.20), [ -3], {-2.9 MEA=20.1}, (e=-3.4), -1.2
    r"(?:\s+[(\[{]?|[(\[{])\s*(?:[A-Za-z]\w*\s*[=:]\s*)?[-+]?(?:\.?\d|inf|nan)", re.I
)
_BEFORE = re.compile(r"(?:[A-Za-z]\w{0,15}:|[-+]?\d+(?:\.\d+)?)\s+")  # "S0: ", "-1.2 "
_NUMBER = re.compile(r"[-+]?\d+\.\d+")
_LEAST_SHARE = 0.7  # of A C G T U N in what is taken for a sequence without a header


def is_structure(text: str) -> bool:
    """Tells whether a line is a dot-bracket, or a part of one, perhaps with an energy.

    Most of it is dots and brackets: some codes of modified nucleotides look like
    brackets, and pseudoknots are letters.
    """
    dots, _ = parted(text)
    num_symbols = sum(letter in _SYMBOLS for letter in dots)
    return 2 * num_symbols > len(dots) and is_piece(dots)


def has_brackets(text: str) -> bool:
    """Tells whether a line is a structure with pairs."""
    return not _BRACKETS.isdisjoint(text) and is_structure(text)


def is_sequence(text: str) -> bool:
    """Tells whether a line may be a sequence: letters, mostly those of RNA."""
    found = letters(text)
    num_known = len(found) - alphabet.num_other(found) + found.upper().count("N")
    return num_known >= max(1, _LEAST_SHARE * len(found)) and not is_structure(text)


def parted(text: str, most: int = 0) -> tuple[str, str]:
    """Returns a structure, without blanks in it, and what is behind it.

    Args:
      text: a line.
      most: positions from which a further word is none of it; 0: any number.
    """
    if before := _BEFORE.match(text):
        text = text[before.end() :]
    found = _BEHIND.search(text)
    end = found.start() if found else len(text)
    words = text[:end].split()
    count = size = 0
    while count < len(words) and (not count or _SYMBOLS & set(words[count])):
        if most and size >= most:
            break
        size += len(strands.joined(words[count]))
        count += 1
    behind = " ".join([*words[count:], text[end:].strip()])
    return "".join(words[:count]), behind.strip()


def is_piece(dots: str) -> bool:
    """Tells whether all letters may stand in a structure."""
    return bool(dots) and all(
        letter in _SYMBOLS or (letter.isascii() and letter.isalpha()) for letter in dots
    )


def letters(text: str) -> str:
    """Returns a part of a sequence, without a label and numbers beside it."""
    if (before := _BEFORE.match(text)) and ":" in before[0]:
        text = text[before.end() :]
    words = text.split()
    count = next((n for n, word in enumerate(words) if _NUMBER.fullmatch(word)), None)
    return alphabet.as_text(alphabet.cleaned(" ".join(words[:count]).encode()))
