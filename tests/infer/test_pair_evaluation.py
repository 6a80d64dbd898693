import os
import threading

import numpy as np
import pytest

from ssrlm_jax import config
from ssrlm_jax.infer import pair_evaluation, scored_files
from ssrlm_jax.rna import formats, probabilities, structure_formats, structures

SEQUENCE, DOTS = "GGGAAACCC", "(((...)))"
TRUTH = [
    formats.Record("a", SEQUENCE, structures.from_dot_bracket(DOTS)),
    formats.Record("b", "GCAAAGC", structures.from_dot_bracket("((...))")),
]


def _record(name="a", sequence=SEQUENCE, dots=DOTS):
    return formats.Record(name, sequence, structures.from_dot_bracket(dots))


def _listed():
    return probabilities.PairProbabilities(
        np.array([0, 1], np.int32),
        np.array([8, 7], np.int32),
        np.array([0.9, 0.4], np.float32),
    )


def _match(folder):
    found, unread, _ = scored_files.read_predictions(folder)
    return pair_evaluation.match(TRUTH, found, unread)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("x.ct", structure_formats.write_ct),
        ("x.bpseq", structure_formats.write_bpseq),
        ("x.dbn", structure_formats.write_dbn),
    ],
)
def test_every_format_is_matched_by_name_or_sequence(tmp_path, name, write):
    write(tmp_path / name, _record())
    matched = _match(tmp_path)
    assert matched.found[0].structure.pairs.tolist() == [[0, 8], [1, 7], [2, 6]]
    assert matched.problems() == {"missing": ["b"]}


def test_rnafold_output_with_several_records_is_read(tmp_path):
    text = f">b\nGCAAAGC\n((...)) ( -1.20)\n>a\n{SEQUENCE}\n{DOTS} (-3.40)\n"
    (tmp_path / "all.txt").write_text(text)
    assert _match(tmp_path).problems() == {}


def test_rnafold_output_under_the_name_of_dot_bracket_is_read(tmp_path):
    text = f">a\n{SEQUENCE}\n{DOTS} ( -3.40)\n"
    (tmp_path / "a.dbn").write_text(text)
    assert _match(tmp_path).problems() == {"missing": ["b"]}


def test_identities_at_an_edge_are_in_the_bin_they_begin():
    identity_N = np.float32([0.9, 0.7])
    matched = pair_evaluation.match(TRUTH, [])
    scored = pair_evaluation.score(TRUTH, matched, config.DecodingConfig(), identity_N)
    assert [one.identity for one in scored] == [0.9, 0.7]


def test_probabilities_and_structure_of_one_rna_are_taken_together(tmp_path):
    structure_formats.write_ct(tmp_path / "a.ct", _record())
    probabilities.write(tmp_path / "a.prob", "a", "gggaaaccc", _listed())
    (found, _) = _match(tmp_path).found
    assert len(found.structure.pairs) == 3
    assert len(found.listed.probability) == 2


def test_probabilities_alone_are_decoded_at_the_threshold(tmp_path):
    probabilities.write(tmp_path / "a.prob", "a", SEQUENCE, _listed())
    matched = _match(tmp_path)
    with pytest.raises(ValueError, match="probabilities alone; give --threshold"):
        pair_evaluation.score(TRUTH, matched, config.DecodingConfig())
    scored = pair_evaluation.score(TRUTH, matched, config.DecodingConfig(threshold=0.5))
    assert scored[0].counts["strict"] == (1, 1, 1, 3)
    assert scored[1].counts["strict"] == (0, 0, 0, 2)  # missing: an empty prediction
    assert scored[1].ranked.num_known == 2


def test_matrices_of_viennarna_count_from_1(tmp_path):
    """RNA.fold_compound.bpp() has an empty row and column 0."""
    padded = np.zeros((len(SEQUENCE) + 1, len(SEQUENCE) + 1))
    i, j, probability = _listed()
    padded[i + 1, j + 1] = probability
    np.save(tmp_path / "a.npy", padded)
    found, *_ = _match(tmp_path).found
    assert [column.tolist() for column in found.listed[:2]] == [i.tolist(), j.tolist()]
    np.save(tmp_path / "a.npy", padded + np.eye(len(padded)))  # the first is no border
    assert "nt known" in _match(tmp_path).mismatched[0]


def test_what_does_not_fit_is_listed(tmp_path):
    structure_formats.write_ct(
        tmp_path / "1.ct", _record("a", "GGGAAACCCA", DOTS + ".")
    )
    structure_formats.write_ct(tmp_path / "2.ct", _record("z", "AAAA", "...."))
    (tmp_path / "3.ct").write_text("nonsense\n")
    matched = _match(tmp_path)
    assert list(matched.missing) == ["a", "b"]
    assert matched.mismatched[0].startswith("a (")
    assert "10 nt there, 9 nt known" in matched.mismatched[0]
    assert matched.unused[0].startswith("z (")
    assert "3.ct:1: a header" in matched.unread[0]


def test_predictions_that_differ_are_listed_and_the_first_counts(tmp_path):
    structure_formats.write_ct(tmp_path / "1.ct", _record())
    structure_formats.write_ct(tmp_path / "2.ct", _record(dots="((.....))"))
    matched = _match(tmp_path)
    assert len(matched.found[0].structure.pairs) == 3
    (line,) = matched.several
    assert line.startswith("a (")
    structure_formats.write_ct(tmp_path / "2.ct", _record())
    assert not _match(tmp_path).several


def test_files_of_inner_folders_are_read_hidden_ones_are_not(tmp_path):
    for name in ("one/a.ct", "one/.git/a.ct", "two/._a.ct", "two/a.png"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        structure_formats.write_ct(path, _record())
    found, unread, _ = scored_files.read_predictions(tmp_path)
    assert [one.place for one in found] == [f"{tmp_path}/one/a.ct:1"]
    assert not unread


def test_predictions_come_by_a_pipe(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    text = f">a\n{SEQUENCE}\n{DOTS}\n"
    writer = threading.Thread(target=pipe.write_text, args=(text,))
    writer.start()
    found, unread, _ = scored_files.read_predictions(pipe)
    writer.join()
    assert [(one.name, one.place) for one in found] == [("a", f"{pipe}:2")]
    assert not unread


def test_of_an_ensemble_the_first_places_are_named(tmp_path):
    lines = [SEQUENCE, *[DOTS, "((.....))"] * 50]
    (tmp_path / "a.fold").write_text("\n".join([">a", *lines]) + "\n")
    (line,) = _match(tmp_path).several
    assert line.count("a.fold:") == 10
    assert line.endswith("and 90 more)")


def test_one_prediction_serves_equal_sequences_of_other_names(tmp_path):
    structure_formats.write_ct(tmp_path / "1.ct", _record("other"))
    twice = [TRUTH[0], formats.Record("c", SEQUENCE, TRUTH[0].structure)]
    given, unread, _ = scored_files.read_predictions(tmp_path)
    assert not pair_evaluation.match(twice, given, unread).missing


def test_a_bad_record_is_left_out_and_told_with_its_place(tmp_path):
    path = tmp_path / "truth.tsv"
    rows = "a\tGAAC\t(..)\nb\tGAAC\t(...)\nc\tGAAC\t\nd\tGI@AC\t(...)\n"
    path.write_text("id\tsequence\tdotbracket\n" + rows)
    records, left_out, notes = scored_files.read_known(str(path))
    assert [record.name for record in records] == ["a", "d"]
    assert [line.partition(": ")[0] for line in left_out] == [f"{path}:3", f"{path}:4"]
    assert "c has no structure" in left_out[1]
    assert notes == [
        f"{path}: read 1 modified nucleotides as their parents, inosine as N, "
        "1 letters that are none of RNA as N"
    ]
    _, unread, told = scored_files.read_predictions(tmp_path)
    assert unread == left_out
    assert len(told) == 1


def test_structures_in_a_table_without_letters_are_matched_by_name(tmp_path):
    rows = f"a\t{DOTS}\nb\t((...)\nb\t((....))\nc\t....\nb\n\t..\n"
    path = tmp_path / "said.tsv"
    path.write_text(f"rna\tstructure\n{rows}")
    matched = _match(tmp_path)
    assert matched.found[0].structure.pairs.tolist() == [[0, 8], [1, 7], [2, 6]]
    assert matched.missing == ["b"]
    (mismatched,) = matched.mismatched
    assert mismatched.endswith(f"{path}:4): 8 nt there, 7 nt known")
    assert [one.partition(": ")[0] for one in matched.unread] == [
        f"{path}:3",
        f"{path}:6",
    ]
    assert all("no RNA is called so" in one for one in matched.unused)
    assert len(matched.unused) == 2


def test_an_empty_folder_and_a_file_without_structures_are_errors(tmp_path):
    with pytest.raises(ValueError, match="has no files"):
        scored_files.read_predictions(tmp_path)
    with pytest.raises(ValueError, match="is no directory"):
        scored_files.read_predictions(tmp_path / "x")
    (tmp_path / "a.fa").write_text(">a\nACGU\n")
    _, (problem,), _ = scored_files.read_predictions(tmp_path)
    assert "a.fa: sequences without structures; dot-bracket, CT" in problem
    with pytest.raises(ValueError, match="a has no structure"):
        scored_files.read_truth(str(tmp_path / "a.fa"))


def test_a_file_without_names_is_called_as_its_rna_is(tmp_path):
    """Its name has no letters that systems do not like, and what programs add."""
    known = [formats.Record("x|a/1", SEQUENCE, TRUTH[0].structure)]
    for name in ("x_a_1.bpp.npy", "x_a_1_dp.npy", "x_a_1.npy"):
        np.save(tmp_path / name, np.eye(9)[::-1])
        found, unread, _ = scored_files.read_predictions(tmp_path / name)
        matched = pair_evaluation.match(known, found, unread)
        assert matched.problems() == {}
        assert matched.found[0].listed.i.tolist() == [0, 1, 2, 3]
    np.save(tmp_path / "y.npy", np.eye(9)[::-1])
    found, unread, _ = scored_files.read_predictions(tmp_path / "y.npy")
    (unused,) = pair_evaluation.match(known, found, unread).unused
    assert unused.endswith("y.npy): no sequence, and no RNA is called so")
