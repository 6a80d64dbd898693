r"""Makes what trains a folding model of labelled RNA, and validation of new families.

  ssrlm training_sets --labelled=TR0.tsv.gz --validation=VL0.tsv.gz \
      --consensus=seed_ss.tsv.gz --families=benchmark_family_map.tsv.gz \
      --tests=TS0.tsv.gz,TS1.tsv.gz --out=sets

OUT gets train.tsv, held_out.tsv (labelled RNA without relatives in train.tsv, by family
and MMseqs2), validation.tsv (these and as many of VALIDATION, so that a mean over all
weighs both alike) and counts.json. FAMILIES is a table: set, id, families. A consensus
of a family that any record of another set than those of --own_sets has is left out.
"""

import argparse
import csv
import gzip
import json
import os
import pathlib

import numpy as np

from ssrlm_jax import files, model_dir
from ssrlm_jax.infer import scored_files
from ssrlm_jax.jobs import command
from ssrlm_jax.prepare.sets import labelled_sets
from ssrlm_jax.rna import formats, record_tables


def make(parsed: argparse.Namespace) -> None:
    """Reads, draws and writes."""
    validation = _read(parsed.validation)
    tests = [*_read(parsed.tests), *validation]
    own_sets = parsed.own_sets.split(",")
    families: dict[str, set[str]] = {}
    tested: set[str] = set()
    with gzip.open(parsed.families, "rt", encoding="utf-8") as file:
        for row in list(csv.reader(file, delimiter="\t"))[1:]:
            kind, name, listed = row
            names = set(listed.split(","))
            families.setdefault(name, set()).update(names)
            if kind.split("/")[-1] not in own_sets:
                tested |= names
    model_dir.check_free(parsed.out)
    found = labelled_sets.make(
        _read(parsed.labelled),
        _read(parsed.consensus) if parsed.consensus else [],
        tests,
        families=families,
        tested_families=tested,
        share=parsed.share,
        most_of_family=parsed.most_of_family,
        max_length=parsed.max_length,
        nearest=parsed.nearest,
        num_threads=os.cpu_count() or 1,
        seed=parsed.seed,
    )
    with files.whole_directory(parsed.out) as beside:
        record_tables.write_table(beside / "train.tsv", found.train)
        record_tables.write_table(beside / "held_out.tsv", found.held_out)
        order = np.random.default_rng(parsed.seed).permutation(len(validation))
        drawn = [validation[n] for n in sorted(order[: len(found.held_out)])]
        record_tables.write_table(beside / "validation.tsv", [*found.held_out, *drawn])
        (beside / "counts.json").write_text(json.dumps(found.counts, indent=1) + "\n")
    for what, number in found.counts.items():
        print(f"{number:8,}  {what}")


def _read(paths: str) -> list[formats.Record]:
    return [one for path in paths.split(",") for one in scored_files.read_truth(path)]


_FILES = {"required": True, "metavar": "FILES"}
COMMAND = command.Command(
    function=make,
    about=__doc__,
    flags={
        "--labelled": _FILES,
        "--tests": _FILES,
        "--validation": _FILES,
        "--families": {"required": True, "metavar": "TABLE.gz"},
        "--consensus": {"metavar": "FILES", "help": "none by default"},
        "--own_sets": {"default": "TR0,VL0,TR1,VL1", "metavar": "NAMES"},
        "--out": {"required": True, "type": pathlib.Path},
        "--share": {"type": float, "default": 0.05, "help": "held out (0.05)"},
        "--nearest": {
            "type": float,
            "default": 1.0,
            "help": "identity with a test record, from which on nothing trains (1: "
            "equal ones)",
        },
        "--most_of_family": {"type": int, "default": 20, "metavar": "N"},
        "--max_length": {"type": int, "default": 500, "metavar": "NT"},
        "--seed": {"type": int, "default": 0},
    },
)
