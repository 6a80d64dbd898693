"""Pairs that relatives of an RNA have: known structures, aligned to it, vote.

A memory is RNA with known structures. A sequence is aligned to all of it (Smith and
Waterman, by PyOpal), and the best alignments say of each two of its letters whether
those they stand on are paired. No structure is compared, so what is far and only folds
alike is not found. It is one source of evidence among others (`external.energies`):
where nothing is near it says little, and some of that is wrong.
"""

import dataclasses
import functools
import gzip
import hashlib
import math
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from types import ModuleType
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from ssrlm_jax import files
from ssrlm_jax.external import cores, folded, programs, sequences
from ssrlm_jax.rna import (
    alphabet,
    decode,
    formats,
    probabilities,
    structures,
    textfile,
)

if TYPE_CHECKING:
    import pyopal

Score = TypeVar("Score", float, np.ndarray)

NAME = "relatives"
VERSION = 2  # of what is computed here
FILE = "relatives.tsv.gz"  # of a directory that holds a model which reads them
_COLUMNS = ("id", "sequence", "dotbracket")

_LETTERS = "ACGUN"
# RIBOSUM85-60 for single letters, doubled and rounded: Klein and Eddy 2003, BMC
# Bioinformatics 4:44. A letter N costs a little beside any.
_SCORES = (
    (4, -4, -3, -3, -2),
    (-4, 2, -5, -2, -2),
    (-3, -5, 2, -3, -2),
    (-3, -2, -3, 3, -2),
    (-2, -2, -2, -2, -2),
)
_GAP_OPEN, _GAP_EXTEND = 8, 1
_LAMBDA = 0.396  # nats of a unit of score: Karlin and Altschul 1990, even letters

_BEST = 20  # alignments that vote, for each begun ...
_STRETCH = 500  # ... so many nucleotides
_LEAST_NATS = 4.0  # of an alignment that votes; best on validation (docs/models.md)
_BY_CHANCE = 8.0  # nats; an alignment with more is hardly between strangers
_KEPT = 512  # sequences whose relatives are not looked for again
_AGAINST = 0.5  # votes that a pair has against it from the start
# From what is known of an alignment (`_features`) to the logit of the share of its
# pairs that are right: fitted by benchmarks/relatives.py.
_WEIGHTS = (-10.06, 0.49, 0.48, 2.57, 10.20)


@dataclasses.dataclass(frozen=True)
class Memory:
    """RNA with known structures.

    Attributes:
      names: of the records.
      sequences: letters A C G U N.
      dots: dot-bracket, of the lengths of the sequences.
    """

    names: tuple[str, ...]
    sequences: tuple[str, ...]
    dots: tuple[str, ...]

    @property
    def rows(self) -> Iterator[tuple[str, str, str]]:
        """Name, sequence and dot-bracket of each record."""
        return zip(self.names, self.sequences, self.dots, strict=True)

    @functools.cached_property
    def digest(self) -> str:
        """Tells one memory from another, whatever its names are."""
        text = "\n".join([*self.sequences, *self.dots])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @functools.cached_property
    def size(self) -> int:
        """Nucleotides of all records."""
        return sum(map(len, self.sequences))


def remember(records: Iterable[formats.Record]) -> Memory:
    """Returns records as a memory; of base triples the first pair.

    Those without a pair, or without a letter that is known, are left out.

    Raises:
      ValueError: a letter that is not of RNA.
    """
    rows = []
    for record in records:
        if record.structure is None or not len(record.structure.pairs):
            continue
        try:
            letters = sequences.read(1, record.sequence)
        except ValueError as error:
            raise ValueError(f"{record.place or record.name}: {error}") from error
        dots = structures.to_dot_bracket(structures.without_triples(record.structure))
        rows.append((record.name, letters, dots))
    return _memory(rows)


def without(memory: Memory, unwanted: Set[bytes]) -> Memory:
    """Returns the records whose tokens (`alphabet.encode`) are not unwanted."""
    return _memory(
        row
        for row in memory.rows
        if alphabet.encode(row[1])[0].tobytes() not in unwanted
    )


def joined(memory: Memory, other: Memory) -> Memory:
    """Returns the records of both; of equal sequences those of `other`."""
    newer = set(other.sequences)
    rows = [row for row in memory.rows if row[1] not in newer]
    return _memory([*rows, *other.rows])


def write(path: formats.Path, memory: Memory) -> None:
    """Writes a memory as a table that every reader of structures reads, too."""
    text = "".join("\t".join(row) + "\n" for row in [_COLUMNS, *memory.rows])
    with files.whole(path) as part:
        part.write_bytes(gzip.compress(text.encode(), mtime=0))


def read(path: formats.Path) -> Memory:
    """Reads what `write` wrote, fast: structures are read when they are needed.

    Raises:
      ValueError: it is no such file.
    """
    rows = [line.decode().split("\t") for _, line in textfile.lines(path)]
    wrong = [row for row in rows if len(row) != len(_COLUMNS)]
    if wrong or rows[:1] != [list(_COLUMNS)]:
        raise ValueError(f"{path}: no table of {', '.join(_COLUMNS)}; make it again")
    return _memory(rows[1:])


def _memory(rows: Iterable[Sequence[str]]) -> Memory:
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    return Memory(*columns)


@dataclasses.dataclass(frozen=True)
class Relative:
    """A record of a memory, aligned to a sequence.

    Attributes:
      name: of the record.
      position: int32 (N,), of letters of the sequence that stand on a letter, from 0.
      partner: int32 (N,), the position that the record's structure pairs each of them
        with; -1 where it is not paired, or with a letter that is not aligned.
      identity: share of them that are the same letter, 0..1.
      features: what tells relatives from strangers.
    """

    name: str
    position: np.ndarray
    partner: np.ndarray
    identity: float
    features: tuple[float, ...]

    @property
    def confidence(self) -> float:
        """Probability of a pair that it says, 0..1."""
        logit = math.fsum(map(operator.mul, _WEIGHTS, self.features))
        return 1.0 / (1.0 + math.exp(-logit))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Relatives:
    """A folder; see `folding_programs.Folder`: the pairs that most relatives have.

    Attributes:
      memory: RNA with known structures.
      leaves_out_itself: whether a record that equals a sequence is no relative of it,
        as has to be where the memory is what a model is trained on.
      unseen: share of sequences, drawn by their letters, to which alignments that are
        no chance do not count: so that a model also sees what comes of strangers.

    Raises:
      ProgramError: PyOpal is not installed.
    """

    memory: Memory
    leaves_out_itself: bool = False
    unseen: float = 0.0

    def __post_init__(self) -> None:
        _library()

    def fold(
        self,
        given: Sequence[str],
        *,
        with_probabilities: bool = False,
        least: float = probabilities.LEAST,
    ) -> list[folded.Folded]:
        """Folds sequences; see `folding_programs.Folder`."""
        return folded.fold(NAME, given, self._predict, with_probabilities, least)

    def describe(self) -> dict[str, object]:
        """Returns program, version and settings, for manifests."""
        settings: dict[str, object] = {
            "program": NAME,
            "version": VERSION,
            "records": len(self.memory.names),
            "memory": self.memory.digest,
        }
        if self.leaves_out_itself:
            settings |= {"leaves_out_itself": True, "unseen": self.unseen}
        return settings

    def of(self, letters: str) -> list[Relative]:
        """Returns the relatives of a sequence that vote, the best alignment first.

        Args:
          letters: A C G U N, at least one.
        """
        return self._found(letters)

    @functools.cached_property
    def _found(self) -> Callable[[str], list[Relative]]:
        return functools.lru_cache(_KEPT)(self._search)

    def _search(self, letters: str) -> list[Relative]:
        if not self.memory.names:
            return []
        aligner, database = self._aligner
        # Scores of all, then whole alignments of the best: those cost many times
        # as much.
        found = aligner.align(letters, database, mode="score", overflow="simple")
        score_R = np.array([one.score for one in found], np.float64)
        if self.leaves_out_itself:
            same = [n for n, one in enumerate(self.memory.sequences) if one == letters]
            # In training a sequence is in the memory itself, and would vote for its
            # own answer.
            score_R[same] = 0.0
            if _draw(letters) < self.unseen:
                score_R[self._nats(score_R, letters) > _BY_CHANCE] = 0.0
        score_R[self._nats(score_R, letters) < _LEAST_NATS] = 0.0
        # More for long RNA, whose relatives may cover a part each.
        most = _BEST * math.ceil(len(letters) / _STRETCH)
        best = np.argsort(-score_R, kind="stable")[:most]
        best = best[score_R[best] > 0]
        if not len(best):
            return []
        aligned = aligner.align(letters, database.extract(best.tolist()), mode="full")
        # PyOpal gives them in an order of its own.
        aligned = sorted(aligned, key=lambda one: one.target_index)
        relatives = [
            self._relative(int(number), letters, one)
            for number, one in zip(best, aligned, strict=True)
        ]
        return [one for one in relatives if (one.partner >= 0).any()]

    @functools.cached_property
    def _aligner(self) -> "tuple[pyopal.Aligner, pyopal.Database]":
        library, matrices = _library()
        scores = matrices.ScoringMatrix(_SCORES, alphabet=_LETTERS)
        aligner = library.Aligner(scores, gap_open=_GAP_OPEN, gap_extend=_GAP_EXTEND)
        return aligner, library.Database(self.memory.sequences, alphabet=_LETTERS)

    def __getstate__(self) -> dict[str, object]:
        made = ("_aligner", "_found")  # when they are needed, in any process
        return {name: v for name, v in self.__dict__.items() if name not in made}

    def _nats(self, score: Score, letters: str) -> Score:
        """Returns how much a score is above what is expected of strangers."""
        return _LAMBDA * score - math.log(len(letters) * self.memory.size)

    def _relative(
        self, number: int, letters: str, aligned: "pyopal.FullResult"
    ) -> Relative:
        step = np.frombuffer(aligned.alignment.encode(), np.uint8)
        # D: a letter of the sequence beside a gap; I: one of the record.
        is_query, is_target = step != ord("I"), step != ord("D")
        query = aligned.query_start + np.cumsum(is_query) - 1
        target = aligned.target_start + np.cumsum(is_target) - 1
        is_both = is_query & is_target
        position, target = query[is_both].astype(np.int32), target[is_both]
        dots = self.memory.dots[number]
        partner_T, _ = structures.partners(structures.from_dot_bracket(dots))
        place_T = np.full(len(dots) + 1, -1, np.int32)  # the last: of -1, no partner
        place_T[target] = position
        partner = place_T[partner_T[target]]
        score = aligned.score
        return Relative(
            self.memory.names[number],
            position,
            partner,
            identity=float((step[is_both] == ord("M")).mean()),
            features=self._features(letters, score, len(dots), position, partner),
        )

    def _features(
        self,
        letters: str,
        score: int,
        target_length: int,
        position: np.ndarray,
        partner: np.ndarray,
    ) -> tuple[float, ...]:
        """Returns what tells relatives: 1, score, shares aligned, pairs that can be."""
        i, j = position[partner > position], partner[partner > position]
        can_pair = sum(
            letters[a] + letters[b] in decode.CANONICAL
            for a, b in zip(i.tolist(), j.tolist(), strict=True)
        )
        return (
            1.0,
            math.tanh(self._nats(score, letters) / 10.0),
            len(position) / len(letters),
            len(position) / target_length,
            (can_pair + 1) / (len(i) + 2),
        )

    def _predict(
        self, given: list[str], least: float | None
    ) -> list[folded.Prediction]:
        predict = functools.partial(self._predict_one, least=least)
        _ = self._aligner, self._found  # made once, not by each thread
        return cores.by_threads(predict, given)  # which PyOpal lets go on

    def _predict_one(self, letters: str, least: float | None) -> folded.Prediction:
        pair_P2, probability_P = vote(len(letters), self.of(letters))
        i, j = pair_P2.T.astype(np.int32)
        votes = probabilities.PairProbabilities(i, j, probability_P.astype(np.float32))
        kept = decode.decode(votes, letters, threshold=0.5)
        dots = structures.to_dot_bracket(kept)
        if least is None:
            return folded.Prediction(dots, None)
        listed = zip(*(pair_P2.T + 1).tolist(), probability_P.tolist(), strict=True)
        return folded.Prediction(dots, list(listed))


def vote(length: int, relatives: Sequence[Relative]) -> tuple[np.ndarray, np.ndarray]:
    """Returns what relatives say of pairs.

    Each says of the pairs of letters that are aligned: paired or not, with the odds of
    its confidence as votes.

    Args:
      length: of the sequence.
      relatives: of it.

    Returns:
      int (P, 2) pairs from 0, i < j, and float64 (P,) the share of the votes for each,
      0..1.
    """
    count = len(relatives)
    if not count:
        return np.empty((0, 2), np.int64), np.empty(0)
    odds_R = np.array([one.confidence / (1.001 - one.confidence) for one in relatives])
    is_aligned_RL = np.zeros((count, length), bool)
    codes, votes = [], []
    for number, one in enumerate(relatives):
        is_aligned_RL[number, one.position] = True
        is_first = one.partner > one.position
        codes.append(one.position[is_first].astype(np.int64) * length)
        codes[-1] += one.partner[is_first]
        votes.append(np.full(is_first.sum(), odds_R[number]))
    code_P, index_of = np.unique(np.concatenate(codes), return_inverse=True)
    for_P = np.bincount(index_of, np.concatenate(votes), len(code_P))
    i, j = np.divmod(code_P, length)
    heard_P = odds_R @ (is_aligned_RL[:, i] & is_aligned_RL[:, j])
    return np.stack([i, j], axis=1), for_P / (heard_P + _AGAINST)


def _draw(letters: str) -> float:
    """Returns a number of 0..1 for a sequence, the same at any time."""
    digest = hashlib.sha256(letters.encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2.0**64


def _library() -> tuple[ModuleType, ModuleType]:
    try:
        import pyopal
        import scoring_matrices
    except ImportError as error:
        raise programs.ProgramError(
            "PyOpal is not installed: pip install pyopal"
        ) from error
    return pyopal, scoring_matrices
