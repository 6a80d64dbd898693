"""`ssrlm serve` as a process: its port, and what a signal leaves."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from ssrlm_jax import cli

pytest.importorskip("uvicorn", reason="the extra [serve] is not installed")
pytest.importorskip("fastapi_offline", reason="the extra [serve] is not installed")

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]


class _Served:
    def __init__(self, folder):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"http://127.0.0.1:{free.getsockname()[1]}/"
        port = self.address.rpartition(":")[2].strip("/")
        paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        script = str(HERE / "serving_stand_in.py")
        self.process = subprocess.Popen(
            [sys.executable, script, "serve", "--port", port, "--jobs", str(folder)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": paths},
        )
        self.said = self.process.stdout.readline()

    def ask(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.address + path, data, headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    def state(self, number, *wanted):
        for _ in range(600):
            told = self.ask(f"jobs/{number}")
            if told["state"] in wanted:
                return told
            time.sleep(0.05)
        raise AssertionError(f"not {wanted}: {told}")

    def stop(self, number):
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=30)
        return out + err


def test_sigterm_keeps_what_runs_and_what_waits(tmp_path):
    served = _Served(tmp_path / "jobs")
    assert (
        served.said == f"{served.address} (Ctrl-C ends; nothing leaves this machine)\n"
    )
    running = served.ask("fold", {"fasta": ">wait\nGGGAAACCC\n"})["id"]
    served.state(running, "running")
    waiting = served.ask("fold", {"fasta": ">a\nGGGAAACCC\n"})["id"]
    assert "Traceback" not in served.stop(signal.SIGTERM)
    again = _Served(tmp_path / "jobs")
    assert again.ask(f"jobs/{running}")["ended"] is None
    again.state(running, "running")
    request = urllib.request.Request(f"{again.address}jobs/{running}", method="DELETE")
    urllib.request.urlopen(request, timeout=30).close()
    assert again.state(waiting, "done", "failed")["state"] == "done"
    assert again.stop(signal.SIGTERM) == ""


def test_a_taken_port_is_one_line_and_no_address_is_said(tmp_path, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = ["serve", "--port", str(port), "--jobs", str(tmp_path / "jobs")]
        assert cli.main(command) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        f"ssrlm serve: port {port} of 127.0.0.1 is taken; give another one with "
        "--port N\n"
    )


def test_an_address_of_another_machine_is_one_line(tmp_path, capsys):
    command = ["serve", "--host", "192.0.2.1", "--jobs", str(tmp_path / "jobs")]
    assert cli.main(command) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "--host=192.0.2.1 --port=8000: nothing can listen there (" in err
    assert err.count("\n") == 1
