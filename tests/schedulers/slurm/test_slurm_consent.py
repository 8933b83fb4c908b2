"""Who agreed to wait, and until when."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime

import pytest

from wattq.errors import InvalidInputError
from wattq.schedulers.slurm.consent import consent_of, parse_qos_waits, wait_s
from wattq.schedulers.slurm.jobs import Job
from wattq.schedulers.slurm.plugin_text import submit_plugin
from wattq.settings import HoldSettings

DAY_S = 86400.0


def job(comment: str = "", qos: str = "", limit_s: float = 3600.0) -> Job:
    return Job(1, "1", "PENDING", submit_s=1000.0, limit_s=limit_s, comment=comment, qos=qos)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("12h", 43200.0),
        ("1d12h", 129600.0),
        ("90min", 5400.0),
        ("1.5h", 5400.0),
        ("30s", 30.0),
        ("2:00:00", 7200.0),
        ("0", 0.0),
    ],
)
def test_waits(text: str, seconds: float) -> None:
    assert wait_s(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "12", "12h later", "-3h", "400d", "unlimited", "1e9h"])
def test_what_is_no_wait(text: str) -> None:
    with pytest.raises(ValueError, match=r"^"):
        wait_s(text)


@pytest.mark.parametrize(
    ("comment", "latest_s"),
    [
        ("wattq:defer=12h", 44200.0),
        ("thanks; wattq:defer=30min | more", 2800.0),
        ("wattq:deadline=1970-01-01T03:00Z", 7200.0),
        ("wattq:defer=12h,wattq:deadline=1970-01-01T03:00:00+00:00", 7200.0),
        ("wattq:defer=0", 1000.0),
        ("wattq:defer=30d", 1000.0 + DAY_S),
    ],
)
def test_words_in_the_comment(comment: str, latest_s: float) -> None:
    assert consent_of(job(comment), {}, DAY_S).latest_s == latest_s


@pytest.mark.parametrize(
    "comment",
    ["wattq:defer=soon", "wattq:hold", "wattq:deadline=tomorrow", "wattq:deadline=8", "wattq:defer=1h wattq:x=1"],
)
def test_words_that_are_not_understood_are_no_consent(comment: str) -> None:
    found = consent_of(job(comment, qos="green"), {"green": 3600.0}, DAY_S)
    assert found.latest_s is None
    assert "is not understood" in found.why


def test_no_word_is_no_consent() -> None:
    for comment in ("", "wattq", "please defer=12h", "xwattq:defer=12h"):
        assert consent_of(job(comment), {}, DAY_S).latest_s is None


def test_a_qos_counts_where_the_comment_says_nothing() -> None:
    assert consent_of(job(qos="green"), {"green": 3600.0}, DAY_S).latest_s == 4600.0
    assert consent_of(job("wattq:defer=0", qos="green"), {"green": 3600.0}, DAY_S).latest_s == 1000.0
    assert consent_of(job(qos="other"), {"green": 3600.0}, DAY_S).latest_s is None


def test_a_job_without_a_limit_cannot_keep_a_deadline() -> None:
    assert consent_of(job("wattq:deadline=2030-01-01T00:00Z", limit_s=math.inf), {}, DAY_S).latest_s == -math.inf


def test_a_date_without_a_zone_is_of_the_clock_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        found = consent_of(job("wattq:deadline=1970-01-01T12:00"), {}, DAY_S)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert found.latest_s == datetime(1970, 1, 1, 11, tzinfo=UTC).timestamp() - 3600.0


def test_qos_of_the_settings() -> None:
    assert parse_qos_waits("green=12h, flex=1d") == {"green": 43200.0, "flex": DAY_S}
    assert parse_qos_waits("") == {}
    with pytest.raises(InvalidInputError, match=r"setting hold\.qos, 'green': is no QOS and wait"):
        parse_qos_waits("green")


def test_the_plugin_has_the_qos_and_the_grace_of_the_settings() -> None:
    text = submit_plugin(HoldSettings(interval_s=45.5, qos='green=12h,o"dd=1h'))
    assert "local GRACE_S = 91\n" in text
    assert 'local QOS = {["green"] = true, ["o\\034dd"] = true}\n' in text
