import dataclasses
import io
import pickle

import numpy as np
import pytest
import stand_ins

from ssrlm_jax import config
from ssrlm_jax.external import energies, folding_programs, programs, vienna
from ssrlm_jax.rna import probabilities

RNA = pytest.importorskip("RNA", reason="ViennaRNA is not installed")
TWO = ("vienna", "andronescu")
MIXED = [stand_ins.TRNA, "", "A", "NNNNNN", "augtr", stand_ins.TRNA, "GGGGNAAACCCC"]


def _matrices(found, length):
    return [probabilities.to_matrix(listed, length) for listed in found]


def test_each_program_says_what_it_says_alone():
    ((first, second),) = energies.Energies(names=TWO)([stand_ins.TRNA])
    for name, found in zip(TWO, (first, second), strict=True):
        (folded,) = folding_programs.FOLDERS[name]().fold(
            [stand_ins.TRNA], with_probabilities=True, least=1e-4
        )
        np.testing.assert_array_equal(found.i, folded.probabilities.i)
        np.testing.assert_allclose(
            found.probability, folded.probabilities.probability, rtol=1e-3
        )
    assert first.probability.min() < 2e-4
    assert not np.array_equal(first.probability, second.probability)


def test_together_is_what_one_by_one_is():
    source = energies.Energies(names=TWO)
    for letters, found in zip(MIXED, source(MIXED), strict=True):
        (alone,) = source([letters])
        for ours, expected in zip(found, alone, strict=True):
            for column, wanted in zip(ours, expected, strict=True):
                np.testing.assert_array_equal(column, wanted)
    assert [len(found[0].i) for found in source(["", "A", "NNNN"])] == [0, 0, 0]


def test_what_is_kept_is_found_again_and_not_computed(tmp_path, monkeypatch):
    kept = energies.Energies(names=TWO, folder=str(tmp_path))
    before = kept(MIXED)
    copy = pickle.loads(pickle.dumps(kept))  # as another process gets it
    monkeypatch.setattr(
        vienna.Vienna, "fold", lambda self, given, **_: [None] * len(given)
    )
    for ours, expected in zip(copy(MIXED), before, strict=True):
        for found, wanted in zip(ours, expected, strict=True):
            for column, values in zip(found, wanted, strict=True):
                np.testing.assert_array_equal(column, values)
                assert column.dtype == values.dtype


def test_another_setting_is_another_map(tmp_path):
    kept = energies.Energies(names=("vienna",), folder=str(tmp_path))
    hot = dataclasses.replace(kept, temperature=60.0)
    ((cold_map,),), ((hot_map,),) = kept([stand_ins.TRNA]), hot([stand_ins.TRNA])
    assert not np.array_equal(cold_map.i, hot_map.i)
    assert hot.describe()[0]["temperature"] == 60.0


def test_what_differs_from_training_is_named():
    found = energies.Energies(names=TWO).describe()
    assert energies.changed(found, found) == ""
    older = [one | {"version": "2.7.0"} for one in found]
    version = RNA.__version__
    assert energies.changed(older, found) == (
        "the model was trained with the energies of ViennaRNA 2.7.0, ViennaRNA 2.7.0 "
        f"andronescu2007, and folds with those of ViennaRNA {version}, ViennaRNA "
        f"{version} andronescu2007; results may differ a little"
    )
    hot = [found[0], found[1] | {"temperature": 60.0}]
    assert "andronescu2007 temperature 60.0, and folds" in energies.changed(hot, found)
    (one, _), table = found, {"program": "relatives", "version": 2, "memory": "b6"}
    text = energies.changed([one, table], [one, table | {"memory": "e0"}])
    assert "relatives 2 memory b6, and folds" in text
    assert "relatives 2 memory e0; results" in text
    assert "relatives" in energies.changed([one], [one, table])


def _saved(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


# What became of the bytes of a file that was kept.
DAMAGES = {
    "other bytes": lambda kept: b"x",
    "none": lambda kept: b"",
    "not all": lambda kept: kept[:-1],
    "more": lambda kept: kept + b"\0",
    "a header that does not end": lambda kept: kept.replace(b"}", b" "),
    "an archive": lambda kept: b"PK\3\4" + kept[4:],
    "an archive of arrays": lambda kept: _packed(np.zeros(3)),
    "other columns": lambda kept: _saved(np.zeros(3)),
    "a table": lambda kept: _saved(np.load(io.BytesIO(kept))[None]),
    "no pairs": lambda kept: kept[:128] + bytes(len(kept) - 128),
    "no probabilities": lambda kept: kept[:-2] + b"\xff\x7f",
}


def _packed(array):
    file = io.BytesIO()
    np.savez(file, array)
    return file.getvalue()


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_named(tmp_path, damage):
    kept = energies.Energies(names=("vienna",), folder=str(tmp_path))
    kept(["GGGGAAAACCCC"])
    (path,) = tmp_path.rglob("*.npy")
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    with pytest.raises(ValueError, match=rf"{path.name}: not pair probabilities"):
        kept(["GGGGAAAACCCC"])


def test_other_processes_fill_what_is_missing(tmp_path):
    kept = energies.Energies(names=TWO, folder=str(tmp_path))
    kept(["GGGGAAAACCCC"])
    said = []
    kept.fill(MIXED, lambda *counts: said.append(counts), num_processes=1)
    # U is T and lower case is upper case; the hairpin and one tRNA are there already.
    num_new = len({"", "A", "NNNNNN", "AUGUN", stand_ins.TRNA, "GGGGNAAACCCC"})
    assert said == [(num_new, num_new)]
    kept.fill(MIXED, lambda *counts: said.append(counts))
    assert len(said) == 1
    with pytest.raises(ValueError, match="kept nowhere"):
        energies.Energies(names=TWO).fill([], print)


def test_long_rna_is_folded_in_windows(tmp_path):
    letters = "".join(np.random.default_rng(0).choice(list("ACGU"), 120))
    whole = energies.Energies(names=TWO)
    (expected,) = whole([letters])
    # A window that holds all is the whole.
    wide = dataclasses.replace(whole, longest=50, window=120, span=120)
    (found,) = wide([letters])
    for ours, wanted in zip(
        _matrices(found, 120), _matrices(expected, 120), strict=True
    ):
        np.testing.assert_allclose(ours, wanted, atol=1e-3)
    narrow = dataclasses.replace(wide, window=60, span=40)
    (found,) = narrow([letters])
    for listed in found:
        assert len(listed.i)
        assert (listed.j - listed.i <= 40).all()


def test_what_cannot_fold_in_windows_says_so(tmp_path, monkeypatch):
    path = stand_ins.program(tmp_path, "contrafold", stand_ins.CONTRAFOLD)
    monkeypatch.setenv("SSRLM_CONTRAFOLD", path)
    source = energies.Energies(names=("contrafold",), longest=50)
    assert source.max_length == 50
    assert energies.Energies(names=TWO).max_length is None
    with pytest.raises(programs.ProgramError, match="does not fold locally: 76 nucl"):
        source([stand_ins.TRNA])
    with pytest.raises(ValueError, match="contrafold knows 37 degrees only"):
        energies.Energies(names=("contrafold",), temperature=30.0)
    with pytest.raises(ValueError, match="CONTRAfold knows 37 only"):
        config.HeadConfig(energy="vienna,contrafold", energy_temperature=30.0)


def test_a_head_without_energies_has_no_source():
    assert energies.build(config.HeadConfig()) is None
    built = energies.build(config.HeadConfig(energy="langdon", energy_span=30))
    assert (built.names, built.span, built.folder) == (("langdon",), 30, "")


def test_settings_name_programs_that_exist_and_give_probabilities():
    assert {*config.ENERGIES} - {config.RELATIVES} <= set(folding_programs.FOLDERS)
    assert "linearfold" not in config.ENERGIES
    for energy, message in {
        "viena": "head.energy='viena' is not one of",
        "vienna,vienna": "names a program twice",
        "vienna,none": "head.energy='none' is not one of",
    }.items():
        with pytest.raises(ValueError, match=message):
            config.HeadConfig(energy=energy)
    with pytest.raises(ValueError, match="does not go with head.kind='ernierna'"):
        config.HeadConfig(kind="ernierna", energy="vienna")
    with pytest.raises(ValueError, match="energy_span=700 is more than"):
        config.HeadConfig(energy_span=700)


def test_two_strands_are_joined_for_relatives_and_kept_apart_for_vienna(tmp_path):
    pair = "GGGGAAAC&GUUUCCCC"
    source = energies.Energies(names=TWO, folder=str(tmp_path))
    ((first, _),) = source([pair])
    assert {(0, 15), (7, 8)} <= set(
        zip(first.i.tolist(), first.j.tolist(), strict=True)
    )
    ((one_strand, _),) = source([pair.replace("&", "")])
    assert not np.array_equal(first.probability, one_strand.probability)
    assert source.max_joined_length == source.longest
    ((again, _),) = source([pair])
    np.testing.assert_array_equal(again.probability, first.probability)
