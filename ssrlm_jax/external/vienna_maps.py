"""What ViennaRNA says of pairs of RNA, long ones in windows; of many by workers."""

import dataclasses
import functools
import math
from collections.abc import Mapping, Sequence

from ssrlm_jax.external import cores, vienna, vienna_workers
from ssrlm_jax.rna import probabilities, strands

_PARTS = 4  # of what a core gets, so that cores end together
_LEAST_PART = 0.2  # of work: less is done sooner than another worker has started

Listed = probabilities.PairProbabilities


@dataclasses.dataclass(frozen=True, kw_only=True)
class Limits:
    """How long RNA is folded.

    Attributes:
      longest: nucleotides of RNA that is folded as a whole; longer RNA is folded
        locally.
      window: nucleotides, of local folding.
      span: j - i of a pair, at most, of local folding.
      least: of a pair that is listed.
    """

    longest: int
    window: int
    span: int
    least: float


def listed(folder: vienna.Vienna, limits: Limits, given: Sequence[str]) -> list[Listed]:
    """Returns the probable pairs of each sequence.

    Args:
      folder: with its parameters and its evidence, which are loaded once for all.
      limits: of whole RNA.
      given: letters A C G U N, '&' between two strands.

    Raises:
      ProgramError: as `vienna.Vienna.fold`.
    """
    is_short = [len(strands.joined(one)) <= limits.longest for one in given]
    short = [one for one, is_one in zip(given, is_short, strict=True) if is_one]
    folded = iter(folder.maps(short, limits.least))
    found = []
    for letters, is_one in zip(given, is_short, strict=True):
        if is_one:
            one = next(folded)
        else:
            one = folder.local(
                letters, window=limits.window, span=limits.span, least=limits.least
            )
        found.append(one)
    return found


def ahead(
    wanted: Mapping[str, tuple[vienna.Vienna, Sequence[str]]], limits: Limits
) -> dict[tuple[str, str], Listed]:
    """Returns what is said of sequences by workers, by name and letters.

    Nothing, where that takes longer than one after the other.

    Args:
      wanted: by name, what folds and distinct sequences.
      limits: of whole RNA.

    Raises:
      ProgramError: as `listed`, or as `vienna_workers.run`.
    """
    lengths = [len(one) for _, letters in wanted.values() for one in letters]
    if not vienna_workers.are_useful(lengths):
        return {}
    tasks: dict[tuple[str, tuple[str, ...]], vienna_workers.Task] = {}
    for name, (folder, letters) in wanted.items():
        most = math.ceil(vienna_workers.work(map(len, letters)) / _LEAST_PART)
        num_parts = min(len(letters), most, _PARTS * cores.count())
        in_order = sorted(letters, key=len)
        for start in range(num_parts):
            part = in_order[start::num_parts]  # short and long ones
            tasks[name, tuple(part)] = functools.partial(listed, folder, limits, part)
    said = vienna_workers.run(list(tasks.values()))
    return {
        (name, letters): one
        for (name, part), of_part in zip(tasks, said, strict=True)
        for letters, one in zip(part, of_part, strict=True)
    }
