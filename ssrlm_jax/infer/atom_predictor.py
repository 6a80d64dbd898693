"""A trained model for use: one sequence in, atoms with confidence out.

RNA is padded to a multiple of STEP nucleotides, so that few shapes are compiled. What a
run needs in memory is known from the compiled program, before it starts.
"""

import dataclasses
import math
import pathlib
import time
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import stages

from ssrlm_jax import model_dir, types
from ssrlm_jax.infer import memory, predictors
from ssrlm_jax.models import folding_inputs, folding_network
from ssrlm_jax.rna import atoms

STEP = 32  # nucleotides
NOISE = 0.1  # of a sample, as a share of the embedding's deviation
# RhoFold's letters: A U G C are 4..7; padding.
_RHOFOLD_TOKENS = {"A": 4, "C": 7, "G": 6, "U": 5}
_RHOFOLD_PAD = 1


class Prediction(NamedTuple):
    """What a model says of an RNA's structure.

    Attributes:
      letters: A C G U.
      xyz_LT3: float32, atoms in the slots of rna/atoms.py, angstrom.
      is_atom_LT: bool.
      plddt_L: float32, expected lDDT, 0..1.
      pair_LM: float32, probability of base pairs, symmetric.
      distance_3LM: float32, expected distances of P, C4' and the glycosidic N in
        angstrom; the last bin is open.
      num_cycles: that were run.
      change: angstrom, of C1' distances in the last one.
      seconds: of the run; compilation, where it was needed, left out.
    """

    letters: str
    xyz_LT3: np.ndarray
    is_atom_LT: np.ndarray
    plddt_L: np.ndarray
    pair_LM: np.ndarray
    distance_3LM: np.ndarray
    num_cycles: int
    change: float
    seconds: float


class AtomPredictor:
    """A model that was loaded once; see `load`."""

    def __init__(
        self,
        description: model_dir.Description,
        params: types.Params,
        *,
        num_cycles: int | None = None,
        dtype: str = "float32",
    ) -> None:
        """Makes a predictor.

        Args:
          description: of the model.
          params: as `model_dir.load` returns them.
          num_cycles: at most; None: the model's own.
          dtype: of the products of the encoder and the trunk.

        Raises:
          ValueError: the model predicts no atoms.
        """
        if description.folding is None:
            raise ValueError(
                "the model predicts no atoms, and none ships that does; convert "
                "RhoFold's weights (`ssrlm convert rhofold`) or train one "
                "(`ssrlm tertiary`), and name it with -m"
            )
        self.description = description
        self.settings = description.folding
        self.num_cycles = num_cycles or self.settings.num_cycles
        self._language = predictors.Predictor(description, params, dtype=dtype)
        self._params = jax.tree.map(jnp.asarray, params["folding"])
        tables = dataclasses.asdict(atoms.geometry(self.settings.geometry))
        self._network, self._groups = folding_network.build(
            self.settings, tables, dtype=dtype
        )
        self._compiled: dict[int, stages.Compiled] = {}

    @property
    def max_length(self) -> int | None:
        """Nucleotides of the longest RNA that the model takes; None: any."""
        limits = [self._language.max_length]
        if self.settings.mode == "rhofold":
            limits.append(self.settings.max_length)
        return min((n for n in limits if n), default=None)

    @property
    def trained_length(self) -> int | None:
        """Nucleotides of the longest piece that the model was trained on."""
        return self.description.trained_length

    def memory(self, length: int) -> int:
        """Returns what a run of so many nucleotides needs, in bytes; compiles it."""
        return memory.needed(self._program(_padded(length)))

    def fold(self, sequence: str, *, seed: int | None = None) -> Prediction:
        """Predicts the structure of an RNA.

        Args:
          sequence: A C G U, upper or lower case; T is read as U.
          seed: of noise on the embedding, for another sample; None: none.

        Raises:
          ValueError: the sequence is empty, too long, or has another letter.
          MemoryError: the run would not fit.
        """
        letters = checked(sequence, self.max_length)
        length = _padded(len(letters))
        program = self._program(length)
        memory.check(program, f"{len(letters):,} nucleotides")
        inputs = self._inputs(letters, length, seed)
        start = time.perf_counter()
        result = jax.device_get(program(self._params, inputs))
        seconds = time.perf_counter() - start
        folded, n = result.folded, len(letters)
        logits_3LMN = folded.distance_B3LMN[0, :, :n, :n]
        share_3LMN = np.asarray(jax.nn.softmax(logits_3LMN))
        kind_L = atoms.encode(letters)
        return Prediction(
            letters,
            folded.xyz_BLT3[0, :n],
            atoms.is_atom()[kind_L],
            np.asarray(folded.plddt())[0, :n],
            np.asarray(jax.nn.sigmoid(folded.pair_BLM[0, :n, :n])),
            share_3LMN @ (np.arange(share_3LMN.shape[-1], dtype=np.float32) + 0.5),
            int(result.num_cycles_B[0]),
            float(result.change_B[0]),
            seconds,
        )

    def _program(self, length: int) -> stages.Compiled:
        """Returns the compiled program for a padded length."""
        if length not in self._compiled:
            shapes = jax.tree.map(
                lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype),
                self._inputs("A" * length, length, None, is_empty=True),
            )
            run = jax.jit(
                lambda params, inputs: folding_network.fold(
                    self._network,
                    params,
                    inputs,
                    self._groups,
                    self.num_cycles,
                    self.settings.tolerance,
                )
            )
            self._compiled[length] = run.lower(self._params, shapes).compile()
        return self._compiled[length]

    def _inputs(
        self, letters: str, length: int, seed: int | None, is_empty: bool = False
    ) -> folding_inputs.Inputs:
        width, n = self.description.architecture.width, len(letters)
        embedding_LE = np.zeros((length, width), np.float32)
        if not is_empty:
            embedding_LE[:n] = self._language.embed([letters], pool="none")[0]
        if seed is not None:
            rng = np.random.default_rng(seed)
            noise_LE = rng.normal(size=(n, width)) * NOISE * embedding_LE[:n].std()
            embedding_LE[:n] += noise_LE.astype(np.float32)
        kind_L = np.pad(atoms.encode(letters), (0, length - n), constant_values=4)
        token_BSL = None
        if self.settings.mode == "rhofold":
            tokens = [_RHOFOLD_TOKENS[letter] for letter in letters]
            tokens += [_RHOFOLD_PAD] * (length - n)
            token_BSL = jnp.array(tokens, jnp.int32)[None, None]
        place_L = np.arange(length, dtype=np.int32)
        return folding_inputs.Inputs(
            jnp.asarray(embedding_LE)[None],
            jnp.asarray(kind_L)[None],
            jnp.asarray(place_L)[None],
            jnp.asarray(place_L < n)[None],
            token_BSL,
        )


def load(directory: str | pathlib.Path, num_cycles: int | None = None) -> AtomPredictor:
    """Loads a model directory.

    Args:
      directory: made by `ssrlm tertiary` or `ssrlm convert rhofold`.
      num_cycles: at most; None: the model's own.

    Raises:
      ValueError: there is no model, it is damaged, or it predicts no atoms.
    """
    description, params = model_dir.load(pathlib.Path(directory))
    return AtomPredictor(description, params, num_cycles=num_cycles)


def checked(sequence: str, max_length: int | None) -> str:
    """Returns a sequence as A C G U.

    Raises:
      ValueError: it is empty, too long, or has another letter; places count from 1.
    """
    letters = sequence.upper().replace("T", "U")
    if not letters:
        raise ValueError("the sequence is empty")
    others = [
        f"{letter!r} at {place}"
        for place, letter in enumerate(letters, 1)
        if letter not in atoms.LETTERS
    ]
    if others:
        shown = ", ".join(others[:3]) + (", ..." if len(others) > 3 else "")
        raise ValueError(
            f"{shown}: atoms are known of A, C, G and U only; name the parent of a "
            "modified letter"
        )
    if max_length is not None and len(letters) > max_length:
        raise ValueError(
            f"{len(letters):,} nucleotides, the model takes up to {max_length:,}"
        )
    return letters


def _padded(length: int) -> int:
    return math.ceil(length / STEP) * STEP
