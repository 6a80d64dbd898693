"""Files as other programs write them, scored by the command, each with its right F1."""

import json

import numpy as np
import pair_files
import pytest

from ssrlm_jax import cli

SEQUENCE, DOTS = pair_files.SEQUENCE, pair_files.DOTS


def _score(tmp_path, capsys, files, truth, *flags):
    """Returns status, mean F1, all facts and what was shown."""
    folder = tmp_path / "pred"
    folder.mkdir()
    for name, content in files.items():
        data = content if isinstance(content, bytes) else content.encode()
        (folder / name).write_bytes(data)
    data = truth if isinstance(truth, bytes) else truth.encode()
    (tmp_path / "truth").write_bytes(data)
    out = tmp_path / "scores.json"
    command = ["evaluate", f"--predictions={folder}", f"--truth={tmp_path / 'truth'}"]
    status = cli.main([*command, f"--json={out}", *flags])
    shown = capsys.readouterr()
    facts = json.loads(out.read_text())
    return status, facts["scores"]["strict"]["f1"]["mean"][0], facts, shown


@pytest.mark.parametrize("name", pair_files.SAME)
def test_the_structures_of_a_file_are_those_known(name, tmp_path, capsys):
    file, content, truth = pair_files.SAME[name]
    status, f1, facts, _ = _score(tmp_path, capsys, {file: content}, truth)
    assert facts["problems"] == {}
    assert (status, f1) == (0, 1.0)


def test_several_of_a_sequence_are_listed_and_the_first_counts(tmp_path, capsys):
    text = (
        f">hp [100]\n{SEQUENCE} -12.30 1.00\n{DOTS} -12.30\n{DOTS[:11]}{'.' * 11} -9\n"
    )
    status, f1, facts, _ = _score(tmp_path, capsys, {"hp.db": text}, pair_files.TRUTH)
    assert (status, f1) == (1, 1.0)
    (line,) = facts["problems"]["several"]
    assert "hp.db:2" in line
    assert "hp.db:4" in line


@pytest.mark.parametrize("suffix", ["ct", "bpseq"])
def test_all_structures_of_a_file_are_read(suffix, tmp_path, capsys):
    other = "GGGCAAAGCCCAAGGGUUUCCC"
    if suffix == "ct":
        text = pair_files.ct("22 hp") + pair_files.ct("22 o", other)
    else:
        text = (
            pair_files.bpseq("#Name: hp") + "\n" + pair_files.bpseq("#Name: o", other)
        )
    truth = pair_files.TRUTH + f"o\t{other}\t{DOTS}\n"
    status, f1, *_ = _score(tmp_path, capsys, {f"all.{suffix}": text}, truth)
    assert (status, f1) == (0, 1.0)


def test_one_bad_record_of_a_thousand_is_told_and_the_rest_scored(tmp_path, capsys):
    sequences = {f"r{n}": SEQUENCE for n in range(1000)}
    sequences["r7"] = SEQUENCE[:-1] + "G"  # no other prediction serves it
    bad = "".join(
        f">{name}\n{sequence}\n{DOTS[: 21 if name == 'r7' else 22]}\n"
        for name, sequence in sequences.items()
    )
    truth = "id\tsequence\tdotbracket\n" + "".join(
        f"{name}\t{sequence}\t{DOTS[:21]}{'(' if name == 'r9' else ')'}\n"
        for name, sequence in sequences.items()
    )
    status, f1, facts, _ = _score(tmp_path, capsys, {"all.dbn": bad}, truth)
    assert status == 1
    assert facts["scores"]["rnas"] == 999
    (unread,) = facts["problems"]["unread"]
    assert "all.dbn:24: dot-bracket of 22 positions expected, found 21" in unread
    (left_out,) = facts["problems"]["left out of the known"]
    assert "truth:11: dot-bracket position 14: '(' is never closed" in left_out
    assert facts["problems"]["missing"] == ["r7"]
    assert f1 == pytest.approx(998 / 999, abs=1e-6)


def test_hidden_files_are_ignored(tmp_path, capsys):
    files = {"hp.dbn": pair_files.DBN, ".DS_Store": b"\0\1", "._hp.dbn": b"\0\5\x16\7"}
    status, f1, *_ = _score(tmp_path, capsys, files, pair_files.TRUTH)
    assert (status, f1) == (0, 1.0)


def test_what_is_not_used_and_letters_and_strands_are_told(tmp_path, capsys):
    truth = (
        f"# STOCKHOLM 1.0\nhp {SEQUENCE[:11]}{SEQUENCE[11:]}\n#=GC SS_cons {DOTS}\n"
        f"#=GC RF {'x' * 22}\n#=GR hp PP {'9' * 22}\n//\n"
    ).replace("GGGGAAA", "GGGGAIA")
    pred = pair_files.SAME["two strands"][1].replace("GGGGAAA", "GGGGAIA")
    status, f1, facts, shown = _score(tmp_path, capsys, {"hp.dbn": pred}, truth)
    assert (status, f1) == (0, 1.0)
    told = "\n".join(facts["notes"])
    assert "truth: annotations not used: #=GC RF, #=GR PP" in told
    assert "read 1 modified nucleotides as their parents, inosine as N" in told
    assert "1 RNAs of several strands are scored joined, positions counted" in told
    assert told in shown.err
    assert "pred: no AUPRC, there are no probabilities of pairs" in shown.out


@pytest.mark.parametrize(
    ("truth", "line"),
    [
        ("GGGGANACCCCAAGGGUUUCCC", "position 6 is A there and N in the known RNA"),
        (
            "GGGGAAACCCCAAGGGUUUCCCA",
            "22 nt there, 23 nt known: position 23 is the end there and A in the known",
        ),
    ],
)
def test_a_sequence_that_differs_is_told_where(truth, line, tmp_path, capsys):
    known = pair_files.TRUTH.replace(SEQUENCE, truth)
    known = known.replace(DOTS, DOTS + "." * (len(truth) - 22))
    status, _, facts, _ = _score(tmp_path, capsys, {"hp.dbn": pair_files.DBN}, known)
    assert status == 1
    assert line in facts["problems"]["mismatched"][0]


def test_a_truth_without_structures_names_the_columns(tmp_path, capsys):
    (tmp_path / "hp.dbn").write_text(pair_files.DBN)
    (tmp_path / "truth.tsv").write_text(f"id\tsequence\tfoo\nhp\t{SEQUENCE}\tx\n")
    command = [
        "--predictions",
        f"{tmp_path}/hp.dbn",
        "--truth",
        f"{tmp_path}/truth.tsv",
    ]
    assert cli.main(["evaluate", *command]) == 1
    assert (
        "hp has no structure; of a table it stands in a column 'dotbracket' (or "
        in (capsys.readouterr().err)
    )


@pytest.mark.parametrize("name", pair_files.PROBABILITIES)
def test_a_pair_that_has_just_the_threshold_is_one(name, tmp_path, capsys):
    file, content = pair_files.PROBABILITIES[name]
    least = "0.4999" if name == "RNAstructure" else "0.5"
    found = _score(
        tmp_path, capsys, {file: content}, pair_files.TRUTH, "--threshold", least
    )
    status, f1, facts, _ = found
    unused = facts["problems"].get("unused", [])
    assert [line.partition(" ")[0] for line in unused] == ["o"] * ("many" in name)
    assert (status, f1) == (int("many" in name), 1.0)
    assert facts["scores"]["average_precision"]["mean"][0] == 1.0
    command = ["evaluate", f"--predictions={tmp_path / 'pred'}", "--threshold=0.51"]
    cli.main([*command, f"--truth={tmp_path / 'truth'}"])
    out = capsys.readouterr().out
    assert out.splitlines()[1].split()[:5] == ["pred", "all", "1", "0.000", "0.000"]


@pytest.mark.parametrize("file", ["hp_dp.ps", "hp.lp"])
def test_probabilities_of_programs_are_scored(file, tmp_path, capsys):
    truth = "id\tsequence\tss\nhp\tGGGGAAAACCCCAAGGGAAACCC\t((((....))))..(((...)))\n"
    content = (pair_files.PAIRS / file).read_text()
    found = _score(tmp_path, capsys, {file: content}, truth, "--threshold", "0.25")
    assert found[:2] == (0, 1.0)


def test_what_has_another_length_is_told(tmp_path, capsys):
    files = {"hp.npy": pair_files.bytes(np.save, np.zeros((21, 21)))}
    status, _, facts, _ = _score(
        tmp_path, capsys, files, pair_files.TRUTH, "--threshold", "0.5"
    )
    assert status == 1
    assert "21 nt there, 22 nt known" in facts["problems"]["mismatched"][0]


def test_some_without_probabilities_leave_a_column_empty_and_it_is_told(
    tmp_path, capsys
):
    files = {
        "hp.prob": pair_files.PROBABILITIES["ours"][1],
        "o.dbn": ">o\nGGAAACC\n((...))\n",
    }
    truth = pair_files.TRUTH + "o\tGGAAACC\t((...))\n"
    found = _score(tmp_path, capsys, files, truth, "--threshold", "0.5")
    assert "pred: no AUPRC, 1 of 2 RNAs have none: o" in found[3].out


def test_a_model_is_not_asked_for_several_strands(tmp_path, capsys):
    (tmp_path / "truth.dbn").write_text(">x\nGGGG&CCCC\n((((&))))\n")
    command = ["evaluate", "--config.programs=vienna", f"--out={tmp_path / 'out'}"]
    assert cli.main([*command, f"--truth={tmp_path / 'truth.dbn'}"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "truth.dbn:2: x is of 2 strands" in line


def test_a_bad_record_of_the_truth_is_told_beside_scores_of_programs(tmp_path, capsys):
    truth = pair_files.TRUTH + "o\tGGAAACC\t((...)\n"
    (tmp_path / "truth.tsv").write_text(truth)
    command = ["evaluate", "--config.programs=vienna", f"--out={tmp_path / 'out'}"]
    assert cli.main([*command, f"--truth={tmp_path / 'truth.tsv'}"]) == 1
    shown = capsys.readouterr()
    assert "left out of the known: 1\n" in shown.err
    assert "truth.tsv:3: dot-bracket of 7 positions expected, found 6" in shown.err
    assert "vienna  all" in shown.out
