"""Records that are at hand → a corpus directory.

It is written beside and renamed at the end: a directory with the asked name is a
whole corpus. Files become a corpus by build_corpus.py.
"""

import os
import pathlib
from collections.abc import Iterable, Mapping

import numpy as np

from ssrlm_jax import files
from ssrlm_jax.data import rows
from ssrlm_jax.prepare.corpus import pack, windows
from ssrlm_jax.rna import alphabet, formats, structures


def write_corpus(
    out: str | os.PathLike[str],
    records: Mapping[tuple[str, str], Iterable[formats.Record]],
    *,
    row_length: int,
    max_segments: int = 64,
    tail_share: float = 0.125,
    seed: int = 0,
    how: Mapping[str, object] | None = None,
) -> rows.Manifest:
    """Writes records as a corpus: one shard for each split and source.

    Args:
      out: directory to make; its parents are made too.
      records: by (split, source). Nothing is left out but what holds no A C G U.
      row_length: tokens of a row.
      max_segments: records of a row, at most.
      tail_share: of a row; what the last window of a long record holds, at least.
      seed: of the order of rows.
      how: recorded in the manifest.

    Raises:
      ValueError: `out` exists; a record has a wrong letter or no letter.
    """
    directory = pathlib.Path(out)
    if directory.exists():
        raise ValueError(f"{directory} exists; name another directory or remove it")
    shape = pack.Shape(row_length=row_length, max_segments=max_segments, seed=seed)
    longest, shortest = pack.window_lengths(row_length, tail_share)
    collector = windows.Collector()
    shards = []
    num_in = 0
    with files.whole_directory(directory) as beside:
        for (split, source), chosen in records.items():
            for number, record in enumerate(chosen):
                token_L, partner_L = _encoded(record)
                ends = windows.cuts(len(token_L), longest, shortest)
                collector.add(record.name, token_L, partner_L, ends, number)
                num_in += 1
            place = (split, source, 0, 1)
            shards.append(pack.write_shard(beside, place, [collector.windows()], shape))
            collector.clear()
        num_out = sum(shard.num_records for shard in shards)
        stage = rows.Stage(
            name="pack", num_in=num_in, num_out=num_out, changed=dict(collector.counts)
        )
        manifest = rows.Manifest(
            row_length=row_length,
            max_segments=max_segments,
            shards=tuple(shards),
            stages=(stage,),
            how=dict(how or {}),
        )
        rows.write_manifest(beside, manifest)
    return manifest


def _encoded(record: formats.Record) -> tuple[np.ndarray, np.ndarray | None]:
    """Returns the tokens of a record and, where known, their partners."""
    where = record.place or f"record {record.name!r}"
    if not record.sequence:
        raise ValueError(f"{where}: a record without a sequence")
    try:
        token_L, _ = alphabet.encode(record.sequence)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error
    if record.structure is None:
        return token_L, None
    return token_L, structures.partners(record.structure)[0]
