"""Checks of settings; each names the setting, what was found, what is accepted."""

import contextlib
import datetime
import math
import re
from collections.abc import Collection


def check(is_fine: bool, setting: str, found: object, accepted: str) -> None:
    """Raises a ValueError that names the setting unless `is_fine`."""
    if not is_fine:
        raise ValueError(f"{setting}={found!r} {accepted}")


def choice(setting: str, found: str, choices: Collection[str]) -> None:
    check(found in choices, setting, found, f"is not one of {tuple(choices)}")


def positive(prefix: str, config: object, *names: str) -> None:
    for name in names:
        found = getattr(config, name)
        check(found > 0, f"{prefix}.{name}", found, "is not greater than 0")


def share(setting: str, found: float) -> None:
    check(0.0 <= found <= 1.0, setting, found, "does not lie in 0..1")


def below_one(setting: str, found: float) -> None:
    is_fine = 0.0 <= found < 1.0
    check(is_fine, setting, found, "is not at least 0 and below 1")


def finite(setting: str, found: float) -> None:
    check(0.0 <= found < math.inf, setting, found, "is not a number of at least 0")


def date(setting: str, found: str) -> None:
    is_date = not found
    if re.fullmatch(r"\d{4}(-\d\d(-\d\d)?)?", found, re.ASCII):
        with contextlib.suppress(ValueError):
            datetime.date.fromisoformat(found + "0000-01-01"[len(found) :])
            is_date = True
    check(is_date, setting, found, "is no date as 2023-04-01, 2023-04 or 2023")
