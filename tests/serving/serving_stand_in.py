"""Runs `ssrlm serve` with a stand-in for the model process."""

import pathlib
import sys

from ssrlm_jax import cli
from ssrlm_jax.serving import job_store, model_process

STAND_IN = pathlib.Path(__file__).with_name("standing_process.py")


class _ModelProcess(model_process.ModelProcess):
    def __init__(self, command, store: job_store.JobStore) -> None:
        folder = command[4]  # python -P -m ssrlm_jax.cli.serve_worker FOLDER ...
        super().__init__([sys.executable, str(STAND_IN), folder], store)


if __name__ == "__main__":
    model_process.ModelProcess = _ModelProcess
    sys.exit(cli.main())
