import sys

import numpy as np
import pytest
import stand_ins

from ssrlm_jax.external import programs, vienna
from ssrlm_jax.rna import structures


@pytest.fixture
def library():
    return pytest.importorskip("RNA", reason="ViennaRNA is not installed")


def _dots(folder, sequence, **settings):
    return structures.to_dot_bracket(folder.fold([sequence], **settings)[0].structure)


def test_the_least_free_energy_is_that_of_other_programs(library):
    # LinearFold-V, the same energies in other code: ((((....)))) at -5.40 kcal/mol
    found = _dots(vienna.Vienna(), "GGGGAAAACCCC")
    assert found == "((((....))))"
    energy = library.fold_compound("GGGGAAAACCCC").eval_structure(found)
    assert energy == pytest.approx(-5.40, abs=1e-4)


def test_centroid_holds_the_pairs_more_probable_than_not(library):
    folder = vienna.Vienna(method="centroid")
    found = folder.fold([stand_ins.TRNA], with_probabilities=True)[0]
    likely = found.probabilities.probability > 0.5
    expected = np.stack([found.probabilities.i, found.probabilities.j], 1)[likely]
    np.testing.assert_array_equal(found.structure.pairs, expected)
    assert len(expected)


def test_mea_pairs_more_where_gamma_is_greater(library):
    num_pairs = [
        _dots(vienna.Vienna(method="mea", gamma=gamma), stand_ins.TRNA).count("(")
        for gamma in (0.01, 1.0, 10.0)
    ]
    assert num_pairs == sorted(num_pairs)
    assert num_pairs[0] < num_pairs[2]
    compound = library.fold_compound(stand_ins.TRNA)
    compound.pf()
    default = _dots(vienna.Vienna(method="mea"), stand_ins.TRNA)
    assert default == compound.MEA()[0]


@pytest.mark.parametrize("method", vienna.METHODS)
def test_probabilities_are_those_of_the_library(library, method):
    compound = library.fold_compound(stand_ins.TRNA)
    compound.pf()
    matrix = np.array(compound.bpp())[1:, 1:]
    expected = [(i, j, matrix[i, j]) for i, j in np.argwhere(matrix >= 0.01).tolist()]
    folder = vienna.Vienna(method=method)
    found = folder.fold([stand_ins.TRNA], with_probabilities=True)[0].probabilities
    np.testing.assert_allclose(np.stack(found, 1), expected, rtol=1e-5)


def test_heat_melts_a_hairpin(library):
    assert _dots(vienna.Vienna(), "GGGGAAAACCCC") == "((((....))))"
    hot = vienna.Vienna(temperature=99.0)
    assert _dots(hot, "GGGGAAAACCCC") == "............"
    assert hot.describe()["temperature"] == 99.0


def test_global_settings_of_the_library_do_not_matter(library):
    before = library.cvar.temperature
    try:
        library.cvar.temperature = 99.0
        assert _dots(vienna.Vienna(), "GGGGAAAACCCC") == "((((....))))"
    finally:
        library.cvar.temperature = before


LONG_HAIRPIN = "G" * 200 + "AAAA" + "C" * 200  # e^1000 and more without scaling


def test_very_stable_sequences_do_not_overflow(library):
    folder = vienna.Vienna(method="mea")
    found = folder.fold([LONG_HAIRPIN], with_probabilities=True)[0]
    assert len(found.structure.pairs) > 150
    assert len(found.probabilities.i) > 150


# By the library's guess at 10 degrees e^-580, near the least that is told, and zero.
COLD = ["A" * 800, "A" * 1_100]


@pytest.mark.parametrize(
    ("settings", "more"),
    [({}, []), ({"temperature": 10.0}, COLD), ({"parameters": "andronescu2007"}, [])],
)
def test_maps_are_those_of_folding(library, settings, more):
    folder = vienna.Vienna(**settings)
    # The hairpins overflow by the library's guess, the last with a number that is one.
    given = ["", "A", "GC", "ACGU", stand_ins.TRNA, "GGGG&CCCC", LONG_HAIRPIN]
    given += ["GGGGGAAAACCCCC" * 40, *more]
    folded = folder.fold(given, with_probabilities=True, least=1e-4)
    for one, found in zip(folded, folder.maps(given, 1e-4), strict=True):
        np.testing.assert_array_equal(found.i, one.probabilities.i)
        np.testing.assert_array_equal(found.j, one.probabilities.j)
        np.testing.assert_allclose(
            found.probability, one.probabilities.probability, rtol=1e-5
        )


def test_maps_look_for_no_structure_where_none_is_needed(library, monkeypatch):
    found = []
    monkeypatch.setattr(vienna.Vienna, "_state", lambda *given: found.append(given))
    assert len(vienna.Vienna().maps([stand_ins.TRNA], 1e-4)[0].i) > 20
    assert not found


def test_a_map_that_cannot_be_names_its_sequence(library, monkeypatch):
    monkeypatch.setattr(vienna, "_listed", lambda *given: [(1, 9, 2.0)])
    with pytest.raises(programs.ProgramError, match="sequence 2 of the call.*1, 9"):
        vienna.Vienna().maps(["", stand_ins.TRNA], 1e-4)


def test_an_overflow_is_said(library, monkeypatch):
    monkeypatch.setattr(library.fold_compound, "exp_params_rescale", lambda *_: None)
    with pytest.raises(programs.ProgramError, match="a sequence of 404 letters"):
        vienna.Vienna(method="mea").fold([LONG_HAIRPIN])


def test_describe_names_version_and_settings(library):
    assert vienna.Vienna().describe() == {
        "program": "ViennaRNA",
        "version": library.__version__,
        "method": "mfe",
        "temperature": 37.0,
    }
    assert vienna.Vienna(method="mea").describe()["gamma"] == 1.0


@pytest.mark.parametrize("name", vienna.PARAMETERS)
def test_parameters_are_those_of_the_library_and_go_when_they_are_used(library, name):
    before = library.fold_compound(stand_ins.TRNA).mfe()
    folder = vienna.Vienna(parameters=name)
    (found,) = folder.fold([stand_ins.TRNA], with_probabilities=True)
    assert library.fold_compound(stand_ins.TRNA).mfe() == before
    assert folder.describe().get("parameters", "turner2004") == name
    try:
        getattr(library, vienna.PARAMETERS[name])()
        compound = library.fold_compound(stand_ins.TRNA)
        dots, energy = compound.mfe()
        compound.pf()
        expected = [(p.i - 1, p.j - 1, p.p) for p in compound.plist_from_probs(0.01)]
    finally:
        library.params_load_RNA_Turner2004()
    assert structures.to_dot_bracket(found.structure) == dots
    np.testing.assert_allclose(
        np.stack(found.probabilities, 1), sorted(expected), rtol=1e-4
    )
    assert (energy == before[1]) == (name == "turner2004")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"parameters": "turner"}, "parameters='turner' is not one of"),
        ({"method": "mef"}, "method='mef' is not one of"),
        ({"gamma": -1.0}, "gamma=-1.0 is < 0"),
        ({"temperature": 310.0}, "temperature=310.0 does not lie in"),
    ],
)
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        vienna.Vienna(**settings)


def test_a_missing_package_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "RNA", None)
    with pytest.raises(programs.ProgramError, match="pip install ViennaRNA"):
        vienna.Vienna()


def test_two_strands_bind_each_other(library):
    (found,) = vienna.Vienna().fold(["GGGGAAAC&GUUUCCCC"], with_probabilities=True)
    assert structures.to_dot_bracket(found.structure) == "(((((((())))))))"
    listed = found.probabilities
    assert listed.probability[(listed.i == 0) & (listed.j == 15)] > 0.9


def test_two_strands_that_do_not_bind_do_what_each_does(library):
    folder = vienna.Vienna()
    hairpin = "GGGGAAAACCCC"
    for given, start in ((f"{hairpin}&AAAA", 0), (f"AAAA&{hairpin}", 4)):
        (both,) = folder.fold([given], with_probabilities=True)
        (alone,) = folder.fold([hairpin], with_probabilities=True)
        np.testing.assert_array_equal(
            both.structure.pairs, alone.structure.pairs + start
        )
        np.testing.assert_array_equal(
            both.probabilities.i, alone.probabilities.i + start
        )
        np.testing.assert_allclose(
            both.probabilities.probability, alone.probabilities.probability, atol=0.01
        )


def test_the_share_that_is_bound_is_that_of_the_energies(library):
    # ViennaRNA's ensemble of a dimer: Z = Z_a Z_b + Z_ab, in kcal/mol as F = -kT ln Z.
    given = "GGGAAACC&GGUUC"
    compound = library.fold_compound(given)
    _, first, second, bound, _ = compound.pf_dimer()
    kT = library.GASCONST * (37.0 + library.K0) / 1000.0
    share = 1 / (1 + np.exp(-(first + second - bound) / kT))
    (found,) = vienna.Vienna().fold([given], with_probabilities=True, least=1e-6)
    matrix = np.array(compound.bpp())[1:, 1:]  # of the strands that are bound
    listed = found.probabilities
    across = (listed.i < 8) & (listed.j >= 8)
    expected = share * matrix[listed.i[across], listed.j[across]]
    np.testing.assert_allclose(listed.probability[across], expected, rtol=1e-3)
    assert 0.01 < share < 0.99


@pytest.mark.parametrize("method", vienna.METHODS)
@pytest.mark.parametrize("given", ["A&U", "C&U", "N&N", "U&GUG", "NNC&UACUCA"])
def test_strands_too_short_to_bind_are_folded(library, method, given):
    (found,) = vienna.Vienna(method=method).fold([given], with_probabilities=True)
    assert found.structure.length == len(given) - 1
