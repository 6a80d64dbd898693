"""The commands that a sweep can run: what they read, where they write, when they end.

A new command is one entry of `KINDS`.
"""

import dataclasses
import importlib.metadata
from collections.abc import Mapping

# Settings that decide nothing of a result: how it is told, kept and computed, what is
# told of the data.
IDLE = (
    *("loop.log_every", "loop.keep_latest", "loop.keep_every", "loop.profile_"),
    *("loop.compilation_cache", "loop.tensorboard", "loop.wandb_project"),
    *("loop.save_every", "data.num_workers", "data.num_threads", "data.until"),
    *("mesh.", "distributed.", "energies"),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Kind:
    """A command.

    Attributes:
      output: where it is told to write: name of a flag, "--out", or of a setting,
        "model", whose directory is copied first, as the command writes into it.
      result: exists when all is written, below the job's directory.
      outputs: what later steps read, below the job's directory.
      inputs: settings and flags that name files, or several, separated by commas.
      goes_on: it goes on where it was stopped; else what it left is removed.
      flags: it is always given.
      packages: beside those of training, whose versions decide the result.
      seconds: that it takes beside training, roughly, before one has been run.
    """

    output: str
    result: str
    outputs: Mapping[str, str]
    inputs: tuple[str, ...]
    goes_on: bool = False
    flags: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    seconds: float = 30.0


_LABELLED = tuple(
    f"data.{name}" for name in ("train", "validation", "table", "families", "leave_out")
)
_FOLDING = ("ViennaRNA", "pyopal")
KINDS: dict[str, Kind] = {
    "generate": Kind(
        output="--out",
        result="corpus/manifest.json",
        outputs={"corpus": "corpus"},
        inputs=(),
        seconds=5.0,
    ),
    "pretrain": Kind(
        output="--workdir",
        result="run/model/model.json",
        outputs={"model": "run/model"},
        inputs=("data.corpus", "model"),
        goes_on=True,
    ),
    "finetune": Kind(
        output="--workdir",
        result="run/model/model.json",
        outputs={
            "model": "run/model",
            "training": "run/training.tsv",
            "test": "run/test.tsv",  # of the fold that is left out
        },
        inputs=("model", "relatives", *_LABELLED),
        goes_on=True,
        packages=_FOLDING,
    ),
    "held_out": Kind(
        output="--out",
        result="scores/scores.json",
        outputs={"scores": "scores"},
        inputs=("model", "corpus"),
        seconds=20.0,
    ),
    "fit_contacts": Kind(
        output="model",
        result="model/contacts.json",
        outputs={"model": "model", "scores": "model"},
        inputs=("model", "table", "train", "validation", "test"),
        flags=("--force",),
        packages=("scikit-learn",),
        seconds=120.0,
    ),
    "thresholds": Kind(
        output="model",
        result="model/decodings.json",
        outputs={"model": "model"},
        inputs=("model", "validation"),
        flags=("--force",),
        packages=_FOLDING,
        seconds=180.0,
    ),
    "evaluate": Kind(
        output="--out",
        result="scores/scores.json",
        outputs={"scores": "scores"},
        inputs=("model", "truth", "train", "predictions"),
        packages=_FOLDING,
        seconds=90.0,
    ),
    "training_sets": Kind(
        output="--out",
        result="sets/counts.json",
        outputs={
            "folder": "sets",
            **{n: f"sets/{n}.tsv" for n in ("train", "held_out", "validation")},
        },
        inputs=("labelled", "tests", "validation", "families", "consensus"),
    ),
    "prepare_corpus": Kind(
        output="--out",
        result="corpus/manifest.json",
        outputs={"corpus": "corpus"},
        inputs=("ncrna", "other", "leave_out", "families"),
        goes_on=True,
        packages=("ViennaRNA",),
    ),
    "subset": Kind(
        output="--out",
        result="subset/table.tsv",
        outputs={"table": "subset/table.tsv"},
        inputs=("table",),
        seconds=2.0,
    ),
}
TRAINING = ("pretrain", "finetune")


def place_of(kind: Kind) -> str:
    """Returns the first part of the result: what the command is told to write."""
    return kind.result.split("/", 1)[0]


def is_idle(setting: str) -> bool:
    """Says whether a setting decides nothing of what comes out."""
    return setting.startswith(IDLE)


def versions(command: str) -> dict[str, str]:
    """Returns the versions of what decides the numbers of a command."""
    from ssrlm_jax.train import loop  # JAX: seconds

    others = {
        name: importlib.metadata.version(name) for name in KINDS[command].packages
    }
    return loop.versions() | others
