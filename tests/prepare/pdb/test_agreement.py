from ssrlm_jax.prepare.pdb import agreement


def test_shared_pairs_and_every_kind_of_disagreement_are_counted():
    """GC at 0-5 is shared; 1-4 is AU against 1-3; 2-6 is of one side only."""
    told = agreement.compare(
        [
            agreement.Compared(
                "GAGGUCA",
                {(0, 5): "cWW", (1, 4): "cWW", (2, 6): "tSH"},
                {(0, 5): "tWW", (1, 3): ""},
            )
        ]
    )
    assert told["chains"] == 1
    assert told["all"]["shared"] == 1
    assert told["all"]["precision"] == round(1 / 3, 4)
    assert told["all"]["recall"] == 0.5
    assert told["all"]["f1"] == 0.4
    assert (told["canonical"]["mine"], told["canonical"]["theirs"]) == (2, 0)
    assert told["edges"] == {
        "known to both": 1,
        "same": 0,
        "different": {"cWW, tWW": 1},
    }
    assert told["only_mine"] == {
        "watson-crick, cWW, partner differs": 1,
        "non-canonical, tSH, unpaired": 1,
    }
    assert told["only_theirs"] == {"non-canonical, edges unknown, partner differs": 1}


def test_what_is_canonical_goes_by_the_edges_that_either_side_knows():
    """AU at 0-3 is Hoogsteen; the other side, without edges, has it and GC at 1-2."""
    told = agreement.compare(
        [agreement.Compared("AGCU", {(0, 3): "cHW"}, {(0, 3): "", (1, 2): ""})]
    )
    canonical = told["canonical"]
    assert (canonical["mine"], canonical["theirs"]) == (0, 1)
    assert told["only_theirs"] == {"watson-crick, edges unknown, unpaired": 1}
    assert told["edges"] == {"known to both": 0, "same": 0, "different": {}}


def test_nothing_against_nothing_is_zero():
    assert agreement.compare([])["all"]["f1"] == 0
