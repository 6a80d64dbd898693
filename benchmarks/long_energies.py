"""ViennaRNA's three sets of parameters on long RNA and on many: one by one, at once.

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
from unittest import mock

import numpy as np
import report

from ssrlm_jax.external import energies, vienna_workers

_NAMES = ("vienna", "andronescu", "langdon")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lengths", default="700,1000,1500", metavar="N,...")
    parser.add_argument("--many", type=int, default=200, help="RNAs of 100 nt; 0: none")
    parsed = parser.parse_args()
    rows = [measured(int(length), 1) for length in parsed.lengths.split(",")]
    rows += [measured(100, parsed.many)] if parsed.many else []
    machine = report.machine("ssrlm-jax", "ViennaRNA")
    report.save("long_energies", {"rows": rows, "machine": machine})
    if not all(row["equal"] for row in rows):
        sys.exit("at once they say other than one after the other")


def measured(length: int, count: int) -> dict[str, object]:
    """Returns seconds of RNAs; the first row has the start of the workers, too."""
    rng = random.Random(length)
    given = ["".join(rng.choices("ACGU", k=length)) for _ in range(count)]
    source = energies.Energies(names=_NAMES)
    load = os.getloadavg()[0]
    together, together_s = _timed(source, given)
    with mock.patch.object(vienna_workers, "are_useful", return_value=False):
        alone, alone_s = _timed(source, given)
    columns = [
        pair
        for ours, theirs in zip(together, alone, strict=True)
        for mine, yours in zip(ours, theirs, strict=True)
        for pair in zip(mine, yours, strict=True)
    ]
    return {
        "nucleotides": length,
        "rnas": count,
        "one_after_the_other_s": round(alone_s, 2),
        "at_once_s": round(together_s, 2),
        "equal": all(np.array_equal(ours, theirs) for ours, theirs in columns),
        "load_before": round(load, 2),
    }


def _timed(
    source: energies.Energies, given: list[str]
) -> tuple[list[tuple[energies.Listed, ...]], float]:
    begun = time.perf_counter()
    found = source(given)
    return found, time.perf_counter() - begun


if __name__ == "__main__":
    main()
