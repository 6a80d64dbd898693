"""Time and memory of contact maps: attention maps of every layer, corrected, summed.

  python benchmarks/contacts.py [--encoders=8m,650m] [--length=500] [--repeats=3]

Random weights, one RNA, float32, all cores. `logits` is what `ssrlm contacts` does,
from letters to the logits of all pairs; `features` is what a fit reads, all maps at
pairs with j - i >= 6; `hidden` is the encoder alone, without maps. Each is a process
of its own, for its peak memory (weights included); the fastest of the repeats counts,
the first turn, which compiles, is given apart. `all maps` is what the maps of all
layers at once would take, before any of them is corrected.
"""

import argparse
import dataclasses
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import report
import secondary

from ssrlm_jax import config, model_dir, types
from ssrlm_jax.infer import contact_predictor
from ssrlm_jax.models import applied, attention, encoders
from ssrlm_jax.rna import alphabet, batches

LEAST = config.ContactsConfig().min_separation
SHOWN = ("seconds", "first_seconds", "peak_gib", "weights_gib", "all_maps_gib")
HEADER = ("what", "s", "first s", "peak GiB", "weights GiB", "all maps GiB")

Work = Callable[[contact_predictor.Maps, str], Callable[[], object]]


def main() -> None:
    """Measures what is asked for and writes results/contacts_DEVICE.json."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--encoders", default="8m,650m")
    parser.add_argument("--length", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--case", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.case:
        print(json.dumps(measure(**json.loads(given.case))))
        return
    rows = [
        _run(encoder=encoder, what=what, length=given.length, repeats=given.repeats)
        for encoder in given.encoders.split(",")
        for what in WORK
    ]
    lines = [
        (f"{row['encoder']} {row['what']}", *(f"{row[name]:.2f}" for name in SHOWN))
        for row in rows
    ]
    print(report.table(HEADER, lines))
    device = jax.devices()[0].device_kind
    report.save(
        f"contacts_{device.lower().replace(' ', '-')}",
        {
            "benchmark": "contacts",
            "length": given.length,
            "dtype": "float32",
            "rows": rows,
            "device": device,
            "load_average": os.getloadavg()[0],
            "machine": report.machine("jax", "jaxlib", "numpy"),
        },
    )


def measure(encoder: str, what: str, length: int, repeats: int) -> report.Result:
    """Returns seconds and GiB of one kind of work; on a GPU its memory, not ours."""
    maps = _maps(encoder)
    run = WORK[what](maps, "".join(np.random.default_rng(0).choice([*"ACGU"], length)))
    seconds = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        jax.block_until_ready(run())
        seconds.append(time.perf_counter() - start)
    sizes = maps.encoder
    num_entries = sizes.num_layers * sizes.num_heads * (length + 2) ** 2
    return {
        "encoder": encoder,
        "what": what,
        "seconds": min(seconds[1:]),
        "first_seconds": seconds[0],
        "peak_gib": _peak_bytes() / 2**30,
        "weights_gib": 4 * encoders.num_parameters(sizes) / 2**30,
        "all_maps_gib": 4 * num_entries / 2**30,
    }


def _logits(maps: contact_predictor.Maps, sequence: str) -> Callable[[], object]:
    num_maps = maps.encoder.num_layers * maps.encoder.num_heads
    return lambda: maps.logits(
        sequence, np.linspace(-1, 1, num_maps)[None], np.array([-3.0])
    )


def _features(maps: contact_predictor.Maps, sequence: str) -> Callable[[], object]:
    i, j = np.triu_indices(len(sequence), LEAST)
    return lambda: maps.features(sequence, i, j)


def _hidden(maps: contact_predictor.Maps, sequence: str) -> Callable[[], object]:
    choice = attention.choose("auto", jax.devices()[0])
    body = maps.encoder.clone(attend=attention.build(choice.name, max_segments=1))
    tokens = batches.pad([sequence], len(sequence))

    @jax.jit
    def hidden(
        params: types.Params, token_BL: jax.Array, segment_BL: jax.Array
    ) -> jax.Array:
        return applied.apply(body, params, token_BL, segment_BL, method="hidden")

    return lambda: hidden(maps.params, tokens.token_BL, tokens.segment_BL)


WORK: dict[str, Work] = {"hidden": _hidden, "logits": _logits, "features": _features}


def _maps(encoder: str) -> contact_predictor.Maps:
    """Returns an encoder with random weights, made leaf by leaf."""
    sizes = secondary.ENCODERS[encoder]
    architecture = config.EncoderConfig(**sizes, num_kv_heads=sizes["num_heads"])
    body = encoders.Encoder(**dataclasses.asdict(architecture), attend=attention.plain)
    token_BL = jax.ShapeDtypeStruct((1, 8), jnp.uint8)
    key = jax.random.key(0)
    shapes = jax.eval_shape(body.init, key, token_BL, token_BL)["params"]
    draw = jax.jit(
        lambda key, shape: 0.02 * jax.random.normal(key, shape), static_argnums=1
    )
    description = model_dir.Description(
        architecture=architecture, letters=alphabet.LETTERS, made={}, scores={}
    )
    params = jax.tree.map(lambda leaf: draw(key, leaf.shape), shapes)
    return contact_predictor.Maps(description, params)


def _peak_bytes() -> int:
    statistics = jax.devices()[0].memory_stats()
    if statistics:
        return statistics["peak_bytes_in_use"]
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _run(**case: object) -> report.Result:
    """Measures in a process of its own."""
    command = [sys.executable, __file__, f"--case={json.dumps(case)}"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{case} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
