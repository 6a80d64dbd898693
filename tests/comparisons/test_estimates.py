"""How long a method will take."""

import dataclasses

import pytest

from ssrlm_jax.comparisons import estimates, known_methods

METHOD = dataclasses.replace(known_methods.METHODS["vienna"], seconds=(1.0, 16.0))


def test_time_grows_by_a_power_of_the_length():  # 4 times as long, 16 times: squares
    assert estimates.seconds(METHOD, [100, 200, 300], []) == pytest.approx(1 + 4 + 9)
    assert estimates.seconds(METHOD, [], []) == 0.0
    unknown = dataclasses.replace(METHOD, seconds=(0, 0))
    assert estimates.seconds(unknown, [100], [(100, 3.0)] * 20) == 0.0


def test_what_rnas_took_here_counts_if_they_are_twenty():
    assert estimates.seconds(METHOD, [200], [(100, 3.0)] * 19) == pytest.approx(4)
    assert estimates.seconds(METHOD, [200], [(100, 3.0)] * 20) == pytest.approx(12)
