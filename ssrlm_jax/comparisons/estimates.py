"""How long a method will take, by what its RNAs took, or by two numbers it brings."""

import math
from collections.abc import Sequence

from ssrlm_jax.comparisons import items

_FEW = 20  # RNAs with a measured time, below which the method's numbers stand alone
_SHORT, _LONG = 100, 400  # nucleotides, of `items.Method.seconds`


def seconds(
    method: items.Method, lengths: Sequence[int], took: Sequence[tuple[int, float]]
) -> float:
    """Returns seconds of one process for RNAs of some lengths; 0.0: not known.

    The time for one grows by a power of its length, which the method's two numbers
    say; what others took raises or lowers all.

    Args:
      method: with its times for 100 and 400 nucleotides.
      lengths: nucleotides of each RNA.
      took: lengths and seconds of RNAs that it predicted on this machine.
    """
    factor = 1.0
    if len(took) >= _FEW:
        guessed = math.fsum(_one(method, length) for length, _ in took)
        measured = math.fsum(seconds for _, seconds in took)
        factor = measured / guessed if guessed else factor
    return factor * math.fsum(_one(method, length) for length in lengths)


def _one(method: items.Method, length: int) -> float:
    short, long = method.seconds
    if not short or not long:
        return 0.0
    power = math.log(long / short) / math.log(_LONG / _SHORT)
    return short * (max(length, 1) / _SHORT) ** power
