"""Whether a language model reads a hidden nucleotide off its partner.

Loss on paired and on unpaired nucleotides differs by composition and conservation, too.
Here the partner alone changes: of a model that reads pairs, the complement of what the
partner shows becomes likelier.
"""

import numpy as np

from ssrlm_jax import types
from ssrlm_jax.rna import alphabet

# Watson and Crick's partners of A C G U, as places among them.
_COMPLEMENT = np.array([3, 2, 1, 0])


def with_others(batch: types.Batch, seed: int) -> types.Batch:
    """Returns a batch in which partners of hidden nucleotides show another letter.

    Args:
      batch: as `pretraining_batches.validation` returns it.
      seed: of the letters, each one of the three others.
    """
    row, place = _read(batch)[:2]
    token_BL = np.array(batch["token"])
    step = np.random.default_rng(seed).integers(1, 4, len(row))
    shown = token_BL[row, place] - alphabet.A
    token_BL[row, place] = alphabet.A + (shown + step) % 4
    return {**batch, "token": token_BL}


def rises(
    before_BLV: np.ndarray,
    after_BLV: np.ndarray,
    batch: types.Batch,
    changed: types.Batch,
) -> np.ndarray:
    """Returns by how much the complement of what the partner shows became likelier.

    Args:
      before_BLV: logits of `batch`.
      after_BLV: logits of `changed`.
      batch: as given to `with_others`.
      changed: what that returned.

    Returns:
      (R, 2): for each record with hidden paired nucleotides whose partner is seen the
      sum of log probability after less before, in nats, and how many they are.
    """
    row, place, hidden = _read(batch)
    letter = _COMPLEMENT[changed["token"][row, place] - alphabet.A]
    found = _chances(after_BLV, row, hidden, letter)
    found -= _chances(before_BLV, row, hidden, letter)
    segment_BL = np.asarray(batch["segment"], np.int64)
    record = row * (segment_BL.max(initial=0) + 1) + segment_BL[row, hidden]
    _, number = np.unique(record, return_inverse=True)
    return np.stack([np.bincount(number, found), np.bincount(number)], axis=1)


def _read(batch: types.Batch) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns rows, places of seen partners, and of the hidden nucleotides."""
    partner_BL = np.asarray(batch["partner"], np.int64)
    is_hidden_BL = np.asarray(batch["target"]) != alphabet.PAD
    row, hidden = np.nonzero(is_hidden_BL & (partner_BL >= 0))
    place = partner_BL[row, hidden]
    shown = np.asarray(batch["token"])[row, place]
    is_seen = alphabet.is_nucleotide(shown)
    is_seen &= ~is_hidden_BL[row, place]  # a hidden one may show a letter of chance
    return row[is_seen], place[is_seen], hidden[is_seen]


def _chances(
    logits_BLV: np.ndarray, row: np.ndarray, place: np.ndarray, letter: np.ndarray
) -> np.ndarray:
    """Returns log probabilities of letters among A C G U."""
    logits_PX = np.asarray(logits_BLV, np.float64)[row, place]
    logits_PX = logits_PX[:, alphabet.A : alphabet.U + 1]
    logits_PX = logits_PX - logits_PX.max(1, keepdims=True)
    of_letter = logits_PX[np.arange(len(letter)), letter]
    return of_letter - np.log(np.exp(logits_PX).sum(1))
