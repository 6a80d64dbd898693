"""The rules of masking; `slow_ssm` below writes the rule of `ssm` out, seed by seed."""

import dataclasses

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies

from ssrlm_jax import config
from ssrlm_jax.data import masking
from ssrlm_jax.rna import alphabet

LETTERS = {letter: 4 + i for i, letter in enumerate("ACGUN")}
OPENING, CLOSING = "([{<", ")]}>"


@dataclasses.dataclass(frozen=True)
class Row:
    """A packed row built from (letters, dot-bracket) records."""

    token: np.ndarray
    partner: np.ndarray
    segment: np.ndarray

    def hidden(self, rng, settings, ssm_rate=1.0):
        policy = masking.POLICIES[settings.policy]
        return policy(self.token, self.partner, self.segment, rng, settings, ssm_rate)


def partners(structure):
    """Reads dot-bracket; one stack for each kind of bracket."""
    partner = np.full(len(structure), -1)
    opened = {bracket: [] for bracket in OPENING}
    for position, symbol in enumerate(structure):
        if symbol in OPENING:
            opened[symbol].append(position)
        elif symbol in CLOSING:
            other = opened[OPENING[CLOSING.index(symbol)]].pop()
            partner[[position, other]] = other, position
    return partner


def pack(*records, length=None):
    """Packs records, each between <cls> and <eos>, and pads to `length`."""
    token, partner, segment = [], [], []
    for number, (letters, structure) in enumerate(records, 1):
        inside = partners(structure)
        partner += [-1, *np.where(inside < 0, -1, inside + len(token) + 1), -1]
        token += [alphabet.CLS, *(LETTERS[x] for x in letters), alphabet.EOS]
        segment += [number] * (len(letters) + 2)
    rest = (length or len(token)) - len(token)
    return Row(
        np.array(token + [alphabet.PAD] * rest, np.uint8),
        np.array(partner + [-1] * rest, np.int16),
        np.array(segment + [0] * rest, np.uint8),
    )


def settings(policy="ssm", **changes):
    return config.MaskingConfig(policy=policy, **changes)


def slow_ssm(row, rng, choice):
    """Hides one seed's span after the other, as DESIGN words it, in one record."""
    partner = row.partner.astype(int)
    maskable = (row.token >= alphabet.A) & (row.token <= alphabet.U)
    budget = max(1, int(np.floor(choice.rate * maskable.sum() + 0.5)))
    hidden = np.zeros(len(row.token), bool)

    def is_free(i):
        is_protected = (
            choice.protect_partner and partner[i] >= 0 and hidden[partner[i]]
        )
        return maskable[i] and not hidden[i] and not is_protected

    def is_like(i, seed):
        same_side = (partner[i] > i) == (partner[seed] > seed)
        return partner[i] >= 0 and same_side and row.segment[i] == row.segment[seed]

    while hidden.sum() < budget:
        seed = rng.choice([i for i in range(len(hidden)) if is_free(i)])
        span = [seed]
        if partner[seed] < 0:
            span = list(range(seed, min(seed + choice.span_length, len(hidden))))
        else:
            step = 1 if partner[seed] > seed else -1
            while is_like(span[-1] + step, seed):
                span.append(span[-1] + step)
        for i in span:
            if is_free(i) and hidden.sum() < budget:
                hidden[i] = True
    return hidden
