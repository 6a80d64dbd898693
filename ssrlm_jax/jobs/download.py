r"""Fetches public RNA data.

  ssrlm download --list
  ssrlm download rfam --out=raw/rfam
  ssrlm download rfam --out=raw/rfam --ids=RF00001,RF00005
  ssrlm download pdb --out=raw/pdb --ids=entries.txt

The same command again goes on where it stopped; a whole file is not fetched again.
"""

import argparse
import pathlib

from ssrlm_jax.jobs import command
from ssrlm_jax.prepare import progress
from ssrlm_jax.prepare.download import public_sources, transfer


def fetch(flags: argparse.Namespace) -> None:
    """Fetches the files of a source, or lists them."""
    if flags.list:
        for name in [flags.source] if flags.source else public_sources.SOURCES:
            one = public_sources.SOURCES[name]
            print(
                f"{name}: {one.about}\n  licence: {one.licence}\n  cite: {one.citation}"
            )
            for file in one.files:
                print(f"  {file.url}", *filter(None, (file.size, file.md5)))
            if one.each:
                print(f"  {one.each}")
        return
    if not flags.source or not flags.out:
        raise ValueError("a source and --out=DIR are needed, or --list")
    source, entries = (
        public_sources.SOURCES[flags.source],
        public_sources.ids(flags.ids),
    )
    with progress.Downloads(progress.console()) as display:
        found, missing = transfer.fetch_source(
            source, entries, flags.out, report=display
        )
    print(f"{found} files in {flags.out}; cite {source.citation}")
    if missing:
        raise ValueError("; ".join(missing[:3] + [f"{len(missing)} missing"]))


COMMAND = command.Command(
    function=fetch,
    about=__doc__,
    flags={
        "source": {"nargs": "?", "choices": tuple(public_sources.SOURCES)},
        "--out": {"type": pathlib.Path, "metavar": "DIR"},
        "--list": {"action": "store_true", "help": "say what there is"},
        "--ids": {
            "action": "append",
            "default": [],
            "help": "entries, by commas, or a file of them; may be repeated",
        },
    },
)
