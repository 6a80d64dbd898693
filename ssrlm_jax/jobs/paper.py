r"""Tables and figures of the paper: methods on sets, the paper's numbers beside ours.

  ssrlm paper table1 --config.data=../shared/data --dry_run
  ssrlm paper table1 --config.data=../shared/data --methods vienna,eternafold --sets TS0
  ssrlm paper all --config.data=../shared/data --parallel 2
  ssrlm paper table1 --config.data=../shared/data --add mine --predictions DIR
  ssrlm paper --install mxfold2
  ssrlm paper --write TS0 --methods vienna --config.data=../shared/data

What a method says of an RNA is kept in OUT/predictions, by version and set: the same
command goes on where it was stopped, and a new method runs alone. One RNA that a method
crashes on, or takes too long for, counts as no pairs, and is told; --retry tries it
again. Sets and methods that are not here are told with the command that gets them.
OUT gets NAME.md, .csv, .tex, .json and pictures; --report shows all in one page for a
browser, OUT/report.html. A table of your own is a file like configs/paper/table1.py:
ssrlm paper my_table.py
"""

import argparse
import dataclasses
import json
import logging
import pathlib
import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ssrlm_jax import config, files, locks
from ssrlm_jax.jobs import command, paper_choice

if TYPE_CHECKING:
    from ssrlm_jax.comparisons import bench, items

_OUT = pathlib.Path("runs", "paper")
_log = logging.getLogger("ssrlm_jax")


def run(settings: config.PaperConfig, flags: argparse.Namespace) -> int:
    """Makes tables, or does one of the other things that flags ask for."""
    if flags.install:
        from ssrlm_jax.comparisons import environments

        print(environments.install(flags.install, _log.info))
        return 0
    if flags.write:
        for path in _written(settings, flags):
            print(path)
        return 0
    paper_choice.check(flags)
    if flags.parallel is not None:
        settings = dataclasses.replace(settings, parallel=flags.parallel)
    asked = paper_choice.tables(settings, flags)
    out = flags.out.absolute()
    files.check_directory(out, is_replaced=True)
    from ssrlm_jax.comparisons import bench, table_checks

    desk = bench.Bench(
        *(out, settings),
        is_retried=flags.retry,
        is_predicting=not flags.kept
        and (not (flags.add or flags.published) or bool(flags.methods)),
    )
    if flags.dry_run:
        if flags.add:
            raise ValueError("--add with --dry_run: nothing is read of what is added")
        print(_forecast(desk, asked, settings.parallel))
        return 0
    table_checks.data(settings, asked)
    with locks.alone(
        out / "lock",
        f"another `ssrlm paper` runs in {out}; wait for it, or take another --out",
    ):
        if flags.published:
            _take_over(desk, asked, flags.published)
        if flags.add:
            _add(desk, asked, settings, flags)
            asked = paper_choice.tables(settings, flags)
        made = {}
        for name, item in asked.items():
            made[name] = _made(desk, name, item, settings, flags)
            print(made[name])
        if flags.report:
            _show(out, made)
    return 0


def _written(
    settings: config.PaperConfig, flags: argparse.Namespace
) -> list[pathlib.Path]:
    """Writes a set as it is scored here, and what is kept of methods; returns where."""
    from ssrlm_jax.comparisons import bench, set_export

    one, methods = paper_choice.written(settings, flags)
    out = flags.out.absolute()
    desk = bench.Bench(out, settings, is_retried=False, is_predicting=False)
    return set_export.write(desk, one, methods, out / "sets")


def _add(
    desk: "bench.Bench",
    asked: "dict[str, items.Item]",
    settings: config.PaperConfig,
    flags: argparse.Namespace,
) -> None:
    """Reads a person's own predictions of every set that is there."""
    from ssrlm_jax.comparisons import added

    about = added.read_about(flags.about) if flags.about else None
    if any(item.structures is not None for item in asked.values()):
        from ssrlm_jax.jobs import paper_structures

        out = flags.out.absolute()
        if paper_structures.add(flags.add, flags.predictions, settings, out):
            if about:
                _log.warning("--about: a method that folds has no row that tells it")
            return
    paper_choice.check_free(flags.add, about or {}, asked, settings)
    sets = {one.name: one for item in asked.values() for one in item.sets}
    there = []
    for one in sets.values():
        try:
            there.append((one, desk.records(one)))
        except (ValueError, OSError) as error:
            _log.warning("%s: %s", one.name, error)
    threshold = flags.threshold or 0.0
    told = added.add(desk.added, flags.add, flags.predictions, there, threshold, about)
    for note in told:
        _log.warning("%s", note)


def _take_over(
    desk: "bench.Bench", asked: "dict[str, items.Item]", place: pathlib.Path
) -> None:
    """Keeps predictions that were published of methods that have none here."""
    from ssrlm_jax.comparisons import set_export

    sets = {one.name: one for item in asked.values() for one in item.sets}
    methods = {one.name: one for item in asked.values() for one in item.methods}
    there = [one for one in sets.values() if not desk.absence(one)]
    for note in set_export.take_over(desk, there, list(methods.values()), place):
        _log.warning("%s", note)


def _made(
    desk: "bench.Bench",
    name: str,
    item: "items.Item",
    settings: config.PaperConfig,
    flags: argparse.Namespace,
) -> str:
    """Makes one table and writes it; returns its Markdown."""
    if item.structures is not None:
        from ssrlm_jax.jobs import paper_structures

        return paper_structures.make(
            name, item, item.structures, desk, settings, flags.out.absolute()
        )
    if item.families is not None:
        from ssrlm_jax.comparisons import family_report

        return family_report.make(
            name, item, item.families, settings, flags.out.absolute()
        )
    if item.sweeps:
        return _of_sweeps(name, item, settings, flags)
    from ssrlm_jax.comparisons import (
        leaderboard,
        paper_pictures,
        paper_report,
        table_rows,
    )

    rows: list[table_rows.Row] = []
    lacking = []
    for one in item.sets:
        given = [desk.scored(one, method) for method in item.methods]
        lengths, identity_N = [], None
        if any(scored.scores is not None for scored in given):
            lengths = [len(record.sequence) for record in desk.records(one)]
            if item.bins:
                identity_N, why = desk.nearest(one, item.methods)
                lacking += [why] if why else []
        rows += table_rows.rows(item, one, given, lengths, identity_N, settings.seed)
    for why in lacking:
        _log.warning("%s", why)
    place = flags.out.absolute() / name
    item = dataclasses.replace(item, note="\n\n".join([*lacking, item.note]).strip())
    made_by = _told(name, settings, flags)
    drawn = [] if item.is_leaderboard else rows
    pictures, why_none = paper_pictures.write(place, item, drawn)
    if why_none:
        _log.warning("%s", why_none)
    shown = [path.name for path in pictures]
    written = leaderboard if item.is_leaderboard else paper_report
    text = written.markdown(item, rows, made_by, shown)
    table, latex = paper_report.table_csv(item, rows), paper_report.latex(item, rows)
    _write(place, text, table, latex, paper_report.facts(item, rows, made_by))
    return text


def _of_sweeps(
    name: str,
    item: "items.Item",
    settings: config.PaperConfig,
    flags: argparse.Namespace,
) -> str:
    """Writes what sweeps say, in all forms; returns its Markdown."""
    from ssrlm_jax.comparisons import paper_report, sweep_reports

    sweeps, seed = item.sweeps, settings.seed
    place, made_by = flags.out.absolute() / name, _told(name, settings, flags)
    note = sweep_reports.note(sweeps, seed, place)
    item = dataclasses.replace(item, note=note, pending=sweep_reports.pending(sweeps))
    text = paper_report.markdown(item, [], made_by, [])
    facts = paper_report.facts(item, [], made_by)
    facts["sweeps"] = sweep_reports.facts(sweeps, seed)
    table, latex = sweep_reports.as_csv(sweeps, seed), sweep_reports.latex(sweeps, seed)
    _write(place, text, table, latex, facts)
    return text


def _write(
    place: pathlib.Path, text: str, table: str, latex: str, facts: object
) -> None:
    files.write_text(f"{place}.md", text)
    files.write_text(f"{place}.csv", table)
    files.write_text(f"{place}.tex", latex)
    files.write_text(f"{place}.json", json.dumps(facts, indent=1) + "\n")


def _show(out: pathlib.Path, made: Mapping[str, str]) -> None:
    """Writes the page of tables, by the Markdown of each."""
    from ssrlm_jax.pages import table_report

    parts = [table_report.Part(name, text, out) for name, text in made.items()]
    table_report.write(out / table_report.FILE, "ssrlm paper", {}, parts)


def _told(name: str, settings: config.PaperConfig, flags: argparse.Namespace) -> str:
    """Returns the command that makes a table again; places stand for their names."""
    given = [part for text in flags.items for part in text.split(",")]
    given = [part for part in given if pathlib.Path(part).stem == name]
    chosen = (("--sets", flags.sets), ("--methods", flags.methods))
    words = [word for flag, text in chosen if text for word in (flag, text)]
    words += ["--published=DIR"] if flags.published else []
    return shlex.join(
        ["ssrlm", "paper", *(given[:1] or [name]), *words, *settings.told()]
    )


def _forecast(
    desk: "bench.Bench", asked: "dict[str, items.Item]", parallel: int
) -> str:
    """Returns what there is to do, how long it takes here, and what is missing."""
    sets = {one.name: one for item in asked.values() for one in item.sets}
    methods = {one.name: one for item in asked.values() for one in item.methods}
    lines, missing, total = [], [], 0.0
    for name, one in sets.items():
        if why := desk.absence(one):
            missing.append(f"{name}: {why}")
    there = [one for one in sets.values() if not desk.absence(one)]
    for name, method in methods.items():
        plans = {one.name: plan for one, plan in desk.plans(there, method)}
        reasons = {plan.reason for plan in plans.values()}
        if len(reasons) == 1 and "" not in reasons:
            missing.append(f"{name}: {reasons.pop()}")
            continue
        for set_name, plan in plans.items():
            lines.append((set_name, name, plan.reason or _shown(plan)))
            total += plan.seconds
    for name, item in asked.items():
        if item.structures is not None:
            lines.append((name, "", "a second for each structure and method"))
        if item.families is not None:
            lines.append((name, "", "a minute for each model"))
    widths = [max((len(line[n]) for line in lines), default=0) for n in range(2)]
    shown = [
        f"{one:<{widths[0]}}  {two:<{widths[1]}}  {told}" for one, two, told in lines
    ]
    if missing:
        shown += ["", "not here:", *(f"  {line}" for line in missing), ""]
    shown.append(
        f"all: {total / 60 / parallel:.1f} minutes with {parallel} at a time, as far "
        "as can be said beforehand"
    )
    return "\n".join(shown)


def _shown(plan: "bench.Plan") -> str:
    failed = f", {plan.failed:,} of it failures: --retry" if plan.failed else ""
    if not plan.missing:
        return f"kept{failed}"
    told = f"{plan.missing:,} RNAs, {plan.seconds / 60:.1f} minutes"
    return f"{told}; {plan.again:,} are counted above" if plan.again else told


COMMAND = command.Command(
    function=run,
    about=__doc__,
    kind=config.PaperConfig,
    default="paper/table1",
    flags={
        "items": {
            "nargs": "*",
            "metavar": "NAME",
            "help": f"{', '.join(paper_choice.ITEMS)}, or {paper_choice.ALL}; or a "
            "file with get_item",
        },
        "--out": {
            "type": pathlib.Path,
            "default": _OUT,
            "metavar": "DIR",
            "help": "of predictions and reports (default: %(default)s)",
        },
        "--only": {
            "metavar": "NAME,...",
            "help": f"of {paper_choice.ALL}, these",
        },
        "--methods": {"metavar": "NAME,...", "help": "just these"},
        "--sets": {"metavar": "NAME,...", "help": "just these"},
        "--parallel": {
            "type": int,
            "metavar": "N",
            "help": "processes that predict; config.parallel",
        },
        "--dry_run": {
            "action": "store_true",
            "help": "say what is missing, and how long what can be done takes",
        },
        "--report": {
            "action": "store_true",
            "help": "write OUT/report.html, too: for a browser, without a network",
        },
        "--kept": {
            "action": "store_true",
            "help": "predict nothing: a table of what is kept",
        },
        "--retry": {
            "action": "store_true",
            "help": "try again what a method failed on before",
        },
        "--add": {
            "metavar": "NAME",
            "help": "a method of your own, with --predictions; others are shown as "
            "far as they are kept, and predicted where --methods names them",
        },
        "--predictions": {
            "type": pathlib.Path,
            "metavar": "DIR",
            "help": "its files, of any format of docs/formats.md; DIR/SET, where it is",
        },
        "--threshold": {
            "type": float,
            "metavar": "X",
            "help": "least probability of a pair, where its files have nothing else",
        },
        "--published": {
            "type": pathlib.Path,
            "metavar": "DIR",
            "help": "take what others published: DIR/SET/METHOD.tsv.xz, as --write "
            "writes it, of methods that have nothing here",
        },
        "--about": {
            "type": pathlib.Path,
            "metavar": "FILE",
            "help": "what its row says: JSON of title, weights, threshold, rule, "
            "licence, trained",
        },
        "--write": {
            "metavar": "SET",
            "help": "write a set as it is scored here to OUT/sets, and what is kept "
            "of --methods, and nothing else",
        },
        "--install": {
            "metavar": "METHOD",
            "help": "put a program into an environment of its own, and nothing else",
        },
    },
)
