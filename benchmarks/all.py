"""Runs every benchmark on the device at hand, and makes the tables of what came out.

  python benchmarks/all.py [--quick] [--only=startup,serve] [--data=DIR]
      [--peer_python=PEER/bin/python] [--runs=2] [--out=DIR]
  python benchmarks/all.py --tables          of what is there already

Each is a process of its own with a time limit; one that fails is told, what it got to
is kept, and the others go on. Each runs twice, or --runs times, so that it is seen by
how much runs differ; a number that moved by more since it was last measured on the same
processor with the same jax is said to have moved, with what rivals got then and now,
and --because="..." says why. Rivals run in the same call where they are installed
(--peer_python: a Python that has multimolecule or boltz; this one where left out).
--quick takes small sizes: it shows that these run, and is for no table unless --out
names a folder of its own.

Written are results/NAME.json by each benchmark, results/all.json, and the tables of
README.md and docs/speed.md, between marks. --data is a folder with
secondary/bprna_TS0.tsv.gz.
"""

import argparse
import dataclasses
import json
import math
import pathlib
import subprocess
import sys
import tempfile
import time

import calls
import measured_rows
import report
import speed_table

HERE = pathlib.Path(__file__).parent
TS0 = "secondary/bprna_TS0.tsv.gz"
DEVICE = "import jax; d = jax.devices()[0]; print(d.platform, '/', d.device_kind)"
NOT_TIMED = {  # files here that are no benchmark of speed
    "fuzz": "looks for damaged files that are read without a word",
    "relatives": "fits the votes of relatives",
    "tokens_to_pairs": "draws runs of pre-training",
    "shipped_curves": "draws the training of the model that ships",
    "memory": "computes what fits on a card; measures nothing",
    "gpu": "runs items of this on a GPU, within eight minutes each",
    "alignments": "scores structures; needs tables of Rfam and of training",
    "evidence": "scores structures; needs measured reactivities",
}
HELPERS = {
    *("all", "calls", "report", "measures", "measured_rows", "speed_table"),
    "generated_rows",
    *("train_step_peer", "secondary_peer", "tertiary_peer"),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Item:
    """One call of a benchmark.

    Attributes:
      words: file and flags; {ts0} and {peer} are filled in.
      quick: flags after them with --quick, small sizes.
      writes: how the name of its result starts.
      minutes: that one run may take.
      rival: a flag that is added where there is a Python with a rival.
      platform: on which it runs, "cpu" or "gpu"; "": any.
      is_on_host: no model of ours runs, so it is of the processor beside a GPU, too.
    """

    words: tuple[str, ...]
    quick: tuple[str, ...]
    writes: str
    minutes: float = 10
    rival: str = ""
    platform: str = ""
    is_on_host: bool = False


PEER = "--peer_python={peer}"
ITEMS: dict[str, Item] = {
    "startup": Item(
        words=("startup.py",),
        quick=("--repeats=1", "--without_wheel"),
        writes="startup",
        is_on_host=True,
    ),
    "sweep_overhead": Item(
        words=("sweep_overhead.py",),
        quick=("--cells=1",),
        writes="sweep_overhead",
        is_on_host=True,
    ),
    "first_answer": Item(
        words=("first_answer.py",), quick=("--repeats=1",), writes="first_answer"
    ),
    "many_rnas": Item(
        words=("many_rnas.py",), quick=("--count=4", "--repeats=1"), writes="many_rnas"
    ),
    "command_costs": Item(
        words=("command_costs.py",),
        quick=("--lengths=100", "--commands=evaluate"),
        writes="command_costs",
        minutes=90,
    ),
    "serve": Item(words=("serve.py",), quick=(), writes="serve"),
    "serve_memory": Item(
        words=("serve_memory.py", "--jobs=1000"),
        quick=("--jobs=50",),
        writes="serve_memory",
        minutes=30,
    ),
    "long_energies": Item(
        words=("long_energies.py",),
        quick=("--lengths=100", "--many=5"),
        writes="long_energies",
        minutes=15,
        is_on_host=True,
    ),
    "twelve": Item(
        words=("twelve.py", "--out={scratch}/twelve.png"), quick=(), writes="twelve"
    ),
    "input_pipeline": Item(
        words=("input_pipeline.py",),
        quick=("--turns=1", "--row_length=256"),
        writes="input_pipeline",
        is_on_host=True,
    ),
    "prepare": Item(
        words=("prepare.py", "--records=100000,1000000"),
        quick=("--records=2000", "--folded=0"),
        writes="prepare",
        minutes=20,
        is_on_host=True,
    ),
    "8m": Item(
        words=("train_step.py", "--config=configs/8m.py"),
        quick=("--rows=1", "--turns=1", "--config.data.row_length=128"),
        writes="train_step_8m",
        platform="cpu",
    ),
    "8m_bfloat16": Item(
        words=(
            *("train_step.py", "--config=configs/8m.py"),
            "--config.compute.dtype=bfloat16",
        ),
        quick=("--rows=1", "--turns=1", "--config.data.row_length=128"),
        writes="train_step_8m",
        platform="cpu",
    ),
    "attention": Item(
        words=("attention.py",),
        quick=("--rows=1", "--row_length=256", "--turns=1"),
        writes="attention",
        platform="cpu",
    ),
    "contacts": Item(
        words=("contacts.py",),
        quick=("--encoders=8m", "--length=60", "--repeats=1"),
        writes="contacts",
    ),
    "secondary": Item(
        words=("secondary.py", "--only=folding", "--lengths=1000,500,130,50"),
        quick=("--lengths=20", "--repeats=1"),
        writes="secondary_folding",
        minutes=40,
        rival=PEER,
    ),
    "secondary_set": Item(
        words=("secondary.py", "--only=set", "--ts0={ts0}", "--share=26"),
        quick=("--share=650",),
        writes="secondary_set",
        minutes=40,
        rival=PEER,
    ),
    "secondary_training": Item(
        words=("secondary.py", "--only=training", "--longest=1400"),
        quick=("--longest=50",),
        writes="secondary_training",
        minutes=20,
    ),
    "secondary_long": Item(
        words=("secondary.py", "--only=long"),
        quick=(),
        writes="secondary_long",
        minutes=40,
    ),
    "peers": Item(
        words=("peers.py", "--ts0={ts0}", "--num=40", "--dtype=auto"),
        quick=("--num=1", "--families=rnafm", "--tasks=embed"),
        writes="peers",
        minutes=40,
        rival=PEER,
    ),
    "tertiary": Item(
        words=("tertiary.py",),
        quick=("--lengths=16", "--repeats=1"),
        writes="tertiary",
        minutes=60,
        rival=PEER,
    ),
    **{
        f"{name}_gpu": Item(
            words=("gpu.py", name),
            quick=(),
            writes="attention" if name == "attention" else f"train_step_{name}",
            platform="gpu",
        )
        for name in ("attention", "650m", "150m", "8m")
    },
}
# With --quick they run when they are named; they know no small size.
SLOW = {"secondary_long", "serve", *(n for n in ITEMS if n.endswith("_gpu"))}
RIVAL_MODULE = {"tertiary": "boltz"}  # the others': multimolecule


def main() -> int:
    """Runs what is asked for; returns 1 if a benchmark failed."""
    given = _arguments()
    folder = given.out or report.RESULTS
    found = measured_rows.read(folder)
    never = "not run as a whole by all.py yet"
    found["ended"] = {name: found["ended"].get(name, never) for name in ITEMS}
    names: list[str] = []
    if not given.tables:
        platform, _, kind = _said(DEVICE).partition(" / ")
        kind = kind.strip()
        names = given.only or [
            name
            for name, item in ITEMS.items()
            if item.platform in ("", platform) and not (given.quick and name in SLOW)
        ]
        print(f"{len(names)} benchmarks on {kind}", flush=True)
        for name in names:
            device = "" if platform == "cpu" or ITEMS[name].is_on_host else kind
            how, rows = _run(name, given, folder, device)
            print(f"{name}: {how}", flush=True)
            found["ended"][name] = how
            before = found["rows"]
            found["rows"] = measured_rows.merged(before, rows, given.because)
            report.write_file(folder / f"{measured_rows.NAME}.json", found)
    report.write_file(folder / f"{measured_rows.NAME}.json", found)
    if given.out is None:
        speed_table.write(found, speed_table.README, speed_table.PAGE)
    else:
        given.out.mkdir(parents=True, exist_ok=True)
        page = given.out / "speed.md"
        page.write_text(f"{speed_table.whole(found)}\n")
    ended = (found["ended"].get(name, "") for name in names)
    return int(any(how.startswith("failed") for how in ended))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--only", type=_names, help="of these, by commas")
    parser.add_argument("--runs", type=int, default=2, help="of each benchmark")
    parser.add_argument("--data", type=pathlib.Path, help="a folder of tables")
    parser.add_argument("--peer_python", help="a Python with rivals")
    parser.add_argument("--out", type=pathlib.Path, help="instead of results/")
    parser.add_argument("--because", default="", help="why numbers have moved")
    parser.add_argument("--tables", action="store_true", help="run nothing")
    given = parser.parse_args()
    if given.quick and given.out is None and not given.tables:
        parser.error("--quick is for no table: give --out, a folder of its own")
    return given


def _names(text: str) -> list[str]:
    names = text.split(",")
    if unknown := [name for name in names if name not in ITEMS]:
        raise argparse.ArgumentTypeError(
            f"{', '.join(unknown)}: not one of {', '.join(ITEMS)}"
        )
    return names


def _run(
    name: str, given: argparse.Namespace, folder: pathlib.Path, device: str
) -> tuple[str, list[measured_rows.Row]]:
    """Runs one benchmark; returns how it ended, and its rows.

    Where it fails there are rows of what it wrote until then.
    """
    item, results, how = ITEMS[name], [], ""
    with tempfile.TemporaryDirectory() as scratch:
        words, lacking = _words(name, given, scratch)
        if lacking:
            return f"left out: {lacking}", []
        busy = _busy()
        for number in range(given.runs):
            place = pathlib.Path(scratch, str(number))
            how = _called(words, place, item.minutes)
            written = sorted(place.glob(f"{item.writes}*.json"))
            if written:
                results.append(json.loads(written[0].read_text()))
                file_name = written[0].name
            how = how or ("" if written else "no result was written")
            if how:
                break
        if not results:
            return f"failed: {how}", []
        folder.mkdir(parents=True, exist_ok=True)
        report.write_file(folder / file_name, results[-1])
    told = f"failed: {how}" if how else _without(name, words, results[-1])
    return told, measured_rows.rows_of(name, results, busy, device)


def _without(name: str, words: list[str], result: report.Result) -> str:
    """Returns "done", and what was left out of it."""
    missing = result.get("missing") or []
    told = [missing] if isinstance(missing, str) else list(missing)
    is_alone = ITEMS[name].rival and not any("--peer_python" in word for word in words)
    if is_alone:
        told.append(f"{_rival_of(name)} is not installed")
    return f"done, without: {'; '.join(told)}" if told else "done"


def _rival_of(name: str) -> str:
    return RIVAL_MODULE.get(name, "multimolecule")


def _words(name: str, given: argparse.Namespace, scratch: str) -> tuple[list[str], str]:
    """Returns the command, and what is lacking for it or ""."""
    item = ITEMS[name]
    flags = [*item.words, *(item.quick if given.quick else ())]
    ts0 = given.data / TS0 if given.data else None
    if any("{ts0}" in flag for flag in flags) and not (ts0 and ts0.exists()):
        return [], f"needs --data, a folder with {TS0}"
    peer = given.peer_python or sys.executable
    if item.rival and _has(peer, _rival_of(name)):
        flags.append(item.rival)
    filled = [flag.format(ts0=ts0, peer=peer, scratch=scratch) for flag in flags]
    return [sys.executable, str(HERE / filled[0]), *filled[1:]], ""


def _has(python: str, module: str) -> bool:
    """Says whether a Python has a module."""
    code = f"import importlib.util as u, sys; sys.exit(u.find_spec({module!r}) is None)"
    return subprocess.run([python, "-c", code], check=False).returncode == 0


def _called(words: list[str], results: pathlib.Path, minutes: float) -> str:
    """Runs a command; returns why it failed, in one line, or ""."""
    where = {report.FOLDER: str(results)}
    try:
        done = calls.run(
            words,
            60 * minutes,
            environment=where,
            folder=HERE.parent,
            is_memory_read=False,  # those that tell it measure it themselves
        )
    except subprocess.TimeoutExpired:
        return f"more than {minutes:g} minutes"
    return done.complaint()


def _said(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def _busy() -> float:
    """Returns the share of the processors that is taken now; nan: not known."""
    try:
        first = _ticks()
        time.sleep(1)
        last = _ticks()
    except OSError:  # not Linux
        return math.nan
    spent = [b - a for a, b in zip(first, last, strict=True)]
    return 1 - (spent[3] + spent[4]) / max(sum(spent), 1)  # idle, waiting


def _ticks() -> list[int]:
    line = pathlib.Path("/proc/stat").read_text().splitlines()[0]
    return [int(word) for word in line.split()[1:]]


if __name__ == "__main__":
    sys.exit(main())
