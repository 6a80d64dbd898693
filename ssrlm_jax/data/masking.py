"""Which nucleotides of a packed row are hidden from the model: mlm, sm, ssm.

Every policy hides exactly `budget` nucleotides of each record and nothing but
A C G U. A policy is a pure function of a row, a generator and the settings; it
works on all records of the row at once and rejects no draw.
Positions count from 0. Axes: L positions, R records, N nucleotides A C G U of
the row, Q paired positions, S slots, P a few of one of these.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

from ssrlm_jax import config
from ssrlm_jax.data import seed_covers
from ssrlm_jax.rna import alphabet

# Sort keys are record (8 bits), value (38), index (16): sorting numbers that carry
# their index takes half the time of `np.argsort`. A row has at most 255 records (their
# numbers are uint8), so that the sign stays free.
_INDEX_BITS = 16  # rows are shorter than 2^15, as partners are int16
_VALUE_BITS = 38

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

    Example:
      >>> budget(np.array([0, 3, 76, 120]), 0.15).tolist()
      [0, 1, 11, 18]
    """
    rounded = (rate * num_nucleotides + 0.5).astype(np.int64)
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
    # One sort shuffles all records at once: the record is the highest part of a key.
    order_N = _order(_draw(len(records.label_N), rng), records.label_N)
    taken_P = order_N[_leading(records.first_R, records.budget_R)]
    hidden_L = np.zeros(len(token_L), bool)
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

    Example: a hairpin of 11, of which 4 are to be hidden, and spans of 3. Seeds come
    in the order 6, 0, 10, ...
      place   0 1 2 3 4 5 6 7 8 9 10
      letter  G C G A A A A C G C A
      pair    ( ( ( . . . . ) ) ) .
      seed 6  . . . . . . # # # . .   unpaired: it and the next 2, also into the stem;
                                      1 and 2 are protected now, as 8 and 7 are hidden
      seed 0  # . . . . . # # # . .   opens a pair: to the end of its run, which is 2;
                                      1 and 2 are skipped, the budget is reached
      >>> token_L = alphabet.encode("GCGAAAACGCA")[0]
      >>> partner_L = np.array([9, 8, 7, -1, -1, -1, -1, 2, 1, 0, -1], np.int16)
      >>> settings = config.MaskingConfig(policy="ssm", rate=0.4, span_length=3)
      >>> rng, record_L = np.random.default_rng(24), np.ones(11, np.uint8)
      >>> hidden_L = ssm(token_L, partner_L, record_L, rng, settings, ssm_rate=1.0)
      >>> np.flatnonzero(hidden_L).tolist()
      [0, 6, 7, 8]
    """
    records = _Records.of(token_L, segment_L, settings.rate)
    is_drawn_R = rng.random(len(records.size_R)) < ssm_rate
    num_drawn = np.count_nonzero(is_drawn_R)
    hidden_L = np.zeros(len(token_L), bool)
    if num_drawn < len(is_drawn_R):  # the others, which get `sm`
        rest_R = ~is_drawn_R
        rest_P = records.position_N[rest_R[records.record_N]]
        hidden_L[rest_P] = _spans(
            records.size_R[rest_R], records.budget_R[rest_R], settings.span_length, rng
        )
    if num_drawn:
        budget_R = records.budget_R * is_drawn_R
        drawn_P = _strands(records, budget_R, partner_L, segment_L, rng, settings)
        hidden_L[drawn_P] = True
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
    # One draw of shares decides both: those of <mask> are among these, and come last.
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
    label_N: np.ndarray  # record and index, as in sort keys
    first_R: np.ndarray  # index among N of a record's first nucleotide
    size_R: np.ndarray
    budget_R: np.ndarray

    @classmethod
    def of(cls, token_L: np.ndarray, segment_L: np.ndarray, rate: float) -> "_Records":
        position_N = np.flatnonzero(alphabet.is_nucleotide(token_L))
        record_N = segment_L[position_N].astype(np.int64) - 1
        size_R = np.bincount(record_N)
        first_R = np.cumsum(size_R) - size_R
        label_N = _labels(record_N)
        budget_R = budget(size_R, rate)
        return cls(position_N, record_N, label_N, first_R, size_R, budget_R)


def _draw(size: int, rng: np.random.Generator) -> np.ndarray:
    """Returns random int64 of _VALUE_BITS bits."""
    return (rng.bit_generator.random_raw(size) >> (64 - _VALUE_BITS)).view(np.int64)


def _labels(record_N: np.ndarray) -> np.ndarray:
    """Returns sort keys without a value, for ascending records."""
    return (record_N << (_VALUE_BITS + _INDEX_BITS)) + np.arange(len(record_N))


def _order(value_N: np.ndarray, label_N: np.ndarray) -> np.ndarray:
    """Returns the indices 0..N-1 sorted by record, then by value."""
    key_N = value_N << _INDEX_BITS
    key_N += label_N
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
    order_S = _order(_draw(len(record_S), rng), _labels(record_S))
    first_R = np.cumsum(num_slots_R) - num_slots_R
    is_span_S = np.zeros(len(order_S), bool)
    length_S = np.ones(len(order_S), np.int64)
    drawn_P = order_S[_leading(first_R, num_spans_R)]
    is_span_S[drawn_P] = True
    length_S[drawn_P] = span_length
    is_hiding_R = num_spans_R > 0
    # Drawn first, so that the shorter span stands anywhere among the others.
    shorter_P = order_S[first_R[is_hiding_R]]
    length_S[shorter_P] -= (num_spans_R * span_length - budget_R)[is_hiding_R]
    return np.repeat(is_span_S, length_S)


def _strands(
    records: _Records,
    budget_R: np.ndarray,
    partner_L: np.ndarray,
    segment_L: np.ndarray,
    rng: np.random.Generator,
    settings: config.MaskingConfig,
) -> np.ndarray:
    """Takes nucleotides as seeds in random order until the budget is hidden.

    Returns:
      int (P,), positions in the row of what is hidden.
    """
    position_N, first_R = records.position_N, records.first_R
    order_N = _order(_draw(len(position_N), rng), records.label_N)
    # Before the budget is reached, fewer than `budget` nucleotides are hidden and
    # fewer than `budget` protected: the first 2 budget of the order reach it.
    num_seeds_R = np.minimum(2 * budget_R, records.size_R)
    seed_P = _leading(first_R, num_seeds_R)
    time_P = seed_P - np.repeat(first_R, num_seeds_R)
    start_L = np.full(len(partner_L), seed_covers.NEVER)
    # Time above distance: an earlier seed wins however far it is, and what the last
    # seed covers is cut off from its far end.
    start_L[position_N[order_N[seed_P]]] = time_P << seed_covers.DISTANCE_BITS
    partner_L = partner_L.astype(np.int64)  # indexing with int16 is slow
    # Without a partner, or with an N, which is never hidden: a position guards itself.
    guard_L = np.arange(len(partner_L))
    if settings.protect_partner:
        is_maskable_L = np.zeros(len(partner_L), bool)
        is_maskable_L[position_N] = True
        # Without a partner, -1 reads the last position; the first condition drops it.
        is_guarded_L = (partner_L >= 0) & is_maskable_L[partner_L]
        guard_L = np.where(is_guarded_L, partner_L, guard_L)
    covers = seed_covers.Covers.of(partner_L, segment_L, settings.span_length)
    arrival_L = seed_covers.arrivals(start_L, guard_L, covers)
    # Of two partners that are covered, the later one is protected by then. They never
    # arrive together: their seeds differ, or their distances do.
    is_dropped_L = arrival_L[guard_L] < arrival_L
    arrival_L[is_dropped_L] = seed_covers.NEVER
    order_N = _order(arrival_L[position_N], records.label_N)
    return position_N[order_N[_leading(first_R, budget_R)]]
