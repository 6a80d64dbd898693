import json

import pytest

from ssrlm_jax import config
from ssrlm_jax.train import workdirs

LOOP = config.LoopConfig()
META = {"architecture": {"encoder": {"width": 288, "num_heads": 6}}, "seed": 3}


def test_an_unused_directory_takes_any_architecture(tmp_path):
    workdirs.check(tmp_path / "new", LOOP, META)


def test_a_used_directory_takes_its_own_architecture_only(tmp_path):
    path = tmp_path / "a" / "b"
    workdirs.claim(path, LOOP, META)
    workdirs.check(path, LOOP, META)
    assert workdirs.read_meta(path)["seed"] == 3

    wider = {"architecture": {"encoder": {"width": 1280, "num_kv_heads": 6}}}
    with pytest.raises(ValueError, match="made with another architecture") as error:
        workdirs.check(path, LOOP, wider)
    assert (
        "encoder.num_heads 6 → None; encoder.num_kv_heads None → 6; "
        "encoder.width 288 → 1280; take another --workdir"
    ) in str(error.value)


def test_an_average_that_comes_or_goes_is_another_architecture(tmp_path):
    workdirs.claim(tmp_path, LOOP, META)
    with pytest.raises(ValueError, match=r"loop\.has_ema False → True"):
        workdirs.check(tmp_path, config.LoopConfig(ema_decay=0.9), META)


def test_fewer_steps_than_were_taken_are_an_error(tmp_path):
    (tmp_path / "checkpoints" / "6").mkdir(parents=True)
    workdirs.claim(tmp_path, LOOP, META)
    workdirs.check(tmp_path, config.LoopConfig(num_steps=6), META)
    with pytest.raises(
        ValueError, match=r"loop\.num_steps=5 lies before step 6 of .*;"
    ):
        workdirs.check(tmp_path, config.LoopConfig(num_steps=5), META)


def _claim(path, step=0, **settings):
    """Claims a directory with a checkpoint for an experiment of some settings."""
    data = {"corpus": "a", "crop": 1}
    default = {"seed": 0, "data": data, "optimizer": {"learning_rate": 0.1}}
    meta = META | {"config": default | settings}
    workdirs.check(path, LOOP, meta)
    line = workdirs.claim(path, LOOP, meta, step)
    (path / "checkpoints" / "4").mkdir(parents=True, exist_ok=True)
    return line


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"seed": 1}, "seed 0 → 1;"), ({"data": {"crop": 2}}, "data.crop 1 → 2;")],
)
def test_another_experiment_is_refused(tmp_path, settings, message):
    _claim(tmp_path)
    before = (tmp_path / "meta.json").read_text()
    with pytest.raises(ValueError, match=f"another experiment: .*{message}"):
        _claim(tmp_path, 4, **settings)
    assert (tmp_path / "meta.json").read_text() == before


def test_another_experiment_may_take_the_place_of_one_without_a_checkpoint(tmp_path):
    _claim(tmp_path)
    (tmp_path / "checkpoints" / "4").rmdir()
    assert _claim(tmp_path, seed=1) == ""
    assert workdirs.read_meta(tmp_path)["config"]["seed"] == 1


def test_other_settings_may_change_and_the_change_is_told_and_recorded(tmp_path):
    assert _claim(tmp_path) == ""
    faster = {"learning_rate": 0.2}
    more = {"corpus": "moved/a", "crop": 1, "num_workers": 2}
    line = _claim(tmp_path, 4, optimizer=faster)
    assert line == "goes on with changed settings: optimizer.learning_rate 0.1 → 0.2"
    line = _claim(tmp_path, 6, optimizer=faster, data=more)  # one was unknown before
    assert line == "goes on with changed settings: data.corpus 'a' → 'moved/a'"
    meta = workdirs.read_meta(tmp_path)
    changed = {"optimizer.learning_rate": [0.1, 0.2]}
    assert meta["changes"][0] == {"after_step": 4, "settings": changed}
    assert meta["config"]["data"] == more
    more = more | {"num_workers": 0}
    assert "num_workers 2 → 0" in _claim(tmp_path, 8, optimizer=faster, data=more)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{\n "a": 1', r"meta\.json:2: "),
        ("{}", r"meta\.json does not say what the run was made with; remove it"),
    ],
)
def test_a_damaged_meta_is_named(tmp_path, text, message):
    (tmp_path / "meta.json").write_text(text)
    with pytest.raises(ValueError, match=message):
        workdirs.check(tmp_path, LOOP, META)


@pytest.mark.parametrize(
    "named", [{"arrays": ["learned/up"]}, {"checksums": {"learned/up": 1}}]
)
def test_a_checkpoint_tells_what_a_lost_meta_told(tmp_path, named):
    folder = tmp_path / "checkpoints" / "4" / "meta"
    folder.mkdir(parents=True)
    saved = META | named
    (folder / "metadata").write_text(json.dumps(saved))
    workdirs.check(tmp_path, LOOP, META)
    wider = {"architecture": {"encoder": {"width": 1280, "num_heads": 6}}}
    with pytest.raises(ValueError, match="encoder.width 288 → 1280"):
        workdirs.check(tmp_path, LOOP, wider)


def test_a_damaged_line_of_metrics_is_named(tmp_path):
    (tmp_path / "metrics.jsonl").write_text('{"step": 1}\ngarbage\n{"step": 2}\n')
    with pytest.raises(ValueError, match=r"metrics\.jsonl:2: .* found 'garbage'"):
        workdirs.read_metrics(tmp_path)


def test_metrics_after_a_step_are_dropped_and_a_cut_line_with_them(tmp_path):
    lines = [json.dumps({"step": step, "loss": step / 2}) for step in (2, 4, 4, 6)]
    (tmp_path / "metrics.jsonl").write_text("\n".join(lines) + '\n{"step": 8, "lo')

    assert [line["step"] for line in workdirs.read_metrics(tmp_path)] == [2, 4, 4, 6]
    workdirs.drop_metrics(tmp_path, after=4)
    text = (tmp_path / "metrics.jsonl").read_text()
    assert text == "\n".join(lines[:3]) + "\n"


def test_half_written_checkpoints_are_not_counted(tmp_path):
    assert workdirs.steps(tmp_path) == []
    for name in ("8", "12", "4", "16.orbax-checkpoint-tmp-1"):
        (tmp_path / "checkpoints" / name).mkdir(parents=True)
    assert workdirs.steps(tmp_path) == [4, 8, 12]
