"""Contacts of one's own RNA from attention maps; see tasks/contact_regression.py."""

import dataclasses
import json
import pathlib

import jax
import jax.numpy as jnp
import numpy as np

from ssrlm_jax import model_dir, types
from ssrlm_jax.models import attention, contact_maps, encoders
from ssrlm_jax.rna import batches, decode, formats, probabilities

FILE = "contacts.json"  # inside the model directory
KEYS = ("weights", "intercept", "min_separation", "threshold")


class Maps:
    """An encoder whose attention maps are read; RNA is padded to few lengths."""

    def __init__(
        self, description: model_dir.Description, params: types.Params
    ) -> None:
        """Makes it of a description and the parameters of its encoder."""
        self.encoder = encoders.Encoder(
            **dataclasses.asdict(description.architecture), attend=attention.plain
        )
        self.params = jax.tree.map(jnp.asarray, params)

    @property
    def max_length(self) -> int | None:
        """Nucleotides of the longest RNA that can be computed; None: any."""
        positions = self.encoder.max_positions
        return positions - 2 if positions else None  # <cls> and <eos>

    def features(self, sequence: str, i: np.ndarray, j: np.ndarray) -> np.ndarray:
        """Returns features_PF of pairs of one RNA; see `contact_maps.features`."""
        token_L, segment_L = _padded(sequence, self.max_length)
        return contact_maps.features(
            self.encoder, self.params, token_L, segment_L, i, j
        )

    def logits(
        self, sequence: str, weight_NF: np.ndarray, intercept_N: np.ndarray
    ) -> np.ndarray:
        """Returns logits_NLM of one RNA; see `contact_maps.logits`."""
        token_L, segment_L = _padded(sequence, self.max_length)
        logits_NLM = contact_maps.logits(
            self.encoder, self.params, token_L, segment_L, weight_NF, intercept_N
        )
        return logits_NLM[:, : len(sequence), : len(sequence)]


class Contacts:
    """A regression that was fitted by `ssrlm fit_contacts`, for use; see `load`."""

    def __init__(
        self, maps: Maps, fitted: types.Json, trained_length: int | None = None
    ) -> None:
        """Makes it of an encoder, the content of `FILE` and the model's longest RNA.

        `precision` is that on test RNA, of as many pairs as are known; None: not told.
        """
        self.trained_length = trained_length
        self.max_length = maps.max_length
        self.least = int(fitted["min_separation"])
        self.threshold = float(fitted["threshold"])
        self.precision = fitted.get("mean", {}).get("all P@true")
        self._maps = maps
        self._weight_1F = np.asarray(fitted["weights"], np.float32).reshape(1, -1)
        self._intercept_1 = np.array([fitted["intercept"]], np.float32)

    def predict(
        self, sequence: str, num_pairs: int | None = None
    ) -> probabilities.PairProbabilities:
        """Returns probabilities of the pairs of one RNA, j - i >= `least`.

        Args:
          sequence: letters as `rna.alphabet` reads them.
          num_pairs: how many are listed, the most probable ones, however improbable;
            None: all that are not below `probabilities.LEAST`.

        Raises:
          ValueError: a letter that is not of RNA.
        """
        (logits_LM,) = self._maps.logits(sequence, self._weight_1F, self._intercept_1)
        if num_pairs is None:
            return probabilities.from_logits(logits_LM, self.least)
        i, j = np.triu_indices(len(sequence), self.least)
        chosen = np.sort(np.argsort(-logits_LM[i, j], kind="stable")[:num_pairs])
        i, j = i[chosen].astype(np.int32), j[chosen].astype(np.int32)
        probability = 1.0 / (1.0 + np.exp(-logits_LM[i, j].astype(np.float64)))
        return probabilities.PairProbabilities(i, j, probability.astype(np.float32))

    def fold(
        self, record: formats.Record, num_pairs: int | None = None
    ) -> tuple[formats.Record, probabilities.PairProbabilities]:
        """Returns a record with the structure of its contacts, and probabilities.

        Args and errors are those of `predict`.
        """
        found = self.predict(record.sequence, num_pairs)
        structure = decode.decode(found, record.sequence, threshold=self.threshold)
        return dataclasses.replace(record, structure=structure), found


def load(directory: str | pathlib.Path) -> Contacts:
    """Loads the regression of a model directory.

    Raises:
      ValueError: there is none, or it does not fit the model.
    """
    directory = pathlib.Path(directory)
    path = directory / FILE
    model_dir.describe(directory)
    if not path.is_file():
        raise ValueError(
            f"{directory} has no {FILE}; `ssrlm fit_contacts "
            f"--config.model={directory} --config.table=...` makes one"
        )
    try:
        fitted = json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}:{error.lineno}: {error.msg}") from error
    description, params = model_dir.load_encoder(directory)
    sizes = description.architecture
    shape = (sizes.num_layers, sizes.num_heads)
    found = fitted if isinstance(fitted, dict) else {}
    shapes = {name: _shape(found.get(name)) for name in KEYS}
    if shapes != dict.fromkeys(KEYS, ()) | {"weights": shape}:
        raise ValueError(f"{path}: weights of {shape} heads and {KEYS} are expected")
    return Contacts(Maps(description, params), fitted, description.trained_length)


def _shape(numbers: object) -> tuple[int, ...] | None:
    """Returns the shape of numbers in nested lists; None: they are no numbers."""
    try:
        array = np.array(numbers)
    except ValueError:  # lists of several lengths
        return None
    return array.shape if array.dtype.kind in "if" else None


def _padded(sequence: str, limit: int | None) -> tuple[np.ndarray, np.ndarray]:
    if limit is not None:
        limit = max(len(sequence), limit)
    length = batches.least(len(sequence), limit)
    token_BL, segment_BL, _ = batches.pad([sequence], length)
    return token_BL[0], segment_BL[0]
