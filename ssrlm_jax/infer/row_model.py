"""A model at work on rows: probabilities of pairs and hidden states, as given.

Sequences are sorted by length within a window. The encoder gets them in rows, one
after the other, so that it computes hardly any padding and large products; the head
gets those of a row that are of nearly one length together, on a CPU each alone. Results
come in the order that was given. RNA whose map is too large is computed in strips of a
map that is kept (models/pair_strips.py), or in tiles (models/pair_tiles.py).
"""

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from ssrlm_jax import model_dir, types
from ssrlm_jax.external import energies, relatives
from ssrlm_jax.infer import known, memory, precision, row_threads, sequence_rows
from ssrlm_jax.models import (
    attention,
    encoders,
    heads,
    layerwise,
    pair_strips,
    pair_tiles,
    shapes,
)
from ssrlm_jax.rna import batches, probabilities, strands

T = TypeVar("T")

TILE = 1_024  # positions of a side, where a map is computed in tiles
# Numbers of a map of all channels that is computed in one piece, half a gigabyte in
# float32. Tiles cost more for each norm of the head, which needs a pass of its own.
MOST_AT_ONCE = 2**27
_UNTOLD = 2**31  # bytes of memory that there are where the system does not tell
_SPARE = 1.25  # of memory beside what a kept map takes, for others and for energies
_WIDE = 512  # of an encoder whose rows take longer than their compilation
LEAST_KNOWN = 1e-3  # of a pair that evidence may make probable
# Sequences that are sorted by length together: few at first, so that answers come soon;
# the last stays.
WINDOWS = (8, 64, 256)


@dataclasses.dataclass(frozen=True)
class Held:
    """What is known of sequences, by their places from 1.

    Attributes:
      evidence: of those that have some.
      said: what folding programs say of their pairs, where the head reads it; of
        those of a window.
    """

    evidence: dict[int, known.Evidence] = dataclasses.field(default_factory=dict)
    said: dict[int, tuple[energies.Listed, ...]] = dataclasses.field(
        default_factory=dict
    )


class RowModel:
    """Networks and energies of a model.

    Attributes:
      energies: what its head reads of programs and relatives; None: nothing.
      encoder_params: parameters of the encoder, its layers apart.
      precision: in which encoder and head multiply.
    """

    def __init__(
        self,
        description: model_dir.Description,
        params: types.Params,
        *,
        dtype: str,
        tile: int | None,
        memory: relatives.Memory | None,
    ) -> None:
        """Builds the networks, and checks that the parameters are theirs.

        Arguments and errors as of `predictors.Predictor`.
        """
        self.precision = precision.choose(dtype, description.architecture.width)
        self._tile = self._at_once = tile or TILE
        self._is_tiled = tile is not None
        self._attention = attention.choose("auto", jax.devices()[0]).name
        self._encoder = encoders.Encoder(
            **dataclasses.asdict(description.architecture),
            dtype=self.precision.encoder,
            attend=attention.plain,  # see _encoder_for
        )
        self._head = self.energies = None
        if description.head is not None:
            self._head = heads.build(description.head, self.precision.head)
            if tile is None and isinstance(self._head, heads.PairHead):
                most = math.isqrt(MOST_AT_ONCE // self._head.channels)
                self._at_once = max(TILE, most)
            self.energies = energies.build(description.head, memory=memory)
        if not description.has_parts:
            params = {"encoder": params}
        params = {name: part for name, part in params.items() if name != "folding"}
        shapes.check(layerwise.stacked_shapes(params), self._encoder, self._head)
        self.encoder_params = layerwise.apart(params["encoder"])
        self._head_params = jax.tree.map(jnp.asarray, params.get("pair_head"))

    @property
    def max_length(self) -> int | None:
        """Nucleotides of the longest RNA that the encoder takes; None: any."""
        positions = self._encoder.max_positions
        return positions - 2 if positions else None  # <cls> and <eos>

    @property
    def max_fold_length(self) -> int | None:
        """Nucleotides of the longest RNA that the head takes, too; None: any."""
        limits = [self.max_length]
        if isinstance(self._head, heads.ScoreHead):
            limits.append(self._tile)
        if self.energies is not None:
            limits.append(self.energies.max_length)
        return min((one for one in limits if one is not None), default=None)

    @property
    def max_joined_length(self) -> int | None:
        """Nucleotides of the longest two strands, as above; 0: none."""
        most = self.max_fold_length
        limits = [most and most - len(self._linker)]
        if self.energies is not None:
            limits.append(self.energies.max_joined_length)
        return min((one for one in limits if one is not None), default=None)

    @property
    def _linker(self) -> str:
        """Letters between two strands; "": energies say where the second begins."""
        return strands.LINKER if self.energies is None else ""

    def pair_head(self) -> heads.Head:
        """Returns the head; a ValueError where there is none."""
        if self._head is None:
            raise ValueError(
                "the model has no head that predicts pairs; make one with "
                "`ssrlm finetune`, or use `ssrlm contacts`, which needs none"
            )
        return self._head

    @property
    def _limits(self) -> sequence_rows.Limits:
        is_packed = not self._encoder.has_pair_bias  # which is a map of a whole row
        most = self._encoder.max_positions or sequence_rows.ROW
        row = min(sequence_rows.ROW, most, self._at_once + 2) if is_packed else 0
        at_once = min(self._at_once, self.max_length or self._at_once)
        # On a CPU maps of several RNAs are computed no faster together than one by one,
        # and each number of them is compiled anew.
        pairs = 0 if jax.default_backend() == "cpu" else sequence_rows.PAIRS
        return sequence_rows.Limits(
            *(row, at_once, self.max_length, self._linker, pairs),
            is_filled=self._encoder.width < _WIDE,
        )

    def in_order(
        self,
        sequences: Iterable[str],
        compute: Callable[[sequence_rows.Row], list[T]],
        max_length: int | None,
        max_joined_length: int | None,
        prepare: Callable[[list[tuple[int, str]]], None] = lambda window: None,
    ) -> Iterator[tuple[str, T]]:
        """Yields sequences and results, in the order given.

        Args:
          sequences: in any order of lengths.
          compute: a row to a result for each of its sequences; by several threads.
          max_length: nucleotides of the longest one that is accepted; None: any.
          max_joined_length: of two strands; 0: one strand is accepted.
          prepare: gets a window of numbered sequences before its rows are computed.
        """
        numbered = enumerate(sequences, 1)
        sizes = itertools.chain(WINDOWS, itertools.repeat(WINDOWS[-1]))
        while window := sequence_rows.window(numbered, next(sizes)):
            for number, sequence in window:
                sequence_rows.check(number, sequence, max_length, max_joined_length)
            prepare(window)
            rows = list(sequence_rows.make(window, self._limits))
            found = row_threads.computed(rows, compute, self._at_once**2)
            results: dict[int, T] = {}
            for row, of_row in zip(rows, found, strict=True):
                results |= dict(zip(row.numbers, of_row, strict=True))
            for number, sequence in window:
                yield sequence, results.pop(number)

    def _encoder_for(self, longest: int) -> encoders.Encoder:
        """Returns the encoder for rows of records of up to `longest` tokens."""
        return self._encoder.clone(attend=attention.in_use(self._attention, longest))

    def ask_programs(self, held: Held, window: Sequence[tuple[int, str]]) -> None:
        """Has folding programs say what the head reads of sequences, all at once.

        Args:
          held: gets what they say.
          window: numbered sequences.
        """
        if self.energies is None:
            return
        numbers, sequences = zip(*window, strict=True)
        evidence = [held.evidence.get(number) for number in numbers]
        found = self.energies(sequences, evidence)
        held.said.clear()  # of the window before
        held.said.update(zip(numbers, found, strict=True))

    def pairs_of_row(
        self, held: Held, row: sequence_rows.Row
    ) -> list[probabilities.PairProbabilities]:
        """Returns what the head says of the pairs of each sequence of a row.

        Args:
          held: what is known of them.
          row: of sequences; a long one has it alone.
        """
        if len(row.sequences[0]) > self._at_once:
            return [self._pairs_of_long(held, row)]
        token_BL, segment_BL, starts = batches.pack(row.sequences, row.length)
        head, encoder = self.pair_head(), self._encoder_for(row.longest)
        x: jax.Array | np.ndarray
        if isinstance(head, heads.ScoreHead):
            state = layerwise.run(encoder, self.encoder_params, token_BL, segment_BL)
            assert state.score_BHLM is not None, "its encoder has scores"
            x = state.score_BHLM
        else:
            x_BLD = layerwise.hidden(encoder, self.encoder_params, token_BL, segment_BL)
            x = np.asarray(x_BLD[0])
        found = []
        for group in sequence_rows.groups(row, self._limits):
            start_B, length_B = sequence_rows.filled(
                row.sequences, starts, group.indices
            )
            if isinstance(head, heads.ScoreHead):
                letters = slice(1, group.length + 1)  # the row holds no other sequence
                part = x[:, :, letters, letters]
            else:
                part = sequence_rows.parts(x, start_B, length_B, group.length)
            energy_BLMS = self._energy_maps(held, row, group, len(start_B))
            probability_BLM = np.asarray(
                sequence_rows.pair_probabilities(
                    head, self._head_params, part, length_B, energy_BLMS
                )
            )
            # Not strict: the batch is filled up to a power of two with empty ones.
            for index, matrix_LM in zip(group.indices, probability_BLM, strict=False):
                n = len(row.sequences[index])
                matrix_LM = self._finite(matrix_LM[:n, :n])
                least = _least(held.evidence.get(row.numbers[index]))
                listed = probabilities.from_matrix(matrix_LM, least)
                found.append(self._unlinked(listed, row.given[index]))
        return found

    def _unlinked(
        self, listed: probabilities.PairProbabilities, given: str
    ) -> probabilities.PairProbabilities:
        """Returns what is said of letters that were given."""
        for start in strands.split(given)[1]:
            listed = probabilities.without(listed, start, len(self._linker))
        return listed

    def _energy_maps(
        self, held: Held, row: sequence_rows.Row, group: sequence_rows.Group, size: int
    ) -> np.ndarray | None:
        """Returns energy_BLMS of a group, filled up with empty maps, if it is read."""
        if self.energies is None:
            return None
        found = [held.said[row.numbers[index]] for index in group.indices]
        nothing = (probabilities.from_pairs([]),) * len(found[0])
        found += [nothing] * (size - len(found))
        return probabilities.to_maps(found, group.length)

    def _pairs_of_long(
        self, held: Held, row: sequence_rows.Row
    ) -> probabilities.PairProbabilities:
        token_BL, segment_BL, _ = batches.pack(row.sequences, row.length)
        encoder = self._encoder_for(row.longest)
        x_BLD = layerwise.hidden(encoder, self.encoder_params, token_BL, segment_BL)
        # Without <cls>; the last is <eos> or padding, which `length` cuts off.
        x_LD, length = x_BLD[0, 1:-1], len(row.sequences[0])
        head, params = self.pair_head(), self._head_params
        assert isinstance(head, heads.PairHead), "max_fold_length keeps others away"
        from scipy import special  # type: ignore[import-untyped]  # a fifth of a second

        (number,) = row.numbers
        listed = held.said.get(number, ())
        if not self._is_tiled and _is_kept(head, length):
            tiles = pair_strips.logits(head, params, x_LD, length, listed)
        else:
            tiles = pair_tiles.logits(head, params, x_LD, self._tile, length, listed)
        # Not by JAX, which compiles for each size of the last tiles.
        parts = (
            (tile.row, tile.column, self._finite(special.expit(tile.logits_LM)))
            for tile in tiles
        )
        found = probabilities.from_tiles(parts, _least(held.evidence.get(number)))
        return self._unlinked(found, row.given[0])

    def embed_row(
        self, layer: int, pool: str, row: sequence_rows.Row
    ) -> list[np.ndarray]:
        """Returns hidden states of each sequence of a row, as `Predictor.embed`."""
        token_BL, segment_BL, starts = batches.pack(row.sequences, row.length)
        encoder = self._encoder_for(row.longest)
        if layer == -1:
            x_BLD = layerwise.hidden(encoder, self.encoder_params, token_BL, segment_BL)
        else:
            first = self.encoder_params._replace(
                layers=self.encoder_params.layers[:layer]
            )
            x_BLD = layerwise.run(encoder, first, token_BL, segment_BL).x_BLD
        state_LD = np.asarray(x_BLD[0], np.float32)
        found = []
        for sequence, start in zip(row.sequences, starts, strict=True):
            letters_LD = state_LD[start : start + len(sequence)]
            pooled = {
                "mean": letters_LD.mean(0),
                "cls": state_LD[start - 1],
                "none": letters_LD,
            }
            found.append(self._finite(pooled[pool]).copy())
        return found

    def _finite(self, array: np.ndarray) -> np.ndarray:
        """Returns what the model gave; a ValueError where that is no number."""
        if np.isfinite(array).all():
            return array
        other = "" if self._encoder.dtype == "float32" else ", or try --dtype float32"
        raise ValueError(
            "the model's output is not finite: its weights are damaged, convert or "
            f"train it again{other}"
        )


def _is_kept(head: heads.PairHead, length: int) -> bool:
    """Says whether a CPU's memory is to hold the map of an RNA, which saves time.

    An accelerator would have to fetch it block by block, which nobody has measured.
    """
    if jax.default_backend() != "cpu" or not pair_strips.is_of_blocks(head):
        return False
    free = memory.available(jax.devices()[0])
    wanted = _SPARE * pair_strips.num_bytes(head, length)
    return wanted <= (_UNTOLD if free is None else free)


def _least(one: known.Evidence | None) -> float:
    """Returns from which probability pairs are listed."""
    return probabilities.LEAST if one is None else LEAST_KNOWN
