"""Steps that fit a time, on a clock that is computed."""

import pytest
from test_job_graph import asked

from ssrlm_jax.jobs import sweep as job
from ssrlm_jax.sweeps import budget, job_graph

LONG = {"pretrain.loop.num_steps": (1_000,), "pretrain.optimizer.warmup_steps": (40,)}
FIXED = {"corpus": 10.0, "pretrain": 30.0, "scored": 20.0}
STEP = 0.5  # seconds


@pytest.fixture
def made():
    axes = {"rate": (0.1, 0.2), "seed": (0,)} | LONG
    return job_graph.expand(asked(axes), job.resolve)


def estimates(made):
    return {
        name: budget.Estimate(
            fixed=FIXED[one.step], each=STEP if one.step == "pretrain" else 0.0
        )
        for name, one in made.jobs.items()
    }


def clock(made, parallel):
    """Returns when a sweep ends whose jobs take what is estimated."""
    found = estimates(made)
    return budget.total(
        made, lambda one: budget.seconds(one, found[one.name], 1.0), parallel
    )


def test_time_by_hand(made):
    # A corpus, then two runs of 30 + 1,000 / 2 seconds and their scores.
    assert clock(made, 1) == 10 + 2 * (30 + 500 + 20)
    assert clock(made, 2) == 10 + (30 + 500 + 20)


@pytest.mark.parametrize(("minutes", "parallel"), [(5, 1), (5, 2), (10, 1), (4, 2)])
def test_every_schedule_ends_within_the_time(made, minutes, parallel):
    factor = budget.fit(made, estimates(made), minutes, parallel)
    shorter = job_graph.expand(
        asked({"rate": (0.1, 0.2), "seed": (0,)} | LONG),
        job.resolve,
        lambda name, settings: budget.shortened(name, settings, factor),
    )
    assert clock(shorter, parallel) <= 60 * minutes
    # A tenth is kept back, and no more is left than a step of each run.
    assert clock(shorter, parallel) > 60 * minutes * 0.9 - 2 * STEP - 1e-6
    for one in shorter.jobs.values():
        if one.command == "pretrain":
            steps = one.resolved["loop.num_steps"]
            assert one.resolved["optimizer.warmup_steps"] == 40 * steps // 1_000
            assert one.resolved["loop.evaluate_every"] == 400 * steps // 1_000


def test_enough_time_changes_nothing(made):
    assert budget.fit(made, estimates(made), 60, 1) == 1.0
    assert budget.chosen(made, 1.0) == {}


def test_too_little_time_says_how_much_is_needed(made):
    # With 20 steps each: 10 + 2 (30 + 10 + 20) = 130 s, and a tenth of the time.
    with pytest.raises(ValueError, match="--minutes=1 is too short.* it takes 3; give"):
        budget.fit(made, estimates(made), 1, 1)


def test_what_was_chosen_is_recorded_for_the_same_sweep_and_time(made, tmp_path):
    budget.record(tmp_path, made, 5.0, 0.25, estimates(made))
    assert budget.recorded(tmp_path, made, 5.0) == 0.25
    assert budget.recorded(tmp_path, made, 6.0) is None
    other = job_graph.expand(asked(), job.resolve)
    assert budget.recorded(tmp_path, other, 5.0) is None
    assert budget.chosen(made, 0.25) == {
        "pretrain": "loop.num_steps 1000 → 250, optimizer.warmup_steps 40 → 10, "
        "loop.evaluate_every 400 → 100, loop.save_every 400 → 100"
    }
