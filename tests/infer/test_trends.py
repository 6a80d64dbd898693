import pytest

from ssrlm_jax.infer import trends
from ssrlm_jax.metrics import report3d


def test_any_number_of_methods_is_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    scores = dict.fromkeys(("lddt", "lddt_c1"), 0.5)
    scored = {
        f"method{number}": [
            report3d.Scored("a", 20, scores, [0.5] * 20, None, None),
            report3d.Scored("b", 30, scores, [0.5] * 30, None, None),
        ]
        for number in range(8)
    }
    trends.save(scored, tmp_path)
    assert (tmp_path / "trends.png").stat().st_size > 10_000
