"""A user who has no home, as one whom a container does not know."""

import pwd

import pytest


def be(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has no home from now on."""

    def unknown(number: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {number}")

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
