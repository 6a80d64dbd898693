import numpy as np
import pytest

from ssrlm_jax.rna import alignments, probabilities, structures

STOCKHOLM = """# STOCKHOLM 1.0
#=GF AC RF99999
one      GGGGaaaa.CCCCAA
two      GGCGAAAATCGCC--
#=GC SS_cons <<<<_____>>>>..
//
"""


def _read(tmp_path, text):
    path = tmp_path / "family"
    path.write_text(text)
    return alignments.read(path)


def _listed(i, j, probability):
    return probabilities.PairProbabilities(*map(np.array, (i, j, probability)))


def test_stockholm_and_aligned_fasta_say_the_same(tmp_path):
    (one,) = _read(tmp_path, STOCKHOLM)
    (other,) = _read(tmp_path, ">one\nGGGGAAAA-CCCCAA\n>two\nGGCGAAAAUCGCC--\n")
    assert one.rows == other.rows == ("GGGGAAAA-CCCCAA", "GGCGAAAAUCGCC--")
    assert one.names == other.names == ("one", "two")
    assert one.name == "RF99999"
    assert one.consensus.pairs.tolist() == [[0, 12], [1, 11], [2, 10], [3, 9]]
    assert other.consensus is None
    assert one.sequences == ["GGGGAAAACCCCAA", "GGCGAAAAUCGCC"]
    assert one.letters == "GGCGAAAAUCCCCAA"


def test_probabilities_are_averaged_in_columns(tmp_path):
    (one,) = _read(tmp_path, STOCKHOLM)
    # Column 8 is a gap of the first: its letter 8 stands in column 9.
    first = _listed([3, 0], [8, 13], [0.8, 0.6])
    second = _listed([3], [9], [0.4])
    found = one.averaged([first, second])
    assert list(zip(found.i.tolist(), found.j.tolist(), strict=True)) == [
        (0, 14),
        (3, 9),
    ]
    np.testing.assert_allclose(found.probability, [0.3, 0.6], rtol=1e-6)


def test_pairs_of_columns_become_those_of_a_member(tmp_path):
    (one,) = _read(tmp_path, STOCKHOLM)
    columns = structures.Structure(15, np.array([(0, 12), (3, 8), (4, 14)]))
    assert one.projected(columns, 0).pairs.tolist() == [[0, 11], [4, 13]]
    assert one.projected(columns, 1).pairs.tolist() == [[0, 12], [3, 8]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (">a\nGGG\n>b\nGG\n", "b has 2 columns, a 3; aligned sequences are equally"),
        (">a\nGGG\n>b\n---\n", "b holds gaps only"),
        (">a\nG-&\n", "a: position 2: '&'"),
        (STOCKHOLM.replace("<<<<", "<<<<."), "one has 15 columns, SS_cons 16"),
        (STOCKHOLM.replace(">>>>", ">>>>>"), "closes nothing"),
        (STOCKHOLM.replace("//\n", ""), "the alignment does not end with '//'"),
    ],
)
def test_what_is_no_alignment_is_told(text, message, tmp_path):
    with pytest.raises(ValueError, match=r"^.*") as error:
        _read(tmp_path, text)
    assert message in str(error.value)
    assert str(error.value).startswith(str(tmp_path / "family"))


def test_letters_of_modified_nucleotides_are_spelled_in_rows():
    assert alignments.plain("gt.Ψ~I_é") == "GU-U-N-N"
    assert alignments.plain("A&C") == "A&C"
