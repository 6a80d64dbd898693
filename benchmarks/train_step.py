"""Speed of one update of the encoder, against the same encoder in PyTorch.

  python benchmarks/train_step.py --config=configs/8m.py [--config.x.y=VALUE ...]
  python benchmarks/train_step.py --config=configs/650m.py --sweep

Ours is the update of launch/pretrain.py: loss, gradient, clipping, AdamW. The rival
is transformers' LlamaModel without the causal mask, attention by PyTorch's SDPA with
the mask of the records, fused AdamW, as it is and by `torch.compile`. Both see the
same rows on the same device in the same precision, each in a process of its own; times
are medians over turns, and of a turn's two updates the second counts: while others had
theirs, a virtual machine's host takes back memory that lay idle, and the first pays for
it. On a CPU, whose speed wanders, they take turns; on a GPU they come one after
another, so that each has all of its memory, and ours comes once more in the end, which
shows the spread. Rows come from --config.data.corpus, or are generated: random letters,
record lengths log-normal with a median of 160 nucleotides, 15 % hidden.

On a CPU both compute in float32, unless
--config.compute.* says otherwise. MFU counts 6 N + 12 L D T a token, padding included.
"""

import argparse
import dataclasses
import functools
import multiprocessing
import os
import pathlib
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection

# Two frameworks share the device: take memory as it is needed.
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

import generated_rows
import jax
import report
from jax.sharding import Mesh

from ssrlm_jax import config
from ssrlm_jax.data import pretraining_batches, rows
from ssrlm_jax.jobs import command
from ssrlm_jax.models import attention, encoders
from ssrlm_jax.tasks import pretraining_task
from ssrlm_jax.train import hardware, optimizers, sharding, updates

ROWS = {"cpu": 4, "gpu": 32}  # of an update, where --rows is not given
SWEEP = (  # rows of an update and remat policy, the most promising first
    (32, "minimal"), (64, "minimal"), (32, "dots"), (96, "minimal"), (16, "none"),
    (64, "full"), (48, "minimal"), (32, "none"), (64, "dots"), (96, "full"),
)  # fmt: skip
SWEEP_SHARE = 0.5  # of the seconds there are

Turn = Callable[[], float]  # makes one update and returns the loss


@dataclasses.dataclass
class Contender:
    """One program that trains."""

    turn: Turn
    compile_seconds: float
    memory_bytes: Callable[[], int | None]
    seconds: list[float] = dataclasses.field(default_factory=list)
    loss: float = float("nan")

    def take(self) -> None:
        """Times an update that follows another, as in training."""
        self.turn()
        start = time.perf_counter()
        self.loss = self.turn()
        self.seconds.append(time.perf_counter() - start)


def compete(name: str, settings: config.PretrainConfig, line: Connection) -> None:
    """Makes one update for each message, in a process that does nothing else.

    Sends what is missing, or "", and in the end, after `None`, the summary.
    """
    batch = batch_of(settings)
    try:
        contender = CONTENDERS[name](settings, batch)
        contender.turn()
    except ImportError as error:
        line.send(str(error))
        return
    except Exception as error:  # whatever a compiler may raise; said in the result
        line.send(f"{type(error).__name__}: {str(error).splitlines()[0]}")
        return
    line.send("")
    while line.recv() is not None:
        contender.take()
        line.send("")
    line.send(summary(settings, batch, contender))


def batch_of(settings: config.PretrainConfig) -> generated_rows.Batch:
    """Returns the rows of one update."""
    corpus, row_length = settings.data.corpus, settings.data.row_length
    if not corpus:
        return generated_rows.batch(settings.data.rows_per_batch, row_length)
    manifest = rows.open_corpus(corpus, row_length=row_length)
    stream = pretraining_batches.batches(
        corpus, manifest, settings, seed=generated_rows.SEED, process=0, num_processes=1
    )
    return next(stream)


def _task(settings: config.PretrainConfig, mesh: Mesh) -> pretraining_task.Pretrain:
    sizes, compute = settings.encoder, settings.compute
    encoder = pretraining_task.build_encoder(
        sizes, compute, mesh, generated_rows.MAX_SEGMENTS
    )
    return pretraining_task.Pretrain(encoder)


def ours(settings: config.PretrainConfig, batch: generated_rows.Batch) -> Contender:
    """Returns the update of launch/pretrain.py, compiled."""
    num_rows, about = len(batch["token"]), encoders.num_multiplied(settings.encoder)
    hardware.divide_cores(settings.mesh, rows=num_rows, num_parameters=about)
    mesh = sharding.make_mesh(settings.mesh)
    task, loop = _task(settings, mesh), settings.loop
    adamw = optimizers.build(settings.optimizer, loop.num_steps)
    update = updates.build(
        task, adamw, settings=loop, mesh=mesh, seed=generated_rows.SEED
    )
    notes_N4 = update.notes(0.0, 0.0, 0.0, 0.0)
    given = sharding.spread(batch, mesh), notes_N4, update.key
    start = time.perf_counter()
    with jax.set_mesh(mesh):
        compiled = update.take.lower(update.abstract, *given).compile()
    compile_seconds, state = time.perf_counter() - start, update.fresh()
    memory = compiled.memory_analysis()
    assert memory is not None, "the back end says nothing of its memory"

    def turn() -> float:
        nonlocal state
        state, told = compiled(state, *given)
        return float(told.loss)

    def memory_bytes() -> int:
        one = memory.argument_size_in_bytes + memory.temp_size_in_bytes
        return one * (mesh.size if jax.default_backend() == "cpu" else 1)

    return Contender(turn, compile_seconds, memory_bytes)


def torch(
    settings: config.PretrainConfig,
    batch: generated_rows.Batch,
    is_compiled: bool = False,
) -> Contender:
    """Returns PyTorch's update of the same encoder.

    Raises:
      ImportError: torch or transformers is missing.
    """
    import train_step_peer as peer

    turn = peer.turn(settings.encoder, settings.compute.dtype, batch, is_compiled)
    start = time.perf_counter()
    turn()
    return Contender(turn, time.perf_counter() - start, peer.memory)


def summary(
    settings: config.PretrainConfig, batch: generated_rows.Batch, contender: Contender
) -> report.Result:
    """Returns rates of one contender; tokens are those that are not padding."""
    cost = _task(settings, sharding.make_mesh(settings.mesh)).cost(batch)
    seconds = statistics.median(contender.seconds)
    device = jax.devices()[0]
    peak = hardware.peak(device.device_kind)
    total = peak and peak * jax.device_count() * seconds
    memory = contender.memory_bytes()
    return {
        "tokens_per_s": round(cost.tokens / seconds),
        "step_seconds": round(seconds, 4),
        "fastest_step_seconds": round(min(contender.seconds), 4),
        "tflops": round(cost.flops / seconds / 1e12, 3),
        "mfu": total and round(cost.flops / total, 4),
        "mfu_exact": total and round(cost.exact_flops / total, 4),
        "devices": jax.device_count(),
        "compile_seconds": round(contender.compile_seconds, 1),
        "memory_gib": memory and round(memory / 2**30, 2),
        "loss": round(contender.loss, 4),
    }


CONTENDERS: dict[
    str, Callable[[config.PretrainConfig, generated_rows.Batch], Contender]
] = {
    "ours": ours,
    "torch": torch,
    "torch.compile": functools.partial(torch, is_compiled=True),
}


@dataclasses.dataclass
class Process:
    """A contender in a process of its own; `missing` says why it cannot compete."""

    line: Connection
    process: multiprocessing.process.BaseProcess
    missing: str

    @classmethod
    def start(cls, name: str, settings: config.PretrainConfig) -> "Process":
        """Returns when the contender is compiled and has made an update."""
        context = multiprocessing.get_context("spawn")
        line, theirs = context.Pipe()
        process = context.Process(
            target=compete, args=(name, settings, theirs), daemon=True
        )
        process.start()
        theirs.close()
        try:
            return cls(line, process, line.recv())
        except EOFError:
            return cls(line, process, "its process was killed")

    def take(self) -> None:
        self.line.send("turn")
        self.line.recv()

    def end(self) -> report.Result:
        """Returns its rates, and frees the device."""
        self.line.send(None)
        rates = self.line.recv()
        self.process.join()
        return rates


def sweep(
    settings: config.PretrainConfig, num_turns: int, seconds: float
) -> Iterator[report.Result]:
    """Times our update by rows and remat policy, while less than `seconds` have passed.

    Says what does not fit.
    """
    until = time.monotonic() + seconds
    for num_rows, remat in SWEEP:
        if time.monotonic() > until:
            return
        line = {"rows": num_rows, "remat": remat}
        tried = Process.start("ours", _with(settings, num_rows, remat=remat))
        if tried.missing:
            yield line | {"tokens_per_s": 0, "note": tried.missing}
            continue
        for _ in range(num_turns):
            tried.take()
        yield line | tried.end()


def race(
    names: Iterable[str], settings: config.PretrainConfig, num_turns: int
) -> tuple[dict[str, report.Result], dict[str, str]]:
    """Lets contenders take turns; returns the rates of each, and why others miss."""
    started = {name: Process.start(name, settings) for name in names}
    missing = {name: one.missing for name, one in started.items() if one.missing}
    contenders = {name: one for name, one in started.items() if not one.missing}
    for _ in range(num_turns):
        for contender in contenders.values():
            contender.take()
    return {name: contender.end() for name, contender in contenders.items()}, missing


def compare(
    settings: config.PretrainConfig, num_turns: int, with_torch: bool, is_shared: bool
) -> report.Result:
    """Returns rates of ours and the rivals, and what is missing.

    They are all in memory at once if `is_shared`, and take turns.
    """
    names = list(CONTENDERS) if with_torch else ["ours"]
    rates: dict[str, report.Result] = {}
    missing: dict[str, str] = {}
    for group in [names] if is_shared else [[name] for name in names]:
        found, lacking = race(group, settings, num_turns)
        rates |= found
        missing |= lacking
    if "ours" in missing:
        sys.exit(f"our own update failed: {missing['ours']}")
    if not is_shared:
        again, _ = race(["ours"], settings, num_turns)
        rates["ours, again"] = again["ours"]
    batch = batch_of(settings)
    ratios = {
        f"ours / {name}": round(rate["step_seconds"] / rates["ours"]["step_seconds"], 3)
        for name, rate in rates.items()
        if not name.startswith("ours")
    }
    num_records = int(batch["segment"].max(axis=1).sum())
    return {
        "rows": len(batch["token"]),
        "row_length": batch["token"].shape[1],
        "tokens_per_record": round((batch["segment"] > 0).sum() / num_records, 1),
        "rates": rates,
        "speed": ratios,
        "missing": missing,
    }


def _with(
    settings: config.PretrainConfig, num_rows: int, **compute: str
) -> config.PretrainConfig:
    """Returns settings of an update of `num_rows` rows, not accumulated."""
    return dataclasses.replace(
        settings,
        data=dataclasses.replace(settings.data, rows_per_batch=num_rows),
        loop=dataclasses.replace(settings.loop, micro_batches=1),
        compute=dataclasses.replace(settings.compute, **compute),
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", default="configs/8m.py")
    parser.add_argument("--rows", type=int, help="of one update (default: 4 or 32)")
    parser.add_argument("--turns", type=int, default=7, help="of each contender")
    parser.add_argument("--sweep", action="store_true", help="rows and remat first")
    parser.add_argument("--seconds", type=float, default=1e9, help="there are, for all")
    parser.add_argument("--without_torch", action="store_true")
    options, rest = parser.parse_known_args()
    backend = jax.default_backend()
    if backend == "cpu":
        rest = ["--config.compute.dtype=float32", *rest]
    settings = config.frozen(config.PretrainConfig, command.read(options.config, rest))
    settings = _with(settings, options.rows or ROWS.get(backend, 32))
    device = jax.devices()[0]
    result = {
        "benchmark": "train_step",
        "config": options.config,
        "corpus": "given" if settings.data.corpus else "generated",
        "dtype": settings.compute.dtype,
        "remat": settings.compute.remat,
        "attention": attention.choose(settings.compute.attention, device).name,
        "device": device.device_kind,
        "num_devices": jax.device_count(),
        "load_average": os.getloadavg()[0],
        "machine": report.machine("jax", "jaxlib", "flax", "torch", "transformers"),
    }
    kind = device.device_kind.lower().replace(" ", "-")
    name = f"train_step_{pathlib.Path(options.config).stem}_{kind}"
    if backend == "cpu" and settings.compute.dtype != "float32":
        name += f"_{settings.compute.dtype}"
    swept: list[report.Result] = []
    if options.sweep:
        for line in sweep(settings, options.turns, SWEEP_SHARE * options.seconds):
            swept.append(line)
            print(line, file=sys.stderr, flush=True)
            report.write(name, result | {"sweep": swept})
        best = max(swept, key=lambda line: line["tokens_per_s"])
        settings = _with(settings, best["rows"], remat=best["remat"])
    is_alone = options.without_torch
    result |= {"remat": settings.compute.remat, "sweep": swept}
    result |= compare(settings, options.turns, not is_alone, backend == "cpu")
    show(result)
    report.save(name, result)


def show(result: report.Result) -> None:
    """Prints what was measured, for people."""
    header = ("", "tokens/s", "s/step", "TFLOP/s", "MFU", "compile s", "GiB", "loss")
    names = ("tokens_per_s", "step_seconds", "tflops", "mfu", "compile_seconds")
    lines = [
        (name, *(rate[key] for key in (*names, "memory_gib", "loss")))
        for name, rate in result["rates"].items()
    ]
    print(report.table(header, lines), "\n")
    for name, ratio in result["speed"].items():
        print(f"{name}: {ratio:.2f}")
    for name, reason in result["missing"].items():
        print(f"{name} was left out: {reason}")


if __name__ == "__main__":
    main()
