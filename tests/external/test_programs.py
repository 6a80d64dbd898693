import os
import pathlib
import time

import pytest
import stand_ins

from ssrlm_jax.external import programs

FOLD = programs.Program("foldit", "SSRLM_FOLDIT", "build it")
TABLE = programs.DataFile("fold.params", "SSRLM_FOLDIT_PARAMS", "https://fold.it")


@pytest.fixture
def places(tmp_path, monkeypatch):
    """The program at three places; only PATH is set."""
    for name in ("setting", "variable", "path"):
        (tmp_path / name).mkdir()
        stand_ins.program(tmp_path / name, "foldit", "")
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.delenv("SSRLM_FOLDIT", raising=False)
    return {path.name: str(path / "foldit") for path in tmp_path.iterdir()}


def test_a_setting_wins_over_the_variable_and_that_over_path(places, monkeypatch):
    assert programs.find(FOLD) == places["path"]
    monkeypatch.setenv("SSRLM_FOLDIT", places["variable"])
    assert programs.find(FOLD) == places["variable"]
    assert programs.find(FOLD, places["setting"]) == places["setting"]


def test_a_relative_path_becomes_absolute(places, monkeypatch):
    monkeypatch.chdir(os.path.dirname(places["setting"]))
    assert programs.find(FOLD, "./foldit") == places["setting"]


def test_what_is_named_is_never_replaced(places, monkeypatch):
    with pytest.raises(programs.ProgramError, match="'/no', named by the setting"):
        programs.find(FOLD, "/no")
    monkeypatch.setenv("SSRLM_FOLDIT", "/no")
    with pytest.raises(programs.ProgramError, match="'/no', named by SSRLM_FOLDIT"):
        programs.find(FOLD)
    os.chmod(places["setting"], 0o600)
    with pytest.raises(programs.ProgramError, match="no program that can be run"):
        programs.find(FOLD, places["setting"])


def test_a_missing_program_says_how_to_get_it(places, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(
        programs.ProgramError,
        match="^foldit: not found on PATH, and SSRLM_FOLDIT is not set; build it$",
    ):
        programs.find(FOLD)


def test_a_file_is_found_by_setting_or_variable(tmp_path, monkeypatch):
    monkeypatch.delenv("SSRLM_FOLDIT_PARAMS", raising=False)
    with pytest.raises(programs.ProgramError, match="neither a setting nor SSRLM_.*it"):
        programs.find_file(TABLE)
    one, two = tmp_path / "one", tmp_path / "two"
    one.touch()
    two.touch()
    monkeypatch.setenv("SSRLM_FOLDIT_PARAMS", str(one))
    assert programs.find_file(TABLE) == str(one)
    assert programs.find_file(TABLE, str(two)) == str(two)
    with pytest.raises(programs.ProgramError, match="named by the setting, is no file"):
        programs.find_file(TABLE, str(tmp_path))


def test_run_passes_text_and_folder(tmp_path):
    echo = stand_ins.program(
        tmp_path,
        "echo",
        """
        import os, sys
        print(os.getcwd(), sys.argv[1:], sys.stdin.read())
        sys.exit(3)
        """,
    )
    (tmp_path / "here").mkdir()
    answer = programs.run(
        [echo, "a b"], text="ACGU", folder=tmp_path / "here", accepted=(3,)
    )
    assert answer.status == 3
    assert answer.stdout == f"{tmp_path / 'here'} ['a b'] ACGU\n"


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("import sys; sys.exit('one\\nlast \\n\\n')", "bad: exit status 1: last"),
        ("import sys; print('out'); sys.exit(2)", "bad: exit status 2: out"),
        ("import sys; sys.exit(2)", "bad: exit status 2, without a word"),
        ("import os; os.kill(os.getpid(), 9)", "bad: stopped by SIGKILL"),
    ],
)
def test_a_failure_is_one_line(tmp_path, script, message):
    bad = stand_ins.program(tmp_path, "bad", script)
    with pytest.raises(programs.ProgramError) as caught:
        programs.run([bad])
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_what_is_no_program_is_said(tmp_path):
    (tmp_path / "text").write_text("\0\0")
    (tmp_path / "text").chmod(0o700)
    with pytest.raises(programs.ProgramError, match="text: cannot be started"):
        programs.run([str(tmp_path / "text")])


def test_a_timeout_stops_the_program_and_what_it_started(tmp_path):
    child = tmp_path / "child"
    slow = tmp_path / "slow"
    slow.write_text(f"#!/bin/sh\nsleep 60 &\necho $! > {child}\nwait\n")
    slow.chmod(0o700)
    with pytest.raises(programs.ProgramError, match="slow: stopped, .* than 0.5 s"):
        programs.run([str(slow)], timeout=0.5)
    started = pathlib.Path("/proc") / child.read_text().strip() / "stat"
    if not pathlib.Path("/proc/self/stat").exists():
        pytest.skip("no /proc to look at")
    for _ in range(100):
        if (
            not started.exists()
            or started.read_text().rsplit(")")[-1].split()[0] == "Z"
        ):
            return
        time.sleep(0.05)
    pytest.fail("what it started still runs")


def test_digest_tells_files_apart(tmp_path):
    # sha256 of "abc": FIPS 180-2, appendix B.1
    (tmp_path / "abc").write_text("abc")
    assert programs.digest(tmp_path / "abc") == "ba7816bf8f01cfea"
    with pytest.raises(programs.ProgramError, match="cannot be read"):
        programs.digest(tmp_path / "no")
