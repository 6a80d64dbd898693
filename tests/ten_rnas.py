"""Ten hairpins, two programs that fold them, and a table of both.

The known structure of each is four pairs around a loop of six. The program "right"
says so; "inner" says the two inner pairs: precision 1, recall 1/2, F1 2/3.
"""

import json
import pathlib
import textwrap

import stand_ins

LOOPS = ("AAAAAA", "AAAAAU", "AAAAUA", "AAAUAA", "AAUAAA", "AUAAAA", "UAAAAA")
LOOPS += ("UUAAAA", "AUUAAA", "AAUUAA")
SEQUENCES = [f"GGGG{loop}CCCC" for loop in LOOPS]
KNOWN, INNER = "((((......))))", "..((......)).."

# Reads a FASTA file; adds a line to NAME.log beside it; does with some RNA, by their
# place in LOOPS, what is told in NAME.json beside it.
PROGRAM = """
    import json, os, pathlib, sys, time
    here = pathlib.Path(__file__).parent
    told = json.loads((here / "{name}.json").read_text())
    if sys.argv[1:] == ["--version"]:
        print(told["version"])
        sys.exit()
    letters = pathlib.Path(sys.argv[-1]).read_text().split()[1]
    with open(here / "{name}.log", "a") as file:
        file.write(letters + "\\n")
    time.sleep(told.get("seconds", 0))
    what = told.get(letters)
    if what == "crash":
        sys.exit("it cannot fold this")
    if what == "hang":
        (here / "{name}.pid").write_text(str(os.getpid()))
        time.sleep(600)
    dots = {dots!r}
    print(">sequence")
    print(letters)
    print(dots[:7] if what == "half" else dots + " (-1.0)")
"""

ITEM = """
    import dataclasses
    from ssrlm_jax.comparisons import items
    from ssrlm_jax.external import printing_programs, programs

    def method(name):
        def make(settings):
            return printing_programs.PrintingProgram(
                program=programs.Program(name, f"SSRLM_{{name.upper()}}", "write it"),
                asked_version="--version",
                path={folder!r} + "/" + name,
                timeout=settings.time_limit,
            )
        return items.Method(
            name=name, title=name.title(), make=make, get="write it", weights="none",
            threshold="none", rule="none", licence="none", trained="nothing",
            training=(), seconds=(0.1, 1.0),
        )

    def get_item(settings):
        ten = items.LabelledSet(
            name="Ten", title="ten hairpins", file="ten.tsv", count={count},
            get="find it",
        )
        return items.Item(
            title="Two programs",
            sets=(ten, dataclasses.replace(ten, name="Secret", file="")),
            methods=tuple(method(name) for name in {names!r}),
            columns=items.SCORES,
            bins=("length", "identity"),
            paper={{("inner", "Ten", "F1"): 0.7}},
        )
"""


def write(folder: pathlib.Path, *, names=("right", "inner"), count=10) -> pathlib.Path:
    """Writes set, programs and table; returns the file of the table."""
    rows = ["id\tsequence\tdotbracket"]
    rows += [f"r{n}\t{letters}\t{KNOWN}" for n, letters in enumerate(SEQUENCES)]
    (folder / "ten.tsv").write_text("\n".join(rows) + "\n")
    for name, dots in (("right", KNOWN), ("inner", INNER)):
        script = textwrap.dedent(PROGRAM).format(name=name, dots=dots)
        stand_ins.program(folder, name, script)
        if not (folder / f"{name}.json").exists():
            tell(folder, name)
    path = folder / "two.py"
    text = textwrap.dedent(ITEM).format(folder=str(folder), names=names, count=count)
    path.write_text(text)
    return path


def tell(folder: pathlib.Path, name: str, version: str = "1.0", **what) -> None:
    """Says what a program does with some RNA: crash, hang or half a structure."""
    (folder / f"{name}.json").write_text(json.dumps({"version": version} | what))


def calls(folder: pathlib.Path, name: str) -> list[str]:
    """Returns the sequences that a program was called with, in order."""
    path = folder / f"{name}.log"
    return path.read_text().split() if path.exists() else []
