"""Stands in for outside programs: scripts that replay what those were seen to do."""

import pathlib
import stat
import sys
import textwrap

TOOLS = pathlib.Path(__file__).parent / "fixtures" / "tools"
TRNA = "GCGGAUUUAGCUCAGUUGGGAGAGCGCCAGACUGAAGAUCUGGAGGUCCUGUGUUCGAUCCACAGAAUUCGCACCA"
TRNA_DOTS = (TOOLS / "contrafold_predict.stdout").read_text().split()[-1]

# `predict FILE... --parens OUT`; OUT is a file where there is one FILE. A call is
# added to calls.log beside the script.
CONTRAFOLD = f"""
    import pathlib, sys
    with open(pathlib.Path(__file__).parent / "calls.log", "a") as file:
        file.write(" ".join(sys.argv[1:]) + "\\n")
    tools = pathlib.Path({str(TOOLS)!r})
    recorded = {{
        "parens": (tools / "contrafold_predict.stdout").read_text().split()[-1],
        "posteriors": (tools / "contrafold_posteriors_0.01.txt").read_text(),
    }}
    words = sys.argv[1:]
    assert words.pop(0) == "predict"
    files = [word for word in words if word.endswith(".fa")]
    for kind in ("parens", "posteriors"):
        if "--" + kind not in words:
            continue
        out = pathlib.Path(words[words.index("--" + kind) + (1 + (kind[1] == "o"))])
        if len(files) > 1:
            out.mkdir()
        for name in files:
            header, letters = pathlib.Path(name).read_text().split()
            is_trna = letters == {TRNA!r}
            if kind == "parens":
                dots = recorded[kind] if is_trna else "." * len(letters)
                text = "\\n".join((header, letters, ">structure", dots, ""))
            elif is_trna:
                text = recorded[kind]
            else:
                numbered = enumerate(letters, 1)
                text = "".join(f"{{i}} {{letter}}\\n" for i, letter in numbered)
            (out / name if len(files) > 1 else out).write_text(text)
        print("Predicting using MEA estimator.")
"""

# Sequences on standard input; what is recorded, else no pairs; exit status 1.
LINEARFOLD = f"""
    import pathlib, sys
    lines = (pathlib.Path({str(TOOLS)!r}) / "linearfold_c.stdout").read_text()
    lines = lines.splitlines()
    recorded = dict(zip(lines, lines[1:]))
    for letters in sys.stdin.read().splitlines():
        if letters.startswith(">"):
            print("Unrecognized sequence: " + letters)
        else:
            print(letters)
            print(recorded.get(letters, "." * len(letters) + " (0.00)"))
    sys.exit(1)
"""


def program(folder: pathlib.Path, name: str, script: str) -> str:
    """Writes a Python script that can be run; returns its path."""
    source = folder / f"{name}.py"
    source.write_text(textwrap.dedent(script))
    path = folder / name
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "{source}" "$@"\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)
