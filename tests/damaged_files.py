"""Whole files of every format that is read, and endlessly many damaged ones."""

import bz2
import dataclasses
import gzip
import io
import json
import lzma
import pathlib
import random
import re
import zipfile
from collections.abc import Callable

A = "GCGGAUUUAGCUCAGUUGGGAGAGCGCCAGACUGAAGAUCUGGAGGUCCUGUGUUCGAUCCACAGAAUUCGCACCA"
A_DOTS = "(((((((..((((........)))).((((.........)))).....(((((.......))))))))))))...."
B, B_DOTS = "GGGGAAAUCCUUCGGGAUUUCCCC", "((((((((((....))))))))))"
C, C_DOTS = "GGCACGGAAACCGAAAGUGCC", "((((.[[[....)))).]]]."
RNA = {"tRNA": (A, A_DOTS), "hairpin": (B, B_DOTS), "knot": (C, C_DOTS)}


def _partners(dots: str) -> list[int]:
    """Returns the partner of each position from 1, 0 where it has none."""
    found, open_at = [0] * len(dots), {"(": [], "[": []}
    for place, mark in enumerate(dots):
        if mark in "([":
            open_at[mark].append(place)
        elif mark in ")]":
            other = open_at["(" if mark == ")" else "["].pop()
            found[place], found[other] = other + 1, place + 1
    return found


def _ct(name: str) -> str:
    letters, dots = RNA[name]
    rows = [
        f"{n:5} {letter} {n - 1:5} {n + 1:5} {partner:5} {n:5}"
        for n, (letter, partner) in enumerate(
            zip(letters, _partners(dots), strict=True), 1
        )
    ]
    return "\n".join([f"{len(letters):5}  {name}", *rows]) + "\n"


def _bpseq(name: str) -> str:
    letters, dots = RNA[name]
    rows = [
        f"{n} {letter} {partner}"
        for n, (letter, partner) in enumerate(
            zip(letters, _partners(dots), strict=True), 1
        )
    ]
    return "\n".join([f"# {name}", *rows]) + "\n"


def _wrapped(letters: str, width: int = 30) -> str:
    return "\n".join(letters[n : n + width] for n in range(0, len(letters), width))


_STOCKHOLM = f"""# STOCKHOLM 1.0
#=GF ID   some
#=GF AC   RF00005

one/1-24       {B}
two/5-28       {B.replace("GG", "G-", 1)}
#=GC SS_cons   {B_DOTS.replace("(", "<").replace(")", ">")}
//
"""
SEEDS: dict[str, str] = {
    "x.fa": "".join(
        f">{name} some words\n{_wrapped(s)}\n" for name, (s, _) in RNA.items()
    ),
    "x.dbn": "".join(f">{name}\n{s}\n{d}\n" for name, (s, d) in RNA.items()),
    "x.fold": "".join(f">{name}\n{s}\n{d} (-12.30)\n" for name, (s, d) in RNA.items()),
    "y.fold": "".join(
        f">{name}\n1   {s}   {len(s)}\n-12.30   {d}   0.98   []\n"
        for name, (s, d) in list(RNA.items())[:2]
    ),
    "y.dbn": f">tRNA\n{A[:40]}\n{A_DOTS[:40]}\n{A[40:]}\n{A_DOTS[40:]}\n>hairpin\n{B}\n"
    f">hairpin_structure\n{B_DOTS}\n",
    "x.ct": _ct("tRNA"),
    "y.ct": _ct("tRNA").partition("\n")[2],
    "x.bpseq": _bpseq("knot"),
    "x.st": f"#Name: hairpin\n#Length: {len(B)}\n{B}\n{B_DOTS}\n{'S' * len(B)}\n"
    f"{'N' * len(B)}\n",
    "x.tsv": "id\tfamily\tsequence\tdotbracket\tpairs\n"
    + "".join(f"{name}\tRF1\t{s}\t{d}\t\n" for name, (s, d) in RNA.items()),
    "x.csv": "name,sequence,structure\n"
    + "".join(f"{name},{s},{d}\n" for name, (s, d) in RNA.items()),
    "x.sto": _STOCKHOLM,
    "x.prob": f">hairpin\n{B}\n1 24 0.98\n2 23 0.97\n3 22 0.9\n",
    "y.tsv": "".join(f"{name}\t{s}\t{d}\n" for name, (s, d) in RNA.items()),
    "y.prob": f"% NUPACK 3.2\n\n{len(B)}\n1 24 0.98\n2 23 0.97\n12 25 0.9\n",
    "x.jsonl": json.dumps(
        {"name": "hairpin", "sequence": B, "pairs": [[1, 24], [2, 23]]}
    ),
}
_REACTIVITIES = [f"{0.1 * (n % 9):.1f}" for n in range(len(B))]
EVIDENCE: dict[str, str] = {
    "x.shape": ">hairpin\n"
    + "".join(f"{n} {value}\n" for n, value in enumerate(_REACTIVITIES, 1)),
    "x.map": "".join(
        f"{n} {value} 0.1 {letter}\n"
        for n, (value, letter) in enumerate(zip(_REACTIVITIES, B, strict=True), 1)
    ),
    "x.csv": "id,position,base,reactivity\n"
    + "".join(f"hairpin,{n},{B[n - 1]},{v}\n" for n, v in enumerate(_REACTIVITIES, 1)),
    "y.csv": "sequence_id,sequence,"
    + ",".join(f"reactivity_{n:04}" for n in range(1, len(B) + 1))
    + f"\nhairpin,{B},{','.join(_REACTIVITIES)}\n",
    "x.json": f'{{"id": "hairpin", "sequence": "{B}", "reactivity": '
    f"[{', '.join(_REACTIVITIES)}]}}\n",
    "x.xml": f'<data><transcript id="hairpin" length="{len(B)}">'
    f"<sequence>{B}</sequence><reactivity>{','.join(_REACTIVITIES)}</reactivity></transcript></data>\n",
    "x.rdat": f"RDAT_VERSION\t0.34\nNAME\thairpin\nSEQUENCE\t{B}\nOFFSET 0\nSEQPOS\t"
    + "\t".join(f"{letter}{n}" for n, letter in enumerate(B, 1))
    + "\nANNOTATION_DATA:1\tmodifier:1M7\nREACTIVITY:1\t"
    + "\t".join(_REACTIVITIES)
    + "\n",
    "c.dbn": f">hairpin\n{B_DOTS.replace('.', 'x')}\n",
    "c.con": "DS:\n1\n-1\nSS:\n12\n13\n-1\nMod:\n2\n-1\nPairs:\n1 24\n-1 -1\n",
    "c.txt": "F 1 24 2\nP 12 0 2\n",
}
_COLUMNS = (  # of atoms in mmCIF
    "group_PDB", "id", "type_symbol", "label_atom_id", "label_alt_id", "label_comp_id",
    "label_asym_id", "label_entity_id", "label_seq_id", "pdbx_PDB_ins_code", "Cartn_x",
    "Cartn_y", "Cartn_z", "occupancy", "B_iso_or_equiv", "auth_seq_id", "auth_comp_id",
    "auth_asym_id", "auth_atom_id", "pdbx_PDB_model_num",
)  # fmt: skip
_HERE = pathlib.Path(__file__).parent / "fixtures"
_ODD = (
    "", "0", "-1", "1e400", "nan", "inf", "9" * 30, "-", "I", "&", "\0", "𝄞", "é",
    "x" * 3000, "((((", ")", "NA", "None", '"', ",", ";", "//", ">", "#", "1-", "5-5",
    "\ufeff", "\u2028", "%s", "{}", "[]", "<html>", "\x1a", "\x1b[31m", " " * 50,
)  # fmt: skip


def seeds(kind: str) -> dict[str, bytes]:
    """Returns whole files by name: of pairs (and letters), evidence, or atoms."""
    if kind != "atoms":
        texts = SEEDS if kind == "pairs" else EVIDENCE
        return {name: text.encode() for name, text in texts.items()}
    atoms = (_HERE / "assessment" / "duplex.pdb.gz").read_bytes()
    held = {"x.pdb": gzip.decompress(atoms), "y.pdb": (_HERE / "1Q96.pdb").read_bytes()}
    models = held["x.pdb"].replace(b"END\n", b"") + b"ENDMDL\n"
    two = b"MODEL     1\n" + models + b"MODEL     2\n" + models
    return held | {"x.cif": _as_cif(held["x.pdb"]), "z.pdb": two}


def _as_cif(data: bytes) -> bytes:
    """Writes atoms of a PDB file as mmCIF."""
    rows = [
        f"{t[:6].strip()} {t[6:11].strip()} {t[76:78].strip() or t[13]} "
        f'"{t[12:16].strip()}" . {t[17:20].strip()} {t[21]} 1 {t[22:26].strip()} ? '
        f"{t[30:38].strip()} {t[38:46].strip()} {t[46:54].strip()} 1.00 10.0 "
        f'{t[22:26].strip()} {t[17:20].strip()} {t[21]} "{t[12:16].strip()}" 1'
        for t in data.decode().splitlines()
        if t.startswith("ATOM")
    ]
    head = ["data_X", "loop_", *(f"_atom_site.{name}" for name in _COLUMNS)]
    return "\n".join([*head, *rows, "#"]).encode() + b"\n"


def _cut(rng: random.Random, data: bytes) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _removed(rng: random.Random, data: bytes) -> bytes:
    a, b = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    return data[:a] + data[b:]


def _flipped(rng: random.Random, data: bytes) -> bytes:
    found = bytearray(data)
    for _ in range(rng.choice((1, 1, 3, 20)) if found else 0):
        found[rng.randrange(len(found))] = rng.choice(
            (0, 9, 10, 13, 32, 127, 255, rng.randrange(256))
        )
    return bytes(found)


def _inserted(rng: random.Random, data: bytes) -> bytes:
    place = rng.randrange(len(data) + 1)
    return data[:place] + rng.choice(_ODD).encode() + data[place:]


def _of_lines(change: Callable[[random.Random, list[bytes]], None]) -> "_Damage":
    def damage(rng: random.Random, data: bytes) -> bytes:
        lines = data.split(b"\n")
        change(rng, lines)
        return b"\n".join(lines)

    return damage


def _swapped(rng: random.Random, lines: list[bytes]) -> None:
    a, b = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[a], lines[b] = lines[b], lines[a]


def _without(rng: random.Random, lines: list[bytes]) -> None:
    del lines[rng.randrange(len(lines))]


def _twice(rng: random.Random, lines: list[bytes]) -> None:
    lines.insert(rng.randrange(len(lines) + 1), rng.choice(lines))


def _other_field(rng: random.Random, lines: list[bytes]) -> None:
    place = rng.randrange(len(lines))
    words = re.split(rb"(\s+|,)", lines[place])
    words[rng.randrange(len(words))] = rng.choice(_ODD).encode()
    lines[place] = b"".join(words)


def _shuffled(rng: random.Random, lines: list[bytes]) -> None:
    rng.shuffle(lines)


def _zipped(data: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x", data)
    return file.getvalue()


def _packed(rng: random.Random, data: bytes) -> bytes:
    pack = rng.choice((gzip.compress, bz2.compress, lzma.compress, _zipped))
    return pack(data)


def _encoded(rng: random.Random, data: bytes) -> bytes:
    text = data.decode("utf-8", "replace")
    return text.encode(rng.choice(("utf-8-sig", "utf-16", "utf-16-be", "utf-32")))


def _other_ends(rng: random.Random, data: bytes) -> bytes:
    return data.replace(b"\n", rng.choice((b"\r\n", b"\r", b"", b"\n\n", b" ")))


def _other_blanks(rng: random.Random, data: bytes) -> bytes:
    return re.sub(rb"[ \t]+", rng.choice((b"\t", b" ", b"", b",", b";")), data)


def _joined(rng: random.Random, data: bytes) -> bytes:
    return data + rng.choice(list(SEEDS.values())).encode()


def _cased(rng: random.Random, data: bytes) -> bytes:
    return rng.choice((data.lower(), data.upper(), data.swapcase()))


_Damage = Callable[[random.Random, bytes], bytes]
DAMAGES: dict[str, _Damage] = {
    "cut": _cut, "removed": _removed, "flipped": _flipped, "inserted": _inserted,
    "swapped": _of_lines(_swapped), "without": _of_lines(_without),
    "twice": _of_lines(_twice), "field": _of_lines(_other_field),
    "shuffled": _of_lines(_shuffled), "packed": _packed, "encoded": _encoded,
    "ends": _other_ends, "blanks": _other_blanks, "joined": _joined, "cased": _cased,
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Case:
    """A damaged file: its name, its content and what was done to it."""

    name: str
    data: bytes
    how: str


def damaged(kind: str, number: int) -> Case:
    """Returns one of endlessly many damaged files, always the same."""
    rng = random.Random(f"{kind} {number}")
    whole = seeds(kind)
    name = rng.choice(list(whole))
    data, how = whole[name], [name]
    for _ in range(rng.choice((1, 1, 2, 3))):
        done = rng.choice(list(DAMAGES))
        data = DAMAGES[done](rng, data)
        how.append(done)
    if rng.random() < 0.05:
        other = rng.choice(list(whole))
        name = f"{name.split('.')[0]}.{other.split('.')[1]}"
    return Case(name, data, " ".join(how))
