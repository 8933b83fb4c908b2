"""Reading SWF: quirks of real logs, and the line, value, rule and remedy in each error."""

from __future__ import annotations

import gzip
import lzma
from pathlib import Path

import numpy as np
import pytest

from wattq.errors import MissingFileError, WattqError, WorkloadError
from wattq.workloads import CleaningOptions, parse_swf, parse_workload, read_swf, read_workload
from wattq.workloads.swf import parse_swf_table
from wattq.workloads.swf_header import first_integer, parse_header


def row(
    number: object, submit: object, run: object, procs: object, requested_s: object = 1000, **fields: object
) -> str:
    """One SWF row; other columns by name."""
    names = (
        "number submit wait run allocated cpu memory requested request_s request_memory status user group executable"
    )
    values: dict[str, object] = dict.fromkeys([*names.split(), "queue", "partition", "preceding", "think"], -1)
    values |= {"number": number, "submit": submit, "run": run, "allocated": procs, "requested": procs}
    values |= {"request_s": requested_s, "status": 1} | fields
    return " ".join(str(value) for value in values.values())


def swf(*rows: str, header: str = "; MaxProcs: 16\n") -> bytes:
    return (header + "\n".join(rows) + "\n").encode()


def test_columns_of_a_small_log() -> None:
    data = swf(row(7, 100, 60, 4, wait=5, user=3, group=2, queue=1, cpu=58.5), row(8, 130, 20, 16, 20.5, status=0))
    workload = parse_swf(data, "x.swf")
    assert workload.job_id == ("7", "8")
    assert workload.submit_s.tolist() == [0, 30]
    assert workload.hosts.tolist() == [4, 16]
    assert workload.walltime_s.tolist() == [1000, 21]
    assert [workload.profiles[index].name for index in workload.profile] == ["p60", "p20"]
    assert dict(workload.profiles[1].description) == {"type": "parallel_homogeneous", "cpu": 60e9, "com": 0}
    assert workload.user.tolist() == [3, -1]
    assert (workload.group.tolist(), workload.queue.tolist()) == ([2, -1], [1, -1])
    assert workload.nb_res == 16
    assert workload.outcome is not None
    np.testing.assert_array_equal(workload.outcome.start_s, [5, np.nan])
    np.testing.assert_array_equal(workload.outcome.cpu_s, [58.5, np.nan])
    assert workload.outcome.status.tolist() == [1, 0]
    assert workload.extra is None
    assert not workload.synthetic


def test_profiles_are_shared_and_whole_numbers_stay_whole() -> None:
    data = swf(row(1, 0, 60, 1), row(2, 0, 60, 2), row(3, 0, 2.5, 2))
    workload = parse_swf(data, "x.swf", form="delay", speed_flops=2e9)
    assert [dict(profile.description) for profile in workload.profiles] == [
        {"type": "delay", "delay": 2.5},
        {"type": "delay", "delay": 60},
    ]
    assert [profile.name for profile in workload.profiles] == ["d2.5", "d60"]
    assert isinstance(workload.profiles[1].description["delay"], int)
    assert parse_swf(data, "x.swf", speed_flops=2e9).profiles[1].description["cpu"] == 120e9


def test_header_quirks() -> None:
    header = parse_header(
        [
            " Version: 2.2",
            "   MaxProcs :  1664 (72, 1368, 224)",
            " MaxRuntime: N/A",
            " Information: http://one/",
            "              http://two/",
            " Note: first",
            "       goes on",
            " Note: second",
            "",
            " Queue:  0  interactive",
            " UnixStartTime: 843480031",
            " TimeZone: 3600",
            " TimeZoneString: Europe/Stockholm",
            " Special: yes",
        ]
    )
    assert header.max_procs == 1664
    assert header.integer("MaxRuntime") is None
    assert header.text("Information") == "http://one/\nhttp://two/"
    assert header.fields["Note"] == ("first\ngoes on", "second")
    assert header.unknown == ("Special",)
    offset, warning = header.utc_offset_s()
    assert offset == 7200.0
    assert warning is not None
    assert "Europe/Stockholm is used" in warning


@pytest.mark.parametrize(
    ("text", "value"),
    [("1664 (72, 1368, 224)", 1664), ("  -1", -1), ("N/A", None), ("", None), ("12345678901234567890", None)],
)
def test_first_integer(text: str, value: int | None) -> None:
    assert first_integer(text) == value


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_line_ends_blank_lines_tabs_and_comments_between_rows(newline: str) -> None:
    lines = ["; MaxProcs: 4", "", "\t" + row(1, 0, 10, 1), "  ; note", row(2, 5, 10, 1).replace(" ", "  \t") + "  "]
    workload = parse_swf(newline.join(lines).encode(), "x.swf")
    assert workload.job_id == ("1", "2")


@pytest.mark.parametrize("ending", ["swf", "swf.gz", "swf.xz"])
def test_plain_gzip_and_xz_give_the_same(tmp_path: Path, ending: str) -> None:
    data = swf(row(1, 0, 10, 1), row(2, 5, 10, 1))
    packed = {"swf": data, "swf.gz": gzip.compress(data), "swf.xz": lzma.compress(data)}[ending]
    path = tmp_path / f"log.{ending}"
    path.write_bytes(packed)
    workload = read_workload(path)
    assert workload.submit_s.tolist() == [0, 5]
    assert workload.report.sha256 == parse_swf(data, "x").report.sha256
    assert workload.report.source == str(path)


def test_several_gzip_members_are_read(tmp_path: Path) -> None:
    data = swf(row(1, 0, 10, 1), row(2, 5, 10, 1))
    packed = gzip.compress(data[:20]) + gzip.compress(data[20:]) + b"\0" * 100
    assert parse_workload(packed, "x.swf").n_jobs == 2


_GOOD = [row(1, 0, 10, 1), row(2, 5, 10, 1)]


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ("1 2 3", ("line 4", "3 columns", "18 numbers", "mend or remove")),
        (row(3, 0, 1, 1) + " 5", ("line 4", "19 columns", "18 numbers")),
        (row(3, 0, "abc", 1), ("line 4", "column 4 (run)", "'abc'", "finite number")),
        (row(3, "nan", 1, 1), ("line 4", "column 2 (submit)", "'nan'", "finite number")),
        (row(3, "inf", 1, 1), ("line 4", "column 2 (submit)", "'inf'")),
        (row(3, "1e999", 1, 1), ("line 4", "'1e999'", "exceed 9007199254740991")),
        (row(3, "9007199254740993", 1, 1), ("line 4", "exceed 9007199254740991")),
        (row(3, 0, 1, 2**31), ("line 4", "column 5 (allocated)", "exceed 2147483647")),
        (row(3, "1_000", 1, 1), ("line 4", "'1_000'")),
        (row(3, "1\x0b", 1, 1), ("line 4", "column 2 (submit)")),
        (row(3, '"5"', 1, 1), ("line 4", "column 2 (submit)")),
    ],
)
def test_bad_lines_are_named(bad: str, words: tuple[str, ...]) -> None:
    with pytest.raises(WorkloadError) as caught:
        parse_swf(swf(*_GOOD, bad, "also bad"), "log.swf")
    for word in ("log.swf", *words):
        assert word in str(caught.value)


def test_fractions_are_read_exactly() -> None:
    texts = ["0.1", "19.999999999999996", "123456789.123456789", "1e-3", "5.", ".5"]
    table = parse_swf_table(swf(*(row(1, 0, text, 1) for text in texts)), "x.swf")
    assert table.column("run").tolist() == [float(text) for text in texts]


@pytest.mark.parametrize("data", [b"", b"; Version: 2\n;\n", b"\n \n"])
def test_a_file_of_comments_has_no_jobs(data: bytes) -> None:
    with pytest.raises(WorkloadError, match=r"x\.swf: no jobs"):
        parse_swf(data, "x.swf")


def test_all_rows_dropped_says_why() -> None:
    with pytest.raises(WorkloadError, match=r"no jobs left of 2 rows \(2 run time 0\)"):
        parse_swf(swf(row(1, 0, 0, 1), row(2, 0, 0, 1)), "x.swf")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<!DOCTYPE html><html>not found</html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "placeholder"),
    ],
)
def test_impostors_are_named(data: bytes, words: str) -> None:
    with pytest.raises(WorkloadError, match=words):
        parse_swf(data, "x.swf")


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress])
def test_truncated_and_damaged_archives(tmp_path: Path, pack: object) -> None:
    assert callable(pack)
    packed = pack(swf(*_GOOD * 50))
    path = tmp_path / "log.swf.gz"
    path.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(WorkloadError, match="ends early"):
        read_workload(path)
    damaged = bytearray(packed)
    damaged[len(packed) // 2] ^= 0xFF
    path.write_bytes(bytes(damaged))
    with pytest.raises(WorkloadError, match=r"damaged|ends early"):
        read_workload(path)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none.swf", tmp_path):
        with pytest.raises(MissingFileError, match="cannot be read"):
            read_swf(path)
    with pytest.raises(MissingFileError, match="not a path"):
        read_swf("a\0b")


def test_a_bomb_is_stopped() -> None:
    from wattq.workloads.files import decompress

    for packed in (gzip.compress(b"0" * 10_000_000), lzma.compress(b"0" * 10_000_000)):
        with pytest.raises(WorkloadError, match="more than 1000000 bytes"):
            decompress(packed, "bomb", limit=1_000_000)
        assert len(decompress(packed, "bomb", limit=10_000_000)) == 10_000_000


def test_real_logs_and_their_quirks(shared_dir: Path) -> None:
    folder = shared_dir / "data/swf"
    atlas = read_swf(folder / "LLNL-Atlas-2006-2.1-cln.swf.gz")
    assert (atlas.nb_res, atlas.report.n_read, atlas.n_jobs) == (1152, 43_778, 36_600)
    assert atlas.report.dropped == {"no processors known": 4571, "run time 0": 2607}
    assert atlas.hosts.max() == 1140
    assert atlas.outcome is not None
    assert np.isnan(atlas.outcome.start_s).all()
    nasa = read_swf(folder / "NASA-iPSC-1993-3.1-cln.swf.gz")
    assert set(nasa.walltime_s.tolist()) == {86_400.0}
    sdsc = read_swf(folder / "SDSC-SP2-1998-4.2-cln.swf.gz", options=CleaningOptions(negative_runtime_s=10))
    assert sdsc.report.dropped == {"run time 0": 10}
    assert sdsc.report.repaired["run time negative (unknown): 10 s used"] == 5671
    lublin = read_swf(folder / "lublin_256.swf.gz")
    assert (lublin.nb_res, set(lublin.walltime_s.tolist())) == (256, {162_754.0})


def test_form_and_speed_are_checked() -> None:
    with pytest.raises(WattqError, match="profile form 'smpi'"):
        parse_swf(swf(*_GOOD), "x.swf", form="smpi")
    with pytest.raises(WattqError, match="speed 0"):
        parse_swf(swf(*_GOOD), "x.swf", speed_flops=0)
