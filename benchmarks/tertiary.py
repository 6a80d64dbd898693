"""Speed and memory of the network from embeddings to atoms, beside boltz's Pairformer.

  python benchmarks/tertiary.py --peer_python=PEER/bin/python

The trunk (12 blocks of RhoFold's widths, random weights, batch 1, float32, all cores)
runs forward, and forward and backward with blocks computed again, as in training. The
rival is boltz 2.2.1's Pairformer at the same widths (benchmarks/tertiary_peer.py): the
same triangle products and attention; its transitions have a third product, ours an
outer product of the sequence; FLOPs of both are given. Ours and the rival's take turns,
each a process of its own; the best of the repeats counts, compilation apart. Then one
cycle of the whole network, and the compilation of a whole training step.
"""

import argparse
import json
import os
import pathlib
import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import report
from secondary import peak, run_command

from ssrlm_jax import config, types
from ssrlm_jax.models import applied

if TYPE_CHECKING:
    from jax import stages

    from ssrlm_jax.models import folding_inputs, geometry
    from ssrlm_jax.models import folding_network as network

LENGTHS = (64, 128, 256, 512)
LONGEST_TRAINING = 256
PEER = pathlib.Path(__file__).with_name("tertiary_peer.py")
EMBEDDING = 640  # width, as RNA-FM's
GIB = 2**30


def main() -> None:
    """Runs all measurements and writes results/tertiary.json."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peer_python", help="a Python with torch and boltz")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--lengths", default=",".join(map(str, LENGTHS)))
    parser.add_argument("--case", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.case:
        case = json.loads(given.case)
        print(json.dumps(MEASURES[case.pop("measure")](**case)))
        return
    lengths = [int(length) for length in given.lengths.split(",")]
    result: report.Result = {"machine": report.machine("jax", "flax", "numpy")}
    for measure in ("training", "forward"):
        rows = []
        for length in lengths:
            if measure == "training" and length > LONGEST_TRAINING:
                continue
            row = {"length": length} | ours(measure, length, given.repeats)
            if given.peer_python:
                row |= rival(given.peer_python, measure, length, given.repeats)
            print(measure, row, flush=True)
            rows.append(row)
        result[measure] = {"rows": rows, "exponent": exponent(rows)}
    rows = [{"length": n} | ours("whole", n, given.repeats) for n in lengths]
    result["whole"] = {"rows": rows, "exponent": exponent(rows)}
    print("whole", rows, flush=True)
    result["step"] = ours("step", LONGEST_TRAINING, given.repeats)
    report.save("tertiary", result)


def ours(measure: str, length: int, repeats: int) -> report.Result:
    """Measures our network in a process of its own."""
    case = {"measure": measure, "length": length, "repeats": repeats}
    return run_command([sys.executable, __file__, f"--case={json.dumps(case)}"])


def rival(python: str, measure: str, length: int, repeats: int) -> report.Result:
    """Measures the rival's trunk, in a process of its Python."""
    case = {
        "measure": measure,
        "length": length,
        "repeats": repeats,
        "threads": os.cpu_count(),
        "num_blocks": config.FoldingConfig().num_blocks,
    }
    found = run_command([python, str(PEER), json.dumps(case)])
    found["seconds"] = min(found["seconds"])
    return {f"rival_{name}": value for name, value in found.items()}


def exponent(rows: Sequence[report.Result]) -> float | None:
    """Returns the power of the length with which time grows."""
    if len(rows) < 2:
        return None
    x, y = (np.log([row[name] for row in rows]) for name in ("length", "seconds"))
    return float(np.polyfit(x, y, 1)[0])


def trunk_pass(length: int, repeats: int, *, is_training: bool) -> report.Result:
    """Takes passes through the trunk."""
    import jax
    import jax.numpy as jnp

    from ssrlm_jax.models import folding_network, trunk

    settings = config.FoldingConfig()
    fields = {name: getattr(settings, name) for name in folding_network.TRUNK_FIELDS}
    fields |= {"single_dropout": 0.0, "pair_dropout": 0.0}
    network = trunk.Trunk(**fields, is_training=is_training)
    keys = jax.random.split(jax.random.key(0), 3)
    m_BSLD = jax.random.normal(keys[0], (1, 1, length, settings.single_width))
    z_BLMC = jax.random.normal(keys[1], (1, length, length, settings.pair_width))
    is_BL = jnp.ones((1, length), bool)
    params = jax.jit(network.init)(keys[2], m_BSLD, z_BLMC, is_BL)

    def loss(params: types.Params, *inputs: jax.Array) -> jax.Array:
        m_BSLD, z_BLMC = applied.apply(network, params["params"], *inputs)
        return jnp.square(m_BSLD).mean() + jnp.square(z_BLMC).mean()

    call = jax.grad(loss) if is_training else network.apply
    found = timed(jax.jit(call), (params, m_BSLD, z_BLMC, is_BL), repeats)
    return found | {"flops": trunk.flops(settings, length)}


def whole(length: int, repeats: int) -> report.Result:
    """Takes one cycle of the whole network, from embeddings to atoms."""
    import jax

    from ssrlm_jax.models import folding_network

    folder, groups, params, inputs = _network(length)
    run = jax.jit(
        lambda p, x: folding_network.fold(folder, p, x, groups, 1, 0.0).folded
    )
    return timed(run, (params, inputs), repeats)


def step(length: int, repeats: int) -> report.Result:
    """Compiles and takes training steps of the whole network, one cycle or more."""
    import jax

    from ssrlm_jax.data import tertiary_crops
    from ssrlm_jax.rna import atoms
    from ssrlm_jax.tasks import tertiary_task

    letters = "ACGU" * (length // 4)
    kind_L = atoms.encode(letters)
    rng = np.random.default_rng(0)
    xyz_LT3 = rng.normal(size=(length, atoms.SLOTS, 3)).astype(np.float32)
    chain = tertiary_crops.Structure(
        "x",
        letters,
        np.arange(length, dtype=np.int32),
        10 * xyz_LT3,
        atoms.is_atom()[kind_L],
        np.zeros((0, 2), np.int64),
    )
    embedding_LE = rng.normal(size=(length, EMBEDDING)).astype(np.float32)
    settings = config.StructuresConfig(batch_size=1)
    crops = tertiary_crops.Crops([chain], [embedding_LE], np.arange(1), settings)
    task = tertiary_task.Tertiary(
        config.FoldingConfig(), config.LossConfig(), EMBEDDING
    )
    learned, _ = task.init(jax.random.key(0), {})

    def loss(learned: types.Params, batch: types.Batch, key: jax.Array) -> jax.Array:
        total, count = task.loss(learned, {}, batch, key)[0]["loss"]
        return total / count

    arguments = learned, crops.longest(1), jax.random.key(1)
    return timed(jax.jit(jax.grad(loss)), arguments, repeats)


def timed(
    call: "stages.Wrapped", arguments: tuple[object, ...], repeats: int
) -> report.Result:
    """Compiles and runs; seconds are of the best run."""
    import jax

    start = time.perf_counter()
    compiled = call.lower(*arguments).compile()
    compilation = time.perf_counter() - start
    memory = compiled.memory_analysis()
    if memory is None:
        raise RuntimeError("the back end says nothing of its memory")
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        jax.block_until_ready(compiled(*arguments))
        seconds.append(time.perf_counter() - start)
    return {
        "seconds": min(seconds),
        "compile_seconds": compilation,
        "program_gib": (memory.temp_size_in_bytes + memory.output_size_in_bytes) / GIB,
        "peak_gib": peak(),
    }


def _network(
    length: int,
) -> "tuple[network.Folder, geometry.Groups, types.Params, folding_inputs.Inputs]":
    import dataclasses

    import jax
    import jax.numpy as jnp

    from ssrlm_jax.models import folding_inputs, folding_network
    from ssrlm_jax.rna import atoms

    settings = config.FoldingConfig()
    tables = dataclasses.asdict(atoms.geometry(settings.geometry))
    folder, groups = folding_network.build(settings, tables)
    params = folding_network.init(folder, EMBEDDING, groups, jax.random.key(0))
    inputs = folding_inputs.Inputs(
        jax.random.normal(jax.random.key(1), (1, length, EMBEDDING)),
        jnp.arange(length)[None] % 4,
        jnp.arange(length)[None],
        jnp.ones((1, length), bool),
    )
    return folder, groups, params, inputs


def _forward(length: int, repeats: int) -> report.Result:
    return trunk_pass(length, repeats, is_training=False)


def _training(length: int, repeats: int) -> report.Result:
    return trunk_pass(length, repeats, is_training=True)


MEASURES: dict[str, Callable[..., report.Result]] = {
    "forward": _forward,
    "training": _training,
    "whole": whole,
    "step": step,
}

if __name__ == "__main__":
    main()
