import numpy as np
import pytest

from ssrlm_jax.rna import alphabet


def test_ids_are_the_published_order():
    assert alphabet.LETTERS == (
        "<pad>", "<cls>", "<eos>", "<mask>", "A", "C", "G", "U", "N",
    )  # fmt: skip
    assert (alphabet.PAD, alphabet.A, alphabet.N) == (0, 4, 8)
    assert alphabet.SIZE == 9


@pytest.mark.parametrize("text", ["ACGUN", "acgun", "ACGTN", b"acgtn"])
def test_case_and_thymine_do_not_matter(text):
    token_L, num_changed = alphabet.encode(text)
    np.testing.assert_array_equal(token_L, np.array([4, 5, 6, 7, 8], np.uint8))
    assert token_L.dtype == np.uint8
    assert num_changed == 0


def test_iupac_codes_become_n_and_are_counted():
    token_L, num_changed = alphabet.encode("ARYSWKMBDHVXryswkmbdhvxNn")
    assert alphabet.decode(token_L) == "A" + "N" * 24
    assert num_changed == 22


@pytest.mark.parametrize("letter", ["-", ".", "*", "E", "!", " ", "\xe9", "中", "\0"])
def test_other_letters_are_named_with_their_position(letter):
    with pytest.raises(ValueError, match="position 3: ") as caught:
        alphabet.encode("AC" + letter + "-")
    if ord(letter) < 256:
        assert repr(letter) in str(caught.value)


@pytest.mark.parametrize("letter", ["Ψ", "é", "𝄞"])
def test_letters_of_other_alphabets_are_shown_as_they_are(letter):
    # A file of UTF-8, as bytes and as `formats.read` gives it, and a text.
    given = f"AC{letter}G".encode()
    for text in (given, given.decode("latin-1"), f"AC{letter}G"):
        with pytest.raises(ValueError, match=f"position 3: '{letter}' is not"):
            alphabet.encode(text)


def test_no_letters_are_no_tokens():
    token_L, num_changed = alphabet.encode("")
    assert token_L.shape == (0,)
    assert num_changed == 0


def test_special_tokens_are_written_by_name():
    assert alphabet.decode(np.array([1, 4, 3, 2, 0])) == "<cls>A<mask><eos><pad>"


def test_only_a_c_g_u_are_nucleotides():
    is_one = alphabet.is_nucleotide(np.arange(alphabet.SIZE))
    np.testing.assert_array_equal(np.flatnonzero(is_one), [4, 5, 6, 7])
