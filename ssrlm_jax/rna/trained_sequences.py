"""Which sequences trained a model: hashes of them, in the model's directory.

Equal sequences have equal hashes, so a model says what it has seen of a test set
without bringing its training set along. Of near ones a hash tells nothing.
"""

import hashlib
import pathlib
from collections.abc import Iterable

from ssrlm_jax import files
from ssrlm_jax.rna import alphabet

FILE = "trained_on.txt"
_DIGITS = 16  # of a hash; two of a million RNAs collide once in 30 million sets
_TITLE = "# blake2b, 64 bits, of the letters A C G U N of each RNA that trained"


def digest(sequence: str) -> str:
    """Returns the hash of a sequence; U is T, lower case is upper case.

    Raises:
      ValueError: a letter that is not of RNA.
    """
    letters = alphabet.decode(alphabet.encode(sequence)[0])
    return hashlib.blake2b(letters.encode(), digest_size=_DIGITS // 2).hexdigest()


def write(
    path: pathlib.Path, sequences: Iterable[str], before: Iterable[str] = ()
) -> None:
    """Writes the hashes of what trained.

    Args:
      path: of the file.
      sequences: that trained.
      before: hashes of what trained the model that training began with.

    Raises:
      ValueError: as `digest`.
    """
    hashes = {digest(one) for one in sequences} | set(before)
    files.write_text(path, "\n".join([_TITLE, *sorted(hashes)]) + "\n")


def read(path: pathlib.Path) -> frozenset[str]:
    """Returns the hashes of a file; none where there is no file.

    Raises:
      ValueError: it is no such file.
    """
    if not path.exists():
        return frozenset()
    found = set()
    text = path.read_text("utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(), 1):
        if (number, line) == (1, _TITLE):
            continue
        if number == 1 or len(line) != _DIGITS or line.strip("0123456789abcdef"):
            raise ValueError(
                f"{path}:{number}: a hash of {_DIGITS} digits below {_TITLE[:20]!r} is "
                f"expected, found {line[:20]!r}"
            )
        found.add(line)
    return frozenset(found)
