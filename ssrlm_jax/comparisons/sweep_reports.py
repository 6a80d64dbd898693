"""Parts of the paper that `ssrlm sweep` makes: its report, or how to get it."""

import pathlib

from ssrlm_jax.comparisons import items

REPORT = "report.md"


def pending(
    title: str,
    setting: str,
    place: str,
    command: str = "ssrlm sweep --config=sweeps/table3 --config.corpus=CORPUS",
) -> tuple[items.Pending, ...]:
    """Returns what is to be run; nothing where the report of a sweep is there.

    Args:
      title: of the part.
      setting: that names the sweep.
      place: its --out; "": none is named.
      command: that makes it.

    Raises:
      ValueError: it is named, and has no report.
    """
    if place:
        _report(setting, place)
        return ()
    return (
        items.Pending(
            title=title,
            reason=f"no sweep is named by config.{setting}",
            command=command,
        ),
    )


def note(title: str, setting: str, place: str) -> str:
    """Returns the report of a sweep, below its place; "": none is named.

    Args:
      title: of the part.
      setting: that names the sweep.
      place: its --out.

    Raises:
      ValueError: as `pending`.
    """
    if not place:
        return ""
    path = _report(setting, place)
    text = path.read_text(encoding="utf-8")
    return f"{title}, the report of the sweep, {path}:\n\n{text}"


def _report(setting: str, place: str) -> pathlib.Path:
    path = pathlib.Path(place) / REPORT
    if not path.is_file():
        raise ValueError(
            f"config.{setting}={place}: there is no {path}; `ssrlm sweep --report "
            f"--out={place}` makes it"
        )
    return path
