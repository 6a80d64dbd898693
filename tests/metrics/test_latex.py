"""Text in LaTeX: every letter that means something else there is escaped."""

import shutil
import subprocess

import pytest

from ssrlm_jax.metrics import latex

LETTERS = "\\ & % $ # _ { } ~ ^ < > |"


def test_what_means_something_in_latex_is_escaped_once():
    assert latex.escaped("a_b & 5 % of $x #1") == r"a\_b \& 5 \% of \$x \#1"
    # A backslash is not doubled, which would begin a line.
    assert latex.escaped("\\{~^}") == (
        r"\textbackslash{}\{\textasciitilde{}\textasciicircum{}\}"
    )
    assert latex.escaped("-0.034 (-0.050--0.018)") == "-0.034 (-0.050-{}-0.018)"
    assert latex.escaped("[x]") == "{}[x]"
    assert latex.escaped("F1, 0.612 (0.590-0.633); ok") == "F1, 0.612 (0.590-0.633); ok"


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="no pdflatex here")
def test_latex_takes_it(tmp_path):
    head, end = r"\documentclass{article}\begin{document}", r"\end{document}"
    text = f"{head}{latex.escaped(LETTERS)}{end}"
    (tmp_path / "x.tex").write_text(text)
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "x.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
