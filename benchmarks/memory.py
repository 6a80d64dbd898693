"""Computes which micro-batch and remat policy of a config fit which card.

  python benchmarks/memory.py --config=configs/650m.py

Nothing is compiled or run: shapes of what the backward pass keeps are read off the
traced loss, so the numbers hold for any device that keeps the same arrays. Counted are
parameters, two moments and gradients (float32), what is kept of each row, the working
set of one layer, and a copy of the matrices in the compute dtype; a tenth of the card
is left free for the allocator, kernels and communication. Prints Markdown and one
JSON line, and writes benchmarks/results/memory_NAME.json.
"""

import argparse
import dataclasses
from collections.abc import Callable
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import report

from ssrlm_jax import config, types
from ssrlm_jax.jobs import command
from ssrlm_jax.models import applied, attention, encoders

CARDS = {"24 GB": 24, "40 GB": 40, "80 GB": 80, "141 GB": 141}  # 1e9 bytes
POLICIES = ("minimal", "dots", "full")  # from fast and large to slow and small
USABLE = 0.9
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


def main() -> None:
    """Prints the table of one config."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--config", default="configs/650m.py")
    flags, rest = parser.parse_known_args()
    settings = config.frozen(config.PretrainConfig, command.read(flags.config, rest))
    static = static_bytes(settings)
    table = {}
    for policy in POLICIES:
        kept, working = row_bytes(settings, policy)
        table[policy] = {
            "kept_bytes_per_row": kept,
            "working_bytes_per_row": working,
            "rows": {
                card: most_rows(static, kept + working, size * 1e9)
                for card, size in CARDS.items()
            },
        }
    result = {"config": flags.config, "static_bytes": static, "policies": table}
    print(markdown(result))
    report.save(f"memory_{command.workdir_of(flags.config).name}", result)


def static_bytes(settings: config.PretrainConfig) -> int:
    """Returns the bytes that do not depend on the rows of a micro-batch.

    With accumulation, the gradient of a micro-batch stands beside their sum.
    """
    params = encoders.num_parameters(settings.encoder)
    copies = 3 + 2  # parameters, two moments; summed gradient and that of one part
    return params * (copies * 4 + jnp.dtype(settings.compute.dtype).itemsize)


def row_bytes(settings: config.PretrainConfig, policy: str) -> tuple[int, int]:
    """Returns the bytes that the backward pass keeps of a row, and works with.

    The working set is what one layer keeps when nothing is computed again: that
    much is made anew for one layer at a time.
    """
    kept = _kept(settings, settings.encoder.num_layers, policy)
    layer = _kept(settings, 2, "none") - _kept(settings, 1, "none")
    return kept, layer


def _kept(settings: config.PretrainConfig, num_layers: int, policy: str) -> int:
    """Returns the bytes of arrays kept for the backward pass of one more row."""
    sizes = dataclasses.asdict(settings.encoder) | {"num_layers": num_layers}
    model = encoders.Encoder(
        **sizes,
        dtype=settings.compute.dtype,
        remat=policy,
        attend=attention.build("pallas"),
    )

    def kept_of(rows: int) -> int:
        shape = jax.ShapeDtypeStruct((rows, settings.data.row_length), jnp.uint8)
        params = jax.eval_shape(model.init, jax.random.key(0), shape, shape)

        def backward(
            params: types.Params, token_BL: jax.Array, segment_BL: jax.Array
        ) -> Callable[..., types.Params]:
            def loss(params: types.Params) -> jax.Array:
                return applied.apply(model, params, token_BL, segment_BL).sum()

            return jax.vjp(loss, params["params"])[1]

        # A CPU's products keep other arrays than a card's.
        with mock.patch.object(jax, "default_backend", return_value="gpu"):
            kept = jax.eval_shape(backward, params, shape, shape)
        arrays = jax.tree.leaves(kept)
        return sum(int(np.prod(a.shape)) * a.dtype.itemsize for a in arrays)

    return kept_of(3) - kept_of(2)


def most_rows(static: float, per_row: float, card: float) -> int:
    """Returns the largest power of two of rows that fits; 0: not even one."""
    fitting = [rows for rows in ROWS if static + rows * per_row <= USABLE * card]
    return max(fitting, default=0)


def markdown(result: report.Result) -> str:
    """Returns the table for people."""
    lines = [
        f"{result['config']}: {result['static_bytes'] / 1e9:.1f} GB whatever the rows",
        "",
        "| `compute.remat` | MB a row | " + " | ".join(CARDS) + " |",
        "|---|---|" + "---|" * len(CARDS),
    ]
    for policy, found in result["policies"].items():
        size = (found["kept_bytes_per_row"] + found["working_bytes_per_row"]) / 1e6
        rows = [f"{rows or 'none'}" for rows in found["rows"].values()]
        lines.append(f"| {policy} | {size:,.0f} | " + " | ".join(rows) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
