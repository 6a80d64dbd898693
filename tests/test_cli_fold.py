import gzip
import json
import os
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest
import standing_predictor

from ssrlm_jax import cli, config, infer
from ssrlm_jax.infer import catalogue, results
from ssrlm_jax.rna import structure_formats

HERE = pathlib.Path(__file__).parent
BAD = ">a\nGGGAAACCC\n>b\n>c\nGG-\n>d\nGGGGAAAACCCC\n>e\nccctttggg\n"
SURE = " expected F1 0.86"  # three pairs of 0.75: 2 x 2.25 / (3 + 2.25)
GOOD_LINES = [
    *(f">a{SURE}", "GGGAAACCC", "(((...)))"),
    *(f">e{SURE}", "CCCUUUGGG", "(((...)))"),
]


@pytest.fixture
def loaded(monkeypatch):
    """Lists which models were loaded; none is."""
    found = []
    name = "ssrlm_jax.infer.loading"
    monkeypatch.setitem(sys.modules, name, sys.modules.get(name))
    monkeypatch.setattr(infer, "loading", None, raising=False)
    standing_predictor.put(found)
    monkeypatch.setenv(catalogue.MODEL, "models/tiny")
    return found


@pytest.fixture
def fasta(tmp_path):
    path = tmp_path / "my.fa"
    path.write_text(BAD)
    return str(path)


def _ssrlm(capsys, *arguments):
    status = cli.main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return status, out, err.splitlines()


def test_bad_records_are_named_and_the_others_folded(capsys, loaded, fasta):
    status, out, err = _ssrlm(capsys, "fold", fasta, "--max-length", 10)
    assert status == 1
    assert out.splitlines() == GOOD_LINES
    assert len(err) == 4
    assert err[0] == f"ssrlm fold: {fasta}:3: record 2 (b): a header without a sequence"
    assert f"{fasta}:4: record 3 (c): position 3: '-' is a gap" in err[1]
    assert f"{fasta}:6: record 4 (d): 12 letters, at most 10" in err[2]
    assert err[3].startswith("ssrlm fold: 2 of 5 folded in ")


def test_a_sequence_is_folded(capsys, loaded):
    status, out, err = _ssrlm(capsys, "fold", "gggaaatcc")
    assert (status, out) == (0, f">sequence{SURE}\nGGGAAAUCC\n(((...)))\n")
    assert len(err) == 1


def test_gz_is_folded(capsys, loaded, tmp_path):
    (tmp_path / "my.gz").write_bytes(gzip.compress(b">a\nGGGAAACCC\n", mtime=0))
    status, out, _ = _ssrlm(capsys, "fold", tmp_path / "my.gz")
    assert (status, out.splitlines()) == (0, GOOD_LINES[:3])


def test_records_before_damage_are_folded(capsys, loaded, tmp_path):
    data = gzip.compress(
        (">a\nGGGAAACCC\n" * 10_000).encode(), compresslevel=0, mtime=0
    )
    (tmp_path / "my.gz").write_bytes(data[: len(data) // 2])
    status, out, err = _ssrlm(capsys, "fold", tmp_path / "my.gz")
    assert status == 1
    assert out.splitlines()[:3] == GOOD_LINES[:3]
    assert out.count(">a") > 1000
    assert "the gz file ends too early" in err[0]


def test_the_model_comes_from_the_environment(capsys, loaded):
    assert _ssrlm(capsys, "fold", "GGGAAACCC")[0] == 0
    assert _ssrlm(capsys, "fold", "GGGAAACCC", "-m", "models/other")[0] == 0
    assert [str(path) for path, _ in loaded] == ["models/tiny", "models/other"]


def test_a_model_that_is_not_there_names_those_that_are(capsys, loaded):
    status, out, (line,) = _ssrlm(capsys, "fold", "GGGAAACCC", "-m", "nonsense")
    assert (status, out) == (1, "")
    assert "there is no model 'nonsense': neither a directory nor one of" in line
    assert catalogue.DEFAULT in line


def test_flags_reach_the_decoder(capsys, loaded):
    _ssrlm(capsys, "fold", "GGGAAACCC")
    flags = ["--no-sharp-loops", "--canonical-only", "--threshold", 0.5]
    flags += ["--method", "nested", "--max-pairs-per-base", 2, "--format", "json"]
    _ssrlm(capsys, "fold", "GGGAAACCC", *flags)
    assert [decoding for _, decoding in loaded] == [
        config.DecodingConfig(),
        config.DecodingConfig(
            method="nested",
            threshold=0.5,
            max_pairs_per_base=2,
            allow_sharp_loops=False,
            is_canonical_only=True,
        ),
    ]


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--format", "xyz"], "format 'xyz' is not one of"),
        (["--format", "ct"], "--format ct needs a directory: give -o DIR"),
        (["--format", "dbn,json"], "--format dbn,json needs a directory"),
        (["--plot"], "--plot needs a directory"),
        (["--report"], "--report needs a directory"),
        (["--threshold", "0"], "--threshold=0.0 is not above 0 and below 1"),
        (["--threshold", "nan"], "--threshold=nan is not above 0 and below 1"),
        (["--max-pairs-per-base", "0"], "--max-pairs-per-base=0 is < 1"),
        (["--max-length", "0"], "--max-length=0 is < 1"),
    ],
)
def test_a_setting_is_refused_before_a_model_is_loaded(capsys, loaded, flags, told):
    status, out, (line,) = _ssrlm(capsys, "fold", "GGGAAACCC", *flags)
    assert (status, out, loaded) == (1, "", [])
    assert told in line


@pytest.mark.parametrize(
    ("text", "told"), [("", "the file is empty"), (None, "is no file that exists")]
)
def test_no_input_is_refused_before_a_model_is_loaded(
    capsys, loaded, tmp_path, text, told
):
    if text is not None:
        (tmp_path / "my.fa").write_text(text)
    status, out, (line,) = _ssrlm(capsys, "fold", tmp_path / "my.fa")
    assert (status, out, loaded) == (1, "", [])
    assert told in line


def test_more_than_the_model_was_trained_on_is_a_warning(capsys, loaded):
    status, out, err = _ssrlm(capsys, "fold", "G" * 31)
    assert status == 0
    assert "warning: argument: sequence has 31 nucleotides; the model was" in err[0]
    assert "trained on up to 30" in err[0]
    assert out.count("\n") == 3
    assert len(_ssrlm(capsys, "fold", "G" * 30)[2]) == 1


def test_json_on_standard_output(capsys, loaded):
    _, out, _ = _ssrlm(capsys, "fold", "GGGAAACCC", "--format", "json")
    told = json.loads(out)
    assert (told["model"], told["threshold"]) == ("tiny", 0.25)
    assert told["pairs"] == [[1, 9], [2, 8], [3, 7]]
    _, out, _ = _ssrlm(capsys, "fold", "GAC", "--format", "json", "--threshold", 0.5)
    assert json.loads(out)["threshold"] == 0.5


def test_files_are_written_once(capsys, loaded, fasta, tmp_path):
    out = tmp_path / "out"
    run = ["fold", fasta, "-o", out, "--format", "ct,json"]
    assert _ssrlm(capsys, *run)[0] == 1
    written = {path.name: path.read_bytes() for path in out.iterdir()}
    assert set(written) == {"a.ct", "d.ct", "e.ct", results.JSON_FILE}
    lines = written[results.JSON_FILE].decode().splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["a", "d", "e"]
    status, _, (line,) = _ssrlm(capsys, *run)
    assert status == 1
    assert f"{out} is not empty; give another place, or --force" in line
    assert {path.name: path.read_bytes() for path in out.iterdir()} == written
    (out / "a.ct").write_text("mine")
    assert "3 of 5 folded" in _ssrlm(capsys, *run, "--force")[2][-1]
    assert {path.name: path.read_bytes() for path in out.iterdir()} == written


def test_names_make_files_of_their_own_in_the_directory(capsys, loaded, tmp_path):
    (tmp_path / "my.fa").write_text(">../x\nGGG\n>a/b\nCCC\n>a/b\nAAA\n")
    status, _, _ = _ssrlm(capsys, "fold", tmp_path / "my.fa", "-o", tmp_path / "out")
    assert status == 0
    found = {path.name: path for path in (tmp_path / "out").iterdir()}
    assert set(found) == {"_._x.dbn", "a_b.dbn", "a_b-2.dbn"}
    (record,) = structure_formats.read(found["a_b-2.dbn"])
    assert (record.name, record.sequence) == ("a/b", "AAA")


def test_equal_names_are_told_apart_by_order_on_standard_output(
    capsys, loaded, tmp_path
):
    (tmp_path / "my.fa").write_text(">a\nGGG\n>a\nCCC\n")
    status, out, _ = _ssrlm(capsys, "fold", tmp_path / "my.fa")
    assert (status, out) == (
        0,
        ">a expected F1 1.00\nGGG\n...\n>a expected F1 1.00\nCCC\n...\n",
    )


def test_a_base_triple_is_one_line_for_each_record(capsys, loaded, fasta, tmp_path):
    run = ["fold", fasta, "--max-pairs-per-base", 2]
    status, out, err = _ssrlm(capsys, *run)
    assert (status, out) == (1, "")
    assert sum("share a nucleotide" in line for line in err) == 3
    assert f"{fasta}:1: a: " in next(line for line in err if "share" in line)
    status, out, _ = _ssrlm(capsys, *run, "--format", "json")
    assert len(out.splitlines()) == 3


def test_pictures_are_drawn(capsys, loaded, tmp_path):
    pytest.importorskip("matplotlib")
    pytest.importorskip("RNA")
    run = ["fold", "GGGAAACCC", "-o", tmp_path / "out", "--plot"]
    assert _ssrlm(capsys, *run)[0] == 0
    assert (tmp_path / "out" / "sequence.drawing.svg").stat().st_size > 1000


def _process(*arguments, **settings):
    code = (
        "import sys, standing_predictor; from ssrlm_jax import cli; "
        "standing_predictor.put([]); sys.exit(cli.main())"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        env=os.environ | {"PYTHONPATH": str(HERE), catalogue.MODEL: "models/tiny"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **settings,
    )


def test_standard_input_is_folded_while_it_comes():
    child = _process("fold", stdin=subprocess.PIPE)
    child.stdin.write(">a\nGGGAAACCC\n>x\nG\n>y\nG\n>z\nG\n")
    child.stdin.flush()
    first = [child.stdout.readline().strip() for _ in range(3)]
    assert child.poll() is None
    child.stdin.close()
    # Not `communicate`: it does not see what `readline` has read ahead.
    out, err = child.stdout.read(), child.stderr.read()
    child.stdout.close()
    child.stderr.close()
    child.wait()
    assert first == GOOD_LINES[:3]
    assert out == "".join(f">{name} expected F1 1.00\nG\n.\n" for name in "xyz")
    assert child.returncode == 0
    assert err.splitlines()[0].startswith("ssrlm fold: 4 of 4 folded")


def test_a_closed_pipe_ends_it_without_a_word(tmp_path):
    (tmp_path / "my.fa").write_text(">a\nGGGAAACCC\n" * 20_000)
    child = _process("fold", str(tmp_path / "my.fa"))
    first = child.stdout.readline()
    child.stdout.close()
    err = child.stderr.read()
    child.stderr.close()
    assert child.wait() == 141
    assert (first, err) == (f">a{SURE}\n", "")


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """Writes a tiny model with a head, not a stand-in; returns its predictor."""
    import small_models  # JAX

    from ssrlm_jax.infer import loading

    small_models.save(tmp_path / "trained")
    monkeypatch.setenv(catalogue.MODEL, str(tmp_path / "trained"))
    return loading.load(tmp_path / "trained")


def test_commands_give_what_the_predictor_gives(capsys, trained, fasta, tmp_path):
    sequences = ["GGGAAACCC", "GGGGAAAACCCC", "CCCUUUGGG"]
    rounded = _ssrlm(capsys, "fold", fasta, "--format", "json", "--dtype", "bfloat16")[
        1
    ]
    status, out, err = _ssrlm(capsys, "fold", fasta, "--format", "json")
    assert status == 1
    assert rounded != out
    assert json.loads(rounded.splitlines()[0])["dtype"] == "bfloat16"
    assert sum("warning" in line for line in err) == 1
    told = [json.loads(line) for line in out.splitlines()]
    assert [one["sequence"] for one in told] == sequences
    for one, predicted in zip(told, trained.fold(sequences), strict=True):
        assert one["pairs"] == (predicted.structure.pairs + 1).tolist()
        assert one["threshold"] == 0.45
        assert one["dtype"] == "float32"
    assert any(one["pairs"] for one in told)
    assert _ssrlm(capsys, "embed", fasta, "-o", tmp_path / "x", "--layer", 1)[0] == 1
    with np.load(tmp_path / "x") as held:
        expected = np.stack(trained.embed(sequences, 1, "mean"))
        np.testing.assert_array_equal(held["embedding"], expected)


def test_the_command_line_itself_waits_for_no_jax():
    code = (
        "import sys; from ssrlm_jax.cli import commands; sys.exit('jax' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_commands_wait_for_jax_and_matplotlib_only_when_they_run():
    code = (
        "import sys; from ssrlm_jax.infer import inputs, plots, results; "
        "sys.exit('jax' in sys.modules or 'matplotlib' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_two_strands_are_folded_together(capsys, loaded):
    status, out, _ = _ssrlm(capsys, "fold", "GGGGAAAC+GUUUCCCC")
    assert (status, out.splitlines()[1:]) == (
        0,
        ["GGGGAAAC&GUUUCCCC", "((((((..&..))))))"],
    )


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--warn-unknown", "2"], "warn_unknown=2.0 does not lie in 0..1"),
        (["--max-unknown", "-1"], "max_unknown=-1.0 does not lie in 0..1"),
    ],
)
def test_shares_of_letters_are_checked(capsys, loaded, flags, told):
    status, _, (line,) = _ssrlm(capsys, "fold", "GGGAAACCC", *flags)
    assert (status, loaded) == (1, [])
    assert told in line


@pytest.mark.parametrize(
    ("text", "flags", "status", "sequences", "told"),
    [
        # a protein: 17 of 28 letters are not A C G T
        (
            ">p\nMKTAYHAKSRWGGSSAATTKKGGVVSHK\n", [], 0,
            ["MKUAYHAKSRWGGSSAAUUKKGGVVSHK"], "warning: .*17 of 28 letters are not",
        ),
        (">a\nGGGAAACCC C\n", [], 0, ["GGGAAACCCC"], ""),
        ("; a comment\n>a\n  1 ggga aaccc\n", [], 0, ["GGGAAACCC"], ""),
        (">a\nGGGAAACCC*\n>b\nGGG-AACCC\n", [], 1, ["GGGAAACCC"], "--remove-gaps"),
        (
            ">a\nGGGAAACCC*\n>b\nGGG-AACCC\n", ["--remove-gaps"], 0,
            ["GGGAAACCC", "GGGAACCC"], "",
        ),
        (">a\nGGGAAAPCC\n", [], 0, ["GGGAAAUCC"], "1 letters of modified"),
    ],
)  # fmt: skip
def test_files_as_people_have_them_are_folded(
    capsys, loaded, tmp_path, text, flags, status, sequences, told
):
    (tmp_path / "my.fa").write_text(text)
    found, out, err = _ssrlm(capsys, "fold", tmp_path / "my.fa", *flags)
    assert (found, out.splitlines()[1::3]) == (status, sequences)
    assert re.search(told, "\n".join(err[:-1])) is not None
    assert bool(err[:-1]) == bool(told)


def test_a_report_is_written_beside_the_files(capsys, loaded, fasta, tmp_path):
    out = tmp_path / "out"
    flags = ["--report", "--format", "ct", "--max-pairs-per-base", 2]
    assert _ssrlm(capsys, "fold", fasta, "-o", out, *flags)[0] == 1
    written = {path.name for path in out.iterdir()}
    assert written == {"report.html"}  # CT holds no triples
    page = (out / "report.html").read_text()
    assert all(f'"name":"{name}"' in page for name in "ade")
    assert "<dd>tiny</dd>" in page
