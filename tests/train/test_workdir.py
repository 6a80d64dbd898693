import json

import pytest

from ssrlm_jax import config
from ssrlm_jax.train import workdir

LOOP = config.LoopConfig()
META = {"architecture": {"encoder": {"width": 288, "num_heads": 6}}, "seed": 3}


def test_an_unused_directory_takes_any_architecture(tmp_path):
    workdir.check(tmp_path / "new", LOOP, META["architecture"])


def test_a_used_directory_takes_its_own_architecture_only(tmp_path):
    path = tmp_path / "a" / "b"
    workdir.claim(path, LOOP, META)
    workdir.check(path, LOOP, META["architecture"])
    assert workdir.read_meta(path)["seed"] == 3

    wider = {"encoder": {"width": 1280, "num_kv_heads": 6}}
    with pytest.raises(ValueError, match="made with another architecture") as error:
        workdir.check(path, LOOP, wider)
    assert (
        "encoder.num_heads=6 there, None now; encoder.num_kv_heads=None there, 6 now; "
        "encoder.width=288 there, 1280 now;"
    ) in str(error.value)


def test_an_average_that_comes_or_goes_is_another_architecture(tmp_path):
    workdir.claim(tmp_path, LOOP, META)
    with pytest.raises(ValueError, match=r"loop\.has_ema=False there, True now"):
        workdir.check(tmp_path, config.LoopConfig(ema_decay=0.9), META["architecture"])


def test_a_damaged_meta_names_file_and_line(tmp_path):
    (tmp_path / "meta.json").write_text('{\n "a": 1')
    with pytest.raises(ValueError, match=r"meta\.json:2: "):
        workdir.check(tmp_path, LOOP, META["architecture"])


def test_metrics_after_a_step_are_dropped_and_a_cut_line_with_them(tmp_path):
    lines = [json.dumps({"step": step, "loss": step / 2}) for step in (2, 4, 4, 6)]
    (tmp_path / "metrics.jsonl").write_text("\n".join(lines) + '\n{"step": 8, "lo')

    assert [line["step"] for line in workdir.read_metrics(tmp_path)] == [2, 4, 4, 6]
    workdir.drop_metrics(tmp_path, after=4)
    text = (tmp_path / "metrics.jsonl").read_text()
    assert text == "\n".join(lines[:3]) + "\n"


def test_half_written_checkpoints_are_not_counted(tmp_path):
    assert workdir.steps(tmp_path) == []
    for name in ("8", "12", "4", "16.orbax-checkpoint-tmp-1"):
        (tmp_path / "checkpoints" / name).mkdir(parents=True)
    assert workdir.steps(tmp_path) == [4, 8, 12]
