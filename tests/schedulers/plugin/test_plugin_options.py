"""Options: keys, values, and which place wins."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from wattq.errors import InvalidInputError, MissingFileError, PolicyError
from wattq.schedulers.plugin import Bridge, Options, read_options
from wattq.schedulers.plugin.options import options_text, read_sched_config, with_defaults
from wattq.simulator.interface import CompiledPolicy


def test_the_policy_of_an_entry_point_takes_its_parameters_directly_or_in_params() -> None:
    limits: dict[str, Any] = {"platform": "p.xml", "silence_limit_s": 9}
    expected = Options("easy", {"order": "sjf"}, "p.xml", 9.0)
    assert read_options({"order": "sjf"} | limits, "-o", "easy") == expected
    assert read_options({"params": {"order": "sjf"}} | limits, "-o", "easy") == expected
    assert read_options({}, "-o", "easy") == Options("easy")


def test_the_generic_scheduler_takes_them_in_params() -> None:
    given = {"policy": "mine.py:Mine", "params": {"order": "sjf"}}
    assert read_options(given, "-o") == Options("mine.py:Mine", {"order": "sjf"})
    with pytest.raises(InvalidInputError, match="key 'order': unknown"):
        read_options({"policy": "easy", "order": "sjf"}, "-o")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([1], r"-o: \[1\] is not an object"),
        ("x", "is not an object"),
        (
            {"oder": "sjf"},
            r"key 'oder': unknown; did you mean order\? The keys are params, platform, ",
        ),
        ({"policy": "fcfs"}, "key 'policy': unknown"),
        ({"params": 3}, "key 'params': 3 is not an object"),
        ({"params": {"order": "sjf"}, "order": "sjf"}, "key 'order': given twice"),
        ({"platform": 3}, "key 'platform': 3 is not a text"),
        ({"platform": ""}, "key 'platform': '' is not a text"),
        ({"silence_limit_s": True}, "'silence_limit_s': True is not a number of seconds above 0"),
        ({"silence_limit_s": 0}, "'silence_limit_s': 0 is not"),
        ({"silence_limit_s": "9"}, "'silence_limit_s': '9' is not"),
        ({"silence_limit_s": float("nan")}, "'silence_limit_s': nan is not"),
    ],
)
def test_options_that_are_refused(given: Any, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        read_options(given, "-o", "easy")


def test_parameters_are_checked_when_the_policy_is_made() -> None:
    with pytest.raises(PolicyError, match="parameter 'order': 'up' is not valid"):
        Bridge(Options("easy", {"order": "up"}))
    with pytest.raises(PolicyError, match="unknown policy 'esay'; did you mean easy"):
        Bridge(Options("esay"))


def test_arguments_are_json_or_a_file(tmp_path: Path) -> None:
    path = tmp_path / "options.json"
    path.write_text('{"policy": "easy"}')
    assert options_text(f"@{path}") == ({"policy": "easy"}, f"options file '{path}'")
    assert options_text('{"a": 1}') == ({"a": 1}, "the options")
    with pytest.raises(MissingFileError, match="options file 'nowhere': cannot be read"):
        options_text("@nowhere")
    with pytest.raises(InvalidInputError, match="the options: not JSON"):
        options_text("{order: sjf}")
    path.write_bytes(b"\xff")
    with pytest.raises(InvalidInputError, match="not JSON"):
        options_text(f"@{path}")


def test_the_command_line_wins_key_by_key() -> None:
    own = Options("easy", {"order": "sjf"}, None, None)
    theirs = Options("fcfs", {"order": "ljf", "backfill": "saf"}, "p.xml", 5.0)
    assert with_defaults(own, theirs) == Options("easy", {"order": "sjf", "backfill": "saf"}, "p.xml", 5.0)


def test_sched_config_that_is_no_object_says_nothing() -> None:
    assert read_sched_config("", "easy") == Options("easy")
    assert read_sched_config("queue=3", "easy") == Options("easy")
    with pytest.raises(InvalidInputError, match=r"sched-config \(Batsim's --sched-cfg\): not JSON"):
        read_sched_config("{x", "easy")
    with pytest.raises(InvalidInputError, match=r"sched-config .* key 'speed': unknown"):
        read_sched_config('{"speed": 1}', "easy")


def made(bridge: Bridge) -> CompiledPolicy:
    assert isinstance(bridge._policy, CompiledPolicy)
    return bridge._policy


def test_sched_config_reaches_the_policy(say: SimpleNamespace) -> None:
    config = json.dumps({"order": "ljf", "backfill": "sjf", "silence_limit_s": 2})
    bridge = Bridge(read_options({"order": "saf"}, "-o", "easy"), fixed="easy")
    bridge.reply(say.begins(**{"sched-config": config}))
    assert made(bridge).params == {"order": "saf", "backfill": "sjf"}
    assert bridge.options.silence_limit_s == 2


def test_sched_config_may_name_the_policy(say: SimpleNamespace) -> None:
    bridge = Bridge(Options())
    bridge.reply(say.begins(**{"sched-config": '{"policy": "fcfs", "params": {"order": "sjf"}}'}))
    assert made(bridge).name == "fcfs"
    with pytest.raises(PolicyError, match="no policy was named"):
        Bridge(Options()).reply(say.begins())


def test_a_policy_is_made_once_where_sched_config_adds_nothing(say: SimpleNamespace, tmp_path: Path) -> None:
    path = tmp_path / "counted.py"
    path.write_text("class Counted:\n    def decide(self, view, actions):\n        pass\n")
    bridge = Bridge(Options(f"{path}:Counted"))
    before = bridge._policy
    bridge.reply(say.begins(**{"sched-config": '{"silence_limit_s": 4}'}))
    assert bridge._policy is before
