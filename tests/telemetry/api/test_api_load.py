"""The API under load: a process and a client on this machine; `make bench` prints how long callers waited."""

from __future__ import annotations

import pytest

from wattq.experiments.bench_api import RATE, measure_api


@pytest.mark.slow
def test_a_thousand_requests_per_second() -> None:
    found = measure_api(RATE, 5.0)
    assert (found.sent, found.good, found.cached) == (5000, 5000, 5000)
