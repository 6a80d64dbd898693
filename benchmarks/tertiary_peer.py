"""One measurement of boltz's Pairformer, in its own Python.

Called by benchmarks/tertiary.py with a JSON argument: length, measure ("forward" or
"training"), repeats, threads, num_blocks. Random weights, RhoFold's widths. Prints one
JSON line. Needs torch, and `pip install --no-deps boltz==2.2.1 einops scipy`.
"""

import json
import resource
import sys
import time
from typing import Any

import torch
from boltz.model.layers.pairformer import PairformerModule
from torch.utils import flop_counter

SINGLE, PAIR, HEADS, PAIR_HEAD, PAIR_HEADS = 256, 128, 8, 32, 4
GIB = 2**20  # KiB


def main() -> None:
    """Measures and prints seconds of each repeat, FLOPs of one pass, peak memory."""
    case = json.loads(sys.argv[1])
    torch.set_num_threads(case["threads"])
    torch.manual_seed(0)
    is_training = case["measure"] == "training"
    trunk = PairformerModule(
        SINGLE,
        PAIR,
        case["num_blocks"],
        num_heads=HEADS,
        dropout=0.0,
        pairwise_head_width=PAIR_HEAD,
        pairwise_num_heads=PAIR_HEADS,
        activation_checkpointing=True,
        v2=True,
    ).train(is_training)
    length = case["length"]
    inputs = (
        torch.randn(1, length, SINGLE, requires_grad=is_training),  # checkpoints ask
        torch.randn(1, length, length, PAIR, requires_grad=is_training),
        torch.ones(1, length),
        torch.ones(1, length, length),
    )
    seconds = []
    for _ in range(case["repeats"]):
        start = time.perf_counter()
        run(trunk, inputs, is_training)
        seconds.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / GIB
    one = PairformerModule(
        SINGLE, PAIR, 1, HEADS, 0.0, PAIR_HEAD, PAIR_HEADS, v2=True
    ).eval()
    with torch.no_grad(), flop_counter.FlopCounterMode(display=False) as counter:
        one(*inputs)
    flops = counter.get_total_flops() * case["num_blocks"]
    print(json.dumps({"seconds": seconds, "peak_gib": peak, "flops": flops}))


def run(trunk: PairformerModule, inputs: Any, is_training: bool) -> None:
    """Takes one pass, with gradients of all parameters in training."""
    if not is_training:
        with torch.no_grad():
            trunk(*inputs)
        return
    trunk.zero_grad()
    s, z = trunk(*inputs)
    (s.square().mean() + z.square().mean()).backward()


if __name__ == "__main__":
    main()
