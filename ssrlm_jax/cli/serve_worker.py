"""The model process of `ssrlm serve`: folds the jobs whose IDs come on standard input.

A job is `ssrlm fold` in its folder, with the model that is loaded already.
"""

import argparse
import contextlib
import json
import pathlib
import re
import shutil
import sys
import time

from ssrlm_jax import config, locks
from ssrlm_jax.cli import commands, fold, models
from ssrlm_jax.infer import loading, precision, predictors, results
from ssrlm_jax.serving import job_store, model_process, submissions

_WARM_UP = "GGGGAAAUCCUUCGGGAUUUCCCC"
_SUMMARY = re.compile(r"[\d,]+ of [\d,]+ folded in .*")
_PAUSE_S = 0.2  # until it is looked again whether the process before has ended
_FILES = {
    submissions.CONSTRAINTS: "constraints",
    submissions.REACTIVITIES: "reactivities",
}


def main() -> None:
    """Runs until standard input ends; the folder and the model are the arguments."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    models.add_argument(parser)
    parsed = parser.parse_args()
    answers = sys.stdout
    sys.stdout = sys.stderr  # answers alone go through the pipe
    directory = models.chosen(parsed)
    models.keep_compiled()
    first = loading.load(directory, dtype=precision.AUTO)
    first.fold([_WARM_UP])
    with contextlib.ExitStack() as stack:
        _wait_until_alone(parsed.folder, stack)
        stack.enter_context(contextlib.suppress(BrokenPipeError))  # the server is gone
        answers.write(f"{model_process.READY}\n")
        answers.flush()
        for line in sys.stdin:
            folder = parsed.folder / line.strip()
            if not (folder / job_store.ENDED).is_file():
                _run(folder, directory, first)
            answers.write(line)
            answers.flush()


def _wait_until_alone(folder: pathlib.Path, stack: contextlib.ExitStack) -> None:
    """Waits until no other model process works in a folder."""
    while True:
        try:
            stack.enter_context(locks.alone(folder / "model.lock", "another works"))
            return
        except ValueError:
            time.sleep(_PAUSE_S)


def _run(
    folder: pathlib.Path, directory: pathlib.Path, model: predictors.Predictor
) -> None:
    """Folds a job, and writes how it ended."""
    out, log = folder / job_store.OUT, folder / job_store.LOG
    shutil.rmtree(out, ignore_errors=True)
    request = json.loads((folder / job_store.REQUEST).read_text())
    flags = [str(folder / submissions.INPUT), "-o", str(out), "--report"]
    flags += ["--format", "json,dbn", "--model", str(directory)]
    for name, value in request["flags"].items():
        flags += [f"--{name.replace('_', '-')}", str(value)]
    for name, flag in _FILES.items():
        if (folder / name).is_file():
            flags += [f"--{flag}", str(folder / name)]

    def load(
        _: pathlib.Path, decoding: config.DecodingConfig, *, dtype: str
    ) -> predictors.Predictor:
        del dtype  # that in which the model was loaded
        return model.decoding_by(decoding)

    parser = commands.Parser(prog="ssrlm fold")
    fold.add(parser)
    problems = []
    with log.open("w", encoding="utf-8") as file, contextlib.redirect_stderr(file):
        try:
            fold.run(parser.parse_args(flags), load)
        except (
            ValueError,
            OSError,
            ArithmeticError,
            RuntimeError,
            MemoryError,
        ) as error:
            problems.append(str(error).splitlines()[0] if str(error) else repr(error))
    told = log.read_text(encoding="utf-8").splitlines()
    told = [line.removeprefix("ssrlm fold: ") for line in told]
    problems += [line for line in told if not _SUMMARY.fullmatch(line)]
    has_any = (out / results.JSON_FILE).is_file()
    state = job_store.DONE if has_any else job_store.FAILED
    shown = [line.replace(f"{folder}/", "") for line in problems]
    job_store.write_end(folder, state, shown)


if __name__ == "__main__":
    main()
