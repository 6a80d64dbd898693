"""What commands say of damaged files, and what is wrong with it.

A command is run as a function in this process. Whatever the file, it ends in time and
without a traceback; an error is a line that names the file, leaves nothing that is half
written, and there is no success without a word where half of the letters are gone.
"""

import contextlib
import dataclasses
import io
import pathlib
import random
import re
import shutil
import signal
import traceback
from collections.abc import Callable, Iterator

import damaged_files

from ssrlm_jax import cli
from ssrlm_jax.rna import structure_formats

LIMIT_S = 10


@dataclasses.dataclass(frozen=True)
class Ended:
    """How a command ended: status, what it wrote, or the traceback."""

    status: int
    out: str
    err: str
    trace: str = ""


@contextlib.contextmanager
def _limited() -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TimeoutError(f"not ended after {LIMIT_S} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(LIMIT_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def run(*arguments: object) -> Ended:
    """Runs a command in this process."""
    out, err = io.StringIO(), io.StringIO()
    status, trace = 1, ""
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), _limited():
        try:
            status = cli.main([str(one) for one in arguments])
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            trace = traceback.format_exc()
    return Ended(status, out.getvalue(), err.getvalue(), trace)


def num_letters(data: bytes) -> int:
    """Counts letters that look like those of a sequence, in any plain format."""
    if b"\0" in data or any(data.startswith(m) for m in (b"PK", b"BZh", b"\x1f\x8b")):
        return 0
    count = 0
    for line in re.split(rb"[\r\n]+", data):
        if line[:1] in (b">", b"#", b";"):
            continue
        if re.match(rb"\s*\d+\s+[ACGUTacgut]\s", line):
            count += 1
        else:
            count += sum(map(len, re.findall(rb"[ACGUTacgut]{12,}", line)))
    return count


def _wrong(
    case: damaged_files.Case, ended: Ended, num_read: int, made: pathlib.Path
) -> str:
    """Returns what is wrong with how a command ended on a damaged file, else ""."""
    if ended.trace:
        return ended.trace
    left = [str(path) for path in made.rglob("*") if path.name.endswith(".unfinished")]
    if left:
        return f"half-written: {left}"
    error = re.search(r"^ssrlm \w+: (?!\d+ of \d+ ).*", ended.err, re.MULTILINE)
    if ended.status and not ended.err.strip():
        return f"no error is told: {ended.err!r}"
    if ended.status and error is not None and not _names(case, error[0]):
        return f"the file is not named: {ended.err!r}"
    if (
        ended.status == 0
        and not _words(ended.err)
        and num_read < num_letters(case.data) / 2
    ):
        return f"{num_read} of {num_letters(case.data)} letters read, without a word"
    return ""


def _names(case: damaged_files.Case, error: str) -> bool:
    """Tells whether an error names the file, or a chain that has its name."""
    stem = case.name.split(".")[0]
    return case.name in error or re.search(f" {stem}[_ ]", error) is not None


_NO_WORDS = re.compile(
    r"folded in [\d.]+ s|the model was trained on|lines of structures left out"
)


def _words(err: str) -> str:
    """Returns what was said, beside what is said of files that are whole."""
    return "\n".join(line for line in err.splitlines() if not _NO_WORDS.search(line))


def _fold(case: damaged_files.Case, folder: pathlib.Path) -> str:
    path = folder / case.name
    ended = run("fold", path, "-o", folder / "out", "--format", "dbn,json")
    num_read = 0
    for file in (folder / "out").glob("*.dbn"):
        num_read += len(file.read_text().splitlines()[1])
    return _wrong(case, ended, num_read, folder)


def _fold_with(case: damaged_files.Case, folder: pathlib.Path) -> str:
    flag = "--constraints" if case.name.startswith("c.") else "--reactivities"
    (folder / "rna.fa").write_text(f">hairpin\n{damaged_files.B}\n")
    ended = run("fold", folder / "rna.fa", flag, folder / case.name)
    return _wrong(case, ended, 10**9, folder)


def _evaluate(case: damaged_files.Case, folder: pathlib.Path) -> str:
    """Scores a damaged prediction, and then takes it for the truth."""
    truth, given = folder / "truth.tsv", folder / "given"
    given.mkdir()
    (folder / case.name).rename(given / case.name)
    truth.write_text(damaged_files.SEEDS["x.tsv"])
    ended = run("evaluate", "--predictions", given, "--truth", truth, "--json",
                folder / "a.json", "--threshold", 0.5)  # fmt: skip
    if found := _wrong(case, ended, 10**9, folder):
        return found
    whole = folder / "whole"
    whole.mkdir()
    (whole / "x.dbn").write_text(damaged_files.SEEDS["x.dbn"])
    ended = run("evaluate", "--predictions", whole, "--truth", given / case.name,
                "--json", folder / "b.json")  # fmt: skip
    num_read = 0
    if ended.status == 0:
        read = structure_formats.read(given / case.name)
        num_read = sum(len(record.sequence) for record in read)
    return _wrong(case, ended, num_read, folder)


def _prepare_corpus(case: damaged_files.Case, folder: pathlib.Path) -> str:
    settings = {
        "cluster.method": "none", "fold.program": "none", "executor.num_workers": 1,
        "min_length": 1, "min_complexity": 0, "num_buckets": 1, "validation_share": 0,
        "row_length": 128, "on_bad": random.Random(case.data).choice(("stop", "skip")),
    }  # fmt: skip
    ended = run(
        "prepare_corpus", f"--ncrna={folder / case.name}", f"--out={folder / 'out'}",
        *(f"--config.{name}={value}" for name, value in settings.items()),
    )  # fmt: skip
    read = re.search(r"ncrna: read +(\d+) +(\d+) +(\S.*)?", ended.out)
    told = (read and read[3] or "") + (
        case.name if case.name + ":" in ended.out else ""
    )
    said = dataclasses.replace(ended, err=ended.err + told)
    packed = re.findall(r"ncrna +\d+ +[\d,]+ +([\d,]+) +([\d,]+)", ended.out)
    num_read = sum(int(tokens.replace(",", "")) for _, tokens in packed)
    shutil.rmtree(folder / "out.work", ignore_errors=True)  # from which it goes on
    return _wrong(case, said, num_read, folder)


def _prepare_pdb(case: damaged_files.Case, folder: pathlib.Path) -> str:
    ended = run(
        "prepare_pdb", f"--files={folder / case.name}", f"--out={folder / 'out'}",
        "--config.cluster.method=exact", "--config.executor.num_workers=1",
        "--config.before=", "--config.min_length=4", "--config.min_pairs=0",
    )  # fmt: skip
    shutil.rmtree(folder / "out.work", ignore_errors=True)
    return _wrong(case, ended, 10**9, folder)


# By command: the kind of its files, and what it is asked to do.
COMMANDS: dict[str, tuple[str, Callable[[damaged_files.Case, pathlib.Path], str]]] = {
    "fold": ("pairs", _fold),
    "fold with evidence": ("evidence", _fold_with),
    "evaluate": ("pairs", _evaluate),
    "prepare_corpus": ("pairs", _prepare_corpus),
    "prepare_pdb": ("atoms", _prepare_pdb),
}


def wrong_with(command: str, number: int, folder: pathlib.Path) -> str:
    """Runs a command on one damaged file; returns what is wrong, else ""."""
    kind, ask = COMMANDS[command]
    case = damaged_files.damaged(kind, number)
    folder.mkdir()
    (folder / case.name).write_bytes(case.data)
    try:
        found = ask(case, folder)
    finally:
        shutil.rmtree(folder)
    return f"{command} {number}: {case.how}\n{found}" if found else ""
