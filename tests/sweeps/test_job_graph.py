"""Cells and chains → jobs: which are the same, what a change reruns, what is wrong."""

import pathlib

import pytest

from ssrlm_jax.jobs import sweep as job
from ssrlm_jax.sweeps import budget, chains, job_graph, kinds

AXES = {"rate": (0.1, 0.2), "seed": (0, 1)}


def chain(cell):
    yield chains.Step(name="corpus", command="generate", config="demo")
    corpus = chains.Output("corpus", "corpus")
    yield chains.Step(
        name="pretrain",
        command="pretrain",
        config="demo",
        settings={
            "data.corpus": corpus,
            "seed": cell["seed"],
            "masking.rate": cell["rate"],
        },
    )
    yield chains.Step(
        name="scored",
        command="held_out",
        settings={"corpus": corpus, "model": chains.Output("pretrain")},
    )


def asked(axes=AXES, steps=chain, compared="rate", **fields):
    return chains.Sweep(
        axes=axes, chain=steps, measures=(), compared=compared, **fields
    )


def names(made, step):
    return [name for name in made.jobs if name.startswith(f"{step}-")]


def test_equal_jobs_of_several_cells_are_one():
    made = job_graph.expand(asked(), job.resolve)
    assert len(names(made, "corpus")) == 1
    assert len(names(made, "pretrain")) == len(names(made, "scored")) == 4
    (corpus,) = names(made, "corpus")
    assert len(made.cells_of(corpus)) == 4
    for _, steps in made.cells:
        assert made.jobs[steps["scored"]].parents == (corpus, steps["pretrain"])


def test_jobs_come_after_those_they_read_of():
    made = job_graph.expand(asked(), job.resolve)
    place = {name: number for number, name in enumerate(made.jobs)}
    for name, one in made.jobs.items():
        assert all(place[parent] < place[name] for parent in one.parents)


def test_a_changed_setting_renames_what_depends_on_it_and_nothing_else():
    before = job_graph.expand(asked(), job.resolve)
    after = job_graph.expand(asked({"rate": (0.1, 0.3), "seed": (0, 1)}), job.resolve)
    kept = before.jobs.keys() & after.jobs.keys()
    assert {before.jobs[name].step for name in kept} == {"corpus", "pretrain", "scored"}
    changed = [cell for cell, _ in after.cells if cell["rate"] == 0.3]
    new = after.jobs.keys() - before.jobs.keys()
    assert len(new) == 2 * len(changed)
    assert {after.jobs[name].step for name in new} == {"pretrain", "scored"}


def test_what_decides_nothing_renames_nothing():
    quiet = {"pretrain.loop.log_every": (7,), "pretrain.mesh.data": (1,)}
    quiet |= {"pretrain.data.until": ("2024",)}
    before = job_graph.expand(asked(), job.resolve)
    assert job_graph.expand(asked(AXES | quiet), job.resolve).jobs.keys() == (
        before.jobs.keys()
    )


def test_a_setting_given_as_its_default_is_the_same_job():
    before = job_graph.expand(asked(), job.resolve)
    same = {"pretrain.masking.span_length": (3,)}
    assert job_graph.expand(asked(AXES | same), job.resolve).jobs.keys() == (
        before.jobs.keys()
    )


def scored(path):
    def steps(cell):
        yield chains.Step(
            name="scores",
            command="evaluate",
            settings={"truth": str(path), "max_length": cell["rate"], "programs": ""},
        )

    return asked({"rate": (10, 20)}, steps)


def test_a_file_is_known_by_what_it_holds(tmp_path):
    first, moved = tmp_path / "truth.dbn", tmp_path / "moved.dbn"
    first.write_text(">a\nGGGAAACCC\n(((...)))\n")
    before = job_graph.expand(scored(first), job.resolve)
    first.rename(moved)
    assert (
        job_graph.expand(scored(moved), job.resolve).jobs.keys() == before.jobs.keys()
    )
    moved.write_text(">a\nGGGAAACCC\n((.....))\n")
    after = job_graph.expand(scored(moved), job.resolve)
    assert not after.jobs.keys() & before.jobs.keys()


def test_a_version_that_matters_renames(monkeypatch):
    before = job_graph.expand(asked(), job.resolve)
    told = kinds.versions

    def newer(command):
        return told(command) | ({"jax": "9"} if command == "held_out" else {})

    monkeypatch.setattr(kinds, "versions", newer)
    after = job_graph.expand(asked(), job.resolve)
    assert {after.jobs[name].step for name in after.jobs.keys() - before.jobs.keys()}
    assert {
        after.jobs[name].step for name in after.jobs.keys() - before.jobs.keys()
    } == {"scored"}


def test_a_baseline_is_scored_on_what_all_cells_share():
    corpus = chains.Step(name="corpus", command="generate", config="demo")
    step = chains.Step(
        name="scored",
        command="held_out",
        settings={"corpus": chains.Output("corpus", "corpus"), "chains": "0"},
    )
    line = chains.Baseline(name="Markov", chain=(corpus, step), method="order0")
    axes = AXES | {"corpus.data.families.num_families": (3,)}
    made = job_graph.expand(asked(axes, baselines=(line,)), job.resolve)
    assert len(names(made, "corpus")) == 1
    assert len(names(made, "scored")) == 5
    assert set(made.baselines["Markov"]) == {"corpus", "scored"}


def test_all_that_is_wrong_is_told_together(tmp_path):
    def steps(cell):
        yield chains.Step(
            name="pretrain",
            command="pretrain",
            settings={"masking.rate": cell["rate"], "data.corpus": tmp_path / "none"},
        )
        yield chains.Step(
            name="scored",
            command="held_out",
            settings={"model": chains.Output("pretrained")},
        )
        yield chains.Step(name="other", command="bake")

    axes = {"rate": (0.1, 0.7), "speed": (1,), "pretrain.masking.rat": (1,)}
    with pytest.raises(job_graph.ProblemsError) as caught:
        job_graph.expand(asked(axes, steps, compared="none"), job.resolve)
    text = "\n".join(caught.value.found)
    for expected in (
        "there is no setting masking.rat",
        "axis 'speed' is read by no step",
        "scored of rate=0.1 speed=1 pretrain.masking.rat=1 reads of step 'pretrained'",
        "command 'bake' is not one of",
        "compared='none' is no axis",
    ):
        assert expected in text
    assert str(caught.value).startswith("nothing was started; ")


def test_an_impossible_value_and_a_missing_file_name_their_step(tmp_path):
    def steps(cell):
        yield chains.Step(
            name="pretrain",
            command="pretrain",
            config="demo",
            settings={
                "masking.rate": cell["rate"],
                "data.corpus": str(tmp_path / "none"),
            },
        )

    with pytest.raises(job_graph.ProblemsError) as caught:
        job_graph.expand(asked({"rate": (0.1, 0.7)}, steps), job.resolve)
    missing = f"data.corpus: there is no file or directory {tmp_path / 'none'}"
    assert caught.value.found == [
        f"pretrain of rate=0.1: {missing}",
        "pretrain of rate=0.7: masking.rate=0.7 is not above 0 and at most 0.5 "
        "(beyond, ssm cannot keep one partner)",
        f"pretrain of rate=0.7: {missing}",
    ]


def test_a_job_says_how_it_is_called():
    made = job_graph.expand(asked({"rate": (0.1,), "seed": (3,)}), job.resolve)
    corpus, pretrain, scores = made.jobs
    out = pathlib.Path("/runs/it")
    assert made.jobs[pretrain].arguments(out) == [
        "pretrain",
        "--config=demo",
        f"--workdir=/runs/it/jobs/{pretrain}/run",
        f"--config.data.corpus=/runs/it/jobs/{corpus}/corpus",
        "--config.seed=3",
        "--config.masking.rate=0.1",
    ]
    assert made.jobs[scores].line(out) == (
        f"ssrlm held_out --out=/runs/it/jobs/{scores}/scores "
        f"--config.corpus=/runs/it/jobs/{corpus}/corpus "
        f"--config.model=/runs/it/jobs/{pretrain}/run/model"
    )


def test_a_command_that_writes_into_a_model_gets_its_own():
    def steps(cell):
        yield from chain(cell)
        yield chains.Step(
            name="contacts",
            command="fit_contacts",
            settings={"model": chains.Output("pretrain"), "draws": 2},
        )

    made = job_graph.expand(asked({"rate": (0.1,), "seed": (3,)}, steps), job.resolve)
    contacts = made.jobs[made.cells[0][1]["contacts"]]
    out = pathlib.Path("/runs/it")
    own = f"--config.model=/runs/it/jobs/{contacts.name}/model"
    assert own in contacts.arguments(out)
    pretrain = made.cells[0][1]["pretrain"]
    assert contacts.source("model", out) == out / "jobs" / pretrain / "run" / "model"


def test_schedules_shrink_with_their_warm_up():
    settings = {
        "loop.num_steps": 1_000,
        "optimizer.warmup_steps": 50,
        "loop.evaluate_every": 100,
        "loop.save_every": 0,
    }
    assert budget.shortened("pretrain", settings, 0.25) == {
        "loop.num_steps": 250,
        "optimizer.warmup_steps": 12,
        "loop.evaluate_every": 25,
    }
    epochs = {"epochs": 100, "warmup_epochs": 10}
    assert budget.shortened("finetune", epochs, 0.157) == {
        "epochs": 15,
        "warmup_epochs": 1,
    }
    assert budget.shortened("pretrain", settings, 1.0) == {}
    assert budget.shortened("held_out", {}, 0.1) == {}
