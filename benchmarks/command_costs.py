"""Seconds and memory of commands by the length of an RNA, start of Python included.

  python benchmarks/command_costs.py [--lengths=100,1000,10000] [--commands=fold,embed]

One RNA of random letters; each command by the model that ships, compiled programs kept
from one warm-up at the same length, as a user's second call has them; a warm-up of more
than two minutes is not followed by a second call, and is what is told. Memory is the
most that the command and the processes it starts held at once. Between neighbouring
lengths the power of the length with which time and memory grow is told, start and all.
"""

import argparse
import json
import math
import pathlib
import subprocess
import sys
import tempfile

import calls
import numpy as np
import report

CALL = "import sys; from ssrlm_jax import cli; sys.exit(cli.main(sys.argv[1:]))"
LENGTHS = (100, 1_000, 10_000)
LONG = 120  # seconds of a call that is not called again
WORDS = {  # of each command; IN is the RNA, KNOWN a structure of it, OUT is free
    "fold": ("fold", "IN", "--force", "-o", "OUT"),
    "embed": ("embed", "IN", "--force", "-o", "OUT.npz"),
    "contacts": ("contacts", "IN", "--force", "-o", "OUT.contacts"),
    "evaluate": ("evaluate", "--predictions=KNOWN", "--truth=KNOWN"),
    "leakage": ("leakage", "--train", "A=IN", "--test", "B=IN", "--out=OUT.json"),
}


def main() -> None:
    """Measures and writes results/command_costs.json after each command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lengths", default=",".join(map(str, LENGTHS)))
    parser.add_argument("--commands", default=",".join(WORDS))
    parser.add_argument("--seconds", type=float, default=1_800, help="of one call")
    given = parser.parse_args()
    lengths = [int(length) for length in given.lengths.split(",")]
    result: report.Result = {
        "rows": [],
        "exponents": {},
        "missing": [],
        "machine": report.machine("ssrlm-jax", "ViennaRNA"),
    }
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for command in given.commands.split(","):
            rows = []
            for length in lengths:
                try:
                    row = measure(command, length, folder, given.seconds)
                except subprocess.TimeoutExpired:
                    why = f"more than {given.seconds:.0f} s"
                except RuntimeError as error:
                    why = str(error)
                else:
                    rows.append(row)
                    why = ""
                if why:
                    result["missing"].append(f"{command}, {length:,} nt: {why}")
                    continue
                print(row, file=sys.stderr, flush=True)
            result["rows"] += rows
            result["exponents"][command] = {
                what: exponents(rows, what) for what in ("seconds", "peak_mib")
            }
            report.write("command_costs", result)
    print(json.dumps(result))


def measure(
    command: str, length: int, folder: pathlib.Path, seconds: float
) -> report.Result:
    """Returns what a command takes on an RNA of a length, of a short call the second.

    Raises:
      subprocess.TimeoutExpired: it took more than `seconds`.
      RuntimeError: it failed; in one line.
    """
    letters = "".join(np.random.default_rng(length).choice([*"ACGU"], length))
    place = folder / f"{command}{length}"
    place.mkdir()
    known = _hairpins(length)
    (place / "rna.fa").write_text(f">rna\n{letters}\n")
    (place / "known.dbn").write_text(f">rna\n{letters}\n{known}\n")
    stands_for = {
        "IN": str(place / "rna.fa"),
        "KNOWN": str(place / "known.dbn"),
        "OUT": str(place / "out"),
    }
    words = [_filled(word, stands_for) for word in WORDS[command]]
    for _ in range(2):
        done = calls.run(
            [sys.executable, "-c", CALL, *words],
            seconds,
            environment={"SSRLM_CACHE": str(folder / "kept")},
        )
        if why := done.complaint():
            raise RuntimeError(why)
        if done.seconds > LONG:
            break  # of which compilation is a small part
    return {
        "command": command,
        "length": length,
        "seconds": round(done.seconds, 3),
        "peak_mib": round(done.peak_mib),
    }


def _filled(word: str, stands_for: dict[str, str]) -> str:
    for name, path in stands_for.items():
        word = word.replace(name, path)
    return word


def _hairpins(length: int) -> str:
    """Returns dots and brackets of hairpins of 20 nucleotides, one after another."""
    hairpin = "((((((........))))))"
    return (hairpin * (length // 20)).ljust(length, ".")


def exponents(rows: list[report.Result], what: str) -> dict[str, float]:
    """Returns the powers of the length with which a column of rows grows."""
    found = {}
    for first, last in zip(rows[:-1], rows[1:], strict=True):
        span = f"{first['length']:,} to {last['length']:,} nt"
        grown = math.log(last[what] / first[what])
        found[span] = round(grown / math.log(last["length"] / first["length"]), 2)
    return found


if __name__ == "__main__":
    main()
