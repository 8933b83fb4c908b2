"""Answers of Slurm's commands as records; anything else is an error of wattq."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import SlurmError
from wattq.telemetry.exporters import slurm_text as text

PARSERS: list[Callable[[str], object]] = [
    text.parse_queue,
    text.parse_ended,
    text.parse_usage,
    text.parse_node_states,
    text.parse_partition_cpus,
    text.parse_config,
]


def test_queue(job: Any, t0: float) -> None:
    line = job("17_3", raw="21", run="1-02:03:04", tres="cpu=2,gres/gpu=3,gres/gpu:a100=3", name='a|b "x"')
    (found,) = text.parse_queue(line)
    assert (found.job_id, found.raw_id, found.name, found.gpus) == ("17_3", "21", 'a|b "x"', 3)
    assert (found.submit_s, found.start_s, found.end_s) == (t0 - 100, t0, None)
    assert found.run_s == 93_784.0
    assert found.running
    assert not found.ended


def test_pending_job_of_several_partitions(job: Any) -> None:
    line = job("5", "PENDING", partition="a,b", nodes="", start=None, run="0:00", tres="N/A", name="(null)", cpus="4-8")
    (found,) = text.parse_queue(line)
    assert (found.partition, found.name, found.start_s, found.run_s, found.cpus) == ("a", "", None, 0.0, 4)


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("CANCELLED by 1000", "CANCELLED"),
        ("COMPLETING", "RUNNING"),
        ("CONFIGURING", "RUNNING"),
        ("REQUEUE_HOLD", "PENDING"),
        ("REVOKED", "CANCELLED"),
        ("OUT_OF_ME+", "RUNNING"),
        ("OUT_OF_MEMORY", "OUT_OF_MEMORY"),
        ("", "RUNNING"),
    ],
)
def test_states(said: str, state: str) -> None:
    assert text.plain_state(said) == state


def test_typed_gpus_alone(job: Any) -> None:
    (found,) = text.parse_queue(job("1", tres="cpu=2,gres/gpu:a100=3,gres/gpu:h200=1"))
    assert found.gpus == 4


def test_usage_adds_steps_but_not_their_energy() -> None:
    printed = (
        "17.batch|cpu=00:01:00,energy=900,mem=1000\n17.0|cpu=00:02:00.500,energy=400,mem=2K\n"
        "17.1|cpu=1-00:00:00,energy=300,mem=0\n18.extern|cpu=00:00:00,energy=0,mem=0\n"
    )
    used = text.parse_usage(printed)
    assert used["17"] == text.Usage(60 + 120.5 + 86_400, 3048.0, 900.0)
    assert used["18"].energy_j is None


def test_ended_jobs(t0: float) -> None:
    printed = "17|17|CANCELLED by 5|p|2023-11-14T22:13:20|60\n18|18|RUNNING|p|Unknown|5\n"
    (found,) = text.parse_ended(printed)
    assert found == text.EndedJob("17", "17", "CANCELLED", "p", t0, 60.0)


def test_nodes_and_partitions() -> None:
    assert text.parse_node_states("mixed*\x1f3\nmixed\x1f1\nidle~\x1f2\n") == {"mixed": 4, "idle": 2}
    assert text.parse_partition_cpus("p\x1f4\nq\x1f8+\nq\x1f16\n") == {"p": 4, "q": 16}


@pytest.mark.parametrize(
    ("parse", "said"),
    [
        (text.parse_queue, "slurm_load_jobs error: Unable to contact"),
        (text.parse_ended, "a|b"),
        (text.parse_usage, "17.0|cpu=00:00:01,mem=lots"),
        (text.parse_partition_cpus, "p\x1fmany"),
    ],
)
def test_other_text_is_refused(parse: Callable[[str], object], said: str) -> None:
    with pytest.raises(SlurmError, match=r"fields|not a number"):
        parse(said)


PIECES = st.sampled_from(
    ["\x1f", "|", "\n", ":", "-", "17", "RUNNING", "cpu=", "mem=1K", "2023-11-14T22:13:20", "é", "9" * 30]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES | st.text(max_size=4), max_size=60).map("".join))
def test_any_text_gives_records_or_an_error(said: str) -> None:
    for parse in PARSERS:
        try:
            parse(said)
        except SlurmError:
            continue
