"""Robin files: what is read, what is refused and in which words, and that writing and reading agree."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import InvalidInputError, MissingFileError, WattqError
from wattq.experiments.batsim.robin_file import KEYS, RobinFile, parse_robin, read_robin, robin_text

GOOD = """\
batcmd: batsim -p platform.xml -w workload.json -e out/run
output-dir: out
schedcmd: "pybatsim wattq-easy -o '{\\"order\\": \\"saf\\"}'"
simulation-timeout: 604800
ready-timeout: 1e1
success-timeout: 3600.5
failure-timeout: 0
"""


def without(key: str, line: str = "") -> str:
    return "".join(f"{text}\n" for text in GOOD.splitlines() if not text.startswith(f"{key}:")) + line


def refusal(text: str | bytes) -> str:
    with pytest.raises(InvalidInputError) as caught:
        parse_robin(text, "run.yaml")
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_reads_what_robin_reads(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text(GOOD)
    assert read_robin(tmp_path / "run.yaml") == RobinFile(
        "batsim -p platform.xml -w workload.json -e out/run",
        "out",
        'pybatsim wattq-easy -o \'{"order": "saf"}\'',
        604800.0,
        10.0,
        3600.5,
        0.0,
    )


def test_defaults_are_those_of_robin() -> None:
    made = RobinFile("batsim", "out", "")
    times = (made.simulation_timeout_s, made.ready_timeout_s, made.success_timeout_s, made.failure_timeout_s)
    assert times == (604800, 10, 3600, 5)


def test_commands_over_several_lines() -> None:
    folded = without("batcmd", "batcmd: >-\n  batsim -p platform.xml\n  -w workload.json\n")
    assert parse_robin(folded, "run.yaml").batcmd == "batsim -p platform.xml -w workload.json"
    literal = without("schedcmd", "schedcmd: |\n  set -o pipefail\n  batsched | tee log\n")
    assert parse_robin(literal, "run.yaml").schedcmd == "set -o pipefail\nbatsched | tee log\n"


def test_empty_scheduler_command() -> None:
    assert parse_robin(without("schedcmd", "schedcmd: ''\n"), "run.yaml").schedcmd == ""


@pytest.mark.parametrize("key", KEYS)
def test_every_key_is_required(key: str) -> None:
    assert refusal(without(key)).startswith(
        f"run.yaml, key '{key}': the key is missing; robin requires all of batcmd, "
    )


@pytest.mark.parametrize(
    ("key", "line", "words"),
    [
        (
            "ready-timeout",
            "ready-timeout: '10'",
            "line 7, key 'ready-timeout': '10' is no number; give a time in seconds, ",
        ),
        ("ready-timeout", "ready-timeout: yes", "'yes' is no number"),
        ("ready-timeout", "ready-timeout: true", "True is no number"),
        ("ready-timeout", "ready-timeout:", "None is no number"),
        ("ready-timeout", "ready-timeout: [10]", "a list is no number"),
        ("ready-timeout", "ready-timeout: 12:30", "line 7: '12:30' would be read as a number to base 60"),
        ("ready-timeout", "ready-timeout: -0.5", "-0.5 is no time to wait; give a number of seconds from 0 up"),
        ("ready-timeout", "ready-timeout: .inf", "inf is no time to wait"),
        ("ready-timeout", "ready-timeout: .nan", "nan is no time to wait"),
        ("ready-timeout", "ready-timeout: 1e400", "inf is no time to wait"),
        ("ready-timeout", "ready-timeout: 1" + "0" * 400, "an integer of many digits is no time to wait"),
        ("batcmd", "batcmd: 3", "line 7, key 'batcmd': 3 is no text; write a command, in quotes"),
        ("batcmd", "batcmd: [batsim]", "a list is no text"),
        ("batcmd", "batcmd: {a: b}", "a mapping is no text"),
        ("batcmd", "batcmd:", "None is no text"),
        ("batcmd", "batcmd: ' '", "the text is empty; only schedcmd may be"),
        ("batcmd", 'batcmd: "a\\0b"', "a character that no command can hold"),
        ("output-dir", "output-dir: 1.5", "1.5 is no text; write a path, in quotes"),
        ("output-dir", "output-dir: ''", "the text is empty"),
        ("schedcmd", "schedcmd: true", "True is no text"),
        ("", "failure-timeout: 1", "line 8, key 'failure-timeout': the key is given twice; keep one"),
        ("", "fail-timeout: 1", "line 8, key 'fail-timeout': unknown key; did you mean 'failure-timeout'?"),
        ("", "x: 1", "line 8, key 'x': unknown key; the keys are batcmd, output-dir, "),
    ],
)
def test_refusals(key: str, line: str, words: str) -> None:
    message = refusal(without(key, f"{line}\n") if key else f"{GOOD}{line}\n")
    assert message.startswith("run.yaml, ")
    assert words in message


@pytest.mark.parametrize("text", ["", "- a\n", "batsim", "null"])
def test_no_mapping(text: str) -> None:
    assert refusal(text).startswith("run.yaml: a robin file is a mapping with the keys batcmd, ")


@pytest.mark.parametrize(
    "text", ["a: [", "a: b: c", "\t", "%", b"\xff\xfe\xff", "!!python/object:os.x {}", "a: &x [*x]"]
)
def test_no_yaml(text: str | bytes) -> None:
    assert refusal(text).startswith("run.yaml")


def test_all_problems_at_once() -> None:
    message = refusal("batcmd: 1\noutput-dir: 2\nother: 3\n")
    assert len(message.splitlines()) == 8


def test_no_file(tmp_path: Path) -> None:
    for name in ("missing.yaml", ".", "a\0b"):
        with pytest.raises(MissingFileError, match="cannot be read"):
            read_robin(f"{tmp_path}/{name}")


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)
times = st.floats(0, 1e299) | st.integers(0, 10**20).map(float)


@settings(deadline=None, max_examples=200)
@given(texts.filter(str.strip), texts.filter(str.strip), texts, times, times, times, times)
def test_written_files_are_read_back(
    batcmd: str, folder: str, schedcmd: str, simulation: float, ready: float, success: float, failure: float
) -> None:
    made = RobinFile(batcmd, folder, schedcmd, simulation, ready, success, failure)
    assert parse_robin(robin_text(made).encode(), "run.yaml") == made


def test_written_form() -> None:
    assert robin_text(RobinFile("batsim -p x", "out", "pybatsim wattq-easy", failure_timeout_s=0.5)) == (
        "batcmd: batsim -p x\noutput-dir: out\nschedcmd: pybatsim wattq-easy\nsimulation-timeout: 604800\n"
        "ready-timeout: 10\nsuccess-timeout: 3600\nfailure-timeout: 0.5\n"
    )


def test_nothing_unreadable_is_written() -> None:
    for made in (RobinFile("", "out", ""), RobinFile("a", "o", "", ready_timeout_s=-1), RobinFile("a\0", "o", "")):
        with pytest.raises(InvalidInputError):
            robin_text(made)


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_mutated_files_give_a_result_or_an_error(data: st.DataObject) -> None:
    raw = bytearray(GOOD.encode())
    for _ in range(data.draw(st.integers(1, 5))):
        place = data.draw(st.integers(0, len(raw) - 1))
        raw[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
        if not raw:
            break
    try:
        said = parse_robin(bytes(raw), "run.yaml").batcmd
    except WattqError as error:
        said = str(error)
    assert said
