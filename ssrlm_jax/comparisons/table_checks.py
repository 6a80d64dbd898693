"""What is asked of tables, checked before anything is read or made."""

import pathlib
from collections.abc import Iterable, Mapping

from ssrlm_jax import config
from ssrlm_jax.comparisons import items, known_methods, sweep_reports


def names(found: Mapping[str, items.Item]) -> None:
    """Checks names: results are kept by them, and a set of one name is read once.

    Raises:
      ValueError: two sets of one name differ; a name cannot be that of a folder.
    """
    known: dict[str, items.LabelledSet] = {}
    for item in found.values():
        named = [one.name for one in item.sets]
        for name in named + [one.name for one in item.methods]:
            if not name or set(name) & set("/,"):
                raise ValueError(
                    f"{name!r}, a set or method: a name without '/' and ',' is expected"
                )
        for one in item.sets:
            if known.setdefault(one.name, one) != one:
                raise ValueError(
                    f"two sets are called {one.name!r}, and are not the same: rename "
                    "one, or make their tables one after the other"
                )


def settings(
    given: config.PaperConfig, found: Mapping[str, items.Item], coming: str
) -> None:
    """Checks that settings name methods and places that there are.

    Args:
      given: the settings.
      found: tables, with all their methods.
      coming: a method that is added; "": none.

    Raises:
      ValueError: one does not, or a sweep has no report; the setting is named.
    """
    for item in found.values():
        sweep_reports.check(item.sweeps)
    methods = {one.name for item in found.values() for one in item.methods}
    methods |= {*known_methods.METHODS, coming} - {""}
    _known("evaluated", given.directories("evaluated"), methods)
    _known("trained", given.directories("trained"), methods)
    has_others = any(item.families or item.structures for item in found.values())
    if not has_others:  # any name goes with Fig. 4 and Fig. S2
        _known("models", given.directories("models"), methods)
    for setting in ("evaluated", "models"):
        for name, place in given.directories(setting).items():
            if not pathlib.Path(place).is_dir():
                raise ValueError(
                    f"config.{setting}={name}={place}: no directory is there"
                )
    for place in filter(None, given.train.split(",")):
        if not pathlib.Path(place).exists():
            raise ValueError(f"config.train={place}: no file is there")
    for method in given.directories("trained"):
        for place in given.trained_files(method):
            if not pathlib.Path(place).exists():
                raise ValueError(f"config.trained={method}={place}: no file is there")


def data(given: config.PaperConfig, found: Mapping[str, items.Item]) -> None:
    """Raises a ValueError where sets are asked for, and their folder is not there."""
    files = [one.file for item in found.values() for one in item.sets]
    files += [item.families.table for item in found.values() if item.families]
    is_needed = any(files) and not any(
        pathlib.Path(name).is_absolute() for name in files
    )
    if is_needed and not pathlib.Path(given.data).is_dir():
        raise ValueError(
            f"config.data={given.data}: no folder is there; name that of the sets by "
            "--config.data=DIR; --dry_run says what it should have"
        )


def _known(setting: str, named: Iterable[str], methods: Iterable[str]) -> None:
    known = dict.fromkeys(methods)
    for name in named:
        if name not in known:
            raise ValueError(
                f"config.{setting} names {name!r}, which is no method: "
                f"{', '.join(sorted(known))} are"
            )
