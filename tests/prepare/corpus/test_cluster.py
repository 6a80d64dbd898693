import shutil

import numpy as np
import pytest

from ssrlm_jax import config
from ssrlm_jax.external import mmseqs
from ssrlm_jax.prepare.corpus import cluster, dedupe, standardise

needs_mmseqs = pytest.mark.skipif(
    shutil.which("mmseqs") is None, reason="MMseqs2 is not installed"
)


def _part(tmp_path, name, source, sequences):
    (tmp_path / f"{name}.fa").write_text(
        "".join(f">{name}{n}\n{letters}\n" for n, letters in enumerate(sequences))
    )
    standardise.standardise(
        standardise.Task(
            path=str(tmp_path / f"{name}.fa"),
            source=source,
            out=str(tmp_path / name),
            longest=100,
            shortest_tail=10,
            part_nucleotides=10_000,
        )  # fmt: skip
    )
    return source, str(tmp_path / f"{name}-00000.windows")


def _kept(tmp_path, *sizes):
    """All records of the parts; records of one part fall in alternate splits."""
    kept = np.zeros(sum(sizes), dedupe.KEPT)
    kept["part"] = np.repeat(np.arange(len(sizes)), sizes)
    kept["record"] = np.concatenate([np.arange(size) for size in sizes])
    kept["split"] = kept["record"] % 2
    np.save(tmp_path / "kept.npy", kept)
    return (str(tmp_path / "kept.npy"),)


def _task(tmp_path, parts, kept, **changes):
    return cluster.Task(
        source="ncrna", parts=tuple(parts), kept=kept, out=str(tmp_path / "out.npy"),
        settings=config.ClusterConfig(**changes), num_threads=1,
    )  # fmt: skip


def _random(seed, length=120):
    return "".join(np.random.default_rng(seed).choice(list("ACGU"), length))


def _mutated(letters, places):
    swap = str.maketrans("ACGU", "CGUA")
    return "".join(
        letter.translate(swap) if n in places else letter
        for n, letter in enumerate(letters)
    )


@pytest.fixture
def parts(tmp_path):
    """ncRNA: a, near a, b, near the left-out x; other: a again; left out: x."""
    a, b, x = _random(0), _random(1), _random(2)
    return [
        _part(tmp_path, "n", "ncrna", [a, _mutated(a, {60, 90})[:-4], b,
                                       _mutated(x, {70})]),
        _part(tmp_path, "o", "other", [a]),
        _part(tmp_path, "l", standardise.LEFT_OUT, [x]),
    ]  # fmt: skip


def _check(tmp_path, parts, **changes):
    kept = _kept(tmp_path, 4, 1, 0)
    counts = cluster.cluster(_task(tmp_path, parts, kept, **changes))
    found = np.load(tmp_path / "out.npy")
    return counts, found


def _nothing(queries, targets, settings, *, max_targets):
    list(queries), list(targets)
    return np.zeros(0, [("query", np.int64)])


def test_one_of_a_cluster_is_kept_and_none_near_what_is_left_out(
    tmp_path, parts, monkeypatch
):
    """MMseqs2's answer is played back: 0 and 1 are one cluster, 3 and 4 another."""
    seen = []

    def replay(sequences, settings):
        seen.extend(sequences)
        return np.array([0, 0, 2, 4, 4])

    monkeypatch.setattr(mmseqs, "cluster", replay)
    monkeypatch.setattr(mmseqs, "search", _nothing)
    counts, found = _check(tmp_path, parts)
    assert len(seen) == 5
    assert seen[4] == _random(2)
    np.testing.assert_array_equal(found["record"], [0, 2])
    np.testing.assert_array_equal(found["part"], [0, 0])
    assert counts["dropped"] == {cluster.NEAR: 1, cluster.NEAR_LEFT_OUT: 1}
    assert counts["nucleotides"] == [[240, 0], [0, 0], [0, 0]]
    assert not list(tmp_path.glob("*.work"))


def test_what_clustering_missed_is_searched_for(tmp_path, parts, monkeypatch):
    """No cluster joins the last record with the one left out; the search does."""

    def hits(queries, targets, settings, *, max_targets):
        assert list(targets) == [_random(2)]
        assert [len(letters) for letters in queries] == [120, 120, 120]
        return np.array([(2,)], [("query", np.int64)])

    monkeypatch.setattr(
        mmseqs,
        "cluster",
        lambda sequences, _: (list(sequences), np.array([0, 0, 2, 3, 4]))[1],
    )
    monkeypatch.setattr(mmseqs, "search", hits)
    counts, found = _check(tmp_path, parts)
    np.testing.assert_array_equal(found["record"], [0, 2])
    assert counts["dropped"] == {cluster.NEAR: 1, cluster.NEAR_LEFT_OUT: 1}


def test_records_too_long_for_mmseqs_are_kept(tmp_path, parts, monkeypatch):
    monkeypatch.setattr(
        mmseqs, "cluster", lambda sequences, settings: np.arange(len(list(sequences)))
    )
    monkeypatch.setattr(mmseqs, "search", _nothing)
    counts, found = _check(tmp_path, parts, longest=118)
    assert counts["changed"] == {cluster.TOO_LONG: 3}
    assert len(found) == 4


@needs_mmseqs
def test_mmseqs_itself_finds_what_is_far_from_a_benchmark_sequence(tmp_path):
    """Every seventh letter changed: 86 % identity, no 17 equal letters in a row."""
    x = _random(2, 400)
    parts = [
        _part(tmp_path, "n", "ncrna", [_mutated(x, set(range(0, 400, 7))), _random(1)]),
        _part(tmp_path, "l", standardise.LEFT_OUT, [x]),
    ]
    kept = _kept(tmp_path, 2, 0)
    cluster.cluster(_task(tmp_path, parts, kept))
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy")["record"], [1])


@needs_mmseqs
def test_mmseqs_itself_finds_the_same(tmp_path, parts):
    counts, found = _check(tmp_path, parts)
    np.testing.assert_array_equal(found["record"], [0, 2])
    assert counts["dropped"] == {cluster.NEAR: 1, cluster.NEAR_LEFT_OUT: 1}


def test_missing_mmseqs_says_how_to_get_it_or_do_without(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ValueError, match=r"mmseqs.*cluster\.method=none") as caught:
        cluster.check(config.ClusterConfig())
    assert "\n" not in str(caught.value)
    none = config.ClusterConfig(method="none")
    assert cluster.check(none) == {"method": "none"}
