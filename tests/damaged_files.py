"""Files of every format that is read, damaged at random, and what commands say.

A command is run as a function in this process. Whatever the file, it ends in time and
without a traceback; an error is a line that names the file, leaves nothing that is half
written, and there is no success without a word where half of the letters are gone.
"""

import bz2
import contextlib
import dataclasses
import gzip
import io
import json
import lzma
import pathlib
import random
import re
import shutil
import signal
import traceback
import zipfile
from collections.abc import Callable, Iterator

from ssrlm_jax import cli
from ssrlm_jax.rna import structure_formats

LIMIT_S = 10
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
    "x.ct": _ct("tRNA"),
    "x.bpseq": _bpseq("knot"),
    "x.st": f"#Name: hairpin\n#Length: {len(B)}\n{B}\n{B_DOTS}\n{'S' * len(B)}\n"
    f"{'N' * len(B)}\n",
    "x.tsv": "id\tfamily\tsequence\tdotbracket\tpairs\n"
    + "".join(f"{name}\tRF1\t{s}\t{d}\t\n" for name, (s, d) in RNA.items()),
    "x.csv": "name,sequence,structure\n"
    + "".join(f"{name},{s},{d}\n" for name, (s, d) in RNA.items()),
    "x.sto": _STOCKHOLM,
    "x.prob": f">hairpin\n{B}\n1 24 0.98\n2 23 0.97\n3 22 0.9\n",
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
    return held | {"x.cif": _as_cif(held["x.pdb"])}


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


@dataclasses.dataclass(frozen=True)
class Ended:
    """How a command ended: status, what it wrote, or the traceback."""

    status: int
    out: str
    err: str
    trace: str = ""


@contextlib.contextmanager
def _limited() -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TimeoutError(f"not ended after {LIMIT_S} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(LIMIT_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def run(*arguments: object) -> Ended:
    """Runs a command in this process."""
    out, err = io.StringIO(), io.StringIO()
    status, trace = 1, ""
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), _limited():
        try:
            status = cli.main([str(one) for one in arguments])
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            trace = traceback.format_exc()
    return Ended(status, out.getvalue(), err.getvalue(), trace)


def num_letters(data: bytes) -> int:
    """Counts letters that look like those of a sequence, in any plain format."""
    if b"\0" in data or any(data.startswith(m) for m in (b"PK", b"BZh", b"\x1f\x8b")):
        return 0
    count = 0
    for line in re.split(rb"[\r\n]+", data):
        if line[:1] in (b">", b"#", b";"):
            continue
        if re.match(rb"\s*\d+\s+[ACGUTacgut]\s", line):
            count += 1
        else:
            count += sum(map(len, re.findall(rb"[ACGUTacgut]{12,}", line)))
    return count


def _wrong(case: Case, ended: Ended, num_read: int, made: pathlib.Path) -> str:
    """Returns what is wrong with how a command ended on a damaged file, else ""."""
    if ended.trace:
        return ended.trace
    left = [str(path) for path in made.rglob("*") if path.name.endswith(".unfinished")]
    if left:
        return f"half-written: {left}"
    error = re.search(r"^ssrlm \w+: (?!\d+ of \d+ ).*", ended.err, re.MULTILINE)
    if ended.status and not ended.err.strip():
        return f"no error is told: {ended.err!r}"
    if ended.status and error is not None and not _names(case, error[0]):
        return f"the file is not named: {ended.err!r}"
    if (
        ended.status == 0
        and not _words(ended.err)
        and num_read < num_letters(case.data) / 2
    ):
        return f"{num_read} of {num_letters(case.data)} letters read, without a word"
    return ""


def _names(case: Case, error: str) -> bool:
    """Tells whether an error names the file, or a chain that has its name."""
    stem = case.name.split(".")[0]
    return case.name in error or re.search(f" {stem}[_ ]", error) is not None


_NO_WORDS = re.compile(
    r"folded in [\d.]+ s|the model was trained on|lines of structures left out"
)


def _words(err: str) -> str:
    """Returns what was said, beside what is said of files that are whole."""
    return "\n".join(line for line in err.splitlines() if not _NO_WORDS.search(line))


def _fold(case: Case, folder: pathlib.Path) -> str:
    path = folder / case.name
    ended = run("fold", path, "-o", folder / "out", "--format", "dbn,json")
    num_read = 0
    for file in (folder / "out").glob("*.dbn"):
        num_read += len(file.read_text().splitlines()[1])
    return _wrong(case, ended, num_read, folder)


def _fold_with(case: Case, folder: pathlib.Path) -> str:
    flag = "--constraints" if case.name.startswith("c.") else "--reactivities"
    (folder / "rna.fa").write_text(f">hairpin\n{B}\n")
    ended = run("fold", folder / "rna.fa", flag, folder / case.name)
    return _wrong(case, ended, 10**9, folder)


def _evaluate(case: Case, folder: pathlib.Path) -> str:
    """Scores a damaged prediction, and then takes it for the truth."""
    truth, given = folder / "truth.tsv", folder / "given"
    given.mkdir()
    (folder / case.name).rename(given / case.name)
    truth.write_text(SEEDS["x.tsv"])
    ended = run("evaluate", "--predictions", given, "--truth", truth, "--json",
                folder / "a.json", "--threshold", 0.5)  # fmt: skip
    if found := _wrong(case, ended, 10**9, folder):
        return found
    whole = folder / "whole"
    whole.mkdir()
    (whole / "x.dbn").write_text(SEEDS["x.dbn"])
    ended = run("evaluate", "--predictions", whole, "--truth", given / case.name,
                "--json", folder / "b.json")  # fmt: skip
    num_read = 0
    if ended.status == 0:
        read = structure_formats.read(given / case.name)
        num_read = sum(len(record.sequence) for record in read)
    return _wrong(case, ended, num_read, folder)


def _prepare_corpus(case: Case, folder: pathlib.Path) -> str:
    settings = {
        "cluster.method": "none", "fold.program": "none", "executor.num_workers": 1,
        "min_length": 1, "min_complexity": 0, "num_buckets": 1, "validation_share": 0,
        "row_length": 128, "on_bad": random.Random(case.data).choice(("stop", "skip")),
    }  # fmt: skip
    ended = run(
        "prepare_corpus", f"--ncrna={folder / case.name}", f"--out={folder / 'out'}",
        *(f"--config.{name}={value}" for name, value in settings.items()),
    )  # fmt: skip
    read = re.search(r"ncrna: read +(\d+) +(\d+) +(\S.*)?", ended.out)
    told = (read and read[3] or "") + (
        case.name if case.name + ":" in ended.out else ""
    )
    said = dataclasses.replace(ended, err=ended.err + told)
    packed = re.findall(r"ncrna +\d+ +[\d,]+ +([\d,]+) +([\d,]+)", ended.out)
    num_read = sum(int(tokens.replace(",", "")) for _, tokens in packed)
    shutil.rmtree(folder / "out.work", ignore_errors=True)  # from which it goes on
    return _wrong(case, said, num_read, folder)


def _prepare_pdb(case: Case, folder: pathlib.Path) -> str:
    ended = run(
        "prepare_pdb", f"--files={folder / case.name}", f"--out={folder / 'out'}",
        "--config.cluster.method=exact", "--config.executor.num_workers=1",
        "--config.before=", "--config.min_length=4", "--config.min_pairs=0",
    )  # fmt: skip
    shutil.rmtree(folder / "out.work", ignore_errors=True)
    return _wrong(case, ended, 10**9, folder)


# By command: the kind of its files, and what it is asked to do.
COMMANDS: dict[str, tuple[str, Callable[[Case, pathlib.Path], str]]] = {
    "fold": ("pairs", _fold),
    "fold with evidence": ("evidence", _fold_with),
    "evaluate": ("pairs", _evaluate),
    "prepare_corpus": ("pairs", _prepare_corpus),
    "prepare_pdb": ("atoms", _prepare_pdb),
}


def wrong_with(command: str, number: int, folder: pathlib.Path) -> str:
    """Runs a command on one damaged file; returns what is wrong, else ""."""
    kind, ask = COMMANDS[command]
    case = damaged(kind, number)
    folder.mkdir()
    (folder / case.name).write_bytes(case.data)
    try:
        found = ask(case, folder)
    finally:
        shutil.rmtree(folder)
    return f"{command} {number}: {case.how}\n{found}" if found else ""
