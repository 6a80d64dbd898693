"""Which tables, sets and methods `ssrlm paper` is asked for, before any work."""

import argparse
import dataclasses
import logging
import pathlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ssrlm_jax import config
from ssrlm_jax.jobs import command

if TYPE_CHECKING:
    from ssrlm_jax.comparisons import items

ITEMS = (
    *("table1", "table2", "table3", "s1", "fig2", "fig3", "fig4", "s2", "s1fig"),
    *("metrics", "leaderboard"),
)
ALL = "all"
_log = logging.getLogger("ssrlm_jax")


def check(flags: argparse.Namespace) -> None:
    """Raises a ValueError or OSError for flags of an added method that cannot be."""
    from ssrlm_jax.comparisons import added

    if bool(flags.add) != bool(flags.predictions):
        raise ValueError("--add NAME and --predictions DIR go together")
    if flags.threshold is not None:
        if not flags.add:
            raise ValueError("--threshold goes with --add and --predictions")
        config.DecodingConfig(threshold=flags.threshold)
    if flags.about and not flags.add:
        raise ValueError("--about goes with --add and --predictions")
    if flags.add:
        added.check_name(flags.add)
        if not flags.predictions.exists():
            raise ValueError(
                f"--predictions={flags.predictions}: no directory or file is there"
            )
    if flags.about:
        added.read_about(flags.about)


def tables(
    settings: config.PaperConfig, flags: argparse.Namespace
) -> "dict[str, items.Item]":
    """Returns the tables that are asked for, with the methods and sets that are."""
    from ssrlm_jax.comparisons import added, items, model_methods, table_checks

    names = [name for text in flags.items for name in text.split(",") if name]
    if not names:
        raise ValueError(f"name a table or figure: {', '.join(ITEMS)}, {ALL}")
    named = [n for name in names for n in (ITEMS if name == ALL else (name,))]
    only = _split("--only", flags.only)
    if unknown := set(only) - set(named):
        raise ValueError(f"--only={flags.only}: {min(unknown)} is not asked for")
    found: dict[str, items.Item] = {}
    for name in dict.fromkeys(only or named):
        if pathlib.Path(name).stem in found:
            raise ValueError(
                f"two tables are called {pathlib.Path(name).stem}, and so would their "
                "reports: rename one"
            )
        item = command.called(_place(name), "get_item", settings)
        if not isinstance(item, items.Item):
            raise ValueError(f"{name}: get_item returns no items.Item")
        own = added.methods(flags.out.absolute() / "added", item.methods)
        if not (item.families or item.structures):  # of which models are something else
            own += model_methods.own(settings, (*item.methods, *own))
        methods = (*item.methods, *own) if item.methods else ()
        found[pathlib.Path(name).stem] = dataclasses.replace(item, methods=methods)
    coming = flags.add or ""
    table_checks.names(found)
    table_checks.settings(settings, found, coming)
    by, of = _split("--methods", flags.methods), _split("--sets", flags.sets)
    return _chosen(found, by, of, coming)


def written(
    settings: config.PaperConfig, flags: argparse.Namespace
) -> "tuple[items.LabelledSet, list[items.Method]]":
    """Returns the set that --write names, and the methods that --methods does.

    They are of the tables that are named; where none is, all that are known here.

    Raises:
      ValueError: a name is of no set, or of no method.
    """
    from ssrlm_jax.comparisons import added, known_methods, known_sets

    sets, known = dict(known_sets.SETS), list(known_methods.METHODS.values())
    if flags.items:
        every = argparse.Namespace(**vars(flags) | {"methods": None, "sets": None})
        asked = tables(settings, every).values()
        sets = {one.name: one for item in asked for one in item.sets}
        known = [one for item in asked for one in item.methods]
    known += added.methods(flags.out.absolute() / "added", known)
    by_name = {one.name: one for one in known}
    wanted = _split("--methods", flags.methods)
    for flag, names, there in (
        ("--write", [flags.write], sets),
        ("--methods", wanted, by_name),
    ):
        if unknown := [name for name in names if name not in there]:
            raise ValueError(
                f"{flag}={','.join(names)}: {unknown[0]} is none of {', '.join(there)}"
            )
    return sets[flags.write], [by_name[name] for name in wanted]


def _place(name: str) -> str:
    """Returns what a table is loaded by: its file, or what ships under its name.

    Raises:
      ValueError: there is no such table.
    """
    if name in ITEMS:
        return f"paper/{name}"
    if pathlib.Path(name).is_file() or "/" in name:
        return name
    raise ValueError(f"{name} is no file, and none of {', '.join(ITEMS)}, {ALL}")


def _chosen(
    found: "dict[str, items.Item]",
    methods: Sequence[str],
    sets: Sequence[str],
    coming: str,
) -> "dict[str, items.Item]":
    """Returns tables with the methods and sets of these names; all, where none are.

    A table that is left without any of its sets, or of its methods, is left out.

    Args:
      found: tables by name.
      methods: names; none: all.
      sets: names; none: all.
      coming: a method that is added, which no table may have yet; it stands beside
        those that are named; "": none.

    Raises:
      ValueError: a name that no table has.
    """
    for kind, wanted in (("methods", methods), ("sets", sets)):
        there = [one.name for item in found.values() for one in getattr(item, kind)]
        expected = {*there, coming} if kind == "methods" else {*there}
        if unknown := set(wanted) - expected:
            raise ValueError(
                f"--{kind}={','.join(wanted)}: {min(unknown)} is none of "
                f"{', '.join(dict.fromkeys(there)) or 'none'}"
            )
    named = {*methods, coming} if methods else set()
    chosen = {}
    for name, item in found.items():
        of = tuple(one for one in item.sets if not sets or one.name in sets)
        by = tuple(one for one in item.methods if not named or one.name in named)
        if item.sets and not (of and (by or (coming and item.methods))):
            _log.warning("%s: it has none of the sets or methods that are named", name)
            continue
        chosen[name] = dataclasses.replace(item, sets=of, methods=by)
    return chosen


def _split(flag: str, text: str | None) -> list[str]:
    """Returns the names that a flag has; none, where it is not given.

    Raises:
      ValueError: it is given, and has none.
    """
    if text is None:
        return []
    names = [part.strip() for part in text.split(",") if part.strip()]
    if not names:
        raise ValueError(f"{flag}={text} has no name; without {flag} all are taken")
    return names


def check_free(
    name: str,
    about: Mapping[str, str],
    asked: "dict[str, items.Item]",
    settings: config.PaperConfig,
) -> None:
    """Checks that no other method has the name or the title of one that is added.

    Args:
      name: of the method.
      about: what it says of itself; {}: nothing.
      asked: tables.
      settings: with which methods run here or not.

    Raises:
      ValueError: a method of this name is known, and runs here or is told of by
        `about`; another one has the title.
    """
    from ssrlm_jax.comparisons import added, known_methods

    known = dict(known_methods.METHODS)
    known |= {one.name: one for item in asked.values() for one in item.methods}
    own = known.pop(name, None)
    if about.get("title", name) in {one.title for one in known.values()}:
        raise ValueError(f"--about: {about['title']!r} is the title of another method")
    if own is None or own.make is added.not_here:
        return
    if about:
        raise ValueError(
            f"--about: what {name} is, is known; give what is added another name"
        )
    try:
        own.make(settings).describe()
    except (ValueError, OSError, ImportError):
        return  # its predictions come from elsewhere
    raise ValueError(
        f"--add={name}: that is {own.title}, which runs here; give what is "
        "added another name"
    )
