"""`benchmarks/all.py`: what it runs, how it tells it, and the tables it makes."""

import argparse
import importlib
import json
import math
import os
import pathlib
import re
import subprocess
import sys
import textwrap
import time

import processes
import pytest

from ssrlm_jax import config
from ssrlm_jax.jobs import command

ROOT = pathlib.Path(__file__).parents[1]
BENCHMARKS = ROOT / "benchmarks"


@pytest.fixture
def module(monkeypatch):
    """Returns what imports a module of benchmarks/."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module


def result(*values, rival=None, date="2026-01-02"):
    """Returns results of runs, one for each value, of a machine."""
    return [
        {
            "measures": [
                {
                    "name": "fold",
                    "value": value,
                    "unit": "s",
                    "better": "lower",
                    "rivals": {} if rival is None else {"other": rival},
                }
            ],
            "machine": {
                "processor": "X",
                "cores": 2,
                "date": date,
                "versions": {"jax": "0.10.2"},
            },
        }
        for value in values
    ]


def test_the_tables_are_what_the_results_give(module):
    table, rows = module("speed_table"), module("measured_rows")
    found = rows.read(BENCHMARKS / "results")
    assert found["rows"]
    for path, made in ((table.README, table.headlines), (table.PAGE, table.whole)):
        text = path.read_text()
        assert text == table.with_table(text, made(found)), f"all.py --tables: {path}"


def test_every_row_names_its_processor_version_and_day(module):
    found = module("measured_rows").read(BENCHMARKS / "results")
    for row in found["rows"]:
        assert row["processor"]
        assert row["jax"]
        assert row["date"]


def test_every_benchmark_is_run_or_said_not_to_be(module):
    whole = module("all")
    run = {item.words[0].removesuffix(".py") for item in whole.ITEMS.values()}
    files = {path.stem for path in BENCHMARKS.glob("*.py")}
    assert files == run | set(whole.NOT_TIMED) | whole.HELPERS
    readers = tuple(module("measures")._READ)
    assert all(item.writes.startswith(readers) for item in whole.ITEMS.values())
    assert set(whole.RIVAL_MODULE) | whole.SLOW <= set(whole.ITEMS)


def test_the_memory_page_has_what_is_computed_here(module):
    memory = module("memory")
    told = re.findall(
        r"^\| (\w+) \| ([\d,]+) \|", (ROOT / "docs/memory.md").read_text(), re.MULTILINE
    )
    settings = config.frozen(
        config.PretrainConfig, command.read(str(ROOT / "configs/650m.py"), [])
    )
    found = {name: sum(memory.row_bytes(settings, name)) for name, _ in told}
    assert list(found) == ["minimal", "dots", "full"]
    assert [(name, f"{size / 1e6:,.0f}") for name, size in found.items()] == told


def test_a_row_tells_how_runs_differ_and_what_others_took(module):
    rows, table = module("measured_rows"), module("speed_table")
    (row,) = rows.rows_of("one", result(2.0, 3.0, rival=5.0), math.nan)
    assert rows.value(row) == 2.5
    assert rows.spread(row) == pytest.approx(0.4)
    assert rows.ratio(row, "other") == pytest.approx(2.0)  # less is better: 5 / 2.5
    text = table.whole({"rows": [row], "ended": {"one": "done", "two": "failed: no"}})
    expected = (
        "| fold | 2.50 s | 40 % | 5.00 s other (2.00 x) | X, 2 cores, jax 0.10.2, "
        "2026-01-02 |"
    )
    assert expected in text
    assert text.endswith("| two | failed: no |")


def test_what_may_be_of_either_sign_has_no_share(module):
    rows, table = module("measured_rows"), module("speed_table")
    (row,) = rows.rows_of("one", result(-0.1, 0.1), math.nan)
    assert rows.spread(row) is None
    assert "| fold | 0.000 s | - |" in table.whole({"rows": [row], "ended": {}})


@pytest.mark.parametrize(
    ("before", "after", "is_moved"),
    [
        ((2.0, 2.2), (2.5, 2.5), True),  # 0.4 of 2.1, beyond 0.2
        ((2.0, 3.0), (3.1, 3.1), False),  # 0.6 of 2.5, within 1.0
        ((2.0,), (3.0,), False),  # nobody knows how much runs differ
        ((2.0, 2.0), (2.05, 2.05), False),  # less than days differ
    ],
)
def test_a_number_that_moves_by_more_than_runs_differ_says_so(
    module, before, after, is_moved
):
    rows, table = module("measured_rows"), module("speed_table")
    old = rows.rows_of("one", result(*before), 0.0)
    (row,) = rows.merged(old, rows.rows_of("one", result(*after), 0.0))
    assert ("moved, was" in table.whole({"rows": [row], "ended": {}})) == is_moved


def test_what_moved_says_what_the_rival_got_and_why(module):
    rows, table = module("measured_rows"), module("speed_table")
    old = rows.rows_of("one", result(2.0, 2.0, rival=5.0), 0.0)
    new = rows.rows_of("one", result(1.0, 1.0, rival=4.0), 0.0)
    made = rows.merged(old, new, "two devices share a batch")
    told = "1.00 s (moved, was 2.00 s; other then 5.00 s; two devices share a batch)"
    assert told in table.whole({"rows": made, "ended": {}})


@pytest.mark.parametrize("what", [{"processor": "Y"}, {"cores": 4}, {"jax": "0.11"}])
def test_a_row_of_another_machine_stays(module, what):
    rows = module("measured_rows")
    old = rows.rows_of("one", result(2.0), 0.0)
    (new,) = rows.rows_of("one", result(4.0), 0.0)
    assert [row["values"] for row in rows.merged(old, [new | what])] == [[2.0], [4.0]]


def test_what_was_measured_nobody_knows_where_makes_room(module):
    rows = module("measured_rows")
    (old,) = rows.rows_of("one", result(2.0), 0.0)
    new = rows.rows_of("one", result(4.0), 0.0)
    nowhere = old | {"processor": rows.NOT_RECORDED}
    assert [row["values"] for row in rows.merged([nowhere], new)] == [[4.0]]
    unknown = old | {"jax": rows.NOT_RECORDED}
    assert [row["values"] for row in rows.merged([unknown], new)] == [[4.0]]
    elsewhere = unknown | {"processor": "another"}
    assert len(rows.merged([elsewhere], new)) == 2


def test_on_a_gpu_a_row_names_it_unless_no_model_ran(module):
    rows = module("measured_rows")
    (row,) = rows.rows_of("one", result(2.0), 0.0, "H100")
    assert (row["processor"], row["cores"]) == ("H100", None)


def test_what_a_benchmark_got_to_before_it_failed_is_kept(
    module, tmp_path, monkeypatch
):
    whole = module("all")
    told = json.dumps(result(2.0)[0])
    program = f"""
        import os, pathlib, sys
        folder = pathlib.Path(os.environ["SSRLM_BENCHMARK_RESULTS"])
        folder.mkdir()
        (folder / "one.json").write_text({told!r})
        sys.exit("the second half failed")
    """
    (tmp_path / "one.py").write_text(textwrap.dedent(program))
    item = whole.Item(words=(str(tmp_path / "one.py"),), quick=(), writes="one")
    monkeypatch.setitem(whole.ITEMS, "one", item)
    given = argparse.Namespace(quick=False, data=None, peer_python=None, runs=2)
    how, (row,) = whole._run("one", given, tmp_path / "kept", "")
    assert how == "failed: the second half failed"
    assert row["values"] == [2.0]


def test_a_failure_and_a_lack_of_time_are_told(module, tmp_path):
    whole = module("all")
    failing = [sys.executable, "-c", "raise SystemExit('no such thing')"]
    assert whole._called(failing, tmp_path, 1.0) == "no such thing"
    waiting = [sys.executable, "-c", "import time; time.sleep(9)"]
    assert whole._called(waiting, tmp_path, 0.001) == "more than 0.001 minutes"


def test_a_rival_whose_larger_batch_fills_memory_is_told_and_others_are_not(
    module, tmp_path, monkeypatch
):
    peers = module("peers")
    script = tmp_path / "rival.py"
    script.write_text("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")

    def run_peer(python, family, **work):
        if len(work["batches"][0]) > 1:
            return peers.secondary.run_command([python, str(script)])
        return {"seconds": [2.0], "peak_gib": 1.0, "is_finite": True}

    monkeypatch.setattr(peers.secondary, "run_peer", run_peer)
    row = peers._rival(sys.executable, "rnafm", "fold", [20, 21], "float32")
    assert row["rival_seconds_batch_1"] == 2.0
    assert row["rival_failed_batch_8"] == "it was ended: memory was full"
    script.write_text("raise SystemExit('no such family')")
    with pytest.raises(RuntimeError, match="^rival.py ended with 1: no such family$"):
        peers._rival(sys.executable, "rnafm", "fold", [20, 21], "float32")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_call_ends_with_what_it_started_and_says_what_all_held(module, tmp_path):
    calls, path = module("calls"), tmp_path / "pid"
    inner = (
        "import os, pathlib, time; held = bytearray(os.urandom(64 << 20));"
        f"pathlib.Path({str(path)!r}).write_text(str(os.getpid())); time.sleep(60)"
    )
    outer = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}])"
    with pytest.raises(subprocess.TimeoutExpired):
        calls.run([sys.executable, "-c", outer], 5)
    last = time.monotonic() + 20.0
    while processes.is_running(path.read_text()):
        assert time.monotonic() < last
        time.sleep(0.05)
    brief = inner.replace("time.sleep(60)", "time.sleep(1)")
    done = calls.run([sys.executable, "-c", outer.replace(inner, brief)], 60)
    assert done.status == 0
    assert done.peak_mib > 64
    done = calls.run([sys.executable, "-c", "print(1)"], 60, is_memory_read=False)
    assert done[:2] == (0, "1\n")
    assert done.peak_mib == 0.0


def test_two_small_ones_run_and_one_without_its_data_is_left_out(tmp_path):
    names = ("sweep_overhead", "command_costs", "peers")
    flags = ("--quick", "--runs=1", f"--only={','.join(names)}", f"--out={tmp_path}")
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / "all.py"), *flags],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "all.json").read_text())
    ended = {name: found["ended"][name].partition(":")[0] for name in names}
    assert ended == dict(zip(names, ("done", "done", "left out"), strict=True))
    assert found["ended"]["serve"] == "not run as a whole by all.py yet"
    told = {row["name"]: row for row in found["rows"]}
    name = "ssrlm evaluate, 100 nt, start included, memory"
    assert told[name]["values"][0] > 10  # MiB
    page = (tmp_path / "speed.md").read_text()
    assert "sweep, what a job costs beside its work" in page
    assert "| peers | left out: needs --data" in page
