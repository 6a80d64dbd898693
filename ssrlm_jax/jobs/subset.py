r"""Writes some lines of a table of RNA: by name, by length, every n-th.

  ssrlm subset --table=train.tsv --out=long --keep='TR1*,*:201-:1/2,bpRNA*:-200:0/6'

A rule is NAME[:LENGTHS[:R/N]]: which ids (* and ? as in a shell), which lengths in
nucleotides (201-, -200, 50-90), and which lines of the file, whose header is line 1:
those whose number leaves R over when divided by N. The first rule that fits id and
length decides; a record that none fits is left out. OUT gets table.tsv.
"""

import argparse
import dataclasses
import fnmatch
import pathlib
import re

from ssrlm_jax import files
from ssrlm_jax.jobs import command
from ssrlm_jax.rna import textfile

_LENGTHS = r"(?P<low>\d*)(-(?P<high>\d*))?"
_LINES = r"(?P<rest>\d+)/(?P<every>\d+)"
_RULE = re.compile(rf"(?P<name>[^:]+)(:{_LENGTHS}(:{_LINES})?)?")


@dataclasses.dataclass(frozen=True)
class Rule:
    """Which records it decides on, and which of these it keeps.

    Attributes:
      name: pattern of ids.
      shortest: nucleotides.
      longest: nucleotides.
      rest: of the number of a line that is kept, divided by `every`.
      every: 1: all are kept.
    """

    name: str
    shortest: int
    longest: int
    rest: int
    every: int

    def fits(self, name: str, length: int) -> bool:
        """Says whether the rule decides on a record."""
        is_named = fnmatch.fnmatchcase(name, self.name)
        return is_named and self.shortest <= length <= self.longest

    def keeps(self, line: int) -> bool:
        """Says whether a record is kept that it decides on; `line` from 1."""
        return line % self.every == self.rest


def rule(text: str) -> Rule:
    """Returns a rule as it is written on a command line.

    Raises:
      ValueError: it is none.

    Example:
      >>> rule("bpRNA*:50-90:1/4")
      Rule(name='bpRNA*', shortest=50, longest=90, rest=1, every=4)
    """
    found = _RULE.fullmatch(text)
    every = found["every"] if found else None
    if not found or (every and int(found["rest"]) >= int(every)):
        raise ValueError(
            f"--keep={text!r} is not NAME[:LENGTHS[:R/N]], such as 'bpRNA*:201-:0/6'"
        )
    low, high = found["low"] or "", found["high"]
    longest = low if high is None else high  # "50": of 50 nucleotides
    return Rule(
        name=found["name"],
        shortest=int(low or 0),
        longest=int(longest or 2**31),
        rest=int(found["rest"] or 0),
        every=int(every or 1),
    )


def subset(flags: argparse.Namespace) -> None:
    """Writes the lines that the rules keep, as they are, below the header."""
    rules = [rule(text) for text in flags.keep.split(",")]
    files.check_directory(flags.out, is_replaced=False)
    lines = ((number, text.decode()) for number, text in textfile.lines(flags.table))
    _, header = next(lines, (1, ""))
    columns = header.split("\t")
    for name in ("id", "sequence"):
        if name not in columns:
            raise ValueError(
                f"{flags.table}: a table with a column {name!r} is expected, found "
                f"{header[:60]!r}"
            )
    kept, num_all = [header], 0
    index, letters = columns.index("id"), columns.index("sequence")
    for number, line in lines:
        cells = line.split("\t")
        if len(cells) < len(columns):
            raise ValueError(
                f"{flags.table}:{number}: {len(columns)} columns expected, found "
                f"{len(cells)}"
            )
        num_all += 1
        length = len(cells[letters])
        fitting = next((one for one in rules if one.fits(cells[index], length)), None)
        if fitting is not None and fitting.keeps(number):
            kept.append(line)
    with files.whole_directory(flags.out) as beside:
        (beside / "table.tsv").write_text("\n".join(kept) + "\n")
    print(f"{len(kept) - 1:,} of {num_all:,} records: {flags.out / 'table.tsv'}")


COMMAND = command.Command(
    function=subset,
    about=__doc__,
    flags={
        "--table": {"required": True, "metavar": "FILE"},
        "--keep": {
            "required": True,
            "metavar": "RULES",
            "help": "NAME[:LENGTHS[:R/N]], separated by commas",
        },
        "--out": {"required": True, "type": pathlib.Path, "metavar": "OUT"},
    },
)
