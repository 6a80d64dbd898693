"""`ssrlm serve` under load: right answers, quick pages, nothing lost by `kill -9`.

  python benchmarks/serve.py

20 clients hand in 200 sequences at once, one a job, and get all answers. Then they hand
in 200 others, and the server is killed and started again on the same folder; meanwhile
the list of jobs is asked for every 50 ms. All goes to this machine's own address. A
minute on two cores.
"""

import argparse
import concurrent.futures
import json
import pathlib
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from typing import Any

import numpy as np
import report

import ssrlm_jax

NUM_CLIENTS, NUM_EACH = 20, 10
TRNA = "GCGGAUUUAGCUCAGUUGGGAGAGCGCCAGACUGAAGAUCUGGAGGUCCUGUGUUCGAUCCACAGAAUUCGCACCA"
_OFTEN_S = 0.05
_MOST_S = 600.0


class Served:
    """A server that runs on a folder of jobs."""

    def __init__(self, folder: pathlib.Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        code = "from ssrlm_jax import cli; import sys; sys.exit(cli.main())"
        flags = ["serve", "--port", str(self.port), "--jobs", str(folder)]
        self.process = subprocess.Popen([sys.executable, "-c", code, *flags])

    def ask(self, path: str, body: dict[str, object] | None = None) -> Any:
        """Returns what the server says; it is asked again while it starts."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    def wait(self) -> float:
        """Returns after how many seconds the model was there."""
        begun = time.monotonic()
        while time.monotonic() - begun < _MOST_S:
            try:
                if self.ask("/health")["is_ready"]:
                    return time.monotonic() - begun
            except OSError:
                pass
            time.sleep(_OFTEN_S)
        raise TimeoutError("the server did not start")

    def ended(self, number: str) -> dict[str, Any]:
        """Returns a job when it has ended; a server that restarts is waited for."""
        begun = time.monotonic()
        while time.monotonic() - begun < _MOST_S:
            try:
                told: dict[str, Any] = self.ask(f"/jobs/{number}")
                if told["ended"]:
                    return told
            except urllib.error.HTTPError:
                raise
            except OSError:
                pass
            time.sleep(0.2)
        raise TimeoutError(f"{number} has not ended")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = _measured(pathlib.Path(folder))
    report.save("serve", found)
    if found["right"] != found["sequences"]:
        sys.exit(f"{found['right']} of {found['sequences']} answers are right")


def _measured(folder: pathlib.Path) -> dict[str, object]:
    served = Served(folder)
    start_s = served.wait()
    begun = time.monotonic()
    served.ended(served.ask("/fold", {"fasta": TRNA})["id"])
    first_s = time.monotonic() - begun
    rng = random.Random(0)
    begun = time.monotonic()
    for number in _handed_in(served, _drawn(rng)):
        served.ended(number)
    answered_s = time.monotonic() - begun
    given = _drawn(rng)
    latencies: list[float] = []
    stopped = threading.Event()
    watching = threading.Thread(target=_watch, args=(served, latencies, stopped))
    watching.start()
    begun = time.monotonic()
    numbers = _handed_in(served, given)
    accepted_s = time.monotonic() - begun
    stopped.set()
    watching.join()
    before = memory_mb(served.process.pid)
    served.process.send_signal(signal.SIGKILL)
    served.process.wait()
    again = Served(folder)
    stopped.clear()
    again.wait()
    watching = threading.Thread(target=_watch, args=(again, latencies, stopped))
    watching.start()
    lines = [_result(again, number) for number in numbers]
    all_s = time.monotonic() - begun
    stopped.set()
    watching.join()
    after = memory_mb(again.process.pid)
    again.process.terminate()
    again.process.wait()
    expected = ssrlm_jax.load().fold(given)
    right = sum(
        (line["sequence"], line["dot_bracket"]) == (one.sequence, one.dot_bracket)
        for line, one in zip(lines, expected, strict=True)
    )
    return {
        "start_s": round(start_s, 2),
        "first_answer_76_nt_s": round(first_s, 2),
        "sequences": len(given),
        "right": right,
        "answered_s": round(answered_s, 1),
        "accepted_s": round(accepted_s, 2),
        "all_s": round(all_s, 1),
        "get_p95_ms": round(1e3 * float(np.percentile(latencies, 95)), 1),
        "get_max_ms": round(1e3 * max(latencies), 1),
        "gets": len(latencies),
        "memory_mb": {"web_before_kill": before, "web_at_end": after},
        "machine": report.machine("ssrlm-jax", "jax", "ViennaRNA", "fastapi"),
    }


def _drawn(rng: random.Random) -> list[str]:
    """Returns sequences of random letters, one for each job."""
    return [
        "".join(rng.choices("ACGU", k=rng.randint(60, 100)))
        for _ in range(NUM_CLIENTS * NUM_EACH)
    ]


def _handed_in(served: Served, given: list[str]) -> list[str]:
    """Hands all in, of many clients at once; returns the jobs in their order."""

    def hand_in(place: int) -> str:
        fasta = f">{place}\n{given[place]}\n"
        return str(served.ask("/fold", {"fasta": fasta})["id"])

    with concurrent.futures.ThreadPoolExecutor(NUM_CLIENTS) as clients:
        return list(clients.map(hand_in, range(len(given))))


def _result(served: Served, number: str) -> dict[str, Any]:
    told = served.ended(number)
    (line,) = served.ask(told["links"]["results"])
    found: dict[str, Any] = line
    return found


def _watch(served: Served, latencies: list[float], stopped: threading.Event) -> None:
    while not stopped.wait(_OFTEN_S):
        begun = time.monotonic()
        served.ask("/jobs")
        latencies.append(time.monotonic() - begun)


def memory_mb(pid: int) -> float:
    """Returns what a process holds."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    (line,) = (line for line in text.splitlines() if line.startswith("VmRSS:"))
    return round(int(line.split()[1]) / 1024, 1)


if __name__ == "__main__":
    main()
