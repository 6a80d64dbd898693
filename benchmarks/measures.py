"""What the result of each benchmark says, in one form for all.

A measure is a number with its unit, whether more or less of it is better, and what
others got in the same run. Here is how they are read off each benchmark's own JSON.
"""

import statistics
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

HIGHER, LOWER = "higher", "lower"
EXPONENT = "power of the length"
TORCH = "PyTorch"
ROUNDED = "multimolecule in bfloat16"


class Measure(NamedTuple):
    """One number.

    Attributes:
      name: what was done, on what; the same whenever it is measured again.
      value: what came out.
      unit: of it and of the rivals'.
      better: HIGHER or LOWER.
      rivals: what others took or reached in the same run, by their names.
    """

    name: str
    value: float
    unit: str
    better: str
    rivals: Mapping[str, float] = {}


def of(name: str, result: Mapping[str, Any]) -> list[Measure]:
    """Returns the measures of a result.

    Args:
      name: of its file, without the suffix; the longest beginning that is known counts.
      result: of a benchmark; one that was cut short has those that it got to.
    """
    known = [start for start in _READ if name.startswith(start)]
    if not known:
        return []
    return list(_READ[max(known, key=len)](result))


def _seconds(name: str, value: float, **rivals: float | None) -> Measure:
    return Measure(name, value, "s", LOWER, _there(rivals))


def _there(rivals: Mapping[str, float | None]) -> dict[str, float]:
    return {name: value for name, value in rivals.items() if value is not None}


def _train_step(result: Mapping[str, Any]) -> Iterator[Measure]:
    size = result["config"].rpartition("/")[2].removesuffix(".py")
    if "rates" not in result:
        return
    rates = result["rates"]
    what = (
        f"{size}, one update, {result['dtype']}, "
        f"{result['rows']} rows of {result['row_length']}"
    )
    others = {n: rate["tokens_per_s"] for n, rate in rates.items() if "ours" not in n}
    named = {TORCH if name == "torch" else name: n for name, n in others.items()}
    ours = rates["ours"]
    yield Measure(what, ours["tokens_per_s"], "tokens/s", HIGHER, named)
    if ours["mfu"] is not None:
        mfu = {
            TORCH if name == "torch" else name: 100 * rate["mfu"]
            for name, rate in rates.items()
            if "ours" not in name
        }
        yield Measure(f"{what}, MFU", 100 * ours["mfu"], "%", HIGHER, mfu)


def _attention(result: Mapping[str, Any]) -> Iterator[Measure]:
    for case, found in result["by_head_size"].items():
        times = {
            name: one["with_backward_ms"]
            for name, one in found.items()
            if "with_backward_ms" in one
        }
        plain = times.pop("plain", None)
        if not times:
            continue
        best = min(times, key=lambda name: times[name])
        yield Measure(
            f"attention, forward and backward, {result['rows']} rows of "
            f"{result['row_length']}, head size {case}, {result['dtype']}",
            times[best],
            "ms",
            LOWER,
            _there({"plain": plain}),
        )


def _contacts(result: Mapping[str, Any]) -> Iterator[Measure]:
    for row in result["rows"]:
        what = f"{row['encoder']}, {row['what']} of {result['length']} nt"
        yield _seconds(f"contacts of {what}", row["seconds"])
        yield Measure(f"contacts of {what}, memory", row["peak_gib"], "GiB", LOWER)


def _peers(result: Mapping[str, Any]) -> Iterator[Measure]:
    for row in result["rows"]:
        dtype = row.get("encoder_dtype", result["dtype"])
        what = f"{row['task']} {result['rnas']} RNAs by {row['family']}, {dtype}"
        one = row.get("rival_seconds_batch_1")
        eight = row.get("rival_seconds_batch_8")
        best = min((x for x in (one, eight) if x is not None), default=None)
        rounded = {ROUNDED: row.get("rival_rounded_seconds_batch_1")}
        rivals = {"multimolecule": best} | rounded
        yield _seconds(f"{what}, in one call", row["seconds"], **rivals)
        rivals = {"multimolecule": one} | rounded
        yield _seconds(f"{what}, one by one", row["seconds_one_by_one"], **rivals)


def _secondary(result: Mapping[str, Any]) -> Iterator[Measure]:
    for row in result.get("folding", ()):
        what = f"fold {row['length']} nt by {row['encoder']} and head {row['head']}"
        yield _seconds(what, row["seconds"], multimolecule=row.get("rival_seconds"))
        rival = _there({"multimolecule": row.get("rival_peak_gib")})
        yield Measure(f"{what}, memory", row["peak_gib"], "GiB", LOWER, rival)
    for row in result.get("set", ()):
        rivals = [row.get(f"rival_seconds_batch_{size}") for size in (1, 8)]
        best = min((x for x in rivals if x is not None), default=None)
        dtype = row.get("encoder_dtype", "float32")
        what = f"fold {row['rnas']} RNAs of TS0 by {row['encoder']}, {dtype}"
        rounded = {ROUNDED: row.get("rival_rounded_seconds_batch_1")}
        yield _seconds(what, row["seconds"], **{"multimolecule": best} | rounded)
    training = result.get("training", {})
    for row in training.get("rows", ()):
        what = f"8m with head rinalmo, a fine-tuning step of {row['length']} nt"
        yield _seconds(what, row["seconds"])
    for span, power in training.get("exponent", {}).items():
        what = f"8m with head rinalmo, a fine-tuning step, {span}"
        yield Measure(what, power, EXPONENT, LOWER)
    if "long" in result:
        what = "8m with head rinalmo, fold 10,000 nt, compilation included"
        yield _seconds(what, result["long"]["first_seconds"])
        yield Measure(f"{what}, memory", result["long"]["peak_gib"], "GiB", LOWER)


def _tertiary(result: Mapping[str, Any]) -> Iterator[Measure]:
    for part, what in (
        ("training", "RhoFold's trunk, forward and backward"),
        ("forward", "RhoFold's trunk, forward"),
        ("whole", "from embeddings to atoms, one cycle"),
    ):
        found = result.get(part, {})
        for row in found.get("rows", ()):
            rival = {"boltz, Pairformer": row.get("rival_seconds")}
            seconds = row["seconds"]
            name = f"{what}, {row['length']} nt"
            yield Measure(name, seconds, "s", LOWER, _there(rival))
        if found.get("exponent") is not None:
            yield Measure(what, found["exponent"], EXPONENT, LOWER)


def _input_pipeline(result: Mapping[str, Any]) -> Iterator[Measure]:
    rates = {name: rate["tokens_per_s"] for name, rate in result["rates"].items()}
    rival = {"transformers, MLM": rates.get("transformers, records")}
    for name, rate in rates.items():
        if "transformers" not in name:
            what = f"input, {name}, one core"
            yield Measure(what, rate, "tokens/s", HIGHER, _there(rival))


def _prepare(result: Mapping[str, Any]) -> Iterator[Measure]:
    for number, found in result["by_records"].items():
        what, mmseqs = f"corpus of {int(number):,} records", found.get("mmseqs", {})
        for key, name, unit, better in (
            ("records_per_s", what, "records/s", HIGHER),
            ("peak_mib", f"{what}, memory", "MiB", LOWER),
        ):
            rival = _there({"mmseqs createdb, linclust": mmseqs.get(key)})
            yield Measure(name, found["ours"][key], unit, better, rival)


def _first_answer(result: Mapping[str, Any]) -> Iterator[Measure]:
    seconds = result["seconds"]
    rivals = {n: s for n, s in seconds.items() if not n.startswith("ssrlm")}
    for name, taken in seconds.items():
        if name.startswith("ssrlm") and taken is not None:
            yield _seconds(f"{name}, {result['nt']} nt", taken, **rivals)


def _many_rnas(result: Mapping[str, Any]) -> Iterator[Measure]:
    seconds, rnas = result["seconds"], result["rnas"]
    rivals = {
        n: rnas / s
        for n, s in seconds.items()
        if not n.startswith("ssrlm") and s is not None
    }
    for name in ("ssrlm fold, cold", "ssrlm fold, second process"):
        what = f"{name}, a file of {rnas:,} RNAs"
        yield Measure(what, rnas / seconds[name], "RNAs/s", HIGHER, rivals)


def _serve(result: Mapping[str, Any]) -> Iterator[Measure]:
    for name, seconds in (
        ("server, 200 jobs of 20 clients", result.get("answered_s")),
        ("server, the same, killed and started in between", result["all_s"]),
    ):
        if seconds:
            yield Measure(name, result["sequences"] / seconds, "RNAs/s", HIGHER)
    yield _seconds("server, until its model is there", result["start_s"])
    yield _seconds("server, 76 nt", result["first_answer_76_nt_s"])
    name = "server under load, list of jobs, 95th percentile"
    yield Measure(name, result["get_p95_ms"], "ms", LOWER)


def _serve_memory(result: Mapping[str, Any]) -> Iterator[Measure]:
    what = f"server, {result['jobs']:,} jobs"
    for process, mib in result["growth_mb"].items():
        yield Measure(f"{what}, growth of the {process} process", mib, "MiB", LOWER)


def _long_energies(result: Mapping[str, Any]) -> Iterator[Measure]:
    for row in result["rows"]:
        rnas = f"{row['rnas']:,} RNAs of " if row.get("rnas", 1) > 1 else ""
        what = f"ViennaRNA's three ensembles of {rnas}{row['nucleotides']:,} nt at once"
        others = {"one after the other": row["one_after_the_other_s"]}
        yield _seconds(what, row["at_once_s"], **others)


def _startup(result: Mapping[str, Any]) -> Iterator[Measure]:
    for name, seconds in result["seconds"].items():
        yield _seconds(name, seconds, **result["rivals"].get(name, {}))
    if result.get("wheel_mib") is not None:
        yield Measure("wheel", result["wheel_mib"], "MiB", LOWER)


def _command_costs(result: Mapping[str, Any]) -> Iterator[Measure]:
    for row in result["rows"]:
        what = f"ssrlm {row['command']}, {row['length']:,} nt, start included"
        yield _seconds(what, row["seconds"])
        yield Measure(f"{what}, memory", row["peak_mib"], "MiB", LOWER)
    for command, columns in result["exponents"].items():
        for column, powers in columns.items():
            what = "memory" if column == "peak_mib" else "time"
            for span, power in powers.items():
                name = f"ssrlm {command}, {what}, {span}"
                yield Measure(name, power, EXPONENT, LOWER)


def _sweep_overhead(result: Mapping[str, Any]) -> Iterator[Measure]:
    yield _seconds("sweep, what a job costs beside its work", result["overhead_s"])


def _twelve(result: Mapping[str, Any]) -> Iterator[Measure]:
    means = [statistics.mean(result[name].values()) for name in ("f1", "vienna")]
    rival = {"ViennaRNA": means[1]}
    yield Measure("twelve known RNAs, mean F1", means[0], "F1", HIGHER, rival)


def _alignments(result: Mapping[str, Any]) -> Iterator[Measure]:
    means = result["mean_f1"]
    what = f"alignments of {len(result['families'])} families, mean F1"
    rivals = {name: means[name] for name in ("alone", "vienna alone", "RNAalifold")}
    yield Measure(what, means["together"], "F1", HIGHER, rivals)


def _evidence(result: Mapping[str, Any]) -> Iterator[Measure]:
    for row in result["results"]:
        if row.get("trust") is None:  # others are tried to choose one
            what = f"{result['rnas']} RNAs, evidence: {row['evidence']}, mean F1"
            yield Measure(
                what, row["model"], "F1", HIGHER, {"ViennaRNA": row["vienna"]}
            )


_READ: dict[str, Callable[[Mapping[str, Any]], Iterator[Measure]]] = {
    "train_step": _train_step,
    "attention": _attention,
    "contacts": _contacts,
    "peers": _peers,
    "secondary": _secondary,
    "tertiary": _tertiary,
    "input_pipeline": _input_pipeline,
    "prepare": _prepare,
    "first_answer": _first_answer,
    "many_rnas": _many_rnas,
    "serve": _serve,
    "serve_memory": _serve_memory,
    "long_energies": _long_energies,
    "startup": _startup,
    "command_costs": _command_costs,
    "sweep_overhead": _sweep_overhead,
    "twelve": _twelve,
    "alignments": _alignments,
    "evidence": _evidence,
}
