"""Which records of a test set a training set holds: equal, or nearly (MMseqs2).

Sequences are equal where `rna.alphabet` reads the same letters: U is T, case does not
count, codes for several nucleotides are N. Near: an alignment on the same strand, over
a share of the test sequence, with a share of equal letters. A search misses some, so
near is a lower bound; equal is not.
"""

import dataclasses
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import rich.console
import rich.table

from ssrlm_jax import files
from ssrlm_jax.external import mmseqs, programs
from ssrlm_jax.prepare.sets import benchmark_sets
from ssrlm_jax.rna import alphabet, formats


@dataclasses.dataclass(frozen=True)
class Found:
    """A record of a test set that is in a training set.

    Attributes:
      test: name of the record.
      train: name of the most similar record of the training set.
      identity: share of equal letters in their alignment, 0..1.
    """

    test: str
    train: str
    identity: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Overlap:
    """How much of a test set is in a training set.

    Attributes:
      train: name of the training set.
      test: name of the test set.
      num_records: of the test set.
      num_distinct: sequences of the test set.
      num_equal: distinct sequences of the test set that the training set holds.
      num_near: others that are similar to one of it; None: not looked for.
      num_unread: of the others, those too long for MMseqs2.
      equal: the records of `num_equal`, in their order.
      near: those of `num_near`.
    """

    train: str
    test: str
    num_records: int
    num_distinct: int
    num_equal: int
    num_near: int | None
    num_unread: int
    equal: tuple[Found, ...]
    near: tuple[Found, ...]


def named(given: Iterable[str], flag: str) -> dict[str, str]:
    """Reads 'NAME=FILE' texts.

    Raises:
      ValueError: another form, or a name twice.
    """
    found: dict[str, str] = {}
    for text in given:
        name, equals, path = text.partition("=")
        if not (name and equals and path):
            raise ValueError(f"{flag}: NAME=FILE is expected, found {text!r}")
        if name in found:
            raise ValueError(f"{flag}: {name!r} is given twice")
        found[name] = path
    return found


def read(name: str, path: str) -> dict[str, list[str]]:
    """Reads a set; one that `benchmark_sets` knows by this name is checked.

    Returns:
      What `by_sequence` returns.

    Raises:
      ValueError: as the reader; there is no RNA.
    """
    if name in benchmark_sets.SETS:
        return by_sequence(benchmark_sets.read(name, path).records)
    if found := by_sequence(benchmark_sets.records(path)):
        return found
    raise ValueError(f"{name}={path}: no RNA is there, so nothing can be compared")


def by_sequence(records: Iterable[formats.Record]) -> dict[str, list[str]]:
    """Returns the names of the records of each sequence, in the letters A C G U N.

    Raises:
      ValueError: a letter that is not of RNA, with its place.
    """
    found: dict[str, list[str]] = {}
    for record in records:
        try:
            letters = alphabet.decode(alphabet.encode(record.sequence)[0])
        except ValueError as error:
            raise ValueError(f"{record.place}: {error}") from error
        found.setdefault(letters, []).append(record.name)
    return found


def settings(identity: float, coverage: float, num_threads: int) -> mmseqs.Settings:
    """Returns how near sequences are searched.

    Args:
      identity: share of equal letters in an alignment, at least.
      coverage: share of the test sequence that is aligned, at least.
      num_threads: of MMseqs2.

    Raises:
      ValueError: a share that is not above 0 and at most 1.
        Or MMseqs2 is missing.
    """
    for name, share in (("identity", identity), ("coverage", coverage)):
        if not 0 < share <= 1:
            raise ValueError(f"{name}={share:g} is not above 0 and at most 1")
    try:
        mmseqs.check()
    except programs.ProgramError as error:
        raise ValueError(f"{error}; --exact looks for equal sequences only") from error
    return mmseqs.Settings(identity, coverage, coverage_mode=1, num_threads=num_threads)


def overlap(
    train: tuple[str, Mapping[str, Sequence[str]]],
    test: tuple[str, Mapping[str, Sequence[str]]],
    search: mmseqs.Settings | None,
) -> Overlap:
    """Compares a training set with a test set.

    Args:
      train: its name, and what `by_sequence` returns of it.
      test: likewise.
      search: of near sequences, among those that are not equal; None: of none.
    """
    held, tested = train[1], test[1]
    is_equal = [letters for letters in tested if letters in held]
    left = [letters for letters in tested if letters not in held]
    targets = [letters for letters in left if len(letters) <= mmseqs.MAX_LENGTH]
    near = [] if search is None else _near(list(held), targets, search)
    return Overlap(
        train=train[0],
        test=test[0],
        num_records=sum(len(names) for names in tested.values()),
        num_distinct=len(tested),
        num_equal=len(is_equal),
        num_near=None if search is None else len(near),
        num_unread=0 if search is None else len(left) - len(targets),
        equal=tuple(
            Found(name, held[letters][0], 1.0)
            for letters in is_equal
            for name in tested[letters]
        ),
        near=tuple(
            Found(name, held[other][0], round(identity, 3))
            for letters, other, identity in near
            for name in tested[letters]
        ),
    )


def _near(
    held: Sequence[str], targets: Sequence[str], search: mmseqs.Settings
) -> list[tuple[str, str, float]]:
    """Returns each target that is similar to a held one, that one, and how much so."""
    if not held or not targets:
        return []
    longest = max(map(len, targets))
    cut = [list(_pieces(letters, longest)) for letters in held]
    hits = mmseqs.search(
        itertools.chain.from_iterable(cut), targets, search, max_targets=len(targets)
    )
    held_of_piece = np.repeat(np.arange(len(held)), [len(pieces) for pieces in cut])
    turned = hits.copy()
    turned["query"] = hits["target"]
    turned["target"] = held_of_piece[hits["query"]]
    identity_N, held_N = mmseqs.nearest(turned, len(targets))
    return [
        (targets[n], held[held_N[n]], float(identity_N[n]))
        for n in np.flatnonzero(held_N >= 0).tolist()
    ]


def _pieces(letters: str, longest: int) -> Iterator[str]:
    """Cuts what MMseqs2 cannot read; any `longest` letters in a row stay in a piece.

    Of sequences longer than half of what it reads, only that much stays together.
    """
    step = mmseqs.MAX_LENGTH - min(longest, mmseqs.MAX_LENGTH // 2)
    for start in range(0, max(1, len(letters) - mmseqs.MAX_LENGTH + step), step):
        yield letters[start : start + mmseqs.MAX_LENGTH]


def show(console: rich.console.Console, overlaps: Iterable[Overlap]) -> None:
    """Prints a line for each training and test set; numbers of distinct sequences."""
    table = rich.table.Table(box=None)
    for title in ("test", "train"):
        table.add_column(title, no_wrap=True)
    for title in ("distinct", "equal", "near", "neither"):
        table.add_column(title, justify="right", no_wrap=True)
    for one in overlaps:
        neither = one.num_distinct - one.num_equal - (one.num_near or 0)
        table.add_row(
            one.test,
            one.train,
            f"{one.num_distinct:,}",
            f"{one.num_equal:,}",
            "-" if one.num_near is None else f"{one.num_near:,}",
            f"{neither:,}",
        )
    console.print(table)


def write(
    path: str, overlaps: Iterable[Overlap], search: mmseqs.Settings | None
) -> None:
    """Writes all that was found as JSON, with the names of the records."""
    how = None
    if search is not None:
        how = {"identity": search.identity, "coverage_of_test": search.coverage}
    text = json.dumps(
        {"search": how, "overlaps": [dataclasses.asdict(one) for one in overlaps]},
        indent=1,
    )
    files.write_text(path, text + "\n")
