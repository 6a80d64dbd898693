import dataclasses

import numpy as np
import pytest

from ssrlm_jax import config
from ssrlm_jax.external import folding_programs
from ssrlm_jax.prepare.corpus import (
    dedupe,
    fold_unknown,
    standardise,
    windows,
)
from ssrlm_jax.rna import structures

SETTINGS = config.FoldConfig(longest=40, task_nucleotides=50)


class Hairpins:
    """Pairs the first three letters with the last three; remembers what it saw."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def fold(self, sequences, *, with_probabilities=False):
        self.seen += sequences
        found = []
        for letters in sequences:
            size = len(letters)
            pairs = np.array([(i, size - 1 - i) for i in range(3)])
            found.append(
                folding_programs.Folded(structures.Structure(size, pairs), 0, None)
            )
        return found


@pytest.fixture
def hairpins(monkeypatch):
    program = Hairpins()
    monkeypatch.setattr(fold_unknown, "folder", lambda settings: program)
    return program


@pytest.fixture
def part(tmp_path):
    """Records 0, 2: short; 1: with a structure; 3: cut in two; 4: in four."""
    rows = [("r0", 8, ""), ("r1", 7, "(((.)))"), ("r2", 9, "")]
    rows += [("r3", 30, ""), ("r4", 70, "")]
    text = "".join(f"{n}\t{'GCAU' * 20:.{s}}\t{dots}\n" for n, s, dots in rows)
    (tmp_path / "in.tsv").write_text("id\tsequence\tdotbracket\n" + text)
    task = standardise.Task(
        path=str(tmp_path / "in.tsv"), source="ncrna", out=str(tmp_path / "p"),
        longest=20, shortest_tail=5, part_nucleotides=1000,
    )  # fmt: skip
    standardise.standardise(task)
    return tmp_path / "p-00000"


def _folded(part, records, **changes):
    task = fold_unknown.Task(
        windows=f"{part}.windows", records=records, out=f"{part}.folded",
        settings=dataclasses.replace(SETTINGS, **changes),
    )  # fmt: skip
    counts = fold_unknown.fold(task)
    read = windows.load(task.windows)
    return counts, read, fold_unknown.with_structures(read, [task.out])


def _record(part: windows.Windows, name: str) -> list[int]:
    begin = np.cumsum(part.length) - part.length
    index = part.names.index(name)
    return part.partner[begin[index] : begin[index] + part.length[index]].tolist()


def test_records_are_folded_whole_and_keep_a_structure_of_their_own(part, hairpins):
    counts, before, after = _folded(part, (0, 2))
    assert hairpins.seen == ["GCAUGCAU", "GCAUGCAUG"]
    assert _record(after, "r0") == [7, 6, 5, -1, -1, 2, 1, 0]
    assert _record(after, "r1") == _record(before, "r1") == [6, 5, 4, -1, 2, 1, 0]
    assert _record(after, "r2") == [8, 7, 6, -1, -1, -1, 2, 1, 0]
    assert counts["folded"] == counts["records"] == [0, 2]


def test_pairs_that_cross_a_cut_of_packing_are_dropped(part, hairpins):
    """30 nucleotides in windows of 20 and 10; all three pairs cross."""
    counts, _, after = _folded(part, (3,))
    assert [len(letters) for letters in hairpins.seen] == [30]
    assert _record(after, "r3:1-20") == [-1] * 20
    assert counts["changed"] == {"pairs that cross a cut": 3}


@pytest.mark.parametrize(
    ("long_records", "seen", "reason"),
    [
        ("windows", [40, 30], fold_unknown.IN_WINDOWS),
        ("skip", [], fold_unknown.SKIPPED),
    ],
)
def test_long_records_are_folded_in_windows_or_left(
    part, hairpins, long_records, seen, reason
):
    counts, _, after = _folded(part, (4,), long_records=long_records)
    assert [len(letters) for letters in hairpins.seen] == seen
    assert counts["changed"][reason] == 1
    assert len(counts["folded"]) == len(seen) // 2
    assert _record(after, "r4:1-20") == [-1] * 20


def test_a_record_with_a_hole_is_left_unfolded(tmp_path, hairpins):
    """Its middle window has no A C G U and was dropped: places would shift."""
    (tmp_path / "in.fa").write_text(f">r\n{'GCAU' * 5}{'N' * 20}{'GCAU' * 5}\n")
    standardise.standardise(
        standardise.Task(
            path=str(tmp_path / "in.fa"),
            source="ncrna",
            out=str(tmp_path / "p"),
            longest=20,
            shortest_tail=5,
            part_nucleotides=1000,
        )  # fmt: skip
    )
    counts, _, _ = _folded(tmp_path / "p-00000", (0,))
    assert counts["changed"][fold_unknown.GAP] == 1
    assert hairpins.seen == []


def test_kept_records_without_structure_become_tasks(part):
    kept = np.zeros(4, dedupe.KEPT)
    kept["record"] = [0, 1, 2, 4]
    found = fold_unknown.unfolded(f"{part}.keys", kept)
    np.testing.assert_array_equal(found, [[0, 8], [2, 9], [4, 70]])
    assert fold_unknown.grouped(found, 50) == [(0, 2), (4,)]
    assert fold_unknown.grouped(found[:0], 50) == []


def test_vienna_folds_a_hairpin(part, monkeypatch):
    pytest.importorskip("RNA", reason="ViennaRNA is not installed")
    (part.parent / "hair.fa").write_text(">h\nGGGGAAAACCCC\n")
    standardise.standardise(
        standardise.Task(
            path=str(part.parent / "hair.fa"),
            source="ncrna",
            out=str(part.parent / "h"),
            longest=20,
            shortest_tail=5,
            part_nucleotides=1000,
        )  # fmt: skip
    )
    for method in ("mfe", "centroid", "mea"):
        _, _, after = _folded(part.parent / "h-00000", (0,), method=method)
        assert _record(after, "h") == [11, 10, 9, 8, -1, -1, -1, -1, 3, 2, 1, 0]


@pytest.mark.parametrize("program", ["contrafold", "linearfold"])
def test_a_missing_program_is_found_out_at_once(program, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    settings = config.CorpusConfig(fold=config.FoldConfig(program=program))
    with pytest.raises(ValueError, match=f"(?i){program}.*fold.program=none"):
        fold_unknown.check(settings, ["a.fa"], {"a.fa": "fasta"})
    assert fold_unknown.check(settings, ["a.tsv"], {"a.tsv": "table"}) == {
        "program": program
    }
    anew = dataclasses.replace(settings, keep_structures=False)
    with pytest.raises(ValueError, match=f"(?i){program}"):
        fold_unknown.check(anew, ["a.tsv"], {"a.tsv": "table"})
