"""Known structures and files of predictions, as `ssrlm evaluate3d` reads them.

One rule: what is not used is named, with the reason. Strands of a known structure that
pair with each other are scored as one, others on their own.
"""

import dataclasses
import logging
import pathlib
import re
from collections.abc import Mapping, Sequence

import numpy as np

from ssrlm_jax import config
from ssrlm_jax.data import tertiary_crops
from ssrlm_jax.metrics import assembly, confidence
from ssrlm_jax.rna import coordinates, matching, pair_annotation, pair_kinds

MIN_PAIRS = (
    2  # canonical, between two strands that are one structure: crystals make ...
)
# ... neighbours of copies, which share one at most
MIN_LAID = 0.5  # of the smaller of prediction and known structure, to belong together

_log = logging.getLogger("ssrlm_jax")


@dataclasses.dataclass(frozen=True, eq=False)
class Sample:
    """A predicted structure.

    Attributes:
      file: below the directory of the method; of a file of several models with the
        number of this one behind it: "all.pdb:2".
      structure: its strands of RNA.
      wrong: why it counts as nothing; "" where it does not.
    """

    file: str
    structure: assembly.Assembly
    wrong: str = ""


def read_known(settings: config.Evaluate3dConfig) -> dict[str, assembly.Assembly]:
    """Reads known structures, by name; one of each sequence, the first.

    Raises:
      ValueError: nothing is left to score, or two have one name.
    """
    found: dict[str, assembly.Assembly] = {}
    known: dict[tuple[str, ...], str] = {}
    left_out: list[str] = []
    for path in tertiary_crops.files(settings.truth):
        try:
            entry = coordinates.read(path)
            units = _units(entry, settings.is_by_chain)
        except ValueError as error:
            left_out.append(str(error))
            continue
        left_out += [f"{path}: chain {one.name}: {one.why}" for one in entry.others]
        if entry.num_models > 1:
            left_out.append(f"{path}: its models 2 to {entry.num_models}")
        for strands in units:
            name = f"{entry.id}_{'+'.join(one.own_name for one in strands)}"
            letters = tuple(sorted(one.letters for one in strands))
            why = _unfit(letters, settings)
            if letters in known:
                why = f"its letters are those of {known[letters]}"
            if why:
                left_out.append(f"{name}: {why}")
                continue
            if name in found:
                raise ValueError(
                    f"{settings.truth}: two structures are {name}; rename a file"
                )
            known[letters] = name
            found[name] = assembly.assemble(name, strands)
    for text in left_out:
        _log.info("truth: left out: %s", text)
    if not found:
        raise ValueError(
            f"{settings.truth}: no structure is left to score: {_few(left_out)}"
        )
    _log.info("%d structures are scored", len(found))
    return found


def _unfit(letters: Sequence[str], settings: config.Evaluate3dConfig) -> str:
    length = sum(map(len, letters))
    if any("N" in one for one in letters):
        return "a letter of it is unknown"
    if length < settings.min_length:
        return f"{length} nt, shorter than min_length={settings.min_length}"
    if settings.max_length and length > settings.max_length:
        return f"{length} nt, longer than max_length={settings.max_length}"
    return ""


def _units(
    entry: coordinates.Entry, is_by_chain: bool
) -> list[tuple[coordinates.Chain, ...]]:
    """Returns strands that belong together, in the order of the file."""
    unit_N = np.arange(len(entry.chains))
    if not is_by_chain and len(unit_N) > 1:
        num_NN = np.zeros((len(unit_N), len(unit_N)), int)
        for pair in pair_annotation.annotate(entry.chains):
            first, second = entry.chains[pair.chain], entry.chains[pair.other]
            letters = first.letters[pair.i], second.letters[pair.j]
            if pair_kinds.kind(*letters, pair.edges) != pair_kinds.KINDS[2]:
                num_NN[pair.chain, pair.other] += 1
        for one, other in np.argwhere(num_NN >= MIN_PAIRS):
            unit_N[unit_N == unit_N[other]] = unit_N[one]
    return [
        tuple(entry.chains[n] for n in np.flatnonzero(unit_N == unit))
        for unit in dict.fromkeys(unit_N.tolist())
    ]


def read_predictions(
    directory: pathlib.Path, *, has_plddt: bool
) -> tuple[list[Sample], dict[str, str]]:
    """Reads files of predictions, in an order in which sample 2 comes before 10.

    Each model of a file is a sample.

    Args:
      directory: searched to the bottom.
      has_plddt: whether B columns may hold confidence.

    Returns:
      Samples, and why other files are none.

    Raises:
      ValueError: there is no structure file.
    """
    samples: list[Sample] = []
    unread: dict[str, str] = {}
    paths = tertiary_crops.files(str(directory))
    for path in sorted(paths, key=lambda p: _natural(str(p.relative_to(directory)))):
        name = str(path.relative_to(directory))
        try:
            for number, entry in enumerate(coordinates.models(path), 1):
                own = f"{name}:{number}" if entry.num_models > 1 else name
                if entry.chains:
                    samples.append(_sample(own, entry, has_plddt))
                else:
                    others = [f"chain {one.name}: {one.why}" for one in entry.others]
                    unread[own] = f"no strand of RNA: {_few(others)}"
        except ValueError as error:
            unread[name] = str(error).removeprefix(f"{path}: ")
    return samples, unread


def _sample(name: str, entry: coordinates.Entry, has_plddt: bool) -> Sample:
    plddt_L = None
    if has_plddt and not entry.wrong:
        plddt_L = confidence.of_column(
            [one.b_N for one in entry.chains],
            [one.residue_N for one in entry.chains],
            [len(one.letters) for one in entry.chains],
        )
    structure = assembly.assemble(name, entry.chains, plddt_L)
    if entry.wrong:
        empty = structure.model.without_atoms()
        structure = dataclasses.replace(structure, model=empty)
    return Sample(name, structure, entry.wrong)


def _natural(text: str) -> list[tuple[int, str]]:
    """Returns a key by which numbers in names are in order."""
    parts = re.split(r"(\d+)", text)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]


def assign(
    known: Mapping[str, assembly.Assembly], samples: Sequence[Sample]
) -> tuple[dict[str, list[tuple[Sample, assembly.Edges]]], dict[str, str]]:
    """Tells which known structures predictions are of.

    A file is of all structures from which the fewest of its letters differ; where its
    path names some of them, of those. A structure without a file takes the files that
    differ more.

    Returns:
      By name of the structure, its samples in their order; and why files are not used.
    """
    taken: dict[str, list[tuple[Sample, assembly.Edges]]] = {n: [] for n in known}
    others: dict[str, list[tuple[float, Sample, assembly.Edges]]] = {}
    unused: dict[str, str] = {}
    for sample in samples:
        fits = {}
        for name, one in known.items():
            found = assembly.edges(one, sample.structure)
            share = _differs(one, sample.structure, found)
            if share is not None:
                fits[name] = (share, sample, found)
        if not fits:
            strands = sample.structure.strands
            lengths = ", ".join(f"{one.name} {len(one.letters)} nt" for one in strands)
            unused[sample.file] = f"no known structure has its sequence ({lengths})"
            continue
        least = min(share for share, *_ in fits.values())
        nearest = [name for name, (share, *_) in fits.items() if share == least]
        named = [name for name in nearest if _names(sample.file, name)]
        for name, fit in fits.items():
            if name in (named or nearest):
                taken[name].append(fit[1:])
            else:
                others.setdefault(name, []).append(fit)
    for name, fits_of in others.items():
        if not taken[name]:
            least = min(share for share, *_ in fits_of)
            taken[name] = [fit[1:] for fit in fits_of if fit[0] == least]
    return taken, unused


def _differs(
    known: assembly.Assembly, predicted: assembly.Assembly, found: assembly.Edges
) -> float | None:
    """Returns the share of letters that differ; None where too few are laid."""
    best: list[list[matching.Matched]] = [[], []]  # of known, of predicted strands
    for role, one in enumerate((known, predicted)):
        for index in range(len(one.strands)):
            edges = [edge for indices, edge in found.items() if indices[role] == index]
            best[role] += sorted(edges, key=lambda edge: edge.num_same)[-1:]
    num_same = min(sum(edge.num_same for edge in edges) for edges in best)
    num_other = sum(edge.num_other for edge in best[0])
    num_laid = num_other + sum(edge.num_same for edge in best[0])
    sizes = [
        sum(int(one.is_seen_L.sum()) for one in x.strands) for x in (known, predicted)
    ]
    if not num_same or num_same < MIN_LAID * min(sizes):
        return None
    return num_other / num_laid


def _names(file: str, name: str) -> bool:
    """Tells whether a path names the file of a known structure."""
    word = re.escape(name.rpartition("_")[0])
    return bool(re.search(rf"(?<![a-z0-9]){word}(?![0-9])", file, re.IGNORECASE))


def _few(texts: Sequence[str]) -> str:
    return "; ".join(texts[:3]) + ("; ..." if len(texts) > 3 else "")
