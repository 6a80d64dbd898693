"""How a command of launch/ is found, reads its settings and says what is wrong."""

import pathlib
import subprocess
import sys

import pytest

from ssrlm_jax import cli
from ssrlm_jax.cli import commands
from ssrlm_jax.jobs import command

ROOT = pathlib.Path(__file__).parents[2]


def _elsewhere(folder, *flags):
    return subprocess.run(
        [sys.executable, ROOT / "launch" / "contacts.py", *flags],
        cwd=folder,
        capture_output=True,
        text=True,
    )


def test_a_job_that_is_run_elsewhere_finds_its_config(tmp_path):
    done = _elsewhere(tmp_path)
    assert done.returncode == 1
    assert done.stderr == "contacts.py: config.model is empty: name a model directory\n"


def test_an_unknown_config_says_which_there_are(tmp_path):
    done = _elsewhere(tmp_path, "--config=9m")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "there is no file 9m" in line
    assert "what ships is 150m, 650m, 8m, contacts" in line
    assert "secondary/bprna" in line


@pytest.mark.parametrize(
    "name", ["8m", "8m.py", "configs/8m", "configs/8m.py", str(ROOT / "configs/8m.py")]
)
def test_a_config_goes_by_its_name(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    settings = command.read(f"{name}:masking=sm", [])
    assert (settings.encoder.width, settings.masking.policy) == (288, "sm")
    assert command.workdir_of(f"{name}:masking=sm").as_posix() == "runs/8m-masking=sm"


def test_a_file_goes_before_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "configs" / "8m.py").read_text()
    (tmp_path / "8m").write_text(text.replace("288", "144"))
    (tmp_path / "8m.py").write_text(text.replace("288", "72"))
    assert command.read("8m.py", []).encoder.width == 72
    with pytest.raises(ValueError, match="8m is not a Python file"):
        command.read("8m", [])


def test_every_file_of_launch_is_a_job(monkeypatch):
    started = []
    monkeypatch.setattr(cli, "launch", lambda name: started.append(name) or 0)
    for path in sorted((ROOT / "launch").glob("*.py")):
        with pytest.raises(SystemExit) as ended:
            exec(compile(path.read_text(), path, "exec"), {"__name__": "__main__"})
        assert ended.value.code == 0
    named = {"decoding": "thresholds", "contacts": "fit_contacts"}
    files = [path.stem for path in sorted((ROOT / "launch").glob("*.py"))]
    assert started == [named.get(name, name) for name in files]
    assert set(started) == commands.JOBS.keys() - {"export"}


@pytest.mark.parametrize("name", commands.JOBS)
def test_every_job_is_a_command_with_help(name, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main([name, "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith(f"usage: ssrlm {name} ")
    assert f"\n  ssrlm {name}" in text


def test_help_lists_settings_as_the_chosen_config_has_them(capsys):
    for chosen, layers in (("8m", 6), ("650m", 33)):
        with pytest.raises(SystemExit):
            cli.main(["pretrain", f"--config={chosen}", "--help"])
        text = capsys.readouterr().out
        assert f"settings of {chosen}, changed by" in text
        assert f"  encoder.num_layers={layers} " in text
    with pytest.raises(SystemExit):
        cli.main(["finetune", "--help"])
    assert "loop.num_steps" not in capsys.readouterr().out  # it follows from epochs


def test_wrong_names_are_answered_with_the_nearest(capsys):
    for words, told in (
        (["pretrain", "--config.learning_rate=1"], "mean optimizer.learning_rate?"),
        (["finetune", "--config=secondary/energie"], "mean secondary/energies "),
        (["pretrain", "--config.seed", "3"], "write --config.seed=VALUE"),
    ):
        assert cli.main(words) == 1
        assert told in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main(["finetue"])
    assert "did you mean finetune?" in capsys.readouterr().err


@pytest.mark.parametrize(
    "given",
    [
        ("paper", "table1", "--kept", "--config.data={folder}"),
        ("sweep", "--config=sweeps/pdb_families", "--config.data={folder}"),
        ("evaluate", "--config.programs=vienna", "--config.truth={folder}/x.fa"),
    ],
    ids=lambda given: given[0],
)
def test_results_are_not_put_where_a_file_is(tmp_path, capsys, given):
    taken = tmp_path / "taken"
    taken.write_text("mine")
    words = [word.format(folder=tmp_path) for word in given]
    assert cli.main([*words, f"--out={taken}"]) == 1
    told = f"ssrlm {given[0]}: {taken} is a file; a directory is expected\n"
    assert capsys.readouterr().err == told
    assert taken.read_text() == "mine"
