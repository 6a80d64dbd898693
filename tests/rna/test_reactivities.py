import gzip

import numpy as np
import pytest

from ssrlm_jax.rna import reactivities, reactivity_formats

SEQUENCE = "GGAUC"
VALUES = np.array([0.5, np.nan, -0.1, 2.0, np.nan], np.float32)
RDAT = """RDAT_VERSION\t0.34
NAME\trna1
SEQUENCE\tGGAUC
STRUCTURE\t.....
OFFSET 10
SEQPOS\tG11\tA13\tU14
ANNOTATION\texperimentType:StandardState\tchemical:MgCl2:10mM
ANNOTATION_DATA:1\tmodifier:1M7
ANNOTATION_DATA:2\tmodifier:Nomod
REACTIVITY:1\t0.5\t-0.1\t2.0
REACTIVITY_ERROR:1\t0.1\t0.1\t0.1
REACTIVITY:2\t9\t9\t9
"""
XML = """<?xml version="1.0" encoding="UTF-8"?>
<data combined="FALSE" norm="2-8%">
  <transcript id="rna1" length="5">
    <sequence>
      GGA
      TC
    </sequence>
    <reactivity>0.5,NaN,-0.1,2.0,NaN</reactivity>
  </transcript>
</data>
"""
FORMS = {
    "two.shape": "1 0.5\n2 -999\n3 -0.1\n4 2.0\n5 nan\n",
    "gaps.dat": "# of a lane\n4\t2.0\n1\t0.5\n3\t-0.1\n",
    "named.shape": ">rna1 of yeast\n1 0.5\n3 -0.1\n4 2.0\n",
    "error.map": "1 0.5 0.1 G\n2 -999 0 G\n3 -0.1 0.1 A\n4 2.0 0.1 U\n5 -999 0 C\n",
    "vienna.dat": "1 G 0.5\n2 G\n3 A -0.1\n4 U 2.0\n5 C -999\n",
    "values.react": "rna1\n0.5\tNA\t-0.1\t2.0\tNA\n",
    "patterna.shape": "> rna1\n0.5 nan -0.1 2.0 nan\n",
    "named.csv": "id,position,base,reactivity\nrna1,1,G,0.5\nrna1,2,G,\n"
    "rna1,3,A,-0.1\nrna1,4,T,2.0\n",
    "profile.txt": "Nucleotide\tSequence\tNorm_profile\n1\tG\t0.5\n2\tg\tnan\n"
    "3\tA\t-0.1\n4\tU\t2.0\n5\tC\tnan\n",
    "norm.xml": XML,
    "lab.rdat": RDAT,
}


def _read(tmp_path, text, name="a.shape", **flags):
    path = tmp_path / name
    path.write_text(text)
    return reactivity_formats.read(path, **flags)


@pytest.mark.parametrize("name", FORMS)
def test_every_form_says_the_same(name, tmp_path):
    (profile,) = _read(tmp_path, FORMS[name], name)
    np.testing.assert_array_equal(profile.values(SEQUENCE), VALUES)
    assert profile.name in ("", "rna1")


def test_what_is_written_is_read_back(tmp_path):
    path = tmp_path / "a.shape.gz"
    reactivities.write(tmp_path / "a.shape", "rna1", VALUES)
    path.write_bytes(gzip.compress((tmp_path / "a.shape").read_bytes(), mtime=0))
    (profile,) = reactivity_formats.read(path)
    assert profile.name == "rna1"
    np.testing.assert_array_equal(profile.values(SEQUENCE), VALUES)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 0.5\n2 inf\n", "a.shape:2: a reactivity, or -999 or nan where there is"),
        ("1 0.5\n2 high\n", "a.shape:2: a reactivity, or -999 or nan"),
        ("1 0.5\n0 0.5\n", "a.shape:2: a position from 1 expected, found '0'"),
        ("1 0.5\n2 1\n1 0.6\n", "a.shape:3: position 1 was in line 1 already"),
        (">a\n>b\n1 1\n", "a.shape:1: a has no values below"),
        ("\n\n", "a.shape: the file is empty"),
        (">a\n0 1 2 3 4\n0 1 2 3 4\n", "a.shape:3: one line of values for an RNA"),
        ("<data></data>", "a.shape: the file has no reactivities"),
        ("<data>\n<x></data>", "a.shape:2: not XML"),
        (XML.replace("0.5,", ""), "transcript rna1: 5 reactivities expected, as many"),
        ("position,x\n1,2\n", "a.shape:1: no column 'reactivity' or"),
        ("position,value\n1\n", "a.shape:2: 2 fields expected, found 1"),
        (RDAT.replace("\t2.0\n", "\n"), "a.shape:10: 3 values expected, as SEQPOS has"),
        (RDAT.replace("OFFSET 10", "OFFSET 9"), "OFFSET 9 outside the 5 letters"),
    ],
)
def test_a_bad_file_is_told_with_its_line(text, message, tmp_path):
    if "OFFSET 9" in text:
        text = text.replace("U14", "U15")
    with pytest.raises(ValueError, match=r"^.*") as error:
        _read(tmp_path, text)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 0.5\n6 0.5\n", "a.shape:2: position 6; the sequence has 5 nucleotides"),
        (">a\n0 1 2 3 4 5\n", "a.shape:1: 6 reactivities, the sequence has 5"),
        ("1 G 0.5\n2 C 0.5\n", "a.shape:2: C at position 2, the sequence has G"),
        (
            "1 -999\n2 nan\n3 NA\n",
            "a.shape:1: there is no data",
        ),
    ],
)
def test_a_profile_that_does_not_fit_is_told_with_its_line(text, message, tmp_path):
    (profile,) = _read(tmp_path, text)
    with pytest.raises(ValueError, match=r"^.*") as error:
        profile.values(SEQUENCE)
    assert message in str(error.value)


def test_an_rdat_of_several_modifiers_needs_one(tmp_path):
    text = RDAT.replace("Nomod", "DMS")
    with pytest.raises(ValueError, match="several modifiers: 1M7, DMS; name one"):
        _read(tmp_path, text)
    (profile,) = _read(tmp_path, text, modifier="dms")
    assert profile.values(SEQUENCE)[0] == 9
    with pytest.raises(ValueError, match="no data of the modifier '2A3'; there are"):
        _read(tmp_path, text, modifier="2A3")


def test_profiles_go_by_name_then_by_letters(tmp_path):
    text = ">a\n1 G 1\n2 A 2\n>b\n1 C 3\n2 C 4\n"
    found = _read(tmp_path, text)
    assert reactivities.chosen(found, "b", "GA").values("CC")[0] == 3
    assert reactivities.chosen(found, "other", "ga").name == "a"
    assert reactivities.chosen(found, "other", "AA") is None


def test_a_profile_without_a_name_is_of_any_rna(tmp_path):
    found = _read(tmp_path, "1 1\n")
    assert reactivities.chosen(found, "x", "ACGU") is found[0]


def test_normalisations_divide_by_what_they_say():
    value_L = np.arange(1, 101, dtype=np.float32)  # top 10: 91..100, top 2: 99, 100
    np.testing.assert_allclose(
        reactivities.normalised(value_L, "2-8") * np.mean(np.arange(91, 99)),
        value_L,
        rtol=1e-6,
    )
    # Quartiles 25.75 and 75.25: 74.25 is the limit of outliers, but no more than the
    # top 10 are: 90 are left, the top 9 of them 82..90.
    np.testing.assert_allclose(
        reactivities.normalised(value_L, "boxplot") * np.mean(np.arange(82, 91)),
        value_L,
        rtol=1e-6,
    )
    assert np.isnan(reactivities.normalised(np.array([np.nan, 1.0]), "2-8")[0])
    with pytest.raises(ValueError, match="their scale is 0; high values are expected"):
        reactivities.normalised(np.zeros(30), "2-8")
    with pytest.raises(ValueError, match="normalisation='z' is not one of"):
        reactivities.normalised(value_L, "z")


def test_values_that_look_unnormalised_are_doubted():
    value_L = np.random.default_rng(0).exponential(0.5, 100).astype(np.float32)
    assert reactivities.doubt(value_L) == ""
    assert "normalised ones about 1" in reactivities.doubt(value_L * 500)
    assert "normalised ones about 1" in reactivities.doubt(value_L / 500)
    assert reactivities.doubt(np.array([0.1, 4.0])) == ""
    assert "the highest reactivity is 400" in reactivities.doubt(np.array([0.1, 400]))


WIDE = """id,sequence,experiment_type,reactivity_0001,reactivity_0002,reactivity_0003
a,GCA,2A3_MaP,0.5,,1.5
b,GC,2A3_MaP,0.1,0.2,
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (WIDE, [[0.5, np.nan, 1.5], [0.1, 0.2]]),
        ('{"id": "a", "sequence": "GCA", "reactivity": [0.5, null]}\n',
         [[0.5, np.nan, np.nan]]),
        ('[{"name": "a", "sequence": "GC", "reactivity": [0, 1]}]', [[0, 1]]),
        (">a\nGCAGCAGCAGC\n0.5 NA 1 0 0 0 0 0 0 0 0\n", [[0.5, np.nan, 1] + [0] * 8]),
    ],
)  # fmt: skip
def test_a_line_for_each_rna_is_read(tmp_path, text, expected):
    path = tmp_path / "a.txt"
    path.write_text(text)
    found = reactivity_formats.read(path)
    sequences = ["GCAGCAGCAGC"[: len(values)] for values in expected]
    assert [one.name for one in found] == ["a", "b"][: len(found)]
    for one, sequence, values in zip(found, sequences, expected, strict=True):
        np.testing.assert_allclose(one.values(sequence), values, rtol=1e-6)


def test_of_several_experiments_one_is_chosen(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(WIDE + "a,GCA,DMS_MaP,0.7,0.8,0.9\n")
    with pytest.raises(ValueError, match=r"several modifiers: 2A3_MaP, DMS_MaP; name"):
        reactivity_formats.read(path)
    (one,) = reactivity_formats.read(path, modifier="dms")
    np.testing.assert_allclose(one.values("GCA"), [0.7, 0.8, 0.9], rtol=1e-6)
    with pytest.raises(ValueError, match="no reactivities"):
        reactivity_formats.read(path, modifier="1M7")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            '{"id": "a", "sequence": "GC"}\n',
            "a.txt:1: an object with 'reactivity', a l",
        ),
        ('{"reactivity": [1, "x"]}\n', "a.txt:1: value 2: a reactivity"),
        ("{\n", "a.txt:1: an object with 'reactivity'"),
        (WIDE + "c,GC,2A3_MaP,0.1\n", "a.txt:4: 6 fields expected, found 4"),
        (WIDE + "c,GC,2A3_MaP,0.1,x,\n", "a.txt:4: value 2: a reactivity"),
    ],
)
def test_what_is_wrong_with_a_line_of_an_rna_is_named(tmp_path, text, told):
    (tmp_path / "a.txt").write_text(text)
    with pytest.raises(ValueError, match=told):
        reactivity_formats.read(tmp_path / "a.txt")
