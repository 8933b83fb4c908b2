"""Accounts of random runs against plain loops over hosts and seconds."""

from __future__ import annotations

import contextlib
import itertools
import math
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wattq.experiments.accounting import (
    PARTS,
    Tariff,
    account,
    account_history,
    account_week,
    always_on,
    decompose,
    owners,
    reconstruct,
)

KWH, MWH = 3.6e6, 3.6e9
RANDOM = settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])


def close(found, expected, scale=1.0):
    return math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-9 * max(scale, 1e-12))


def folder(tmp_path: Path) -> Path:
    return tmp_path / f"run{len(list(tmp_path.iterdir()))}"


def tariff(series, seed, end=90, origin=1_600_000_000):
    """Three series with different steps, and their values second by second."""
    rng = random.Random(seed)
    made, plain = {}, {}
    for quantity, low, high in (("carbon", 20, 500), ("price", -80, 200), ("pue", 1, 2)):
        starts = [0, *sorted(rng.sample(range(1, end), rng.randint(0, 8)))]
        values = [rng.uniform(low, high) for _ in starts]
        made[quantity] = series(quantity, [origin + start for start in starts], origin + end, values)
        plain[quantity] = [values[np.searchsorted(starts, t, side="right") - 1] for t in range(end)]
    rates = {
        "energy_j": lambda t: 1.0,
        "facility_j": lambda t: plain["pue"][t],
        "carbon_g": lambda t: plain["pue"][t] * plain["carbon"][t] / KWH,
        "cost": lambda t: plain["pue"][t] * plain["price"][t] / MWH,
    }
    return Tariff(made["carbon"], made["price"], made["pue"], origin), rates


@RANDOM
@given(seed=st.integers(0, 10**6))
def test_parts_jobs_and_windows_equal_plain_loops(tmp_path, make_world, series, seed):
    world = make_world(seed)
    run = world.write(folder(tmp_path))
    terms, rates = tariff(series, seed)
    history = reconstruct(run, world.platform)
    assert history.notes == ()
    t0, t1 = sorted(random.Random(seed).sample(range(91), 2))
    for window in (None, (t0, t1)):
        found = account_history(history, terms, window=window)
        start, end = window or (0, 90)
        for name, rate in rates.items():
            parts = world.by_part(rate, start, end)
            scale = sum(map(abs, parts.values()))
            for part in PARTS:
                assert close(getattr(found.parts[part], name), parts[part], scale), (name, part)
            assert close(getattr(found.total, name), sum(parts.values()), scale)
            drawn, shares, left = world.by_job(rate, start, end)
            rows = [int(key.split("!")[1]) for key in found.jobs.key]
            for row, job in enumerate(rows):
                assert close(found.jobs.computing[name][row], drawn[job], scale)
                assert close(found.jobs.overhead[name][row], shares[job], scale)
            assert close(getattr(found.unattributed, name), left, scale)
            for by in ("job", "user", "class"):
                total = sum(getattr(owner.total, name) for owner in owners(found, by))
                assert close(total, getattr(found.total, name), scale)


@RANDOM
@given(seed=st.integers(0, 10**6), cuts=st.sets(st.integers(1, 89), max_size=5))
def test_consecutive_weeks_and_windows_add_up(tmp_path, make_world, series, seed, cuts):
    world = make_world(seed)
    history = reconstruct(world.write(folder(tmp_path)), world.platform)
    terms, _ = tariff(series, seed, end=120)
    edges = [0, *sorted(cuts), 120]
    whole = account_history(history, terms, horizon_s=120)
    for count in (
        lambda window: account_history(history, terms, window=window, horizon_s=120),
        lambda window: account_week(history, terms, window, horizon_s=120),
    ):
        pieces = [count(window) for window in itertools.pairwise(edges)]
        for name in ("energy_j", "facility_j", "carbon_g", "cost"):
            total = sum(getattr(piece.total, name) for piece in pieces)
            scale = sum(abs(getattr(part, name)) for piece in pieces for part in piece.parts.values())
            assert close(total, getattr(whole.total, name), scale)
        for piece in pieces:
            parts = sum(part.energy_j for part in piece.parts.values())
            people = piece.jobs.computing["energy_j"].sum() + piece.jobs.overhead["energy_j"].sum()
            assert close(parts, piece.total.energy_j)
            assert close(people + piece.unattributed.energy_j, piece.total.energy_j, 1.0)


@RANDOM
@given(seed=st.integers(0, 10**6), other=st.integers(0, 10**6))
def test_terms_of_a_difference_sum_to_it(tmp_path, make_world, series, seed, other):
    terms, _ = tariff(series, seed)
    worlds = [make_world(seed), make_world(other)]
    a, b = (account_history(reconstruct(w.write(folder(tmp_path)), w.platform), terms) for w in worlds)
    found = decompose(a, b, allow_less_work=True)
    for name, difference in found.measures.items():
        assert close(sum(difference.terms.values()), difference.change, abs(difference.a) + abs(difference.b)), name
    same = decompose(a, a)
    assert all(
        abs(term) < 1e-9 * max(abs(each.a), 1) for each in same.measures.values() for term in each.terms.values()
    )
    assert (same.served_less, same.served_more) == (0, 0)


@RANDOM
@given(seed=st.integers(0, 10**6))
def test_idle_for_free_and_always_on_bound_a_run_that_sleeps(tmp_path, make_world, seed):
    world = make_world(seed)
    history = reconstruct(world.write(folder(tmp_path)), world.platform)
    awake = account_history(always_on(history))
    found = account_history(history)
    assert awake.parts["computing"] == found.parts["computing"]
    assert awake.parts["sleeping"].energy_j == awake.parts["switching_on"].energy_j == 0.0
    assert found.parts["computing"].energy_j <= found.total.energy_j
    idle = sum(
        float(world.platform.idle_w[host, 0])
        - (float(world.platform.idle_w[host, world.held[t][host]]) if job >= 0 else 0)
        for t, owners_ in enumerate(world.owner)
        for host, job in enumerate(owners_)
    )
    assert awake.parts["idle"].energy_j == pytest.approx(idle, rel=1e-9, abs=1e-6)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 200), data=st.data())
def test_damaged_files_give_an_account_or_an_error(tmp_path, make_world, seed, data):
    from wattq.errors import WattqError
    from wattq.experiments import read_run

    world = make_world(seed)
    place = folder(tmp_path)
    world.write(place)
    name = data.draw(st.sampled_from(["jobs.csv", "pstate_changes.csv", "consumed_energy.csv", "summary.json"]))
    text = (place / name).read_text()
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        cut = data.draw(st.integers(0, 3))
        text = text[:at] + data.draw(st.text("0123456789.,-e \nsp", max_size=4)) + text[at + cut :]
    (place / name).write_text(text)
    with contextlib.suppress(WattqError):
        account(read_run(place), world.platform)
