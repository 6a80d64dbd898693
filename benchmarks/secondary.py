"""Speed and memory of base-pair prediction, beside multimolecule's models.

  python benchmarks/secondary.py --peer_python=PEER/bin/python [--ts0=TS0.tsv.gz]
  python benchmarks/secondary.py --only=training

Ours is what `ssrlm fold` calls: a Predictor with random weights, from letters to
decoded pairs. The rival (multimolecule 0.2.2, AGPL: in a Python of its own, never a
dependency) is RiNALMo and RNA-FM for secondary structure with random weights, its
forward pass alone. Each measurement is a process of its own, for its peak memory
(weights included); ours and the rival's take turns; the best of the repeats counts,
without compilation, which is given apart. Both compute in float32 on all cores; a whole
set (--only=set) is folded by ours as `ssrlm fold` would, in dtype "auto", and where
that rounds, the rival is measured in bfloat16, too.

Sizes: `650m` has RiNALMo's 33 layers of width 1280, `rna-fm` 12 layers of width 640
with as many parameters in a feed-forward layer as RNA-FM. The head `rnafm` has frozen
batch norms, as published weights have.
"""

import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import report

if TYPE_CHECKING:
    from ssrlm_jax import config
    from ssrlm_jax.infer import predictors

LENGTHS = (50, 130, 500, 1_000)
LONG = 10_000  # folded once, compilation included
TRAINING_LENGTHS = (50, 100, 200, 500, 1_000, 1_400, 2_000)
REMATERIALISED = 2_000  # nucleotides from which blocks are computed again
ENCODERS: dict[str, report.Result] = {
    "650m": {"num_layers": 33, "width": 1280, "num_heads": 20, "ffn_width": 3424},
    "rna-fm": {"num_layers": 12, "width": 640, "num_heads": 20, "ffn_width": 3416},
    "8m": {"num_layers": 6, "width": 288, "num_heads": 6, "ffn_width": 1152},
}
HEADS: dict[str, report.Result] = {
    "rinalmo": {"kind": "rinalmo", "num_blocks": 2},
    "rnafm": {"kind": "rnafm", "num_blocks": 32, "norm": "batch"},
}
RIVALS = {("650m", "rinalmo"): "rinalmo", ("rna-fm", "rnafm"): "rnafm"}
PEER = pathlib.Path(__file__).with_name("secondary_peer.py")
GIB = 2**20  # KiB


def main() -> None:
    """Runs what is asked for and writes results/secondary.json."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peer_python", help="a Python with multimolecule")
    parser.add_argument("--ts0", help="table of RNAs; folded whole or by --share")
    parser.add_argument("--share", type=int, default=1, help="every so many of --ts0")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--lengths", default=",".join(map(str, LENGTHS)))
    parser.add_argument("--longest", type=int, default=2_000, help="in training")
    parser.add_argument("--only", choices=("folding", "training", "long", "set"))
    parser.add_argument("--case", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.case:
        case = json.loads(given.case)
        print(json.dumps(MEASURES[case.pop("measure")](**case)))
        return
    result: report.Result = {"machine": report.machine("jax", "flax", "numpy")}
    if given.only in (None, "folding"):
        lengths = [int(length) for length in given.lengths.split(",")]
        result["folding"] = folding(lengths, given.repeats, given.peer_python)
    if given.ts0 and given.only in (None, "set"):
        result["set"] = whole_set(given.ts0, given.share, given.peer_python)
    if given.only in (None, "training"):
        result["training"] = training(given.longest)
    if given.only in (None, "long"):
        work = {"batches": [[LONG]], "repeats": 0}
        result["long"] = run("fold", encoder="8m", head="rinalmo", **work)
        print(f"{LONG:,} nt, 8m, rinalmo: {result['long']}", flush=True)
    name = "secondary" + (f"_{given.only}" if given.only else "")
    report.save(name, result)


def folding(
    lengths: Sequence[int], repeats: int, peer: str | None
) -> list[report.Result]:
    """Measures every encoder and head at every length, batch 1."""
    found = []
    for length in lengths:
        for encoder in ENCODERS:
            for head in HEADS:
                row = {"length": length, "encoder": encoder, "head": head}
                work = {"batches": [[length]], "repeats": repeats}
                ours = run("fold", encoder=encoder, head=head, **work)
                row |= {"seconds": min(ours["seconds"]), **_but_seconds(ours)}
                if peer and (encoder, head) in RIVALS:
                    rival = run_peer(peer, RIVALS[encoder, head], **work)
                    row["rival_seconds"] = min(rival["seconds"])
                    row["rival_peak_gib"] = rival["peak_gib"]
                found.append(row)
                print(_line(row), flush=True)
    return found


def whole_set(path: str, share: int, peer: str | None) -> list[report.Result]:
    """Measures a set of RNAs; the rival at batch 1 and padded batches of 8."""
    from ssrlm_jax.rna import structure_formats

    lengths = sorted(len(record.sequence) for record in structure_formats.read(path))[
        ::share
    ]
    print(f"{len(lengths)} RNAs, {sum(lengths)} nt", flush=True)
    found = []
    for (encoder, head), rival in RIVALS.items():
        row: report.Result = {"encoder": encoder, "head": head, "rnas": len(lengths)}
        work = {"encoder": encoder, "head": head, "batches": [lengths], "repeats": 2}
        one_call = run("fold", **work, dtype="auto")
        row |= {"seconds": min(one_call["seconds"]), **_but_seconds(one_call)}
        if peer:
            for size in (1, 8):
                batches = [lengths[n : n + size] for n in range(0, len(lengths), size)]
                theirs = run_peer(peer, rival, batches=batches, repeats=1)
                row[f"rival_seconds_batch_{size}"] = min(theirs["seconds"])
                row[f"rival_peak_gib_batch_{size}"] = theirs["peak_gib"]
            if row["encoder_dtype"] != "float32":
                alone = {"batches": [[n] for n in lengths], "repeats": 1}
                theirs = run_peer(peer, rival, **alone, dtype=row["encoder_dtype"])
                row["rival_rounded_seconds_batch_1"] = min(theirs["seconds"])
        found.append(row)
        print(row, flush=True)
    return found


def training(longest: int) -> report.Result:
    """Measures a fine-tuning step of 8m with the rinalmo head, by length, batch 1."""
    rows = []
    for length in (one for one in TRAINING_LENGTHS if one <= longest):
        measured = run("train", encoder="8m", head="rinalmo", length=length)
        pairs = length * length
        rows.append(
            {"length": length, "pairs_per_second": pairs / measured["seconds"]}
            | measured
        )
        print(rows[-1], flush=True)
    times = [row["seconds"] for row in rows]
    fits = {}
    for first, last in ((0, len(rows)), (2, len(rows))):
        x = np.log([row["length"] for row in rows[first:last]])
        exponent = float(np.polyfit(x, np.log(times[first:last]), 1)[0])
        fits[f"{rows[first]['length']} to {rows[last - 1]['length']} nt"] = exponent
    print(f"exponent of the time: {fits}", flush=True)
    return {"rows": rows, "exponent": fits}


def run(measure: str, **case: object) -> report.Result:
    """Measures in a process of its own."""
    text = json.dumps({"measure": measure} | case)
    return run_command([sys.executable, __file__, f"--case={text}"])


def run_peer(python: str, model: str, **case: object) -> report.Result:
    """Measures the rival in a process of its Python."""
    text = json.dumps({"model": model, "threads": os.cpu_count()} | case)
    return run_command([python, str(PEER), text])


def fold(
    encoder: str,
    head: str,
    batches: list[list[int]],
    repeats: int,
    dtype: str = "float32",
) -> report.Result:
    """Folds random RNA; the first turn, which compiles, is not counted."""
    model = _predictor(encoder, head, dtype)
    rng = np.random.default_rng(0)
    sequences = [
        "".join(rng.choice(list("ACGU"), length))
        for batch in batches
        for length in batch
    ]
    seconds = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        model.fold(sequences)
        seconds.append(time.perf_counter() - start)
    return {
        "seconds": seconds[1:],
        "first_seconds": seconds[0],
        "peak_gib": peak(),
        "encoder_dtype": model.precision.encoder,
    }


def train(encoder: str, head: str, length: int) -> report.Result:
    """Takes fine-tuning steps of one RNA."""
    import jax

    from ssrlm_jax import config
    from ssrlm_jax.data import secondary_batches
    from ssrlm_jax.models import heads
    from ssrlm_jax.rna import formats, structures
    from ssrlm_jax.tasks import pretraining_task, secondary_task
    from ssrlm_jax.train import optimizers, sharding, updates

    mesh = sharding.make_mesh(config.MeshConfig())
    compute = config.ComputeConfig(dtype="float32", remat="none")
    task = secondary_task.Secondary(
        pretraining_task.build_encoder(_sizes(encoder), compute, mesh, max_segments=1),
        heads.build(
            config.HeadConfig(**HEADS[head]), "float32", length >= REMATERIALISED
        ),
    )
    adamw = optimizers.build(config.OptimizerConfig(), 100)
    compiled = updates.build(
        task, adamw, settings=config.LoopConfig(), mesh=mesh, seed=0
    )
    structure = structures.Structure(length, np.array([[0, length - 1]]))
    record = formats.Record("x", "ACGU" * (length // 4) + "A" * (length % 4), structure)
    batch = sharding.spread(secondary_batches.make([record], length), mesh)
    notes = compiled.notes(0.0, 1.0, 1.0, 1.0)
    seconds = []
    with jax.set_mesh(mesh):
        state = compiled.fresh()
        for _ in range(3):
            start = time.perf_counter()
            state, _ = compiled.take(state, batch, notes, compiled.key)
            jax.block_until_ready(state)
            seconds.append(time.perf_counter() - start)
    return {"seconds": min(seconds[1:]), "peak_gib": peak()}


def predictor(
    sizes: "config.EncoderConfig",
    settings: "config.HeadConfig | None",
    dtype: str = "float32",
) -> "predictors.Predictor":
    """Returns a Predictor with random weights, made leaf by leaf.

    Args:
      sizes: of its encoder.
      settings: of its head; None: it has none.
      dtype: of products; matrices of layers are held in it.
    """
    import dataclasses
    import functools

    import flax.traverse_util
    import jax
    import jax.numpy as jnp

    from ssrlm_jax import model_dir
    from ssrlm_jax.infer import loading, precision, predictors
    from ssrlm_jax.models import attention, encoders, heads, layerwise
    from ssrlm_jax.rna import alphabet

    body = encoders.Encoder(**dataclasses.asdict(sizes), attend=attention.plain)
    key = jax.random.key(0)
    token_BL = jax.ShapeDtypeStruct((1, 8), jnp.uint8)
    shapes = jax.eval_shape(body.init, key, token_BL, token_BL)["params"]
    if settings is not None:
        network = heads.build(settings, "float32")
        fresh = functools.partial(heads.fresh, network, sizes.width)
        shapes = {"encoder": shapes, "pair_head": jax.eval_shape(fresh, key)}
    draw = jax.jit(
        lambda key, shape: 0.02 * jax.random.normal(key, shape), static_argnums=1
    )
    description = model_dir.Description(
        architecture=sizes,
        letters=alphabet.LETTERS,
        made={},
        scores={},
        threshold=0.5,
        head=settings,
    )

    held = precision.choose(dtype, sizes.width).encoder
    params = {}
    for path, leaf in flax.traverse_util.flatten_dict(shapes).items():
        is_matrix = loading.is_matrix(path, leaf.ndim)
        drawn = jnp.abs(draw(key, leaf.shape)).astype(held if is_matrix else "float32")
        is_stacked = layerwise.BLOCKS in path
        params[path] = layerwise.split(drawn) if is_stacked else drawn
    params = flax.traverse_util.unflatten_dict(params)
    return predictors.Predictor(description, params, dtype=dtype)


def _predictor(encoder: str, head: str, dtype: str) -> "predictors.Predictor":
    from ssrlm_jax import config

    return predictor(_sizes(encoder), config.HeadConfig(**HEADS[head]), dtype)


def _sizes(encoder: str) -> "config.EncoderConfig":
    from ssrlm_jax import config

    sizes = ENCODERS[encoder]
    return config.EncoderConfig(**sizes, num_kv_heads=sizes["num_heads"])


def peak() -> float:
    """Returns the peak memory of this process, GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / GIB


def _but_seconds(measured: report.Result) -> report.Result:
    return {name: value for name, value in measured.items() if name != "seconds"}


def run_command(command: list[str]) -> report.Result:
    """Returns the last line that a command prints, as JSON.

    Raises:
      RuntimeError: it failed, or was ended, as where memory is full.
    """
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        said = "".join(done.stderr.strip().splitlines()[-1:])
        name = pathlib.Path(command[1]).name
        raise RuntimeError(f"{name} ended with {done.returncode}: {said}")
    return json.loads(done.stdout.splitlines()[-1])


def _line(row: report.Result) -> str:
    text = (
        f"{row['length']:>6} nt  {row['encoder']:<7} {row['head']:<8} "
        f"{row['seconds']:8.2f} s {row['peak_gib']:6.2f} GiB"
    )
    if "rival_seconds" in row:
        text += (
            f"   multimolecule {row['rival_seconds']:8.2f} s "
            f"{row['rival_peak_gib']:6.2f} GiB   "
            f"{row['rival_seconds'] / row['seconds']:.2f} x the speed"
        )
    return text


MEASURES: dict[str, Callable[..., report.Result]] = {"fold": fold, "train": train}

if __name__ == "__main__":
    main()
