"""One process at a time."""

import pytest

from ssrlm_jax.prepare import locks


def test_one_holds_a_file_until_it_ends(tmp_path):
    path = tmp_path / "made" / "lock"
    with (
        locks.alone(path, "wait for the other"),
        pytest.raises(ValueError, match="wait for the other"),
        locks.alone(path, "wait for the other"),
    ):
        pass
    with locks.alone(path, "wait for the other"):
        pass
