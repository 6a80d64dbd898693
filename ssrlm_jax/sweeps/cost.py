"""What the jobs of a sweep need before they run: tokens, FLOPs, disk.

Counted by the formulas of training (models/encoder.py, models/heads.py), padding
included; a job that only reads a model counts a third, the forward pass. What depends
on files that other jobs have yet to make is not known, and left out.
"""

import contextlib
import dataclasses
import math
import pathlib
from typing import TYPE_CHECKING

from ssrlm_jax import config, model_dir
from ssrlm_jax.sweeps import chains, job_graph, kinds

if TYPE_CHECKING:
    from ssrlm_jax.models import encoders

_STATE = 12  # bytes of a parameter in a checkpoint: itself, two moments
_MODEL = 4  # bytes of a parameter in a model


@dataclasses.dataclass(frozen=True, kw_only=True)
class Need:
    """What a job needs.

    Attributes:
      tokens: of training, or of RNA that is scored; 0: none, or not known.
      flops: of these.
      bytes: of disk that its directory takes at the end.
      per_step: FLOPs of an update; 0: no training.
    """

    tokens: float = 0.0
    flops: float = 0.0
    bytes: float = 0.0
    per_step: float = 0.0


def of_jobs(made: job_graph.Graph) -> dict[str, Need]:
    """Returns what each job needs."""
    return {name: _need(made, job) for name, job in made.jobs.items()}


def _need(made: job_graph.Graph, job: job_graph.Job) -> Need:
    counting = {
        "pretrain": _pretraining,
        "finetune": _finetuning,
        "held_out": _rows_scored,
        "evaluate": _rnas_scored,
        "thresholds": _rnas_scored,
        "fit_contacts": _rnas_scored,
    }
    if job.command not in counting:
        return Need()
    with contextlib.suppress(OSError, ValueError):  # files that are yet to be made
        return counting[job.command](made, job)
    return Need()


def encoder_of(
    made: job_graph.Graph, job: job_graph.Job
) -> config.EncoderConfig | None:
    """Returns the sizes of the encoder that a job trains or reads; None: none."""
    model = str(job.resolved.get("model", ""))
    link = job.settings.get("model")
    if isinstance(link, chains.Output):
        return encoder_of(made, made.jobs[link.step])
    if job.command in kinds.TRAINING and model in ("", config.RANDOM):
        return config.frozen(config.EncoderConfig, _group(job, "encoder."))
    if model:
        return model_dir.describe(pathlib.Path(model)).architecture
    return None


def head_of(made: job_graph.Graph, job: job_graph.Job) -> config.HeadConfig | None:
    """Returns the head that a job trains or reads; None: it reads no pairs."""
    if job.command == "finetune":
        return config.frozen(config.HeadConfig, _group(job, "head."))
    link = job.settings.get("model")
    if isinstance(link, chains.Output):
        return head_of(made, made.jobs[link.step])
    model = str(job.resolved.get("model", ""))
    return model_dir.describe(pathlib.Path(model)).head if model else None


def settings_of(job: job_graph.Job) -> dict[str, object]:
    """Returns all settings of a job as nested groups."""
    nested: dict[str, object] = {}
    for name, value in job.resolved.items():
        *groups, last = name.split(".")
        place = nested
        for group in groups:
            inner = place.setdefault(group, {})
            assert isinstance(inner, dict)
            place = inner
        place[last] = value
    return nested


def _pretraining(made: job_graph.Graph, job: job_graph.Job) -> Need:
    from ssrlm_jax.models import encoders

    settings = config.frozen(config.PretrainConfig, settings_of(job))
    sizes = encoder_of(made, job) or settings.encoder
    per_step = float(settings.data.rows_per_batch * settings.data.row_length)
    flops = encoders.training_flops(
        sizes, num_tokens=per_step, num_pairs=per_step * settings.data.row_length
    )
    num_steps = settings.loop.num_steps
    kept = settings.loop.keep_latest
    if settings.loop.keep_every:
        kept += num_steps // settings.loop.keep_every
    size = encoders.num_parameters(sizes)
    return Need(
        tokens=per_step * num_steps,
        flops=flops * num_steps,
        bytes=float(size * (_STATE * kept + _MODEL)),
        per_step=flops,
    )


def _finetuning(made: job_graph.Graph, job: job_graph.Job) -> Need:
    from ssrlm_jax.data import labelled_records, secondary_batches
    from ssrlm_jax.models import encoders, heads, shapes

    settings = config.frozen(config.FinetuneConfig, settings_of(job))
    sizes = encoder_of(made, job) or settings.encoder
    head = heads.build(settings.head, "float32")
    split = labelled_records.split(settings.data, settings.seed)
    layout = secondary_batches.into_buckets(split.train, settings.data).layout(0, 0)
    of_head, flops, tokens = heads.training_flops(head), 0.0, 0.0
    for length, members in layout:
        long = length + 2  # <cls> and <eos>
        flops += len(members) * of_head * length**2
        flops += encoders.training_flops(
            sizes, num_tokens=len(members) * long, num_pairs=len(members) * long**2
        )
        tokens += len(members) * long
    names = shapes.of(_network(sizes), head)
    size = sum(math.prod(shape) for shape in names.values())
    kept = settings.loop.keep_latest + bool(settings.loop.keep_best)
    return Need(
        tokens=tokens * settings.epochs,
        flops=flops * settings.epochs,
        bytes=float(size * (_STATE * kept + _MODEL)),
        per_step=flops / max(len(layout), 1),
    )


def _network(sizes: config.EncoderConfig) -> "encoders.Encoder":
    from ssrlm_jax.models import attention, encoders

    return encoders.Encoder(**dataclasses.asdict(sizes), attend=attention.plain)


def _rows_scored(made: job_graph.Graph, job: job_graph.Job) -> Need:
    from ssrlm_jax.data import rows
    from ssrlm_jax.models import encoders

    sizes = encoder_of(made, job)
    if sizes is None:
        return Need()
    manifest = rows.open_corpus(str(job.resolved["corpus"]))
    most = int(job.resolved["rows"])
    found = (manifest.totals("validation", s)["num_rows"] for s in rows.SOURCES)
    tokens = float(sum(min(most, n) for n in found) * manifest.row_length)
    flops = encoders.training_flops(
        sizes, num_tokens=tokens, num_pairs=tokens * manifest.row_length
    )
    return Need(tokens=tokens, flops=flops / 3)


def _rnas_scored(made: job_graph.Graph, job: job_graph.Job) -> Need:
    from ssrlm_jax.models import encoders, heads
    from ssrlm_jax.rna import structure_formats

    sizes, head = encoder_of(made, job), head_of(made, job)
    if sizes is None:
        return Need()
    of_head = heads.training_flops(heads.build(head, "float32")) if head else 0.0
    longest = int(job.resolved.get("max_length", 0)) or 10**9
    tokens = flops = 0.0
    for name in ("truth", "table", "train", "validation", "test"):
        path = str(job.resolved.get(name, ""))
        if not path or (name == "train" and job.command == "evaluate"):
            continue
        for record in structure_formats.read(path):
            length = len(record.sequence)
            if length > longest:
                continue
            tokens += length + 2
            flops += of_head * length**2 + encoders.training_flops(
                sizes, num_tokens=length + 2, num_pairs=(length + 2) ** 2
            )
    return Need(tokens=tokens, flops=flops / 3)


def _group(job: job_graph.Job, prefix: str) -> dict[str, chains.Value]:
    return {
        name.removeprefix(prefix): value
        for name, value in job.resolved.items()
        if name.startswith(prefix)
    }
