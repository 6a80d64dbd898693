"""All commands of `ssrlm`: one is imported when it is run; errors are one line."""

import argparse
import difflib
import importlib
import importlib.metadata
import logging
import sys
from collections.abc import Sequence
from typing import NoReturn

from ssrlm_jax.cli import reports

_WIDE = 1000  # letters of a line
OWN = {  # modules of this package: a model in use
    "info": "say what a workdir, corpus or model directory holds",
    "fold": "predict base pairs of your own RNA",
    "serve": "a page in the browser that predicts base pairs of your own RNA",
    "fold3d": "predict atoms of your own RNA",
    "embed": "write embeddings of your own RNA",
    "contacts": "predict contacts of your own RNA from attention maps",
    "models": "list the models that come with the package, and your own",
    "convert": "convert weights of a published model",
}
JOBS = {  # modules of `jobs`
    "evaluate": "score base pairs of files, models and programs",
    "evaluate3d": "score atoms of files and models",
    "held_out": "score how well hidden nucleotides are named, RNA by RNA",
    "pretrain": "pre-train an encoder on a corpus",
    "finetune": "fine-tune an encoder to predict base pairs",
    "tertiary": "train a network from embeddings to atoms",
    "sweep": "run a chain of jobs for each cell of a table",
    "paper": "make the paper's tables: methods on sets, beside its numbers",
    "export": "write a checkpoint of a workdir as a model directory",
    "fit_contacts": "fit contacts to the attention maps of a model",
    "thresholds": "choose thresholds of a model for every rule of decoding",
    "download": "fetch public RNA data",
    "generate": "write a corpus of generated RNA families",
    "prepare_corpus": "make a corpus for pre-training of your files",
    "prepare_pdb": "make tables of RNA chains with base pairs of structures",
    "leakage": "say which test sequences a training set holds",
    "training_sets": "make what trains and validates a folding model",
    "subset": "write some lines of a table of RNA",
    "letters": "make a model that learned nothing, as a baseline",
    "ship": "put a trained model into the package",
    "fit_geometry": "fit the places of atoms in rigid groups to real chains",
}


class Parser(argparse.ArgumentParser):
    """Says a wrong use in two lines: what is wrong, and what the command needs."""

    def error(self, message: str) -> NoReturn:
        usage = argparse.HelpFormatter(self.prog, width=_WIDE)
        needed = [
            one for one in self._actions if one.required or not one.option_strings
        ]
        usage.add_usage(None, needed, [])
        text = f"{usage.format_help().strip()} [OPTION ...]; see {self.prog} --help"
        self.exit(2, f"{self.prog}: {message}\n{text}\n")


def run(arguments: Sequence[str], program: str | None = None) -> int:
    """Runs one command and returns its exit status.

    Args:
      arguments: of the command, its name first.
      program: what messages begin with; None: "ssrlm" and the name.
    """
    name = arguments[0] if arguments else ""
    if name not in OWN | JOBS:
        _end_without_command(arguments)
    if name in JOBS:  # before Orbax is imported, which would choose another form
        logging.basicConfig(level=logging.WARNING, format="%(message)s")
        logging.getLogger("ssrlm_jax").setLevel(logging.INFO)
    parser = Parser(prog=program or f"ssrlm {name}", conflict_handler="resolve")
    parsed = argparse.Namespace()
    try:
        add(name, parser)
        parsed, unknown = parser.parse_known_args(arguments[1:])
        if unknown and "config" not in parsed:
            parser.error(f"unrecognized arguments: {' '.join(unknown)}")
        parsed.overrides = unknown
        status = parsed.run(parsed) or 0
        sys.stdout.flush()  # a full disk is an error of the command
        return status
    except BrokenPipeError:
        raise  # no error of the command
    except (ValueError, OSError, ArithmeticError, ImportError) as error:
        told = _reason(error)
    except (MemoryError, RuntimeError) as error:
        if not reports.is_full(error):
            raise
        told = (str(error).strip().splitlines() or ["memory is full"])[0]
        if "max_length" in parsed:
            told += "; what is written is whole, leave out longer RNA (--max-length N)"
    print(reports.printable(f"{parser.prog}: {told}"), file=sys.stderr)
    return 1


def add(name: str, parser: argparse.ArgumentParser) -> None:
    """Adds the flags of a command, and what runs it, to a parser that resolves."""
    if name in JOBS:
        importlib.import_module(f"ssrlm_jax.jobs.{name}").COMMAND.add(parser)
    else:
        parser.description = OWN[name]
        importlib.import_module(f"ssrlm_jax.cli.{name}").add(parser)


def _end_without_command(arguments: Sequence[str]) -> NoReturn:
    """Shows all commands, or what is wrong where none comes first."""
    groups = [
        "\n".join([title, *(f"  {name:15} {about}" for name, about in group.items())])
        for title, group in (("a model in use:", OWN), ("jobs:", JOBS))
    ]
    parser = Parser(
        prog="ssrlm",
        description="A structure-aware RNA language model.",
        epilog="\n\n".join(groups),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "command",
        choices=OWN | JOBS,
        metavar="COMMAND",
        help="one of these; ssrlm COMMAND --help says more",
    )
    versions = (f"{n} {importlib.metadata.version(n)}" for n in ("ssrlm-jax", "jax"))
    parser.add_argument("--version", action="version", version=", ".join(versions))
    for name in arguments[:1]:
        for near in difflib.get_close_matches(name, [*OWN, *JOBS], n=1):
            parser.error(f"there is no command {name!r}; did you mean {near}?")
    parser.parse_args(arguments)
    parser.error("COMMAND is expected first")


def _reason(error: Exception) -> str:
    """Returns what an error says, without the number that the system gives it."""
    if not isinstance(error, OSError) or not error.strerror:
        return str(error)
    return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
