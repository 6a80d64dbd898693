"""Seconds of `ssrlm fold` of a file of many RNAs, start of Python included.

  python benchmarks/many_rnas.py [--count=200] [--repeats=2]

Random RNA of 40 to 200 nt, by the shipped default: cold, with nothing compiled before,
and as the second process. Beside it, each in a process of its own: ViennaRNA (least
free energy and partition function) and EternaFold (`pip install
linearpartition-unofficial`; left out where it is missing), one RNA after the other.
Contenders take turns; the median counts.
"""

import argparse
import pathlib
import random
import tempfile

import first_answer
import report

_READ = "import sys; rnas = open(sys.argv[1]).read().split()[1::2]\n"
_VIENNA = f"""{_READ}
import RNA
for rna in rnas:
    one = RNA.fold_compound(rna)
    one.exp_params_rescale(one.mfe()[1])
    one.pf()
"""
_ETERNA = f"""{_READ}
import linearpartition
for rna in rnas:
    linearpartition.partition(rna, mode='eterna', beamsize=0)
"""


def main() -> None:
    """Measures what is installed and writes results/many_rnas.json."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=200, help="RNAs")
    parser.add_argument("--repeats", type=int, default=2)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        kept, fasta = pathlib.Path(folder, "kept"), pathlib.Path(folder, "rnas.fa")
        fasta.write_text(_generated(given.count))
        contenders = {
            "ssrlm fold, cold": (first_answer.FOLD, ["fold", str(fasta)]),
            "ssrlm fold, second process": (first_answer.FOLD, ["fold", str(fasta)]),
            "ViennaRNA": (_VIENNA, [str(fasta)]),
            "EternaFold": (_ETERNA, [str(fasta)]),
        }
        medians = first_answer.medians_of(contenders, given.repeats, kept)
    machine = report.machine("ssrlm-jax", "jax", "ViennaRNA")
    result = {"machine": machine, "rnas": given.count, "seconds": medians}
    report.save("many_rnas", result)


def _generated(count: int) -> str:
    """Returns FASTA of random RNA, always the same."""
    rng = random.Random(0)
    letters = (
        "".join(rng.choices("ACGU", k=rng.randint(40, 200))) for _ in range(count)
    )
    return "".join(f">{number}\n{one}\n" for number, one in enumerate(letters))


if __name__ == "__main__":
    main()
