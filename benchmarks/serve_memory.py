"""`ssrlm serve` over many jobs: what the web process and the model process hold.

  python benchmarks/serve_memory.py

2,000 jobs of one RNA of 20 to 100 nucleotides are handed in, 50 at a time; memory is
read at each tenth of them. Growth: from a fifth, when all shapes are compiled, to the
end. Ten to twenty-five minutes on two cores.
"""

import argparse
import pathlib
import random
import sys
import tempfile
import time

import report
import serve

_AT_ONCE = 50
_WAYS = 10  # readings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2_000, metavar="N")
    parsed = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measured(pathlib.Path(folder), parsed.jobs)
    machine = report.machine("ssrlm-jax", "jax", "ViennaRNA", "fastapi")
    report.save("serve_memory", found | {"machine": machine})
    if found["failed"]:
        sys.exit(f"{len(found['failed'])} jobs failed: {found['failed'][0]}")


def measured(folder: pathlib.Path, num_jobs: int) -> report.Result:
    """Returns memory by the number of jobs that are done."""
    served = serve.Served(folder)
    served.wait()
    rng = random.Random(0)
    begun = time.monotonic()
    readings: list[dict[str, float]] = []
    num_done = 0
    failed: list[str] = []
    step = max(_AT_ONCE, num_jobs // _WAYS)
    while num_done < num_jobs:
        numbers = [
            served.ask("/fold", {"fasta": f">{n}\n{_letters(rng)}\n"})["id"]
            for n in range(_AT_ONCE)
        ]
        for told in map(served.ended, numbers):
            if told["state"] != "done":
                failed.append(f"{told['state']}: {'; '.join(told['problems'])}")
        num_done += len(numbers)
        if num_done % step == 0:
            readings.append({"jobs": num_done} | _memory_mb(served.process.pid))
            sys.stderr.write(f"{readings[-1]}\n")
    seconds = time.monotonic() - begun
    served.process.terminate()
    served.process.wait()
    first = next(one for one in readings if one["jobs"] >= num_jobs / 5)
    return {
        "jobs": num_done,
        "failed": failed,
        "seconds": round(seconds, 1),
        "memory_mb": readings,
        "growth_mb": {
            name: round(readings[-1][name] - first[name], 1)
            for name in ("web", "model")
        },
    }


def _letters(rng: random.Random) -> str:
    return "".join(rng.choices("ACGU", k=rng.randint(20, 100)))


def _memory_mb(web: int) -> dict[str, float]:
    """Returns what the web process and its only child hold."""
    threads = pathlib.Path(f"/proc/{web}/task").glob("*/children")
    (model,) = {int(pid) for one in threads for pid in one.read_text().split()}
    return {"web": serve.memory_mb(web), "model": serve.memory_mb(model)}


if __name__ == "__main__":
    main()
