"""In which numbers a model multiplies, where nobody says."""

import jax
import small_models

import ssrlm_jax
from ssrlm_jax.infer import precision

RNA = ["GGGGAAAACCCC", "ACGU"]


def test_auto_rounds_where_the_processor_multiplies_bfloat16(tmp_path, monkeypatch):
    facts = tmp_path / "cpuinfo"
    monkeypatch.setattr(precision, "_FACTS", facts)
    small_models.save(tmp_path / "m")
    exact = ssrlm_jax.load(tmp_path / "m", dtype="float32").embed(RNA)
    for flags, least, expected in (
        ("fpu amx_bf16 amx_tile", 16, "bfloat16"),
        ("fpu amx_bf16 amx_tile", 17, "float32"),  # narrower than that
        ("fpu avx512_bf16", 16, "float32"),
        (None, 16, "float32"),  # another system
    ):
        monkeypatch.setattr(precision, "LEAST_WIDTH", least)
        facts.unlink(missing_ok=True)
        if flags is not None:
            facts.write_text(f"flags : {flags}\n")
        found = ssrlm_jax.load(tmp_path / "m")
        assert found.precision.encoder == expected
        assert ("bfloat16" in found.precision.note) == (expected == "bfloat16")
        is_equal = [
            bool((one == two).all())
            for one, two in zip(found.embed(RNA), exact, strict=True)
        ]
        assert all(is_equal) == (expected == "float32")
        head = {leaf.dtype.name for leaf in jax.tree.leaves(found._rows._head_params)}
        assert head == {"float32"}
        assert found._rows._head.dtype == "float32"
    asked = ssrlm_jax.load(tmp_path / "m", dtype="bfloat16")
    assert asked.precision == ("bfloat16", "bfloat16", False)
    assert not asked.precision.note
