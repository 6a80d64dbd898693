"""Structure files → the tables of RNA chains with base pairs, split for training.

Files are read by `structure_chains.read`, one task each, whose results stay in
`OUT.work`; the rest takes seconds and is made anew, in a directory beside `OUT`, which
is renamed at the end. Whatever is left out is listed with its reason.
"""

import dataclasses
import importlib.metadata
import json
import os
import pathlib
from collections.abc import Callable, Mapping, Sequence

from ssrlm_jax import config, types
from ssrlm_jax import files as disk
from ssrlm_jax.external import infernal, mmseqs, rnapolis
from ssrlm_jax.prepare import executor
from ssrlm_jax.prepare.corpus import stages
from ssrlm_jax.prepare.pdb import (
    chain_report,
    chain_split,
    chain_tables,
    structure_chains,
)
from ssrlm_jax.rna import coordinates, textfile

Record = chain_tables.Record
Dropped = chain_split.Dropped
REPORT = "report.json"
WORK = ".work"


def build(
    out: str | os.PathLike[str],
    settings: config.PdbConfig,
    *,
    files: Sequence[str],
    report: Callable[[str, int, int], None] = lambda stage, done, total: None,
) -> types.Json:
    """Makes the tables; does nothing where they are made already.

    Args:
      out: directory to make; docs/pdb.md says what it holds.
      settings: how.
      files: structure files and folders of them.
      report: called with a stage, its tasks that are done, and all.

    Returns:
      What report.json holds.

    Raises:
      ValueError: bad input; `out` exists and was made in another way; a program is
        missing.
      ImportError: RNApolis is wanted and missing.
    """
    directory = pathlib.Path(out)
    families = check(settings)
    published = chain_report.read_published(settings)
    tasks = _tasks(directory, settings, structure_chains.find(files))
    how = _how(settings, tasks)
    if directory.exists():
        return _made_before(directory, how)
    entries = _read(tasks, settings, report)
    records, dropped = select(entries, settings)
    records = _with_families(records, families, settings)
    unique, equal = chain_split.unique(records, settings)
    unique = chain_split.divided(unique, settings)
    dropped += equal
    with disk.whole_directory(directory) as folder:
        _write(folder, records, unique, dropped)
        shards = chain_tables.write_atoms(folder, unique, settings.shard_nucleotides)
        told = {
            "how": how,
            **chain_report.counts(entries, records, unique, dropped),
            "atom_shards": shards,
            "annotators": chain_report.annotators(records, settings.annotator),
            "published": chain_report.published(unique, published, settings.annotator),
        }
        (folder / REPORT).write_text(json.dumps(told, indent=1) + "\n")
    return told


def _how(
    settings: config.PdbConfig, tasks: Sequence[executor.Task[structure_chains.Task]]
) -> types.Json:
    """Returns what decides the content of the tables."""
    values = dataclasses.asdict(settings)
    del values["executor"]
    given = settings.published.split(",")
    given += [settings.rfam.table, settings.rfam.models, settings.rfam.types]
    how: types.Json = {
        "settings": values,
        "structures": executor.key_of([task.key for task in tasks]),
        "files": [stages.described(path) for path in given if path],
    }
    if settings.cluster.method == "mmseqs":
        how["mmseqs"] = mmseqs.version(settings.cluster.program)
    return how


def _made_before(directory: pathlib.Path, how: types.Json) -> types.Json:
    """Returns the report of tables that were made in the same way."""
    try:
        told: types.Json = json.loads((directory / REPORT).read_text())
    except (OSError, json.JSONDecodeError):
        told = {}
    if told.get("how") != how:
        raise ValueError(
            f"--out={directory} exists and was made of other files or with other "
            "settings; name another directory or remove it"
        )
    return told


def _write(
    folder: pathlib.Path,
    records: Sequence[Record],
    unique: Sequence[Record],
    dropped: Sequence[Dropped],
) -> None:
    """Writes the tables."""
    chain_tables.write(folder / "chains.tsv", records)
    chain_tables.write(folder / "unsupervised.tsv", unique)
    chain_tables.write(
        folder / "folds.tsv", [record for record in unique if record.fold]
    )
    for name in chain_split.SPLITS:
        chosen = [record for record in unique if record.split == name]
        chain_tables.write(folder / f"{name}.tsv", chosen)
    chain_tables.write_rows(folder / "dropped.tsv", "id reason detail", dropped)


def check(settings: config.PdbConfig) -> dict[str, tuple[str, str]]:
    """Checks programs and packages; returns family and type by id."""
    if settings.cluster.method == "mmseqs":
        mmseqs.check(settings.cluster.program)
    if "rnapolis" in _names(settings):
        rnapolis.check()
    if settings.dssr and not pathlib.Path(settings.dssr).is_dir():
        raise ValueError(f"dssr={settings.dssr!r} is no folder")
    if settings.rfam.models:
        infernal.check(_scanner(settings))
        _types(settings.rfam.types)
    found: dict[str, tuple[str, str]] = {}
    if settings.rfam.table:
        for number, line in textfile.lines(settings.rfam.table):
            name, *rest = line.decode("utf-8", "replace").split("\t")
            if not rest:
                raise ValueError(
                    f"{settings.rfam.table}:{number}: id, tab and family expected, "
                    f"found {name[:20]!r}"
                )
            found[name] = (rest[0].strip(), rest[1].strip() if rest[1:] else "")
    return found


def _names(settings: config.PdbConfig) -> tuple[str, ...]:
    others = filter(None, settings.compare.split(","))
    return tuple(dict.fromkeys([settings.annotator, *others]))


def _scanner(settings: config.PdbConfig) -> infernal.Scanner:
    return infernal.Scanner(
        models=settings.rfam.models,
        path=settings.rfam.program,
        num_threads=settings.executor.num_workers or os.cpu_count() or 1,
    )


def _tasks(
    out: pathlib.Path, settings: config.PdbConfig, paths: Sequence[str]
) -> list[executor.Task[structure_chains.Task]]:
    """Returns a task for each file."""
    work = out.with_name(out.name + WORK) / "read"
    names = _names(settings)
    packages = ["gemmi", "biotite", *(["rnapolis"] if "rnapolis" in names else [])]
    versions = [importlib.metadata.version(name) for name in packages]
    tasks = []
    for path in paths:
        stat = os.stat(path)
        given = [os.path.abspath(path), stat.st_size, stat.st_mtime_ns]
        if "dssr" in names:
            beside = pathlib.Path(settings.dssr, pathlib.Path(path).name)
            json_file = beside.with_name(coordinates.id_of(path) + ".json")
            given += [json_file.stat().st_mtime_ns if json_file.exists() else 0]
        stem = executor.key_of(given[0])
        task = structure_chains.Task(
            path, os.fspath(work / f"{stem}.npz"), names, settings.dssr
        )
        key = executor.key_of(
            given, names, settings.dssr, versions, structure_chains.READING
        )
        tasks.append(executor.Task(work / f"{stem}.json", key, task))
    return tasks


def _read(
    tasks: Sequence[executor.Task[structure_chains.Task]],
    settings: config.PdbConfig,
    report: Callable[[str, int, int], None],
) -> list[types.Json]:
    """Reads every file; each of the results says where its atoms lie."""
    tasks[0].done.parent.mkdir(parents=True, exist_ok=True)
    done = executor.run(
        structure_chains.read,
        tasks,
        settings=settings.executor,
        report=lambda num, total: report("read", num, total),
    )
    return [
        {**one.counts, "path": task.payload.path, "atoms": task.payload.out}
        for task, one in zip(tasks, done, strict=True)
    ]


def select(
    entries: Sequence[types.Json], settings: config.PdbConfig
) -> tuple[list[Record], list[Dropped]]:
    """Returns the chains that pass the limits, and the rest with reasons."""
    records: list[Record] = []
    dropped: list[Dropped] = []
    seen: dict[str, str] = {}
    for entry in entries:
        if entry["error"]:
            dropped.append((entry["id"], "cannot be read", entry["error"]))
            continue
        dropped += [
            (f"{entry['id']}_{name}", reason, detail)
            for name, reason, detail in entry["others"]
        ]
        first = seen.setdefault(entry["id"], entry["path"])
        reason = (
            ("another file has this id", first)
            if first != entry["path"]
            else _unfit_entry(entry, settings)
        )
        for number, chain in enumerate(entry["chains"]):
            record = _record(entry, number, settings)
            why = reason or _unfit_chain(record, chain, settings)
            if why:
                dropped.append((record.id, *why))
            else:
                records.append(record)
    if not records:
        raise ValueError(
            f"nothing is left: {len(dropped)} chains or files were dropped, "
            f"first {' '.join(dropped[0]) if dropped else 'none'}"
        )
    return records, dropped


def _unfit_entry(
    entry: types.Json, settings: config.PdbConfig
) -> tuple[str, str] | None:
    """Returns reason and detail where a whole file does not pass."""
    if settings.before:
        if not entry["date"] and not settings.keep_undated:
            return "no release date", ""
        if entry["date"] and entry["date"] >= settings.before:
            return "released too late", entry["date"]
    if settings.max_resolution and entry["resolution"] > settings.max_resolution:
        return "resolution too low", f"{entry['resolution']:g}"
    if not entry["resolution"] and not settings.keep_unresolved:
        return "no resolution", ""
    return None


def _unfit_chain(
    record: Record, chain: types.Json, settings: config.PdbConfig
) -> tuple[str, str] | None:
    length = len(record.sequence)
    if length < settings.min_length:
        return "too short", str(length)
    if settings.max_length and length > settings.max_length:
        return "too long", str(length)
    if len(record.pairs) < settings.min_pairs:
        return "too few pairs within the chain", (
            f"{len(record.pairs)}; {chain['num_between']} with other chains"
        )
    return None


def _record(entry: types.Json, number: int, settings: config.PdbConfig) -> Record:
    chain = entry["chains"][number]
    found = {
        name: {(i, j): edges for i, j, edges in listed}
        for name, listed in chain["pairs"].items()
    }
    mine = found.pop(settings.annotator)
    return Record(
        id=f"{entry['id']}_{chain['name']}",
        chain=chain["name"],
        date=entry["date"],
        resolution=entry["resolution"],
        method=entry["method"],
        sequence=chain["letters"],
        pairs=tuple((i, j, edges) for (i, j), edges in sorted(mine.items())),
        missing=tuple(chain["missing"]),
        gaps=tuple((position, size) for position, size in chain["gaps"]),
        modified=tuple((position, name) for position, name in chain["modified"]),
        atoms=(entry["atoms"], number),
        others=found,
    )


def _with_families(
    records: Sequence[Record],
    table: Mapping[str, tuple[str, str]],
    settings: config.PdbConfig,
) -> list[Record]:
    """Names families by the table, or by cmscan, once for each sequence."""
    if not settings.rfam.models:
        return [
            dataclasses.replace(record, family=family, type=kind)
            for record in records
            for family, kind in [table.get(record.id, ("", ""))]
        ]
    types = _types(settings.rfam.types)
    letters = list(dict.fromkeys(record.sequence for record in records))
    hits = dict(zip(letters, infernal.scan(letters, _scanner(settings)), strict=True))
    return [
        dataclasses.replace(record, family=hit.family, type=types.get(hit.family, ""))
        if hit
        else record
        for record in records
        for hit in [hits[record.sequence]]
    ]


def _types(path: str) -> dict[str, str]:
    """Reads the type of each family of Rfam's table."""
    if not path:
        return {}
    lines = textfile.lines(path)
    rows = [line.decode("utf-8", "replace").split("\t") for _, line in lines]
    if not rows or not {"id", "type"} <= set(rows[0]):
        raise ValueError(f"{path}:1: a header with the columns id and type is expected")
    return {
        row["id"]: row["type"]
        for fields in rows[1:]
        for row in [dict(zip(rows[0], fields, strict=False))]
        if "id" in row and "type" in row
    }
