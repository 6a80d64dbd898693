import numpy as np
import pytest

from ssrlm_jax.external import sequences


def test_every_way_to_write_rna_becomes_one():
    assert sequences.read(1, "ACGUN") == "ACGUN"
    assert sequences.read(1, "acgtRn") == "ACGUNN"
    with pytest.raises(ValueError, match="^sequence 7, position 2: '-' is a gap"):
        sequences.read(7, "A-C")


def test_fasta_names_are_places_in_the_call(tmp_path):
    is_written_N = sequences.write_fasta(tmp_path / "a.fa", iter(["ac", "", "N"]))
    np.testing.assert_array_equal(is_written_N, [True, False, True])
    assert (tmp_path / "a.fa").read_text() == ">0\nAC\n>2\nN\n"


def test_a_sequence_longer_than_a_program_reads_is_refused(tmp_path):
    with pytest.raises(ValueError, match="sequence 2 has 3 nucleotides; .* most 2"):
        sequences.write_fasta(tmp_path / "a.fa", ["AC", "ACG"], longest=2)
