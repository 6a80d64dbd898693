"""Seconds that `ssrlm sweep` adds to each of its jobs.

  python benchmarks/sweep_overhead.py [--cells=6]

A sweep of jobs that take a second each (a subset of a table, its scores), one at a
time; and the same commands one after another, as processes of their own. The difference
over the number of jobs is what a job costs beside its work: less than 2 s is wanted.
What the sweep does once, its start and its report, is shared among the jobs.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile
import time

import report

CALL = "import sys; from ssrlm_jax import cli; sys.exit(cli.main(sys.argv[1:]))"
SEQUENCE, DOTS = "GGGAAACCC", "(((...)))"
SWEEP = '''"""A sweep of jobs that do hardly anything."""

import pathlib

from ssrlm_jax import config
from ssrlm_jax.sweeps import chains

FOLDER = pathlib.Path(__file__).parent


def get_config(variant=""):
    settings = config.editable(config.SweepConfig())
    settings.executor.parallel = 1
    return settings


def get_sweep(settings):
    def chain(cell):
        yield chains.Step(
            name="some",
            command="subset",
            flags={"table": str(FOLDER / "truth.tsv"), "keep": cell["rna"]},
        )
        yield chains.Step(
            name="scores",
            command="evaluate",
            config="evaluate",
            settings={"truth": chains.Output("some", "table"), "programs": ""},
            flags={"predictions": str(FOLDER / "found")},
        )

    return chains.Sweep(
        axes={"rna": tuple(f"rna{n}" for n in range(NUM))},
        chain=chain,
        measures=(chains.Measure(name="F1", step="scores", column="f1"),),
        compared="rna",
    )
'''


def main() -> None:
    """Measures and writes results/sweep_overhead.json."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cells", type=int, default=6)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write(folder, given.cells)
        sweep = ("sweep", f"--config={folder / 'few.py'}", f"--out={folder / 'out'}")
        by_sweep = seconds(*sweep)
        alone = sum(alone_seconds(folder, n) for n in range(given.cells))
    num_jobs = 2 * given.cells
    result = {
        "jobs": num_jobs,
        "sweep_s": round(by_sweep, 2),
        "alone_s": round(alone, 2),
        "overhead_s": round((by_sweep - alone) / num_jobs, 3),
        "wanted_below_s": 2.0,
        "machine": report.machine("ssrlm-jax"),
    }
    report.save("sweep_overhead", result)


def write(folder: pathlib.Path, num: int) -> None:
    """Writes a table of RNAs, predictions of them, and the sweep."""
    names = [f"rna{n}" for n in range(num)]
    lines = ["id\tsequence\tdotbracket", *(f"{n}\t{SEQUENCE}\t{DOTS}" for n in names)]
    (folder / "truth.tsv").write_text("\n".join(lines) + "\n")
    (folder / "found").mkdir()
    for name in names:
        (folder / "found" / f"{name}.dbn").write_text(f">{name}\n{SEQUENCE}\n{DOTS}\n")
    (folder / "few.py").write_text(SWEEP.replace("NUM", str(num)))


def alone_seconds(folder: pathlib.Path, number: int) -> float:
    """Returns what the jobs of one cell take without a sweep."""
    out = folder / f"alone{number}"
    subset = (f"--table={folder / 'truth.tsv'}", f"--keep=rna{number}", f"--out={out}")
    found = (f"--predictions={folder / 'found'}", f"--config.truth={out / 'table.tsv'}")
    programs = "--config.programs="
    return seconds("subset", *subset) + seconds("evaluate", *found, programs)


def seconds(*words: str) -> float:
    """Returns the time of a command; a RuntimeError where it fails."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", CALL, *words], capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"ssrlm {' '.join(words)}: {done.stderr[-2000:]}")
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
