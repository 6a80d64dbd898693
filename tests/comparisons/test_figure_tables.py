"""A table of scores: the same numbers in Markdown, CSV, LaTeX and JSON."""

import math

from ssrlm_jax.comparisons import figure_tables
from ssrlm_jax.metrics import statistics

NAN = statistics.Interval(math.nan, math.nan, math.nan)
ROWS = [
    figure_tables.Row(
        "a_b", {"F1": statistics.Interval(0.5, 0.25, 0.75), "r": NAN}, {"of": "3 of 4"}
    ),
    figure_tables.Row("n", {}, reason="it is broken"),
]


def test_all_forms_say_the_same():
    assert figure_tables.markdown("method", ROWS) == [
        "| method | of | F1 | r |",
        "| --- | --- | --- | --- |",
        "| a_b | 3 of 4 | 0.500 (0.250-0.750) | - |",
        "",
        "- n: it is broken",
    ]
    assert figure_tables.as_csv("method", ROWS).splitlines() == [
        "method,of,column,value,low,high,reason",
        "a_b,3 of 4,F1,0.500000,0.250000,0.750000,",
        "a_b,3 of 4,r,,,,",
        "n,,,,,,it is broken",
    ]
    assert r"a\_b & 3 of 4 & 0.500 (0.250-0.750) & - \\" in figure_tables.latex(
        "it", "method", ROWS
    )
    assert figure_tables.facts(ROWS) == [
        {
            "name": "a_b",
            "of": "3 of 4",
            "values": {"F1": [0.5, 0.25, 0.75], "r": [None, None, None]},
            "reason": "",
        },
        {"name": "n", "values": {}, "reason": "it is broken"},
    ]


def test_a_table_without_scores_is_that():
    assert figure_tables.markdown("method", ROWS[1:]) == ["", "- n: it is broken"]
    assert figure_tables.as_csv("method", []) == "method,column,value,low,high,reason\n"
    assert figure_tables.latex("it", "method", []) == "% it: nothing is measured\n"
