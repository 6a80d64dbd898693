import numpy as np
import pytest

from ssrlm_jax.rna import elements, structures


@pytest.mark.parametrize(
    ("dots", "letters"),
    [
        ("", ""),
        (".", "f"),
        ("(...)", "shhhs"),
        (".((...))..", "fsshhhsstt"),
        ("((...)).((...))", "sshhhssmsshhhss"),  # between two stems
        ("(.((...)))", "sisshhhsss"),  # a bulge
        ("(.((...)).)", "sisshhhssis"),  # an interior loop
        ("(.(...).(...))", "smshhhsmshhhss"),
    ],
)
def test_each_nucleotide_has_the_letter_of_its_loop(dots, letters):
    assert elements.of(structures.from_dot_bracket(dots)) == letters


def test_pairs_that_cross_are_stems_and_shape_no_loop():
    structure = structures.from_dot_bracket("((..[[[.))...]]]")
    assert elements.of(structure) == "sshhssshssttts" + "ss"


def test_of_a_base_triple_the_first_pair_counts():
    structure = structures.Structure(8, np.array([(0, 4), (4, 7)]))
    assert elements.of(structure) == "shhhsttt"
