"""A trained model for use: sequences in, structures or embeddings out.

Sequences are sorted by length within a window, padded to few lengths and computed in
batches; results come in the order that was given. RNA longer than a tile is computed
in tiles (models/pair_tiles.py), one by one.
"""

import dataclasses
import functools
import itertools
import math
import pathlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import flax.traverse_util
import jax
import jax.numpy as jnp
import numpy as np

from ssrlm_jax import config, model_dir
from ssrlm_jax.models import attention, heads, pair_tiles
from ssrlm_jax.models import encoder as encoders
from ssrlm_jax.rna import alphabet, batches, decode, probabilities
from ssrlm_jax.rna import structure as structures

POOLS = ("mean", "cls", "none")
TILE = 1_024  # positions; longer RNA is computed in tiles of this size
WINDOWS = (8, 64, 256)  # sequences that are sorted by length together; the last stays
PAIRS_PER_BATCH = 2**18  # padded ones; more do not make a CPU faster

Params = Any


class Prediction(NamedTuple):
    """What a model says of a sequence.

    Attributes:
      sequence: as given.
      structure: decoded from the probabilities.
      probabilities: of pairs; those below `probabilities.LEAST` are left out.
    """

    sequence: str
    structure: structures.Structure
    probabilities: probabilities.PairProbabilities


class Predictor:
    """A model that was loaded once; see `load`."""

    def __init__(
        self,
        description: model_dir.Description,
        params: Params,
        decoding: config.DecodingConfig | None = None,
        *,
        dtype: str = "float32",
        tile: int = TILE,
    ) -> None:
        """Makes a predictor.

        Args:
          description: of the model.
          params: as `model_dir.load` returns them.
          decoding: from probabilities to structures; None: the defaults.
          dtype: of the encoder's and the head's products.
          tile: positions; RNA that is longer is computed in tiles of this size.

        Raises:
          ValueError: the parameters are not those of the model that is described.
        """
        self.description = description
        self.decoding = decoding or config.DecodingConfig()
        self._tile = tile
        choice = attention.choose("auto", jax.devices()[0])
        self._encoder = encoders.Encoder(
            **dataclasses.asdict(description.architecture),
            dtype=dtype,
            attend=attention.build(choice.name, mesh=None, max_segments=1),
        )
        self._head = None
        if description.head is not None:
            self._head = heads.PairHead(
                **dataclasses.asdict(description.head), dtype=dtype
            )
        else:
            params = {"encoder": params}
        _check_params(self._encoder, self._head, params)
        self._params = jax.tree.map(jnp.asarray, params)

    @property
    def threshold(self) -> float:
        """Probability above which pairs are predicted: of the settings or the model.

        Raises:
          ValueError: neither has one.
        """
        if self.decoding.threshold:
            return self.decoding.threshold
        if self.description.threshold is None:
            raise ValueError(
                "the model has no threshold: none was chosen on validation; give one"
            )
        return self.description.threshold

    @property
    def trained_length(self) -> int | None:
        """Nucleotides of the longest RNA the model was trained on, where known."""
        return self.description.trained_length

    def fold(self, sequences: Sequence[str]) -> list[Prediction]:
        """Predicts the structures of sequences.

        Args:
          sequences: letters as `rna.alphabet` reads them.

        Returns:
          One for each, in their order.

        Raises:
          ValueError: see `predict`.
        """
        return list(self.predict(sequences))

    def predict(self, sequences: Iterable[str]) -> Iterator[Prediction]:
        """Yields predictions in the order given, a window of sequences at a time.

        Raises:
          ValueError: a letter that is not of RNA, with the place of the sequence from
            1; or the model has no head for pairs.
        """
        self._pair_head()
        threshold, flags = self.threshold, self.decoding
        for sequence, listed in self.pair_probabilities(sequences):
            structure = decode.decode(
                listed,
                sequence,
                threshold=threshold,
                method=flags.method,
                max_pairs_per_base=flags.max_pairs_per_base,
                allow_sharp_loops=flags.allow_sharp_loops,
                is_canonical_only=flags.is_canonical_only,
            )
            yield Prediction(sequence, structure, listed)

    def pair_probabilities(
        self, sequences: Iterable[str]
    ) -> Iterator[tuple[str, probabilities.PairProbabilities]]:
        """Yields each sequence and the probabilities of its pairs, in the order given.

        Raises:
          ValueError: as `predict`.
        """
        self._pair_head()
        yield from self._in_order(sequences, self._pairs_of_batch, 2)

    def _pair_head(self) -> heads.PairHead:
        if self._head is None:
            raise ValueError(
                "the model has no head that predicts pairs; make one with `python "
                "launch/finetune.py`, or use `ssrlm contacts`, which needs none"
            )
        return self._head

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
        embed = functools.partial(self._embed_batch, layer, pool)
        return [state for _, state in self._in_order(sequences, embed, 1)]

    def _in_order(
        self, sequences: Iterable[str], compute: Any, power: int
    ) -> Iterator[tuple[str, Any]]:
        """Yields sequences and results; `compute` gets a batch and its length.

        Args:
          sequences: in any order of lengths.
          compute: (sequences, padded length) to a result for each.
          power: with which the memory of an example grows with its length.
        """
        numbered = enumerate(sequences, 1)
        sizes = itertools.chain(WINDOWS, itertools.repeat(WINDOWS[-1]))
        while window := list(itertools.islice(numbered, next(sizes))):
            results: dict[int, Any] = {}
            for number, sequence in window:
                _check(number, sequence)
            for group, length in _groups(window, self._tile, power):
                found = compute([sequence for _, sequence in group], length)
                results |= dict(zip((n for n, _ in group), found, strict=True))
            for number, sequence in window:
                yield sequence, results.pop(number)

    def _pairs_of_batch(
        self, sequences: list[str], length: int
    ) -> list[probabilities.PairProbabilities]:
        if length > self._tile:
            return [self._pairs_of_long(sequence) for sequence in sequences]
        tokens = batches.pad(_filled(sequences), length)
        probability_BLM = np.asarray(
            _probabilities(self._encoder, self._pair_head(), self._params, *tokens)
        )
        return [
            probabilities.from_matrix(matrix_LM[: len(sequence), : len(sequence)])
            for sequence, matrix_LM in zip(sequences, probability_BLM, strict=False)
        ]

    def _pairs_of_long(self, sequence: str) -> probabilities.PairProbabilities:
        token_BL, segment_BL, _ = batches.pad([sequence], len(sequence))
        x_BLD = _hidden(
            self._encoder,
            self._params["encoder"],
            token_BL,
            segment_BL,
            method="hidden",
        )
        x_LD = x_BLD[0, 1:-1]
        parts = []
        head, params = self._pair_head(), self._params["pair_head"]
        for tile in pair_tiles.logits(head, params, x_LD, self._tile):
            probability_LM = np.asarray(jax.nn.sigmoid(tile.logits_LM))
            i, j = np.nonzero(probability_LM >= probabilities.LEAST)
            place_i, place_j = i + tile.row, j + tile.column
            is_upper = place_i < place_j
            part = place_i, place_j, probability_LM[i, j]
            parts.append([column[is_upper] for column in part])
        place_i, place_j, probability = (
            np.concatenate(c) for c in zip(*parts, strict=True)
        )
        order = np.lexsort((place_j, place_i))
        return probabilities.PairProbabilities(
            place_i[order].astype(np.int32),
            place_j[order].astype(np.int32),
            probability[order].astype(np.float32),
        )

    def _embed_batch(
        self, layer: int, pool: str, sequences: list[str], length: int
    ) -> list[np.ndarray]:
        tokens = batches.pad(_filled(sequences), length)
        params = self._params["encoder"]
        if layer == 0:
            x_BLD = params["embedding"][tokens.token_BL]
        else:
            is_last = layer == -1
            encoder = self._encoder
            if not is_last:
                encoder = encoder.clone(num_layers=layer)
                blocks = jax.tree.map(lambda leaf: leaf[:layer], params["blocks"])
                params = params | {"blocks": blocks}
            method = "hidden" if is_last else "residual"
            x_BLD = _hidden(
                encoder, params, tokens.token_BL, tokens.segment_BL, method=method
            )
        state_BLD = np.asarray(x_BLD, np.float32)
        found = []
        for sequence, state_LD in zip(sequences, state_BLD, strict=False):
            letters_LD = state_LD[1 : len(sequence) + 1]
            pooled = {
                "mean": letters_LD.mean(0),
                "cls": state_LD[0],
                "none": letters_LD,
            }
            found.append(pooled[pool].copy())
        return found


def load(
    directory: str | pathlib.Path, decoding: config.DecodingConfig | None = None
) -> Predictor:
    """Loads a model directory.

    Args:
      directory: made by `ssrlm export`, or WORKDIR/model of a finished run.
      decoding: from probabilities to structures; None: the defaults.

    Raises:
      ValueError: there is no model, or it is damaged.
    """
    description, params = model_dir.load(pathlib.Path(directory))
    flat = flax.traverse_util.flatten_dict(params)
    del params
    for name in flat:  # one by one, so that there are never two copies of all
        flat[name] = jnp.asarray(flat[name])
    params = flax.traverse_util.unflatten_dict(flat)
    return Predictor(description, params, decoding)


def _check_params(
    encoder: encoders.Encoder, head: heads.PairHead | None, params: Params
) -> None:
    """Raises a ValueError unless names and shapes are those of the model."""
    key = jax.random.key(0)
    token_BL = jax.ShapeDtypeStruct((1, 8), jnp.uint8)
    expected = {
        "encoder": jax.eval_shape(encoder.init, key, token_BL, token_BL)["params"]
    }
    if head is not None:
        x_BLD = jax.ShapeDtypeStruct((1, 8, encoder.width), jnp.float32)
        is_BL = jax.ShapeDtypeStruct((1, 8), jnp.bool_)
        expected["pair_head"] = jax.eval_shape(head.init, key, x_BLD, is_BL)["params"]
    found_shapes, shapes = _shapes(params), _shapes(expected)
    for name in sorted(found_shapes.keys() | shapes.keys()):
        found, wanted = found_shapes.get(name), shapes.get(name)
        if found != wanted:
            raise ValueError(
                f"the weights do not fit the model: {name} is {found or 'absent'}, "
                f"{wanted or 'no such parameter'} expected; export the model again"
            )


def _shapes(params: Params) -> dict[str, tuple[int, ...]]:
    leaves = jax.tree.leaves_with_path(params)
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): leaf.shape
        for path, leaf in leaves
    }


def _check(number: int, sequence: str) -> None:
    """Raises a ValueError unless a sequence can be read."""
    if not sequence:
        raise ValueError(f"sequence {number} is empty")
    try:
        alphabet.encode(sequence)
    except ValueError as error:
        raise ValueError(f"sequence {number}: {error}") from error


def _groups(
    window: Sequence[tuple[int, str]], tile: int, power: int
) -> Iterator[tuple[list[tuple[int, str]], int]]:
    """Yields sequences of nearly one length, and the length they are padded to.

    A long one that comes alone is hardly padded: its map takes more than a compilation.
    """
    longest = max(len(sequence) for _, sequence in window)
    if len(window) == 1 and PAIRS_PER_BATCH < longest**2 <= tile**2:
        yield list(window), math.ceil(longest / batches.STEP) * batches.STEP
        return
    ladder = batches.lengths(max(longest, tile))
    ordered = sorted(window, key=lambda one: len(one[1]))
    places = np.searchsorted(ladder, [len(sequence) for _, sequence in ordered])
    for place, group in itertools.groupby(
        zip(places, ordered, strict=True), key=lambda one: one[0]
    ):
        padded = ladder[place]
        members = [one for _, one in group]
        size = max(1, PAIRS_PER_BATCH // padded**power)
        for first in range(0, len(members), size):
            yield members[first : first + size], padded


def _filled(sequences: list[str]) -> list[str]:
    """Adds empty examples up to a power of two, so that few shapes are compiled."""
    return sequences + [""] * (2 ** (len(sequences) - 1).bit_length() - len(sequences))


@functools.partial(jax.jit, static_argnames=("encoder", "method"))
def _hidden(
    encoder: encoders.Encoder,
    params: Params,
    token_BL: jax.Array,
    segment_BL: jax.Array,
    *,
    method: str,
) -> jax.Array:
    return encoder.apply({"params": params}, token_BL, segment_BL, method=method)


@functools.partial(jax.jit, static_argnames=("encoder", "head"))
def _probabilities(
    encoder: encoders.Encoder,
    head: heads.PairHead,
    params: Params,
    token_BL: jax.Array,
    segment_BL: jax.Array,
    length_B: jax.Array,
) -> jax.Array:
    """Returns symmetric float32 probability_BLM of nucleotides."""
    x_BLD = encoder.apply(
        {"params": params["encoder"]}, token_BL, segment_BL, method="hidden"
    )[:, 1:-1]
    is_BL = jnp.arange(x_BLD.shape[1])[None] < length_B[:, None]
    logits_BLM = head.apply({"params": params["pair_head"]}, x_BLD, is_BL)
    return jax.nn.sigmoid(logits_BLM)
