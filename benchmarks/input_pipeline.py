"""Speed and memory of the pre-training input on one core, against transformers.

    taskset -c 0 python benchmarks/input_pipeline.py [--corpus=DIR]

Without a corpus, one of generated RNA is made in a temporary directory. The rival,
`DataCollatorForLanguageModeling`, hides single tokens by coin flips: no spans, no
structure, no exact count. It reads the same rows from the same files, twice over:
with records one by one and padded, as it is meant to be used, and only its masking
function, on our packed rows. Contenders take turns; rates are medians over turns,
per second of processor time, as one thread of one process does all the work.
"""

import argparse
import collections
import concurrent.futures
import dataclasses
import itertools
import multiprocessing
import os
import pathlib
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence

import grain
import numpy as np
import report

from ssrlm_jax import config
from ssrlm_jax.data import masking, pretraining_batches, rows
from ssrlm_jax.prepare.corpus import from_records, generated_rna
from ssrlm_jax.rna import alphabet, formats, structures

ROWS_PER_BATCH = 64
BATCHES_PER_TURN = 10
NUM_GENERATED = 2_000  # records of each source
GROWTH = (4_000, 16_000, 64_000)  # rows of each source, to see memory
SEED = 0
EVERY_RECORD = config.SourceRates(ncrna=1.0, other=1.0)
POLICIES = {
    "ssm, every record": config.MaskingConfig(policy="ssm", ssm_rate=EVERY_RECORD),
    "ssm, the default mix": config.MaskingConfig(policy="ssm"),
    "sm": config.MaskingConfig(policy="sm"),
    "mlm": config.MaskingConfig(policy="mlm"),
}
OURS = "ssm, every record"

Turn = Callable[[], tuple[int, int]]  # does work; tokens with and without padding


@dataclasses.dataclass
class Speed:
    """Turns of one contender, in seconds; tokens are summed over them."""

    processor: list[float] = dataclasses.field(default_factory=list)
    wall: list[float] = dataclasses.field(default_factory=list)
    places: list[int] = dataclasses.field(default_factory=list)
    tokens: list[int] = dataclasses.field(default_factory=list)

    def take(self, turn: Turn) -> None:
        wall, processor = time.perf_counter(), time.process_time()
        places, tokens = turn()
        self.processor.append(time.process_time() - processor)
        self.wall.append(time.perf_counter() - wall)
        self.places.append(places)
        self.tokens.append(tokens)

    def summary(self) -> dict[str, int]:
        def rates(counts: Sequence[int], seconds: Sequence[float]) -> list[float]:
            return [c / s for c, s in zip(counts, seconds, strict=True)]

        tokens = rates(self.tokens, self.processor)
        return {
            "row_tokens_per_s": round(
                statistics.median(rates(self.places, self.processor))
            ),
            "tokens_per_s": round(statistics.median(tokens)),
            "tokens_per_s_best_turn": round(max(tokens)),
            "tokens_per_s_wall": round(
                statistics.median(rates(self.tokens, self.wall))
            ),
        }


def settings(row_length: int, choice: config.MaskingConfig) -> config.PretrainConfig:
    return config.PretrainConfig(
        data=config.DataConfig(rows_per_batch=ROWS_PER_BATCH, row_length=row_length),
        masking=choice,
    )


def generate(out: pathlib.Path, num_rows: int, row_length: int) -> pathlib.Path:
    """Writes a corpus of `num_rows` rows of each source; later rows repeat."""
    rng = np.random.default_rng(SEED)

    def letters(length: int) -> str:
        return "".join(rng.choice(list("ACGU"), length))

    def folded(number: int) -> formats.Record:
        num_helices = min(int(rng.geometric(0.1)), 30)
        text = generated_rna.random_structure(rng, num_helices)
        pairs = structures.from_dot_bracket(text)
        return formats.Record(f"folded{number}", letters(len(text)), pairs)

    def coding(number: int) -> formats.Record:
        return formats.Record(f"coding{number}", letters(int(rng.integers(90, 1500))))

    small = out.with_name("distinct")
    records = {
        ("train", "ncrna"): map(folded, range(NUM_GENERATED)),
        ("train", "other"): map(coding, range(NUM_GENERATED)),
    }
    if not small.exists():
        from_records.write_corpus(small, records, row_length=row_length)
    manifest = rows.open_corpus(small)
    shards = []
    for source in rows.SOURCES:
        (path,) = rows.shard_paths(small, manifest, "train", source)
        repeated = itertools.cycle(list(rows.read_rows(path)))
        with rows.ShardWriter(out, "train", source, 0, 1) as writer:
            for row in itertools.islice(repeated, num_rows):
                writer.write(row)
        if writer.shard is None:
            raise RuntimeError(f"{writer} closed without a shard")
        shards.append(writer.shard)
    rows.write_manifest(out, dataclasses.replace(manifest, shards=tuple(shards)))
    return out


def raw_rows(corpus: pathlib.Path) -> Iterator[bytes]:
    """Yields rows as the pipeline reads them: shuffled, sources in turn."""
    manifest = rows.open_corpus(corpus)
    sources = [
        pretraining_batches.stored_rows(corpus, manifest, "train", source)
        .shuffle(seed=SEED)
        .repeat()
        for source in rows.SOURCES
        if manifest.totals("train", source)["num_rows"]
    ]
    mixed = grain.MapDataset.mix(sources)
    return iter(mixed.to_iter_dataset(grain.ReadOptions(num_threads=0)))


def pipeline(
    corpus: pathlib.Path, row_length: int, choice: config.MaskingConfig
) -> Turn:
    """Returns a turn of our input, from files to batches."""
    stream = pretraining_batches.batches(
        corpus,
        rows.open_corpus(corpus, row_length=row_length),
        settings(row_length, choice),
        seed=SEED,
        process=0,
        num_processes=1,
    )

    def turn() -> tuple[int, int]:
        segments = [next(stream)["segment"] for _ in range(BATCHES_PER_TURN)]
        places = sum(segment.size for segment in segments)
        return places, sum(int(np.count_nonzero(segment)) for segment in segments)

    return turn


def rivals(corpus: pathlib.Path) -> dict[str, Turn]:
    """Returns turns of transformers, from the same files to batches.

    Raises:
      ImportError: torch or transformers is missing.
    """
    import tokenizers
    import torch
    import transformers

    torch.set_num_threads(1)
    words = {letter: token for token, letter in enumerate(alphabet.LETTERS)}
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizers.Tokenizer(
            tokenizers.models.WordLevel(words, unk_token="N")
        ),
        pad_token="<pad>",
        cls_token="<cls>",
        eos_token="<eos>",
        mask_token="<mask>",
        unk_token="N",
    )
    collator = transformers.DataCollatorForLanguageModeling(
        tokenizer, mlm_probability=0.15
    )
    stream = raw_rows(corpus)

    def some_rows() -> list[rows.Row]:
        return [rows.decode_row(next(stream)) for _ in range(ROWS_PER_BATCH)]

    def records() -> tuple[int, int]:
        places = tokens = 0
        for _ in range(BATCHES_PER_TURN):
            examples = []
            for row in some_rows():
                edges = np.flatnonzero(np.diff(row.segment_L, prepend=0, append=0))
                for first, end in itertools.pairwise(edges.tolist()):
                    token_L = row.token_L[first:end]
                    is_special_L = ~alphabet.is_nucleotide(token_L)
                    examples.append(
                        {
                            "input_ids": token_L.tolist(),
                            "special_tokens_mask": is_special_L.tolist(),
                        }
                    )
            batch = collator(examples)
            places += batch["input_ids"].numel()
            tokens += sum(len(example["input_ids"]) for example in examples)
        return places, tokens

    def packed() -> tuple[int, int]:
        places = tokens = 0
        for _ in range(BATCHES_PER_TURN):
            chosen = some_rows()
            token_BL = np.stack([row.token_L for row in chosen])
            segment_BL = np.stack([row.segment_L for row in chosen])
            is_special_BL = ~alphabet.is_nucleotide(token_BL)
            collator.torch_mask_tokens(
                torch.from_numpy(token_BL.astype(np.int64)),
                torch.from_numpy(is_special_BL),
            )
            places += segment_BL.size
            tokens += int(np.count_nonzero(segment_BL))
        return places, tokens

    return {"transformers, records": records, "transformers, rows": packed}


def stages(
    corpus: pathlib.Path, choice: config.MaskingConfig, num_rows: int = 500
) -> dict[str, float]:
    """Returns microseconds of processor time that each stage takes of one row."""
    rng = np.random.Generator(np.random.Philox(SEED))
    policy = masking.POLICIES[choice.policy]
    stream = raw_rows(corpus)
    clock = time.process_time
    marks = [clock()]
    data = [next(stream) for _ in range(num_rows)]
    marks.append(clock())
    decoded = [rows.decode_row(x) for x in data]
    marks.append(clock())
    hidden = [
        policy(row.token_L, row.partner_L, row.segment_L, rng, choice, 1.0)
        for row in decoded
    ]
    marks.append(clock())
    for row, hidden_L in zip(decoded, hidden, strict=True):
        masking.replace(row.token_L, hidden_L, rng, choice)
    marks.append(clock())
    names = ("read", "decode", "choose what is hidden", "replace it")
    spent = np.diff(marks) / num_rows * 1e6
    return {name: round(float(x), 1) for name, x in zip(names, spent, strict=True)}


def measure_memory(corpus: pathlib.Path, row_length: int) -> tuple[float, float]:
    """Returns memory in MiB, before a corpus is opened and at the peak after."""

    def read(name: str) -> float:
        status = pathlib.Path("/proc/self/status").read_text()
        (kib,) = re.findall(rf"^{name}:\s+(\d+) kB", status, re.MULTILINE)
        return int(kib) / 1024

    before = read("VmRSS")
    turn = pipeline(corpus, row_length, POLICIES[OURS])
    for _ in range(5):
        turn()
    return before, read("VmHWM")


def memory(directory: pathlib.Path, row_length: int) -> list[dict[str, float]]:
    """Measures corpora of growing size, each in a fresh process."""
    results = []
    for num_rows in GROWTH:
        corpus = generate(directory / f"rows{num_rows}", num_rows, row_length)
        size = sum(path.stat().st_size for path in corpus.rglob("*.arrayrecord"))
        with concurrent.futures.ProcessPoolExecutor(
            1, multiprocessing.get_context("spawn")
        ) as pool:
            found = pool.submit(measure_memory, corpus, row_length).result()
        results.append(
            {
                "corpus_mib": round(size / 2**20, 1),
                "before_mib": round(found[0], 1),
                "peak_mib": round(found[1], 1),
            }
        )
    return results


def compare(corpus: pathlib.Path, row_length: int, num_turns: int) -> report.Result:
    """Lets contenders take turns; returns rates, stages and why a rival is missing."""
    turns = {
        name: pipeline(corpus, row_length, choice) for name, choice in POLICIES.items()
    }
    missing = ""
    try:
        turns |= rivals(corpus)
    except ImportError as error:
        missing = f"transformers was left out: {error}"
    speeds = {name: Speed() for name in turns}
    for turn in turns.values():
        turn()
    spent: dict[str, list[float]] = collections.defaultdict(list)
    for _ in range(num_turns):
        for name, turn in turns.items():
            speeds[name].take(turn)
        for stage, microseconds in stages(corpus, POLICIES[OURS]).items():
            spent[stage].append(microseconds)
    medians = {stage: round(statistics.median(x), 1) for stage, x in spent.items()}
    rates = {name: speed.summary() for name, speed in speeds.items()}
    total = row_length / rates[OURS]["row_tokens_per_s"] * 1e6
    rest = {"generator, mix, stack, Grain": round(total - sum(medians.values()), 1)}
    return {"rates": rates, "microseconds_per_row": medians | rest, "missing": missing}


def show(result: report.Result) -> None:
    """Prints what was measured, for people."""
    header = ("tokens/s per core", "with padding", "without", "best turn", "by wall")
    lines = [
        (name, *(f"{value / 1e6:.2f} M" for value in rates.values()))
        for name, rates in result["rates"].items()
    ]
    print(report.table(header, lines), "\n")
    spent = result["microseconds_per_row"].items()
    print(report.table((f"one row, {OURS}", "microseconds"), list(spent)), "\n")
    lines = [tuple(line.values()) for line in result["memory"]]
    print(report.table(("corpus MiB", "before MiB", "peak MiB"), lines), "\n")
    if result["missing"]:
        print(result["missing"])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpus", type=pathlib.Path, help="default: generated")
    parser.add_argument("--turns", type=int, default=7, help="of each contender")
    parser.add_argument("--row_length", type=int, default=1024, help="if generated")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        made = pathlib.Path(directory)
        corpus = options.corpus or generate(
            made / "corpus", GROWTH[0], options.row_length
        )
        row_length = rows.open_corpus(corpus).row_length
        result = {
            "benchmark": "input_pipeline",
            "corpus": "given" if options.corpus else "generated",
            "row_length": row_length,
            **compare(corpus, row_length, options.turns),
            "memory": memory(made, row_length),
            "cores_allowed": len(os.sched_getaffinity(0)),
            "machine": report.machine(
                "numpy", "grain", "array-record", "torch", "transformers"
            ),
        }
    show(result)
    report.save("input_pipeline", result)


if __name__ == "__main__":
    main()
