"""Seconds from a command to the structure of one RNA, start of Python included.

  python benchmarks/first_answer.py [--repeats=5]

`ssrlm fold` of yeast's tRNA-Phe, 76 nt, by the shipped default: cold, with nothing
compiled before, and as the second process. Beside it, each in a process of its own
that imports the library and folds: ViennaRNA, and EternaFold (`pip install
linearpartition-unofficial`; left out where it is missing). Contenders take turns; the
median counts.
"""

import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import report

RNA = "GCGGAUUUAGCUCAGUUGGGAGAGCGCCAGACUGAAGAUCUGGAGGUCCUGUGUUCGAUCCACAGAAUUCGCACCA"
FOLD = "import sys; from ssrlm_jax import cli; sys.exit(cli.main())"
VIENNA = "import RNA, sys; print(RNA.fold(sys.argv[1]))"
ETERNA = (
    "import linearpartition, sys; "
    "linearpartition.partition(sys.argv[1], mode='eterna', beamsize=0)"
)
WANTED = {"ssrlm fold, cold": 6.0, "ssrlm fold, second process": 3.0}


def main() -> None:
    """Measures what is installed and writes results/first_answer.json."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        kept = pathlib.Path(folder) / "kept"
        contenders = {
            "ssrlm fold, cold": (FOLD, ["fold", RNA]),
            "ssrlm fold, second process": (FOLD, ["fold", RNA]),
            "ViennaRNA": (VIENNA, [RNA]),
            "EternaFold": (ETERNA, [RNA]),
        }
        medians = medians_of(contenders, given.repeats, kept)
    rows = [
        (name, "not installed" if median is None else median, WANTED.get(name, ""))
        for name, median in medians.items()
    ]
    print(report.table(("what", "seconds", "wanted below"), rows), file=sys.stderr)
    machine = report.machine("ssrlm-jax", "jax", "ViennaRNA")
    report.save(
        "first_answer", {"machine": machine, "nt": len(RNA), "seconds": medians}
    )


def medians_of(
    contenders: dict[str, tuple[str, list[str]]], repeats: int, kept: pathlib.Path
) -> dict[str, float | None]:
    """Returns seconds of processes that take turns; None where one is not installed.

    Args:
      contenders: code and arguments, by name; "cold": with nothing compiled before.
      repeats: of each.
      kept: where compiled programs are.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(repeats):
        for name, (code, arguments) in contenders.items():
            if name.endswith("cold"):
                shutil.rmtree(kept, ignore_errors=True)
            if (taken := _seconds(code, arguments, kept)) is not None:
                seconds[name].append(taken)
                print(f"{name}: {taken:.2f} s", file=sys.stderr, flush=True)
    return {
        name: round(statistics.median(all_of_it), 3) if all_of_it else None
        for name, all_of_it in seconds.items()
    }


def _seconds(code: str, arguments: list[str], kept: pathlib.Path) -> float | None:
    """Returns the time of a process; None where what it imports is missing."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=os.environ | {"SSRLM_CACHE": str(kept)},
        capture_output=True,
        text=True,
        check=False,
    )
    taken = time.perf_counter() - start
    if "ModuleNotFoundError" in done.stderr:
        return None
    if done.returncode:
        raise RuntimeError(done.stderr)
    return taken


if __name__ == "__main__":
    main()
