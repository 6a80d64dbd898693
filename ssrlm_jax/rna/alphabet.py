"""Letters of RNA and their ids (types.py); the only such table in the package.

U and T are one letter, case does not matter, and every IUPAC code for more than one
nucleotide is read as N. Codes of modified nucleotides are read as their parent, and
what is no letter of RNA as N; both are counted, and no letter is an error. Gaps,
blanks and what joins two strands are.

Source: codes as MODOMICS (Cappannini et al. 2024, Nucleic Acids Res. 52:D239) and the
tRNA compilation (Sprinzl et al. 1998, Nucleic Acids Res. 26:148) list them. Where a
code is IUPAC's, a gap's or a strand's, too, it is that.
"""

import re
import string
from collections.abc import Iterable
from typing import NamedTuple, TypeVar

import numpy as np

from ssrlm_jax import types

LETTERS = ("<pad>", "<cls>", "<eos>", "<mask>", "A", "C", "G", "U", "N")
PAD, CLS, EOS, MASK, A, C, G, U, N = types.TOKENS
SIZE = len(LETTERS)
MANY = "RYSWKMBDHVX"  # IUPAC codes for two to four nucleotides, read as N
GAPS = "-.~_"
STRANDS = "&+"  # between two strands
# Modified nucleotides by their parent. Inosine and its kin are N: they are made of A
# and pair as G does.
MODIFIED = {
    "A": 'E"/*=6[:^`£«±âÿœɿʍʩζηχЖЧѢϪϨỼ⇓√∞≈≠≡',
    "C": "<%?'}>¡¿ÇƢ°ʤβλμντЩℵѴ",
    "G": ";LQ#|789(€¥æΩγεςφϓšʆ†ℑ∑⇑⊆⊇⊄∉∠∨",
    "U": "PJZFΨψ{2413!5$)]\\ĦÐÞ¾ƑƕƝɮʭΓΔαδπρσυωѶЮϿ℘∏∝∩∪∫≅≥⊥◊",
    "N": "IOШξ",
}

_Text = TypeVar("_Text", str, bytes)

_NO_LETTER = 255
_UNKNOWN = "\x7f"  # in the place of what is not ASCII
# Names of modified nucleotides, such as (m6A), where a letter for each is expected.
_NAME = re.compile(rb"[(\[/{](?:[a-z]+\d+)+[ACGUIYDT]m?[)\]/}]")
_ENDS = re.compile(
    rb"^5(?:'|\xe2\x80[\x98\x99\xb2])-?|-?3(?:'|\xe2\x80[\x98\x99\xb2])$"
)
_RIBO = re.compile(rb"(?:[rm][ACGUT]){2,}")  # as oligonucleotides are ordered
_DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"), "-")
_INVISIBLE = re.compile("[\u200b-\u200d\u2060\ufeff]")


class Changed(NamedTuple):
    """How many letters were read as another.

    Attributes:
      codes: IUPAC codes for several nucleotides, as N.
      modified: of MODIFIED, as their parent.
      unknown: no letters of RNA, as N.
    """

    codes: int = 0
    modified: int = 0
    unknown: int = 0


class GapError(ValueError):
    """A sequence has gaps, as those of an alignment have."""


def _of_both_cases(letters: dict[str, int]) -> dict[int, int]:
    return {
        ord(one): token
        for letter, token in letters.items()
        for one in (letter, letter.lower())
        if one.isascii()
    }


_PARENT_OF = {code: parent for parent, codes in MODIFIED.items() for code in codes}
_PLAIN = {"A": A, "C": C, "G": G, "U": U, "T": U, "N": N}
_TOKEN_OF = (
    dict.fromkeys(range(128), N)
    | _of_both_cases({code: LETTERS.index(p) for code, p in _PARENT_OF.items()})
    | _of_both_cases(_PLAIN | dict.fromkeys(MANY, N))
    | dict.fromkeys(map(ord, GAPS + STRANDS + string.whitespace), _NO_LETTER)
)
_TOKEN_OF_BYTE = bytes(_TOKEN_OF.get(byte, _NO_LETTER) for byte in range(256))
_BYTE_OF_TOKEN = b"????ACGUN" + b"?" * 247
_SPELLED_BYTE = bytes(
    ord(chr(byte).upper())
    if chr(byte).upper() in set(MANY)
    else _BYTE_OF_TOKEN[_TOKEN_OF_BYTE[byte]]
    for byte in range(256)
)
_NOT_ACGUT = bytes(set(range(256)) - set(b"ACGUTacgut"))
_UNCHANGED = bytes(_of_both_cases(_PLAIN))
_CODES = bytes(_of_both_cases(dict.fromkeys(MANY, N)))
_MODIFIED = bytes(_of_both_cases(dict.fromkeys(_PARENT_OF, N)))
# Of what is not ASCII a code that is, with the same parent.
_ASCII_CODE = {
    ord(code): next(one for one in MODIFIED[parent] if one.isascii())
    for code, parent in _PARENT_OF.items()
    if not code.isascii()
}
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_SHOWN = np.array(LETTERS, object)


def encode(text: str | bytes) -> tuple[np.ndarray, Changed]:
    """Reads letters.

    Args:
      text: one letter for each nucleotide; bytes are UTF-8 where they can be.

    Returns:
      token_L uint8, and how many letters were read as another.

    Raises:
      GapError: a gap, with its position from 1.
      ValueError: white space, a letter that joins two strands, or a name of a modified
        nucleotide.

    Example:
      >>> encode("ACGTr")
      (array([4, 5, 6, 7, 8], dtype=uint8), Changed(codes=1, modified=0, unknown=0))
    """
    data = _one_byte_each(text)
    coded = data.translate(_TOKEN_OF_BYTE)
    wrong = coded.find(_NO_LETTER)
    if wrong >= 0:
        raise _no_letter(wrong + 1, chr(data[wrong]))
    changed = _changed(data)
    if changed.modified and (found := _NAME.search(data)):
        raise ValueError(
            f"position {found.start() + 1}: {found[0].decode()!r} is a name; a letter "
            "for each nucleotide is expected"
        )
    return np.frombuffer(coded, np.uint8), changed


def total(some: Iterable[Changed]) -> Changed:
    """Adds counts up."""
    return Changed(*map(sum, zip(Changed(), *some, strict=True)))


def spelled(text: str | bytes) -> tuple[str, Changed]:
    """Spells a sequence in A C G U, N and the IUPAC codes; else as `encode`.

    Example:
      >>> spelled("acgtrΨ")
      ('ACGURU', Changed(codes=1, modified=1, unknown=0))
    """
    _, changed = encode(text)
    return _one_byte_each(text).translate(_SPELLED_BYTE).decode("ascii"), changed


def cleaned(line: bytes) -> bytes:
    """Returns a line of a sequence without what is there for its readers.

    White space of any kind goes, and words of digits alone: positions, as GenBank and
    others write them. So do 5'- and -3' at its ends, quotes around it, and r or m
    before each letter.

    Example:
      >>> cleaned(b"  61 ccguaaugcc uuucccuaac  80")
      b'ccguaaugccuuucccuaac'
    """
    if line.isalpha() and line[:1] not in b"rm":
        return line
    words = line.split()
    if not line.isascii():  # no-break spaces, too
        words = [word.encode() for word in _INVISIBLE.sub("", as_text(line)).split()]
    found = b"".join(word for word in words if not word.isdigit()).rstrip(b"\x1a")
    if found[:1] == found[-1:] == b'"':
        found = found[1:-1]
    found = _ENDS.sub(b"", found)
    return found[1::2] if _RIBO.fullmatch(found) else found


def without_gaps(text: _Text) -> _Text:
    """Returns an aligned sequence without its gaps."""
    if isinstance(text, bytes):
        return text.translate(None, GAPS.encode())
    return text.translate(dict.fromkeys(map(ord, GAPS)))


def num_other(text: str) -> int:
    """Counts the letters that are not A, C, G, U or T, in upper or lower case."""
    return len(_one_byte_each(text)) - len(
        _one_byte_each(text).translate(None, _NOT_ACGUT)
    )


def as_text(data: bytes) -> str:
    """Reads bytes as UTF-8, or as Latin-1 where they are not."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _one_byte_each(text: str | bytes) -> bytes:
    """Returns a byte for each letter; where one is not ASCII, that of its kind."""
    if isinstance(text, bytes):
        if text.isascii():
            return text
        text = as_text(text)
    if not text.isascii():
        text = _NOT_ASCII.sub(_UNKNOWN, text.translate(_ASCII_CODE | _DASHES))
    return text.encode("ascii")


def _no_letter(position: int, letter: str) -> ValueError:
    place = f"position {position}: {letter!r}"
    if letter in GAPS:
        return GapError(f"{place} is a gap, as of an alignment; remove gaps")
    if letter in STRANDS:
        return ValueError(f"{place} joins two strands; one strand is expected")
    return ValueError(f"{place} is white space; letters of RNA are expected")


def _changed(data: bytes) -> Changed:
    rest = data.translate(None, _UNCHANGED)
    if not rest:
        return Changed()
    others = rest.translate(None, _CODES)
    unknown = others.translate(None, _MODIFIED)
    return Changed(len(rest) - len(others), len(others) - len(unknown), len(unknown))


def decode(token_L: np.ndarray) -> str:
    """Writes ids as text; special tokens as their names, such as `<mask>`.

    Example:
      >>> decode(np.array([CLS, A, C, MASK, U, EOS]))
      '<cls>AC<mask>U<eos>'
    """
    return "".join(_SHOWN[token_L])


def letters(token_L: np.ndarray) -> bytes:
    """Writes nucleotides as bytes A C G U N, fast; special tokens become '?'."""
    return token_L.tobytes().translate(_BYTE_OF_TOKEN)


def is_nucleotide(token: np.ndarray) -> np.ndarray:
    """Tells where a token is A, C, G or U; N and special tokens are not."""
    return (token >= A) & (token <= U)
