"""Stands in for the model process: every job has a hairpin, or what its name asks.

A record that is called "crash" ends the process; one called "wait" lasts a minute.
"""

import json
import pathlib
import sys
import time

from ssrlm_jax.infer import results
from ssrlm_jax.pages import fold_report
from ssrlm_jax.serving import job_store, model_process, submissions

PAGE = '<link rel="icon" href="data:,"><p>a page</p>'


def _run(folder: pathlib.Path) -> None:
    text = (folder / submissions.INPUT).read_text()
    if "crash" in text:
        sys.exit(1)
    if "wait" in text:
        time.sleep(60)
    out = folder / job_store.OUT
    out.mkdir(exist_ok=True)
    names = [line[1:] for line in text.splitlines() if line.startswith(">")]
    lines = [json.dumps({"name": name}) for name in names]
    (out / results.JSON_FILE).write_text("\n".join(lines) + "\n")
    (out / fold_report.FILE).write_text(PAGE)
    job_store.write_end(folder, job_store.DONE, [])


if __name__ == "__main__":
    print(model_process.READY, flush=True)
    for line in sys.stdin:
        _run(pathlib.Path(sys.argv[1]) / line.strip())
        print(line.strip(), flush=True)
