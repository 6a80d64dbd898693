"""Files of structures and probabilities of one RNA, as programs write them."""

import bz2
import gzip
import io
import json
import lzma
import pathlib
import zipfile

import numpy as np

PAIRS = pathlib.Path(__file__).parent / "fixtures" / "pairs"
SEQUENCE = "GGGGAAACCCCAAGGGUUUCCC"
DOTS = "((((...))))..(((...)))"
PARTNERS = dict(
    [(1, 11), (2, 10), (3, 9), (4, 8), (14, 22), (15, 21), (16, 20)]
)  # of DOTS, from 1
TRUTH = f"id\tsequence\tdotbracket\nhp\t{SEQUENCE}\t{DOTS}\n"
DBN = f">hp\n{SEQUENCE}\n{DOTS}\n"


def partner(position):
    back = {j: i for i, j in PARTNERS.items()}
    return PARTNERS.get(position) or back.get(position) or 0


def ct(header, sequence=SEQUENCE):
    rows = [
        f"{i} {letter} {i - 1} {(i + 1) % (len(sequence) + 1)} {partner(i)} {i}"
        for i, letter in enumerate(sequence, 1)
    ]
    return "\n".join([header, *rows]) + "\n"


def bpseq(header, sequence=SEQUENCE):
    rows = [f"{i} {letter} {partner(i)}" for i, letter in enumerate(sequence, 1)]
    return "\n".join([header, *rows]) + "\n"


def linked():
    """RNAstructure's CT of two strands: three I between them."""
    letters = SEQUENCE[:11] + "III" + SEQUENCE[11:]

    def shifted(i):
        if i in (12, 13, 14):
            return 0
        found = partner(i if i < 12 else i - 3)
        return found + 3 * (found > 11)

    rows = [f"{i} {x} {i - 1} 0 {shifted(i)} {i}" for i, x in enumerate(letters, 1)]
    return "25  ENERGY = -5.0  a_b\n" + "\n".join(rows) + "\n"


def zipped(text):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr(zipfile.ZipInfo("hp.dbn"), text)
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
    "byte order mark of a CT": ("hp.ct", "\ufeff" + ct("22 hp"), TRUTH),
    "UTF-16": ("hp.dbn", DBN.encode("utf-16"), TRUTH.encode("utf-16")),
    "gz": ("hp.dbn.gz", gzip.compress(DBN.encode(), mtime=0), TRUTH),
    "bz2": ("hp.dbn.bz2", bz2.compress(DBN.encode()), TRUTH),
    "xz": ("hp.ct.xz", lzma.compress(ct("22 hp").encode()), TRUTH),
    "zip": ("hp.zip", zipped(DBN), TRUTH),
    "UFold": ("hp.ct", ct(">seq length: 22\t seq name: hp"), TRUTH),
    "CRW": (
        "x.nopct",
        ct("Filename: x.nopct\nOrganism: E. coli\nCitation: see http://x\n22 hp"),
        TRUTH,
    ),
    "ENERGY before the name": ("x.ct", ct("22  ENERGY = -21.1  hp"), TRUTH),
    "dG before the name": ("x.ct", ct("22\tdG = -21.1 [initially -22] hp"), TRUTH),
    "DSSR": ("x.ct", ct("22 ENERGY = 0.0 [hp] -- structure by DSSR"), TRUTH),
    "DSSR of before": ("x.ct", ct("22 DSSR-derived structure in 'hp'"), TRUTH),
    "two strands of RNAstructure": ("hp.ct", linked(), TRUTH),
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


def matrix(probability=0.5):
    matrix_LL = np.zeros((22, 22))
    for i, j in PARTNERS.items():
        matrix_LL[i - 1, j - 1] = probability
    return matrix_LL


def bytes(save, *arrays, **named):
    held = io.BytesIO()
    save(held, *arrays, **named)
    return held.getvalue()


def spot_rna():
    return "\n".join(" ".join(f"{p:.6e}" for p in row) for row in matrix()) + "\n"


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
    "SPOT-RNA": ("hp.prob", spot_rna()),
    "npy": ("hp.npy", bytes(np.save, matrix())),
    "npz": ("hp.npz", bytes(np.savez, matrix().T)),
    "npz of many": ("all.npz", bytes(np.savez, hp=matrix(), o=matrix() * 0)),
}
