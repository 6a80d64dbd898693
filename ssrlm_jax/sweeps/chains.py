"""What a file of configs/sweeps says: axes, a chain of jobs for each cell, a table.

A cell is one value of each axis. An axis is read by the chain, as "size", or is a
setting of a step, as "pretrain.masking.rate". Cells that differ in the axis "seed"
alone are one line of the table.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping

Value = str | int | float | bool
SEED = "seed"


@dataclasses.dataclass(frozen=True)
class Output:
    """What a step of the same chain has made.

    Attributes:
      step: its name.
      name: of `kinds.Kind.outputs`.
    """

    step: str
    name: str = "model"


# Of several files some may be outputs; the command gets them separated by commas.
Setting = Value | Output | tuple[str | Output, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Step:
    """A job of a chain.

    Attributes:
      name: of the step, in the table and in names of directories.
      command: of `ssrlm`, one of `kinds.KINDS`.
      config: of the command; "": its default.
      settings: that differ from the config, as after --config.
      flags: others, as after --.
    """

    name: str
    command: str
    config: str = ""
    settings: Mapping[str, Setting] = dataclasses.field(default_factory=dict)
    flags: Mapping[str, Setting] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measure:
    """A column of the table: a score of one step, over its RNAs.

    Attributes:
      name: heading.
      step: that scored.
      column: of its table of RNAs; see sweeps/rna_scores.py.
      method: whose table, where a step scored several.
      is_lower_better: as of a loss.
    """

    name: str
    step: str
    column: str
    method: str = "model"
    is_lower_better: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class Baseline:
    """A line of the table that no cell is: what another method scores.

    Attributes:
      name: of the line.
      chain: run once; its steps are called as those that score cells, and take the
        settings of axes that have one value.
      method: in place of `Measure.method`; the columns are those of the measures.
    """

    name: str
    chain: tuple[Step, ...]
    method: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sweep:
    """What is varied, what is done for each cell, what is told at the end.

    Attributes:
      axes: values by name.
      chain: steps of a cell, each after those whose outputs it reads.
      measures: columns of the table.
      compared: axis of which every two values are compared, all else equal.
      paper: the paper's number by values of the axes but the seed, in their order, and
        the name of the measure.
      scatter: a measure that is drawn RNA by RNA, every two lines of the table.
      baselines: more lines.
      note: a line below the table.
    """

    axes: Mapping[str, tuple[Value, ...]]
    chain: Callable[[Mapping[str, Value]], Iterable[Step]]
    measures: tuple[Measure, ...]
    compared: str
    paper: Mapping[tuple[Value, ...], float] = dataclasses.field(default_factory=dict)
    scatter: str = ""
    baselines: tuple[Baseline, ...] = ()
    note: str = ""


def outputs_of(setting: Setting) -> list[Output]:
    """Returns the outputs that a setting names."""
    parts = setting if isinstance(setting, tuple) else (setting,)
    return [part for part in parts if isinstance(part, Output)]


class Cell(Mapping[str, Value]):
    """A value of each axis; knows which were asked for."""

    def __init__(self, values: Mapping[str, Value]) -> None:
        self._values = dict(values)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> Value:
        self.read.add(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __str__(self) -> str:
        return name_of(self._values)


def name_of(values: Mapping[str, Value]) -> str:
    """Returns a cell for people: "size=8m objective=ssm seed=0"."""
    return " ".join(f"{name}={value}" for name, value in values.items()) or "all"
