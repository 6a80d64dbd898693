"""Text of a table as LaTeX has it: what means something else there is escaped."""

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
    return text.translate(_WRITTEN)
