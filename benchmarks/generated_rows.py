"""Masked packed rows of random letters, of records as long as RNA is."""

import numpy as np

from ssrlm_jax.prepare.corpus import pack
from ssrlm_jax.rna import alphabet

SEED = 0
MAX_SEGMENTS = 64
MEDIAN_LENGTH, LENGTH_SPREAD = 160, 0.7  # nucleotides; of the logarithm
HIDDEN_SHARE = 0.15
DRAWN_ROWS = 256  # about as many are packed, and those of a batch drawn from them

Batch = dict[str, np.ndarray]


def batch(num_rows: int, row_length: int) -> Batch:
    """Returns masked packed rows of random letters."""
    rng = np.random.default_rng(SEED)
    drawn_N = rng.lognormal(np.log(MEDIAN_LENGTH), LENGTH_SPREAD, 10 * DRAWN_ROWS)
    length_N = np.clip(drawn_N, 20, row_length - 2).astype(int) + 2
    placed = pack.fill_rows(length_N.tolist(), row_length, MAX_SEGMENTS)
    segment_BL = np.zeros((num_rows, row_length), np.uint8)
    token_BL = np.zeros_like(segment_BL)
    for b, row in enumerate(rng.choice(len(placed), num_rows)):
        start = 0
        for number, n in enumerate(placed[row], 1):
            end = start + length_N[n]
            segment_BL[b, start:end] = number
            letters = rng.integers(alphabet.A, alphabet.U + 1, end - start)
            letters[0], letters[-1] = alphabet.CLS, alphabet.EOS
            token_BL[b, start:end] = letters
            start = end
    is_hidden_BL = rng.random(token_BL.shape) < HIDDEN_SHARE
    is_hidden_BL &= alphabet.is_nucleotide(token_BL)
    return {
        "token": np.where(is_hidden_BL, alphabet.MASK, token_BL).astype(np.uint8),
        "target": np.where(is_hidden_BL, token_BL, alphabet.PAD).astype(np.uint8),
        "segment": segment_BL,
        "partner": np.full(token_BL.shape, -1, np.int16),
        "source": np.zeros(num_rows, np.uint8),
    }
