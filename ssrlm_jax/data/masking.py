"""Which nucleotides of a packed row are hidden from the model: mlm, sm, ssm.

Every policy hides exactly `budget` nucleotides of each record and nothing but
A C G U. A policy is a pure function of a row, a generator and the settings; it
works on all records of the row at once and draws nothing again.
Positions count from 0.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

from ssrlm_jax import config
from ssrlm_jax.rna import alphabet

_INDEX_BITS = np.uint64(16)  # rows are shorter than 2^15: partners are int16
_GROUP_SHIFT = np.uint64(56)  # of sort keys: group, value (40 bits), index
_NEVER = 1 << 31  # an arrival later than any other
_RUN_SHIFT = 33  # of scan keys: room for _NEVER plus a distance
_TIME_SHIFT = 15  # of arrivals: time, distance from the seed

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


@dataclasses.dataclass(frozen=True)
class _Records:
    """The nucleotides of a row that can be hidden (N of them), by record (R)."""

    position_N: np.ndarray  # in the row
    record_N: np.ndarray  # from 0, ascending
    first_R: np.ndarray  # index of a record's first among N
    size_R: np.ndarray
    budget_R: np.ndarray  # how many are hidden

    def row(self, value_N: np.ndarray, length: int) -> np.ndarray:
        """Returns bool values at their places in the row, false elsewhere."""
        value_L = np.zeros(length, bool)
        value_L[self.position_N] = value_N
        return value_L


def budget(num_nucleotides: np.ndarray, rate: float) -> np.ndarray:
    """Counts the nucleotides to hide: max(1, floor(rate n + 1/2)), 0 of none.

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
      rng: its state decides; one draw of the row's masks advances it.
      settings: rate, spans, protection.
      ssm_rate: share of records that `ssm` masks by structure; 0..1.

    Returns:
      bool (L,), true where a nucleotide is hidden.
    """
    records = _records(token_L, segment_L, settings.rate)
    order_N = _order(_draw(len(records.record_N), rng), records.record_N)
    hidden_N = _first(order_N, records, records.budget_R)
    return records.row(hidden_N, len(token_L))


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
    records = _records(token_L, segment_L, settings.rate)
    hidden_N = _spans(records, records.budget_R, settings.span_length, rng)
    return records.row(hidden_N, len(token_L))


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
    records = _records(token_L, segment_L, settings.rate)
    is_drawn_R = rng.random(len(records.budget_R)) < ssm_rate
    by_structure_R = np.where(is_drawn_R, records.budget_R, 0)
    by_span_R = records.budget_R - by_structure_R
    hidden_N = np.zeros(len(records.record_N), bool)
    if by_span_R.any():
        hidden_N |= _spans(records, by_span_R, settings.span_length, rng)
    if by_structure_R.any():
        hidden_N |= _strands(
            records, by_structure_R, partner_L, segment_L, rng, settings
        )
    return records.row(hidden_N, len(token_L))


POLICIES: dict[str, Policy] = {"mlm": mlm, "sm": sm, "ssm": ssm}


def apply(
    token_L: np.ndarray,
    hidden_L: np.ndarray,
    rng: np.random.Generator,
    settings: config.MaskingConfig,
) -> tuple[np.ndarray, np.ndarray]:
    """Replaces hidden nucleotides.

    `sm` and `ssm` show `<mask>`; `mlm` shows it for a share of the hidden, a
    random nucleotide for another, and keeps the rest.

    Returns:
      What the model reads, and the true letter where a nucleotide is hidden,
      `<pad>` elsewhere; both uint8 (L,).
    """
    target_L = np.where(hidden_L, token_L, np.uint8(alphabet.PAD))
    input_L = token_L.copy()
    if settings.policy != "mlm":
        input_L[hidden_L] = alphabet.MASK
        return input_L, target_L
    letter_P = token_L[hidden_L]
    share_P = rng.random(len(letter_P))
    random_P = rng.integers(alphabet.A, alphabet.U + 1, len(letter_P), np.uint8)
    masked = settings.mlm_mask_share
    is_random_P = share_P < masked + settings.mlm_random_share
    letter_P = np.where(is_random_P, random_P, letter_P)
    input_L[hidden_L] = np.where(share_P < masked, np.uint8(alphabet.MASK), letter_P)
    return input_L, target_L


def _records(token_L: np.ndarray, segment_L: np.ndarray, rate: float) -> _Records:
    position_N = np.flatnonzero(alphabet.is_nucleotide(token_L))
    record_N = segment_L[position_N].astype(np.int64) - 1
    size_R = np.bincount(record_N, minlength=int(segment_L.max()))
    first_R = np.cumsum(size_R) - size_R
    return _Records(position_N, record_N, first_R, size_R, budget(size_R, rate))


def _draw(size: int, rng: np.random.Generator) -> np.ndarray:
    """Returns random uint64 of 40 bits."""
    return rng.integers(0, 2**64, size, np.uint64) >> np.uint64(24)


def _order(value_N: np.ndarray, group_N: np.ndarray) -> np.ndarray:
    """Returns indices sorted by value (40 bits) in each group of ascending groups.

    Sorting keys that carry their index is twice as fast as `np.argsort`.
    """
    key_N = (value_N << _INDEX_BITS) | np.arange(len(value_N), dtype=np.uint64)
    key_N |= group_N.astype(np.uint64) << _GROUP_SHIFT
    key_N.sort()
    return (key_N & np.uint64(0xFFFF)).astype(np.int64)


def _ranks(group_N: np.ndarray, first_R: np.ndarray) -> np.ndarray:
    """Returns 0, 1, ... in each group of ascending groups."""
    return np.arange(len(group_N)) - first_R[group_N]


def _first(
    order_N: np.ndarray, records: _Records, budget_R: np.ndarray
) -> np.ndarray:
    """Returns bool, true for the first `budget` of each record in an order."""
    rank_N = _ranks(records.record_N, records.first_R)
    first_N = np.zeros(len(order_N), bool)
    first_N[order_N[rank_N < budget_R[records.record_N]]] = True
    return first_N


def _spans(
    records: _Records, budget_R: np.ndarray, span_length: int, rng: np.random.Generator
) -> np.ndarray:
    """Places spans of `span_length` and one of what is left of the budget.

    k spans and the n - budget visible nucleotides stand in a line of slots; the k
    slots that become spans are drawn, so all compositions of the gaps are equally
    likely. The first one drawn is the shorter span.
    """
    num_spans_R = -(-budget_R // span_length)
    num_slots_R = records.size_R - budget_R + num_spans_R
    short_R = budget_R - (num_spans_R - 1) * span_length
    record_S = np.repeat(np.arange(len(budget_R)), num_slots_R)
    order_S = _order(_draw(len(record_S), rng), record_S)
    rank_S = _ranks(record_S, np.cumsum(num_slots_R) - num_slots_R)
    is_drawn_S = rank_S < num_spans_R[record_S]
    slot_P = order_S[is_drawn_S]
    short_P = short_R[record_S[is_drawn_S]]
    is_span_S = np.zeros(len(order_S), bool)
    is_span_S[slot_P] = True
    length_S = np.ones(len(order_S), np.int64)
    length_S[slot_P] = np.where(rank_S[is_drawn_S] == 0, short_P, span_length)
    return np.repeat(is_span_S, length_S)


def _strands(
    records: _Records,
    budget_R: np.ndarray,
    partner_L: np.ndarray,
    segment_L: np.ndarray,
    rng: np.random.Generator,
    settings: config.MaskingConfig,
) -> np.ndarray:
    """Takes nucleotides as seeds in random order until the budget is hidden."""
    position_N, record_N = records.position_N, records.record_N
    order_N = _order(_draw(len(record_N), rng), record_N)
    rank_N = _ranks(record_N, records.first_R)
    # Before the budget is reached, fewer than `budget` nucleotides are hidden and
    # fewer than `budget` protected, so the first 2 budget - 1 of the order reach it.
    is_early_N = rank_N < 2 * budget_R[record_N] - 1
    start_L = np.full(len(partner_L), _NEVER)
    early_P = position_N[order_N[is_early_N]]
    start_L[early_P] = rank_N[is_early_N] << _TIME_SHIFT
    guard_L = np.arange(len(partner_L))
    if settings.protect_partner:
        is_maskable_L = records.row(np.ones(len(position_N), bool), len(partner_L))
        is_guarded_L = (partner_L >= 0) & is_maskable_L[partner_L]
        guard_L = np.where(is_guarded_L, partner_L, guard_L)
    covers = _Covers.of(partner_L, segment_L, settings.span_length)
    arrival_L = _arrivals(start_L, guard_L, covers)
    is_dropped_L = arrival_L[guard_L] < arrival_L
    arrival_N = np.where(is_dropped_L, _NEVER, arrival_L)[position_N]
    order_N = _order(arrival_N.astype(np.uint64), record_N)
    return _first(order_N, records, budget_R)


@dataclasses.dataclass(frozen=True)
class _Covers:
    """What a seed at each position of a row covers.

    In scan order, runs of closing nucleotides are reversed: a seed covers what
    follows it in its run, and one running minimum serves all runs.
    """

    scan_L: np.ndarray  # position -> place in scan order, and back
    offset_L: np.ndarray  # by place: what sets runs apart, plus the distance
    late_KL: list[np.ndarray]  # distance k of the k-th next token; _NEVER: not covered

    @classmethod
    def of(
        cls, partner_L: np.ndarray, segment_L: np.ndarray, span_length: int
    ) -> "_Covers":
        index_L = np.arange(len(partner_L))
        is_paired_L = partner_L >= 0
        is_opening_L = partner_L > index_L
        is_first_L = np.ones(len(partner_L), bool)
        is_first_L[1:] = (
            ~is_paired_L[1:]
            | ~is_paired_L[:-1]
            | (is_opening_L[1:] != is_opening_L[:-1])
            | (segment_L[1:] != segment_L[:-1])
        )
        run_L = np.cumsum(is_first_L) - 1
        first_R = np.flatnonzero(is_first_L)
        last_R = np.append(first_R[1:], len(partner_L)) - 1
        is_closing_L = is_paired_L & ~is_opening_L
        mirror_L = (first_R + last_R)[run_L] - index_L
        late_KL = [
            np.where(
                ~is_paired_L[:-k] & (segment_L[k:] == segment_L[:-k]), k, _NEVER
            )
            for k in range(1, min(span_length, len(partner_L)))
        ]
        scan_L = np.where(is_closing_L, mirror_L, index_L)
        return cls(scan_L, (run_L << _RUN_SHIFT) + index_L, late_KL)

    def arrivals(self, start_L: np.ndarray) -> np.ndarray:
        """Returns when each position is first covered by a seed that starts."""
        scanned_L = start_L[self.scan_L] - self.offset_L
        np.minimum.accumulate(scanned_L, out=scanned_L)
        scanned_L += self.offset_L
        arrival_L = scanned_L[self.scan_L]
        for k, late_L in enumerate(self.late_KL, 1):
            later_L = arrival_L[k:]
            np.minimum(later_L, start_L[:-k] + late_L, out=later_L)
        return arrival_L


def _arrivals(
    start_L: np.ndarray, guard_L: np.ndarray, covers: _Covers
) -> np.ndarray:
    """Returns when each position is first covered, if seeds fire by the rule.

    A seed fires unless its position or its partner's is covered earlier. Which ones
    fire is found by repetition. If too many fire, positions seem covered too early,
    so those that fire even so are too few; from too few come too many, but fewer
    than before. The first k times are right after k rounds, so this ends, with the
    one set that agrees with itself; a handful of rounds is usual.
    """
    is_blocked_L = np.zeros(len(start_L), bool)
    is_seed_L = start_L < _NEVER
    while True:
        arrival_L = covers.arrivals(np.where(is_blocked_L, _NEVER, start_L))
        closed_L = np.minimum(arrival_L, arrival_L[guard_L])
        blocked_L = is_seed_L & (closed_L < start_L)
        if np.array_equal(blocked_L, is_blocked_L):
            return arrival_L
        is_blocked_L = blocked_L
