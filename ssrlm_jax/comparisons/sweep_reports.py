"""Parts of the paper that `ssrlm sweep` makes: its report, or how to get it."""

import pathlib

from ssrlm_jax.comparisons import items

REPORT = "report.md"


def pending(title: str, sweep: str) -> tuple[items.Pending, ...]:
    """Returns what is to be run; nothing where the report of a sweep is there.

    Args:
      title: of the part.
      sweep: its --out; "": none is named.

    Raises:
      ValueError: it is named, and has no report.
    """
    if sweep:
        _report(sweep)
        return ()
    return (
        items.Pending(
            title=title,
            reason="no sweep is named by config.sweep",
            command="ssrlm sweep --config=sweeps/table3 --config.corpus=CORPUS",
        ),
    )


def note(sweep: str) -> str:
    """Returns the report of a sweep, below its place; "": none is named.

    Raises:
      ValueError: as `pending`.
    """
    if not sweep:
        return ""
    path = _report(sweep)
    return f"The report of the sweep, {path}:\n\n{path.read_text(encoding='utf-8')}"


def _report(sweep: str) -> pathlib.Path:
    path = pathlib.Path(sweep) / REPORT
    if not path.is_file():
        raise ValueError(
            f"config.sweep={sweep}: there is no {path}; `ssrlm sweep --report "
            f"--out={sweep}` makes it"
        )
    return path
