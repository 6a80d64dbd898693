"""Tries commands on damaged files of every format, as functions in one process.

  python benchmarks/fuzz.py [--num=10000] [--seed=0] [--commands=fold,evaluate]

Every file is one of tests/damaged_files.py: whole files of each format with one to
three of its damages. A finding is a traceback, more than 10 s, an output that is half
written, an error that does not name the file, or a success without a word where half
of the letters are gone. Findings are printed, one of each kind; the exit status is 1 if
there are any. `--seed` moves on: file k of seed s is number s x 10^9 + k.
"""

import argparse
import collections
import json
import os
import pathlib
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import damage_verdicts  # noqa: E402
import standing_predictor  # noqa: E402

from ssrlm_jax.infer import catalogue  # noqa: E402

STEP = 10**9  # numbers of a seed
SLOW_S = 2


def tried(command: str, numbers: range, folder: pathlib.Path) -> dict[str, object]:
    """Tries a command on numbered files; prints findings of each kind once."""
    kinds: collections.Counter[str] = collections.Counter()
    slowest, started = 0.0, time.perf_counter()
    for number in numbers:
        begun = time.perf_counter()
        found = damage_verdicts.wrong_with(command, number, folder / "case")
        slowest = max(slowest, time.perf_counter() - begun)
        if found:
            kind = found.strip().splitlines()[-1][:60]
            kinds[kind] += 1
            if kinds[kind] == 1:
                print(found, end="\n\n", flush=True)
    return {
        "files": len(numbers),
        "findings": kinds.total(),
        "seconds": round(time.perf_counter() - started, 1),
        "slowest_s": round(slowest, 2),
    }


def main() -> int:
    """Tries the commands and prints how many files and findings there were."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--num", type=int, default=10_000, help="files, of all commands"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--commands", default=",".join(damage_verdicts.COMMANDS))
    flags = parser.parse_args()
    os.environ[catalogue.MODEL] = "models/tiny"  # stands in; nothing is loaded
    standing_predictor.put([])
    commands = flags.commands.split(",")
    first = flags.seed * STEP
    numbers = range(first, first + max(1, flags.num // len(commands)))
    with tempfile.TemporaryDirectory() as folder:
        told = {
            command: tried(command, numbers, pathlib.Path(folder))
            for command in commands
        }
    print(json.dumps(told, indent=1))
    return int(any(one["findings"] for one in told.values()))


if __name__ == "__main__":
    sys.exit(main())
