"""Seconds until `ssrlm` says anything: import, --help; and the size of the wheel.

  python benchmarks/startup.py [--repeats=5] [--without_wheel]

Each in a process of its own, with Python's compiled files kept; contenders take turns,
the median counts. Beside the import of the library: `import multimolecule`, the only
other library of such models, and `import RNA`, ViennaRNA; each where it is installed.
The wheel is built of a copy of the sources, without what a build fetches.
"""

import argparse
import importlib.util
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import report

ROOT = pathlib.Path(__file__).parents[1]
CALL = "import sys; from ssrlm_jax import cli; sys.exit(cli.main(sys.argv[1:]))"
SOURCES = ("ssrlm_jax", "configs", "pyproject.toml", "setup.py", "README.md", "LICENSE")
OURS = {
    "import ssrlm_jax": ("import ssrlm_jax",),
    "import what folds": ("import ssrlm_jax.infer.loading",),
    "ssrlm --help": (CALL, "--help"),
    "ssrlm fold --help": (CALL, "fold", "--help"),
    "ssrlm pretrain --help": (CALL, "pretrain", "--help"),
}
RIVALS = {"multimolecule": ("import multimolecule",), "ViennaRNA": ("import RNA",)}
MODULES = {"multimolecule": "multimolecule", "ViennaRNA": "RNA"}
BESIDE = "import what folds"  # what rivals' imports are compared with


def main() -> None:
    """Measures and writes results/startup.json."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--without_wheel", action="store_true")
    given = parser.parse_args()
    rivals = {n: code for n, code in RIVALS.items() if _is_installed(MODULES[n])}
    seconds: dict[str, list[float]] = {name: [] for name in OURS | rivals}
    for _ in range(given.repeats + 1):  # the first turn compiles Python's files
        for name, code in (OURS | rivals).items():
            seconds[name].append(_seconds(code))
    medians = {name: statistics.median(all_[1:]) for name, all_ in seconds.items()}
    result: report.Result = {
        "seconds": {name: round(medians[name], 3) for name in OURS},
        "rivals": {BESIDE: {name: round(medians[name], 3) for name in rivals}},
        "missing": sorted(RIVALS.keys() - rivals.keys()),
        "machine": report.machine("ssrlm-jax", "multimolecule", "ViennaRNA"),
    }
    if not given.without_wheel:
        result["wheel_mib"] = _wheel_mib()
    rows = [(name, f"{median:.3f}") for name, median in medians.items()]
    print(report.table(("what", "seconds"), rows), file=sys.stderr)
    report.save("startup", result)


def _is_installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _seconds(code: tuple[str, ...]) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", *code], check=True, capture_output=True)
    return time.perf_counter() - start


def _wheel_mib() -> float:
    """Returns the size of the wheel that the sources make."""
    with tempfile.TemporaryDirectory() as name:
        copy = pathlib.Path(name, "source")
        without = shutil.ignore_patterns("__pycache__")
        for source in SOURCES:
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, copy / source, ignore=without)
            else:
                shutil.copy(ROOT / source, copy)
        pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
        subprocess.run(
            [*pip, "--no-build-isolation", "-w", name, str(copy)],
            check=True,
            capture_output=True,
        )
        (wheel,) = pathlib.Path(name).glob("*.whl")
        return round(wheel.stat().st_size / 2**20, 2)


if __name__ == "__main__":
    main()
