"""Tables as LaTeX has them: what means something else there is escaped."""

from collections.abc import Sequence

_WRITTEN = str.maketrans(
    {
        **{letter: rf"\{letter}" for letter in "&%$#_{}"},
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
    }
)


def escaped(text: str) -> str:
    r"""Returns a text that stands in LaTeX as it is.

    Example:
      >>> print(escaped(r"5 % of {a_b}\c"))
      5 \% of \{a\_b\}\textbackslash{}c
    """
    written = text.translate(_WRITTEN).replace("--", "-{}-")  # no longer dash
    # Behind the end of a line it would be an argument of that.
    return f"{{}}{written}" if written.startswith("[") else written


def comment(text: str) -> str:
    """Returns a line that is not set."""
    return f"% {' '.join(text.split())}\n"


def tabular(
    title: str, heads: Sequence[str], rows: Sequence[Sequence[str]], num_left: int = 1
) -> str:
    r"""Returns a tabular for the package booktabs, below a comment of its title.

    Args:
      title: of the comment.
      heads: of the columns.
      rows: cells, which are LaTeX already, as heads are.
      num_left: columns that are set to the left; others are to the right.

    Example:
      >>> print(tabular("one", ["it", "F1"], [["a", "0.5"]]), end="")
      % one
      \begin{tabular}{lr}
      \toprule
      it & F1 \\
      \midrule
      a & 0.5 \\
      \bottomrule
      \end{tabular}
    """
    lines = [
        comment(title).rstrip(),
        rf"\begin{{tabular}}{{{'l' * num_left}{'r' * (len(heads) - num_left)}}}",
        r"\toprule",
        " & ".join(heads) + r" \\",
        r"\midrule",
        *(" & ".join(cells) + r" \\" for cells in rows),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"
