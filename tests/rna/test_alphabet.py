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
    token_L, changed = alphabet.encode(text)
    np.testing.assert_array_equal(token_L, np.array([4, 5, 6, 7, 8], np.uint8))
    assert token_L.dtype == np.uint8
    assert changed == (0, 0, 0)


def test_iupac_codes_become_n_and_are_counted():
    token_L, changed = alphabet.encode("ARYSWKMBDHVXryswkmbdhvxNn")
    assert alphabet.decode(token_L) == "A" + "N" * 24
    assert changed == alphabet.Changed(codes=22)


# Yeast's tRNA-Phe as Sprinzl 1998 writes it (RA1663), but for the codes that are
# IUPAC's, too (R m22G, D, B Cm, Y yW), which are N here; its gene has these letters.
_PHE = 'GCGGAUUUALCUCAGDDGGGAGAGCRCCAGABU#AAYAP?UGGAG7UC?UGUGTPCG"UCCACAGAAUUCGCACCA'
_GENE = "GCGGATTTAGCTCAGTTGGGAGAGCGCCAGACTGAAGATCTGGAGGTCCTGTGTTCGATCCACAGAATTCGCACCA"


@pytest.mark.parametrize("letters", [_PHE, _PHE.encode(), _PHE.replace("P", "Ψ")])
def test_modified_nucleotides_become_their_parents(letters):
    token_L, changed = alphabet.encode(letters)
    gene = _GENE.replace("T", "U")
    shown = alphabet.decode(token_L)
    assert len(shown) == len(gene) == 76
    assert [i for i in range(76) if shown[i] != gene[i]] == [15, 16, 25, 31, 36]
    assert {shown[i] for i in (15, 16, 25, 31, 36)} == {"N"}
    assert changed == alphabet.Changed(codes=5, modified=8)


def test_inosine_has_no_parent_that_pairs_as_it_does():
    assert alphabet.spelled("AIGO") == ("ANGN", alphabet.Changed(modified=2))


def test_no_code_has_two_parents_or_is_something_else():
    codes = "".join(alphabet.MODIFIED.values())
    others = "ACGUTN" + alphabet.MANY + alphabet.GAPS + alphabet.STRANDS
    assert len(set(codes)) == len(codes)
    assert not set(codes) & set(others + others.lower())
    assert "N" not in alphabet.spelled(codes[: codes.index("I")])[0]


@pytest.mark.parametrize("letter", ["@", "0", ",", "\xe9", "中", "𝄞", "\0"])
def test_other_letters_become_n_and_are_counted(letter):
    for text in (f"AC{letter}G", f"AC{letter}G".encode()):
        token_L, changed = alphabet.encode(text)
        assert alphabet.decode(token_L) == "ACNG"
        assert changed == alphabet.Changed(unknown=1)


def test_bytes_that_are_not_utf8_are_letters_each():
    assert alphabet.spelled(b"A\xe9\xffG")[0] == "ANAG"  # é and ÿ, ms2ct6A


@pytest.mark.parametrize("letter", ["-", ".", "~", "_"])
def test_gaps_are_named_with_their_position(letter):
    with pytest.raises(alphabet.GapError, match=f"position 3: '[{letter}]' is a gap"):
        alphabet.encode(f"AC{letter}-")


@pytest.mark.parametrize(
    ("letter", "what"), [("&", "strands"), ("+", "strands"), (" ", "white space")]
)
def test_what_is_between_sequences_is_named_with_its_position(letter, what):
    with pytest.raises(ValueError, match=f"position 3: '[{letter}]' .*{what}"):
        alphabet.encode("AC" + letter)


@pytest.mark.parametrize("name", ["(m6A)", "[m5C]", "{ac4C}", "/s2U/", "(mcm5s2U)"])
def test_names_of_modified_nucleotides_are_told_apart_from_letters(name):
    with pytest.raises(ValueError, match=r"position 3: '.*' is a name; a letter for"):
        alphabet.encode(f"AC{name}G")


@pytest.mark.parametrize("dash", "\u2010\u2013\u2212")
def test_dashes_of_word_processors_are_gaps(dash):
    with pytest.raises(alphabet.GapError, match="position 3"):
        alphabet.encode(f"AC{dash}G")


def test_codes_stay_as_given_where_a_sequence_is_spelled():
    assert alphabet.spelled("acgtrPn*@") == ("ACGURUNAN", (1, 2, 1))


@pytest.mark.parametrize(
    ("line", "letters"),
    [
        (b"       61 ccguaaugcc uuucccuaac   80", b"ccguaaugccuuucccuaac"),
        (b"GG G\tG7A", b"GGGG7A"),
        ("GG\u00a0CC\u200b".encode(), b"GGCC"),
        (b"5'-ACGU-3'", b"ACGU"),
        ("5\u2032 ACG U-3\u2019".encode(), b"ACGU"),
        (b'"ACGU"', b"ACGU"),
        (b"rGrG rAmU", b"GGAU"),
        (b"mrna", b"mrna"),
        (b"ACGU\x1a", b"ACGU"),
        (b"ACGU", b"ACGU"),
        (b"", b""),
    ],
)
def test_positions_and_blanks_in_a_line_go(line, letters):
    assert alphabet.cleaned(line) == letters


def test_letters_other_than_the_four_are_counted():
    assert alphabet.num_other("MKTAYHAKSRWGGSSAATTKKGGVVSHK") == 17
    assert alphabet.num_other("ACGUTacgut") == 0


def test_no_letters_are_no_tokens():
    token_L, changed = alphabet.encode("")
    assert token_L.shape == (0,)
    assert changed == (0, 0, 0)


def test_special_tokens_are_written_by_name():
    assert alphabet.decode(np.array([1, 4, 3, 2, 0])) == "<cls>A<mask><eos><pad>"


def test_only_a_c_g_u_are_nucleotides():
    is_one = alphabet.is_nucleotide(np.arange(alphabet.SIZE))
    np.testing.assert_array_equal(np.flatnonzero(is_one), [4, 5, 6, 7])
