"""The sets of the paper, by name, and one that stands in for another."""

import dataclasses

from ssrlm_jax.comparisons import items
from ssrlm_jax.prepare.sets import benchmark_sets

# Behind each unresolved stretch of R1283v1 the assessors' dot-bracket lacks one ')'.
# Their table of the native structure's pairs (raw_scores/secondary_structure/
# base_pair_tables_monomer/R1283v1_combined_dssr_data.csv) has these three, C208-G333,
# U356-A424 and G474-C505, beside the other 104 of the dot-bracket.
_CASP16_CLOSED = {"R1283v1": (333, 424, 505)}
# Forms of ArchiveII: whole, as others score it, and without what bpRNA TR0 has.
ARCHIVE = (
    "ArchiveII",
    "ArchiveII-600",
    "ArchiveII-less-TR0",
    "ArchiveII-less-TR0-600",
)
_UNPACK = (
    "ssrlm download {} --out=RAW; unpack the set's files into a folder of this name "
    "without .tsv.gz, or make a table of them"
)


def _num(name: str) -> int:
    return benchmark_sets.SETS[name].num_records


_LESS = items.LabelledSet(
    name="ArchiveII-less-TR0",
    title="ArchiveII without what TR0 has, each sequence once",
    file="secondary/archiveII.tsv.gz",
    count=2_728,
    get=_UNPACK.format("archiveii"),
    without=("secondary/bprna_TR0.tsv.gz",),
    is_distinct=True,
)

_TS0 = items.LabelledSet(
    name="TS0",
    title="bpRNA TS0",
    file="secondary/bprna_TS0.tsv.gz",
    count=_num("bprna_TS0"),
    get=_UNPACK.format("bprna"),
)

SETS = {
    one.name: one
    for one in (
        items.LabelledSet(
            name="ArchiveII",
            title="ArchiveII, all 10 families",
            file="secondary/archiveII.tsv.gz",
            count=_num("archiveII"),
            get=_UNPACK.format("archiveii"),
        ),
        items.LabelledSet(
            name="ArchiveII-600",
            title="ArchiveII up to 600 nt, as others score it",
            file="secondary/archiveII.tsv.gz",
            count=3_911,
            get=_UNPACK.format("archiveii"),
            longest=600,
        ),
        _LESS,
        dataclasses.replace(
            _LESS,
            name="ArchiveII-less-TR0-600",
            title="ArchiveII without what TR0 has, each once, up to 600 nt",
            count=2_664,
            longest=600,
        ),
        _TS0,
        dataclasses.replace(
            _TS0,
            name="TS0-canonical",
            title="bpRNA TS0, its canonical pairs alone",
            pairs="canonical",
        ),
        dataclasses.replace(
            _TS0,
            name="TS0-nested",
            title="bpRNA TS0, its canonical pairs that cross no other",
            pairs="nested",
        ),
        items.LabelledSet(
            name="Atom-1",
            title="Atom-1's test set, 57 clusters",
            file="",
            count=_num("atom1_test"),
            get="no list of it is public, as far as is known here",
        ),
        items.LabelledSet(
            name="PDB2023",
            title="chains of the PDB before April 2023, apart from what trains",
            file="pdb2023/test.tsv",
            count=117,
            get="ssrlm prepare_pdb --config=pdb2023 --files=MMCIF --out=pdb2023",
        ),
        items.LabelledSet(
            name="TS1",
            title="SPOT-RNA's TS1 of the PDB, in place of PDB2023",
            file="secondary/pdb_TS1.tsv.gz",
            count=_num("pdb_TS1"),
            get=_UNPACK.format("pdb_ss"),
        ),
        items.LabelledSet(
            name="CASP16",
            title="CASP16, the eight targets of appendix A.1.2",
            file="secondary/casp16_eight.tsv.gz",
            count=_num("casp16"),
            get="the assessors' tables, github.com/DasLab/CASP16_NA",
            closed=_CASP16_CLOSED,
        ),
    )
}
