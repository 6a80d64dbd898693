"""One measurement of a model of multimolecule, in its own Python.

Called by benchmarks/secondary.py and peers.py with a JSON argument: model, lengths of
the RNAs of each batch, repeats, threads; is_embedding: the encoder without a head;
dtype: of weights and products, float32 if absent.
Random weights, published sizes. Prints one JSON line.
"""

import json
import resource
import sys
import time
from typing import Any

import multimolecule
import torch

MODELS = {"rinalmo": "RiNALMo", "rnafm": "RnaFm", "ernierna": "ErnieRna"}
PAD, CLS, EOS, FIRST = 0, 1, 2, 6  # token ids; A C G U are FIRST..FIRST + 3


def main() -> None:
    """Measures; prints seconds of each repeat, peak memory, and if all is finite."""
    case = json.loads(sys.argv[1])
    torch.set_num_threads(case["threads"])
    torch.manual_seed(0)
    name, is_embedding = MODELS[case["model"]], case.get("is_embedding", False)
    settings = getattr(multimolecule, f"{name}Config")()
    kind = "Model" if is_embedding else "ForSecondaryStructurePrediction"
    model = getattr(multimolecule, f"{name}{kind}")(settings).eval()
    model = model.to(getattr(torch, case.get("dtype", "float32")))
    seconds, is_finite = [], True
    with torch.no_grad():
        for _ in range(case["repeats"]):
            start = time.perf_counter()
            for lengths in case["batches"]:
                token_BL = torch.full((len(lengths), max(lengths) + 2), PAD)
                for row, length in enumerate(lengths):
                    token_BL[row, 0], token_BL[row, length + 1] = CLS, EOS
                    token_BL[row, 1 : length + 1] = torch.randint(
                        FIRST, FIRST + 4, (length,)
                    )
                found = model(token_BL, attention_mask=(token_BL != PAD).int())
                found = found.last_hidden_state if is_embedding else _pairs(found)
                is_finite &= bool(torch.isfinite(found).all())
            seconds.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    measured = {"seconds": seconds, "peak_gib": peak, "is_finite": is_finite}
    print(json.dumps(measured))


def _pairs(found: Any) -> torch.Tensor:
    """Returns logits of pairs, or what comes after them."""
    return found.contact_map if hasattr(found, "contact_map") else found.logits


if __name__ == "__main__":
    main()
