r"""How much reactivities help, with more and less noise; beside ViennaRNA.

  python benchmarks/evidence.py --truth=held_out.tsv --out=evidence.json
  python benchmarks/evidence.py --truth=weeks.dbn --reactivities=weeks.shape
  python benchmarks/evidence.py --truth=weeks.dbn --reactivities=weeks.shape --fit

Without --reactivities they are simulated: of a nucleotide without a partner drawn from
an exponential distribution with mean 0.6812, of one at the end of a helix and of one
that is stacked on both sides from generalised extreme value distributions with shape
0.821, scale 0.1139 and location 0.0901 (end), 0.763, 0.0493 and 0.0396 (stacked), which
Suekoesd et al. 2013 (Nucleic Acids Research 41(5), 2807) fitted to SHAPE data of 16S
and 23S rRNA of E. coli; values above 10 are 10. Noise is the share of values that
change places with each other at random; 1: all are shuffled. "perfect" is 0 for a
paired nucleotide and 2 for others.

F1 is the mean over RNAs, exact pairs. ViennaRNA: the least free energy of RNAfold with
the same reactivities, method and parameters. --trust tries weights of the
reactivities beside the model's own probabilities; --fit prints the curve that these
RNAs give, and --write puts it into a model directory. The seed is 0.
"""

import argparse
import dataclasses
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import report

from ssrlm_jax import config
from ssrlm_jax.external import vienna
from ssrlm_jax.infer import catalogue, known, loading, reactivity_curve
from ssrlm_jax.metrics import pair_scores
from ssrlm_jax.rna import (
    formats,
    likelihood,
    reactivity_formats,
    structure_formats,
    structures,
)

NOISE = (0.0, 0.25, 0.5, 1.0)
MEAN, MOST = 0.6812, 10.0
END, STACKED = (
    (0.821, 0.1139, 0.0901),
    (0.763, 0.0493, 0.0396),
)  # shape, scale, location
_Values = Sequence[np.ndarray | None]


class Result(NamedTuple):
    """Mean F1 of one kind of evidence."""

    evidence: str
    model: float
    vienna: float


def simulated(structure: structures.Structure, rng: np.random.Generator) -> np.ndarray:
    """Returns reactivities drawn by whether, and where in a helix, pairs are."""
    held = {(i, j) for i, j in structure.pairs.tolist()}
    value_L = rng.exponential(MEAN, structure.length)
    for i, j in held:
        is_inside = {(i - 1, j + 1), (i + 1, j - 1)} <= held
        value_L[[i, j]] = _extreme(STACKED if is_inside else END, rng, 2)
    return np.clip(value_L, 0.0, MOST).astype(np.float32)


def mixed(value_L: np.ndarray, noise: float, rng: np.random.Generator) -> np.ndarray:
    """Returns values of which a share changes places with each other."""
    found_L = value_L.copy()
    chosen = np.flatnonzero(rng.random(len(value_L)) < noise)
    found_L[chosen] = found_L[rng.permutation(chosen)]
    return found_L


def main() -> None:
    parsed = _arguments()
    records = _records(parsed)
    print(
        f"{len(records)} RNAs of {min(map(_length, records))}.."
        f"{max(map(_length, records))} nt, {parsed.truth.name}"
    )
    measured = _measured(parsed, records)
    if parsed.fit:
        _fit(records, measured, parsed)
        return
    orders = 0 if parsed.in_full else config.EvidenceConfig().orders
    plain = config.EvidenceConfig(method=parsed.method, orders=orders)
    rows = []
    kinds = {"none": [None] * len(records)} | _kinds(records, measured)
    programs = {
        name: _scored(records, _by_vienna(records, values, plain))
        for name, values in kinds.items()
    }
    predictor = loading.load(catalogue.find(parsed.model))
    for trust in parsed.trust:
        weights = (
            {} if trust is None else {"trust": trust, "trust_beside_energies": trust}
        )
        settings = dataclasses.replace(plain, **weights)
        print(f"trust {trust}\nevidence      model  ViennaRNA")
        for name, values in kinds.items():
            found = predictor.fold(
                [r.sequence for r in records], reactivities=values, settings=settings
            )
            score = _scored(records, [one.structure for one in found])
            rows.append(
                Result(name, score, programs[name])._asdict() | {"trust": trust}
            )
            print(f"{name:12} {score:6.3f}     {programs[name]:6.3f}", flush=True)
    if parsed.out:
        facts = {
            "truth": parsed.truth.name,
            "reactivities": parsed.reactivities.name if measured else "simulated",
            "model": parsed.model or "default",
            "method": parsed.method,
            "rnas": len(records),
            "results": rows,
        }
        machine = report.machine("ssrlm-jax", "ViennaRNA")
        report.write_file(parsed.out, facts | {"machine": machine})


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--truth", type=pathlib.Path, required=True)
    parser.add_argument("--reactivities", type=pathlib.Path)
    parser.add_argument("--model", "-m")
    parser.add_argument(
        "--method", default="deigan", choices=("deigan", "zarringhalam")
    )
    parser.add_argument("--trust", type=_trust, nargs="+", default=[None])
    parser.add_argument("--most", type=int, default=200, help="RNAs")
    parser.add_argument("--skip", type=int, default=0, help="RNAs before them")
    parser.add_argument("--max-length", type=int, default=150)
    parser.add_argument("--without", default="", help="names to leave out, by commas")
    parser.add_argument("--in-full", action="store_true", help="do not weigh values")
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--write", type=pathlib.Path, metavar="MODEL")
    parser.add_argument("--out", type=pathlib.Path)
    return parser.parse_args()


def _trust(text: str) -> float | None:
    return None if text == "own" else float(text)


def _records(parsed: argparse.Namespace) -> list[formats.Record]:
    left = set(parsed.without.split(","))
    found = [
        record
        for record in structure_formats.read(parsed.truth)
        if len(record.sequence) <= parsed.max_length
        and record.name not in left
        and len(structure_formats.structure_of(record).pairs)
    ]
    order = np.random.default_rng(0).permutation(len(found))
    chosen = order[parsed.skip : parsed.skip + parsed.most]
    return [found[place] for place in sorted(chosen)]


def _measured(
    parsed: argparse.Namespace, records: Sequence[formats.Record]
) -> dict[str, np.ndarray]:
    """Returns reactivities by name; none where they are to be simulated."""
    if parsed.reactivities is None:
        return {}
    profiles = {one.name: one for one in reactivity_formats.read(parsed.reactivities)}
    return {r.name: profiles[r.name].values(r.sequence) for r in records}


def _kinds(
    records: Sequence[formats.Record], measured: dict[str, np.ndarray]
) -> dict[str, _Values]:
    """Returns reactivities of all RNAs by what they are."""
    rng = np.random.default_rng(0)
    known_structures = [structure_formats.structure_of(r) for r in records]
    values = [
        measured[record.name] if measured else simulated(structure, rng)
        for record, structure in zip(records, known_structures, strict=True)
    ]
    kinds: dict[str, _Values] = {"perfect": []}
    kinds["perfect"] = [
        np.where(structures.partners(one)[0] < 0, 2.0, 0.0).astype(np.float32)
        for one in known_structures
    ]
    for noise in NOISE:
        kinds[f"noise {noise:g}"] = [mixed(value_L, noise, rng) for value_L in values]
    return kinds


def _by_vienna(
    records: Sequence[formats.Record], values: _Values, settings: config.EvidenceConfig
) -> list[structures.Structure]:
    return [
        vienna.Vienna(evidence=known.of(record.sequence, value_L, settings=settings))
        .fold([record.sequence])[0]
        .structure
        for record, value_L in zip(records, values, strict=True)
    ]


def _scored(
    records: Sequence[formats.Record], found: Sequence[structures.Structure]
) -> float:
    counts = [
        pair_scores.count(one, structure_formats.structure_of(record))
        for one, record in zip(found, records, strict=True)
    ]
    return float(pair_scores.f1(np.array(counts)).mean())


def _fit(
    records: Sequence[formats.Record],
    measured: dict[str, np.ndarray],
    parsed: argparse.Namespace,
) -> None:
    value_N = np.concatenate([measured[record.name] for record in records])
    is_paired_N = np.concatenate(
        [
            structures.partners(structure_formats.structure_of(record))[0] >= 0
            for record in records
        ]
    )
    ratios = likelihood.fitted(value_N, is_paired_N, config.KNOTS)
    number = int((~np.isnan(value_N)).sum())
    print(f"knots {config.KNOTS}\nratios {ratios}\n{number} nucleotides")
    if parsed.write:
        names = [record.name for record in records]
        about = {
            "fitted_to": names,
            "nucleotides": number,
            "reactivities": parsed.reactivities.name,
        }
        print(reactivity_curve.save(parsed.write, config.KNOTS, ratios, about))


def _extreme(
    parameters: tuple[float, float, float], rng: np.random.Generator, size: int
) -> np.ndarray:
    """Draws from a generalised extreme value distribution by its quantiles."""
    shape, scale, location = parameters
    return location + scale * ((-np.log(rng.random(size))) ** -shape - 1) / shape


def _length(record: formats.Record) -> int:
    return len(record.sequence)


if __name__ == "__main__":
    main()
