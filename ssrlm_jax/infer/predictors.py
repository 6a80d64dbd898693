"""A trained model for use: sequences in, structures or embeddings out.

What is computed, and in which order, is row_model.py's; here is what is asked of it,
and how probabilities become structures.
"""

import copy
import dataclasses
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from ssrlm_jax import config, model_dir, types
from ssrlm_jax.external import energies, relatives
from ssrlm_jax.infer import (
    decoding_rules,
    known,
    pair_confidence,
    prediction,
    reactivity_curve,
    row_model,
    watching,
)
from ssrlm_jax.rna import (
    constrained,
    constraints,
    decode,
    probabilities,
    strands,
    structures,
)

POOLS = ("mean", "cls", "none")


class Predictor:
    """A model that was loaded once; see `loading.load`.

    `precision` says in which numbers encoder and head multiply.

    Example:
      >>> model = ssrlm_jax.load()
      >>> found = model.fold({"a": "GGGGAAAACCCC", "b": "AAAAAAAA"})
      >>> [(one.name, one.dot_bracket) for one in found]
      [('a', '((((....))))'), ('b', '........')]
      >>> next(model.predict(["GGGGAAAACCCC"])).dot_bracket
      '((((....))))'
      >>> ((letters, listed),) = model.pair_probabilities(["GGGGAAAACCCC"])
      >>> model.decode(listed, letters).pairs.tolist()
      [[0, 11], [1, 10], [2, 9], [3, 8]]
      >>> model.embed(["GGGGAAAACCCC"])[0].shape
      (128,)
      >>> model.relatives("GGGGAAAACCCC")
      []
      >>> sure = model.decoding_by(config.DecodingConfig(threshold=0.999999))
      >>> sure.fold(["GGGGAAAACCCC"])[0].dot_bracket
      '............'
    """

    def __init__(
        self,
        description: model_dir.Description,
        params: types.Params,
        decoding: config.DecodingConfig | None = None,
        *,
        dtype: str = "float32",
        tile: int | None = None,
        rules: Callable[[], decoding_rules.Rules] = lambda: decoding_rules.NO_RULES,
        curve: Callable[[], config.EvidenceConfig] = config.EvidenceConfig,
        memory: relatives.Memory | None = None,
    ) -> None:
        """Makes a predictor.

        Args:
          description: of the model.
          params: as `model_dir.load` returns them; what is stacked may be lists, as
            `layerwise.split` makes them.
          decoding: from probabilities to structures; None: the model's own rule.
          dtype: of the encoder's and the head's products, "float32" or "bfloat16", or
            "auto", see `precision.choose`.
          tile: positions; the map of a longer RNA is computed in tiles of this size.
            None: where it is too large for one piece, it is kept in memory if a CPU
            has room for it, or computed in tiles of `row_model.TILE`.
          rules: returns the model's rules of decoding, when something is decoded.
          curve: returns what reactivities say to the model, when there are some.
          memory: RNA with known structures, of a head that reads relatives.

        Raises:
          ValueError: the parameters are not those of the model that is described, or
            another dtype.
        """
        self.description = description
        self._asked = decoding
        self._read_rules = rules
        self._read_curve = curve
        self._rows = row_model.RowModel(
            description, params, dtype=dtype, tile=tile, memory=memory
        )
        self.precision = self._rows.precision

    def decoding_by(self, decoding: config.DecodingConfig | None) -> "Predictor":
        """Returns the same model, which is loaded once, with another rule.

        Args:
          decoding: from probabilities to structures; None: the model's own rule.
        """
        other = copy.copy(self)
        other._asked = decoding
        for cached in ("decoding", "_chosen"):
            vars(other).pop(cached, None)
        return other

    @functools.cached_property
    def decoding(self) -> config.DecodingConfig:
        """From probabilities to structures: as asked for, else by the model's rule."""
        return self._asked or self._rules.own

    @functools.cached_property
    def _rules(self) -> decoding_rules.Rules:
        return self._read_rules()

    @property
    def energies(self) -> energies.Energies | None:
        """Programs whose energies the head reads; None: it reads none."""
        return self._rows.energies

    @functools.cached_property
    def _curve(self) -> config.EvidenceConfig:
        return self._read_curve()

    @property
    def threshold(self) -> float:
        """Least probability of a pair that is predicted.

        That of the settings, or the one chosen for their rule, or the model's own.

        Raises:
          ValueError: neither has one, or the model has no head for pairs.
        """
        self._rows.pair_head()
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
        is_of_own = self.decoding.rule == own.rule
        if self.decoding.threshold or self._chosen is not None or is_of_own:
            return ""
        return decoding_rules.without_choice(self.decoding, own, self.threshold)

    @property
    def energy_note(self) -> str:
        """Says so where energies come from other programs than in training, else ""."""
        trained = self.description.made.get("energies")
        if self._rows.energies is None or trained is None:
            return ""
        return energies.changed(trained, self._rows.energies.describe())

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
        return self._rows.max_length

    @property
    def max_fold_length(self) -> int | None:
        """Nucleotides of the longest RNA that can be folded; None: any.

        A head on scores of attention is not computed in tiles, and programs other than
        ViennaRNA do not fold in windows.
        """
        return self._rows.max_fold_length

    @property
    def max_joined_length(self) -> int | None:
        """Nucleotides of the longest two strands that are folded together; None: any.

        0: none. The encoder reads them as one strand; of the programs that give
        energies ViennaRNA knows of strands, and folds no windows of two.
        """
        return self._rows.max_joined_length

    def fold(
        self,
        sequences: Sequence[str] | Mapping[str, str],
        *,
        reactivities: known.Reactivities = None,
        constraints: known.Constraints = None,
        max_span: int = 0,
        settings: config.EvidenceConfig | None = None,
        with_progress: bool = False,
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
          with_progress: whether a bar shows how far it is.

        Returns:
          A list, one for each in their order; a notebook shows it as a table.

        Raises:
          ValueError: evidence that does not fit its sequence; see `predict`.
        """
        evidence = known.of_each(
            sequences, reactivities, constraints, max_span, settings
        )
        found = self.predict(sequences, evidence)
        if with_progress:
            found = watching.watched(found, len(sequences), "folding")
        if not isinstance(sequences, Mapping):
            return prediction.Predictions(found)
        return prediction.Predictions(
            one._replace(name=name) for name, one in zip(sequences, found, strict=True)
        )

    def predict(
        self,
        sequences: Iterable[str] | Mapping[str, str],
        evidence: Iterable[known.Evidence | None] = known.NOTHING,
    ) -> Iterator[prediction.Prediction]:
        """Yields predictions in the order given, a window of sequences at a time.

        Args:
          sequences: as `fold`.
          evidence: of each, where there is any; sequences of two strands have none.

        Raises:
          TypeError: no list of str.
          ValueError: a letter that is not of RNA, with the place of the sequence from
            1; or the model has no head for pairs, or gives nan; evidence of another
            length, or constraints that the method of decoding cannot keep.
        """
        self._rows.pair_head()
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
        self, sequences: Iterable[str] | Mapping[str, str]
    ) -> Iterator[tuple[str, probabilities.PairProbabilities]]:
        """Yields each sequence and the probabilities of its pairs, in the order given.

        Raises:
          ValueError: as `predict`.
        """
        for sequence, listed, _ in self._pairs(sequences, known.NOTHING):
            yield sequence, listed

    def _pairs(
        self,
        sequences: Iterable[str] | Mapping[str, str],
        evidence: Iterable[known.Evidence | None],
    ) -> Iterator[tuple[str, probabilities.PairProbabilities, known.Evidence | None]]:
        """Yields each sequence, the probabilities of its pairs and its evidence."""
        self._rows.pair_head()
        limits = (self.max_fold_length, self.max_joined_length)
        held = row_model.Held()
        compute = functools.partial(self._rows.pairs_of_row, held)
        prepare = functools.partial(self._rows.ask_programs, held)
        if evidence is not known.NOTHING:
            evidence = reactivity_curve.completed(evidence, self._curve)
        noted = known.noted(known.letters_of(sequences), evidence, held.evidence)
        for number, (sequence, listed) in enumerate(
            self._rows.in_order(noted, compute, *limits, prepare), 1
        ):
            one = held.evidence.pop(number, None)
            if one is not None:
                listed = probabilities.at_least(one.shifted(listed, self._trust(one)))
            yield sequence, listed, one

    def _trust(self, one: known.Evidence) -> float:
        """Returns the weight of reactivities beside the model's probabilities."""
        settings = one.settings
        has_seen = self._rows.energies is not None
        return settings.trust_beside_energies if has_seen else settings.trust

    def _expected_f1(self, predicted: prediction.Prediction) -> float:
        intercept, slope = self._rules.line
        promised = pair_confidence.expected_f1(
            predicted.structure, predicted.probabilities
        )
        return min(1.0, max(0.0, intercept + slope * promised))

    def relatives(self, sequence: str) -> list[prediction.Relative]:
        """Returns the RNA with known structures that the model takes for relatives.

        Args:
          sequence: letters as `rna.alphabet` reads them, of two strands with '&'
            between them.

        Returns:
          Those that are rather right than wrong, the surest first; none where the model
          reads no relatives.

        Raises:
          ValueError: a letter that is not of RNA.
        """
        if self._rows.energies is None:
            return []
        length = len(strands.joined(sequence))
        found = [
            prediction.Relative(
                one.name, one.identity, len(one.position) / length, one.confidence
            )
            for one in self._rows.energies.nearest(sequence)
            if one.confidence > 0.5
        ]
        return sorted(found, key=lambda one: -one.confidence)

    def embed(
        self,
        sequences: Sequence[str] | Mapping[str, str],
        layer: int = -1,
        pool: str = "mean",
        *,
        with_progress: bool = False,
    ) -> list[np.ndarray]:
        """Returns hidden states of sequences.

        Args:
          sequences: letters as `rna.alphabet` reads them; or these by name.
          layer: -1: after the last norm; 0: the embedding; n: after the n-th layer.
          pool: "mean" over nucleotides, "cls" the first token, "none".
          with_progress: whether a bar shows how far it is.

        Returns:
          For each sequence float32 (D,), or with "none" (L, D) of its nucleotides.

        Raises:
          TypeError: as `predict`.
          ValueError: there is no such layer or pool, or as `predict`.
        """
        num_layers = self.description.architecture.num_layers
        if not -1 <= layer <= num_layers:
            raise ValueError(f"layer {layer} does not lie in -1..{num_layers}")
        if pool not in POOLS:
            raise ValueError(f"pool {pool!r} is not one of {POOLS}")
        embed = functools.partial(self._rows.embed_row, layer, pool)
        letters = known.letters_of(sequences)
        found = self._rows.in_order(letters, embed, self.max_length, 0)
        if with_progress:
            found = watching.watched(found, len(sequences), "embedding")
        return [state for _, state in found]
