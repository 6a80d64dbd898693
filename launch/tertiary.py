r"""Trains a network from frozen embeddings to atoms: structures in, a 3-D model out.

  python launch/tertiary.py --config=configs/tertiary.py \
      --config.model=models/650m --config.data.structures=pdb/ \
      --config.data.away_from=rna_puzzles/ --workdir=runs/tertiary
  python launch/tertiary.py --config=configs/tertiary.py:tiny ... --dry_run

The same command again goes on where an interrupted run stopped. The model of the
checkpoint with the best validation lDDT ends up in WORKDIR/model, with the encoder.
"""

import argparse
import dataclasses
import functools
import logging
import pathlib
from typing import Any

import command
import numpy as np

from ssrlm_jax import config, model_dir
from ssrlm_jax.data import embeddings
from ssrlm_jax.data import tertiary as data
from ssrlm_jax.external import mmseqs
from ssrlm_jax.train import workdir as workdirs

_log = logging.getLogger("ssrlm_jax")


def train(settings: config.TertiaryConfig, flags: argparse.Namespace) -> None:
    """Checks the settings, puts the parts together, trains and exports."""
    workdir = flags.workdir or command.workdir_of(flags.config)
    for name in ("model", "data.structures"):
        if not (settings.model if name == "model" else settings.data.structures):
            raise ValueError(f"config.{name} is empty: see --help for a full command")
    description = model_dir.describe(pathlib.Path(settings.model))
    architecture = {
        "encoder": dataclasses.asdict(description.architecture),
        "folding": dataclasses.asdict(settings.folding),
    }
    workdirs.check(workdir, settings.loop, architecture)
    training, validating = _chains(settings)

    # Not above: these take seconds to import, and a wrong setting should not.
    import jax

    from ssrlm_jax.cli import directories
    from ssrlm_jax.tasks import tertiary as tasks
    from ssrlm_jax.train import hardware, loop, optimizer, plan, sharding

    hardware.keep_compiled(settings.loop.compilation_cache)
    sharding.initialize(settings.distributed)
    mesh = sharding.make_mesh(settings.mesh)
    size = settings.data.batch_size
    sharding.check_batch(size, settings.loop.micro_batches, mesh, "data.batch_size")
    process, num_processes = sharding.share(mesh)
    crops, validation = _embedded(settings, training, validating)
    _log.info("training: %s", crops)
    _log.info("validation: %s", validation)
    task = tasks.Tertiary(
        settings.folding,
        settings.loss,
        description.architecture.width,
        dtype=settings.compute.dtype,
        validation=validation.whole,
        chains=validation.structures,
    )
    num_steps = settings.loop.num_steps
    adamw = optimizer.build(settings.optimizer, num_steps)
    how: dict[str, Any] = {"config": settings.loop, "mesh": mesh}
    if flags.dry_run:
        how["notes"] = ("counted for a batch of the longest chains; most are cheaper",)
        longest = crops.longest(size // num_processes)
        print(plan.make(task, adamw, longest, num_shares=num_processes, **how))
        return
    state = loop.run(
        task,
        functools.partial(
            crops.batches, settings.seed, process, num_processes, settings.loss
        ),
        adamw,
        seed=settings.seed,
        workdir=workdir,
        meta={
            "architecture": architecture,
            "config": dataclasses.asdict(settings),
            "origin": model_dir.origin(description)
            | {"data_until": max((s.date for s in training), default="")},
        },
        **how,
    )
    if jax.process_index() == 0 and state.step == num_steps:
        directories.finish_tertiary(workdir)


def _chains(
    settings: config.TertiaryConfig,
) -> tuple[list[data.Structure], list[data.Structure]]:
    """Returns chains for training and for validation, by whole clusters."""
    chosen = settings.data
    found = data.read(chosen.structures, chosen)
    limits = dataclasses.replace(chosen, max_resolution=np.inf, min_seen=0.0)
    apart = []
    if chosen.away_from:
        apart += data.read(chosen.away_from, limits)
    if chosen.validation:
        held = data.read(chosen.validation, chosen)
        apart += held
    cluster_N = _clusters([*found, *apart], chosen)
    is_near_N = np.isin(cluster_N[: len(found)], cluster_N[len(found) :])
    if is_near_N.any():
        _log.info("%d chains are in a cluster of what is tested", is_near_N.sum())
    kept = [s for s, is_near in zip(found, is_near_N, strict=True) if not is_near]
    if not kept:
        raise ValueError("no chain is left to train on: all are near what is tested")
    if chosen.validation:
        return kept, held
    parts = data.split(_clusters(kept, chosen), chosen.validation_share, settings.seed)
    training, validating = ([kept[n] for n in part] for part in parts)
    return training, validating


def _clusters(
    structures: list[data.Structure], settings: config.StructuresConfig
) -> np.ndarray:
    """Returns the number of the cluster of each chain; equal letters are in one."""
    letters = [structure.letters for structure in structures]
    unique = list(dict.fromkeys(letters))
    place = {text: number for number, text in enumerate(unique)}
    cluster_N = np.arange(len(unique))
    if settings.identity < 1:
        how = mmseqs.Settings(settings.identity, coverage=0.8, coverage_mode=1)
        cluster_N = mmseqs.cluster(unique, how)
    return cluster_N[[place[text] for text in letters]]


def _embedded(
    settings: config.TertiaryConfig,
    training: list[data.Structure],
    validating: list[data.Structure],
) -> tuple[data.Crops, data.Crops]:
    """Returns both with embeddings, which are computed once."""
    model = pathlib.Path(settings.model)
    store = pathlib.Path(settings.embeddings) if settings.embeddings else None

    def embed(sequences: list[str]) -> list[np.ndarray]:
        from ssrlm_jax.infer import predictor

        return predictor.load(model).embed(sequences, pool="none")

    found = embeddings.of(
        [structure.letters for structure in (*training, *validating)],
        embeddings.hash_of(model / model_dir.WEIGHTS_FILE),
        embed,
        store,
    )
    first = len(training)
    return (
        data.Crops(
            training, found[:first], _clusters(training, settings.data), settings.data
        ),
        data.Crops(
            validating, found[first:], np.arange(len(validating)), settings.data
        ),
    )


if __name__ == "__main__":
    command.run(
        train,
        about=__doc__,
        kind=config.TertiaryConfig,
        default="configs/tertiary.py",
        flags=command.TRAINING_FLAGS,
    )
