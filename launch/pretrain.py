"""Pre-trains an RNA language model: a corpus in, checkpoints and a model out.

  python launch/pretrain.py                                the demo: no data needed
  python launch/pretrain.py --config=configs/8m.py --config.data.corpus=corpora/mine
  python launch/pretrain.py --config=configs/8m.py:masking=sm --dry_run
  python launch/pretrain.py --config=configs/8m.py --config.model=models/rnafm ...

The same command again goes on where an interrupted run stopped.
"""

import argparse
import dataclasses
import functools
import logging
import pathlib

import command

from ssrlm_jax import config, model_dir
from ssrlm_jax.data import rows
from ssrlm_jax.prepare import families
from ssrlm_jax.train import workdir as workdirs

_log = logging.getLogger("ssrlm_jax")


def pretrain(settings: config.PretrainConfig, flags: argparse.Namespace) -> None:
    """Checks the settings, puts the parts together, trains and exports."""
    workdir = flags.workdir or command.workdir_of(flags.config)
    sizes, loaded, origin = settings.encoder, None, {}
    if settings.model:
        description, loaded = model_dir.load_encoder(pathlib.Path(settings.model))
        sizes, origin = description.architecture, model_dir.origin(description)
        if 0 < sizes.max_positions < settings.data.row_length:
            raise ValueError(
                f"{settings.model} has learned {sizes.max_positions} positions, too "
                f"few for data.row_length={settings.data.row_length}"
            )
    architecture = {"encoder": dataclasses.asdict(sizes)}
    made_with = workdirs.made_with(settings, architecture)
    workdirs.check(workdir, settings.loop, made_with)
    corpus = families.find_corpus(settings, workdir)
    manifest = rows.open_corpus(corpus, row_length=settings.data.row_length)

    # Not above: these take seconds to import, and a wrong setting should not.
    from ssrlm_jax.cli import directories
    from ssrlm_jax.data import pretraining
    from ssrlm_jax.tasks import pretrain as tasks
    from ssrlm_jax.train import job, sharding

    place = job.place(settings, settings.data.rows_per_batch, "data.rows_per_batch")
    share = {"process": place.process, "num_processes": place.num_processes}
    batches = functools.partial(
        pretraining.batches, corpus, settings, seed=settings.seed, **share
    )
    model = tasks.build_encoder(
        sizes, settings.compute, place.mesh, manifest.max_segments
    )
    if flags.dry_run:
        task = tasks.Pretrain(model, loaded=loaded)
        print(job.cost(task, next(batches()), settings=settings, place=place))
        return
    if line := rows.unmeasured(manifest):
        _log.warning("%s", line)
    held_out = pretraining.validation(corpus, settings, **share)
    validation = [sharding.spread(batch, place.mesh) for batch in held_out]
    job.run(
        tasks.Pretrain(model, validation, loaded),
        lambda start: batches(start=start),
        settings=settings,
        place=place,
        workdir=workdir,
        hold=command.hold(workdir),
        architecture=architecture,
        origin=origin,
        finish=directories.finish_pretraining,
    )


if __name__ == "__main__":
    command.run(
        pretrain,
        about=__doc__,
        kind=config.PretrainConfig,
        default="configs/demo.py",
        flags=command.TRAINING_FLAGS,
    )
