"""The packed row, its on-disk form, and the manifest of a corpus.

A corpus is a directory of ArrayRecord shards, one row a record, and a
`manifest.json` that says what they hold. The manifest is written last: a
directory without one is not a corpus, and a shard that the manifest does not
describe is not read.

A row on disk is, in this order and little-endian: its length L as uint16, two
bytes of format, token uint8[L], segment uint8[L], partner int16[L], and the ids
of its records as UTF-8 text, one in a line.
"""

import collections
import contextlib
import dataclasses
import hashlib
import json
import os
import pathlib
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
from array_record.python import array_record_module

from ssrlm_jax import files, types
from ssrlm_jax.rna import alphabet

SPLITS = ("train", "validation")
SOURCES = ("ncrna", "other")  # a source's place here is its number in a batch
MANIFEST = "manifest.json"
MAKE_AGAIN = "remove {0} and give the command that made it once more"
HOW_TO_MAKE = "ssrlm prepare_corpus --ncrna=YOUR.fa --out="

_FORMAT = 1
_HEADER_BYTES = 4


class Row(NamedTuple):
    """Several records, each between `<cls>` and `<eos>`, side by side.

    Attributes:
      token_L: uint8, letters of rna/alphabet.py; 0 after the last record.
      partner_L: int16, place in the row of the paired nucleotide; -1: none, or
        unknown.
      segment_L: uint8, 1.. for the records in order, with their `<cls>` and
        `<eos>`; 0: padding.
      ids: of the records; part of a longer record ends in `:first-last`, from 1.
    """

    token_L: np.ndarray
    partner_L: np.ndarray
    segment_L: np.ndarray
    ids: tuple[str, ...] = ()


def encode_row(row: Row) -> bytes:
    """Writes a row as bytes."""
    # Raw arrays, compressed by the shard: decoding is a view, not a parse, and a core
    # reads millions of tokens a second.
    header = np.array([len(row.token_L), _FORMAT], "<u2")
    return b"".join(
        (
            header.tobytes(),
            row.token_L.astype(np.uint8, copy=False).tobytes(),
            row.segment_L.astype(np.uint8, copy=False).tobytes(),
            row.partner_L.astype("<i2", copy=False).tobytes(),
            "\n".join(row.ids).encode(),
        )
    )


def decode_row(data: bytes) -> Row:
    """Reads a row; its arrays are read-only views of `data`.

    Raises:
      ValueError: `data` is not a row.
    """
    length = data[0] | data[1] << 8 if len(data) >= _HEADER_BYTES else 0
    end = _HEADER_BYTES + 4 * length
    if length == 0 or data[2] | data[3] << 8 != _FORMAT or len(data) < end:
        raise ValueError(f"{len(data)} bytes are not a row of format {_FORMAT}")
    text = data[end:]
    return Row(
        np.frombuffer(data, np.uint8, length, _HEADER_BYTES),
        np.frombuffer(data, "<i2", length, _HEADER_BYTES + 2 * length),
        np.frombuffer(data, np.uint8, length, _HEADER_BYTES + length),
        tuple(text.decode().split("\n")) if text else (),
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shard:
    """What the manifest says of one file of rows.

    Attributes:
      path: relative to the corpus.
      num_records: as packed; windows of long records count each.
      num_nucleotides: A C G U and N.
      num_tokens: nucleotides, `<cls>` and `<eos>`.
      hash: BLAKE2b-128 of the file, in hexadecimal.
    """

    path: str
    split: str
    source: str
    num_rows: int
    num_records: int
    num_nucleotides: int
    num_tokens: int
    num_bytes: int
    hash: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Stage:
    """One step from raw files to rows: records in, out, and why others left."""

    name: str
    num_in: int
    num_out: int
    dropped: Mapping[str, int] = dataclasses.field(default_factory=dict)
    changed: Mapping[str, int] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a corpus holds and how it was made.

    Attributes:
      row_length: tokens of every row.
      max_segments: no row holds more records.
      how: settings and inputs.
    """

    row_length: int
    max_segments: int
    shards: tuple[Shard, ...]
    stages: tuple[Stage, ...] = ()
    how: types.Json = dataclasses.field(default_factory=dict)

    def select(self, split: str, source: str) -> tuple[Shard, ...]:
        """Returns the shards of one split and source, in order; maybe none."""
        return tuple(s for s in self.shards if (s.split, s.source) == (split, source))

    def totals(self, split: str, source: str) -> dict[str, int]:
        """Adds up rows, records, nucleotides, tokens and bytes."""
        # All numbers that can be added up are named so; a new one is added up, too.
        names = [f.name for f in dataclasses.fields(Shard) if f.name[:4] == "num_"]
        chosen = self.select(split, source)
        return {name: sum(getattr(shard, name) for shard in chosen) for name in names}

    def fill(self, split: str, source: str) -> float:
        """Returns tokens / positions of a split and source; nan without rows."""
        totals = self.totals(split, source)
        positions = totals["num_rows"] * self.row_length
        return totals["num_tokens"] / positions if positions else float("nan")


def unmeasured(manifest: Manifest) -> str:
    """Returns a line on the sources that train but have no held-out rows, or ""."""
    missing = [
        source
        for source in SOURCES
        if manifest.totals("train", source)["num_rows"]
        and not manifest.totals("validation", source)["num_rows"]
    ]
    if not missing:
        return ""
    return (
        f"NO HELD-OUT ROWS of {' and '.join(missing)}: nothing will be measured there. "
        "Families are held out whole, while they fit into validation_share of the "
        "records: make the corpus with a larger validation_share, or with a "
        "family_pattern that finds smaller families or none"
    )


def write_manifest(corpus: str | os.PathLike[str], manifest: Manifest) -> None:
    """Writes manifest.json, beside first and then renamed."""
    content = dataclasses.asdict(manifest)
    # The alphabet, since rows hold ids: with another order of letters they would be
    # read without an error, as other sequences.
    content = {"format": _FORMAT, "alphabet": list(alphabet.LETTERS)} | content
    files.write_text(
        pathlib.Path(corpus) / MANIFEST, json.dumps(content, indent=1) + "\n"
    )


def read_manifest(corpus: str | os.PathLike[str]) -> Manifest:
    """Reads what a corpus holds; no shard is opened.

    Raises:
      ValueError: there is no corpus here, or not one that this version reads.
    """
    path = pathlib.Path(corpus) / MANIFEST
    if not path.is_file():
        raise ValueError(
            f"there is no corpus in {corpus} (no {MANIFEST}); "
            f"make one with: {HOW_TO_MAKE}{corpus}"
        )
    try:
        content = json.loads(path.read_text())
        found = (content.pop("format"), tuple(content.pop("alphabet")))
        shards = tuple(Shard(**shard) for shard in content.pop("shards"))
        stages = tuple(Stage(**stage) for stage in content.pop("stages"))
        manifest = Manifest(shards=shards, stages=stages, **content)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path} is damaged ({type(error).__name__}: {error}); "
            f"{MAKE_AGAIN.format(corpus)}"
        ) from error
    if found != (_FORMAT, alphabet.LETTERS):
        raise ValueError(
            f"{path}: format {found[0]} with alphabet {' '.join(found[1])} was found, "
            f"format {_FORMAT} with alphabet {' '.join(alphabet.LETTERS)} is read"
        )
    return manifest


def open_corpus(
    corpus: str | os.PathLike[str],
    *,
    row_length: int | None = None,
    with_hashes: bool = False,
) -> Manifest:
    """Reads a manifest and checks that the shards are those it describes.

    Args:
      corpus: directory.
      row_length: tokens of a row that the caller asks for; None: any.
      with_hashes: read every shard and compare its hash; else compare sizes.

    Raises:
      ValueError: there is no corpus, its rows have another length, or a shard is
        missing or damaged.
    """
    manifest = read_manifest(corpus)
    if row_length not in (None, manifest.row_length):
        raise ValueError(
            f"{corpus} holds rows of {manifest.row_length} tokens, {row_length} were "
            f"asked for; set data.row_length={manifest.row_length} or make another "
            f"corpus with: {HOW_TO_MAKE}... --config.row_length={row_length}"
        )
    # Sizes by default: they tell a copy that was cut off, and cost no reading.
    for shard in manifest.shards:
        _check_shard(pathlib.Path(corpus), shard, with_hashes)
    return manifest


def _check_shard(corpus: pathlib.Path, shard: Shard, with_hashes: bool) -> None:
    path = corpus / shard.path
    again = f"copy it again, or {MAKE_AGAIN.format(corpus)}"
    if not path.is_file():
        raise ValueError(f"{path} is missing; {again}")
    size = path.stat().st_size
    if size != shard.num_bytes:
        raise ValueError(
            f"{path} has {size} bytes, the manifest says {shard.num_bytes}: "
            f"it is cut off or was changed; {again}"
        )
    if with_hashes and hash_file(path) != shard.hash:
        raise ValueError(f"{path} is not what was written (other hash); {again}")


def hash_file(path: str | os.PathLike[str]) -> str:
    """Returns the BLAKE2b-128 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(
            file, lambda: hashlib.blake2b(digest_size=16)
        ).hexdigest()


def shard_paths(
    corpus: str | os.PathLike[str], manifest: Manifest, split: str, source: str
) -> list[str]:
    """Returns the files of one split and source, in order; maybe none."""
    return [os.path.join(corpus, s.path) for s in manifest.select(split, source)]


def read_rows(path: str | os.PathLike[str]) -> Iterator[Row]:
    """Yields the rows of one shard in order.

    Raises:
      ValueError: the file is no shard, or is damaged.
    """
    try:
        reader = array_record_module.ArrayRecordReader(os.fspath(path))
        for index in range(reader.num_records()):
            # A range: a list of one index takes time that grows with the shard.
            yield decode_row(reader.read(index, index + 1)[0])
        reader.close()
    except (RuntimeError, IndexError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"{path} cannot be read as rows: {reason}") from error


class ShardWriter:
    """Writes one shard; used by `with`, after which `shard` describes it."""

    def __init__(
        self,
        corpus: str | os.PathLike[str],
        split: str,
        source: str,
        index: int,
        num_shards: int,
    ) -> None:
        """Opens `split/source-index-of-num_shards.arrayrecord` under `corpus`."""
        self._place = (split, source)
        self._name = f"{split}/{source}-{index:05d}-of-{num_shards:05d}.arrayrecord"
        self._path = pathlib.Path(corpus) / self._name
        self._beside = files.beside(self._path)
        self._counts: collections.Counter[str] = collections.Counter()
        self.shard: Shard | None = None

    def __enter__(self) -> "ShardWriter":
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = array_record_module.ArrayRecordWriter(
            # Each row alone: training reads them in any order, and of a larger group
            # would unpack all for one.
            os.fspath(self._beside),
            "group_size:1,zstd:1",
        )
        return self

    def write(self, row: Row) -> None:
        """Adds a row."""
        num_tokens = int(np.count_nonzero(row.segment_L))
        num_records = int(row.segment_L.max(initial=0))  # they are numbered from 1
        self._call(self._writer.write, encode_row(row))
        self._counts.update(
            num_rows=1,
            num_records=num_records,
            num_nucleotides=num_tokens - 2 * num_records,
            num_tokens=num_tokens,
        )

    def _call(self, function: Callable[..., object], *given: object) -> None:
        """Calls the writer; a full disk is an OSError that names the file."""
        # ArrayRecord raises a RuntimeError of many lines for whatever fails.
        try:
            function(*given)
        except RuntimeError as error:
            reason = str(error).splitlines()[0]
            raise OSError(f"{self._path} cannot be written: {reason}") from error

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is not None:
            with contextlib.suppress(RuntimeError):  # the first error is reported
                self._writer.close()
            files.discard(self._path)
            return
        # The name last: a file that has it is whole, however the process ended.
        self._call(self._writer.close)
        self._beside.replace(self._path)
        split, source = self._place
        names = ("num_rows", "num_records", "num_nucleotides", "num_tokens")
        self.shard = Shard(
            path=self._name,
            split=split,
            source=source,
            num_bytes=self._path.stat().st_size,
            hash=hash_file(self._path),
            **{name: self._counts[name] for name in names},
        )
