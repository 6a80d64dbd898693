import collections

import numpy as np
import pytest

from ssrlm_jax import config
from ssrlm_jax.data import rows
from ssrlm_jax.prepare.corpus import generated_rna
from ssrlm_jax.rna import structures

SMALL = config.FamiliesConfig(
    num_families=4,
    num_members=40,
    num_validation_members=3,
    num_coding=20,
    num_validation_coding=3,
)
PAIRS = {"GC", "CG", "AU", "UA", "GU", "UG"}


def generated(split, source, seed=0, settings=SMALL):
    return list(generated_rna.generate(settings, seed)[split, source])


def test_structures_are_nested_and_of_realistic_size():
    rng = np.random.default_rng(0)
    for num_helices in range(1, 5):
        for _ in range(50):
            text = generated_rna.random_structure(rng, num_helices)
            assert "(" in text
            assert set(text) == set("(.)")
            pairs = structures.from_dot_bracket(text).pairs
            assert (pairs[:, 1] - pairs[:, 0]).min() > 3  # hairpin loops of 4 or more
            assert 4 * num_helices <= len(pairs) <= 9 * num_helices
            assert 15 <= len(text) <= 150


def test_members_keep_every_pair_and_differ():
    by_family = collections.defaultdict(set)
    for record in generated("train", "ncrna"):
        assert len(record.sequence) == record.structure.length
        for i, j in record.structure.pairs:
            assert record.sequence[i] + record.sequence[j] in PAIRS
        by_family[record.name.split("/")[0]].add(record.sequence)
    assert len(by_family) == 4
    assert all(len(sequences) > 35 for sequences in by_family.values())


def test_mutation_rates_are_as_asked():
    """A pair that is drawn anew differs from the old with probability 0.776."""
    rng = np.random.default_rng(0)
    family = generated_rna.random_family(rng)
    settings = config.FamiliesConfig(pair_mutation_rate=0.5, loop_mutation_rate=0.0)
    i_P = family.structure.pairs[:, 0]
    is_paired_L = np.zeros(family.structure.length, bool)
    is_paired_L[family.structure.pairs] = True
    changed = np.zeros(family.structure.length)
    for _ in range(400):
        member = np.array(list(generated_rna.random_member(rng, family, settings)))
        changed += member != family.ancestor
    assert changed[~is_paired_L].sum() == 0
    assert 0.25 < changed[i_P].mean() / 400 < 0.42


def test_without_mutation_members_equal_their_ancestor():
    settings = config.FamiliesConfig(
        num_families=1, num_members=3, pair_mutation_rate=0.0, loop_mutation_rate=0.0
    )
    members = generated("train", "ncrna", settings=settings)
    assert len({record.sequence for record in members}) == 1


def test_validation_members_are_new_members_of_the_same_families():
    train, held_out = generated("train", "ncrna"), generated("validation", "ncrna")
    assert not {r.sequence for r in train} & {r.sequence for r in held_out}
    shapes = {tuple(map(tuple, r.structure.pairs)) for r in train}
    assert {tuple(map(tuple, r.structure.pairs)) for r in held_out} == shapes


def test_coding_sequences_hold_an_open_reading_frame():
    for record in generated("train", "other"):
        start = record.sequence.index("AUG")
        codons = [record.sequence[k : k + 3] for k in range(start, 400, 3)]
        assert record.structure is None
        assert {"UAA", "UAG", "UGA"} & set(codons)


def test_the_seed_decides():
    def sequences(seed):
        return [record.sequence for record in generated("train", "ncrna", seed)]

    assert sequences(0) == sequences(0)
    assert sequences(0) != sequences(1)


def test_a_corpus_is_written_once_and_not_with_other_settings(tmp_path):
    settings = config.DataConfig(row_length=256, families=SMALL)
    generated_rna.write(tmp_path / "corpus", settings, seed=0)
    manifest = rows.open_corpus(tmp_path / "corpus", with_hashes=True)
    assert manifest.totals("validation", "ncrna")["num_records"] >= 12
    generated_rna.write(tmp_path / "corpus", settings, seed=0)
    with pytest.raises(ValueError, match="was generated with other settings"):
        generated_rna.write(tmp_path / "corpus", settings, seed=1)
