"""Embedding and folding through converted models, beside multimolecule's PyTorch.

  python benchmarks/peers.py --ts0=TS0.tsv.gz --peer_python=PEER/bin/python [--num=200]

The same sequences of TS0, at full size, with random weights: RiNALMo (giga), RNA-FM
and ERNIE-RNA, each with its own head for pairs. Ours is a Predictor, from letters to
embeddings or decoded pairs: once with all sequences in one call, which makes its own
batches, and once a call for each. The rival (multimolecule 0.2.2, AGPL: in a Python of
its own, never a dependency) is its forward pass alone, in batches of 1 and of 8 sorted
by length; for ERNIE-RNA that includes the optimiser that follows its head. Whether its
numbers are finite is told: ERNIE-RNA's are not where rows are padded. Every measurement
is a process of its own; the first turn of ours, which compiles, is given apart. Both
compute on all cores in --dtype: float32, bfloat16, or auto, as `ssrlm fold` does by
itself; beside auto the rival is measured in float32, its own default, and one by one in
bfloat16, too, where ours has chosen that.
"""

import argparse
import json
import time

import numpy as np
import report
import secondary

from ssrlm_jax.infer import precision

BATCH = 8  # of the rival's batches
FAMILIES = ("rnafm", "ernierna", "rinalmo")
TASKS = ("embed", "fold")


def main() -> None:
    """Runs all measurements and writes results/peers.json as they come."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ts0", help="table of RNAs")
    parser.add_argument("--peer_python", help="a Python with multimolecule")
    parser.add_argument("--num", type=int, default=200, help="of the sequences")
    parser.add_argument("--families", default=",".join(FAMILIES))
    parser.add_argument("--tasks", default=",".join(TASKS))
    parser.add_argument("--dtype", default="float32", choices=precision.ACCEPTED)
    parser.add_argument("--case", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.case:
        print(json.dumps(measure(**json.loads(given.case))))
        return
    from ssrlm_jax.rna import structure_formats

    lengths = sorted(
        len(record.sequence) for record in structure_formats.read(given.ts0)
    )
    places = np.linspace(0, len(lengths) - 1, given.num).astype(int)
    lengths = [lengths[place] for place in places]
    result: report.Result = {
        "machine": report.machine("jax", "flax", "numpy"),
        "rnas": len(lengths),
        "nucleotides": sum(lengths),
        "dtype": given.dtype,
        "rows": [],
        "missing": [],
    }
    print(f"{len(lengths)} RNAs, {sum(lengths)} nt", flush=True)
    for family in given.families.split(","):
        for task in given.tasks.split(","):
            row = {"family": family, "task": task}
            row |= _ours(family, task, lengths, given.dtype)
            if given.peer_python:
                work = (given.peer_python, family, task, lengths)
                asked = "float32" if given.dtype == precision.AUTO else given.dtype
                row |= _rival(*work, asked)
                if row["encoder_dtype"] != asked:
                    row |= _rival(*work, row["encoder_dtype"], (1,), "rival_rounded")
            print(row, flush=True)
            result["rows"].append(row)
            result["missing"] += [
                f"multimolecule, {task} by {family}, {what.replace('_', ' ')}: {why}"
                for what, why in row.items()
                if "failed" in what
            ]
            name = "peers" if given.dtype == "float32" else f"peers_{given.dtype}"
            report.write(name, result)
    print(json.dumps(result))


def _ours(family: str, task: str, lengths: list[int], dtype: str) -> report.Result:
    case = {"family": family, "task": task, "lengths": lengths, "dtype": dtype}
    command = [secondary.sys.executable, __file__, f"--case={json.dumps(case)}"]
    return secondary.run_command(command)


def _rival(
    python: str,
    family: str,
    task: str,
    lengths: list[int],
    dtype: str,
    sizes: tuple[int, ...] = (1, BATCH),
    name: str = "rival",
) -> report.Result:
    found: report.Result = {}
    for size in sizes:
        batches = [lengths[n : n + size] for n in range(0, len(lengths), size)]
        work = {"batches": batches, "repeats": 1, "dtype": dtype}
        try:
            measured = secondary.run_peer(
                python, family, is_embedding=task == "embed", **work
            )
        except RuntimeError as error:
            if size == 1 or "ended with -9" not in str(error):
                raise
            found[f"{name}_failed_batch_{size}"] = "it was ended: memory was full"
            continue
        found[f"{name}_seconds_batch_{size}"] = min(measured["seconds"])
        found[f"{name}_peak_gib_batch_{size}"] = measured["peak_gib"]
        found[f"{name}_is_finite_batch_{size}"] = measured["is_finite"]
    return found


def measure(
    family: str, task: str, lengths: list[int], dtype: str = "float32"
) -> report.Result:
    """Embeds or folds random RNA of these lengths: in one call, and one by one."""
    from ssrlm_jax import config
    from ssrlm_jax.convert import ernierna, rinalmo, rnafm

    sizes, head = {
        "rinalmo": (
            rinalmo.architecture(num_layers=33, width=1280, heads=20, ffn=3413),
            config.HeadConfig(),
        ),
        "rnafm": (
            rnafm.architecture(
                num_layers=12,
                width=640,
                heads=20,
                ffn=5120,
                positions=1026,
                has_embedding_norm=True,
                is_dropped=False,
            ),
            config.HeadConfig(kind="rnafm", num_blocks=32, norm="batch"),
        ),
        "ernierna": (
            ernierna.architecture(num_layers=12, width=768, heads=12, ffn=3072),
            config.HeadConfig(kind="ernierna", num_blocks=8, norm="batch"),
        ),
    }[family]
    model = secondary.predictor(sizes, head if task == "fold" else None, dtype)
    rng = np.random.default_rng(0)
    sequences = ["".join(rng.choice(list("ACGU"), length)) for length in lengths]
    run = model.fold if task == "fold" else model.embed
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        run(sequences)
        seconds.append(time.perf_counter() - start)
    one_by_one = []
    for _ in range(2):
        start = time.perf_counter()
        for sequence in sequences:
            run([sequence])
        one_by_one.append(time.perf_counter() - start)
    return {
        "first_seconds": seconds[0],
        "seconds": seconds[1],
        "seconds_one_by_one": one_by_one[1],
        "peak_gib": secondary.peak(),
        "encoder_dtype": model.precision.encoder,
    }


if __name__ == "__main__":
    main()
