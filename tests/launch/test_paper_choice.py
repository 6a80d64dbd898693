"""What `ssrlm paper` is asked for: names, flags and tables, checked before any work."""

import json
import pathlib

import pytest
import ten_rnas
import test_paper_command

from ssrlm_jax import cli

ROOT = pathlib.Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--methods=other"], "--methods=other: other is none of right, inner"),
        (["--sets=Ten,Nine"], "--sets=Ten,Nine: Nine is none of Ten, Secret"),
        (["--only=table9"], "--only=table9: table9 is not asked for"),
        (["--sets="], "--sets= has no name; without --sets all are taken"),
        (["--methods", ","], "--methods=, has no name"),
        (["--add=mine"], "--add NAME and --predictions DIR go together"),
        (["--threshold=0.3"], "--threshold goes with --add and --predictions"),
        (
            ["--add=mine", "--predictions=nowhere"],
            "--predictions=nowhere: no directory or file is there",
        ),
        (
            ["--add=../mine", f"--predictions={ROOT}"],
            "--add=../mine: letters, digits, ",
        ),
        (
            ["--add=mine", f"--predictions={ROOT}", "--threshold=3"],
            "threshold=3.0 ",
        ),
        (["--config.models=x=y"], "config.models=x=y: no directory is there"),
        (["--config.trained=x=y"], "config.trained names 'x', which is no method: "),
        (["--config.evaluated=x=y"], "config.evaluated names 'x', which is no method"),
        (
            ["--config.evaluated=inner=nowhere"],
            "config.evaluated=inner=nowhere: no directory is there",
        ),
        (
            ["--config.trained=inner=nowhere"],
            "config.trained=inner=nowhere: no file is there",
        ),
        (["--config.time_limit=0"], "time_limit=0.0 is not above 0"),
        (["--parallel=0"], "parallel=0 is not greater than 0"),
        (["--config.models=x"], "models='x' is not NAME=DIR, separated by commas"),
        (["--config.trained=x"], "trained='x' is not NAME=FILE, separated by commas"),
        (["--add=x", "--predictions=.", "--dry_run"], "--add with --dry_run: nothing"),
        (["--config.train=nowhere"], "config.train=nowhere: no file is there"),
        (["--about=x.json"], "--about goes with --add and --predictions"),
        (["--install=other"], "--install=other: mxfold2"),
    ],
)
def test_what_is_wrong_is_a_line(words, told, tmp_path, capsys):
    ten_rnas.write(tmp_path)
    assert test_paper_command.call(tmp_path, *words) == 1
    said = capsys.readouterr().err
    assert told in said
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x = 1\n", "own.py has no function get_item"),
        ("def get_item(:\n", "own.py:1: SyntaxError: invalid syntax"),
        ("\nimport no_such_module\n", "own.py:2: ModuleNotFoundError: No module"),
        ("def get_item(s):\n    return s.nothing\n", "own.py:2: AttributeError: "),
        ("def get_item(s):\n    return 3\n", "own.py: get_item returns no items.Item"),
    ],
)
def test_what_is_wrong_in_a_table_of_ones_own_is_a_line(text, told, tmp_path, capsys):
    (tmp_path / "own.py").write_text(text)
    words = [f"{tmp_path}/own.py", f"--out={tmp_path}/out"]
    assert cli.main(["paper", *words]) == 1
    said = capsys.readouterr().err
    assert f"{tmp_path}/{told}" in said
    assert said.count("\n") == 1


def test_tables_that_differ_in_what_has_one_name_are_not_mixed(tmp_path, capsys):
    text = ten_rnas.write(tmp_path).read_text()
    (tmp_path / "other.py").write_text(text.replace("ten.tsv", "eleven.tsv"))
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "two.py").write_text(text)
    assert test_paper_command.call(tmp_path, others=[tmp_path / "other.py"]) == 1
    assert "two sets are called 'Ten', and are not the same" in capsys.readouterr().err
    assert (
        test_paper_command.call(tmp_path, others=[tmp_path / "below" / "two.py"]) == 1
    )
    assert "two tables are called two" in capsys.readouterr().err
    (tmp_path / "two.py").write_text(text.replace('"Secret"', '"Ten/Secret"'))
    assert test_paper_command.call(tmp_path) == 1
    assert "a name without '/' and ',' is expected" in capsys.readouterr().err


def test_methods_that_two_tables_call_alike_are_not_mixed(tmp_path):
    text = ten_rnas.write(tmp_path).read_text()
    text = text.replace('+ "/" + name', '+ "/inner"')
    ten_rnas.tell(tmp_path, "inner", version="2.0")
    (tmp_path / "other.py").write_text(text)
    assert (
        test_paper_command.call(
            tmp_path, "--methods=right", others=[tmp_path / "other.py"]
        )
        == 0
    )
    assert test_paper_command.rows(tmp_path)["right"]["values"]["recall"][0] == 1.0
    told = json.loads((tmp_path / "out" / "other.json").read_text())
    assert told["rows"][0]["values"]["recall"][0] == 0.5


def test_a_table_without_the_sets_that_are_named_is_left_out(tmp_path, caplog):
    text = ten_rnas.write(tmp_path).read_text()
    text = text.replace("sets=(ten, ", "sets=(").replace('file="")),', 'file=""),),')
    (tmp_path / "secret.py").write_text(text)
    assert (
        test_paper_command.call(tmp_path, "--sets=Ten", others=[tmp_path / "secret.py"])
        == 0
    )
    assert "secret: it has none of the sets or methods that are named" in caplog.text
    assert not (tmp_path / "out" / "secret.md").exists()
    # What made it is told with the file, which makes it again.
    told = (tmp_path / "out" / "two.md").read_text()
    assert (
        f"Made by `ssrlm paper {tmp_path}/two.py --sets Ten --config.data=DATA`."
        in told
    )


def test_a_table_is_asked_for(capsys):
    assert cli.main(["paper"]) == 1
    assert "name a table or figure: table1, " in capsys.readouterr().err
    assert cli.main(["paper", "table9"]) == 1
    assert "table9 is no file, and none of table1, table2, " in capsys.readouterr().err
