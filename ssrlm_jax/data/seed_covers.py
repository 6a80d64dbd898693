"""What seeds of `masking.ssm` cover of a row, and which of them fire.

An arrival is when a position is first covered: the time of the seed (16 bits) above the
distance from it (15), so that an earlier seed wins however far it is.
Positions count from 0. Axes: L positions, Q paired positions, K steps along the row.
"""

import dataclasses

import numpy as np

DISTANCE_BITS = 15
NEVER = np.int64(1 << 31)  # later than any arrival
_NUM_BETWEEN = 2  # tokens between the letters of two records: <eos> <cls>
_RUN_BITS = 33  # of a scan key, above an arrival or NEVER plus a distance


@dataclasses.dataclass(frozen=True)
class Covers:
    """What a seed at each position of a row covers.

    In scan order, runs of closing nucleotides are reversed: a paired seed covers
    what follows it in its run, and one running minimum serves all runs. Runs end
    with their record, as `<cls>` and `<eos>` are unpaired.
    """

    scan_Q: np.ndarray  # paired positions, in scan order
    offset_Q: np.ndarray  # run and place, taken off to compare arrivals
    delay_L: np.ndarray  # of unpaired seeds 0; NEVER where paired
    reach_K: list[int | np.ndarray]  # k; NEVER if the k-th next is another record's

    @classmethod
    def of(
        cls, partner_L: np.ndarray, segment_L: np.ndarray, span_length: int
    ) -> "Covers":
        paired_Q = np.flatnonzero(partner_L >= 0)
        is_opening_Q = partner_L[paired_Q] > paired_Q
        # A run ends where no pair follows, and where pairs turn: opening to closing
        # at a hairpin, closing to opening between two helices.
        is_new = np.ones(len(paired_Q) + 1, np.int64)  # run starts here, or all end
        is_new[1:-1] = (paired_Q[1:] != paired_Q[:-1] + 1) | (
            is_opening_Q[1:] ^ is_opening_Q[:-1]
        )
        run_Q = np.cumsum(is_new[:-1])
        bound = np.flatnonzero(is_new)
        index_Q = np.arange(len(paired_Q))
        mirror_Q = (bound[:-1] + bound[1:] - 1)[run_Q - 1] - index_Q
        scan_Q = paired_Q[np.where(is_opening_Q, index_Q, mirror_Q)]
        delay_L = np.zeros(len(partner_L), np.int64)
        delay_L[paired_Q] = NEVER
        # K: steps along the row. In one or two of them no other record is reached,
        # <eos> <cls> lie between; a longer span could step over these.
        reach_K: list[int | np.ndarray] = list(range(1, span_length))
        for k in range(1 + _NUM_BETWEEN, span_length):
            reach_K[k - 1] = np.where(segment_L[k:] == segment_L[:-k], k, NEVER)
        # What is taken off grows by 1 a place, the distance from a seed, and from run
        # to run by more than any arrival: no minimum passes on to the next run.
        return cls(scan_Q, (run_Q << _RUN_BITS) + index_Q, delay_L, reach_K)

    def arrivals(self, start_L: np.ndarray) -> np.ndarray:
        """Returns when each position is first covered by seeds that start."""
        scanned_Q = start_L[self.scan_Q]
        scanned_Q -= self.offset_Q
        np.minimum.accumulate(scanned_Q, out=scanned_Q)
        scanned_Q += self.offset_Q
        arrival_L = start_L.copy()
        arrival_L[self.scan_Q] = scanned_Q
        unpaired_L = start_L + self.delay_L
        for k, reach in enumerate(self.reach_K, 1):
            later_L = arrival_L[k:]
            np.minimum(later_L, unpaired_L[:-k] + reach, out=later_L)
        return arrival_L


def arrivals(start_L: np.ndarray, guard_L: np.ndarray, covers: Covers) -> np.ndarray:
    """Returns when each position is first covered, if seeds fire by the rule.

    A seed fires unless its position or its partner's is covered earlier. Which ones
    fire is found by repetition. If too many fire, positions seem covered too early,
    so those that fire even so are too few; from too few come too many, but fewer
    than before. The first k seeds are right after k rounds, so this ends, and with
    the only set that agrees with itself; four rounds are usual.

    Args:
      start_L: int64, arrival of a seed at its own position; NEVER: no seed.
      guard_L: int64, the maskable partner of a position, else the position itself.
      covers: what each seed covers.
    """
    is_seed_L = start_L < NEVER
    firing_L, num_blocked = start_L, 0
    while True:
        arrival_L = covers.arrivals(firing_L)
        closed_L = np.minimum(arrival_L, arrival_L[guard_L])
        is_blocked_L = is_seed_L & (closed_L < start_L)
        last_num_blocked, num_blocked = num_blocked, int(np.count_nonzero(is_blocked_L))
        # Of two rounds one holds the other, so that equal counts mean equal sets.
        if num_blocked == last_num_blocked:
            return arrival_L
        firing_L = np.where(is_blocked_L, NEVER, start_L)
