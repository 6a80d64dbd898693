"""Dataclass → editable settings → dataclass again, checked."""

import dataclasses
import typing
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar

import ml_collections

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")


def editable(config: "DataclassInstance") -> ml_collections.ConfigDict:
    """Returns a locked ConfigDict with the fields of a config dataclass."""
    values = {
        field.name: getattr(config, field.name) for field in dataclasses.fields(config)
    }
    nested = {
        name: editable(value)
        if dataclasses.is_dataclass(value) and not isinstance(value, type)
        else value
        for name, value in values.items()
    }
    return ml_collections.ConfigDict(nested).lock()


def frozen(
    kind: type[T],
    settings: ml_collections.ConfigDict | Mapping[str, object],
    path: str = "",
) -> T:
    """Returns `settings` as the dataclass `kind`.

    Args:
      kind: a config dataclass.
      settings: its fields by name, nested; what is absent keeps its default.
      path: where `settings` stands in a larger config, for messages.

    Raises:
      ValueError: a setting is unknown, ill-typed or impossible; the message names
        it and says what is accepted.
    """
    if isinstance(settings, ml_collections.ConfigDict):
        settings = settings.to_dict()
    hints = typing.get_type_hints(kind)
    for name in settings:
        if name not in hints:
            raise ValueError(
                f"there is no setting {path}{name}; "
                f"{path.rstrip('.') or kind.__name__} has {', '.join(sorted(hints))}"
            )
    values = {
        name: _typed(hints[name], value, f"{path}{name}")
        for name, value in settings.items()
    }
    return kind(**values)


def _typed(hint: type[T], value: object, setting: str) -> object:
    """Returns a setting's value as its declared type."""
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, Mapping):
            raise ValueError(f"{setting}={value!r} is not a group of settings")
        return frozen(hint, value, f"{setting}.")
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        raise ValueError(f"{setting}={value!r} is not of type {hint.__name__}")
    return value
