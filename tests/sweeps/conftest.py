"""A tiny sweep, asked for and with its jobs named, for all tests of sweeps."""

import pytest
import tiny_sweep

from ssrlm_jax.jobs import sweep
from ssrlm_jax.sweeps import job_graph


@pytest.fixture
def tables(tmp_path):
    folder = tmp_path / "tables"
    folder.mkdir()
    tiny_sweep.write_tables(folder)
    return folder


@pytest.fixture
def asked(tables):
    return tiny_sweep.tiny(tables)


@pytest.fixture
def made(asked):
    return job_graph.expand(asked, sweep.resolve)
