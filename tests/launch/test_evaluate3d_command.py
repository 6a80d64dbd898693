"""`ssrlm evaluate3d` on files of other programs, whose scores are known."""

import csv
import gzip
import json
import pathlib

import gemmi
import pytest
import structures

from ssrlm_jax import cli

FOLDER = pathlib.Path(__file__).parents[1] / "fixtures" / "assessment"


def _text(name):
    return gzip.decompress((FOLDER / f"{name}.pdb.gz").read_bytes()).decode()


def _evaluate(tmp_path, truth, predicted, *flags):
    """Returns scores.json and the rows of both tables.

    Args:
      tmp_path: for files.
      truth: texts by name of the file.
      predicted: as `truth`.
      *flags: more settings.
    """
    for folder, texts in (("truth", truth), ("predicted", predicted)):
        for name, text in texts.items():
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    out = tmp_path / "out"
    settings = {
        "truth": tmp_path / "truth",
        "predictions": f"theirs={tmp_path / 'predicted'}",
        "has_helix": False,
    }
    given = [f"--config.{name}={value}" for name, value in settings.items()]
    assert cli.main(["evaluate3d", f"--out={out}", *given, *flags]) == 0
    found = json.loads((out / "scores.json").read_text())
    paths = [out / name for name in ("theirs.tsv", "theirs.strands.tsv")]
    tables = [p.read_text().splitlines() if p.exists() else [] for p in paths]
    return found, *(list(csv.DictReader(one, delimiter="\t")) for one in tables)


def _scores(row, *names):
    return [float(row[name]) for name in names]


@pytest.mark.parametrize(
    ("native", "model"), [("native", "full"), ("native_seqres", "part")]
)
def test_a_model_is_scored_where_the_native_was_seen(tmp_path, native, model):
    """In one the loop is missing of the native's letters, in one of the model's."""
    truth, predicted = {"native.pdb": _text(native)}, {"model.pdb": _text(model)}
    _, [row], [strand] = _evaluate(tmp_path, truth, predicted)
    found = _scores(row, "lddt", "lddt_c1", "rmsd")
    assert found == pytest.approx([0.9336, 0.9212, 0.518], abs=5e-4)
    assert float(row["tm_score"]) == pytest.approx(0.6400, abs=1e-3)
    assert (row["seen"], row["coverage"], row["note"]) == ("20", "1.0000", "")
    assert (strand["matched_by"], strand["missing"]) == ("numbers", "")


def test_a_mutated_nucleotide_is_missing_and_named(tmp_path, caplog):
    truth, predicted = {"native.pdb": _text("native")}, {"m.pdb": _text("mutant")}
    _, [row], [strand] = _evaluate(tmp_path, truth, predicted)
    assert float(row["lddt"]) == pytest.approx(0.93, abs=0.01)
    assert row["coverage"] == "0.9500"
    assert (strand["missing"], strand["differs"]) == ("1", "G1A")
    assert "chain A: other letters, G1A" in caplog.text


def test_other_numbers_do_not_matter(tmp_path):
    truth = {"native.pdb": _text("other_native")}
    _, [row], [strand] = _evaluate(tmp_path, truth, {"m.pdb": _text("renumbered")})
    assert float(row["lddt"]) == pytest.approx(0.8449, abs=5e-4)
    assert strand["matched_by"] == "letters"


def test_a_torn_duplex_is_no_duplex(tmp_path):
    truth, predicted = {"d.pdb": _text("duplex")}, {"apart.pdb": _text("apart")}
    _, [row], strands = _evaluate(tmp_path, truth, predicted)
    assert row["id"] == "d_A+B"
    assert float(row["lddt"]) == pytest.approx(0.4605, abs=5e-4)
    assert float(row["rmsd"]) == pytest.approx(99, abs=0.5)
    assert (row["canonical_found"], row["canonical_known"]) == ("0", "20")
    assert _scores(row, "fidelity", "pair_f1", "canonical_f1") == [0, 0, 0]
    assert [strand["lddt"] for strand in strands] == ["1.0000", "1.0000"]


def test_strands_may_have_any_order_and_names(tmp_path):
    truth = {"d.pdb": _text("duplex")}
    native = gemmi.read_pdb_string(_text("duplex"))
    other = gemmi.Structure()
    other.add_model(gemmi.Model(1))
    for old, new in (("B", "X"), ("A", "Y")):
        other[0].add_chain(native[0][old]).name = new
    text = other.make_pdb_string()
    _, [row], strands = _evaluate(tmp_path, truth, {"m.pdb": text})
    assert _scores(row, "lddt", "canonical_f1") == [1, 1]
    assert [strand["model_chain"] for strand in strands] == ["Y", "X"]


def test_strands_on_their_own_have_no_score_of_pairs(tmp_path):
    truth, predicted = {"d.pdb": _text("duplex")}, {"apart.pdb": _text("apart")}
    flag = "--config.is_by_chain=True"
    found, rows, _ = _evaluate(tmp_path, truth, predicted, flag)
    assert [row["id"] for row in rows] == ["d_A", "d_B"]
    assert [row["pair_f1"] for row in rows] == ["", ""]
    assert found["scores"]["theirs"]["scores"]["fidelity"] == [None, None, None]


def test_several_files_of_an_rna_are_samples(tmp_path, capsys, caplog):
    """Sample 10 comes behind the others, whatever its name sorts like."""
    caplog.set_level("INFO", "ssrlm_jax")
    names = [f"seed-1_sample-{n}/model.pdb" for n in (0, 1, 2, 3, 10)]
    predicted = {name: _text(f"sample{n}") for n, name in enumerate(names)}
    truth = {"native.pdb": _text("native")}
    found, rows, _ = _evaluate(tmp_path, truth, predicted)
    assert [row["sample"] for row in rows] == names
    each = [0.4449, 0.9999, 0.8423, 0.6516, 0.3249]
    assert [float(row["lddt"]) for row in rows] == pytest.approx(each, abs=5e-4)
    scores = found["scores"]["theirs"]
    assert scores["scores"]["lddt"][0] == pytest.approx(each[0], abs=5e-4)
    assert scores["samples"]["most"] == 5
    assert scores["samples"]["best"]["lddt"][0] == pytest.approx(each[1], abs=5e-4)
    assert scores["samples"]["mean"]["lddt"][0] == pytest.approx(0.6527, abs=5e-4)
    said = "native_A: 5 samples; lddt of the first, seed-1_sample-0/model.pdb: 0.445"
    assert said in caplog.text
    assert "theirs, best of 5" in capsys.readouterr().out


@pytest.mark.parametrize("form", ["MODEL", "END", "sequences", "mmCIF"])
def test_models_of_one_file_are_samples(tmp_path, caplog, form):
    texts = [_text(f"sample{n}").replace("END\n", "") for n in range(1, 4)]
    one = gemmi.read_pdb_string(_text("native_seqres"))
    sequence = "".join(one.make_pdb_headers().splitlines(keepends=True)[-2:])
    ends = {
        "MODEL": ("MODEL     {}\n", "ENDMDL\n"),
        "END": ("", "END\n"),
        "sequences": (sequence, "END\n"),
        "mmCIF": ("MODEL     {}\n", "ENDMDL\n"),
    }
    above, below = ends[form]
    text = "".join(above.format(n) + t + below for n, t in enumerate(texts, 1))
    name = "all.pdb"
    if form == "mmCIF":
        name, text = (
            "all.cif",
            gemmi.read_pdb_string(text).make_mmcif_document().as_string(),
        )
    truth = {"native.pdb": _text("native")}
    scores, rows, _ = _evaluate(tmp_path, truth, {name: text})
    assert [row["sample"] for row in rows] == [f"{name}:{n}" for n in (1, 2, 3)]
    found = [float(row["lddt"]) for row in rows]
    assert found == pytest.approx([1.0, 0.842, 0.652], abs=5e-4)
    assert scores["methods"]["theirs"]["files"] == {
        "native_A": [f"{name}:{n}" for n in (1, 2, 3)]
    }
    theirs = scores["scores"]["theirs"]
    assert theirs["scores"]["lddt"][0] == pytest.approx(found[0], abs=5e-4)
    assert theirs["samples"]["best"]["lddt"][0] == pytest.approx(max(found), abs=5e-4)
    assert "native_A: 3 samples" in caplog.text


def test_a_model_that_is_damaged_counts_as_nothing_the_others_as_they_are(tmp_path):
    broken = _text("sample2").replace("END\n", "").splitlines(keepends=True)
    broken[3] = broken[3][:30] + "     nan" + broken[3][38:]
    parts = [_text("sample1").replace("END\n", ""), "".join(broken)]
    text = "".join(f"MODEL     {n}\n{t}ENDMDL\n" for n, t in enumerate(parts, 1))
    truth = {"native.pdb": _text("native")}
    _, rows, _ = _evaluate(tmp_path, truth, {"two.pdb": text})
    assert [float(row["lddt"]) > 0.9 for row in rows] == [True, False]
    assert "is [nan" in rows[1]["note"]


def test_of_known_structures_the_first_model_counts_and_that_is_said(tmp_path, caplog):
    parts = [_text(name).replace("END\n", "") for name in ("native", "sample3")]
    text = "".join(f"MODEL     {n}\n{t}ENDMDL\n" for n, t in enumerate(parts, 1))
    _, [row], _ = _evaluate(tmp_path, {"n.pdb": text}, {"m.pdb": _text("native")})
    assert float(row["lddt"]) == pytest.approx(1.0, abs=5e-4)
    assert "n.pdb: its models 2 to 2" in caplog.text


def test_confidence_of_other_programs_is_read(tmp_path):
    truth, predicted = {"native.pdb": _text("native")}, {"m.pdb": _text("plddt")}
    found, [row], _ = _evaluate(tmp_path, truth, predicted)
    assert row["mean_plddt"] == "0.6250"
    assert found["scores"]["theirs"]["confidence"]["mean_plddt"] == 0.625
    (tmp_path / "other").mkdir()
    flag = "--config.has_plddt=False"
    found, [row], _ = _evaluate(tmp_path / "other", truth, predicted, flag)
    assert row["mean_plddt"] == ""
    assert "confidence" not in found["scores"]["theirs"]


def test_one_bad_file_costs_itself(tmp_path, caplog):
    truth = {"native.pdb": _text("native"), "loop.pdb": structures.PATH.read_text()}
    predicted = {
        "a.pdb": _text("nan"),
        "b.pdb": _text("part"),
        "loop.pdb": truth["loop.pdb"],
        "page.pdb": "<html></html>\n",
        "strange.pdb": structures.helix_pdb("ACGUACGUACGGAACCUUGU"),
    }
    found, rows, _ = _evaluate(tmp_path, truth, predicted)
    assert {row["sample"]: row["lddt"] for row in rows} == {
        "a.pdb": "0.0000",
        "b.pdb": "0.9336",
        "loop.pdb": "1.0000",
    }
    assert "a.pdb: chain A, G 2: the place of O2' is [nan, nan, nan]" in caplog.text
    unused = found["methods"]["theirs"]["unused"]
    assert set(unused) == {"page.pdb", "strange.pdb"}
    assert "no known structure has its sequence (A 20 nt)" in unused["strange.pdb"]


def test_an_atom_that_a_model_lacks_fails_alone(tmp_path):
    lines = _text("native").splitlines(keepends=True)
    lacking = [x for x in lines if not (x[12:16] == " C3'" and x[22:26] == "   5")]
    assert len(lacking) == len(lines) - 1
    truth = {"native.pdb": "".join(lines)}
    _, [row], [strand] = _evaluate(tmp_path, truth, {"m.pdb": "".join(lacking)})
    assert 0.99 < float(row["lddt"]) < 1  # one atom of 425, of twice as many contacts
    assert _scores(row, "lddt_c1", "tm_score", "pair_f1") == [1, 0.95, 1]
    assert strand["covered"] == "20"


def test_coarse_models_are_named_as_such(tmp_path, caplog):
    """P, C4' and N of each nucleotide, as DRfold has them."""
    kept = (" P  ", " C4'", " N1 ", " N9 ")
    text = "".join(
        line
        for line in _text("native").splitlines(keepends=True)
        if not line.startswith("ATOM") or line[12:16] in kept
    )
    truth = {"native.pdb": _text("native")}
    found, [row], _ = _evaluate(tmp_path, truth, {"c.pdb": text})
    assert (row["lddt"], row["note"]) == ("0.0000", "not predicted")
    assert "coarse-grained" in found["methods"]["theirs"]["unused"]["c.pdb"]
    assert "sugar atoms C1' C3' are missing" in caplog.text


def test_models_of_homologs_go_each_to_its_own(tmp_path):
    letters = "GGCAUCGAGCUUCGGCUCGAUGCC"
    mutated = letters[:11] + "A" + letters[12:]
    truth = {
        "a.pdb": structures.helix_pdb(letters),
        "b.pdb": structures.helix_pdb(mutated),
    }
    predicted = {"2.pdb": truth["b.pdb"], "1.pdb": truth["a.pdb"]}
    found, rows, _ = _evaluate(tmp_path, truth, predicted)
    assert [(row["id"], row["sample"]) for row in rows] == [
        ("a_A", "1.pdb"),
        ("b_A", "2.pdb"),
    ]
    assert found["scores"]["theirs"]["scores"]["lddt"][0] == 1.0


def test_paths_tell_equal_sequences_apart(tmp_path):
    """Bound and free forms have one sequence, but for what was not seen."""
    letters = "GGCAUCGAGCUUCGGCUCGAUGCC"
    truth = {
        "bound.pdb": structures.helix_pdb(letters),
        "free.pdb": structures.helix_pdb(letters[2:]),
    }
    predicted = {
        f"{name}/model.pdb": structures.helix_pdb(letters) for name in ("bound", "free")
    }
    _, rows, _ = _evaluate(tmp_path, truth, predicted)
    assert {row["id"]: row["sample"] for row in rows} == {
        "bound_A": "bound/model.pdb",
        "free_A": "free/model.pdb",
    }
