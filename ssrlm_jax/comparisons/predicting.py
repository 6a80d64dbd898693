"""Predicts what is not kept yet, short RNA first, by several processes."""

import concurrent.futures
import itertools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence

from ssrlm_jax.comparisons import fenced, kept_predictions
from ssrlm_jax.external import folding_programs

_SHORT = 100  # nucleotides of what counts as one
Report = Callable[[int, int], None]  # RNAs that are done, and all that were missing


def missing(store: kept_predictions.Store, sequences: Sequence[str]) -> list[str]:
    """Returns the distinct sequences that have no prediction, short ones first."""
    distinct = dict.fromkeys(sequences)
    return sorted((one for one in distinct if one not in store.found), key=len)


def fill(
    store: kept_predictions.Store,
    folder: folding_programs.Folder,
    sequences: Sequence[str],
    *,
    known: Callable[[], Mapping[str, kept_predictions.Kept]],
    at_once: int,
    parallel: int,
    time_limit: float,
    report: Report,
) -> None:
    """Predicts the sequences that are missing; each is kept as soon as it is there.

    Args:
      store: gets the predictions.
      folder: what folds.
      sequences: letters A C G U N.
      known: gives what the same method said of other sets, by sequence, to be taken
        over; it is not asked where nothing is missing.
      at_once: sequences of up to 100 nucleotides that are handed over together, and
        fewer longer ones; where one of them fails, each half is tried again.
      parallel: processes.
      time_limit: seconds for one sequence; what takes longer has failed.
      report: is told how far it is.

    Raises:
      NotStartedError: the method cannot fold anything here.
      OSError: nothing can be kept.
    """
    store.begin(folder.describe())
    left = missing(store, sequences)
    if not left:
        return
    before = known()
    store.add(before[one] for one in left if one in before)
    left = missing(store, left)
    if not left:
        return
    batches = _batches(left, at_once)
    lock, stopped = threading.Lock(), threading.Event()
    counted = itertools.count(1)
    fences = [fenced.Fence(folder, time_limit) for _ in range(min(parallel, len(left)))]

    def work(own: fenced.Fence) -> None:
        with own as fence:
            while not stopped.is_set():
                with lock:
                    batch = next(batches, None)
                if batch is None:
                    return
                for records in _of_batch(fence, batch, stopped):
                    with lock:
                        if stopped.is_set():
                            return
                        store.add(records)
                        for _ in records:
                            report(next(counted), len(left))

    with concurrent.futures.ThreadPoolExecutor(len(fences)) as pool:
        workers = [pool.submit(work, one) for one in fences]
        try:
            for one in concurrent.futures.as_completed(workers):
                one.result()
        except BaseException:
            with lock:
                stopped.set()
            for fence in fences:
                fence.interrupt()
            raise


def _batches(sequences: Sequence[str], at_once: int) -> Iterator[list[str]]:
    """Yields sequences in batches whose memory, a square of the length, is bounded."""
    batch: list[str] = []
    size = 0.0
    for one in sequences:
        own = max(len(one) / _SHORT, 1.0) ** 2
        if batch and size + own > at_once:
            yield batch
            batch, size = [], 0.0
        batch.append(one)
        size += own
    if batch:
        yield batch


def _of_batch(
    fence: fenced.Fence, batch: Sequence[str], stopped: threading.Event
) -> Iterator[list[kept_predictions.Kept]]:
    """Yields what is said of sequences: of all together, or of each half."""
    try:
        said = fence.fold(batch)
    except fenced.FailedError as error:
        if stopped.is_set():  # it was ended from outside
            return
        if len(batch) == 1:
            yield [kept_predictions.Kept(batch[0], None, failed=str(error))]
            return
        half = len(batch) // 2  # to start a program can cost more than an RNA
        yield from _of_batch(fence, batch[:half], stopped)
        yield from _of_batch(fence, batch[half:], stopped)
        return
    letters = sum(map(len, batch)) or 1
    yield [
        kept_predictions.Kept(
            *(sequence, one.structure, one.probabilities),
            seconds=said.seconds * len(sequence) / letters,
            memory=said.memory,
        )
        for sequence, one in zip(batch, said.found, strict=True)
    ]
