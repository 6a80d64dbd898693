"""Speed and memory of making a corpus, beside MMseqs2 and the folding program itself.

  python benchmarks/prepare.py [--records=100000,1000000] [--folded=2000]

Records are random letters, log-normal in length with a mean of about 300, in four
FASTA files; every fifth is equal to the one before. For each number of records:
standardise, exact de-duplication and packing by launch/prepare_corpus.py as a command
of its own, start included; beside it `mmseqs createdb` and `linclust` of the same
files at identity and coverage 1, which finds the equal ones too, and packs nothing.
Folding: the stage's function on one task, and ViennaRNA called in a plain loop on the
same sequences, in turns.
"""

import argparse
import contextlib
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import report

ROOT = pathlib.Path(__file__).parents[1]
SEED = 0
NUM_FILES = 4
MEDIAN_LENGTH, LENGTH_SPREAD, SHORTEST, LONGEST = 260, 0.55, 30, 3000
DUPLICATE_EVERY = 5
BLOCK = 20_000  # records that are generated at once
FOLD_TURNS = 5


def generate(directory: pathlib.Path, num_records: int) -> None:
    """Writes FASTA files of random records."""
    rng = np.random.default_rng(SEED)
    letters = np.frombuffer(b"ACGU", np.uint8)
    for number in range(NUM_FILES):
        with open(directory / f"{number}.fa", "wb") as file:
            for first in range(0, num_records // NUM_FILES, BLOCK):
                count = min(BLOCK, num_records // NUM_FILES - first)
                drawn = rng.lognormal(np.log(MEDIAN_LENGTH), LENGTH_SPREAD, count)
                length = np.clip(drawn, SHORTEST, LONGEST).astype(int)
                text = letters[rng.integers(0, 4, length.sum())].tobytes()
                ends = np.cumsum(length)
                bounds = list(zip(ends - length, ends, strict=True))
                for n, (begin, end) in enumerate(bounds):
                    if n % DUPLICATE_EVERY == DUPLICATE_EVERY - 1:
                        begin, end = bounds[n - 1]
                    name = b"r%d_%d" % (number, first + n)
                    file.write(b">%s\n%s\n" % (name, text[begin:end]))


def ours(directory: pathlib.Path, num_records: int) -> report.Result:
    """Times the command; memory is the largest of its processes."""
    out = directory / "corpus"
    seconds, peak = timed(
        [
            *(sys.executable, "launch/prepare_corpus.py", f"--other={directory}/*.fa"),
            *(f"--out={out}", "--config.cluster.method=none"),
        ]
    )
    told = json.loads((out / "report.json").read_text())
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    work = pathlib.Path(f"{out}.work")
    kept = sum(path.stat().st_size for path in work.rglob("*") if path.is_file())
    shutil.rmtree(out)
    shutil.rmtree(work)
    return {
        "seconds": round(seconds, 1),
        "records_per_s": round(num_records / seconds),
        "peak_mib": round(peak),
        "corpus_bytes_per_record": round(size / num_records),
        "work_bytes_per_record": round(kept / num_records),
        "stages": told["costs"],
        "way": {stage["name"]: stage["num_out"] for stage in told["way"]},
    }


def mmseqs(directory: pathlib.Path, num_records: int) -> report.Result:
    """Times createdb and linclust."""
    program = shutil.which("mmseqs")
    if program is None:
        return {"missing": "mmseqs is not installed"}
    files = [str(path) for path in sorted(directory.glob("*.fa"))]
    seconds = peak = 0.0
    threads = ("--threads", str(os.cpu_count()))
    base, out, tmp = (str(directory / name) for name in ("db", "clusters", "tmp"))
    for command in (
        [program, "createdb", *files, base, "--dbtype", "2"],
        [program, "linclust", base, out, tmp, "--min-seq-id", "1", "-c", "1", *threads],
    ):
        spent, used = timed(command)
        seconds, peak = seconds + spent, max(peak, used)
    for path in directory.glob("*"):
        if not path.name.endswith(".fa"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return {
        "seconds": round(seconds, 1),
        "records_per_s": round(num_records / seconds),
        "peak_mib": round(peak),
    }


def timed(command: list[str]) -> tuple[float, float]:
    """Returns seconds, and MiB of the largest process, of a command."""
    start = time.perf_counter()
    code = (
        "import resource, subprocess, sys\n"
        "done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
        "sys.exit(done.returncode)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *command],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return time.perf_counter() - start, int(done.stdout) / 1024


def folding(directory: pathlib.Path, num_folded: int) -> report.Result:
    """Times the folding stage's function and the program alone."""
    from ssrlm_jax import config
    from ssrlm_jax.prepare.corpus import fold_unknown, standardise, windows
    from ssrlm_jax.rna import alphabet

    try:
        import RNA
    except ImportError:
        return {"missing": "ViennaRNA is not installed"}
    path = directory / "fold.fa"
    with open(directory / "0.fa", "rb") as source, open(path, "wb") as file:
        file.writelines(source.readline() for _ in range(2 * num_folded))
    out = str(directory / "folded")
    standardise.standardise(
        standardise.Task(
            path=str(path),
            source="ncrna",
            out=out,
            longest=1022,
            shortest_tail=127,
            part_nucleotides=2**25,
        )  # fmt: skip
    )
    part = windows.load(f"{out}-00000.windows")
    records = tuple(sorted(set(part.record.tolist())))
    task = fold_unknown.Task(
        windows=f"{out}-00000.windows", records=records, out=f"{out}.folded",
        settings=config.FoldConfig(longest=LONGEST),
    )  # fmt: skip
    text = alphabet.letters(part.token).decode()
    sequences = [text[slice(*span.place)] for span in windows.spans(part)]

    def plain() -> None:
        for letters in sequences:
            RNA.fold_compound(letters).mfe()

    turns = {"stage": lambda: fold_unknown.fold(task), "program": plain}
    seconds: dict[str, list[float]] = {name: [] for name in turns}
    for _ in range(FOLD_TURNS):
        for name, turn in turns.items():
            start = time.process_time()
            turn()
            seconds[name].append(time.process_time() - start)
    medians = {name: statistics.median(took) for name, took in seconds.items()}
    return {
        "records": len(sequences),
        "stage_seconds": round(medians["stage"], 3),
        "program_seconds": round(medians["program"], 3),
        "ratio": round(medians["stage"] / medians["program"], 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", default="100000", help="numbers, by comma")
    parser.add_argument("--folded", type=int, default=200, help="records; 0: none")
    parser.add_argument("--without_mmseqs", action="store_true")
    parser.add_argument("--folder", help="for files (default: the system's)")
    options = parser.parse_args()
    sizes: dict[int, report.Result] = {}
    folded: report.Result = {}
    for num_records in map(int, options.records.split(",")):
        with tempfile.TemporaryDirectory(dir=options.folder) as name:
            directory = pathlib.Path(name)
            generate(directory, num_records)
            sizes[num_records] = {"ours": ours(directory, num_records)}
            if not options.without_mmseqs:
                sizes[num_records]["mmseqs"] = mmseqs(directory, num_records)
            if options.folded and not folded:
                folded = folding(directory, options.folded)
            print(json.dumps({num_records: sizes[num_records]}), file=sys.stderr)
    show(sizes, folded)
    report.save(
        "prepare",
        {
            "benchmark": "prepare",
            "by_records": sizes,
            "folding": folded,
            "load_average": os.getloadavg()[0],
            "machine": report.machine("numpy", "array-record", "ViennaRNA"),
        },
    )


def show(sizes: dict[int, report.Result], folded: report.Result) -> None:
    """Prints what was measured, for people."""
    lines = []
    for num_records, found in sizes.items():
        for name, told in found.items():
            keys = ("seconds", "records_per_s", "peak_mib")
            lines.append((f"{num_records:,}", name, *(told.get(k) for k in keys)))
    header = ("records", "", "seconds", "records/s", "peak MiB of a process")
    print(report.table(header, lines), "\n")
    for num_records, found in sizes.items():
        stages = [
            (f"{num_records:,}", name, *(round(told[k], 1) for k in told))
            for name, told in found["ours"]["stages"].items()
        ]
        print(
            report.table(
                ("records", "stage", "tasks", "seconds", "core s", "MiB"), stages
            )
        )
    if folded:
        print("\nfolding, stage / program:", folded.get("ratio", folded))


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main()
