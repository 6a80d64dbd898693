import dataclasses

import numpy as np
import pytest
import structures

from ssrlm_jax import config
from ssrlm_jax.data import embeddings, tertiary_crops
from ssrlm_jax.rna import atoms

SETTINGS = config.StructuresConfig(batch_size=4, crop=16, step=8, min_length=4)


def _piece(first, last, name):
    one = structures.chain()
    part = slice(first, last)
    return tertiary_crops.Structure(
        name,
        one.letters[part],
        one.index_L[part],
        one.xyz_LT3[part],
        one.is_atom_LT[part],
        np.empty((0, 2), np.int64),
    )


@pytest.fixture
def crops():
    chains = [
        structures.chain(),
        _piece(0, 12, "b"),
        _piece(3, 9, "c"),
        _piece(3, 9, "d"),
    ]
    arrays = [np.arange(len(c))[:, None] + np.zeros((1, 5)) for c in chains]
    return tertiary_crops.Crops(chains, arrays, np.array([0, 1, 2, 2]), SETTINGS)


def test_a_chain_is_read_with_its_pairs():
    one = structures.chain()
    assert (one.name, len(one)) == ("1Q96_A", 27)
    assert one.is_atom_LT.sum() == 577
    np.testing.assert_array_equal(one.index_L, np.arange(27))
    letters = {one.letters[i] + one.letters[j] for i, j in one.pairs_N2}
    assert letters <= {"GC", "CG", "AU", "UA", "GU", "UG"}
    assert len(one.pairs_N2) >= 5


def test_gaps_in_numbers_keep_their_distance(tmp_path):
    lines = structures.PATH.read_text().splitlines()
    cut = [
        x for x in lines if not (x[:4] == "ATOM" and x[22:26].strip() in {"10", "11"})
    ]
    path = tmp_path / "gap.pdb"
    path.write_text("\n".join(cut))
    one = tertiary_crops.read(str(path), SETTINGS)[0]
    assert len(one) == 25
    assert sorted(set(np.diff(one.index_L).tolist())) == [1, 3]


def test_what_cannot_be_used_is_named(tmp_path, caplog):
    caplog.set_level("INFO")
    with pytest.raises(ValueError, match="no chain can be used"):
        tertiary_crops.read(
            str(structures.PATH), dataclasses.replace(SETTINGS, max_length=20)
        )
    assert "1 chains longer than 20 nt left out" in caplog.text
    with pytest.raises(ValueError, match="there is no such file"):
        tertiary_crops.read("nowhere", SETTINGS)
    with pytest.raises(ValueError, match="no structure is found"):
        tertiary_crops.read(str(tmp_path), SETTINGS)


def test_batches_are_the_same_from_any_of_them_and_for_any_processes(crops):
    loss = config.LossConfig(unclamped_steps=3, clamped_share=1.0)
    whole = crops.batches(1, 0, 1, loss, 0)
    first = [next(whole) for _ in range(6)]
    later = crops.batches(1, 0, 1, loss, 4)
    parts = [crops.batches(1, n, 2, loss, 4) for n in range(2)]
    for expected in first[4:]:
        found = next(later)
        halves = [next(part) for part in parts]
        for name, values in expected.items():
            np.testing.assert_array_equal(found[name], values)
            joined = np.concatenate([half[name] for half in halves])
            np.testing.assert_array_equal(joined, values)
    assert [bool(batch["is_clamped"].any()) for batch in first] == [0, 0, 0, 1, 1, 1]


def test_crops_are_pieces_and_padding_is_masked(crops):
    batches = crops.batches(0, 0, 1, config.LossConfig(), 0)
    seen = set()
    for _ in range(20):
        batch = next(batches)
        L = batch["is"].shape[1]
        assert L in (8, 16)
        for row in range(4):
            n = int(batch["is"][row].sum())
            seen.add(n)
            places = batch["embedding"][row, :n, 0]
            np.testing.assert_array_equal(np.diff(places), 1)  # a stretch
            assert not batch["is_atom"][row, n:].any()
            assert (batch["kind"][row, n:] == 4).all()
            assert batch["index"][row, 0] == 0
    assert seen == {6, 12, 16}


def test_a_large_cluster_is_drawn_less_often_than_its_members_would_be(crops):
    batches = crops.batches(0, 0, 1, config.LossConfig(), 0)
    lengths = [int(n) for _ in range(400) for n in next(batches)["is"].sum(1)]
    share = np.mean(np.array(lengths) == 6)
    assert share == pytest.approx(np.sqrt(2) / (2 + np.sqrt(2)), abs=0.08)


def test_pairs_of_a_piece_are_those_inside():
    one = structures.chain()
    made = tertiary_crops.example(one, np.zeros((27, 3)), 2, 20, 24)
    inside = [(i - 2, j - 2) for i, j in one.pairs_N2 if i >= 2 and j < 22]
    assert sorted(map(tuple, np.argwhere(np.triu(made["pair"])).tolist())) == inside
    assert (made["pair"] == made["pair"].T).all()
    assert made["xyz"].shape == (24, atoms.SLOTS, 3)


def test_clusters_are_split_whole():
    cluster_N = np.array([0, 0, 1, 2, 2, 3, 4, 5, 6, 7])
    training, held = tertiary_crops.split(cluster_N, 0.25, 0)
    assert sorted([*training, *held]) == list(range(10))
    assert not set(cluster_N[training]) & set(cluster_N[held])
    with pytest.raises(ValueError, match="1 clusters cannot be split"):
        tertiary_crops.split(np.zeros(3, int), 0.5, 0)


def test_embeddings_are_kept_and_computed_once(tmp_path):
    calls = []

    def embed(sequences):
        calls.append(list(sequences))
        return [np.full((len(s), 2), len(s) / 3) for s in sequences]

    found = embeddings.of(["ACG", "acg", "GGUU"], "m", embed, tmp_path)
    assert calls == [["ACG", "GGUU"]]
    assert [x.shape for x in found] == [(3, 2), (3, 2), (4, 2)]
    assert found[0].dtype == "bfloat16"
    again = embeddings.of(["GGTT", "A"], "m", embed, tmp_path)
    assert calls[1:] == [["A"]]
    np.testing.assert_array_equal(again[0], found[2])
    embeddings.of(["A"], "other", embed, tmp_path)
    assert calls[2:] == [["A"]]
    next(tmp_path.glob("*.safetensors")).write_bytes(b"no")
    with pytest.raises(ValueError, match="remove the file"):
        embeddings.of(["A"], "m", embed, tmp_path)


def test_why_a_chain_cannot_be_used_is_said(tmp_path, caplog):
    caplog.set_level("INFO")
    lines = structures.PATH.read_text().splitlines()
    path = tmp_path / "coarse.pdb"
    path.write_text("\n".join(one for one in lines if one[12:16].strip() == "P"))
    with pytest.raises(ValueError, match="can be used: 1 left out: coarse-grained"):
        tertiary_crops.read(str(path), SETTINGS)
    assert "coarse.pdb: A: coarse-grained (sugar atoms C1' C3' C4' are" in caplog.text
