import pathlib
import subprocess
import sys

LAUNCH = pathlib.Path(__file__).parents[2] / "launch"


def test_a_job_that_is_run_elsewhere_says_where_its_config_is(tmp_path):
    done = subprocess.run(
        [sys.executable, LAUNCH / "contacts.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert f"there is no file configs/contacts.py; run it in {LAUNCH.parent}" in line
    assert f"or give --config={LAUNCH.parent / 'configs/contacts.py'}" in line
