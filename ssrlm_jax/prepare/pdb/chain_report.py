"""What report.json of prepare_pdb holds: counts, annotators, published pairs."""

import collections
from collections.abc import Sequence

from ssrlm_jax import config, types
from ssrlm_jax.config import pdb_tables
from ssrlm_jax.prepare.pdb import agreement, chain_split, chain_tables
from ssrlm_jax.rna import formats, record_tables

Record = chain_tables.Record


def counts(
    entries: Sequence[types.Json],
    records: Sequence[Record],
    unique: Sequence[Record],
    dropped: Sequence[chain_split.Dropped],
) -> types.Json:
    """Counts files, chains and pairs, beside the paper's numbers.

    Args:
      entries: of all files, as `chains.read` returns them.
      records: chains that passed the limits.
      unique: those in the sets.
      dropped: the others.
    """
    kinds: collections.Counter[str] = collections.Counter()
    for record in unique:
        kinds.update(chain_tables.classes(record))
    good = [entry for entry in entries if not entry["error"]]
    return {
        "counts": {
            "files": len(entries),
            "files without a release date": sum(not e["date"] for e in good),
            "files without a resolution": sum(not e["resolution"] for e in good),
            "chains": len(records),
            "unique": len(unique),
            "with a family": sum(bool(record.family) for record in unique),
            "families": len({r.family for r in unique if r.family}),
            "representatives": len({record.cluster for record in unique}),
            **{
                name: sum(r.split == name for r in unique)
                for name in chain_split.SPLITS
            },
        },
        "paper": pdb_tables.PAPER_COUNTS,
        "dropped": dict(collections.Counter(reason for _, reason, _ in dropped)),
        "chains": {
            "missing nucleotides": sum(len(r.missing) for r in records),
            "gaps": sum(len(r.gaps) for r in records),
            "modified": sum(len(r.modified) for r in records),
            "pairs with other chains, left out": sum(
                chain["num_between"] for entry in good for chain in entry["chains"]
            )
            // 2,  # each is counted by both chains
        },
        "pairs of unique": dict(kinds.most_common()),
    }


def annotators(records: Sequence[Record], chosen: str) -> dict[str, types.Json]:
    """Compares the pairs of records, "mine", with those of each other annotator."""
    return {
        f"{chosen} and {name}": agreement.compare(
            agreement.Compared(record.sequence, record.edges(), record.others[name])
            for record in records
        )
        for name in (records[0].others if records else ())
    }


def read_published(settings: config.PdbConfig) -> list[formats.Record]:
    """Reads the tables with pairs of the same sequences."""
    paths = [path for path in settings.published.split(",") if path]
    return [record for path in paths for record in record_tables.read_table(path)]


def published(
    unique: Sequence[Record], known: Sequence[formats.Record], chosen: str
) -> dict[str, types.Json]:
    """Compares every annotator with published pairs, once for each sequence.

    Args:
      unique: of the sets; the first of equal sequences counts.
      known: published, without edges; of equal sequences the first counts.
      chosen: annotator of `Record.pairs`.
    """
    by_letters = agreement.by_sequence(known)
    first = {record.sequence: record for record in reversed(unique)}
    beside = [record for record in first.values() if record.sequence in by_letters]
    found = {}
    for name in (chosen, *(beside[0].others if beside else ())):
        found[f"{name} and published"] = agreement.compare(
            agreement.Compared(
                record.sequence,
                record.edges() if name == chosen else record.others[name],
                {(i, j): "" for i, j in by_letters[record.sequence].pairs.tolist()},
            )
            for record in beside
        )
    return found
