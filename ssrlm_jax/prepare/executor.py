"""Runs a stage: one function over many tasks, in local processes.

A task is done when its file of counts exists; that file is written last, so an
interrupted stage goes on with the tasks that are left. Tasks do not know of each
other and results come in the order of the tasks, so the number of workers changes
nothing but the time.
"""

import concurrent.futures
import concurrent.futures.process
import json
import multiprocessing
import os
import pathlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

Task = TypeVar("Task")
Counts = dict[str, Any]


def run(
    function: Callable[[Task], Counts],
    tasks: Sequence[tuple[pathlib.Path, Task]],
    *,
    num_workers: int,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> list[Counts]:
    """Calls `function` with every task that is not done.

    Args:
      function: at the top level of a module; what it returns can be JSON.
      tasks: each with the file that says that it is done.
      num_workers: processes; 1: in this one.
      report: called with the number of done tasks and of all.

    Returns:
      What the calls returned, in the order of `tasks`.

    Raises:
      ValueError, OSError: as `function`, at once: other tasks are given up.
      OSError: a worker was killed.
    """
    left = [(done, task) for done, task in tasks if not done.is_file()]
    num_done = len(tasks) - len(left)
    report(num_done, len(tasks))
    for done, counts in _results(function, left, min(num_workers, len(left))):
        _write_json(done, counts)
        num_done += 1
        report(num_done, len(tasks))
    return [json.loads(done.read_text()) for done, _ in tasks]


def _results(
    function: Callable[[Task], Counts],
    tasks: Sequence[tuple[pathlib.Path, Task]],
    num_workers: int,
) -> Iterator[tuple[pathlib.Path, Counts]]:
    if num_workers <= 1:
        yield from ((done, function(task)) for done, task in tasks)
        return
    context = multiprocessing.get_context("spawn")
    others = set(multiprocessing.active_children())
    pool = concurrent.futures.ProcessPoolExecutor(num_workers, mp_context=context)
    try:
        waiting = {pool.submit(function, task): done for done, task in tasks}
        for future in concurrent.futures.as_completed(waiting):
            yield waiting[future], future.result()
    except concurrent.futures.process.BrokenProcessPool as error:
        raise OSError(
            "a worker process was killed, perhaps for want of memory; lower "
            "num_workers or shard_nucleotides, or run the same command again to go on"
        ) from error
    except BaseException:
        for worker in set(multiprocessing.active_children()) - others:
            worker.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _write_json(path: pathlib.Path, content: Counts) -> None:
    beside = path.with_name(path.name + ".unfinished")
    beside.write_text(json.dumps(content))
    os.replace(beside, path)
