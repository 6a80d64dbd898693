import io

import rich.console

from ssrlm_jax.data import rows
from ssrlm_jax.prepare.corpus import corpus_report


def test_the_result_names_counts_and_the_next_command():
    console = rich.console.Console(file=io.StringIO(), width=99)
    shard = rows.Shard(
        path="p", split="train", source="ncrna", num_rows=1000, num_records=2345,
        num_nucleotides=1, num_tokens=24_000, num_bytes=9, hash="",
    )  # fmt: skip
    stage = rows.Stage(name="ncrna: read", num_in=12, num_out=9, dropped={"empty": 3})
    corpus_report.show(
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
