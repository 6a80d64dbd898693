r"""Says which test sequences a training set holds: equal, and near by MMseqs2.

  python launch/leakage.py --train TR0=bprna_TR0.tsv.gz Rfam=Rfam.seed.gz \
      --test TS0=bprna_TS0.tsv.gz --identity 0.8 --out leakage.json

Reads what prepare_corpus.py reads, .ct, .bpseq, .st and .dbn files, and directories
of them; a set by its name in prepare/benchmark_sets.py is checked. Counts are of
distinct sequences; the JSON names the records.
"""

import argparse

import plain_command

from ssrlm_jax.prepare import leakage, report


def compare(flags: argparse.Namespace) -> None:
    """Compares each test set with each training set."""
    search = None
    if not flags.exact:
        search = leakage.settings(flags.identity, flags.coverage, flags.threads)
    train = leakage.named(flags.train, "--train")
    test = leakage.named(flags.test, "--test")
    held = {name: leakage.read(name, path) for name, path in train.items()}
    overlaps = []
    for name, path in test.items():
        tested = (name, leakage.read(name, path))
        overlaps += [leakage.overlap(one, tested, search) for one in held.items()]
    leakage.show(report.console(), overlaps)
    if flags.out:
        leakage.write(flags.out, overlaps, search)


if __name__ == "__main__":
    command = plain_command.parser(__doc__)
    sets = {"nargs": "+", "action": "extend", "required": True, "metavar": "NAME=FILE"}
    command.add_argument("--train", **sets)
    command.add_argument("--test", **sets)
    about = "share of equal letters in an alignment (default: %(default)s)"
    command.add_argument("--identity", type=float, default=0.8, help=about)
    about = "share of the test sequence that is aligned (default: %(default)s)"
    command.add_argument("--coverage", type=float, default=0.8, help=about)
    command.add_argument("--exact", action="store_true", help="only equal sequences")
    command.add_argument("--threads", type=int, default=1, help="of MMseqs2")
    command.add_argument("--out", metavar="FILE", help="JSON to write")
    plain_command.run(compare, command)
