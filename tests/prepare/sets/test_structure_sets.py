import pytest
import structures as known

from ssrlm_jax import config
from ssrlm_jax.prepare.sets import structure_sets

LETTERS = ("GGGAAACCCUUUGGGAAA", "GGGAAACCCUUUGGGAAC", "CCAUUUGCGACCAUGGAUACC")


@pytest.fixture
def folder(tmp_path):
    for number, letters in enumerate(LETTERS):
        (tmp_path / f"{number}.pdb").write_text(known.helix_pdb(letters))
    return tmp_path


def _divide(path, **settings):
    chosen = config.StructuresConfig(structures=str(path), identity=1.0, **settings)
    return [
        [one.letters for one in part] for part in structure_sets.divide(chosen, seed=0)
    ]


def test_chains_train_or_validate(folder):
    training, validating = _divide(folder, validation_share=0.3)
    assert len(validating) == 1
    assert sorted(training + validating) == sorted(LETTERS)


def test_named_chains_validate_and_what_is_tested_does_neither(folder):
    training, validating = _divide(
        folder, validation=str(folder / "1.pdb"), away_from=str(folder / "2.pdb")
    )
    assert (training, validating) == ([LETTERS[0]], [LETTERS[1]])


def test_what_is_tested_may_be_too_long_to_train_on(folder):
    limits = {"max_length": 18, "validation_share": 0.0}
    training, _ = _divide(folder, away_from=str(folder / "2.pdb"), **limits)
    assert training == list(LETTERS[:2])


def test_what_is_tested_never_validates(folder):
    tested = str(folder / "1.pdb")
    named = f"{folder / '0.pdb'},{tested}"
    training, validating = _divide(folder, validation=named, away_from=tested)
    assert (training, validating) == ([LETTERS[2]], [LETTERS[0]])


def test_without_a_share_one_chain_trains_and_validates():
    training, validating = _divide(known.PATH, validation_share=0.0)
    assert training == validating == [known.chain().letters]


def test_nothing_left_is_an_error(folder):
    with pytest.raises(ValueError, match="no chain is left to train on"):
        _divide(folder / "1.pdb", away_from=str(folder / "1.pdb"))
