"""Result files of structures and embeddings; nothing else writes them.

A file appears whole or not at all: it is written beside its place and renamed. What
was there before is an error unless the caller says that it gives way. Positions in
files count from 1.
"""

import contextlib
import json
import pathlib
import re
import types
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any

import numpy as np

from ssrlm_jax import files
from ssrlm_jax.infer import pair_confidence
from ssrlm_jax.rna import formats, probabilities, strands, structure_formats, structures

JSON_FILE = "predictions.jsonl"
PAIRED_ONCE = ("ct", "bpseq", "dbn")  # they hold one partner of a nucleotide
ONE_STRAND = ("prob", "ct", "bpseq")
FORMATS = ("json", "prob", *PAIRED_ONCE)
ON_STREAM = ("dbn", "json")  # one record may follow another
NAMES, EMBEDDING = "names", "embedding"  # arrays of a table of embeddings
_UNSAFE = re.compile(r"[^A-Za-z0-9._+=@-]|^\.")
_MOST_LETTERS = 100  # of a file's name; systems take 255 bytes
_DIGITS = 4  # of a probability in JSON

_Probabilities = probabilities.PairProbabilities
About = Mapping[str, Any]  # more fields of a record's JSON, by name


def named_formats(text: str, known: Sequence[str] = FORMATS) -> tuple[str, ...]:
    """Reads names of formats, separated by commas.

    Raises:
      ValueError: one that is not known, or none.
    """
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    for name in names:
        if name not in known:
            raise ValueError(f"format {name!r} is not one of {', '.join(known)}")
    return names


def check_writable(record: formats.Record, names: Sequence[str]) -> None:
    """Checks that formats can hold a record and its structure.

    Raises:
      ValueError: a nucleotide has several partners and a format holds one; there are
        two strands and a format holds one.
    """
    structure = structure_formats.structure_of(record)
    _, num_dropped = structures.partners(structure)
    lost = [name for name in names if name in PAIRED_ONCE]
    if num_dropped and lost:
        raise ValueError(
            f"{num_dropped} of {len(structure.pairs)} pairs share a nucleotide with "
            f"another, which {', '.join(lost)} cannot hold; json and prob can"
        )
    lost = [name for name in names if name in ONE_STRAND]
    if record.breaks and lost:
        raise ValueError(
            f"two strands, which {', '.join(lost)} cannot hold; dbn and json can"
        )


def as_dot_bracket(
    record: formats.Record,
    listed: _Probabilities,
    about: About = types.MappingProxyType({}),
) -> str:
    """Returns three lines: `>name` and how sure it is, sequence, structure.

    Args:
      record: has a structure; of two strands, '&' stands between them.
      listed: probabilities of its pairs.
      about: of its "relatives" the first is named, where there are any; its
        "expected_f1" goes before what the probabilities promise.

    Raises:
      ValueError: a base triple, or more crossings than there are brackets.
    """
    check_writable(record, ["dbn"])
    structure = structure_formats.structure_of(record)
    dots = strands.marked(structures.to_dot_bracket(structure), record.breaks)
    promised = pair_confidence.expected_f1(structure, listed)
    expected = about.get("expected_f1", promised)
    header = f">{record.name} expected F1 {expected:.2f}"
    for one in about.get("relatives", ())[:1]:
        share = f"{one['identity']:.0%} equal, {one['aligned']:.0%} aligned"
        header += f", like {one['name']} ({share})"
    sequence = strands.marked(record.sequence, record.breaks)
    return f"{header}\n{sequence}\n{dots}\n"


def as_json(record: formats.Record, listed: _Probabilities, about: About) -> str:
    """Returns one line: the record, its pairs from 1 and how probable each is.

    `dot_bracket` is null where it cannot hold the structure, `mean_probability` where
    there are no pairs. A pair that is not listed has the probability 0. Of two strands
    '&' stands between them, and the letters of both are counted through.

    Args:
      record: has a structure.
      listed: probabilities of its pairs.
      about: more fields, such as the model.
    """
    structure = structure_formats.structure_of(record)
    probability_P = pair_confidence.of_pairs(structure, listed).astype(float)
    try:
        dots = strands.marked(structures.to_dot_bracket(structure), record.breaks)
    except ValueError:
        dots = None
    mean = round(float(probability_P.mean()), _DIGITS) if len(probability_P) else None
    fields = {
        "name": record.name,
        "sequence": strands.marked(record.sequence, record.breaks),
        "dot_bracket": dots,
        "pairs": (structure.pairs + 1).tolist(),
        "probabilities": probability_P.round(_DIGITS).tolist(),
        "mean_probability": mean,
        "expected_f1": round(pair_confidence.expected_f1(structure, listed), _DIGITS),
    }
    return json.dumps(fields | dict(about)) + "\n"


class Structures:
    """Writes predicted structures into a directory, as they come.

    A file for each record and format, `name.ct` and so on; all lines of JSON go into
    `predictions.jsonl`, which ends in `.unfinished` until all are written. In names
    of files letters other than A-Z a-z 0-9 . _ + = @ - and a leading dot become '_';
    names that are equal get '-2', '-3' and so on. Use it as a context.
    """

    def __init__(
        self,
        directory: pathlib.Path,
        names: Sequence[str],
        *,
        with_plots: bool = False,
        is_replaced: bool = False,
    ) -> None:
        """Checks that results can be written; writes nothing yet.

        Args:
          directory: is made where it is missing.
          names: of formats, of FORMATS.
          with_plots: whether pictures are drawn, all of `plots.PICTURES`.
          is_replaced: whether files of the same name give way.

        Raises:
          ValueError: the directory is a file, or holds something.
          ImportError: something that pictures need is not installed.
        """
        files.check_directory(directory, is_replaced=is_replaced)
        if with_plots:
            from ssrlm_jax.infer import canvas

            canvas.check_installed()
        self._directory = directory
        self._names = tuple(names)
        self._with_plots = with_plots
        self._stems = FreeNames(str.lower)  # some systems ignore case
        self._lines: IO[str] | None = None

    def __enter__(self) -> "Structures":
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        if self._lines is None:
            return
        path = self._directory / JSON_FILE
        if error is None:
            with files.whole(path), self._lines:
                pass
            return
        # Lines that are there are whole, but for the last one on a full disk.
        with contextlib.suppress(OSError):
            self._lines.close()
        if issubclass(error, OSError) and not issubclass(error, BrokenPipeError):
            files.discard(path)

    def add(
        self,
        record: formats.Record,
        listed: _Probabilities,
        about: About,
    ) -> None:
        """Writes one record in every format that can hold it.

        Args:
          record: has a structure.
          listed: probabilities of its pairs.
          about: more fields of its JSON, such as the model.

        Raises:
          ValueError: a format cannot hold the structure; the others are written.
        """
        structure = structure_formats.structure_of(record)
        self._directory.mkdir(parents=True, exist_ok=True)
        stem = self._stems.take(file_stem(record.name))
        _, num_dropped = structures.partners(structure)
        for name in FORMATS:  # dot-bracket last: many crossings stop it alone
            is_lost = bool(num_dropped) and name in PAIRED_ONCE
            is_lost |= bool(record.breaks) and name in ONE_STRAND
            if name in self._names and not is_lost:
                self._write(name, stem, record, listed, about)
        if self._with_plots and not record.breaks:
            self._draw(stem, record, listed, about.get("reactivities"))
        check_writable(record, self._names)
        if self._with_plots and record.breaks:
            raise ValueError("no pictures are drawn of two strands")

    def _write(
        self,
        name: str,
        stem: str,
        record: formats.Record,
        listed: _Probabilities,
        about: About,
    ) -> None:
        if name == "json":
            path = self._directory / JSON_FILE
            try:
                if self._lines is None:
                    self._lines = files.beside(path).open("w", encoding="utf-8")
                self._lines.write(as_json(record, listed, about))
                self._lines.flush()
            except OSError as error:
                raise files.cannot(path, error) from error
        elif name == "prob":
            path = self._directory / f"{stem}.prob"
            probabilities.write(path, record.name, record.sequence, listed)
        else:
            _WRITERS[name](self._directory / f"{stem}.{name}", record)

    def _draw(
        self,
        stem: str,
        record: formats.Record,
        listed: _Probabilities,
        reactivity_L: Sequence[float | None] | None,
    ) -> None:
        from ssrlm_jax.infer import canvas, plots  # few ask for pictures

        for name, draw in plots.PICTURES.items():
            figure = draw(record, listed)
            if reactivity_L is not None and name in plots.WITH_REACTIVITIES:
                colored = plots.WITH_REACTIVITIES[name]
                figure = colored(record, listed, reactivity_L=reactivity_L)
            canvas.write(figure, self._directory, f"{stem}.{name}")


class Embeddings:
    """Writes embeddings into one npz file; use it as a context.

    Embeddings (L, D) become an array for each record under its name; a name that
    comes again gets '-2', '-3' and so on. Embeddings (D,) become one table
    `embedding` and the `names` of its rows. Without records there is no file.
    """

    def __init__(self, path: pathlib.Path, *, is_replaced: bool = False) -> None:
        """Checks that the file can be written; see `check_file`."""
        files.check_file(path, is_replaced=is_replaced)
        self._path = path
        self._keys = FreeNames()
        self._names: list[str] = []
        self._rows: list[np.ndarray] = []
        self._archive: zipfile.ZipFile | None = None
        self._exits = contextlib.ExitStack()

    def __enter__(self) -> "Embeddings":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        if error is not None:
            self._exits.__exit__(kind, error, trace)
            return
        with self._exits:
            if self._rows:
                self._put(NAMES, np.array(self._names))
                self._put(EMBEDDING, np.stack(self._rows))

    def add(self, name: str, embedding: np.ndarray) -> None:
        """Adds a record: (L, D) is written at once, (D,) at the end."""
        if embedding.ndim == 1:
            self._names.append(name)
            self._rows.append(embedding)
        else:
            self._put(self._keys.take(name), embedding)

    def _put(self, key: str, array: np.ndarray) -> None:
        if self._archive is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            part = self._exits.enter_context(files.whole(self._path))
            self._archive = self._exits.enter_context(zipfile.ZipFile(part, "w"))
        member = zipfile.ZipInfo(f"{key}.npy")  # without the time: same in, same out
        with self._archive.open(member, "w", force_zip64=True) as file:
            np.lib.format.write_array(file, np.ascontiguousarray(array))


class FreeNames:
    """Gives every name once: the second 'x' is 'x-2', the third 'x-3'."""

    def __init__(self, key: Callable[[str], str] = str) -> None:
        self._key = key
        self._count: dict[str, int] = {}

    def take(self, name: str) -> str:
        free = name
        while self._key(free) in self._count:
            self._count[self._key(name)] += 1
            free = f"{name}-{self._count[self._key(name)]}"
        self._count[self._key(free)] = 1
        return free


def file_stem(name: str) -> str:
    """Returns a record's name as that of a file."""
    return _UNSAFE.sub("_", name[:_MOST_LETTERS]) or "_"


_WRITERS: dict[str, Callable[[formats.Path, formats.Record], None]] = {
    "ct": structure_formats.write_ct,
    "bpseq": structure_formats.write_bpseq,
    "dbn": structure_formats.write_dbn,
}
