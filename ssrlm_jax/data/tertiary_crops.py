"""Chains of known structure -> batches of crops; pure functions of the seed.

Chains are read from PDB and mmCIF files. What was not seen is masked, and gaps in the
numbers of a chain stay gaps. Batch n is the same whatever was read before, so a run
goes on from any. Axes: T slots of atoms (rna/atoms.py), E width of embeddings.
Angstrom.
"""

import collections
import dataclasses
import logging
import math
import pathlib
from collections.abc import Iterator, Sequence

import numpy as np

from ssrlm_jax import config, types
from ssrlm_jax.rna import (
    atoms,
    coordinates,
    formats,
    pair_annotation,
    pair_kinds,
    structures,
)

MAX_GAP = 1_000  # nucleotides; numbers of authors may jump by more

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, eq=False)
class Structure:
    """One RNA chain.

    Attributes:
      name: file and chain, such as "1EHZ_A".
      letters: A C G U, N where unknown; with those that were not seen, where the file
        names them.
      index_L: int32, rising; numbers that are missing were cut out.
      xyz_LT3: float32, zeros where there is no atom.
      is_atom_LT: bool.
      pairs_N2: int, base pairs of the classes that fold RNA: Watson-Crick edges, cis.
      date: of release, "" where unknown.
    """

    name: str
    letters: str
    index_L: np.ndarray
    xyz_LT3: np.ndarray
    is_atom_LT: np.ndarray
    pairs_N2: np.ndarray
    date: str = ""

    def __len__(self) -> int:
        return len(self.letters)


def read(names: str, settings: config.StructuresConfig) -> list[Structure]:
    """Reads chains, and counts in the log what is left out.

    Args:
      names: directories or files, separated by commas.
      settings: limits of length, resolution and completeness.

    Raises:
      ValueError: there is no such file, none is a structure, or none can be used.
    """
    found: list[Structure] = []
    dropped: collections.Counter[str] = collections.Counter()
    others: collections.Counter[str] = collections.Counter()
    for path in files(names):
        try:
            entry = coordinates.read(path)
        except ValueError as error:
            _log.info("%s", error)
            dropped["files that cannot be read"] += 1
            continue
        others.update(one.reason for one in entry.others)
        if not entry.chains:
            for one in entry.others:
                _log.info("%s: %s: %s", path, one.name, one.why)
        if entry.resolution > settings.max_resolution:  # false for nan
            why = f"chains beyond {settings.max_resolution} angstrom"
            dropped[why] += len(entry.chains)
            continue
        for structure in of_entry(entry):
            if why := _unusable(structure, settings):
                dropped[why] += 1
            else:
                found.append(structure)
    told = [f"{count} {why} left out" for why, count in dropped.items()]
    told += [f"{count} left out: {why}" for why, count in others.items()]
    for what in told:
        _log.info("%s: %s", names, what)
    if not found:
        raise ValueError(f"{names}: no chain can be used: {'; '.join(told)}")
    return found


def read_to_exclude(names: str) -> list[Structure]:
    """Reads chains that others must not be like, of whatever length and quality.

    Args:
      names: directories or files, separated by commas.

    Raises:
      ValueError: of a file or a chain of RNA no letters can be read, so nothing would
        be kept away from it; or there is no RNA.
    """
    found = []
    for path in files(names):
        entry = coordinates.read(path)
        unread = [f"{one.name}: {one.why}" for one in entry.others if one.is_unread]
        unread += [
            f"{chain.own_name}: {chain.letters.count('N')} of "
            f"{len(chain.letters)} letters are unknown"
            for chain in entry.chains
            if 2 * chain.letters.count("N") > len(chain.letters)
        ]
        if unread:
            raise ValueError(
                f"{path}: nothing could be kept away from chain {'; '.join(unread)}; "
                "give the file with all atoms, or leave it out"
            )
        found += of_entry(entry)
    if not found:
        raise ValueError(f"{names}: there is no RNA to keep away from")
    return found


def any_quality(min_length: int = 1, max_length: int = 0) -> config.StructuresConfig:
    """Returns settings that let in chains of any quality; 0: of any length, too."""
    return config.StructuresConfig(
        min_length=min_length,
        max_length=max_length or 10**9,
        max_resolution=np.inf,
        min_seen=0.0,
    )


def files(names: str) -> list[pathlib.Path]:
    """Returns structure files of names separated by commas; as `coordinates.find`."""
    return coordinates.find([name for name in names.split(",") if name])


def of_entry(entry: coordinates.Entry) -> list[Structure]:
    """Returns the chains of a file, with their base pairs."""
    annotated = pair_annotation.annotate(entry.chains)
    return [
        _of_chain(entry, number, chain, annotated)
        for number, chain in enumerate(entry.chains)
    ]


def record(structure: Structure) -> formats.Record:
    """Returns a chain's letters and base pairs, as tables hold them."""
    folded = structures.Structure(len(structure), structure.pairs_N2)
    return formats.Record(structure.name, structure.letters, folded)


def _of_chain(
    entry: coordinates.Entry,
    number: int,
    chain: coordinates.Chain,
    annotated: Sequence[pair_kinds.Pair],
) -> Structure:
    xyz_LT3, is_atom_LT = atoms.place(
        chain.letters, chain.residue_N, chain.name_N, chain.xyz_N3
    )
    index_L = np.arange(len(chain.letters), dtype=np.int32)
    for position, skipped in chain.gaps:
        # What was not seen counts as skipped positions: neighbours across a gap
        # are no neighbours.
        index_L[position + 1 :] += min(max(skipped, 1), MAX_GAP)
    own = {
        (pair.i, pair.j)
        for pair in annotated
        if pair.chain == pair.other == number and pair.edges == "cWW"
    }
    return Structure(
        f"{entry.id}_{chain.own_name}",
        chain.letters,
        index_L,
        xyz_LT3,
        is_atom_LT,
        np.array(sorted(own), np.int64).reshape(-1, 2),
        entry.date,
    )


def _unusable(structure: Structure, settings: config.StructuresConfig) -> str:
    """Returns why a chain is left out, or ""."""
    length = len(structure)
    if length < settings.min_length:
        return f"chains shorter than {settings.min_length} nt"
    if length > settings.max_length:
        return f"chains longer than {settings.max_length} nt"
    wanted = sum(
        len(atoms.NAMES.get(letter, atoms.BACKBONE)) for letter in structure.letters
    )
    if structure.is_atom_LT.sum() < settings.min_seen * wanted:
        return f"chains with less than {settings.min_seen:.0%} of their atoms"
    return ""


@dataclasses.dataclass(frozen=True, eq=False)
class Crops:
    """Chains that are drawn by weight, and cut.

    Attributes:
      structures: at least one.
      embeddings: of each, float32 or bfloat16 (L, E).
      cluster_N: number of the cluster of each.
      settings: sizes.
    """

    structures: Sequence[Structure]
    embeddings: Sequence[np.ndarray]
    cluster_N: np.ndarray
    settings: config.StructuresConfig

    def __str__(self) -> str:
        """Says what a log should."""
        lengths = [len(structure) for structure in self.structures]
        return (
            f"{len(lengths):,} chains of {min(lengths)} to {max(lengths)} nt in "
            f"{len(np.unique(self.cluster_N)):,} clusters"
        )

    def length_of(self, structure: Structure) -> int:
        """Returns what a chain is padded to."""
        cut = min(len(structure), self.settings.crop)
        return math.ceil(cut / self.settings.step) * self.settings.step

    def batches(
        self,
        seed: int,
        process: int,
        num_processes: int,
        loss: config.LossConfig,
        start: int,
    ) -> Iterator[types.Batch]:
        """Yields one process's share of the batches from number `start` on, forever.

        All chains of a batch are padded to one length: it is drawn first, by the
        weight of the chains that have it.
        """
        _, member_N, size_N = np.unique(
            self.cluster_N, return_inverse=True, return_counts=True
        )
        # Between one draw a cluster and one a chain: ribosomes have thousands
        # of chains.
        weight_N = 1.0 / np.sqrt(size_N[member_N])
        length_N = np.array([self.length_of(s) for s in self.structures])
        size = self.settings.batch_size // num_processes
        number = start
        while True:
            # By the number of the batch: a resumed run draws what an uninterrupted
            # one does.
            rng = np.random.default_rng((seed, number))
            length = length_N[rng.choice(len(length_N), p=weight_N / weight_N.sum())]
            chosen_N = np.flatnonzero(length_N == length)
            share_N = weight_N[chosen_N] / weight_N[chosen_N].sum()
            drawn = rng.choice(chosen_N, self.settings.batch_size, p=share_N)
            at = rng.random(self.settings.batch_size)
            is_clamped_B = rng.random(self.settings.batch_size) < loss.clamped_share
            # Errors are large at first: clamped, they would give no gradient.
            is_clamped_B &= number >= loss.unclamped_steps
            mine = slice(process * size, (process + 1) * size)
            examples = [
                self._example(int(n), int(length), float(a))
                for n, a in zip(drawn[mine], at[mine], strict=True)
            ]
            yield _stacked(examples) | {"is_clamped": is_clamped_B[mine]}
            number += 1

    def longest(self, size: int) -> types.Batch:
        """Returns a batch of the longest chain."""
        index = max(range(len(self.structures)), key=lambda n: len(self.structures[n]))
        length = self.length_of(self.structures[index])
        batch = _stacked([self._example(index, length, 0.0)] * size)
        return batch | {"is_clamped": np.zeros(size, bool)}

    def whole(self) -> Iterator[tuple[int, types.Batch]]:
        """Yields every chain once, whole: its index and a batch of one."""
        for index, structure in enumerate(self.structures):
            step = self.settings.step
            length = math.ceil(len(structure) / step) * step
            batch = example(
                structure, self.embeddings[index], 0, len(structure), length
            )
            yield index, _stacked([batch]) | {"is_clamped": np.zeros(1, bool)}

    def _example(self, index: int, length: int, at: float) -> types.Batch:
        structure = self.structures[index]
        cut = min(len(structure), self.settings.crop)
        first = int(at * (len(structure) - cut + 1))
        return example(structure, self.embeddings[index], first, cut, length)


def example(
    structure: Structure, embedding_LE: np.ndarray, first: int, cut: int, length: int
) -> types.Batch:
    """Returns a piece of a chain, padded.

    Args:
      structure: the chain.
      embedding_LE: of the whole chain.
      first: position of the piece from 0.
      cut: nucleotides of it.
      length: to pad to.

    Returns:
      `embedding` float32 (length, E), `kind` and `index` int32, `is` bool (length,),
      `xyz` float32 (length, T, 3), `is_atom` bool, `pair` bool (length, length).
    """
    part = slice(first, first + cut)
    kind_L = atoms.encode(structure.letters[part])
    pair_LM = np.zeros((length, length), bool)
    # Pairs that leave the piece are dropped, as at the cuts of windows.
    i, j = structure.pairs_N2.T - first
    is_inside = (i >= 0) & (j < cut)
    pair_LM[i[is_inside], j[is_inside]] = pair_LM[j[is_inside], i[is_inside]] = True

    def padded(x: np.ndarray, value: int = 0) -> np.ndarray:
        widths = [(0, length - cut)] + [(0, 0)] * (x.ndim - 1)
        return np.pad(x, widths, constant_values=value)

    return {
        "embedding": padded(np.asarray(embedding_LE[part], np.float32)),
        "kind": padded(np.where(kind_L < 0, 4, kind_L).astype(np.int32), 4),
        "index": padded(structure.index_L[part] - structure.index_L[first]),
        "is": padded(np.ones(cut, bool)),
        "xyz": padded(structure.xyz_LT3[part]),
        "is_atom": padded(structure.is_atom_LT[part]),
        "pair": pair_LM,
    }


def _stacked(examples: Sequence[types.Batch]) -> types.Batch:
    return {name: np.stack([e[name] for e in examples]) for name in examples[0]}


def split(
    cluster_N: np.ndarray, share: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Splits whole clusters.

    Returns:
      Places of the members for training and for validation, rising.

    Raises:
      ValueError: there are too few clusters to split.
    """
    names = np.unique(cluster_N)
    held_out = np.random.default_rng(seed).permutation(names)[
        : max(1, round(share * len(names)))
    ]
    is_held_N = np.isin(cluster_N, held_out)
    if is_held_N.all():
        raise ValueError(
            f"{len(names)} clusters cannot be split: name data.validation instead"
        )
    return np.flatnonzero(~is_held_N), np.flatnonzero(is_held_N)
