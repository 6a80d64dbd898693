"""What a Markov chain of letters makes of hidden nucleotides: the baseline.

A model that has learned anything beyond the frequencies of short words must do
better. Letters are 0..3 (A C G U), -1 where a letter is unknown. Axes: R records,
L positions, S states (the last `order` letters), X letters.
"""

import dataclasses
from collections.abc import Iterable

import numpy as np

NUM_LETTERS = 4


@dataclasses.dataclass(frozen=True)
class Chain:
    """Frequencies of letters after the `order` letters before them.

    Attributes:
      start_S: probability of the first `order` letters of a record.
      next_SX: probability of a letter after each state; the oldest letter of a
        state counts most.
    """

    order: int
    start_S: np.ndarray
    next_SX: np.ndarray


def fit(records: Iterable[np.ndarray], order: int, pseudocount: float = 1.0) -> Chain:
    """Counts words of `order` + 1 letters.

    Args:
      records: int arrays of letters; words with an unknown letter are left out.
      order: letters of context, 0 or more.
      pseudocount: added to every count.
    """
    num_states = NUM_LETTERS**order
    start_S = np.full(num_states, pseudocount)
    next_SX = np.full((num_states, NUM_LETTERS), pseudocount)
    for letter_L in records:
        state_L = _states(letter_L, order)
        if len(state_L) and state_L[0] >= 0:
            start_S[state_L[0]] += 1
        before_L, after_L = state_L[:-1], letter_L[order:]
        is_known_L = (before_L >= 0) & (after_L >= 0)
        np.add.at(next_SX, (before_L[is_known_L], after_L[is_known_L]), 1)
    return Chain(
        order, start_S / start_S.sum(), next_SX / next_SX.sum(axis=1, keepdims=True)
    )


def _states(letter_L: np.ndarray, order: int) -> np.ndarray:
    """Returns the state before each letter from `order` on, and after the last."""
    num = len(letter_L) - order + 1
    if num <= 0:
        return np.zeros(0, np.int64)
    state_L = np.zeros(num, np.int64)
    is_known_L = np.ones(num, bool)
    for k in range(order):
        part_L = letter_L[k : k + num].astype(np.int64)
        state_L = state_L * NUM_LETTERS + part_L
        is_known_L &= part_L >= 0
    return np.where(is_known_L, state_L, -1)


def posterior(chain: Chain, letter_RL: np.ndarray) -> np.ndarray:
    """Returns the probability of every letter at every position, given the known ones.

    Known letters on both sides count (forward-backward), so this is the best guess
    that the chain allows.

    Args:
      chain: of any order.
      letter_RL: int; -1 where a letter is to be guessed, and after a record's end.
        L is at least the order.

    Returns:
      float64 (R, L, 4).
    """
    R, L = letter_RL.shape
    order = chain.order
    if order > L:
        raise ValueError(f"{L} positions are fewer than the order {order} of the chain")
    letters_X = np.arange(NUM_LETTERS)
    fits_RLX = (letter_RL[..., None] < 0) | (letter_RL[..., None] == letters_X)
    ahead_RS = np.tile(chain.start_S, (R, 1))
    for k in range(order):
        ahead_RS = _restrict(ahead_RS, fits_RLX[:, k], order - 1 - k)
    ahead = [_scaled(ahead_RS)]  # of the state after `order`, `order` + 1, ... letters
    for k in range(order, L):
        joint_RSX = ahead[-1][:, :, None] * chain.next_SX * fits_RLX[:, k, None]
        ahead.append(_scaled(_forget_oldest(joint_RSX, order)))
    found_RLX = np.zeros((R, L, NUM_LETTERS))
    back_RS = np.ones((R, len(chain.start_S)))
    for k in range(L - 1, order - 1, -1):
        later_RSX = _with_next(back_RS, order) * chain.next_SX * fits_RLX[:, k, None]
        found_RLX[:, k] = (ahead[k - order][:, :, None] * later_RSX).sum(axis=1)
        back_RS = _scaled(later_RSX.sum(axis=2))
    joint_RS = ahead[0] * back_RS
    for k in range(order):
        by_letter = joint_RS.reshape(R, NUM_LETTERS**k, NUM_LETTERS, -1)
        found_RLX[:, k] = by_letter.sum(axis=(1, 3))
    return found_RLX / found_RLX.sum(axis=2, keepdims=True)


def _restrict(state_RS: np.ndarray, fits_RX: np.ndarray, age: int) -> np.ndarray:
    """Sets states to 0 whose letter of this age (0: the newest) does not fit."""
    shape = (len(state_RS), -1, NUM_LETTERS, NUM_LETTERS**age)
    return (state_RS.reshape(shape) * fits_RX[:, None, :, None]).reshape(state_RS.shape)


def _forget_oldest(joint_RSX: np.ndarray, order: int) -> np.ndarray:
    """Returns probabilities of the next state from those of (state, letter)."""
    R = len(joint_RSX)
    if order == 0:
        return joint_RSX.sum(axis=2)
    return joint_RSX.reshape(R, NUM_LETTERS, -1).sum(axis=1)


def _with_next(back_RS: np.ndarray, order: int) -> np.ndarray:
    """Returns, for (state, letter), the value of the next state."""
    R, S = back_RS.shape
    if order == 0:
        return np.broadcast_to(back_RS[:, :, None], (R, S, NUM_LETTERS))
    next_RSX = back_RS.reshape(R, S // NUM_LETTERS, NUM_LETTERS)
    return np.tile(next_RSX, (1, NUM_LETTERS, 1))


def _scaled(value_RS: np.ndarray) -> np.ndarray:
    return value_RS / value_RS.sum(axis=1, keepdims=True)
