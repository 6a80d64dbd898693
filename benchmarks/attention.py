"""Speed of every attention back end, forward and backward, each checked first.

  python benchmarks/attention.py [--rows=N] [--row_length=1024]

Packed rows with padding, random values, head sizes 48, 64 and 88 of the three published
sizes; and rows of records of one length, as fine-tuning and models in use have them:
"records" is for the latter, on a CPU, and has no backward pass. Errors are
against the plain back end in float32 at the highest precision, as a share of the
largest value; back ends take turns, times are medians. What a device cannot run is
listed with what it lacks.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable

import generated_rows
import jax
import jax.numpy as jnp
import report

from ssrlm_jax.models import attention

SIZES = {48: 6, 64: 20, 88: 12}  # head size: heads, of 8m, 650m, 150m
EQUAL = ((1, 136), (1, 500), (1, 1_024), (4, 160))  # records of a row, tokens of each
NAMES = ("out", "query", "key", "value")  # what is compared, the first ones of it
TIMES = ("forward_ms", "with_backward_ms")  # what is measured, likewise

Pass = Callable[..., tuple[jax.Array, ...]]


def passes(attend: Callable[..., jax.Array]) -> tuple[Pass, ...]:
    """Returns compiled functions: forward alone, and forward with backward."""

    def backward(
        q: jax.Array, k: jax.Array, v: jax.Array, grad: jax.Array, segment_BL: jax.Array
    ) -> tuple[jax.Array, ...]:
        out, pull = jax.vjp(lambda *qkv: attend(*qkv, segment_BL), q, k, v)
        return out, *pull(grad)

    return jax.jit(lambda q, k, v, grad, s: (attend(q, k, v, s),)), jax.jit(backward)


def worst(
    found: tuple[jax.Array, ...], expected: tuple[jax.Array, ...]
) -> dict[str, float]:
    """Returns the largest errors, as a share of the largest value."""
    return {
        name: float(
            jnp.abs(x.astype(jnp.float32) - y).max() / jnp.maximum(jnp.abs(y).max(), 1)
        )
        for name, x, y in zip(NAMES[: len(found)], found, expected, strict=True)
    }


def measure(
    segment_BL: jax.Array,
    H: int,
    A: int,
    dtype: jnp.dtype,
    num_turns: int,
    max_segments: int,
    longest: int | None,
) -> dict[str, report.Result]:
    """Returns errors and milliseconds of each back end that the device can run."""
    keys = jax.random.split(jax.random.key(0), 4)
    exact = [jax.random.normal(key, (*segment_BL.shape, H, A)) for key in keys]
    arrays = [x.astype(dtype) for x in exact]
    exact = [x.astype(jnp.float32) for x in arrays]
    few = slice(0, 2)  # rows that are compared: the plain one needs much memory
    with jax.default_matmul_precision("highest"):
        expected = passes(attention.plain)[1](*(x[few] for x in exact), segment_BL[few])
    found: dict[str, report.Result] = {}
    turns: dict[str, tuple[Pass, ...]] = {}
    for name, lacking in attention.available(jax.devices()[0]).items():
        if lacking:
            found[name] = {"missing": lacking}
            continue
        try:
            turns[name] = passes(attention.build(name, max_segments=max_segments))
            result = turns[name][1](*arrays, segment_BL)
            turns[name][0](*arrays, segment_BL)[0].block_until_ready()
        except (
            Exception
        ) as error:  # a kernel may fail in many ways; the result says how
            found[name] = {"missing": f"{type(error).__name__}: {error}"[:200]}
            del turns[name]
            continue
        found[name] = {"error": worst(tuple(x[few] for x in result), expected)}
    if longest is not None and jax.default_backend() == "cpu":
        turns["records"] = passes(attention.in_use("blocks", longest))[:1]
        result = turns["records"][0](*arrays, segment_BL)
        found["records"] = {"error": worst((result[0][few],), expected[:1])}
    seconds: dict[str, list[list[float]]] = {n: [[] for _ in turns[n]] for n in turns}
    for _ in range(num_turns):
        for name, functions in turns.items():
            for spent, run in zip(seconds[name], functions, strict=True):
                start = time.perf_counter()
                jax.block_until_ready(run(*arrays, segment_BL))
                spent.append(time.perf_counter() - start)
    for name, measured in seconds.items():
        for key, spent in zip(TIMES[: len(measured)], measured, strict=True):
            found[name][key] = round(1e3 * statistics.median(spent), 3)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    is_cpu = jax.default_backend() == "cpu"
    parser.add_argument("--rows", type=int, default=2 if is_cpu else 32)
    parser.add_argument("--row_length", type=int, default=1024)
    parser.add_argument("--turns", type=int, default=7 if is_cpu else 30)
    options = parser.parse_args()
    batch = generated_rows.batch(options.rows, options.row_length)
    batch["segment"][0, -100:] = 0  # padding
    segment_BL = jnp.array(batch["segment"])
    dtype = jnp.dtype("float32" if is_cpu else "bfloat16")
    device = jax.devices()[0]
    kind = device.device_kind.lower().replace(" ", "-")
    result: report.Result = {
        "benchmark": "attention",
        "rows": options.rows,
        "row_length": options.row_length,
        "dtype": str(dtype),
        "by_head_size": {},
        "device": device.device_kind,
        "load_average": os.getloadavg()[0],
        "machine": report.machine("jax", "jaxlib"),
    }
    cases: dict[str, tuple[jax.Array, int, int | None]] = {
        "": (segment_BL, generated_rows.MAX_SEGMENTS, None)
    }
    for num, length in EQUAL:
        row_L = jnp.repeat(jnp.arange(num, dtype=jnp.uint8) + 1, length)
        equal_BL = jnp.tile(row_L, (options.rows, 1))
        cases[f", {num} x {length} tokens"] = (equal_BL, num, length)
    for name, (rows_BL, num, longest) in cases.items():
        for A, H in SIZES.items():
            found = measure(rows_BL, H, A, dtype, options.turns, num, longest)
            result["by_head_size"][f"{A}{name}"] = found
            show(f"{A}{name}", found)
            report.write(f"attention_{kind}", result)
    report.save(f"attention_{kind}", result)


def show(case: str, found: dict[str, report.Result]) -> None:
    """Prints a case, for people."""
    header = (f"{case}, back end", "forward ms", "and backward ms", "largest error")
    lines = []
    for name, line in found.items():
        if "missing" in line:
            lines.append((name, "-", "-", f"needs {line['missing']}"))
            continue
        times = (line.get(key, "-") for key in TIMES)
        lines.append((name, *times, f"{max(line['error'].values()):.1e}"))
    print(report.table(header, lines), "\n", flush=True)


if __name__ == "__main__":
    main()
