"""What every benchmark says of the machine, and where it writes its result.

Results name the processor, the versions and the day, never a host or a path; what was
measured is also told in one form for all (measures.py).
"""

import datetime
import importlib.metadata
import json
import os
import pathlib
import platform
from collections.abc import Mapping, Sequence
from typing import Any

import measures

Result = dict[str, Any]  # JSON, which one process prints and another one reads
FOLDER = "SSRLM_BENCHMARK_RESULTS"  # names where results go, instead of results/
RESULTS = pathlib.Path(__file__).parent / "results"


def machine(*packages: str) -> dict[str, object]:
    """Returns processor, cores, Python, the day, and the versions of jax and packages.

    A package that is not installed has version None.
    """
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "date": datetime.date.today().isoformat(),
        "versions": {
            name: _version(name) for name in dict.fromkeys(("jax", *packages))
        },
    }


def save(name: str, result: Mapping[str, object]) -> None:
    """Prints a result as one JSON line and writes it."""
    print(json.dumps(result))
    write(name, result)


def write(name: str, result: Mapping[str, object]) -> None:
    """Writes results/`name`.json."""
    write_file(pathlib.Path(os.environ.get(FOLDER, RESULTS)) / f"{name}.json", result)


def write_file(path: pathlib.Path, result: Mapping[str, object]) -> None:
    """Writes a result, with what it measured (measures.py)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    told = [one._asdict() for one in measures.of(path.stem, result)]
    beside = path.with_suffix(".unfinished")
    beside.write_text(json.dumps({**result, "measures": told}, indent=1) + "\n")
    beside.replace(path)


def table(header: Sequence[str], lines: Sequence[Sequence[object]]) -> str:
    """Returns lines under a header, in columns; numbers to the right."""
    cells = [list(header), *([str(cell) for cell in line] for line in lines)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in cells
    )


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            fields = dict(line.split(":", 1) for line in file if ":" in line)
    except OSError:
        return platform.processor()
    names = {key.strip(): value.strip() for key, value in fields.items()}
    family = f"family {names.get('cpu family')} model {names.get('model')}"
    return f"{names.get('model name', platform.machine())} ({family})"


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
