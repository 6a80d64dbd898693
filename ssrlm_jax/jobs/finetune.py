r"""Fine-tunes an encoder to predict base pairs: labelled RNA in, a folding model out.

  ssrlm finetune --config=secondary/bprna \
      --config.model=models/8m --config.data.train=TR0.tsv \
      --config.data.validation=VL0.tsv --workdir=runs/bprna
  ssrlm finetune --config=secondary/bprna:head=rnafm ... --dry_run

The same command again goes on where an interrupted run stopped. The model of the
checkpoint with the best validation F1 ends up in WORKDIR/model.
"""

import argparse
import dataclasses
import functools
import logging
import pathlib
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ssrlm_jax import config, model_dir, types
from ssrlm_jax.data import labelled_records, secondary_batches
from ssrlm_jax.infer import catalogue, seen_sequences
from ssrlm_jax.jobs import command
from ssrlm_jax.rna import formats, record_tables, trained_sequences
from ssrlm_jax.train import workdirs

if TYPE_CHECKING:
    from ssrlm_jax.external import energies, relatives

_EVERY = 20.0  # seconds between lines of how far it is

_log = logging.getLogger("ssrlm_jax")


def finetune(settings: config.FinetuneConfig, flags: argparse.Namespace) -> None:
    """Checks the settings, puts the parts together, trains and exports."""
    workdir = flags.workdir or command.workdir_of(flags.config)
    sizes, loaded, origin = _start(settings)
    architecture = {
        "encoder": dataclasses.asdict(sizes),
        "head": settings.head.described(),
    }
    split = labelled_records.split(settings.data, settings.seed)
    memory, energy = _energy(settings, split)
    training_energy = energy and dataclasses.replace(energy, unseen=settings.unseen)
    train = secondary_batches.into_buckets(split.train, settings.data, training_energy)
    validation = secondary_batches.into_buckets(split.validation, settings.data, energy)
    settings = settings.in_steps(train.batches_per_epoch)
    made_with = workdirs.made_with(settings, architecture)
    workdirs.check(workdir, settings.loop, made_with)
    longest = max(*train.lengths, *validation.lengths)
    _check_length(longest, settings, sizes.max_positions, energy)
    _log.info("training: %s", train)
    _log.info("validation: %s", validation)

    # Not above: these take seconds to import, and a wrong setting should not.
    from ssrlm_jax.models import encoders, heads
    from ssrlm_jax.tasks import pretraining_task, secondary_task
    from ssrlm_jax.train import job

    size, compute = settings.data.batch_size, settings.compute
    about = encoders.num_multiplied(sizes)
    devices = job.connect(settings, size, "data.batch_size", about)
    task = secondary_task.Secondary(
        pretraining_task.build_encoder(sizes, compute, devices.mesh, max_segments=1),
        heads.build(settings.head, compute.dtype, settings.is_head_rematerialised),
        is_encoder_learned=settings.encoder_rate > 0,
        loaded=loaded,
        validation=validation.ordered,
        records=split.validation,
    )
    rates = {f"^{secondary_task.ENCODER}/": settings.encoder_rate}
    how: dict[str, Any] = {"settings": settings, "devices": devices, "rates": rates}
    _, process, num_processes = devices
    if flags.dry_run:
        notes = ("counted for a batch of the longest RNAs; most are cheaper",)
        print(job.cost(task, train.longest(size // num_processes), notes=notes, **how))
        return
    if energy is not None and training_energy is not None:
        origin = origin | {"energies": energy.describe()}
        _compute(training_energy, split.train[process::num_processes])
        _compute(energy, split.validation[process::num_processes])
    job.run(
        task,
        functools.partial(train.batches, settings.seed, process, num_processes),
        workdir=workdir,
        made_with=made_with,
        origin=origin,
        finish=_finish,
        prepare=functools.partial(_write, workdir, split, memory, settings.model),
        **how,
    )


def _check_length(
    longest: int,
    settings: config.FinetuneConfig,
    max_positions: int,
    energy: "energies.Energies | None",
) -> None:
    """Raises a ValueError if encoder or energies do not take so many nucleotides."""
    if 0 < max_positions < longest + 2:  # <cls> and <eos>
        raise ValueError(
            f"{settings.model} has learned {max_positions} positions, too few "
            f"for {longest} nt; set data.max_length={max_positions - 2}"
        )
    if energy and energy.max_length and longest > energy.max_length:
        raise ValueError(
            f"head.energy={settings.head.energy!r} takes up to {energy.max_length:,} "
            f"nucleotides, {longest:,} were found; set data.max_length"
        )


def _energy(
    settings: config.FinetuneConfig, split: labelled_records.Split
) -> "tuple[relatives.Memory | None, energies.Energies | None]":
    """Returns known structures and energies that a head reads; None: it does not."""
    if not settings.head.energies:
        return None, None
    from ssrlm_jax.external import energies  # the paper's heads read none

    memory = None
    if config.RELATIVES in settings.head.energies:
        memory = _memory(settings, split)
    return memory, energies.build(settings.head, settings.energies, memory)


def _memory(
    settings: config.FinetuneConfig, split: labelled_records.Split
) -> "relatives.Memory":
    """Returns the known structures that a head reads of.

    What equals a record of data.leave_out or of validation is not among them.
    """
    from ssrlm_jax.external import relatives

    records = split.train
    if settings.relatives:
        named = dataclasses.replace(
            settings.data,
            table="",
            train=settings.relatives,
            validation=settings.relatives,
            max_length=sys.maxsize,
        )
        records = labelled_records.split(named, settings.seed).train
    unseen = {labelled_records.letters_of(one) for one in split.validation}
    memory = relatives.remember(
        one for one in records if labelled_records.letters_of(one) not in unseen
    )
    if not settings.relatives and settings.model != config.RANDOM:
        memory = relatives.joined(_known_before(settings, unseen), memory)
    _log.info("relatives are looked for in %d known structures", len(memory.names))
    return memory


def _known_before(
    settings: config.FinetuneConfig, unseen: set[bytes]
) -> "relatives.Memory":
    """Returns the known structures of the model that training starts from.

    Args:
      settings: name the model.
      unseen: letters of records that validate, which are not to be among them.
    """
    from ssrlm_jax.external import relatives

    path = catalogue.find(settings.model) / relatives.FILE
    if not path.exists():
        return relatives.remember(())
    memory = relatives.read(path)
    kept = relatives.without(memory, unseen | labelled_records.left_out(settings.data))
    _log.info(
        "relatives: %d known structures come from %s; config.relatives names others",
        len(kept.names),
        settings.model,
    )
    return kept


def _write(
    workdir: pathlib.Path,
    split: labelled_records.Split,
    memory: "relatives.Memory | None",
    begun_with: str,
) -> None:
    """Writes what trains, what is left for the test, and what a head reads of."""
    before = frozenset[str]()
    if begun_with != config.RANDOM:
        before = seen_sequences.hashes(catalogue.find(begun_with))
    trained_sequences.write(
        workdir / trained_sequences.FILE,
        (record.sequence for record in split.train),
        before,
    )
    if memory is not None:
        from ssrlm_jax.external import relatives

        relatives.write(workdir / relatives.FILE, memory)
    record_tables.write_table(workdir / "training.tsv", split.train)
    if split.test:
        record_tables.write_table(workdir / "test.tsv", split.test)


def _compute(energy: "energies.Energies", records: Sequence[formats.Record]) -> None:
    """Computes and keeps the energies of records, and says how far it is."""
    if not energy.folder:
        return  # computed where they are needed, in each epoch
    start = said = time.perf_counter()

    def report(num_done: int, num_all: int) -> None:
        nonlocal said
        now = time.perf_counter()
        if now - said > _EVERY or num_done == num_all:
            said = now
            text = f"energies: {num_done:,} of {num_all:,} RNAs in {now - start:.0f} s"
            _log.info("%s", text)

    energy.fill([record.sequence for record in records], report)


def _start(
    settings: config.FinetuneConfig,
) -> tuple[config.EncoderConfig, types.Params, types.Json]:
    """Returns the encoder's sizes, the weights to start from and their origin."""
    if settings.model == config.RANDOM:
        new = model_dir.origin(None, trained_until=settings.data.until)
        return settings.encoder, {}, new
    if not settings.model:
        raise ValueError(
            "config.model is empty: name the directory of a pre-trained model (or "
            "'random', to train an encoder of config.encoder from scratch)"
        )
    model = catalogue.find(settings.model)
    description = model_dir.describe(model)
    origin = model_dir.origin(description, trained_until=settings.data.until)
    if description.head is None:
        params = {"encoder": model_dir.load_encoder(model)[1]}
    else:
        params = model_dir.load(model)[1]
    head, wanted = description.head, settings.head
    if head and dataclasses.replace(head, dropout=wanted.dropout) != wanted:
        raise ValueError(
            f"{settings.model} has the head {head}, the settings ask for {wanted}: "
            "set config.head as it is there (dropout may differ)"
        )
    return description.architecture, params, origin


def _finish(workdir: pathlib.Path, params: types.Params, meta: workdirs.Meta) -> None:
    """Exports the best model of a finished run and says how good it is."""
    from ssrlm_jax.jobs import export

    model = workdir / "model"
    description = export.write(model, workdir, params, meta, is_replaced=True)
    scores = description.scores
    print(
        f"best on validation, at step {description.made['step']:,}: F1 "
        f"{scores['f1']:.3f} (precision {scores['precision']:.3f}, recall "
        f"{scores['recall']:.3f}; exact pairs, mean over RNAs) at a threshold of "
        f"{scores['threshold']:g}\n"
        f"model: {model}\n"
        f"next: ssrlm fold my.fa -m {model}"
    )


COMMAND = command.Command(
    function=finetune,
    about=__doc__,
    kind=config.FinetuneConfig,
    default="secondary/bprna",
    follows=config.FROM_EPOCHS,
    flags=command.TRAINING_FLAGS,
)
