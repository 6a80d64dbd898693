"""What the model reads where nucleotides are hidden."""

import numpy as np
import pytest
import test_masking

from ssrlm_jax.data import masking
from ssrlm_jax.rna import alphabet

settings = test_masking.settings


@pytest.mark.parametrize("policy", ["sm", "ssm"])
def test_hidden_nucleotides_are_shown_as_mask(policy):
    row, rng = test_masking.random_row(0), np.random.default_rng(0)
    before = row.token.copy()
    hidden = row.hide(settings(policy), rng)
    shown = masking.replace(row.token, hidden, rng, settings(policy))
    assert shown.dtype == np.uint8
    np.testing.assert_array_equal(shown, np.where(hidden, alphabet.MASK, before))
    np.testing.assert_array_equal(row.token, before)


def test_mlm_shows_mask_random_nucleotide_or_the_letter_itself():
    draws = 20_000
    token = np.full(draws, alphabet.A, np.uint8)
    hidden = np.arange(draws) % 2 == 0
    choice = settings("mlm", mlm_mask_share=0.5, mlm_random_share=0.4)
    shown = masking.replace(token, hidden, np.random.default_rng(0), choice)
    assert (shown[~hidden] == alphabet.A).all()
    letters, counts = np.unique(shown[hidden], return_counts=True)
    found = dict(zip(letters.tolist(), counts / hidden.sum(), strict=True))
    others = dict.fromkeys((alphabet.C, alphabet.G, alphabet.U), 0.1)
    test_masking.assert_shares(
        found, {alphabet.MASK: 0.5, alphabet.A: 0.2} | others, draws // 2
    )
