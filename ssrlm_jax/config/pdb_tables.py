"""Settings of `ssrlm prepare_pdb`."""

import dataclasses
import re

from ssrlm_jax.config import checks, corpus

ANNOTATORS = ("biotite", "rnapolis", "dssr")
CHAIN_CLUSTERINGS = ("mmseqs", "exact")
PAPER_COUNTS = {  # entries of the paper's set after each step
    "chains": 16_110,
    "unique": 2_029,
    "with a family": 1_389,
    "families": 290,
    "representatives": 602,
}
MEMBERS = ("representatives", "all")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ChainClusterConfig:
    """How chains are clustered, for uniqueness and for the split."""

    method: str = "mmseqs"  # or "exact": only equal sequences count as similar
    unique_identity: float = 1.0  # unsupervised and cross-family sets
    identity: float = 0.8  # supervised set
    coverage: float = 0.8  # share of the sequence that is aligned, at least
    coverage_mode: int = 0  # MMseqs2's --cov-mode; 0: of both sequences
    program: str = ""  # path of mmseqs; "": SSRLM_MMSEQS, then PATH

    def __post_init__(self) -> None:
        checks.choice("cluster.method", self.method, CHAIN_CLUSTERINGS)
        for name in ("unique_identity", "identity", "coverage"):
            checks.share(f"cluster.{name}", getattr(self, name))
        checks.check(
            0 <= self.coverage_mode <= 5,
            "cluster.coverage_mode",
            self.coverage_mode,
            "does not lie in 0..5",
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class SplitConfig:
    """Proportions of the supervised set; the paper's numbers of entries."""

    train: int = 424
    validation: int = 61
    test: int = 117
    members: str = "representatives"  # of 80 % clusters; or "all" unique sequences
    num_folds: int = 10  # of whole families

    def __post_init__(self) -> None:
        checks.choice("split.members", self.members, MEMBERS)
        checks.positive("split", self, "train", "num_folds")
        for name in ("validation", "test"):
            found = getattr(self, name)
            checks.check(found >= 0, f"split.{name}", found, "is < 0")


@dataclasses.dataclass(frozen=True, kw_only=True)
class RfamConfig:
    """Where families come from: a table, or the models, which need Infernal."""

    table: str = ""  # id of a chain -> family, and in a third column type
    models: str = ""  # Rfam.cm after cmpress; given: cmscan names the families
    types: str = ""  # table with the columns accession, id and type of Rfam
    program: str = ""  # path of cmscan; "": SSRLM_CMSCAN, then PATH

    def __post_init__(self) -> None:
        checks.check(
            not (self.table and self.models),
            "rfam.models",
            self.models,
            "and rfam.table are both given; choose one",
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class PdbConfig:
    """How `ssrlm prepare_pdb` makes tables of a folder of structures."""

    seed: int = 0  # of the split and of the folds
    before: str = "2023-04-01"  # release date, year-month-day; "": any
    keep_undated: bool = False  # files without a release date
    max_resolution: float = 0.0  # angstrom; 0: any
    keep_unresolved: bool = True  # files without a resolution, as of NMR
    min_length: int = 16  # nucleotides
    max_length: int = 0  # nucleotides; 0: any
    min_pairs: int = 1  # within the chain
    annotator: str = "biotite"  # whose pairs are written
    compare: str = ""  # other annotators for the report, separated by commas
    dssr: str = ""  # folder of DSSR's JSON, named as the structures: 1ehz.json
    published: str = ""  # tables with pairs of the same sequences, for the report
    shard_nucleotides: int = 2**17  # of the files with atoms
    cluster: ChainClusterConfig = ChainClusterConfig()
    split: SplitConfig = SplitConfig()
    rfam: RfamConfig = RfamConfig()
    executor: corpus.ExecutorConfig = corpus.ExecutorConfig()

    def __post_init__(self) -> None:
        checks.check(
            0 <= self.seed < 2**31, "seed", self.seed, "does not lie in 0..2^31-1"
        )
        checks.check(
            not self.before or bool(re.fullmatch(r"\d{4}-\d\d-\d\d", self.before)),
            "before",
            self.before,
            "is no date as 2023-04-01",
        )
        for name in ("max_resolution", "max_length", "min_pairs"):
            found = getattr(self, name)
            checks.check(found >= 0, name, found, "is < 0")
        for name in ("min_length", "shard_nucleotides"):
            found = getattr(self, name)
            checks.check(found > 0, name, found, "is not greater than 0")
        checks.choice("annotator", self.annotator, ANNOTATORS)
        for other in filter(None, self.compare.split(",")):
            checks.choice("compare", other, ANNOTATORS)
        checks.check(
            bool(self.dssr) or "dssr" not in (self.annotator, *self.compare.split(",")),
            "dssr",
            self.dssr,
            "is empty; name the folder of DSSR's JSON",
        )
