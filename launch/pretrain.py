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
import pathlib

import command

from ssrlm_jax import config, model_dir
from ssrlm_jax.data import rows
from ssrlm_jax.prepare import families
from ssrlm_jax.train import workdir as workdirs


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
    meta = {
        "architecture": {"encoder": dataclasses.asdict(sizes)},
        "config": dataclasses.asdict(settings),
        "origin": origin,
    }
    workdirs.check(workdir, settings.loop, meta["architecture"])
    corpus = families.find_corpus(settings, workdir)
    manifest = rows.open_corpus(corpus, row_length=settings.data.row_length)

    # Not above: these take seconds to import, and a wrong setting should not.
    import jax

    from ssrlm_jax.cli import directories
    from ssrlm_jax.data import pretraining
    from ssrlm_jax.tasks import pretrain as tasks
    from ssrlm_jax.train import hardware, loop, optimizer, plan, sharding

    hardware.keep_compiled(settings.loop.compilation_cache)
    sharding.initialize(settings.distributed)
    mesh = sharding.make_mesh(settings.mesh)
    sharding.check_batch(
        settings.data.rows_per_batch, settings.loop.micro_batches, mesh
    )
    process, num_processes = sharding.share(mesh)
    share = {"process": process, "num_processes": num_processes}
    batches = functools.partial(
        pretraining.batches, corpus, settings, seed=settings.seed, **share
    )
    model = tasks.build_encoder(sizes, settings.compute, mesh, manifest.max_segments)
    adamw = optimizer.build(settings.optimizer, settings.loop.num_steps)
    how = {"config": settings.loop, "mesh": mesh}
    if flags.dry_run:
        batch = next(batches())
        task = tasks.Pretrain(model, loaded=loaded)
        print(plan.make(task, adamw, batch, num_shares=num_processes, **how))
        return
    held_out = pretraining.validation(corpus, settings, **share)
    validation = [sharding.spread(batch, mesh) for batch in held_out]
    task = tasks.Pretrain(model, validation, loaded)
    state = loop.run(
        task,
        lambda start: batches(start=start),
        adamw,
        seed=settings.seed,
        workdir=workdir,
        meta=meta,
        **how,
    )
    if jax.process_index() == 0 and state.step == settings.loop.num_steps:
        directories.finish_pretraining(workdir)


if __name__ == "__main__":
    command.run(
        pretrain,
        about=__doc__,
        kind=config.PretrainConfig,
        default="configs/demo.py",
        flags=command.TRAINING_FLAGS,
    )
