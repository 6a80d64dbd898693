import json

import numpy as np
import pytest
import structures

from ssrlm_jax.infer import atom_methods
from ssrlm_jax.metrics import report3d


def _known():
    xyz_LT3, _, is_atom_LT = structures.whole()
    letters = "".join(
        letter
        for letter, is_whole in zip(
            structures.chain().letters, _is_whole(), strict=True
        )
        if is_whole
    )
    return report3d.Model(letters, xyz_LT3, is_atom_LT)


def _is_whole():
    one = structures.chain()
    kept = {row.tobytes() for row in structures.whole()[0]}
    return [row.tobytes() in kept for row in one.xyz_LT3]


def _noisy(size, seed=0):
    known = _known()
    noise_LT3 = np.random.default_rng(seed).normal(size=known.xyz_LT3.shape)
    plddt_L = np.full(len(known.letters), 1 / (1 + size))
    return known._replace(xyz_LT3=known.xyz_LT3 + size * noise_LT3, plddt_L=plddt_L)


def test_the_truth_scores_full_marks_and_nothing_scores_none():
    known = _known()
    best = report3d.score("a", known, known).scores
    for name in ("lddt", "lddt_c1", "tm_score", "fidelity", "pair_f1", "canonical_f1"):
        assert best[name] == 1.0
    assert best["rmsd"] == pytest.approx(0.0, abs=1e-5)
    assert best["wrong_chirality"] == 0.0
    worst = report3d.score("a", known.without_atoms(), known).scores
    for name in ("lddt", "lddt_c1", "tm_score", "fidelity", "pair_f1"):
        assert worst[name] == 0.0
    assert np.isnan(worst["rmsd"])


def test_where_nothing_pairs_no_pair_is_scored():
    """Else a set without pairs has the same full marks from any prediction."""
    letters = "ACGU"
    known = report3d.Model(letters, *atom_methods.helix_atoms(letters))
    for predicted in (known, known.without_atoms()):
        found = report3d.score("a", predicted, known)
        names = ("fidelity", "pair_f1", "canonical_f1")
        assert np.isnan([found.scores[name] for name in names]).all()
        assert found.canonical == (0, 0)
    assert report3d.report([found])["scores"]["pair_f1"] == [None, None, None]


def test_base_pairs_of_a_structure_are_those_of_its_file():
    """The sarcin-ricin loop: a stem of Watson-Crick pairs, and others in its loop."""
    found = report3d.base_pairs(_known())
    canonical = {(p.i + 1, p.j + 1) for p in found if p.edges == "cWW"}
    of_file = {(i, j) for i, j in structures.chain().pairs_N2.tolist() if i > 0}
    assert canonical == of_file  # the first nucleotide has no phosphate: left out
    assert len(canonical) == 5
    assert len(found) > len(canonical)


def test_reports_have_means_intervals_and_trends():
    known = _known()
    sizes = (0.1, 0.3, 0.5, 1.0, 1.5)
    scored = [
        report3d.score(f"n{size}", _noisy(size), known, identity=1 - size / 2)
        for size in sizes
    ]
    found = report3d.report(scored)
    value, low, high = found["scores"]["lddt"]
    assert value == pytest.approx(
        np.mean([one.scores["lddt"] for one in scored]), abs=1e-6
    )
    assert low < value < high
    assert found["with_identity"]["lddt"][0] > 0.9
    assert found["with_length"]["lddt"] == [None, None, None]  # all of one length
    assert found["confidence"]["pearson_of_structures"][0] > 0.9
    assert sum(found["confidence"]["bins"]["nucleotides"]) == 5 * len(known.letters)
    assert json.loads(json.dumps(found)) == found
    header, first, *_ = report3d.rows(scored)
    assert (
        dict(zip(header, first, strict=True))["lddt"]
        == f"{scored[0].scores['lddt']:.4f}"
    )


def test_without_confidence_or_identity_there_is_none_of_it():
    known = _known()
    found = report3d.report([report3d.score("a", known, known)])
    assert not {"confidence", "with_identity"} & set(found)


def test_another_sequence_is_an_error():
    known = _known()
    other = known._replace(letters="A" * len(known.letters))
    with pytest.raises(ValueError, match="another sequence"):
        report3d.score("a", other, known)


def test_samples_have_a_first_a_best_and_a_mean():
    known = _known()
    sizes = ((0.7, 0.3, 1.5), (0.5,))
    samples = [[report3d.score("a", _noisy(s), known) for s in of] for of in sizes]
    lddt = [[one.scores["lddt"] for one in of] for of in samples]
    found = report3d.of_samples(samples)
    assert found["most"] == 3
    assert found["best"]["lddt"][0] == pytest.approx(
        (lddt[0][1] + lddt[1][0]) / 2, abs=1e-6
    )
    assert found["mean"]["lddt"][0] == pytest.approx(
        (np.mean(lddt[0]) + lddt[1][0]) / 2, abs=1e-6
    )


def test_confidence_is_of_those_that_have_it():
    known = _known()
    scored = [
        report3d.score("a", _noisy(0.3), known),
        report3d.score("b", known, known),
    ]
    found = report3d.report(scored)["confidence"]
    assert found["structures"] == 1
    assert found["mean_plddt"] == pytest.approx(1 / 1.3)
    assert sum(found["bins"]["nucleotides"]) == len(known.letters)


def test_coverage_counts_nucleotides_that_were_seen():
    known = _known()
    is_atom_LT = known.is_atom_LT.copy()
    is_atom_LT[:3] = False
    known = known._replace(is_atom_LT=is_atom_LT)
    at_L = np.arange(len(known.letters))
    at_L[5:7] = -1
    scored = report3d.score("a", _known(), known, at_L)
    assert (scored.num_seen, scored.num_covered) == (len(at_L) - 3, len(at_L) - 5)
    found = report3d.report([scored])
    assert found["coverage"] == pytest.approx(1 - 2 / (len(at_L) - 3))
    assert np.isnan(scored.lddt_L[:3]).all()
    assert (scored.lddt_L[5:7] == 0).all()
