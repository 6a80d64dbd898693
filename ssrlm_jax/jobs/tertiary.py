r"""Trains a network from frozen embeddings to atoms: structures in, a 3-D model out.

  ssrlm tertiary --config=tertiary \
      --config.model=models/650m --config.data.structures=pdb/ \
      --config.data.away_from=rna_puzzles/ --workdir=runs/tertiary
  ssrlm tertiary --config=tertiary:tiny ... --dry_run

The same command again goes on where an interrupted run stopped. The model of the
checkpoint with the best validation lDDT ends up in WORKDIR/model, with the encoder;
which chains trained and validated it is in WORKDIR/training.tsv and validation.tsv.
"""

import argparse
import dataclasses
import functools
import logging
import pathlib

import numpy as np

from ssrlm_jax import config, model_dir, types
from ssrlm_jax.data import embeddings, tertiary_crops
from ssrlm_jax.jobs import command
from ssrlm_jax.prepare.sets import structure_sets
from ssrlm_jax.rna import record_tables
from ssrlm_jax.train import workdirs

_log = logging.getLogger("ssrlm_jax")


def train(settings: config.TertiaryConfig, flags: argparse.Namespace) -> None:
    """Checks the settings, puts the parts together, trains and exports."""
    workdir = flags.workdir or command.workdir_of(flags.config)
    if not (settings.model and settings.data.structures):
        missing = "data.structures" if settings.model else "model"
        raise ValueError(f"config.{missing} is empty: see --help for a full command")
    description = model_dir.describe(pathlib.Path(settings.model))
    architecture = {
        "encoder": dataclasses.asdict(description.architecture),
        "folding": dataclasses.asdict(settings.folding),
    }
    made_with = workdirs.made_with(settings, architecture)
    workdirs.check(workdir, settings.loop, made_with)
    training, validating = structure_sets.divide(settings.data, settings.seed)

    # Not above: these take seconds to import, and a wrong setting should not.
    from ssrlm_jax.tasks import tertiary_task
    from ssrlm_jax.train import job

    size = settings.data.batch_size
    devices = job.connect(settings, size, "data.batch_size")
    crops, validation = _embedded(settings, training, validating)
    _log.info("training: %s", crops)
    _log.info("validation: %s", validation)
    task = tertiary_task.Tertiary(
        settings.folding,
        settings.loss,
        description.architecture.width,
        dtype=settings.compute.dtype,
        validation=validation.whole,
        chains=validation.structures,
    )
    if flags.dry_run:
        notes = ("counted for a batch of the longest chains; most are cheaper",)
        longest = crops.longest(size // devices.num_processes)
        print(job.cost(task, longest, settings=settings, devices=devices, notes=notes))
        return
    _, process, num_processes = devices
    dates = {structure.date for structure in (*training, *validating)}
    until = max(dates) if all(dates) else ""  # not known of all
    job.run(
        task,
        functools.partial(
            crops.batches, settings.seed, process, num_processes, settings.loss
        ),
        settings=settings,
        devices=devices,
        workdir=workdir,
        made_with=made_with,
        origin=model_dir.origin(description, trained_until=until),
        finish=_finish,
        prepare=functools.partial(_write, workdir, training, validating),
    )


def _embedded(
    settings: config.TertiaryConfig,
    training: list[tertiary_crops.Structure],
    validating: list[tertiary_crops.Structure],
) -> tuple[tertiary_crops.Crops, tertiary_crops.Crops]:
    """Returns both with embeddings, which are computed once."""
    model = pathlib.Path(settings.model)
    store = pathlib.Path(settings.embeddings) if settings.embeddings else None

    def embed(sequences: list[str]) -> list[np.ndarray]:
        from ssrlm_jax.infer import loading

        return loading.load(model).embed(sequences, pool="none")

    found = embeddings.of(
        [structure.letters for structure in (*training, *validating)],
        embeddings.hash_of(model / model_dir.WEIGHTS_FILE),
        embed,
        store,
    )
    num_training = len(training)
    cluster_N = structure_sets.clusters(training, settings.data)
    each_N = np.arange(len(validating))  # none stands for another
    return (
        tertiary_crops.Crops(training, found[:num_training], cluster_N, settings.data),
        tertiary_crops.Crops(validating, found[num_training:], each_N, settings.data),
    )


def _write(
    workdir: pathlib.Path,
    training: list[tertiary_crops.Structure],
    validating: list[tertiary_crops.Structure],
) -> None:
    """Writes which chains train and validate."""
    for name, chains in (("training", training), ("validation", validating)):
        path = workdir / f"{name}.tsv"
        record_tables.write_table(path, map(tertiary_crops.record, chains))


def _finish(workdir: pathlib.Path, params: types.Params, meta: workdirs.Meta) -> None:
    """Exports the best model of a finished run and says how good it is."""
    from ssrlm_jax.jobs import export

    model = workdir / "model"
    description = export.write(model, workdir, params, meta, is_replaced=True)
    scores = description.scores
    print(
        f"best on validation, at step {description.made['step']:,}: lDDT "
        f"{scores['lddt']:.3f} (all atoms, pooled), {scores['lddt_c1']:.3f} (C1', mean "
        f"over nucleotides), RMSD {scores['rmsd']:.1f} angstrom; means over chains\n"
        f"model: {model}\n"
        f"next: ssrlm fold3d my.fa -m {model}"
    )


COMMAND = command.Command(
    function=train,
    about=__doc__,
    kind=config.TertiaryConfig,
    default="tertiary",
    flags=command.TRAINING_FLAGS,
)
