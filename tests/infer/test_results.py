import json
import pathlib

import full_disk
import numpy as np
import pytest

from ssrlm_jax.infer import results
from ssrlm_jax.rna import (
    formats,
    probabilities,
    probability_formats,
    structure_formats,
    structures,
)

HAIRPIN = formats.Record(
    "hairpin", "GGAAACC", structures.from_dot_bracket("((...))"), place="my.fa:1"
)
TRIPLE = formats.Record(
    "triple", "GGAAACC", structures.Structure(7, np.array([[0, 6], [0, 5], [1, 4]]))
)
LISTED = probabilities.PairProbabilities(
    np.array([0, 0, 1], np.int32),
    np.array([5, 6, 5], np.int32),
    np.array([0.125, 0.75, 0.5], np.float32),
)
ABOUT = {"model": "tiny", "threshold": 0.5}


def _named(name):
    return formats.Record(name, HAIRPIN.sequence, HAIRPIN.structure)


def _write(directory, *records, names=("dbn",), **settings):
    with results.Structures(directory, names, **settings) as folder:
        for record in records:
            folder.add(record, LISTED, ABOUT)


def _files(directory):
    return sorted(path.name for path in directory.iterdir())


def test_formats_are_read_once_each_in_their_order():
    assert results.named_formats("ct, json,ct") == ("ct", "json")


@pytest.mark.parametrize("text", ["xyz", "", "ct,", "CT"])
def test_an_unknown_format_is_named(text):
    with pytest.raises(ValueError, match="is not one of .*bpseq"):
        results.named_formats(text)


def test_three_lines_of_dot_bracket():
    # Chosen pairs 0.75 and 0.5, listed ones 1.375: 2 x 1.25 / (2 + 1.375)
    expected = ">hairpin expected F1 0.74\nGGAAACC\n((...))\n"
    assert results.as_dot_bracket(HAIRPIN, LISTED) == expected
    near = {"name": "tRNA", "identity": 0.876, "aligned": 1.0, "confidence": 0.9}
    header, *_ = results.as_dot_bracket(
        HAIRPIN, LISTED, {"relatives": [near, near | {"name": "other"}]}
    ).splitlines()
    assert header.endswith(", like tRNA (88% equal, 100% aligned)")


def test_json_by_hand():
    assert json.loads(results.as_json(HAIRPIN, LISTED, ABOUT)) == {
        "name": "hairpin",
        "sequence": "GGAAACC",
        "dot_bracket": "((...))",
        "pairs": [[1, 7], [2, 6]],
        "probabilities": [0.75, 0.5],
        "mean_probability": 0.625,
        "expected_f1": 0.7407,
        "model": "tiny",
        "threshold": 0.5,
    }


def test_json_of_nothing_paired():
    record = formats.Record("x", "GG", structures.from_dot_bracket(".."))
    nothing = probabilities.from_matrix(np.zeros((2, 2)))
    told = json.loads(results.as_json(record, nothing, {}))
    assert (told["pairs"], told["probabilities"]) == ([], [])
    assert told["mean_probability"] is None
    assert told["expected_f1"] == 1.0


def test_json_holds_a_base_triple():
    told = json.loads(results.as_json(TRIPLE, LISTED, {}))
    assert told["dot_bracket"] is None
    assert told["pairs"] == [[1, 6], [1, 7], [2, 5]]
    assert told["probabilities"] == [0.125, 0.75, 0]


@pytest.mark.parametrize("name", ["dbn", "ct", "bpseq"])
def test_what_is_written_comes_back(tmp_path, name):
    _write(tmp_path / "out", HAIRPIN, names=(name,))
    (record,) = structure_formats.read(tmp_path / "out" / f"hairpin.{name}")
    assert (record.name, record.sequence) == ("hairpin", "GGAAACC")
    np.testing.assert_array_equal(record.structure.pairs, HAIRPIN.structure.pairs)


def test_probabilities_come_back(tmp_path):
    _write(tmp_path / "out", HAIRPIN, names=("prob",))
    (one,) = probability_formats.each(tmp_path / "out" / "hairpin.prob")
    name, sequence, listed = one.name, one.sequence, one.listed
    assert (name, sequence) == ("hairpin", "GGAAACC")
    for found, given in zip(listed, LISTED, strict=True):
        np.testing.assert_array_equal(found, given)


def test_lines_of_json_are_in_order_and_there_before_the_end(tmp_path):
    with results.Structures(tmp_path, ("json",)) as folder:
        folder.add(HAIRPIN, LISTED, ABOUT)
        folder.add(_named("b"), LISTED, ABOUT)
        beside = tmp_path / f"{results.JSON_FILE}.unfinished"
        names = [json.loads(line)["name"] for line in beside.read_text().splitlines()]
    assert names == ["hairpin", "b"]
    assert _files(tmp_path) == [results.JSON_FILE]


def test_what_was_not_finished_does_not_look_finished(tmp_path):
    def stopped():
        with results.Structures(tmp_path, ("json", "ct")) as folder:
            folder.add(HAIRPIN, LISTED, ABOUT)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert _files(tmp_path) == ["hairpin.ct", f"{results.JSON_FILE}.unfinished"]


def test_no_records_make_no_files(tmp_path):
    _write(tmp_path / "out", names=results.FORMATS)
    assert not (tmp_path / "out").exists()


def test_what_was_there_before_stays(tmp_path):
    _write(tmp_path, HAIRPIN)
    before = (tmp_path / "hairpin.dbn").read_bytes()
    with pytest.raises(ValueError, match="is not empty; give another place, or --f"):
        _write(tmp_path, _named("other"))
    assert _files(tmp_path) == ["hairpin.dbn"]
    assert (tmp_path / "hairpin.dbn").read_bytes() == before


def test_what_was_there_before_gives_way_when_told(tmp_path):
    (tmp_path / "hairpin.dbn").write_text("before")
    (tmp_path / "other.dbn").write_text("before")
    _write(tmp_path, HAIRPIN, is_replaced=True)
    assert (tmp_path / "hairpin.dbn").read_text().startswith(">hairpin")
    assert (tmp_path / "other.dbn").read_text() == "before"


def test_a_file_is_no_directory(tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(ValueError, match="out is a file; a directory is expected"):
        _write(tmp_path / "out", HAIRPIN, is_replaced=True)
    assert (tmp_path / "out").read_text() == "mine"


def test_equal_names_do_not_overwrite_each_other(tmp_path):
    names = ["a", "a-2", "a", "A", "a"]
    _write(tmp_path / "out", *map(_named, names))
    assert _files(tmp_path / "out") == [
        "A-4.dbn",
        *(f"a{n}.dbn" for n in ("-2", "-3", "-5", "")),
    ]


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("../../etc/x", "_._.._etc_x"),
        ("/root", "_root"),
        ("..", "_."),
        ("sp|P1|X", "sp_P1_X"),
        ("a\\b:c", "a_b_c"),
        ("tRNA-Phe_1.2+@=", "tRNA-Phe_1.2+@="),
        ("é", "_"),
        ("x" * 300, "x" * 100),
    ],
)
def test_a_name_stays_in_the_directory(tmp_path, name, stem):
    _write(tmp_path / "out", _named(name))
    assert _files(tmp_path / "out") == [f"{stem}.dbn"]
    assert _files(tmp_path) == ["out"]


def test_a_base_triple_is_one_error_and_other_formats_are_written(tmp_path):
    with results.Structures(tmp_path, results.FORMATS) as folder:
        with pytest.raises(ValueError, match="1 of 3 pairs share .* ct, bpseq, dbn"):
            folder.add(TRIPLE, LISTED, ABOUT)
        folder.add(HAIRPIN, LISTED, ABOUT)
    assert _files(tmp_path) == [
        *(f"hairpin.{name}" for name in ("bpseq", "ct", "dbn", "prob")),
        results.JSON_FILE,
        "triple.prob",
    ]


def test_a_base_triple_is_no_dot_bracket():
    with pytest.raises(ValueError, match="dbn cannot hold; json and prob can"):
        results.as_dot_bracket(TRIPLE, LISTED)


def test_pictures_are_beside_the_structure(tmp_path):
    pytest.importorskip("matplotlib")
    pytest.importorskip("RNA")
    _write(tmp_path, HAIRPIN, with_plots=True)
    assert _files(tmp_path) == [
        "hairpin.arcs.png",
        "hairpin.arcs.svg",
        "hairpin.dbn",
        "hairpin.drawing.png",
        "hairpin.drawing.svg",
        "hairpin.map.png",
        "hairpin.map.svg",
    ]


def test_arrays_of_records_are_named(tmp_path):
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=(n, 4)).astype(np.float32) for n in (3, 1, 2)]
    with results.Embeddings(tmp_path / "new" / "x.npz") as file:
        for name, array_LD in zip(("a/b", "c", "a/b"), arrays, strict=True):
            file.add(name, array_LD)
    with np.load(tmp_path / "new" / "x.npz") as held:
        assert list(held) == ["a/b", "c", "a/b-2"]
        for name, array_LD in zip(held, arrays, strict=True):
            np.testing.assert_array_equal(held[name], array_LD)


def test_rows_make_a_table(tmp_path):
    with results.Embeddings(tmp_path / "x.npz") as file:
        file.add("a", np.array([1, 2], np.float32))
        file.add("a", np.array([3, 4], np.float32))
    with np.load(tmp_path / "x.npz") as held:
        assert held["names"].tolist() == ["a", "a"]
        np.testing.assert_array_equal(held["embedding"], [[1, 2], [3, 4]])
        assert held["embedding"].dtype == np.float32


def test_the_same_embeddings_are_the_same_file(tmp_path):
    paths = [pathlib.Path(tmp_path / name) for name in ("x", "y")]
    for path in paths:
        with results.Embeddings(path) as file:
            file.add("a", np.ones((2, 2), np.float32))
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize("shape", [(2,), (3, 2)])
def test_an_error_leaves_no_embeddings(tmp_path, shape):
    def stopped():
        with results.Embeddings(tmp_path / "x.npz") as file:
            file.add("a", np.zeros(shape))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert _files(tmp_path) == []


def test_embeddings_are_not_overwritten_unless_told(tmp_path):
    path = tmp_path / "x.npz"
    path.write_bytes(b"before")
    with pytest.raises(ValueError, match=r"x\.npz exists; give another place, or --f"):
        results.Embeddings(path)
    with results.Embeddings(path, is_replaced=True) as file:
        file.add("a", np.zeros(2))
    assert path.read_bytes() != b"before"


def test_a_directory_is_no_file_of_embeddings(tmp_path):
    with pytest.raises(ValueError, match="is a directory; a file is expected"):
        results.Embeddings(tmp_path, is_replaced=True)


@pytest.mark.parametrize("shape", [(4096,), (4096, 2)])
def test_a_full_disk_leaves_no_embeddings(tmp_path, shape):
    def write():
        with results.Embeddings(tmp_path / "x.npz") as file:
            file.add("a", np.zeros(shape))

    told = r"x\.npz cannot be written \(File too large\); make room"
    with full_disk.after(8192), pytest.raises(OSError, match=told):
        write()
    assert _files(tmp_path) == []


def test_a_full_disk_leaves_no_lines_of_json(tmp_path):
    def write():
        with results.Structures(tmp_path, ("json",)) as folder:
            for number in range(100):
                folder.add(_named(f"r{number}"), LISTED, ABOUT)

    with full_disk.after(8192), pytest.raises(OSError, match="cannot be written"):
        write()
    assert _files(tmp_path) == []


@pytest.mark.parametrize("made", [results.Structures, results.Embeddings])
def test_a_place_that_cannot_be_written_is_refused_at_once(tmp_path, made):
    (tmp_path / "file").write_text("mine")
    given = [("dbn",)] if made is results.Structures else []
    with pytest.raises(ValueError, match="cannot be written .*give a place that can"):
        made(tmp_path / "file" / "out", *given)


def test_two_strands_are_written_with_what_is_between_them(tmp_path):
    record = formats.Record(
        "two", "GGAAACC", structures.from_dot_bracket("((...))"), breaks=(3,)
    )
    assert results.as_dot_bracket(record, LISTED).splitlines()[1:] == [
        "GGA&AACC",
        "((.&..))",
    ]
    told = json.loads(results.as_json(record, LISTED, {}))
    assert (told["sequence"], told["dot_bracket"]) == ("GGA&AACC", "((.&..))")
    assert told["pairs"] == [[1, 7], [2, 6]]
    with pytest.raises(ValueError, match="two strands, which ct, prob cannot hold"):
        _write(tmp_path / "x", record, names=("ct", "prob", "dbn"))
    assert _files(tmp_path / "x") == ["two.dbn"]
    assert (tmp_path / "x" / "two.dbn").read_text() == ">two\nGGA&AACC\n((.&..))\n"
    with pytest.raises(ValueError, match="no pictures are drawn of two strands"):
        _write(tmp_path / "y", record, with_plots=True)
