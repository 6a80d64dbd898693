"""A process that folds: what it dies of is told, and the next RNA is folded."""

import dying_folders
import pytest

from ssrlm_jax.comparisons import fenced, kept_predictions, predicting


def test_a_death_a_hang_and_an_error_cost_one_call_each(monkeypatch):
    monkeypatch.setattr(fenced, "_GRACE_SECONDS", 0.1)
    with fenced.Fence(dying_folders.DyingFolder(), time_limit=0.5) as fence:
        with pytest.raises(
            fenced.FailedError, match="its process ended, exit status 3"
        ):
            fence.fold(["A"])
        with pytest.raises(fenced.FailedError, match="^no G$"):
            fence.fold(["G"])
        with pytest.raises(fenced.FailedError, match="took longer than 0.5 s"):
            fence.fold(["C"])
        said = fence.fold(["UU", "U"])
    assert [one.structure.length for one in said.found] == [2, 1]
    assert said.found[0].probabilities is None
    assert said.seconds > 0
    assert said.memory > 10


@pytest.mark.parametrize(("asked", "told"), [(None, "1"), ("3", "3")])
def test_programs_get_one_thread_unless_more_are_asked_for(asked, told, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if asked:
        monkeypatch.setenv("OMP_NUM_THREADS", asked)
    with (
        fenced.Fence(dying_folders.DyingFolder(), 5.0) as fence,
        pytest.raises(fenced.FailedError, match=f"^threads: {told}$"),
    ):
        fence.fold(["N"])


def test_a_method_that_cannot_begin_says_why():
    fence = fenced.Fence(dying_folders.DyingFolder(is_broken=True), 1.0)
    with pytest.raises(fenced.NotStartedError, match="^there is no model$"):
        fence.fold(["U"])
    fence.stop()


def test_what_is_ended_before_it_begins_folds_nothing():
    fence = fenced.Fence(dying_folders.DyingFolder(), 1.0)
    fence.interrupt()
    with pytest.raises(fenced.NotStartedError, match="its process ended"):
        fence.fold(["U"])


def test_of_a_batch_that_fails_each_half_is_tried_again(tmp_path):
    store = kept_predictions.Store(tmp_path / "one")
    told = []
    predicting.fill(
        store,
        dying_folders.DyingFolder(),
        ["UUU", "G", "U", "G", "UU"],
        known=dict,
        at_once=3,
        parallel=1,
        time_limit=5.0,
        report=lambda done, total: told.append((done, total)),
    )
    assert {name: one.failed for name, one in store.found.items()} == {
        "G": "no G",
        "U": "",
        "UU": "",
        "UUU": "",
    }
    assert told == [(n, 4) for n in range(1, 5)]
    assert predicting.missing(store, ["UUUU", "G", "AA"]) == ["AA", "UUUU"]


def test_fewer_long_sequences_are_handed_over_together():
    given = ["A" * length for length in (20, 90, 100, 110, 150, 200, 400)]
    found = [[len(one) for one in part] for part in predicting._batches(given, 4)]
    assert found == [[20, 90, 100], [110, 150], [200], [400]]
    assert list(predicting._batches([], 4)) == []
