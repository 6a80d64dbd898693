"""Writes a corpus of generated RNA families, which several runs then train on.

  ssrlm generate --out=corpora/families
  ssrlm generate --config.data.families.num_families=24 --out=corpora/many

Of the settings of pre-training `seed`, `data.row_length` and `data.families` are read.
A run with `data.is_generated` makes its own; one corpus for many makes them comparable.
"""

import argparse
import pathlib

from ssrlm_jax import config, files
from ssrlm_jax.jobs import command
from ssrlm_jax.prepare.corpus import generated_rna


def generate(settings: config.PretrainConfig, flags: argparse.Namespace) -> None:
    """Writes the corpus and says what it holds."""
    files.check_place(flags.out)
    generated_rna.write(flags.out, settings.data, settings.seed)
    of = settings.data.families
    print(
        f"{of.num_families} families of {of.num_members} members and "
        f"{of.num_validation_members} held out: {flags.out}"
    )


COMMAND = command.Command(
    function=generate,
    about=__doc__,
    kind=config.PretrainConfig,
    default="demo",
    flags={"--out": {"required": True, "type": pathlib.Path, "metavar": "DIR"}},
)
