import itertools

import numpy as np
import pytest

from ssrlm_jax.metrics import markov

A, C, G, U = range(4)


def test_a_chain_counts_words_by_hand():
    chain = markov.fit([np.array([A, C, A, C, G])], order=1, pseudocount=0.25)
    np.testing.assert_allclose(chain.next_SX[A], [0.25 / 3, 2.25 / 3, *[0.25 / 3] * 2])
    np.testing.assert_allclose(
        chain.next_SX[C], [1.25 / 3, 0.25 / 3, 1.25 / 3, 0.25 / 3]
    )
    np.testing.assert_allclose(chain.start_S, [1.25 / 2, *[0.25 / 2] * 3])


def test_words_with_an_unknown_letter_do_not_count():
    chain = markov.fit([np.array([A, -1, C, G])], order=1, pseudocount=1.0)
    np.testing.assert_allclose(chain.next_SX[A], [0.25] * 4)
    np.testing.assert_allclose(chain.next_SX[C], [0.2, 0.2, 0.4, 0.2])


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_posterior_equals_summing_over_all_sequences(order):
    rng = np.random.default_rng(order)
    chain = markov.Chain(
        order,
        rng.dirichlet(np.ones(4**order)),
        rng.dirichlet(np.ones(4), 4**order),
    )
    seen = np.array([-1, A, -1, -1, U, -1])
    expected = np.zeros((len(seen), 4))
    for letters in itertools.product(range(4), repeat=len(seen)):
        if any(s >= 0 and s != x for s, x in zip(seen, letters, strict=True)):
            continue
        states = [0]
        for k in range(order):
            states[0] = states[0] * 4 + letters[k]
        chance, state = chain.start_S[states[0]], states[0]
        for letter in letters[order:]:
            chance *= chain.next_SX[state, letter]
            state = (state * 4 + letter) % 4**order
        for k, letter in enumerate(letters):
            expected[k, letter] += chance
    expected /= expected.sum(axis=1, keepdims=True)
    found = markov.posterior(chain, seen[None])
    np.testing.assert_allclose(found[0], expected, rtol=1e-9)


def test_what_follows_a_record_does_not_matter():
    chain = markov.fit(list(np.random.default_rng(0).integers(0, 4, (5, 50))), order=3)
    short = np.array([[A, -1, G, U, -1, C]])
    longer = np.pad(short, ((0, 0), (0, 7)), constant_values=-1)
    np.testing.assert_allclose(
        markov.posterior(chain, longer)[:, :6],
        markov.posterior(chain, short),
        rtol=1e-9,
    )
