"""Pre-trains an RNA language model: a corpus in, checkpoints and a model out.

  python launch/pretrain.py                                the demo: no data needed
  python launch/pretrain.py --config=configs/8m.py --config.data.corpus=corpora/mine
  python launch/pretrain.py --config=configs/8m.py:masking=sm --dry_run

The same command again goes on where an interrupted run stopped.
"""

import argparse
import dataclasses
import functools
import pathlib

import command

from ssrlm_jax import config
from ssrlm_jax.data import rows
from ssrlm_jax.train import workdir as workdirs


def pretrain(settings: config.PretrainConfig, flags: argparse.Namespace) -> None:
    """Checks the settings, puts the parts together, trains and exports."""
    workdir = flags.workdir or pathlib.Path("runs") / command.name_of(flags.config)
    architecture = {"encoder": dataclasses.asdict(settings.encoder)}
    workdirs.check(workdir, settings.loop, architecture)
    corpus = settings.data.corpus
    if settings.data.is_generated:
        from ssrlm_jax.prepare import families

        corpus = workdir / "corpus"
        families.write(corpus, settings.data, settings.seed)
    manifest = rows.open_corpus(corpus, row_length=settings.data.row_length)

    # Only now what takes seconds to import: a wrong setting should not.
    import jax

    from ssrlm_jax import cli
    from ssrlm_jax.data import pretraining
    from ssrlm_jax.tasks import pretrain as tasks
    from ssrlm_jax.train import hardware, loop, optimizer, plan, sharding

    hardware.keep_compiled(settings.loop.compilation_cache)
    sharding.initialize(settings.distributed)
    mesh = sharding.make_mesh(settings.mesh)
    sharding.check_batch(
        settings.data.rows_per_batch, settings.loop.micro_batches, mesh
    )
    process, num_shares = sharding.share(mesh)
    read = {"process": process, "num_processes": num_shares}
    model, choice = tasks.build_encoder(settings, mesh, manifest.max_segments)
    note = f"attention: {choice.name} ({choice.reason})"
    adamw = optimizer.build(settings.optimizer, settings.loop.num_steps)
    batches = functools.partial(
        pretraining.batches, corpus, settings, seed=settings.seed, **read
    )
    if flags.dry_run:
        batch = next(batches())
        print(
            plan.make(
                tasks.Pretrain(model),
                adamw,
                batch,
                config=settings.loop,
                mesh=mesh,
                num_shares=num_shares,
                notes=(note,),
            )
        )
        return
    held_out = pretraining.validation(corpus, settings, **read)
    task = tasks.Pretrain(model, [sharding.spread(batch, mesh) for batch in held_out])
    state = loop.run(
        task,
        lambda start: batches(start=start),
        adamw,
        config=settings.loop,
        mesh=mesh,
        seed=settings.seed,
        workdir=workdir,
        meta={"architecture": architecture, "config": dataclasses.asdict(settings)},
    )
    if jax.process_index() == 0 and int(state.step) == settings.loop.num_steps:
        cli.finish_pretraining(workdir)


if __name__ == "__main__":
    command.run(
        pretrain,
        about=__doc__,
        kind=config.PretrainConfig,
        default="configs/demo.py",
        flags={
            "--workdir": {
                "type": pathlib.Path,
                "help": "for checkpoints, metrics, the model (default: runs/NAME)",
            },
            "--dry_run": {
                "action": "store_true",
                "help": "say what the run would cost, without training",
            },
        },
    )
