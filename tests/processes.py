"""Starts Python scripts as processes of their own, alone or as one distributed run.

A script gets one argument, settings as JSON; `join` is the first thing it calls.
"""

import json
import os
import pathlib
import socket
import subprocess
import sys
from typing import Any


def join(argument: str) -> dict[str, Any]:
    """Sets up JAX in a started script and returns its settings."""
    import jax

    from ssrlm_jax import config
    from ssrlm_jax.train import sharding

    settings = json.loads(argument)
    jax.config.update("jax_num_cpu_devices", settings["num_devices"])
    jax.config.update("jax_numpy_rank_promotion", "raise")
    sharding.initialize(config.DistributedConfig(**settings["distributed"]))
    return settings


def start(
    script: pathlib.Path,
    settings: dict[str, Any],
    *,
    num_devices: int = 8,
    distributed: dict[str, Any] | None = None,
) -> subprocess.Popen[str]:
    """Starts one process on `num_devices` virtual CPU devices."""
    settings = settings | {
        "num_devices": num_devices,
        "distributed": distributed or {"mode": "off"},
    }
    roots = [str(pathlib.Path(__file__).parents[1]), str(pathlib.Path(__file__).parent)]
    return subprocess.Popen(
        [sys.executable, str(script), json.dumps(settings)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(roots)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def start_together(
    script: pathlib.Path,
    settings: dict[str, Any],
    *,
    num_processes: int = 2,
    num_devices: int = 4,
) -> list[subprocess.Popen[str]]:
    """Starts the processes of one distributed run, each with `num_devices`."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        address = f"localhost:{probe.getsockname()[1]}"
    return [
        start(
            script,
            settings,
            num_devices=num_devices,
            distributed={
                "mode": "explicit",
                "address": address,
                "num_processes": num_processes,
                "process_id": index,
            },
        )
        for index in range(num_processes)
    ]


def finish(*processes: subprocess.Popen[str], seconds: float = 240.0) -> list[str]:
    """Waits for processes that have to end well, and returns what they wrote."""
    try:
        texts = [process.communicate(timeout=seconds)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    for process, text in zip(processes, texts, strict=True):
        assert process.returncode == 0, f"exit code {process.returncode}:\n{text}"
    return texts


def is_running(process: str) -> bool:
    """Says whether a process of this number is there, and is no zombie; on Linux."""
    status = pathlib.Path("/proc", process, "status")
    try:
        return "State:\tZ" not in status.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
