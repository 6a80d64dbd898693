"""The rules of masking, counted over many draws.

`slow_ssm` writes the rule of `ssm` out, seed by seed. Shares are compared within
five standard errors; generators are seeded.
"""

import collections
import dataclasses
import itertools

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies

from ssrlm_jax import config
from ssrlm_jax.data import masking
from ssrlm_jax.rna import alphabet, structures

NUCLEOTIDES = alphabet.encode("ACGU")[0]


@dataclasses.dataclass(frozen=True)
class Row:
    """A packed row."""

    token: np.ndarray
    partner: np.ndarray
    segment: np.ndarray

    @property
    def is_maskable(self):
        return np.isin(self.token, NUCLEOTIDES)

    def hide(self, choice, rng, ssm_rate=1.0):
        policy = masking.POLICIES[choice.policy]
        return policy(self.token, self.partner, self.segment, rng, choice, ssm_rate)

    def split(self, value):
        """Returns the values of each record's letters."""
        return [
            value[self.segment == r][1:-1] for r in range(1, self.segment.max() + 1)
        ]


def pack(*records, length=None):
    """Packs (letters, pairs or dot-bracket), each between <cls> and <eos>."""
    token, partner, segment = [], [], []
    for number, (letters, pairs) in enumerate(records, 1):
        folded = (
            structures.from_dot_bracket(pairs)
            if isinstance(pairs, str)
            else structures.Structure(len(letters), pairs)
        )
        inside, _ = structures.partners(folded)
        partner += [-1, *np.where(inside < 0, -1, inside + len(token) + 1), -1]
        token += [alphabet.CLS, *alphabet.encode(letters)[0], alphabet.EOS]
        segment += [number] * (len(letters) + 2)
    rest = (length or len(token)) - len(token)
    return Row(
        np.array(token + [alphabet.PAD] * rest, np.uint8),
        np.array(partner + [-1] * rest, np.int16),
        np.array(segment + [0] * rest, np.uint8),
    )


def random_row(seed):
    """Returns a row of records paired at random, knots, N and lone letters included."""
    rng = np.random.default_rng(seed)
    records = []
    for _ in range(rng.integers(1, 9)):
        size = rng.integers(1, 40)
        letters = "".join(rng.choice(list("ACGUN"), size, p=[0.22] * 4 + [0.12]))
        num_pairs = rng.integers(0, size // 2 + 1)
        pairs = rng.permutation(size)[: 2 * num_pairs].reshape(-1, 2)
        records.append((letters, pairs))
    return pack(*records, length=400)


def settings(policy="ssm", **changes):
    return config.MaskingConfig(policy=policy, **changes)


def slow_ssm(row, choice, rng):
    """Hides the span of one seed after the other in a record, as in section 3.2.1."""
    partner, last = row.partner.astype(int), len(row.token) - 2
    hidden, is_maskable = np.zeros(len(row.token), bool), row.is_maskable

    def is_free(i):
        is_protected = choice.protect_partner and partner[i] >= 0 and hidden[partner[i]]
        return is_maskable[i] and not hidden[i] and not is_protected

    def span_of(seed):
        if partner[seed] < 0:
            return range(seed, min(seed + choice.span_length - 1, last) + 1)
        step = 1 if partner[seed] > seed else -1
        end = seed
        while partner[end] >= 0 and (partner[end] > end) == (partner[seed] > seed):
            end += step
        return range(seed, end, step)

    budget = masking.budget(is_maskable.sum(), choice.rate)
    while hidden.sum() < budget:
        for i in span_of(rng.choice([i for i in range(last + 1) if is_free(i)])):
            if is_free(i) and hidden.sum() < budget:
                hidden[i] = True
    return hidden


def shares(record, choice, ssm_rate=1.0, copies=50, rows=100):
    """Returns how often each set of positions of a record is hidden, from 0."""
    rng = np.random.default_rng(7)
    row = pack(*[record] * copies)
    counts = collections.Counter(
        tuple(np.flatnonzero(hidden).tolist())
        for _ in range(rows)
        for hidden in row.split(row.hide(choice, rng, ssm_rate))
    )
    return {hidden: count / (copies * rows) for hidden, count in counts.items()}


def assert_shares(found, expected, draws=5000):
    assert found.keys() == expected.keys()
    for hidden, share in expected.items():
        error = np.sqrt(share * (1 - share) / draws)
        np.testing.assert_allclose(found[hidden], share, atol=5 * error + 1e-12)


@pytest.mark.parametrize(
    ("num_nucleotides", "rate", "expected"),
    [(0, 0.15, 0), (1, 0.15, 1), (3, 0.15, 1), (9, 0.15, 1), (10, 0.15, 2)]
    + [(30, 0.15, 5), (100, 0.15, 15), (1, 0.5, 1), (5, 0.5, 3), (1022, 0.5, 511)],
)
def test_budget_is_rounded_half_up_and_at_least_one(num_nucleotides, rate, expected):
    assert masking.budget(np.array(num_nucleotides), rate) == expected


@pytest.mark.parametrize("policy", config.MASKING_POLICIES)
@hypothesis.settings(max_examples=100, deadline=None, derandomize=True)
@hypothesis.given(
    seed=strategies.integers(0, 2**32),
    rate=strategies.floats(0.01, 0.5),
    span_length=strategies.integers(1, 30),
    ssm_rate=strategies.sampled_from([0.0, 0.5, 1.0]),
    protect_partner=strategies.booleans(),
)
def test_every_record_hides_its_budget_and_only_nucleotides(
    policy, seed, rate, span_length, ssm_rate, protect_partner
):
    row = random_row(seed)
    choice = settings(
        policy, rate=rate, span_length=span_length, protect_partner=protect_partner
    )
    hidden = row.hide(choice, np.random.default_rng(seed), ssm_rate)
    assert hidden.dtype == bool
    assert not (hidden & ~row.is_maskable).any()
    for in_record, is_maskable in zip(
        row.split(hidden), row.split(row.is_maskable), strict=True
    ):
        num_nucleotides = int(is_maskable.sum())
        least = min(1, num_nucleotides)
        assert in_record.sum() == max(least, int(rate * num_nucleotides + 0.5))
    again = row.hide(choice, np.random.default_rng(seed), ssm_rate)
    np.testing.assert_array_equal(again, hidden)


@pytest.mark.parametrize("rate", [0.15, 0.5])
def test_ssm_never_hides_both_partners(rate):
    for seed in range(200):
        row = random_row(seed)
        hidden = row.hide(settings(rate=rate), np.random.default_rng(seed))
        assert not (hidden & hidden[row.partner] & (row.partner >= 0)).any()


@pytest.mark.parametrize("policy", config.MASKING_POLICIES)
def test_every_nucleotide_can_be_hidden(policy):
    rng = np.random.default_rng(0)
    for seed in range(5):
        row = random_row(seed)
        ever = np.any([row.hide(settings(policy), rng) for _ in range(500)], axis=0)
        np.testing.assert_array_equal(ever, row.is_maskable)


@pytest.mark.parametrize("policy", config.MASKING_POLICIES)
def test_padding_and_other_structures_change_nothing(policy):
    first, choice = (
        ("GGGACAAAGUCCC" * 3, "((((.....))))" * 3),
        settings(policy, rate=0.4),
    )
    second = ("ACGU" * 8, "((((....))))....((((....))))....")
    changed = ("ACGU" * 8, "." * 32)
    for seed in range(50):
        row, other = pack(first, second), pack(first, changed, length=160)
        hidden = row.hide(choice, np.random.default_rng(seed))
        perturbed = other.hide(choice, np.random.default_rng(seed))
        np.testing.assert_array_equal(row.split(hidden)[0], other.split(perturbed)[0])


PAIRS_OF_FIVE = list(itertools.combinations(range(5), 2))


def test_mlm_hides_every_set_of_positions_equally_often():
    found = shares(("ACGUA", "((.))"), settings("mlm", rate=0.4))
    assert_shares(found, dict.fromkeys(PAIRS_OF_FIVE, 1 / 10))


def test_sm_hides_every_arrangement_of_spans_equally_often():
    """Of 7 letters, 4 as a span of 3 and one of 1: 5 slots, 2 spans, 2 orders."""
    expected = collections.Counter()
    for slots in itertools.permutations(range(5), 2):
        lengths = [3 if i == slots[0] else 1 for i in range(5)]
        is_hidden = np.repeat([i in slots for i in range(5)], lengths)
        expected[tuple(np.flatnonzero(is_hidden).tolist())] += 1 / 20
    assert_shares(shares(("ACGUACG", "(.....)"), settings("sm", rate=0.5)), expected)


def test_sm_steps_over_an_unknown_letter():
    found = shares(("ANCNGU", "......"), settings("sm", rate=0.5, span_length=2))
    assert_shares(found, {(0, 2): 1 / 3, (2, 4): 1 / 3, (4, 5): 1 / 3})


def test_sm_span_longer_than_the_budget_is_cut_to_it():
    found = shares(("ACGU", "...."), settings("sm", rate=0.5, span_length=9))
    assert_shares(found, {(0, 1): 1 / 3, (1, 2): 1 / 3, (2, 3): 1 / 3})


def test_sm_cuts_at_most_one_span():
    for seed in range(100):
        row = random_row(seed)
        hidden = row.hide(settings("sm", rate=0.3), np.random.default_rng(seed))
        for in_record, is_maskable in zip(
            row.split(hidden), row.split(row.is_maskable), strict=True
        ):
            edges = np.flatnonzero(np.diff(in_record[is_maskable], prepend=0, append=0))
            lengths = edges[1::2] - edges[::2]
            assert (lengths % 3 != 0).sum() <= 1


# Of three letters other than N, two are hidden; shares are worked out from the
# first seed (1/3 each) and, where its span is one letter, the second (1/2 each).
THIRD, HALF, SIXTH = 1 / 3, 1 / 2, 1 / 6
SEEDS = {
    "opening: to the end of the run": (
        ("AAANNNNNN", "(((...)))", {}),
        {(0, 1): THIRD, (1, 2): HALF, (0, 2): SIXTH},
    ),
    "closing: back to the start of the run": (
        ("NNNNNNAAA", "(((...)))", {}),
        {(7, 8): THIRD, (6, 7): HALF, (6, 8): SIXTH},
    ),
    "runs do not care for the kind of bracket": (
        ("AAANNNNN", "(([..]))", {}),
        {(0, 1): THIRD, (1, 2): HALF, (0, 2): SIXTH},
    ),
    "an unpaired letter ends a run": (
        ("AANANNNNNN", "((.(...)))", {}),
        {(0, 1): HALF, (1, 3): THIRD, (0, 3): SIXTH},
    ),
    "a paired N is part of a run and stays visible": (
        ("AANANNNNNN", "((((..))))", {}),
        {(0, 1): THIRD, (1, 3): HALF, (0, 3): SIXTH},
    ),
    "unpaired: the next ones too": (
        ("AAA", "...", {"span_length": 2}),
        {(0, 1): THIRD, (1, 2): HALF, (0, 2): SIXTH},
    ),
    "an N takes a place of the span": (
        ("ANAA", "....", {"span_length": 2}),
        {(2, 3): HALF, (0, 3): THIRD, (0, 2): SIXTH},
    ),
    "unpaired: into a stem, skipping the protected": (
        ("AAA", ".()", {}),
        {(0, 1): 2 * THIRD, (0, 2): THIRD},
    ),
    "partners are protected": (
        ("AAA", "(.)", {"span_length": 1}),
        {(0, 1): HALF, (1, 2): HALF},
    ),
    "a protected one is no seed: it would bring its run": (
        ("ANNNNAANA", "(.(..))..", {"span_length": 1}),
        {(0, 5): 5 / 24, (0, 8): 5 / 24, (5, 6): 1 / 3, (5, 8): 1 / 6, (6, 8): 1 / 12},
    ),
    "partners are not protected": (
        ("AAA", "(.)", {"span_length": 1, "protect_partner": False}),
        {(0, 1): THIRD, (1, 2): THIRD, (0, 2): THIRD},
    ),
}


@pytest.mark.parametrize(("record", "expected"), SEEDS.values(), ids=SEEDS.keys())
def test_ssm_seed_by_hand(record, expected):
    letters, pairs, changes = record
    found = shares((letters, pairs), settings(rate=0.5, **changes))
    assert_shares(found, expected)


def test_ssm_span_is_cut_far_from_its_seed():
    """On 0, 0 and 1 are hidden; on 9, 9 and 8."""
    found = shares(("A" * 10, "((((()))))"), settings(rate=0.2))
    neighbours = {(i, i + 1) for i in range(9)} - {(4, 5)}
    assert found.keys() >= neighbours
    assert_shares(
        {pair: found[pair] for pair in [(0, 1), (8, 9)]}, {(0, 1): 0.1, (8, 9): 0.1}
    )


def test_ssm_rate_is_the_share_of_records():
    """Single letters by `sm`: a third each; by structure: as in SEEDS."""
    choice = settings(rate=0.5, span_length=1)
    found = shares(("AAANNNNNN", "(((...)))"), choice, ssm_rate=0.5)
    assert_shares(found, {(0, 1): 1 / 3, (1, 2): 5 / 12, (0, 2): 1 / 4})


def test_ssm_is_drawn_for_each_record_of_a_row():
    row = pack(*[("A" * 20, "(" * 10 + ")" * 10)] * 40)
    for seed in range(5):
        hidden = row.hide(settings(rate=0.5), np.random.default_rng(seed), 0.5)
        is_one_sided = [not (x & x[::-1]).any() for x in row.split(hidden)]
        assert 5 < sum(is_one_sided) < 35  # 20 expected; spans hide both sides


STRUCTURES = {
    "hairpin": ("GGGGGCAAAGCCCCC", "((((((...))))))"),
    "junction": (
        "GGGAGGGAAAACCCAGGGNAAACCNCAACCCA",
        "(((.(((....))).(((....)))..)))..",
    ),
    "knot": ("GGGGAACCCAAACCCCAAGGGA", "((((..[[[...))))..]]]."),
    "paired N": ("GGNGGAAAACCCNC", "(((((....)))))"),
    "unpaired": ("A" * 60, "." * 60),
}
CHOICES = [
    {},
    {"rate": 0.5, "span_length": 9},
    {"rate": 0.4, "span_length": 5, "protect_partner": False},
]


@pytest.mark.parametrize("changes", CHOICES, ids=str)
@pytest.mark.parametrize("record", STRUCTURES.values(), ids=STRUCTURES.keys())
def test_ssm_hides_as_the_rule_written_out(record, changes):
    """Share of each position and mean number of runs; 3,000 and 600 draws."""
    rng, choice, row = np.random.default_rng(5), settings(**changes), pack(record)
    copies = pack(*[record] * 30)
    fast = [x for _ in range(100) for x in copies.split(copies.hide(choice, rng))]
    slow = [row.split(slow_ssm(row, choice, rng))[0] for _ in range(600)]

    def scores(hidden):
        starts = np.diff(hidden.astype(int), axis=1, prepend=0) > 0
        return np.column_stack([hidden, starts.sum(axis=1)])

    fast, slow = scores(np.array(fast)), scores(np.array(slow))
    variance = (fast.var(axis=0) + slow.var(axis=0)) / 2
    error = np.sqrt(variance / len(fast) + variance / len(slow))
    difference = np.abs(fast.mean(axis=0) - slow.mean(axis=0))
    assert (difference <= 5 * error).all()


FULL = ("ACGU" * 256)[:1022]
EDGES = {
    "one nucleotide": ([("A", ".")], [1]),
    "all N but one": ([("NNNUN", "(...)")], [1]),
    "all unpaired": ([("ACGUACGUAC", "." * 10)], [2]),
    "all paired": ([("GGGGGCCCCC", "((((()))))")], [2]),
    "longest record": ([(FULL, "(" * 400 + "." * 222 + ")" * 400)], [153]),
    "64 records": ([("ACGUACGUACGUAC", "((((......))))")] * 64, [2] * 64),
    "a record of N only": ([("NNN", "(.)"), ("AC", "..")], [0, 1]),
    "N only": ([("NNN", "...")], [0]),
    "padding": ([], []),
}


@pytest.mark.parametrize("policy", config.MASKING_POLICIES)
@pytest.mark.parametrize(("records", "expected"), EDGES.values(), ids=EDGES.keys())
def test_edges(records, expected, policy):
    row = pack(*records, length=1024)
    hidden = row.hide(settings(policy), np.random.default_rng(0), ssm_rate=0.5)
    assert not (hidden & ~row.is_maskable).any()
    assert [x.sum() for x in row.split(hidden)] == expected
