"""Chains → unique ones, and these into sets that share no similar sequences.

Of chains that are the same the one of the best resolution stays. What clustering
misses of neighbours is searched for before the sets are drawn.
"""

import dataclasses
import os
from collections.abc import Sequence

import numpy as np

from ssrlm_jax import config
from ssrlm_jax.external import mmseqs
from ssrlm_jax.prepare.pdb import chain_tables
from ssrlm_jax.prepare.sets import grouping

SPLITS = ("train", "validation", "test")
Record = chain_tables.Record
Dropped = tuple[str, str, str]


def clusters(
    given: Sequence[str], identity: float, settings: config.PdbConfig
) -> np.ndarray:
    """Returns the group of each sequence; equal ones are together in any case."""
    distinct = list(dict.fromkeys(given))
    group_N = np.arange(len(distinct))
    if settings.cluster.method == "mmseqs":
        group_N = mmseqs.cluster(distinct, _mmseqs(identity, settings))
    place = {letters: number for number, letters in enumerate(distinct)}
    return group_N[[place[letters] for letters in given]]


def _mmseqs(identity: float, settings: config.PdbConfig) -> mmseqs.Settings:
    return mmseqs.Settings(
        identity,
        settings.cluster.coverage,
        settings.cluster.coverage_mode,
        num_threads=settings.executor.num_workers or os.cpu_count() or 1,
        path=settings.cluster.program,
    )


def _best(records: Sequence[Record], group_N: np.ndarray) -> dict[int, Record]:
    """Returns the best seen record of each group."""
    best: dict[int, Record] = {}
    for record, group in zip(records, group_N.tolist(), strict=True):
        if group not in best or _worth(record) < _worth(best[group]):
            best[group] = record
    return best


def _worth(record: Record) -> tuple[float, float, int, str]:
    """Orders records: resolution, share seen, length, id."""
    share = len(record.missing) / len(record.sequence)
    return record.resolution or np.inf, share, -len(record.sequence), record.id


def unique(
    records: Sequence[Record], settings: config.PdbConfig
) -> tuple[list[Record], list[Dropped]]:
    """Returns one record of each cluster of the same, and the others with reasons."""
    identity = settings.cluster.unique_identity
    group_N = clusters([r.sequence for r in records], identity, settings)
    best = _best(records, group_N)
    dropped = [
        (record.id, f"same at {identity:.0%} identity", best[group].id)
        for record, group in zip(records, group_N.tolist(), strict=True)
        if best[group] is not record
    ]
    return list(best.values()), dropped


def divided(records: Sequence[Record], settings: config.PdbConfig) -> list[Record]:
    """Fills cluster, split and fold; the members of similar clusters share a split."""
    letters = [record.sequence for record in records]
    cluster_N = clusters(letters, settings.cluster.identity, settings)
    best = _best(records, cluster_N)
    links_P2 = np.empty((0, 2), np.int64)
    if settings.cluster.method == "mmseqs":  # what clustering misses of neighbours
        hits = mmseqs.search(
            letters, letters, _mmseqs(settings.cluster.identity, settings)
        )
        links_P2 = np.stack([hits["query"], hits["target"]], axis=-1)
    group_N = grouping.merged(cluster_N, links_P2)
    is_used_N = np.array(
        [
            settings.split.members == "all" or best[cluster] is record
            for record, cluster in zip(records, cluster_N.tolist(), strict=True)
        ]
    )
    shares = [getattr(settings.split, name) for name in SPLITS]
    set_N = np.full(len(records), -1)
    set_N[is_used_N] = grouping.dealt(group_N[is_used_N], shares, settings.seed)
    has_family_N = np.array([bool(record.family) for record in records])
    fold_N = np.full(len(records), -1)
    if has_family_N.any():
        named = np.array([record.family for record in records])[has_family_N]
        num_folds = settings.split.num_folds
        fold_N[has_family_N] = grouping.dealt(named, [1] * num_folds, settings.seed)
    return [
        dataclasses.replace(
            record,
            cluster=best[cluster].id,
            split=SPLITS[number] if number >= 0 else "",
            fold=str(fold + 1) if fold >= 0 else "",
        )
        for record, cluster, number, fold in zip(
            records, cluster_N.tolist(), set_N.tolist(), fold_N.tolist(), strict=True
        )
    ]
