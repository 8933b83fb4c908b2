"""Mutated inputs: each one gives a result or a WattqError, never another exception, and never hangs.

WATTQ_FUZZ sets the number of inputs in all (20,000 when absent). Input k of a kind is made from its kind and k alone,
so that a failure is repeated by its number.
"""

from __future__ import annotations

import copy
import csv
import gzip
import io
import json
import lzma
import os
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from wattq.errors import WattqError

_FIXTURES = Path(__file__).resolve().parent / "fixtures"
_CASES = int(os.environ.get("WATTQ_FUZZ", "20000"))
_TOKEN = re.compile(rb"[+-]?[0-9][0-9.eE+-]*|[A-Za-z_]+|[^\sA-Za-z0-9_]")
_WORDS = (
    *(b"", b"0", b"-0", b"-1", b"1", b"00012", b"-5", b"0.5", b"1e3", b"1e-320", b"1e308", b"1e999", b"-1e999"),
    *(b"2147483648", b"9007199254740993", b"9" * 30, b"9" * 5000, b"0x10", b"1_000", b"1,5", b"--1", b"1.2.3"),
    *(b"nan", b"NaN", b"inf", b"-Infinity", b"null", b"true", b"None", b"~", b"yes", b"\xc3\xa9", b"\xff\xfe", b"\x00"),
    *(b"\\ud800", b'"', b"'", b"{", b"}", b"[", b"]", b":", b",", b";", b"!", b"&x;", b"*a", b"&a ", b"<<", b"|", b"#"),
    *(b"\r", b"\n", b"\t", b"\x0b", b"\x1c", b"\xa0", b"w0", b"w0!", b"parallel", b"composed", b"smpi", b"usage_trace"),
    *(
        b"seq",
        b"repeat",
        b"p",
        b"h0",
        b"0-99999999999",
        b"1Gf",
        b"-1f",
        b"1:2:3",
        b"<a>",
        b"</zone>",
        b"%s",
        b"..",
        b"/",
    ),
)
_VALUES: tuple[object, ...] = (
    *(
        None,
        True,
        -1,
        0,
        1,
        2,
        10**9,
        10**40,
        -(10**400),
        0.5,
        -0.0,
        1e-320,
        1e308,
        "",
        "1",
        "p",
        "seq",
        "inner",
        "w0!1",
    ),
    *(
        "a,b",
        "\ud800",
        "\n",
        "d" * 5000,
        [],
        [[]],
        [0],
        ["seq"],
        ["p"] * 50,
        {},
        {"type": "delay"},
        {"id": "x"},
        "unused",
    ),
)


def _flip(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.randint(1, 4)):
        data[rng.randrange(len(data))] = rng.randrange(256)


def _insert(data: bytearray, rng: random.Random) -> None:
    place = rng.randrange(len(data))
    data[place:place] = rng.choice(_WORDS) * rng.choice((1, 1, 1, 300))


def _cut(data: bytearray, rng: random.Random) -> None:
    place = rng.randrange(len(data))
    del data[place : place + rng.choice((1, 2, 10, 100, 10_000))]


def _repeat(data: bytearray, rng: random.Random) -> None:
    start = rng.randrange(len(data))
    piece = data[start : start + rng.choice((1, 20, 100))]
    place = rng.randrange(len(data))
    data[place:place] = piece * rng.choice((1, 2, 30))


def _swap_token(data: bytearray, rng: random.Random) -> None:
    tokens = list(_TOKEN.finditer(bytes(data)))
    if tokens:
        token = rng.choice(tokens)
        other = rng.choice((rng.choice(_WORDS), rng.choice(tokens).group()))
        data[token.start() : token.end()] = other


def _move_line(data: bytearray, rng: random.Random) -> None:
    lines = bytes(data).split(b"\n")
    line = lines.pop(rng.randrange(len(lines)))
    for _ in range(rng.choice((0, 1, 2))):
        lines.insert(rng.randint(0, len(lines)), line)
    data[:] = b"\n".join(lines)


_OPERATIONS = (_flip, _insert, _cut, _repeat, _swap_token, _swap_token, _swap_token, _move_line)


def _mutated(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        if changed:
            rng.choice(_OPERATIONS)(changed, rng)
    return bytes(changed)


def _mutated_document(data: bytes, rng: random.Random) -> bytes:
    """Return a JSON text whose structure was changed: a value replaced, moved or removed."""
    document = json.loads(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        places = list(_places(document))
        holder, key = rng.choice(places)
        kind = rng.randrange(4)
        if kind == 0:
            del holder[key]
        elif kind == 1:
            other, other_key = rng.choice(places)
            holder[key] = json.loads(json.dumps(other.get(other_key) if isinstance(other, dict) else None))
        else:
            holder[key] = copy.deepcopy(rng.choice(_VALUES))
        if not document:
            break
    return json.dumps(document).encode()


def _places(value: object) -> list[tuple[object, object]]:
    found: list[tuple[object, object]] = []
    entries = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    for key, part in entries:
        found.append((value, key))
        found += _places(part)
    return found


def _packed(data: bytes, rng: random.Random) -> bytes:
    """Return the data compressed, damaged in the compressed form more often than not."""
    packed = gzip.compress(data, mtime=0) if rng.random() < 0.5 else lzma.compress(data)
    return _mutated(packed, rng) if rng.random() < 0.7 else packed


def _run(
    kind: str, share: float, make: Callable[[random.Random], bytes], read: Callable[[bytes, random.Random], object]
) -> None:
    refused = 0
    messages: set[str] = set()
    count = round(_CASES * share)
    for case in range(count):
        rng = random.Random(f"{kind}-{case}")
        data = make(rng)
        try:
            read(data, rng)
        except WattqError as error:
            refused += 1
            messages.add(str(error)[:20])
        except BaseException as error:
            error.add_note(f"{kind} input {case}: {data[:2000]!r}")
            raise
    assert "" not in messages
    assert 0 < refused < count, f"{kind}: the mutations are too tame or too wild ({refused} of {count} refused)"


@pytest.mark.fuzz
def test_mutated_swf() -> None:
    from wattq.workloads import CleaningOptions, parse_workload
    from wattq.workloads.options import CHOICES

    valid = (_FIXTURES / "small.swf").read_bytes()

    def make(rng: random.Random) -> bytes:
        data = _mutated(valid, rng)
        return _packed(data, rng) if rng.random() < 0.1 else data

    def read(data: bytes, rng: random.Random) -> None:
        words = {key: rng.choice(choices[:4]) for key, choices in CHOICES.items()}
        words["processors"] = rng.choice(("requested", "allocated", "max"))
        numbers = {"max_jobs": rng.choice((None, 1, 3)), "n_hosts": rng.choice((None, 1, 8))}
        options = CleaningOptions(**words, **numbers, rebase=rng.random() < 0.5, arrival_factor=rng.choice((1.0, 0.3)))
        workload = parse_workload(
            data, "mutated.swf", options=options, form=rng.choice(("delay", "parallel_homogeneous"))
        )
        report = workload.report
        assert report.n_read == report.n_kept + sum(report.dropped.values())
        assert report.n_kept == workload.n_jobs == len(set(workload.job_id)) > 0

    _run("swf", 0.1, make, read)


@pytest.mark.fuzz
@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("sacct.log", "sacct"),
        ("sacct.txt", "sacct"),
        ("nrel.csv", "nrel"),
        ("google2011.csv", "google2011"),
        ("google2019.csv", "google2019"),
        ("alibaba2018.csv", "alibaba2018"),
        ("pods.csv", "alibaba-gpu"),
        ("gaia.csv", "gaia"),
        ("jobs.csv", "jobs"),
    ],
)
def test_mutated_logs_of_other_formats(name: str, word: str) -> None:
    from wattq.workloads import CleaningOptions, parse_workload
    from wattq.workloads.writer import batsim_json, swf_text

    valid = (_FIXTURES / name).read_bytes()
    cores = 64.0 if word == "google2019" else None

    def read(data: bytes, rng: random.Random) -> None:
        sizes = rng.choice(("requested", "requested", "allocated", "max", "nodes", "gpus"))
        zone = rng.choice((None, "Europe/Berlin")) if word in ("sacct", "nrel") else None
        told = None if rng.random() < 0.2 else word
        options = CleaningOptions(
            machine_cores=cores, processors=sizes, time_zone=zone, ids=rng.choice(("number", "sequence"))
        )
        workload = parse_workload(data, "mutated", options=options, file_format=told)
        report = workload.report
        assert report.n_read == report.n_kept + sum(report.dropped.values())
        assert report.n_kept == workload.n_jobs == len(set(workload.job_id)) > 0
        swf_text(workload)
        assert parse_workload(batsim_json(workload).encode(), "again.json").job_id == workload.job_id

    _run(name, 0.02, lambda rng: _mutated(valid, rng), read)


@pytest.mark.fuzz
@pytest.mark.parametrize("name", ["table_log.csv", "table_json.csv"])
def test_mutated_tables(name: str) -> None:
    from wattq.workloads import parse_workload
    from wattq.workloads.table_file import table_csv

    valid = (_FIXTURES / name).read_bytes()

    def read(data: bytes, rng: random.Random) -> None:
        workload = parse_workload(data, "mutated.csv", file_format="table")
        assert parse_workload(table_csv(workload).encode(), "again.csv").job_id == workload.job_id

    _run(name, 0.02, lambda rng: _mutated(valid, rng), read)


@pytest.mark.fuzz
def test_mutated_parquet() -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    from wattq.workloads import parse_workload
    from wattq.workloads.table_file import MARK
    from wattq.workloads.table_parquet import to_parquet

    head, _, body = (_FIXTURES / "table_log.csv").read_text().partition("\n")
    rows = list(csv.reader(body.splitlines()))
    columns = {name: list(cells) for name, *cells in zip(*rows, strict=True)}
    valid = to_parquet(columns, {b"wattq workload": head[len(MARK) :].encode()})

    def read(data: bytes, rng: random.Random) -> None:
        parse_workload(data, "mutated.parquet", file_format="parquet")

    _run("parquet", 0.01, lambda rng: _mutated(valid, rng), read)


@pytest.mark.fuzz
def test_mutated_batsim_json() -> None:
    from wattq.workloads import parse_workload
    from wattq.workloads.writer import batsim_json

    valid = (_FIXTURES / "workload.json").read_bytes()

    def make(rng: random.Random) -> bytes:
        data = _mutated_document(valid, rng) if rng.random() < 0.5 else _mutated(valid, rng)
        return _packed(data, rng) if rng.random() < 0.05 else data

    def read(data: bytes, rng: random.Random) -> None:
        workload = parse_workload(data, "mutated.json")
        again = parse_workload(batsim_json(workload).encode(), "again.json")
        assert again.job_id == workload.job_id

    _run("json", 0.35, make, read)


@pytest.mark.fuzz
@pytest.mark.parametrize(
    "name",
    [
        "signal_maps.csv", "signal_own.csv", "signal_smard.csv", "signal_entsoe.csv", "signal_plain.csv",
        "signal_offsets.csv", "signal_lwa.csv", "signal_gb.json", "signal_charts.json",
    ],
)  # fmt: skip
def test_mutated_signals(name: str, tmp_path: Path) -> None:
    from wattq.platforms.signals import parse_signal, read_signal, write_signal

    valid = (_FIXTURES / name).read_bytes()
    words = {"signal_smard.csv": {"column": "DE"}, "signal_gb.json": {"values": "actual"}}.get(name, {})
    out = tmp_path / "own.csv"

    def make(rng: random.Random) -> bytes:
        if name.endswith(".json") and rng.random() < 0.5:
            return _mutated_document(valid, rng)
        data = _mutated(valid, rng)
        return _packed(data, rng) if rng.random() < 0.05 else data

    def read(data: bytes, rng: random.Random) -> None:
        zone = rng.choice((None, "Europe/Berlin")) if name == "signal_offsets.csv" else "Europe/Berlin"
        gaps = rng.choice(("refuse", "hold", "linear", "same-hour"))
        signal = parse_signal(data, "mutated", time_zone=zone, gaps=gaps, **words)
        again = read_signal(write_signal(signal, out))
        assert again.value.tolist() == signal.value.tolist()
        assert again.unit == signal.unit

    _run(name, 0.012, make, read)


@pytest.mark.fuzz
def test_mutated_generation_parquet() -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    import pyarrow
    import pyarrow.parquet

    from wattq.platforms.signals import parse_signal

    times = pyarrow.array([900_000 * k for k in range(8)], pyarrow.timestamp("ms", tz="Europe/Berlin"))
    columns = {"Fossil Gas": [500.0 + k for k in range(8)], "Nuclear": [500.0] * 8, "time": times}
    out = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), out)

    _run(
        "generation", 0.01, lambda rng: _mutated(out.getvalue(), rng),
        lambda data, rng: parse_signal(data, "mutated.parquet", gaps=rng.choice(("refuse", "linear"))),
    )  # fmt: skip


@pytest.mark.fuzz
def test_mutated_platform_xml(tmp_path: Path) -> None:
    from wattq.platforms import lint_platform, read_platform

    valid = (_FIXTURES / "platform.xml").read_bytes()
    path = tmp_path / "mutated.xml"

    def read(data: bytes, rng: random.Random) -> None:
        path.write_bytes(data)
        lint_platform(path)
        read_platform(path)

    _run("xml", 0.2, lambda rng: _mutated(valid, rng), read)


@pytest.mark.fuzz
def test_mutated_experiment_yaml(tmp_path: Path) -> None:
    from wattq.experiments import load_experiment

    valid = (_FIXTURES / "experiment.yaml").read_bytes()
    path = tmp_path / "mutated.yaml"

    def read(data: bytes, rng: random.Random) -> None:
        path.write_bytes(data)
        load_experiment(path)

    _run("yaml", 0.15, lambda rng: _mutated(valid, rng), read)
