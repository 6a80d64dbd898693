"""Pre-trains an RNA language model: a corpus in, checkpoints and a model out.

  ssrlm pretrain                                the demo: no data needed
  ssrlm pretrain --config=8m --config.data.corpus=corpora/mine
  ssrlm pretrain --config=8m:masking=sm --dry_run
  ssrlm pretrain --config=8m --config.model=models/rnafm ...

The same command again goes on where an interrupted run stopped.
"""

import argparse
import dataclasses
import functools
import logging
import pathlib

from ssrlm_jax import config, model_dir, types
from ssrlm_jax.data import rows
from ssrlm_jax.jobs import command
from ssrlm_jax.train import workdirs

_log = logging.getLogger("ssrlm_jax")


def pretrain(settings: config.PretrainConfig, flags: argparse.Namespace) -> None:
    """Checks the settings, puts the parts together, trains and exports."""
    workdir = flags.workdir or command.workdir_of(flags.config)
    sizes, loaded = settings.encoder, None
    origin = model_dir.origin(None, trained_until=settings.data.until)
    if settings.model:
        description, loaded = model_dir.load_encoder(pathlib.Path(settings.model))
        sizes = description.architecture
        origin = model_dir.origin(description, trained_until=settings.data.until)
        if 0 < sizes.max_positions < settings.data.row_length:
            raise ValueError(
                f"{settings.model} has learned {sizes.max_positions} positions, too "
                f"few for data.row_length={settings.data.row_length}"
            )
    architecture = {"encoder": dataclasses.asdict(sizes)}
    made_with = workdirs.made_with(settings, architecture)
    workdirs.check(workdir, settings.loop, made_with)
    corpus = _corpus(settings, workdir)
    manifest = rows.open_corpus(corpus, row_length=settings.data.row_length)

    # Not above: these take seconds to import, and a wrong setting should not.
    from ssrlm_jax.data import pretraining_batches
    from ssrlm_jax.models import encoders
    from ssrlm_jax.tasks import pretraining_task
    from ssrlm_jax.train import job, sharding

    size, about = settings.data.rows_per_batch, encoders.num_multiplied(sizes)
    devices = job.connect(settings, size, "data.rows_per_batch", about)
    share = {"process": devices.process, "num_processes": devices.num_processes}
    batches = functools.partial(
        pretraining_batches.batches,
        corpus,
        manifest,
        settings,
        seed=settings.seed,
        **share,
    )
    model = pretraining_task.build_encoder(
        sizes, settings.compute, devices.mesh, manifest.max_segments
    )
    if flags.dry_run:
        task = pretraining_task.Pretrain(model, loaded=loaded)
        print(job.cost(task, next(batches()), settings=settings, devices=devices))
        return
    if line := rows.unmeasured(manifest):
        _log.warning("%s", line)
    held_out = pretraining_batches.validation(corpus, manifest, settings, **share)
    validation = [sharding.spread(batch, devices.mesh) for batch in held_out]
    job.run(
        pretraining_task.Pretrain(model, validation, loaded),
        lambda start: batches(start=start),
        settings=settings,
        devices=devices,
        workdir=workdir,
        made_with=made_with,
        origin=origin,
        finish=_finish,
    )


def _corpus(settings: config.PretrainConfig, workdir: pathlib.Path) -> pathlib.Path:
    """Returns the corpus of a run; a generated one is written into its workdir."""
    if settings.data.corpus:
        return pathlib.Path(settings.data.corpus)
    if not settings.data.is_generated:
        raise ValueError(
            "data.corpus is not set: name a corpus by --config.data.corpus=DIR; "
            f"make one with: {rows.HOW_TO_MAKE}DIR"
        )
    from ssrlm_jax.prepare.corpus import generated_rna  # few runs need it

    generated_rna.write(workdir / "corpus", settings.data, settings.seed)
    return workdir / "corpus"


def _finish(workdir: pathlib.Path, params: types.Params, meta: workdirs.Meta) -> None:
    """Exports the model of a finished run and says what was learned, and what next."""
    from ssrlm_jax.jobs import export
    from ssrlm_jax.tasks import pretraining_task

    model = workdir / "model"
    description = export.write(model, workdir, params, meta, is_replaced=True)
    step = description.made["step"]
    print(
        f"learned (step {step:,}, on held-out rows): "
        f"{pretraining_task.summary(description.scores)}\n"
        f"checkpoint: {workdir / workdirs.CHECKPOINTS / str(step)}\n"
        f"model: {model}\n"
        f"next: ssrlm info {model}\n"
        "      or train on your own RNA: ssrlm prepare_corpus --help"
    )


COMMAND = command.Command(
    function=pretrain,
    about=__doc__,
    kind=config.PretrainConfig,
    default="demo",
    flags=command.TRAINING_FLAGS,
)
