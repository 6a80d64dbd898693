import jax
import pytest

from ssrlm_jax.infer import memory

STAT = """anon 500
inactive_file 300
active_file 40
total_inactive_file 310
total_active_file 42
"""


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Stands in for the files of a Linux with 8,192,000 free bytes."""
    (tmp_path / "meminfo").write_text("MemTotal: 9000 kB\nMemAvailable: 8000 kB\n")
    monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "_GROUPS", tmp_path)
    monkeypatch.setattr(memory, "_OWN_GROUPS", tmp_path / "cgroup")
    return tmp_path


def _put(folder, **files):
    folder.mkdir(exist_ok=True, parents=True)
    for name, text in files.items():
        (folder / f"memory.{name}").write_text(text)


def _available():
    return memory.available(jax.devices("cpu")[0])


def test_without_a_limit_all_that_is_free_is_there(machine):
    assert _available() == 8000 * 1024
    _put(machine, max="max\n", current="900\n", stat=STAT)
    assert _available() == 8000 * 1024


def test_copies_of_files_give_way_in_a_container(machine):
    _put(machine, max="1000\n", current="900\n", stat=STAT)
    assert _available() == 1000 - (900 - 300 - 40)


def test_the_older_control_groups_have_other_names(machine):
    _put(machine / "memory", limit_in_bytes="1000", usage_in_bytes="900\n", stat=STAT)
    assert _available() == 1000 - (900 - 310 - 42)


def test_a_container_without_statistics_has_no_copies(machine):
    _put(machine, max="1000\n", current="900\n")
    assert _available() == 100


@pytest.mark.parametrize(("line", "top"), [("0::", ""), ("7:cpu,memory:", "memory")])
def test_a_job_has_the_limits_of_all_groups_that_it_is_in(machine, line, top):
    (machine / "cgroup").write_text(f"3:pids:/other\n{line}/slurm/job/step\n")
    names = {"limit_in_bytes": "2000", "usage_in_bytes": "900"}
    if not top:
        names = {"max": "2000\n", "current": "900"}
    _put(machine / top / "slurm" / "job", **names)
    _put(
        machine / top / "slurm" / "job" / "step", max="max\n", limit_in_bytes="9000000"
    )
    (machine / top / "slurm/job/step/memory.usage_in_bytes").write_text("0")
    assert _available() == 1100
