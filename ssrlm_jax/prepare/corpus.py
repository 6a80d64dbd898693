"""Records → a corpus directory.

`write_corpus` takes records that are at hand; `build` (the command
launch/prepare_corpus.py) takes files. Either writes beside and renames at the end:
a directory with the asked name is a whole corpus.
"""

import os
import pathlib
import shutil
from collections.abc import Iterable, Mapping
from typing import Any

from ssrlm_jax.data import rows
from ssrlm_jax.prepare import pack, windows
from ssrlm_jax.rna import alphabet, formats
from ssrlm_jax.rna import structure as structures

UNFINISHED = ".unfinished"


def write_corpus(
    out: str | os.PathLike[str],
    records: Mapping[tuple[str, str], Iterable[formats.Record]],
    *,
    row_length: int,
    max_segments: int = 64,
    seed: int = 0,
    how: Mapping[str, Any] | None = None,
) -> rows.Manifest:
    """Writes records as a corpus: one shard for each split and source.

    Args:
      out: directory to make; its parents are made too.
      records: by (split, source). Nothing is left out but what holds no A C G U.
      row_length: tokens of a row.
      max_segments: records of a row, at most.
      seed: of the order of rows.
      how: recorded in the manifest.

    Raises:
      ValueError: `out` exists; a record has a wrong letter or no letter.
    """
    directory = pathlib.Path(out)
    if directory.exists():
        raise ValueError(f"{directory} exists; name another directory or remove it")
    beside = directory.with_name(directory.name + UNFINISHED)
    shutil.rmtree(beside, ignore_errors=True)
    shape = pack.Shape(row_length=row_length, max_segments=max_segments, seed=seed)
    collector = windows.Collector(row_length - pack.NUM_SPECIAL)
    shards = []
    num_in = 0
    for (split, source), chosen in records.items():
        for number, record in enumerate(chosen):
            _collect(collector, record, number)
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
    beside.replace(directory)
    return manifest


def _collect(collector: windows.Collector, record: formats.Record, number: int) -> None:
    where = record.place or f"record {record.name!r}"
    if not record.sequence:
        raise ValueError(f"{where}: a record without a sequence")
    try:
        token_L, _ = alphabet.encode(record.sequence)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error
    structure = record.structure
    partner_L = None if structure is None else structures.partners(structure)[0]
    collector.add(record.name, token_L, partner_L, number)
