"""`ssrlm subset`: which lines of a table are kept."""

import pytest

from ssrlm_jax import cli
from ssrlm_jax.jobs import subset

TABLE = (
    "id\tsequence\n"
    "bpRNA_1\tGGGGG\n"  # line 2
    "bpRNA_2\tGG\n"
    "TR1_3\tGGG\n"
    "RF_4\tGGGG\n"
    "bpRNA_5\tG\n"  # line 6
)


def kept(tmp_path, rules):
    (tmp_path / "table.tsv").write_text(TABLE)
    out = tmp_path / "out"
    flags = [f"--table={tmp_path / 'table.tsv'}", f"--keep={rules}", f"--out={out}"]
    assert cli.main(["subset", *flags]) == 0
    header, *lines = (out / "table.tsv").read_text().splitlines()
    assert header == "id\tsequence"
    return [line.partition("\t")[0] for line in lines]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("*", ["bpRNA_1", "bpRNA_2", "TR1_3", "RF_4", "bpRNA_5"]),
        ("TR1*,bpRNA*:-2", ["bpRNA_2", "TR1_3", "bpRNA_5"]),
        ("*:3-4", ["TR1_3", "RF_4"]),
        ("*:5", ["bpRNA_1"]),
        ("*:4-:0/2,bpRNA*::1/3", ["bpRNA_1"]),  # line 5 is odd; 3 and 6 leave 0
        ("*::0/3", ["bpRNA_2", "bpRNA_5"]),  # lines 3 and 6
    ],
)
def test_the_first_rule_that_fits_decides(tmp_path, rules, expected):
    assert kept(tmp_path, rules) == expected


@pytest.mark.parametrize("text", ["", "a:b", "a:1-2:3/3", "a:1-2:1/0", "a:1:2:3"])
def test_what_is_no_rule_is_told(text):
    with pytest.raises(ValueError, match="is not NAME"):
        subset.rule(text)


def test_a_table_without_a_column_is_told(tmp_path, capsys):
    (tmp_path / "t.tsv").write_text("id\tletters\na\tG\n")
    flags = [f"--table={tmp_path / 't.tsv'}", "--keep=*", f"--out={tmp_path / 'o'}"]
    assert cli.main(["subset", *flags]) == 1
    assert "a table with a column 'sequence' is expected" in capsys.readouterr().err
