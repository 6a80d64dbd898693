"""Files as other programs write them, scored by the command, each with its right F1."""

import bz2
import gzip
import io
import json
import lzma
import pathlib
import zipfile

import numpy as np
import pytest

from ssrlm_jax import cli

PAIRS = pathlib.Path(__file__).parent / "fixtures" / "pairs"
SEQUENCE = "GGGGAAACCCCAAGGGUUUCCC"
DOTS = "((((...))))..(((...)))"
PARTNERS = dict(
    [(1, 11), (2, 10), (3, 9), (4, 8), (14, 22), (15, 21), (16, 20)]
)  # of DOTS, from 1
TRUTH = f"id\tsequence\tdotbracket\nhp\t{SEQUENCE}\t{DOTS}\n"
DBN = f">hp\n{SEQUENCE}\n{DOTS}\n"


def _partner(position):
    back = {j: i for i, j in PARTNERS.items()}
    return PARTNERS.get(position) or back.get(position) or 0


def _ct(header, sequence=SEQUENCE):
    rows = [
        f"{i} {letter} {i - 1} {(i + 1) % (len(sequence) + 1)} {_partner(i)} {i}"
        for i, letter in enumerate(sequence, 1)
    ]
    return "\n".join([header, *rows]) + "\n"


def _bpseq(header, sequence=SEQUENCE):
    rows = [f"{i} {letter} {_partner(i)}" for i, letter in enumerate(sequence, 1)]
    return "\n".join([header, *rows]) + "\n"


def _linked():
    """RNAstructure's CT of two strands: three I between them."""
    letters = SEQUENCE[:11] + "III" + SEQUENCE[11:]

    def partner(i):
        if i in (12, 13, 14):
            return 0
        found = _partner(i if i < 12 else i - 3)
        return found + 3 * (found > 11)

    rows = [f"{i} {x} {i - 1} 0 {partner(i)} {i}" for i, x in enumerate(letters, 1)]
    return "25  ENERGY = -5.0  a_b\n" + "\n".join(rows) + "\n"


def _zipped(text):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("hp.dbn", text)
    return held.getvalue()


# name: file of the prediction, its content, and what the truth is; F1 is 1 in all.
SAME = {
    "RNAfold -p --MEA": (
        "out.fold",
        f"{DBN[:-1]} (-14.20)\n{DOTS[:-3]},|}} [-14.25]\n"
        f"{DOTS} {{-14.20 d=0.10}}\n{DOTS} {{-14.20 MEA=21.85}}\n"
        " frequency of mfe structure in ensemble 0.92; ensemble diversity 0.19  \n",
        TRUTH,
    ),
    "byte order mark": ("hp.dbn", "\ufeff" + DBN.replace("\n", "\r\n"), TRUTH),
    "byte order mark of the truth": (
        *("hp.dbn", DBN),
        "\ufeff" + TRUTH.replace("\n", "\r\n"),
    ),
    "byte order mark of a CT": ("hp.ct", "\ufeff" + _ct("22 hp"), TRUTH),
    "UTF-16": ("hp.dbn", DBN.encode("utf-16"), TRUTH.encode("utf-16")),
    "gz": ("hp.dbn.gz", gzip.compress(DBN.encode(), mtime=0), TRUTH),
    "bz2": ("hp.dbn.bz2", bz2.compress(DBN.encode()), TRUTH),
    "xz": ("hp.ct.xz", lzma.compress(_ct("22 hp").encode()), TRUTH),
    "zip": ("hp.zip", _zipped(DBN), TRUTH),
    "UFold": ("hp.ct", _ct(">seq length: 22\t seq name: hp"), TRUTH),
    "CRW": (
        "x.nopct",
        _ct("Filename: x.nopct\nOrganism: E. coli\nCitation: see http://x\n22 hp"),
        TRUTH,
    ),
    "ENERGY before the name": ("x.ct", _ct("22  ENERGY = -21.1  hp"), TRUTH),
    "dG before the name": ("x.ct", _ct("22\tdG = -21.1 [initially -22] hp"), TRUTH),
    "DSSR": ("x.ct", _ct("22 ENERGY = 0.0 [hp] -- structure by DSSR"), TRUTH),
    "DSSR of before": ("x.ct", _ct("22 DSSR-derived structure in 'hp'"), TRUTH),
    "two strands of RNAstructure": ("hp.ct", _linked(), TRUTH),
    "two strands": (
        "hp.dbn",
        f">hp\n{SEQUENCE[:11]}&{SEQUENCE[11:]}\n{DOTS[:11]}&{DOTS[11:]} (-9.10)\n",
        TRUTH,
    ),
    "two strands in both": (
        "hp.dbn",
        ">hp\nGGGG+CCCC\n((((+))))\n",
        "id,sequence,structure\nhp,GGGG&CCCC,((((&))))\n",
    ),
    "CONTRAfold": (
        "hp.txt",
        f"Predicting using MEA estimator.\n>hp\n{SEQUENCE}\n>structure\n{DOTS}\n",
        TRUTH,
    ),
    "LinearFold": (
        "out.txt",
        f"Unrecognized sequence: >hp\n{SEQUENCE}\n{DOTS} (4.68)\n",
        TRUTH,
    ),
    "wrapped": (
        "hp.fa",
        f">hp\n{SEQUENCE[:9]}\n{SEQUENCE[9:]}\n{DOTS[:5]}\n{DOTS[5:20]}\n{DOTS[20:]}\n",
        TRUTH,
    ),
    "blanks and comments": (
        "hp.dbn",
        f"; of mine\n>hp\nGGGGAAACCC CAAGGGUUUC CC\n; again\n{DOTS[:10]} {DOTS[10:]}"
        "  ( -3.40)\n",
        TRUTH,
    ),
    "gaps": (
        "hp.dbn",
        f">hp\n-{SEQUENCE[:5]}..{SEQUENCE[5:]}\n.{DOTS[:5]}--{DOTS[5:]}\n",
        TRUTH,
    ),
    "CSV": (
        "all.csv",
        f'"Seq","Secondary Structure","Name"\n"{SEQUENCE}","{DOTS}","hp"\n',
        TRUTH,
    ),
    "column structure": (
        *("hp.dbn", DBN),
        TRUTH.replace("dotbracket", "structure"),
    ),
    "column ss, no name": (
        *("hp.dbn", DBN),
        f"seq;ss\n{SEQUENCE};{DOTS}\n",
    ),
    "JSON": (
        "predictions.jsonl",
        json.dumps(
            {"name": "hp", "sequence": SEQUENCE, "dot_bracket": None}
            | {"pairs": [list(pair) for pair in PARTNERS.items()]}
        )
        + "\n",
        TRUTH,
    ),
    "letters of modified nucleotides": (
        "hp.dbn",
        DBN.replace(SEQUENCE, "GGGGAIACCCCAAGGGΨUUCCC"),
        TRUTH.replace(SEQUENCE, "GGGGAIACCCCAAGGGΨUUCCC"),
    ),
    "unknown letters": (
        "hp.dbn",
        DBN.replace(SEQUENCE, "GGGGA@ACCCCAAGGGUUUCCC"),
        TRUTH.replace(SEQUENCE, "GGGGA@ACCCCAAGGGUUUCCC"),
    ),
    "Stockholm in several structures": (
        "hp.dbn",
        ">hp\nGGGGAACCCCCCAAAAGGGAAA\n((((..[[[))))...]]]...\n",
        "# STOCKHOLM 1.0\nhp  GGGGAACCCCCCAAAAGGGAAA\n"
        "#=GC SS_cons    <<<<..___>>>>.........\n"
        "#=GC SS_cons_1  ......<<<.......>>>...\n//\n",
    ),
    "Stockholm with a row's own structure": (
        "hp.dbn",
        DBN,
        f"# STOCKHOLM 1.0\nhp {SEQUENCE}\n#=GR hp SS {DOTS}\n"
        f"#=GC SS_cons {'.' * 22}\n//\n",
    ),
    "drawing": (
        "hp_ss.ps",
        (PAIRS / "hp_ss.ps").read_text(),
        "id\tseq\tdot_bracket\nhp\tGGGGAAAACCCCAAGGGAAACCC\t((((....))))..(((...)))\n",
    ),
}


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


@pytest.mark.parametrize("name", SAME)
def test_the_structures_of_a_file_are_those_known(name, tmp_path, capsys):
    file, content, truth = SAME[name]
    status, f1, facts, _ = _score(tmp_path, capsys, {file: content}, truth)
    assert facts["problems"] == {}
    assert (status, f1) == (0, 1.0)


def test_several_of_a_sequence_are_listed_and_the_first_counts(tmp_path, capsys):
    text = (
        f">hp [100]\n{SEQUENCE} -12.30 1.00\n{DOTS} -12.30\n{DOTS[:11]}{'.' * 11} -9\n"
    )
    status, f1, facts, _ = _score(tmp_path, capsys, {"hp.db": text}, TRUTH)
    assert (status, f1) == (1, 1.0)
    (line,) = facts["problems"]["several"]
    assert "hp.db:2" in line
    assert "hp.db:4" in line


@pytest.mark.parametrize("suffix", ["ct", "bpseq"])
def test_all_structures_of_a_file_are_read(suffix, tmp_path, capsys):
    other = "GGGCAAAGCCCAAGGGUUUCCC"
    if suffix == "ct":
        text = _ct("22 hp") + _ct("22 o", other)
    else:
        text = _bpseq("#Name: hp") + "\n" + _bpseq("#Name: o", other)
    truth = TRUTH + f"o\t{other}\t{DOTS}\n"
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
    files = {"hp.dbn": DBN, ".DS_Store": b"\0\1", "._hp.dbn": b"\0\5\x16\7"}
    status, f1, *_ = _score(tmp_path, capsys, files, TRUTH)
    assert (status, f1) == (0, 1.0)


def test_what_is_not_used_and_letters_and_strands_are_told(tmp_path, capsys):
    truth = (
        f"# STOCKHOLM 1.0\nhp {SEQUENCE[:11]}{SEQUENCE[11:]}\n#=GC SS_cons {DOTS}\n"
        f"#=GC RF {'x' * 22}\n#=GR hp PP {'9' * 22}\n//\n"
    ).replace("GGGGAAA", "GGGGAIA")
    pred = SAME["two strands"][1].replace("GGGGAAA", "GGGGAIA")
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
    known = TRUTH.replace(SEQUENCE, truth)
    known = known.replace(DOTS, DOTS + "." * (len(truth) - 22))
    status, _, facts, _ = _score(tmp_path, capsys, {"hp.dbn": DBN}, known)
    assert status == 1
    assert line in facts["problems"]["mismatched"][0]


def test_a_truth_without_structures_names_the_columns(tmp_path, capsys):
    (tmp_path / "hp.dbn").write_text(DBN)
    (tmp_path / "truth.tsv").write_text(f"id\tsequence\tfoo\nhp\t{SEQUENCE}\t{DOTS}\n")
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


def _matrix(probability=0.5):
    matrix_LL = np.zeros((22, 22))
    for i, j in PARTNERS.items():
        matrix_LL[i - 1, j - 1] = probability
    return matrix_LL


def _bytes(save, *arrays, **named):
    held = io.BytesIO()
    save(held, *arrays, **named)
    return held.getvalue()


def _spot_rna():
    return "\n".join(" ".join(f"{p:.6e}" for p in row) for row in _matrix()) + "\n"


LIST = "".join(f"{i}\t{j}\t0.5\n" for i, j in PARTNERS.items())
PROBABILITIES = {
    "ours": ("hp.prob", f">hp\n{SEQUENCE}\n{LIST}"),
    "ours, gz": (
        "hp.prob.gz",
        gzip.compress(f">hp\n{SEQUENCE}\n{LIST}".encode(), mtime=0),
    ),
    "LinearPartition": ("out.txt", f">hp\n{LIST}\n"),
    "LinearPartition, one": ("hp.bpp.txt", LIST),
    "CSV": ("hp.csv", "i,j,p\n" + LIST.replace("\t", ",")),
    "CONTRAfold": (
        "x.posteriors",
        "".join(
            f"{i} {letter}" + (f" {PARTNERS[i]}:0.5" if i in PARTNERS else "") + "\n"
            for i, letter in enumerate(SEQUENCE, 1)
        ),
    ),
    "RNAstructure": (
        "hp.txt",
        "22\ni\tj\t-log10(Probability)\n" + LIST.replace("0.5", "0.30103"),
    ),
    "SPOT-RNA": ("hp.prob", _spot_rna()),
    "npy": ("hp.npy", _bytes(np.save, _matrix())),
    "npz": ("hp.npz", _bytes(np.savez, _matrix().T)),
    "npz of many": ("all.npz", _bytes(np.savez, hp=_matrix(), o=_matrix() * 0)),
}


@pytest.mark.parametrize("name", PROBABILITIES)
def test_a_pair_that_has_just_the_threshold_is_one(name, tmp_path, capsys):
    file, content = PROBABILITIES[name]
    least = "0.4999" if name == "RNAstructure" else "0.5"
    found = _score(tmp_path, capsys, {file: content}, TRUTH, "--threshold", least)
    status, f1, facts, _ = found
    unused = facts["problems"].get("unused", [])
    assert [line.partition(" ")[0] for line in unused] == ["o"] * ("many" in name)
    assert (status, f1) == (int("many" in name), 1.0)
    assert facts["scores"]["average_precision"]["mean"][0] == 1.0
    command = ["evaluate", f"--predictions={tmp_path / 'pred'}", "--threshold=0.51"]
    cli.main([*command, f"--truth={tmp_path / 'truth'}"])
    assert "0.000 (0.000-0.000)" in capsys.readouterr().out


@pytest.mark.parametrize("file", ["hp_dp.ps", "hp.lp"])
def test_probabilities_of_programs_are_scored(file, tmp_path, capsys):
    truth = "id\tsequence\tss\nhp\tGGGGAAAACCCCAAGGGAAACCC\t((((....))))..(((...)))\n"
    content = (PAIRS / file).read_text()
    found = _score(tmp_path, capsys, {file: content}, truth, "--threshold", "0.25")
    assert found[:2] == (0, 1.0)


def test_what_has_another_length_is_told(tmp_path, capsys):
    files = {"hp.npy": _bytes(np.save, np.zeros((21, 21)))}
    status, _, facts, _ = _score(tmp_path, capsys, files, TRUTH, "--threshold", "0.5")
    assert status == 1
    assert "21 nt there, 22 nt known" in facts["problems"]["mismatched"][0]


def test_some_without_probabilities_leave_a_column_empty_and_it_is_told(
    tmp_path, capsys
):
    files = {"hp.prob": PROBABILITIES["ours"][1], "o.dbn": ">o\nGGAAACC\n((...))\n"}
    truth = TRUTH + "o\tGGAAACC\t((...))\n"
    found = _score(tmp_path, capsys, files, truth, "--threshold", "0.5")
    assert "pred: no AUPRC, 1 of 2 RNAs have none: o" in found[3].out


def test_a_model_is_not_asked_for_several_strands(tmp_path, capsys):
    (tmp_path / "truth.dbn").write_text(">x\nGGGG&CCCC\n((((&))))\n")
    command = ["evaluate", "--config.programs=vienna", f"--out={tmp_path / 'out'}"]
    assert cli.main([*command, f"--truth={tmp_path / 'truth.dbn'}"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "truth.dbn:2: x is of 2 strands" in line
