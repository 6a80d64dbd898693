"""ViennaRNA's three sets of parameters on one long RNA: one after the other, at once.

  python benchmarks/long_energies.py

Of random letters. Results are compared, bit for bit. The load of the cores is told:
beside other work what runs at once gets more of them, and looks better than it is. Two
minutes on two cores.
"""

import argparse
import os
import random
import sys
import time

import numpy as np
import report

from ssrlm_jax.external import energies, vienna_workers

_NAMES = ("vienna", "andronescu", "langdon")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lengths", default="700,1000,1500", metavar="N,...")
    parsed = parser.parse_args()
    rows = [measured(int(length)) for length in parsed.lengths.split(",")]
    machine = report.machine("ssrlm-jax", "ViennaRNA")
    report.save("long_energies", {"rows": rows, "machine": machine})
    if not all(row["equal"] for row in rows):
        sys.exit("at once they say other than one after the other")


def measured(length: int) -> dict[str, object]:
    """Returns seconds of one RNA; the first row has the start of the workers, too."""
    rng = random.Random(length)
    letters = "".join(rng.choices("ACGU", k=length))
    source = energies.Energies(names=_NAMES)
    load = os.getloadavg()[0]
    together, together_s = _timed(source, letters)
    least, vienna_workers.LEAST = vienna_workers.LEAST, sys.maxsize
    alone, alone_s = _timed(source, letters)
    vienna_workers.LEAST = least
    columns = [
        pair
        for ours, theirs in zip(together, alone, strict=True)
        for pair in zip(ours, theirs, strict=True)
    ]
    return {
        "nucleotides": length,
        "one_after_the_other_s": round(alone_s, 2),
        "at_once_s": round(together_s, 2),
        "equal": all(np.array_equal(ours, theirs) for ours, theirs in columns),
        "load_before": round(load, 2),
    }


def _timed(
    source: energies.Energies, letters: str
) -> tuple[tuple[energies.Listed, ...], float]:
    begun = time.perf_counter()
    (found,) = source([letters])
    return found, time.perf_counter() - begun


if __name__ == "__main__":
    main()
