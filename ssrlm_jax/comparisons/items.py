"""What a file of configs/paper/ says: sets, methods, columns, what the paper has.

`known_sets` and `known_methods` have those of the paper by name; a file may bring its
own.
"""

import dataclasses
from collections.abc import Callable, Mapping

from ssrlm_jax import config
from ssrlm_jax.external import folding_programs
from ssrlm_jax.metrics import score_report

Values = Mapping[tuple[str, str, str], float]  # by method, set and column


@dataclasses.dataclass(frozen=True, kw_only=True)
class LabelledSet:
    """RNA with known structures that methods are scored on.

    Attributes:
      name: in tables and after --sets.
      title: for people.
      file: below `config.data`, or a path of its own; a table, or a directory of .st,
        .bpseq, .ct or .dbn files; "": none is public.
      count: of its RNAs; another number is another set, and is not scored.
      get: the command or page that gets it, or why nothing does.
      longest: nucleotides; what is longer is left out, before it is counted; 0: none.
      without: files below `config.data` whose sequences are left out likewise.
      is_distinct: of RNAs of equal letters the first alone is taken.
      closed: by name of an RNA, places, from 1, of a ')' that its brackets lack.
      pairs: which known pairs count: "all", "canonical" (Watson-Crick and wobble), or
        "nested", the canonical ones that cross no other canonical one.
    """

    name: str
    title: str
    file: str
    count: int
    get: str
    longest: int = 0
    without: tuple[str, ...] = ()
    is_distinct: bool = False
    closed: Mapping[str, tuple[int, ...]] = dataclasses.field(default_factory=dict)
    pairs: str = "all"

    def __post_init__(self) -> None:
        choices = ("all", "canonical", "nested")
        if self.pairs not in choices:
            raise ValueError(f"{self.name}: pairs={self.pairs!r} is none of {choices}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Method:
    """What predicts.

    Attributes:
      name: in tables and after --methods.
      title: for people.
      make: returns what folds; a ValueError says what is missing.
      get: the command that gets it.
      weights: what was fitted, and where it comes from.
      threshold: who chose it, on what; "none" where there is none.
      rule: from probabilities to structures.
      licence: of program and weights.
      trained: what it was fitted to, for people.
      training: files below `config.data` of what it was fitted to, or paths; ():
        nothing; None: what it was is not at hand.
      seconds: of one core, for 100 and for 400 nucleotides, to estimate with; where it
        ran, what it took is used instead; (0, 0): not known.
      at_once: sequences of up to 100 nucleotides that are handed over together; of
        longer ones fewer, by the square of their length.
      directory: of a model, whose list of hashes says what it was fitted to; "": none.
    """

    name: str
    title: str
    make: Callable[[config.PaperConfig], folding_programs.Folder]
    get: str
    weights: str
    threshold: str
    rule: str
    licence: str
    trained: str
    training: tuple[str, ...] | None
    seconds: tuple[float, float]
    at_once: int = 1
    directory: str = ""


@dataclasses.dataclass(frozen=True)
class Column:
    """A score of a table.

    Attributes:
      name: its heading.
      path: where `score_report.report` has its value with its interval.
    """

    name: str
    path: tuple[str, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Quoted:
    """A row that others measured.

    Attributes:
      title: of the method.
      source: where it is said, and what it is of.
      values: by set and column.
    """

    title: str
    source: str
    values: Mapping[tuple[str, str], float]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pending:
    """A part of the paper that is not measured here.

    Attributes:
      title: what it is.
      reason: why.
      command: what would make it.
    """

    title: str
    reason: str
    command: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sweep:
    """A part of the paper that a sweep makes.

    Attributes:
      title: what it is.
      setting: of `PaperConfig`, that names the sweep.
      place: its --out; "": none is named.
      command: that makes it.
      is_averaged: the mean of each score over its lines is shown, too.
    """

    title: str
    setting: str
    place: str
    command: str
    is_averaged: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class Families:
    """RNA of families whose embeddings are compared.

    Attributes:
      kinds: types of families.
      counts: families of each type, the largest ones.
      members: of a family that are drawn, at most.
      longest: nucleotides of a member.
      table: of families, below `config.data`: columns accession, id and type.
      members_table: of their members: columns family and sequence.
      get: what makes the tables.
    """

    kinds: tuple[str, ...]
    counts: tuple[int, ...]
    members: int
    longest: int
    table: str
    members_table: str
    get: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Structures:
    """Known structures of atoms that folded ones are compared with.

    Attributes:
      truth: their folder below `config.data`, where `config.structures` is "".
      get: what gets them.
      is_of_pairs: base pairs are compared, beside what the item's methods say of the
        same letters; otherwise atoms.
    """

    truth: str
    get: str
    is_of_pairs: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class Item:
    """A table or a figure.

    Attributes:
      title: of the report.
      sets: that are scored.
      methods: in the order of the table.
      columns: of scores; ranks are by F1 of exact pairs, whatever they are.
      bins: "length" or "identity": also a column of F1 for each bin of these.
      paper: the paper's numbers by method, set and column, as far as they are known.
      quoted: rows of others.
      pending: what is not measured.
      note: below the table.
      sweeps: whose reports are shown; such an item has no sets.
      is_leaderboard: one table of all sets, with what methods cost.
      families: whose embeddings by `config.models` are compared; None: none.
      structures: that are folded; None: none.
    """

    title: str
    sets: tuple[LabelledSet, ...] = ()
    methods: tuple[Method, ...] = ()
    columns: tuple[Column, ...] = ()
    bins: tuple[str, ...] = ()
    paper: Values = dataclasses.field(default_factory=dict)
    quoted: tuple[Quoted, ...] = ()
    pending: tuple[Pending, ...] = ()
    note: str = ""
    sweeps: tuple[Sweep, ...] = ()
    is_leaderboard: bool = False
    families: Families | None = None
    structures: Structures | None = None

    def __post_init__(self) -> None:
        if self.sweeps and self.sets:
            raise ValueError(f"{self.title}: sweeps and sets are two tables")


F1 = Column("F1", ("strict", "f1", "mean"))
CANONICAL = Column("F1, canonical", ("parts", score_report.CANONICAL, "f1", "mean"))
SCORES = (
    F1,
    Column("precision", ("strict", "precision", "mean")),
    Column("recall", ("strict", "recall", "mean")),
    Column("AUPRC", ("average_precision", "mean")),
)
