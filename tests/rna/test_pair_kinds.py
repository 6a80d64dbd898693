import duplex
import numpy as np
import pytest

from ssrlm_jax.rna import coordinates, pair_annotation, pair_kinds


@pytest.mark.parametrize(
    ("letters", "edges", "kind"),
    [
        ("GC", "cWW", "watson-crick"),
        ("AU", "", "watson-crick"),
        ("UG", "cWW", "wobble"),
        ("AU", "tWH", "non-canonical"),
        ("GA", "cWW", "non-canonical"),
        ("NC", "", "non-canonical"),
    ],
)
def test_a_pair_is_canonical_by_letters_and_edges(letters, edges, kind):
    assert pair_kinds.kind(*letters, edges) == kind
    assert pair_kinds.kind(*reversed(letters), edges) == kind


def test_the_earlier_nucleotide_and_its_edge_come_first():
    assert pair_kinds.ordered(0, 9, 0, 3, "tHS") == (0, 3, 0, 9, "tSH")
    assert pair_kinds.ordered(0, 9, 1, 3, "tHS") == (0, 9, 1, 3, "tHS")
    assert pair_kinds.ordered(0, 9, 0, 3) == (0, 3, 0, 9, "")


def _at(**places):
    names = {name.replace("_", "'"): xy for name, xy in places.items()}
    return {name: np.array([*xy, 0.0]) for name, xy in names.items()}


def test_edges_are_those_with_most_contacts():
    """In a plane: the Watson-Crick edges face each other at x = 2 and x = 5."""
    g = _at(N1=(2, 0), O6=(2, 2), N2=(2, -2), N7=(-1, 2), N9=(-2, 0), C1_=(-3, -2))
    c = _at(N3=(5, 0), N4=(5, 2), O2=(5, -2), N1=(8, -1), C1_=(9, -2))
    assert pair_annotation.edges_of("G", g, "C", c) == "cWW"
    flipped = c | _at(C1_=(9, 2))
    assert pair_annotation.edges_of("G", g, "C", flipped) == "tWW"
    far = {name: xyz + 10 for name, xyz in c.items()}
    assert pair_annotation.edges_of("G", g, "C", far) == ""
    unseen = {name: xyz for name, xyz in c.items() if name != "C1'"}
    assert pair_annotation.edges_of("G", g, "C", unseen) == ""


def test_hoogsteen_edge():
    a = _at(N6=(0, 3), N7=(-2, 3), N1=(2, 0), N9=(-2, 0), C1_=(-3, -2))
    u = _at(N3=(-2, 6), O4=(0, 6), O2=(-5, 6), N1=(-4, 8), C1_=(-5, 9))
    assert pair_annotation.edges_of("A", a, "U", u)[1:] == "HW"


def test_no_chain_has_no_pairs():
    assert pair_annotation.annotate([]) == []


@pytest.mark.parametrize("far", [500.0, 9_998.0])
def test_an_atom_far_away_costs_neither_memory_nor_pairs(tmp_path, far):
    given = duplex.changed(
        duplex.atoms(),
        xyz=lambda x: (far, far, -far) if (x.number, x.name) == (3, "N4") else x.xyz,
    )
    (tmp_path / "a.pdb").write_text(duplex.pdb(given))
    chains = coordinates.read(tmp_path / "a.pdb").chains
    assert len(pair_annotation.annotate(chains)) == 9  # all but that of C 3


def test_strewn_atoms_have_no_pairs(tmp_path, caplog):
    given = duplex.changed(duplex.atoms(), xyz=lambda x: tuple(c * 300 for c in x.xyz))
    (tmp_path / "a.pdb").write_text(duplex.pdb(given))
    chains = coordinates.read(tmp_path / "a.pdb").chains
    assert pair_annotation.annotate(chains) == []
    assert "strewn too far to look for base pairs" in caplog.text


def test_a_base_without_its_ring_has_no_orientation():
    u = _at(N1=(9, 0), O4=(5, 2), C1_=(10, -1))
    a = _at(N6=(2, 2), N9=(-2, 0), C1_=(-3, -1))
    assert pair_annotation.edges_of("A", a, "U", u) == ""
