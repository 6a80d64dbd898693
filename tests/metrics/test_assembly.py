import dataclasses

import numpy as np
import pytest
import structures

from ssrlm_jax.metrics import assembly, report3d, strand_coverage
from ssrlm_jax.rna import coordinates


@pytest.fixture(scope="module")
def loop():
    """The sarcin-ricin loop of 1Q96."""
    return coordinates.read(structures.PATH).chains[0]


def _moved(chain, name, shift, numbers=None):
    xyz_N3 = chain.xyz_N3 + np.array(shift, np.float32)
    changed = dataclasses.replace(chain, name=name, xyz_N3=xyz_N3)
    return dataclasses.replace(changed, numbers=numbers) if numbers else changed


def _bent(chain):
    """Returns another form of a chain: its halves 3 angstrom further apart."""
    is_late_N = chain.residue_N > len(chain.letters) // 2
    xyz_N3 = chain.xyz_N3 + 3 * is_late_N[:, None].astype(np.float32)
    return dataclasses.replace(chain, xyz_N3=xyz_N3)


def _piece(chain, places, name="A"):
    """Returns some nucleotides of a chain as a strand."""
    is_in_N = np.isin(chain.residue_N, places)
    position = {place: n for n, place in enumerate(places)}
    return dataclasses.replace(
        chain,
        name=name,
        letters="".join(chain.letters[n] for n in places),
        numbers=tuple(chain.numbers[n] for n in places),
        is_seen_L=chain.is_seen_L[list(places)],
        gaps=(),
        residue_N=np.array([position[n] for n in chain.residue_N[is_in_N]], np.int32),
        name_N=chain.name_N[is_in_N],
        xyz_N3=chain.xyz_N3[is_in_N],
        b_N=None,
    )


def _lay(known, predicted):
    known, predicted = (
        assembly.assemble(name, of)
        for name, of in (("known", known), ("predicted", predicted))
    )
    laid = assembly.lay(known, predicted, assembly.edges(known, predicted))
    scored = report3d.score("x", predicted.model, known.model, laid.at_L)
    return laid, scored, strand_coverage.rows(known, predicted, laid)


def test_copies_map_to_copies_by_their_forms(loop):
    known = [_moved(loop, "A", 0), _moved(_bent(loop), "B", 100)]
    laid, scored, _ = _lay(known, known[::-1])
    assert [(n, m) for n, m, _ in laid.pairs] == [(0, 1), (1, 0)]
    assert scored.scores["lddt"] == 1.0
    assert scored.scores["rmsd"] == pytest.approx(0, abs=1e-4)


def test_copies_map_to_copies_by_their_places(loop):
    """The lDDT of far copies is the same in any order; the distance is not."""
    places = [(0, 0, 0), (90, 0, 0), (0, 150, 0)]
    known = [_moved(loop, n, at) for n, at in zip("ABC", places, strict=True)]
    laid, scored, _ = _lay(known, [known[2], known[0], known[1]])
    assert [(n, m) for n, m, _ in laid.pairs] == [(0, 1), (1, 2), (2, 0)]
    assert scored.scores["rmsd"] == pytest.approx(0, abs=1e-4)


def test_many_copies_are_laid_without_trying_all_ways(loop):
    rng = np.random.default_rng(0)
    places = rng.normal(size=(7, 3)) * 100
    known = [_moved(loop, f"{n}", at) for n, at in enumerate(places)]
    order = rng.permutation(7)
    laid, scored, _ = _lay(known, [known[n] for n in order])
    assert [order[m] for _, m, _ in laid.pairs] == list(range(7))
    assert scored.scores["rmsd"] == pytest.approx(0, abs=1e-3)


def test_of_many_copies_the_one_that_fits_is_taken(loop):
    laid, scored, _ = _lay([loop], [_bent(loop), _moved(loop, "B", 50)])
    assert [(n, m) for n, m, _ in laid.pairs] == [(0, 1)]
    assert scored.scores["lddt"] == 1.0


def test_a_strand_that_is_missing_counts_as_wrong(loop):
    known = [_moved(loop, "A", 0), _moved(loop, "B", 100)]
    _, scored, rows = _lay(known, [loop])
    assert scored.scores["lddt"] == pytest.approx(0.5, abs=0.01)
    assert scored.num_covered == scored.num_seen // 2
    assert sorted(row.num_covered for row in rows) == [0, 27]
    assert "0 of 27 nucleotides" in strand_coverage.note(rows)


def test_one_chain_may_be_two_and_two_one(loop):
    """Strands of 13 and 14 nt, in one chain and in two."""
    pieces = [_piece(loop, range(13), "X"), _piece(loop, range(13, 27), "Y")]
    for known, predicted in (([loop], pieces), (pieces, [loop])):
        laid, scored, _ = _lay(known, predicted)
        np.testing.assert_array_equal(laid.at_L, range(27))
        assert scored.scores["lddt"] == 1.0
        assert len(laid.pairs) == 2


def test_bonds_are_expected_where_the_known_strand_has_them(loop):
    """12-15 are gone and numbers run on: no bond leads over the hole."""
    places = [*range(11), *range(15, 27)]
    numbers = tuple(str(n + 1) for n in range(len(places)))
    hole = dataclasses.replace(_piece(loop, places), numbers=numbers)
    laid, scored, [row] = _lay([loop], [hole])
    assert 10 in laid.breaks
    assert scored.scores["bond_outliers"] < 0.02
    assert (row.num_covered, row.matched_by) == (23, "alignment")
    first, last = loop.numbers[11], loop.numbers[14]
    assert row.missing == f"{first}-{last}"
    assert strand_coverage.note([row]) == (
        f"chain {loop.name}: 23 of 27 nucleotides, without {first}-{last}"
    )


def test_what_was_not_seen_is_not_asked_for(loop):
    """Pairs and atoms of the prediction beyond the known structure do not count."""
    known = _piece(loop, range(4, 23))
    _, scored, [row] = _lay([known], [loop])
    assert (row.num_seen, row.num_covered) == (19, 19)
    found = [scored.scores[name] for name in ("lddt", "fidelity", "canonical_f1")]
    assert found == [1.0, 1.0, 1.0]


def test_numbers_of_missing_nucleotides_are_their_authors(loop):
    numbers = tuple(f"{n}A" for n in range(100, 127))
    known = dataclasses.replace(loop, numbers=numbers)
    _, _, [row] = _lay([known], [_piece(loop, [*range(5), *range(6, 27)])])
    assert row.missing == "105A"
