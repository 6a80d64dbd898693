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


@pytest.mark.parametrize("names", ["RA RC RG RU", "ADE CYT GUA URA", "X1 X2 X3 X4"])
def test_what_is_tested_is_kept_away_from_whatever_its_names(folder, tmp_path, names):
    of = dict(zip("ACGU", names.split(), strict=True))
    lines = known.helix_pdb(LETTERS[1]).splitlines()
    atoms = [
        f"{line[:17]}{of[line[19]]:>3}{line[20:]}" if line[:4] == "ATOM" else line
        for line in lines
        if line[:6] != "SEQRES"
    ]
    tested = tmp_path / "tested" / "1.pdb"
    tested.parent.mkdir()
    tested.write_text("\n".join(atoms))
    (folder / "1.pdb").rename(tmp_path / "1.pdb_")
    (folder / "3.pdb").write_text(known.helix_pdb(LETTERS[1]))
    paths = ",".join(str(folder / f"{n}.pdb") for n in (0, 2, 3))
    training, _ = _divide(paths, away_from=str(tested), validation_share=0.0)
    assert training == [LETTERS[0], LETTERS[2]]


@pytest.mark.parametrize(
    ("kept", "message"),
    [
        (" C4'", r"x\.pdb: nothing could be kept away from chain A: coarse-grained "),
        ("none", r"x\.pdb: no atoms are found"),
    ],
)
def test_a_tested_file_of_which_nothing_is_read_is_refused(folder, kept, message):
    lines = known.helix_pdb(LETTERS[0]).splitlines()
    tested = folder / "tested" / "x.pdb"
    tested.parent.mkdir()
    tested.write_text("\n".join(one for one in lines if one[12:16] == kept))
    with pytest.raises(ValueError, match=message):
        _divide(folder / "0.pdb", away_from=str(tested))


def test_a_tested_chain_of_unknown_letters_is_refused(folder):
    text = known.helix_pdb(LETTERS[0])
    lines = [line for line in text.splitlines() if line[:6] != "SEQRES"]
    tested = folder / "tested" / "x.pdb"
    tested.parent.mkdir()
    tested.write_text("\n".join(f"{line[:17]}  N{line[20:]}" for line in lines))
    with pytest.raises(ValueError, match="A: 18 of 18 letters are unknown"):
        _divide(folder / "0.pdb", away_from=str(tested))
