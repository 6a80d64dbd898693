import pytest

from ssrlm_jax.rna import strands


@pytest.mark.parametrize("text", ["GGGG&CCC", "GGGG+CCC"])
def test_strands_are_joined_and_told_apart_again(text):
    joined, breaks = strands.split(text)
    assert (joined, breaks) == ("GGGGCCC", (4,))
    assert strands.joined(text) == joined
    assert strands.marked(joined, breaks) == "GGGG&CCC"
    assert strands.marked("(((..))", breaks) == "(((.&.))"


def test_one_strand_has_no_break():
    assert strands.split("ACGU") == ("ACGU", ())
    assert strands.marked("ACGU", ()) == "ACGU"


def test_more_strands_have_more_breaks():
    assert strands.split("A&CG&U") == ("ACGU", (1, 3))


@pytest.mark.parametrize("text", ["&A", "A&", "A&&A", "&"])
def test_a_strand_without_letters_is_an_error(text):
    with pytest.raises(ValueError, match="a strand without letters"):
        strands.split(text)
