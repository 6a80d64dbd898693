import json
import pickle

import numpy as np
import pytest
import stand_ins

from ssrlm_jax.external import folded, folding_programs, programs
from ssrlm_jax.rna import structures

MIXED = [stand_ins.TRNA, "", "A", "NNNNNN", "augtr", "GGGGNAAACCCC"]


@pytest.fixture(params=sorted(folding_programs.FOLDERS))
def folder(request, tmp_path):
    """Every folder; programs are stand-ins, ViennaRNA is itself."""
    make = folding_programs.FOLDERS[request.param]
    if request.param in ("vienna", "andronescu", "langdon"):
        pytest.importorskip("RNA", reason="ViennaRNA is not installed")
        return make()
    if request.param == "linearfold":
        script = stand_ins.LINEARFOLD
        return make(path=stand_ins.program(tmp_path, "linearfold", script))
    path = stand_ins.program(tmp_path, "contrafold", stand_ins.CONTRAFOLD)
    if request.param == "contrafold":
        return make(path=path)
    (tmp_path / "EternaFoldParams.v1").write_text("base_pair_AU 0.5\n")
    return make(path=path, parameters=str(tmp_path / "EternaFoldParams.v1"))


def test_order_and_lengths_are_kept(folder):
    found = folder.fold(MIXED)
    assert [one.structure.length for one in found] == [76, 0, 1, 6, 5, 12]
    assert structures.to_dot_bracket(found[0].structure) == stand_ins.TRNA_DOTS
    assert not len(found[3].structure.pairs)


def test_unknown_letters_are_counted(folder):
    assert [one.num_unknown for one in folder.fold(MIXED)] == [0, 0, 0, 6, 1, 1]


def test_probabilities_only_where_asked_for(folder):
    assert all(one.probabilities is None for one in folder.fold(MIXED))


def test_nothing_folds_to_nothing(folder):
    assert folder.fold([]) == []
    assert folder.fold([""])[0].structure.length == 0


def test_a_letter_that_is_none_is_refused(folder):
    with pytest.raises(ValueError, match="^sequence 2, position 3: '-' is a gap"):
        folder.fold(["ACGU", "AC-GU"])


def test_folders_travel_to_other_processes(folder):
    copy = pickle.loads(pickle.dumps(folder))
    assert copy.describe() == folder.describe()
    assert copy.fold(["ACGU"])[0].structure.length == 4


def test_descriptions_go_into_manifests(folder):
    said = folder.describe()
    assert json.loads(json.dumps(said)) == said
    assert said["program"] in {"ViennaRNA", "CONTRAfold", "LinearFold-C"}
    assert said.get("version") or said["program_sha256"]


@pytest.mark.parametrize("name", sorted(folding_programs.FOLDERS))
def test_a_misspelt_setting_is_refused(name):
    with pytest.raises(TypeError, match="gama"):
        folding_programs.FOLDERS[name](gama=6)


def _fold_by(*said, sequences=("ACGU", "GGAACC"), with_probabilities=True):
    return folded.fold(
        "fake", sequences, lambda letters, _: list(said), with_probabilities
    )


FITS = folded.Prediction("....", [])


def test_probabilities_are_sorted_from_0_and_rare_pairs_left_out():
    said = folded.Prediction("((..))", [(2, 5, 0.5), (1, 6, 1.00001), (1, 5, 0.009)])
    found = _fold_by(FITS, said)[1].probabilities
    np.testing.assert_array_equal(found.i, [0, 1])
    np.testing.assert_array_equal(found.j, [5, 4])
    np.testing.assert_array_equal(found.probability, np.float32([1, 0.5]))
    assert found.i.dtype == found.j.dtype == np.int32


@pytest.mark.parametrize(
    ("dots", "pairs", "message"),
    [
        ("((.))", [], "the structure has 5 positions, the sequence 6"),
        ("((...)", [], "position 1: '\\(' is never closed"),
        ("((..))", [(1, 7, 0.5)], "pair \\(1, 7\\); 1 <= i < j <= 6"),
        ("((..))", [(0, 6, 0.5)], "pair \\(0, 6\\)"),
        ("((..))", [(5, 2, 0.5)], "pair \\(5, 2\\)"),
        ("((..))", [(2, 5, 1.5)], "probability 1.5 of the pair \\(2, 5\\)"),
        ("((..))", [(2, 5, float("nan"))], "probability nan of the pair \\(2, 5\\)"),
    ],
)
def test_what_does_not_fit_names_program_and_sequence(dots, pairs, message):
    with pytest.raises(
        programs.ProgramError, match=f"^fake, sequence 3 of the call: .*{message}"
    ):
        _fold_by(FITS, folded.Prediction(dots, pairs), sequences=("ACGU", "", "GGAACC"))
