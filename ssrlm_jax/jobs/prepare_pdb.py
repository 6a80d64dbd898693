r"""Makes tables of RNA chains with base pairs of a folder of structures.

  ssrlm prepare_pdb --files=mmcif --out=pdb2023

Reads PDB, mmCIF and BinaryCIF files, plain or packed. Base pairs by biotite, RNApolis
or DSSR's JSON; chains that are the same at 100 % identity are one record, and a random
split keeps clusters at 80 % together. The same command again goes on where an
interrupted run stopped. docs/pdb.md says what is written, docs/formats.md what is read.
"""

import argparse

from ssrlm_jax import config
from ssrlm_jax.jobs import command
from ssrlm_jax.prepare import progress
from ssrlm_jax.prepare.pdb import build_tables


def prepare_pdb(settings: config.PdbConfig, flags: argparse.Namespace) -> None:
    """Makes the tables and says what they hold, beside the paper's."""
    console = progress.console()
    with progress.Stages(console) as display:
        told = build_tables.build(
            flags.out, settings, files=flags.files, report=display
        )
    for name, number in told["counts"].items():
        paper = told["paper"].get(name)
        beside = f"  (paper: {paper:,})" if paper else ""
        console.print(f"{name:<30}{number:>8,}{beside}")
    for reason, number in told["dropped"].items():
        console.print(f"dropped, {reason}: {number:,}")
    for name, compared in {**told["annotators"], **told["published"]}.items():
        if compared["chains"]:
            console.print(
                f"{name}: {compared['chains']:,} chains, "
                f"F1 {compared['all']['f1']:.3f} of all pairs, "
                f"{compared['canonical']['f1']:.3f} of canonical pairs",
                soft_wrap=True,
            )
    if settings.cluster.method == "exact":
        console.print("similar chains were not looked for: cluster.method=exact")
    console.print(f"{flags.out} holds the tables; report.json has all counts")


COMMAND = command.Command(
    function=prepare_pdb,
    about=__doc__,
    kind=config.PdbConfig,
    default="pdb2023",
    flags={
        "--files": {
            "action": "append",
            "required": True,
            "metavar": "FILES",
            "help": "structure files or folders, separated by commas",
        },
        "--out": {"required": True, "metavar": "DIR", "help": "directory to make"},
    },
)
