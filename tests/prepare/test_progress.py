import io

import pytest
import rich.console

from ssrlm_jax.data import rows
from ssrlm_jax.prepare import progress


def _console(is_terminal):
    return rich.console.Console(
        file=io.StringIO(), force_terminal=is_terminal, width=99
    )


@pytest.mark.parametrize("is_terminal", [True, False])
def test_progress_is_shown(is_terminal):
    console = _console(is_terminal)
    with progress.Display(console) as display:
        for done in range(4):
            display("read", done, 3)
    text = console.file.getvalue()
    assert "reading files" in text
    if not is_terminal:
        assert text == "reading files: 0 of 3\nreading files: 3 of 3\n"


def test_the_result_names_counts_and_the_next_command():
    console = _console(False)
    shard = rows.Shard(
        path="p", split="train", source="ncrna", num_rows=1000, num_records=2345,
        num_nucleotides=1, num_tokens=24_000, num_bytes=9, hash="",
    )  # fmt: skip
    stage = rows.Stage(name="ncrna: read", num_in=12, num_out=9, dropped={"empty": 3})
    progress.show(
        console,
        "corpora/mine",
        rows.Manifest(row_length=32, max_segments=9, shards=(shard,), stages=(stage,)),
    )
    text = console.file.getvalue()
    for expected in ("empty: 3", "2,345", "75.0%", "--config.data.corpus=corpora/mine"):
        assert expected in text
    assert "NO HELD-OUT ROWS of ncrna: nothing will be measured there" in text
    assert "validation_share" in text
    assert "family_pattern" in text
