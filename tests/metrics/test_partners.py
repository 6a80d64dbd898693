"""Whether a model reads a hidden nucleotide off its partner."""

import numpy as np

from ssrlm_jax.metrics import partners
from ssrlm_jax.rna import alphabet

_TO = {
    alphabet.A: alphabet.U,
    alphabet.C: alphabet.G,
    alphabet.G: alphabet.C,
    alphabet.U: alphabet.A,
}


def _batch():
    """Two records of a row: GCAAAGC, whose first two are hidden, and CAAAG, 2 pairs."""
    letters = "#GCAAAGC##CAAAG#"
    token_L = np.array([alphabet.LETTERS.index(x) if x != "#" else 1 for x in letters])
    target_L, partner_L = np.zeros(16, np.uint8), np.full(16, -1, np.int16)
    for i, j in ((1, 7), (2, 6), (10, 14)):
        partner_L[i], partner_L[j] = j, i
    for hidden in (1, 2, 3, 10, 14):  # 3 is not paired; 10 and 14 hide each other
        target_L[hidden] = token_L[hidden]
        token_L[hidden] = alphabet.MASK
    token_L[10] = alphabet.C  # as a mask may leave it
    segment_L = np.array([1] * 9 + [2] * 7)
    return {
        "token": token_L[None].astype(np.uint8),
        "target": target_L[None],
        "partner": partner_L[None],
        "segment": segment_L[None].astype(np.uint8),
    }


def _logits(batch, strength):
    """Those of a model that makes the complement of the partner likelier."""
    logits_BLV = np.zeros((*batch["token"].shape, alphabet.SIZE), np.float32)
    for place in np.flatnonzero(batch["partner"][0] >= 0):
        shown = int(batch["token"][0, batch["partner"][0, place]])
        if shown in _TO:
            logits_BLV[0, place, _TO[shown]] = strength
    return logits_BLV


def test_partners_that_are_seen_show_another_letter():
    batch = _batch()
    changed = partners.with_others(batch, 0)
    different = np.flatnonzero(changed["token"][0] != batch["token"][0])
    assert different.tolist() == [6, 7]
    assert alphabet.is_nucleotide(changed["token"][0, different]).all()
    drawn = {
        tuple(partners.with_others(batch, seed)["token"][0, 6:8]) for seed in range(99)
    }
    assert len(drawn) == 9  # three others of each


def test_a_model_that_reads_partners_follows_them():
    batch = _batch()
    changed = partners.with_others(batch, 0)
    for strength in (0.0, 2.0):
        before, after = (_logits(one, strength) for one in (batch, changed))
        found = partners.rises(before, after, batch, changed)
        # Two of the first record; of the second no partner is seen.
        np.testing.assert_allclose(found, [[2 * strength, 2]], atol=1e-6)


def test_letters_alone_do_not_count():
    batch = _batch()
    changed = partners.with_others(batch, 0)
    logits_BLV = np.zeros((1, 16, alphabet.SIZE), np.float32)
    logits_BLV[..., alphabet.G] = 5.0
    logits_BLV[..., alphabet.PAD] = 9.0
    assert (partners.rises(logits_BLV, logits_BLV, batch, changed)[:, 0] == 0).all()


def test_without_pairs_there_is_nothing_to_read():
    batch = _batch() | {"partner": np.full((1, 16), -1, np.int16)}
    changed = partners.with_others(batch, 0)
    assert partners.rises(*2 * [_logits(batch, 1.0)], batch, changed).shape == (0, 2)
