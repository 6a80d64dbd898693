"""Which nucleotides of a packed row are hidden from the model: mlm, sm, ssm.

Every policy hides exactly `budget` nucleotides of each record and nothing but
A C G U. A policy is a pure function of a row, a generator and the settings; it
works on all records of the row at once and rejects no draw.
Positions count from 0. Axes: L positions, R records, N nucleotides A C G U of
the row, S slots, P a few of one of these.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

from ssrlm_jax import config
from ssrlm_jax.rna import alphabet

# Sort keys are record (8 bits), value (38), index (16): sorting numbers that carry
# their index takes half the time of `np.argsort`.
_INDEX_BITS = 16  # rows are shorter than 2^15, as partners are int16
_VALUE_BITS = 38
# Arrivals are time (16 bits), distance from the seed (15).
_DISTANCE_BITS = 15
_NEVER = np.int64(1 << 31)  # later than any arrival
_RUN_BITS = 33  # of a scan key, above an arrival or _NEVER plus a distance

Policy = Callable[
    [
        np.ndarray,
        np.ndarray,
        np.ndarray,
        np.random.Generator,
        config.MaskingConfig,
        float,
    ],
    np.ndarray,
]


def budget(num_nucleotides: np.ndarray, rate: float) -> np.ndarray:
    """Counts the nucleotides to hide: max(1, floor(rate n + 1/2)), of none 0.

    Args:
      num_nucleotides: int, any shape; A C G U of each record.
      rate: share to hide, 0..0.5.
    """
    rounded = np.floor(rate * num_nucleotides + 0.5).astype(np.int64)
    return np.minimum(np.maximum(rounded, 1), num_nucleotides)


def mlm(
    token_L: np.ndarray,
    partner_L: np.ndarray,
    segment_L: np.ndarray,
    rng: np.random.Generator,
    settings: config.MaskingConfig,
    ssm_rate: float,
) -> np.ndarray:
    """Hides single nucleotides, drawn without replacement.

    Args:
      token_L: uint8, letters of rna/alphabet.py.
      partner_L: int16, paired position in the row; -1: none or unknown.
      segment_L: uint8, 0 for padding, 1... for records in order.
      rng: of a bit generator of 64 bits, as all but MT19937 are.
      settings: rate, span length, protection of partners.
      ssm_rate: share of the records that `ssm` hides by structure, 0..1.

    Returns:
      bool (L,), true where a nucleotide is hidden.
    """
    records = _Records.of(token_L, segment_L, settings.rate)
    order_N = records.order(_draw(len(records.position_N), rng))
    hidden_L = np.zeros(len(token_L), bool)
    taken_P = order_N[_leading(records.first_R, records.budget_R)]
    hidden_L[records.position_N[taken_P]] = True
    return hidden_L


def sm(
    token_L: np.ndarray,
    partner_L: np.ndarray,
    segment_L: np.ndarray,
    rng: np.random.Generator,
    settings: config.MaskingConfig,
    ssm_rate: float,
) -> np.ndarray:
    """Hides spans of `span_length` nucleotides at random places.

    Spans do not overlap but may touch; one is cut to the budget; a span steps
    over an N. Arguments and result as in `mlm`.

    Source: the paper, section 3.2.2.
    """
    records = _Records.of(token_L, segment_L, settings.rate)
    hidden_L = np.zeros(len(token_L), bool)
    hidden_L[records.position_N] = _spans(
        records.size_R, records.budget_R, settings.span_length, rng
    )
    return hidden_L


def ssm(
    token_L: np.ndarray,
    partner_L: np.ndarray,
    segment_L: np.ndarray,
    rng: np.random.Generator,
    settings: config.MaskingConfig,
    ssm_rate: float,
) -> np.ndarray:
    """Hides strands of stems and loops; each record with probability `ssm_rate`.

    A seed is drawn uniformly from the nucleotides that are neither hidden nor,
    with `protect_partner`, paired with a hidden one. A seed that opens a pair
    hides from itself to the end of its run of opening nucleotides; one that closes
    a pair, from the start of its run of closing ones to itself; an unpaired one,
    itself and the next `span_length` - 1 tokens of the record. Protected ones are
    skipped, and the last span is cut to the budget, farthest from its seed first.
    Records not drawn get `sm`. Arguments and result as in `mlm`.

    Source: the paper, section 3.2.1; that the partner of a hidden nucleotide stays
    visible is ours, as otherwise nothing is left from which to infer a pair.
    """
    records = _Records.of(token_L, segment_L, settings.rate)
    is_drawn_R = rng.random(len(records.size_R)) < ssm_rate
    hidden_N = np.zeros(len(records.position_N), bool)
    if not is_drawn_R.all():
        rest_R = ~is_drawn_R
        hidden_N[rest_R[records.record_N]] = _spans(
            records.size_R[rest_R], records.budget_R[rest_R], settings.span_length, rng
        )
    if is_drawn_R.any():
        drawn_R = np.where(is_drawn_R, records.budget_R, 0)
        drawn = dataclasses.replace(records, budget_R=drawn_R)
        hidden_N[_strands(drawn, partner_L, segment_L, rng, settings)] = True
    hidden_L = np.zeros(len(token_L), bool)
    hidden_L[records.position_N] = hidden_N
    return hidden_L


POLICIES: dict[str, Policy] = {"mlm": mlm, "sm": sm, "ssm": ssm}


def replace(
    token_L: np.ndarray,
    hidden_L: np.ndarray,
    rng: np.random.Generator,
    settings: config.MaskingConfig,
) -> np.ndarray:
    """Returns what the model reads where nucleotides are hidden.

    `sm` and `ssm` show `<mask>`; `mlm` shows it for a share of the hidden, a
    random nucleotide for another, and keeps the rest.

    Args:
      token_L: uint8, letters of rna/alphabet.py.
      hidden_L: bool, what a policy returned.
      rng: read by `mlm` only.
      settings: policy and shares.

    Returns:
      uint8 (L,).
    """
    if settings.policy != "mlm":
        return np.where(hidden_L, np.uint8(alphabet.MASK), token_L)
    position_P = np.flatnonzero(hidden_L)
    share_P = rng.random(len(position_P))
    letter_P = token_L[position_P]
    random_P = rng.integers(alphabet.A, alphabet.U + 1, len(position_P), np.uint8)
    mask_share = settings.mlm_mask_share
    is_random_P = share_P < mask_share + settings.mlm_random_share
    letter_P[is_random_P] = random_P[is_random_P]
    letter_P[share_P < mask_share] = alphabet.MASK
    input_L = token_L.copy()
    input_L[position_P] = letter_P
    return input_L


@dataclasses.dataclass(frozen=True)
class _Records:
    """The nucleotides of a row that can be hidden, by record."""

    position_N: np.ndarray  # in the row
    record_N: np.ndarray  # from 0, ascending
    first_R: np.ndarray  # index among N of a record's first nucleotide
    size_R: np.ndarray
    budget_R: np.ndarray

    @classmethod
    def of(cls, token_L: np.ndarray, segment_L: np.ndarray, rate: float) -> "_Records":
        position_N = np.flatnonzero(alphabet.is_nucleotide(token_L))
        record_N = segment_L[position_N].astype(np.int64) - 1
        size_R = np.bincount(record_N)
        first_R = np.cumsum(size_R) - size_R
        return cls(position_N, record_N, first_R, size_R, budget(size_R, rate))

    def order(self, value_N: np.ndarray) -> np.ndarray:
        """Returns the indices 0..N-1 sorted by record, then by value."""
        return _order(value_N, self.record_N)


def _draw(size: int, rng: np.random.Generator) -> np.ndarray:
    """Returns random int64 of _VALUE_BITS bits."""
    return (rng.bit_generator.random_raw(size) >> (64 - _VALUE_BITS)).view(np.int64)


def _order(value_N: np.ndarray, group_N: np.ndarray) -> np.ndarray:
    """Returns the indices 0..N-1 sorted by group, then by value."""
    key_N = (group_N << _VALUE_BITS) + value_N
    key_N <<= _INDEX_BITS
    key_N += np.arange(len(key_N))
    key_N.sort()
    key_N &= (1 << _INDEX_BITS) - 1
    return key_N


def _leading(first_R: np.ndarray, count_R: np.ndarray) -> np.ndarray:
    """Returns first, first + 1, ..., `count` of them, for one record after another."""
    shift_R = first_R - (np.cumsum(count_R) - count_R)
    return np.arange(count_R.sum()) + np.repeat(shift_R, count_R)


def _spans(
    size_R: np.ndarray, budget_R: np.ndarray, span_length: int, rng: np.random.Generator
) -> np.ndarray:
    """Places spans of `span_length` and one of what is left of the budget.

    k spans and the size - budget visible nucleotides stand in a line of slots; the
    k slots that become spans are drawn, so all compositions of the gaps are equally
    likely. The first one drawn is the shorter span.

    Returns:
      bool (N,), true where a nucleotide of these records is hidden.
    """
    num_spans_R = -(-budget_R // span_length)
    num_slots_R = size_R - budget_R + num_spans_R
    record_S = np.repeat(np.arange(len(size_R)), num_slots_R)
    order_S = _order(_draw(len(record_S), rng), record_S)
    first_R = np.cumsum(num_slots_R) - num_slots_R
    is_span_S = np.zeros(len(order_S), bool)
    length_S = np.ones(len(order_S), np.int64)
    drawn_P = order_S[_leading(first_R, num_spans_R)]
    is_span_S[drawn_P] = True
    length_S[drawn_P] = span_length
    is_hiding_R = num_spans_R > 0
    shorter_P = order_S[first_R[is_hiding_R]]
    length_S[shorter_P] -= (num_spans_R * span_length - budget_R)[is_hiding_R]
    return np.repeat(is_span_S, length_S)


def _strands(
    records: _Records,
    partner_L: np.ndarray,
    segment_L: np.ndarray,
    rng: np.random.Generator,
    settings: config.MaskingConfig,
) -> np.ndarray:
    """Takes nucleotides as seeds in random order until the budget is hidden.

    Returns:
      int (P,), indices among N of what is hidden.
    """
    position_N, length = records.position_N, len(partner_L)
    order_N = records.order(_draw(len(position_N), rng))
    # Before the budget is reached, fewer than `budget` nucleotides are hidden and
    # fewer than `budget` protected, so the first 2 budget - 1 of the order reach it.
    num_seeds_R = np.minimum(np.maximum(2 * records.budget_R - 1, 0), records.size_R)
    seed_P = _leading(records.first_R, num_seeds_R)
    start_L = np.full(length, _NEVER)
    time_P = seed_P - np.repeat(records.first_R, num_seeds_R)
    start_L[position_N[order_N[seed_P]]] = time_P << _DISTANCE_BITS
    partner_L = partner_L.astype(np.int64)  # indexing with int16 is slow
    guard_L = np.arange(length)
    if settings.protect_partner:
        is_maskable_L = np.zeros(length, bool)
        is_maskable_L[position_N] = True
        is_guarded_L = (partner_L >= 0) & is_maskable_L[partner_L]
        guard_L = np.where(is_guarded_L, partner_L, guard_L)
    covers = _Covers.of(partner_L, segment_L, settings.span_length)
    arrival_L = _arrivals(start_L, guard_L, covers)
    arrival_L[arrival_L[guard_L] < arrival_L] = _NEVER
    order_N = records.order(arrival_L[position_N])
    return order_N[_leading(records.first_R, records.budget_R)]


def _arrivals(
    start_L: np.ndarray, guard_L: np.ndarray, covers: "_Covers"
) -> np.ndarray:
    """Returns when each position is first covered, if seeds fire by the rule.

    A seed fires unless its position or its partner's is covered earlier. Which ones
    fire is found by repetition. If too many fire, positions seem covered too early,
    so those that fire even so are too few; from too few come too many, but fewer
    than before. The first k seeds are right after k rounds, so this ends, and with
    the only set that agrees with itself; four rounds are usual.

    Args:
      start_L: int64, arrival of a seed at its own position; _NEVER: no seed.
      guard_L: int64, the maskable partner of a position, else the position itself.
      covers: what each seed covers.
    """
    is_seed_L = start_L < _NEVER
    is_blocked_L = np.zeros(len(start_L), bool)
    while True:
        arrival_L = covers.arrivals(np.where(is_blocked_L, _NEVER, start_L))
        closed_L = np.minimum(arrival_L, arrival_L[guard_L])
        was_blocked_L = is_blocked_L
        is_blocked_L = is_seed_L & (closed_L < start_L)
        if not (is_blocked_L ^ was_blocked_L).any():
            return arrival_L


@dataclasses.dataclass(frozen=True)
class _Covers:
    """What a seed at each position of a row covers.

    In scan order, runs of closing nucleotides are reversed: a paired seed covers
    what follows it in its run, and one running minimum serves all runs. Runs end
    with their record, as `<cls>` and `<eos>` are unpaired.
    """

    scan_L: np.ndarray  # position -> place in scan order, and back
    offset_L: np.ndarray  # by place: run and place, taken off to compare arrivals
    late_KL: list[np.ndarray]  # k of the k-th token after an unpaired seed, or _NEVER

    @classmethod
    def of(
        cls, partner_L: np.ndarray, segment_L: np.ndarray, span_length: int
    ) -> "_Covers":
        length = len(partner_L)
        index_L = np.arange(length)
        is_paired_L = partner_L >= 0
        is_opening_L = partner_L > index_L
        is_first_L = np.ones(length, bool)  # of a run; unpaired ones stand alone
        is_first_L[1:] = ~(is_paired_L[1:] & is_paired_L[:-1]) | (
            is_opening_L[1:] ^ is_opening_L[:-1]
        )
        run_L = np.cumsum(is_first_L, dtype=np.int64) - 1
        first_Q = np.flatnonzero(is_first_L)
        ends_Q = first_Q + np.concatenate([first_Q[1:], [length]]) - 1
        mirror_L = ends_Q[run_L] - index_L
        scan_L = np.where(is_opening_L, index_L, mirror_L)
        late_KL = [
            np.where(is_paired_L[:-k] | (segment_L[k:] != segment_L[:-k]), _NEVER, k)
            for k in range(1, min(span_length, length))
        ]
        return cls(scan_L, (run_L << _RUN_BITS) + index_L, late_KL)

    def arrivals(self, start_L: np.ndarray) -> np.ndarray:
        """Returns when each position is first covered by seeds that start."""
        scanned_L = start_L[self.scan_L]
        scanned_L -= self.offset_L
        np.minimum.accumulate(scanned_L, out=scanned_L)
        scanned_L += self.offset_L
        arrival_L = scanned_L[self.scan_L]
        for k, late_L in enumerate(self.late_KL, 1):
            later_L = arrival_L[k:]
            np.minimum(later_L, start_L[:-k] + late_L, out=later_L)
        return arrival_L
