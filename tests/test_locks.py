"""One process at a time."""

import os

import pytest

from ssrlm_jax import locks


def test_a_file_that_its_holder_removed_is_not_held_twice(tmp_path):
    path = tmp_path / "lock"
    opened = os.open(path, os.O_RDWR | os.O_CREAT)  # by one that comes too late
    path.unlink()
    with locks.alone(path, ""):
        assert not locks._is_locked(opened, path)
    os.close(opened)


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
