"""Letters of RNA and their ids (types.py); the only such table in the package.

U and T are one letter, case does not matter, and every IUPAC code for more than
one nucleotide is read as N. Gaps and anything else are errors.
"""

import contextlib

import numpy as np

from ssrlm_jax import types

LETTERS = ("<pad>", "<cls>", "<eos>", "<mask>", "A", "C", "G", "U", "N")
PAD, CLS, EOS, MASK, A, C, G, U, N = types.TOKENS
SIZE = len(LETTERS)
MANY = "RYSWKMBDHVX"  # IUPAC codes for two to four nucleotides, read as N

_NO_LETTER = 255


def _letter_table() -> bytes:
    """Returns the id of every byte; `_NO_LETTER` where it is no letter."""
    table = bytearray([_NO_LETTER]) * 256
    letters = {"A": A, "C": C, "G": G, "U": U, "T": U, "N": N}
    for letter, token in (letters | dict.fromkeys(MANY, N)).items():
        table[ord(letter)] = table[ord(letter.lower())] = token
    return bytes(table)


_TOKEN_OF_BYTE = _letter_table()
_CHANGED = (MANY + MANY.lower()).encode()
_BYTE_OF_TOKEN = b"????ACGUN" + b"?" * 247
_SHOWN = np.array(LETTERS, object)


def encode(text: str | bytes) -> tuple[np.ndarray, int]:
    """Reads letters.

    Args:
      text: one letter for each nucleotide; no white space.

    Returns:
      token_L uint8, and how many IUPAC codes were read as N.

    Raises:
      ValueError: a letter that is not IUPAC, with its position from 1.

    Example:
      >>> encode("ACGTr")
      (array([4, 5, 6, 7, 8], dtype=uint8), 1)
    """
    data = text if isinstance(text, bytes) else text.encode("latin-1", "replace")
    coded = data.translate(_TOKEN_OF_BYTE)
    wrong = coded.find(_NO_LETTER)
    if wrong >= 0:
        raise ValueError(
            f"position {wrong + 1}: {_letter(text, data, wrong)!r} is not a letter of "
            f"RNA (A C G U T, N and the IUPAC codes {' '.join(MANY)})"
        )
    return np.frombuffer(coded, np.uint8), count_changed(data)


def _letter(text: str | bytes, data: bytes, place: int) -> str:
    """Returns the letter at a place; bytes are UTF-8 where they can be."""
    if isinstance(text, str) and ord(text[place]) > 255:
        return text[place]
    for end in range(place + 1, place + 5):
        with contextlib.suppress(UnicodeDecodeError):
            return data[place:end].decode()
    return chr(data[place])


def count_changed(data: bytes) -> int:
    """Counts the letters that `encode` reads as N without being N."""
    return len(data) - len(data.translate(None, _CHANGED))


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
