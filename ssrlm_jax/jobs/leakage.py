r"""Says which test sequences a training set holds: equal, and near by MMseqs2.

  ssrlm leakage --train TR0=bprna_TR0.tsv.gz Rfam=Rfam.seed.gz \
      --test TS0=bprna_TS0.tsv.gz --identity 0.8 --out leakage.json

Reads what `ssrlm prepare_corpus` reads, .ct, .bpseq, .st and .dbn files, and
directories of them; a set by its name in prepare/sets/benchmark_sets.py is checked.
Counts are of distinct sequences; the JSON names the records.
"""

import argparse

from ssrlm_jax.jobs import command
from ssrlm_jax.prepare import progress
from ssrlm_jax.prepare.sets import overlap


def compare(flags: argparse.Namespace) -> None:
    """Compares each test set with each training set."""
    search = None
    if not flags.exact:
        search = overlap.settings(flags.identity, flags.coverage, flags.threads)
    train = overlap.named(flags.train, "--train")
    test = overlap.named(flags.test, "--test")
    held = {name: overlap.read(name, path) for name, path in train.items()}
    overlaps = []
    for name, path in test.items():
        tested = (name, overlap.read(name, path))
        overlaps += [overlap.overlap(one, tested, search) for one in held.items()]
    overlap.show(progress.console(), overlaps)
    if flags.out:
        overlap.write(flags.out, overlaps, search)


_SETS = {"nargs": "+", "action": "extend", "required": True, "metavar": "NAME=FILE"}
COMMAND = command.Command(
    function=compare,
    about=__doc__,
    flags={
        "--train": _SETS,
        "--test": _SETS,
        "--identity": {
            "type": float,
            "default": 0.8,
            "help": "share of equal letters in an alignment (default: %(default)s)",
        },
        "--coverage": {
            "type": float,
            "default": 0.8,
            "help": "share of the test sequence that is aligned (default: %(default)s)",
        },
        "--exact": {"action": "store_true", "help": "only equal sequences"},
        "--threads": {"type": int, "default": 1, "help": "of MMseqs2"},
        "--out": {"metavar": "FILE", "help": "JSON to write"},
    },
)
