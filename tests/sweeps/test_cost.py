"""What jobs need, against numbers that are worked out here."""

import pytest
from test_job_graph import asked

from ssrlm_jax import config
from ssrlm_jax.jobs import sweep as job
from ssrlm_jax.sweeps import budget, chains, cost, forecast, job_graph, job_states

TINY = {
    "pretrain.encoder.num_layers": (1,),
    "pretrain.encoder.width": (8,),
    "pretrain.encoder.num_heads": (2,),
    "pretrain.encoder.num_kv_heads": (2,),
    "pretrain.encoder.ffn_width": (16,),
    "pretrain.data.rows_per_batch": (2,),
    "pretrain.data.row_length": (64,),
    "pretrain.loop.num_steps": (100,),
    "pretrain.optimizer.warmup_steps": (1,),
    "rate": (0.1,),
    "seed": (0,),
}


@pytest.fixture
def made():
    return job_graph.expand(asked(TINY), job.resolve)


def test_tokens_and_flops_of_pre_training_by_hand(made):
    needs = cost.of_jobs(made)
    (run,) = (needs[n] for n, one in made.jobs.items() if one.step == "pretrain")
    assert run.tokens == 2 * 64 * 100
    # 6 N + 12 L D T a token; N: attention 4 of 8 x 8, three of 8 x 16, a head of 9 x 8.
    per_token = 6 * (4 * 64 + 3 * 128 + 72) + 12 * 1 * 8 * 64
    assert run.flops == 2 * 64 * 100 * per_token
    assert run.per_step == 2 * 64 * per_token
    # 3 checkpoints of parameters and two moments, a model; an embedding of 9 x 8, and
    # three norms beside what is multiplied.
    parameters = 4 * 64 + 3 * 128 + 72 + 72 + 3 * 8
    assert run.bytes == parameters * (3 * 12 + 4)


def test_what_is_yet_to_be_made_is_not_counted(made):
    needs = cost.of_jobs(made)
    (scored,) = (needs[n] for n, one in made.jobs.items() if one.step == "scored")
    assert scored == cost.Need()


def test_fine_tuning_counts_batches_of_the_encoder_before_it(made, tmp_path):
    table = tmp_path / "train.tsv"
    lines = [f"{n}\tGGGGAAAACCCC\t((((....))))" for n in range(5)]
    table.write_text("\n".join(["id\tsequence\tdotbracket", *lines]) + "\n")

    def chain(cell):
        yield from asked(TINY).chain(cell)
        yield chains.Step(
            name="tuned",
            command="finetune",
            settings={
                "model": chains.Output("pretrain"),
                "data.train": str(table),
                "data.validation": str(table),
                "epochs": 3,
                "warmup_epochs": 0,
            },
        )

    made = job_graph.expand(asked(TINY, chain), job.resolve)
    tuned = made.jobs[made.cells[0][1]["tuned"]]
    assert cost.encoder_of(made, tuned).width == 8
    assert cost.head_of(made, tuned) == config.HeadConfig()
    need = cost.of_jobs(made)[tuned.name]
    # Batches of 2 are padded to 16 nucleotides, and <cls> and <eos>.
    assert need.tokens == 3 * 5 * 18
    assert need.flops > 0


def test_a_forecast_sums_up_and_says_what_is_left(made):
    needs = {name: cost.Need(tokens=1e3, flops=9e17, bytes=2**30) for name in made.jobs}
    first, *_ = made.jobs
    looks = {
        name: job_states.Look(
            name=name,
            state=job_states.DONE_STATE if name == first else job_states.WAITING,
        )
        for name in made.jobs
    }
    estimates = {name: budget.Estimate(fixed=1_800.0) for name in made.jobs}
    lines = forecast.text(made, needs, looks, estimates, parallel=1).splitlines()
    (total,) = (line.split() for line in lines if line.startswith("all "))
    (left,) = (line.split() for line in lines if line.startswith("left "))
    # 2.7e18 FLOPs; 45 % of 312, 989 and 989 TFLOP/s.
    assert total == ["all", "3", "jobs", "3.00e+03", "2.70e+18", "3.00", "1.50"] + [
        *("5.34", "1.69", "1.69")
    ]
    assert left[1:3] == ["2", "jobs"]
    assert "all that is left takes 1.00 hours" in lines[-1]
