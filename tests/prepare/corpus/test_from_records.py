import numpy as np
import pytest

from ssrlm_jax.data import rows
from ssrlm_jax.prepare.corpus import from_records
from ssrlm_jax.rna import formats, structures


def test_records_at_hand_become_a_corpus(tmp_path):
    hairpin = structures.from_dot_bracket("((...))")
    records = {
        ("train", "ncrna"): iter([formats.Record("a", "GGaaaCC", hairpin)]),
        ("validation", "other"): [formats.Record("b", "ACGT" * 5)],
    }
    out = tmp_path / "made" / "corpus"
    written = from_records.write_corpus(
        out, records, row_length=16, how={"why": "a test"}
    )
    assert rows.open_corpus(out, row_length=16, with_hashes=True) == written
    (row,) = rows.read_rows(rows.shard_paths(out, written, "train", "ncrna")[0])
    np.testing.assert_array_equal(row.token_L[:9], [1, 6, 6, 4, 4, 4, 5, 5, 2])
    np.testing.assert_array_equal(row.partner_L[:9], [-1, 7, 6, -1, -1, -1, 2, 1, -1])
    assert written.totals("validation", "other")["num_records"] == 2  # 14 + 6
    assert written.how == {"why": "a test"}
    assert [path.name for path in out.parent.iterdir()] == ["corpus"]


@pytest.mark.parametrize(
    ("sequence", "complaint"),
    [
        ("AC-G", "record 'bad': position 3: '-' is a gap"),
        ("", "record 'bad': a record without a sequence"),
    ],
)
def test_a_bad_record_leaves_no_corpus(tmp_path, sequence, complaint):
    records = {("train", "other"): [formats.Record("bad", sequence)]}
    with pytest.raises(ValueError, match=complaint):
        from_records.write_corpus(tmp_path / "corpus", records, row_length=16)
    assert not (tmp_path / "corpus").exists()


def test_a_corpus_is_not_overwritten(tmp_path):
    with pytest.raises(ValueError, match="exists; name another"):
        from_records.write_corpus(tmp_path, {}, row_length=16)
