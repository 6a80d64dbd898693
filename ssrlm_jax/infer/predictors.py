"""A trained model for use: sequences in, structures or embeddings out.

Sequences are sorted by length within a window. The encoder gets them in rows, one
after the other, so that it computes hardly any padding and large products; the head
gets those of a row that are of nearly one length together. Results come in the order
that was given. RNA longer than a tile is computed in tiles (models/pair_tiles.py).
"""

import dataclasses
import functools
import itertools
import pathlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

import flax.traverse_util
import jax
import jax.numpy as jnp
import numpy as np

from ssrlm_jax import config, model_dir, types
from ssrlm_jax.external import energies, relatives
from ssrlm_jax.infer import (
    decoding_rules,
    known,
    pair_confidence,
    prediction,
    sequence_rows,
)
from ssrlm_jax.models import attention, encoders, heads, layerwise, pair_tiles, shapes
from ssrlm_jax.rna import (
    batches,
    constrained,
    constraints,
    decode,
    probabilities,
    strands,
    structures,
)

T = TypeVar("T")

POOLS = ("mean", "cls", "none")
TILE = 1_024  # positions; longer RNA is computed in tiles of this size
LEAST_KNOWN = 1e-3  # of a pair that evidence may make probable
WINDOWS = (8, 64, 256)  # sequences that are sorted by length together; the last stays


_Held = dict[int, known.Evidence]  # by the place of a sequence, from 1


class Relative(NamedTuple):
    """RNA with a known structure that a sequence aligns with.

    Attributes:
      name: of its record.
      identity: share of the aligned letters that are equal, 0..1.
      aligned: share of the sequence's letters that are aligned, 0..1.
      confidence: probability of a pair that it says, 0..1.
    """

    name: str
    identity: float
    aligned: float
    confidence: float


class Predictor:
    """A model that was loaded once; see `load`."""

    def __init__(
        self,
        description: model_dir.Description,
        params: types.Params,
        decoding: config.DecodingConfig | None = None,
        *,
        dtype: str = "float32",
        tile: int = TILE,
        rules: Callable[[], decoding_rules.Rules] = lambda: decoding_rules.NO_RULES,
        memory: relatives.Memory | None = None,
    ) -> None:
        """Makes a predictor.

        Args:
          description: of the model.
          params: as `model_dir.load` returns them; what is stacked may be lists, as
            `layerwise.split` makes them.
          decoding: from probabilities to structures; None: the model's own rule.
          dtype: of the encoder's and the head's products, "float32" or "bfloat16".
          tile: positions; RNA that is longer is computed in tiles of this size.
          rules: returns the model's rules of decoding, when something is decoded.
          memory: RNA with known structures, of a head that reads relatives.

        Raises:
          ValueError: the parameters are not those of the model that is described, or
            another dtype.
        """
        _check_dtype(dtype)
        self.description = description
        self._asked = decoding
        self._tile = tile
        self._read_rules = rules
        self._attention = attention.choose("auto", jax.devices()[0]).name
        self._encoder = encoders.Encoder(
            **dataclasses.asdict(description.architecture),
            dtype=dtype,
            attend=attention.plain,  # see _encoder_for
        )
        self._head = self._energies = None
        if description.head is not None:
            self._head = heads.build(description.head, dtype)
            self._energies = energies.build(description.head, memory=memory)
        if not description.has_parts:
            params = {"encoder": params}
        params = {name: part for name, part in params.items() if name != "folding"}
        shapes.check(layerwise.stacked_shapes(params), self._encoder, self._head)
        self._layers = layerwise.apart(params["encoder"])
        self._head_params = jax.tree.map(jnp.asarray, params.get("pair_head"))

    @functools.cached_property
    def decoding(self) -> config.DecodingConfig:
        """From probabilities to structures: as asked for, else by the model's rule."""
        return self._asked or self._rules.own

    @functools.cached_property
    def _rules(self) -> decoding_rules.Rules:
        return self._read_rules()

    @property
    def threshold(self) -> float:
        """Least probability of a pair that is predicted.

        That of the settings, or the one chosen for their rule, or the model's own.

        Raises:
          ValueError: neither has one, or the model has no head for pairs.
        """
        self._pair_head()
        if self.decoding.threshold:
            return self.decoding.threshold
        if self._chosen is not None:
            return self._chosen
        if self.description.threshold is None:
            raise ValueError(
                "the model has no threshold: none was chosen on validation; give one"
            )
        return self.description.threshold

    @property
    def threshold_note(self) -> str:
        """Says so where the threshold was chosen for another rule than is asked for."""
        # A converted model may say which rule its authors' threshold goes with.
        own = config.DecodingConfig(**self.description.made.get("decoding", {}))
        rule = self.decoding.rule
        if self.decoding.threshold or self._chosen is not None or rule == own.rule:
            return ""
        advice = "`ssrlm thresholds` chooses one"
        if self.decoding.max_pairs_per_base > 1:
            advice = "give one; `ssrlm thresholds` chooses for one partner each"
        return (
            f"no threshold was chosen for {decoding_rules.flags_of(rule)}; "
            f"{self.threshold:g} is that of {decoding_rules.flags_of(own)}: {advice}"
        )

    @property
    def energy_note(self) -> str:
        """Says so where energies come from other programs than in training, else ""."""
        trained = self.description.made.get("energies")
        if self._energies is None or trained is None:
            return ""
        now = self._energies.describe()
        if now == trained:
            return ""
        return (
            f"the model was trained with the energies of {_programs(trained)}, and "
            f"folds with those of {_programs(now)}; results may differ a little"
        )

    @functools.cached_property
    def _chosen(self) -> float | None:
        """The threshold that was chosen for the rule of decoding, if one was."""
        return self._rules.thresholds.get(self.decoding.rule)

    @property
    def trained_length(self) -> int | None:
        """Nucleotides of the longest RNA the model was trained on, where known."""
        return self.description.trained_length

    @property
    def max_length(self) -> int | None:
        """Nucleotides of the longest RNA that the encoder takes; None: any.

        Some have learned so many positions and no more.
        """
        positions = self._encoder.max_positions
        return positions - 2 if positions else None  # <cls> and <eos>

    @property
    def max_fold_length(self) -> int | None:
        """Nucleotides of the longest RNA that can be folded; None: any.

        A head on scores of attention is not computed in tiles, and programs other than
        ViennaRNA do not fold in windows.
        """
        limits = [self.max_length]
        if isinstance(self._head, heads.ScoreHead):
            limits.append(self._tile)
        if self._energies is not None:
            limits.append(self._energies.max_length)
        return min((one for one in limits if one is not None), default=None)

    @property
    def max_joined_length(self) -> int | None:
        """Nucleotides of the longest two strands that are folded together; None: any.

        0: none. The encoder reads them as one strand; of the programs that give
        energies ViennaRNA knows of strands, and folds no windows of two.
        """
        limits = [self.max_fold_length]
        if self._energies is not None:
            limits.append(self._energies.max_joined_length)
        return min((one for one in limits if one is not None), default=None)

    def fold(
        self,
        sequences: Sequence[str] | Mapping[str, str],
        *,
        reactivities: known.Reactivities = None,
        constraints: known.Constraints = None,
        max_span: int = 0,
        settings: config.EvidenceConfig | None = None,
    ) -> prediction.Predictions:
        """Predicts the structures of sequences.

        Args:
          sequences: letters as `rna.alphabet` reads them, of two strands with '&'
            between them; or these by name. Positions count the letters of both.
          reactivities: of each sequence a number for each nucleotide, nan where there
            is no data, or None; in the order of the sequences, or by name.
          constraints: of each sequence ViennaRNA's constraint string or
            `constraints.Constraints`, or None; as reactivities.
          max_span: nucleotides that a pair spans, at most; 0: any number.
          settings: how reactivities are read; None: the defaults.

        Returns:
          A list, one for each in their order; a notebook shows it as a table.

        Raises:
          ValueError: evidence that does not fit its sequence; see `predict`.
        """
        evidence = known.of_each(
            sequences, reactivities, constraints, max_span, settings
        )
        if not isinstance(sequences, Mapping):
            return prediction.Predictions(self.predict(sequences, evidence))
        found = self.predict(sequences.values(), evidence)
        return prediction.Predictions(
            one._replace(name=name) for name, one in zip(sequences, found, strict=True)
        )

    def predict(
        self,
        sequences: Iterable[str],
        evidence: Iterable[known.Evidence | None] = known.NOTHING,
    ) -> Iterator[prediction.Prediction]:
        """Yields predictions in the order given, a window of sequences at a time.

        Args:
          sequences: as `fold`.
          evidence: of each, where there is any; sequences of two strands have none.

        Raises:
          ValueError: a letter that is not of RNA, with the place of the sequence from
            1; or the model has no head for pairs, or gives nan; evidence of another
            length, or constraints that the method of decoding cannot keep.
        """
        self._pair_head()
        for sequence, listed, one_known in self._pairs(sequences, evidence):
            given = one_known.constraints if one_known is not None else None
            structure = self.decode(listed, sequence, given)
            one = prediction.Prediction(sequence, structure, listed)
            yield one._replace(expected_f1=self._expected_f1(one))

    def decode(
        self,
        listed: probabilities.PairProbabilities,
        sequence: str,
        given: constraints.Constraints | None = None,
    ) -> structures.Structure:
        """Returns the structure that the model's rule reads from probabilities.

        Args:
          listed: probabilities of pairs, of this model or like its own.
          sequence: as `fold`.
          given: what must hold; None: nothing.

        Raises:
          ValueError: constraints that the method cannot keep; as `decode.decode`.
        """
        flags = dataclasses.asdict(self.decoding) | {"threshold": self.threshold}
        if given is not None:
            return constrained.decoded(listed, given, flags)
        letters, breaks = strands.split(sequence)
        return decode.decode(listed, letters, breaks=breaks, **flags)

    def pair_probabilities(
        self, sequences: Iterable[str]
    ) -> Iterator[tuple[str, probabilities.PairProbabilities]]:
        """Yields each sequence and the probabilities of its pairs, in the order given.

        Raises:
          ValueError: as `predict`.
        """
        for sequence, listed, _ in self._pairs(sequences, known.NOTHING):
            yield sequence, listed

    def _pairs(
        self, sequences: Iterable[str], evidence: Iterable[known.Evidence | None]
    ) -> Iterator[tuple[str, probabilities.PairProbabilities, known.Evidence | None]]:
        """Yields each sequence, the probabilities of its pairs and its evidence."""
        self._pair_head()
        limits = (self.max_fold_length, self.max_joined_length)
        held: _Held = {}
        compute = functools.partial(self._pairs_of_row, held)
        noted = known.noted(sequences, evidence, held)
        for number, (sequence, listed) in enumerate(
            self._in_order(noted, compute, *limits), 1
        ):
            one = held.pop(number, None)
            if one is not None:
                listed = probabilities.at_least(one.shifted(listed, self._trust(one)))
            yield sequence, listed, one

    def _trust(self, one: known.Evidence) -> float:
        """Returns the weight of reactivities beside the model's probabilities."""
        settings = one.settings
        has_seen = self._energies is not None
        return settings.trust_beside_energies if has_seen else settings.trust

    def _pair_head(self) -> heads.Head:
        if self._head is None:
            raise ValueError(
                "the model has no head that predicts pairs; make one with "
                "`ssrlm finetune`, or use `ssrlm contacts`, which needs none"
            )
        return self._head

    def _expected_f1(self, predicted: prediction.Prediction) -> float:
        intercept, slope = self._rules.line
        promised = pair_confidence.expected_f1(
            predicted.structure, predicted.probabilities
        )
        return min(1.0, max(0.0, intercept + slope * promised))

    def relatives(self, sequence: str) -> list[Relative]:
        """Returns the RNA with known structures that the model takes for relatives.

        Args:
          sequence: letters as `rna.alphabet` reads them.

        Returns:
          Those that are rather right than wrong, the surest first; none where the model
          reads no relatives.

        Raises:
          ValueError: a letter that is not of RNA.
        """
        if self._energies is None:
            return []
        found = [
            Relative(
                one.name,
                one.identity,
                len(one.position) / len(sequence),
                one.confidence,
            )
            for one in self._energies.nearest(sequence)
            if one.confidence > 0.5
        ]
        return sorted(found, key=lambda one: -one.confidence)

    def embed(
        self, sequences: Sequence[str], layer: int = -1, pool: str = "mean"
    ) -> list[np.ndarray]:
        """Returns hidden states of sequences.

        Args:
          sequences: letters as `rna.alphabet` reads them.
          layer: -1: after the last norm; 0: the embedding; n: after the n-th layer.
          pool: "mean" over nucleotides, "cls" the first token, "none".

        Returns:
          For each sequence float32 (D,), or with "none" (L, D) of its nucleotides.

        Raises:
          ValueError: there is no such layer or pool, or as `predict`.
        """
        num_layers = self.description.architecture.num_layers
        if not -1 <= layer <= num_layers:
            raise ValueError(f"layer {layer} does not lie in -1..{num_layers}")
        if pool not in POOLS:
            raise ValueError(f"pool {pool!r} is not one of {POOLS}")
        embed = functools.partial(self._embed_row, layer, pool)
        found = self._in_order(sequences, embed, self.max_length, 0)
        return [state for _, state in found]

    @property
    def _limits(self) -> sequence_rows.Limits:
        is_packed = not self._encoder.has_pair_bias  # which is a map of a whole row
        most = self._encoder.max_positions or sequence_rows.ROW
        row = min(sequence_rows.ROW, most, self._tile + 2) if is_packed else 0
        tile = min(self._tile, self.max_length or self._tile)
        return sequence_rows.Limits(row, tile, self.max_length)

    def _in_order(
        self,
        sequences: Iterable[str],
        compute: Callable[[sequence_rows.Row], list[T]],
        max_length: int | None,
        max_joined_length: int | None,
    ) -> Iterator[tuple[str, T]]:
        """Yields sequences and results, in the order given.

        Args:
          sequences: in any order of lengths.
          compute: a row to a result for each of its sequences.
          max_length: nucleotides of the longest one that is accepted; None: any.
          max_joined_length: of two strands; 0: one strand is accepted.
        """
        if isinstance(sequences, str):  # whose letters would be sequences
            raise TypeError(
                f"sequences={sequences[:20]!r} is one sequence; a list is expected: "
                "[sequence]"
            )
        numbered = enumerate(sequences, 1)
        sizes = itertools.chain(WINDOWS, itertools.repeat(WINDOWS[-1]))
        while window := sequence_rows.window(numbered, next(sizes)):
            for number, sequence in window:
                sequence_rows.check(number, sequence, max_length, max_joined_length)
            results: dict[int, T] = {}
            for row in sequence_rows.make(window, self._limits):
                results |= dict(zip(row.numbers, compute(row), strict=True))
            for number, sequence in window:
                yield sequence, results.pop(number)

    def _encoder_for(self, longest: int) -> encoders.Encoder:
        """Returns the encoder for rows of records of up to `longest` tokens."""
        return self._encoder.clone(attend=attention.in_use(self._attention, longest))

    def _pairs_of_row(
        self, held: _Held, row: sequence_rows.Row
    ) -> list[probabilities.PairProbabilities]:
        if len(row.sequences[0]) > self._tile:
            return [self._pairs_of_long(held, row)]
        token_BL, segment_BL, starts = batches.pack(row.sequences, row.length)
        head, encoder = self._pair_head(), self._encoder_for(row.longest)
        if isinstance(head, heads.ScoreHead):
            x = layerwise.run(encoder, self._layers, token_BL, segment_BL).score_BHLM
        else:
            x = layerwise.hidden(encoder, self._layers, token_BL, segment_BL)
        found = []
        for group in sequence_rows.groups(row, self._limits):
            start_B, length_B = sequence_rows.filled(
                row.sequences, starts, group.places
            )
            probability_BLM = np.asarray(
                sequence_rows.pair_probabilities(
                    head,
                    self._head_params,
                    *(x, start_B, length_B, group.length),
                    self._energy_maps(held, row, group, len(start_B)),
                )
            )
            for place, matrix_LM in zip(group.places, probability_BLM, strict=False):
                n = len(row.sequences[place])
                matrix_LM = self._finite(matrix_LM[:n, :n])
                least = _least(held.get(row.numbers[place]))
                found.append(probabilities.from_matrix(matrix_LM, least))
        return found

    def _energy_maps(
        self, held: _Held, row: sequence_rows.Row, group: sequence_rows.Group, size: int
    ) -> np.ndarray | None:
        """Returns energy_BLMS of a group, filled up with empty maps, if it is read."""
        if self._energies is None:
            return None
        letters = [row.given[place] for place in group.places]
        evidence = [held.get(row.numbers[place]) for place in group.places]
        num_empty = size - len(letters)
        letters, evidence = letters + [""] * num_empty, evidence + [None] * num_empty
        return probabilities.to_maps(self._energies(letters, evidence), group.length)

    def _pairs_of_long(
        self, held: _Held, row: sequence_rows.Row
    ) -> probabilities.PairProbabilities:
        token_BL, segment_BL, _ = batches.pack(row.sequences, row.length)
        encoder = self._encoder_for(row.longest)
        x_BLD = layerwise.hidden(encoder, self._layers, token_BL, segment_BL)
        x_LD, length = x_BLD[0, 1:-1], len(row.sequences[0])
        head, params = self._pair_head(), self._head_params
        assert isinstance(head, heads.PairHead), "max_fold_length keeps others away"
        from scipy import special  # type: ignore[import-untyped]  # a fifth of a second

        evidence = [held.get(number) for number in row.numbers]
        (listed,) = self._energies(row.given, evidence) if self._energies else ((),)
        # Not by JAX, which compiles for each size of the last tiles.
        tiles = (
            (tile.row, tile.column, self._finite(special.expit(tile.logits_LM)))
            for tile in pair_tiles.logits(
                head, params, x_LD, self._tile, length, listed
            )
        )
        return probabilities.from_tiles(tiles, _least(evidence[0]))

    def _embed_row(
        self, layer: int, pool: str, row: sequence_rows.Row
    ) -> list[np.ndarray]:
        token_BL, segment_BL, starts = batches.pack(row.sequences, row.length)
        encoder = self._encoder_for(row.longest)
        if layer == -1:
            x_BLD = layerwise.hidden(encoder, self._layers, token_BL, segment_BL)
        else:
            first = self._layers._replace(layers=self._layers.layers[:layer])
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


def load(
    directory: str | pathlib.Path,
    decoding: config.DecodingConfig | None = None,
    *,
    dtype: str = "float32",
) -> Predictor:
    """Loads a model directory.

    Args:
      directory: made by `ssrlm export`, or WORKDIR/model of a finished run.
      decoding: from probabilities to structures; None: the model's own rule, which
        `ssrlm thresholds` chooses, else the defaults.
      dtype: of products, "float32" or "bfloat16"; the latter's matrices take half the
        memory, and embeddings and probabilities are rounded.

    Raises:
      ValueError: there is no model, or it is damaged; another dtype.
    """
    directory = pathlib.Path(directory)
    _check_dtype(dtype)
    description, params = model_dir.load(directory)
    flat = flax.traverse_util.flatten_dict(params)
    del params
    for name in flat:  # one by one, so that there are never two copies of all
        rounded = dtype if is_matrix(name, flat[name].ndim) else None
        if layerwise.BLOCKS in name and len(flat[name]):  # letters have no layers
            flat[name] = layerwise.split(flat[name], rounded)
        else:
            flat[name] = jnp.asarray(flat[name], rounded)
    params = flax.traverse_util.unflatten_dict(flat)
    rules = functools.partial(decoding_rules.load, directory)
    memory = None
    if description.head and relatives.NAME in description.head.energies:
        memory = relatives.read(directory / relatives.FILE)
    return Predictor(
        description,
        params,
        decoding,
        dtype=dtype,
        rules=rules,
        memory=memory,
    )


def _least(one: known.Evidence | None) -> float:
    """Returns from which probability pairs are listed."""
    return probabilities.LEAST if one is None else LEAST_KNOWN


def is_matrix(path: Sequence[str], rank: int) -> bool:
    """Tells what is held in the dtype of products: it is rounded to it when used.

    Args:
      path: of a parameter.
      rank: of its array; layers are stacked, and norms and most biases have 2.
    """
    return "blocks" in path and rank > 2


def _programs(described: Sequence[Mapping[str, object]]) -> str:
    names = (
        f"{one['program']} {one.get('version', '')} {one.get('parameters', '')}".strip()
        for one in described
    )
    return ", ".join(names)


def _check_dtype(dtype: str) -> None:
    if dtype not in config.DTYPES:
        raise ValueError(f"dtype={dtype!r} is not one of {config.DTYPES}")
