"""Writes a checkpoint of a workdir as a model directory.

  ssrlm export runs/8m models/8m
  ssrlm export runs/8m models/8m --step 4000 --dtype float16

Of a run that kept its best checkpoint, that one, else the newest.
"""

import argparse
import pathlib

from ssrlm_jax import config, model_dir, types
from ssrlm_jax.jobs import command
from ssrlm_jax.rna import alphabet, trained_sequences
from ssrlm_jax.train import workdirs


def export(parsed: argparse.Namespace) -> None:
    """Writes the model and says of which step it is."""
    from ssrlm_jax.train import checkpoint  # Orbax: seconds

    workdir, out = parsed.workdir, parsed.out
    model_dir.check_free(out)
    params, meta = checkpoint.restore_parameters(workdir, parsed.step)
    if parsed.step is None and meta["best"]:
        params, meta = checkpoint.restore_parameters(workdir, meta["best"]["step"])
    description = write(out, workdir, params, meta, dtype=parsed.dtype)
    print(f"wrote {out} from step {description.made['step']}")


def write(
    out: pathlib.Path,
    workdir: pathlib.Path,
    params: types.Params,
    meta: workdirs.Meta,
    *,
    is_replaced: bool = False,
    dtype: str = "float32",
) -> model_dir.Description:
    """Writes what a run has learned as a model directory.

    A head for pairs brings the threshold that was chosen with it.

    Args:
      out: the model directory.
      workdir: of the run.
      params: of a checkpoint, as `checkpoint.restore_parameters` returns them.
      meta: of the same checkpoint.
      is_replaced: whether an earlier model at `out` gives way.
      dtype: of the file; see `model_dir.save`.

    Raises:
      ValueError: `out` is taken.
    """
    architecture = meta["architecture"]
    scores = _scores(workdir, meta["batches"])
    head = folding = None
    if "head" in architecture:
        head = config.frozen(config.HeadConfig, architecture["head"])
    if "folding" in architecture:
        folding = config.frozen(config.FoldingConfig, architecture["folding"])
        encoder = pathlib.Path(meta["config"]["model"])
        params = params | {"encoder": model_dir.load_encoder(encoder)[1]}
    description = model_dir.Description(
        architecture=config.frozen(config.EncoderConfig, architecture["encoder"]),
        letters=alphabet.LETTERS,
        made={"step": meta["batches"]}
        | meta.get("origin", {})
        | {name: meta[name] for name in ("date", "config", "versions") if name in meta},
        scores=scores,
        threshold=scores.get("threshold") if head else None,
        head=head,
        folding=folding,
        trained_length=_trained_length(meta["config"]),
    )
    model_dir.save(
        out,
        description,
        params,
        is_replaced=is_replaced,
        dtype=dtype,
        others=_others(workdir, head),
    )
    return description


def _trained_length(settings: types.Json) -> int:
    """Returns the nucleotides of the longest RNA that the settings of a run let in."""
    data = settings["data"]
    if "crop" in data:
        return min(data["crop"], data["max_length"])
    if "max_length" in data:
        return data["max_length"]
    return data["row_length"] - 2  # <cls> and <eos>


def _others(
    workdir: pathlib.Path, head: "config.HeadConfig | None"
) -> list[pathlib.Path]:
    """Returns what goes along with the weights.

    Hashes of what trained, and known structures that a head reads.
    """
    others = [workdir / trained_sequences.FILE]
    if head is not None and config.RELATIVES in head.energies:
        from ssrlm_jax.external import relatives  # few heads read them

        others.append(workdir / relatives.FILE)
    return [path for path in others if path.exists()]


def _scores(workdir: pathlib.Path, step: int) -> dict[str, float]:
    """Returns the validation scores at `step`, if it was evaluated."""
    return {
        name.removeprefix("validation/"): value
        for line in workdirs.read_metrics(workdir)
        if line["step"] == step
        for name, value in line.items()
        if name.startswith("validation/")
    }


COMMAND = command.Command(
    function=export,
    about=__doc__,
    flags={
        "workdir": {"type": pathlib.Path, "metavar": "WORKDIR"},
        "out": {"type": pathlib.Path, "metavar": "OUT"},
        "--step": {
            "type": int,
            "help": "of the checkpoint (default: best kept, else newest)",
        },
        "--dtype": {
            "choices": model_dir.DTYPES,
            "default": "float32",
            "help": "of the file; float16 takes half the room, and rounds "
            "(default: float32)",
        },
    },
)
