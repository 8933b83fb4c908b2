"""The catalogue of traces: found in folders, downloaded, checked; clear words when offline."""

from __future__ import annotations

import functools
import gzip
import hashlib
import http.server
import io
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from wattq.errors import InvalidInputError, MissingFileError, WorkloadError
from wattq.workloads import TRACES, cache_dir, fetch, find_entry, find_trace, get_trace, locate_workload, read_swf
from wattq.workloads.catalogue import Trace

_CONTENT = b"; MaxProcs: 4\n1 0 -1 5 1 -1 -1 1 10 -1 1 -1 -1 -1 -1 -1 -1 -1\n"


@pytest.fixture
def trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trace:
    """A trace of the catalogue whose address is nowhere, and an empty cache."""
    digest = hashlib.sha256(_CONTENT).hexdigest()
    entry = Trace("Tiny-Log", "one job", "a test", "tiny.swf", "http://127.0.0.1:9/tiny.swf.gz", digest, 1)
    monkeypatch.setitem(TRACES, entry.name, entry)
    monkeypatch.setenv("WATTQ_DATA", str(tmp_path / "cache"))
    monkeypatch.delenv("WATTQ_DATA_PATH", raising=False)
    return entry


def _serve(folder: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *words: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A web server on this machine: its address and its folder."""
    folder = tmp_path / "web"
    folder.mkdir()
    for address in _serve(folder):
        yield address, folder


def test_entries_are_complete_and_digests_are_those_of_the_files(shared_dir: Path) -> None:
    assert len(TRACES) == 10
    for trace in TRACES.values():
        assert bool(trace.url) != bool(trace.package)
        assert len(trace.sha256) == 64
        assert all((trace.description, trace.source, trace.licence, trace.citation, trace.jobs))
    names = {trace.name for trace in TRACES.values() if (shared_dir / "data/swf" / f"{trace.filename}.gz").is_file()}
    assert names == {"KTH-SP2", "SDSC-SP2", "LLNL-Atlas", "NASA-iPSC", "lublin_256", "KTH-SP2-predictsim"}
    for name in names:
        path = find_trace(name.upper(), [shared_dir / "data/swf"])
        assert path is not None
        assert read_swf(path).report.n_read == TRACES[name].jobs


def test_names_are_found_in_any_case_and_nearest_ones_shown() -> None:
    assert find_entry("kth-sp2").name == "KTH-SP2"
    with pytest.raises(InvalidInputError, match=r"trace 'KTH-SP': not in the catalogue; nearest names: KTH-SP2"):
        find_entry("KTH-SP")


def test_folders_are_searched_before_the_cache(trace: Trace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_trace(trace.name) is None
    places = [tmp_path / name for name in ("cache", "listed", "given")]
    for place in places:
        place.mkdir()
        (place / "tiny.swf.gz").write_bytes(gzip.compress(_CONTENT))
    monkeypatch.setenv("WATTQ_DATA_PATH", f"{tmp_path / 'nothing'}:{places[1]}")
    assert find_trace(trace.name, [places[2]]) == places[2] / "tiny.swf.gz"
    assert find_trace(trace.name) == places[1] / "tiny.swf.gz"
    monkeypatch.delenv("WATTQ_DATA_PATH")
    assert get_trace("tiny-log", offline=True) == places[0] / "tiny.swf.gz"


def test_other_content_under_the_name_is_refused(trace: Trace, tmp_path: Path) -> None:
    (tmp_path / "tiny.swf").write_bytes(_CONTENT + b"\n")
    with pytest.raises(WorkloadError, match="not Tiny-Log as the catalogue knows it"):
        find_trace(trace.name, [tmp_path])


def test_offline_says_where_to_put_the_file(trace: Trace, tmp_path: Path) -> None:
    words = rf"get it from {trace.url} and put it into {tmp_path / 'cache'} as tiny\.swf or tiny\.swf\.gz"
    with pytest.raises(MissingFileError, match=words):
        get_trace(trace.name, offline=True)
    with pytest.raises(MissingFileError, match=rf"Tiny-Log: cannot be fetched .*; {words}"):
        get_trace(trace.name)


def test_downloads_are_checked_and_kept(
    trace: Trace, server: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, folder = server
    monkeypatch.setitem(TRACES, trace.name, replace(trace, url=f"{address}/tiny.swf.gz"))
    with pytest.raises(MissingFileError, match="cannot be fetched"):
        get_trace(trace.name)
    (folder / "tiny.swf.gz").write_bytes(b"<html>maintenance</html>")
    with pytest.raises(WorkloadError, match="not Tiny-Log as the catalogue knows it"):
        get_trace(trace.name)
    assert not cache_dir().exists()
    (folder / "tiny.swf.gz").write_bytes(gzip.compress(_CONTENT))
    path = get_trace(trace.name)
    assert path == cache_dir() / "tiny.swf.gz"
    assert [entry.name for entry in cache_dir().iterdir()] == ["tiny.swf.gz"]
    (folder / "tiny.swf.gz").unlink()
    assert get_trace(trace.name) == path


def _pip(archive: bytes | None, code: int = 0) -> Any:
    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        if archive is not None:
            (Path(command[command.index("--dest") + 1]) / "evalys-4.0.7.tar.gz").write_bytes(archive)
        return subprocess.CompletedProcess(command, code, "", "first line\nno network\n")

    return run


def _archive(member: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        info = tarfile.TarInfo(member)
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def test_a_trace_inside_a_source_distribution(trace: Trace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TRACES, trace.name, replace(trace, url="", package="evalys==4.0.7"))
    cases = [
        (_pip(None, 1), r"pip cannot fetch evalys==4\.0\.7 \(no network\)"),
        (_pip(b"no archive"), "cannot be opened"),
        (_pip(_archive("evalys-4.0.7/README", b"x")), r"holds no tiny\.swf"),
        (_pip(_archive("evalys-4.0.7/examples/tiny.swf", b"x")), "not Tiny-Log as the catalogue knows it"),
    ]
    for run, words in cases:
        monkeypatch.setattr(fetch.subprocess, "run", run)
        with pytest.raises((MissingFileError, WorkloadError), match=words):
            get_trace(trace.name)
    monkeypatch.setattr(fetch.subprocess, "run", _pip(_archive("evalys-4.0.7/examples/tiny.swf", _CONTENT)))
    assert get_trace(trace.name) == cache_dir() / "tiny.swf"


def test_a_workload_is_a_file_or_a_name(trace: Trace, tmp_path: Path) -> None:
    path = tmp_path / "log.swf"
    path.write_bytes(_CONTENT)
    assert locate_workload(path) == path
    (tmp_path / "tiny.swf").write_bytes(_CONTENT)
    assert locate_workload("tiny-log", data_dirs=[tmp_path]) == tmp_path / "tiny.swf"
    for name in ("none.swf", "folder/none", "w.json.xz"):
        with pytest.raises(MissingFileError, match="no such file"):
            locate_workload(name)
    with pytest.raises(InvalidInputError, match="not in the catalogue"):
        locate_workload("none")


def test_cache_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATTQ_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert cache_dir() == Path("/somewhere/wattq/data")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_dir() == Path.home() / ".cache/wattq/data"
    monkeypatch.setenv("WATTQ_DATA", "~/traces")
    assert cache_dir() == Path.home() / "traces"
