"""How good the votes of relatives are, and what an alignment is worth.

    python benchmarks/relatives.py --memory=sets/train.tsv --known=sets/validation.tsv

Fits the weights of `external.relatives` to the memory, each record's own left out;
prints them, the mean F1 of the votes on KNOWN beside ViennaRNA's, and the seconds that
a search takes beside MMseqs2's where it is installed.
"""

import argparse
import json
import pathlib
import shutil
import time
from collections.abc import Sequence

import numpy as np

from ssrlm_jax.external import folding_programs, mmseqs, relatives, vienna
from ssrlm_jax.metrics import pair_scores
from ssrlm_jax.rna import structure_formats, structures


def fit(
    memory: relatives.Memory, places: Sequence[int], num_steps: int = 50
) -> np.ndarray:
    """Returns the weights of features under which shares of right pairs are likeliest.

    Args:
      memory: that relatives are found in.
      places: of its records that are fitted.
      num_steps: of Newton's method.
    """
    source = relatives.Relatives(memory=memory, leaves_out_itself=True)
    features, right, said = [], [], []
    for place in places:
        structure = structures.from_dot_bracket(memory.dots[place])
        known = set(map(tuple, structure.pairs.tolist()))
        for one in source.of(memory.sequences[place]):
            is_first = one.partner > one.position
            found = zip(
                one.position[is_first].tolist(),
                one.partner[is_first].tolist(),
                strict=True,
            )
            features.append(one.features)
            right.append(len(known & set(found)))
            said.append(is_first.sum())
    x_NF, right_N, said_N = (np.array(one, float) for one in (features, right, said))
    weight_F = np.zeros(x_NF.shape[1])
    for _ in range(num_steps):
        p_N = 1.0 / (1.0 + np.exp(-x_NF @ weight_F))
        slope_F = x_NF.T @ (right_N - said_N * p_N) - 1e-2 * weight_F
        curve_FF = (x_NF * (said_N * p_N * (1.0 - p_N))[:, None]).T @ x_NF
        weight_F += np.linalg.solve(curve_FF + 1e-2 * np.eye(len(weight_F)), slope_F)
    return weight_F


def main() -> None:
    """Fits, scores and prints one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--memory", required=True, type=pathlib.Path)
    parser.add_argument("--known", required=True, type=pathlib.Path)
    parser.add_argument("--num", type=int, default=1_000, help="of records to fit")
    parsed = parser.parse_args()
    memory = relatives.remember(structure_formats.read(parsed.memory))
    drawn = np.random.default_rng(0).permutation(len(memory.names))[: parsed.num]
    weights = fit(memory, drawn.tolist())
    known = list(structure_formats.read(parsed.known))
    given = [one.sequence for one in known]
    result: dict[str, object] = {"weights": weights.round(2).tolist()}
    folders: dict[str, folding_programs.Folder] = {
        "relatives": relatives.Relatives(memory=memory),
        "ViennaRNA": vienna.Vienna(),
    }
    for name, folder in folders.items():
        start = time.perf_counter()
        folded = folder.fold(given)
        seconds = time.perf_counter() - start
        counts_N4 = np.array(
            [
                pair_scores.count(one.structure, record.structure)
                for one, record in zip(folded, known, strict=True)
                if record.structure is not None
            ]
        )
        f1 = float(pair_scores.f1(counts_N4).mean())
        result[name] = {"f1": round(f1, 4), "seconds": round(seconds, 1)}
    if shutil.which("mmseqs"):
        start = time.perf_counter()
        mmseqs.search(given, memory.sequences, mmseqs.Settings(0.4, 0.5, 0))
        result["MMseqs2"] = {"seconds": round(time.perf_counter() - start, 1)}
    print(json.dumps(result | {"known": len(known), "memory": len(memory.names)}))


if __name__ == "__main__":
    main()
