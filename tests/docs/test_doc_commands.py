"""Every command of README.md and docs/ runs, and prints what the page says.

A page is one session in one folder that also holds docs/examples. Of a block of `console`, each line after ``$ `` is
run; the lines below it, if there are any, must be what it prints (``...`` stands for anything). Blocks of `pycon` are
doctests. HTML comments right above a block change that:

    <!-- file: NAME -->             the block is the content of this file
    <!-- exits with: N -->          exit code of its commands, 0 without the comment
    <!-- needs: TRACE -->           runs where this trace of the catalogue is on the machine; skipped by name elsewhere
    <!-- slow: REASON -->           runs under the marker `slow`
    <!-- runs as: COMMAND; REASON -->   this runs in place of the block

A page with a line ``<!-- extra: NAME -->`` is skipped where that extra is not installed.
"""

from __future__ import annotations

import doctest
import importlib.util
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import pytest

from wattq.cli import main

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
MARKS = ("file", "exits with", "needs", "slow", "runs as")
BLOCK = re.compile(r"^((?:<!-- [^\n]* -->\n)*)```([a-z]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXTRA = re.compile(r"^<!-- extra: ([a-z]+) -->$", re.MULTILINE)
LIBRARIES = {"rl": ("gymnasium", "stable_baselines3", "sb3_contrib", "torch"), "campaign": ("distributed", "pyarrow")}
MARK = re.compile(r"<!-- ([a-z ]+): ([^\n]*) -->")
# Beside these, commands of a page are `wattq`, `python` and `make`; `NAME=VALUE` may stand before one.
SHELL = ("ls", "head", "cmp", "grep", "cat")


@dataclass(frozen=True)
class Block:
    """A fenced block: language, text, the marks above it, its line."""

    lang: str
    text: str
    marks: dict[str, str]
    line: int

    def steps(self) -> Iterator[tuple[str, str]]:
        """Yield the commands and what each should print; empty where the page does not say."""
        if "runs as" in self.marks:
            yield self.marks["runs as"].partition(";")[0], ""
            return
        for part in re.split(r"^\$ ", self.text, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield command, output


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found = []
    for match in BLOCK.finditer(text):
        marks = dict(MARK.findall(match[1]))
        assert set(marks) <= set(MARKS), f"{page}: unknown mark {marks}"
        found.append(Block(match[2], match[3], marks, text[: match.start()].count("\n") + 1))
    return found


class Session:
    """Runs the blocks of a page in one folder."""

    def __init__(self, page: Path, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
        self.page, self.folder, self.capsys, self.names = page, folder, capsys, {}
        for example in (ROOT / "docs" / "examples").glob("*.py"):
            shutil.copy(example, folder)
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "argv", ["wattq"])
        monkeypatch.setenv("WATTQ_DATA_PATH", str(ROOT.parent / "shared" / "data" / "swf"))

    def play(self, block: Block) -> None:
        where = f"{self.page.name}, line {block.line}"
        if "file" in block.marks:
            (self.folder / block.marks["file"]).write_text(block.text, encoding="utf-8")
        elif block.lang == "pycon":
            self.doctest(block, where)
        elif block.lang == "console":
            for command, expected in block.steps():
                code, printed = self.execute(command)
                assert code == int(block.marks.get("exits with", "0")), f"{where}: $ {command}\n{printed}"
                if expected.strip():
                    same = doctest.OutputChecker().check_output(expected, printed, doctest.ELLIPSIS)
                    assert same, f"{where}: $ {command}\nthe page says\n{expected}\nit prints\n{printed}"

    def doctest(self, block: Block, where: str) -> None:
        test = doctest.DocTestParser().get_doctest(block.text, self.names, where, str(self.page), block.line)
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
        report: list[str] = []
        failed = runner.run(test, out=report.append, clear_globs=False).failed
        self.names = test.globs
        assert failed == 0, "".join(report)

    def execute(self, command: str) -> tuple[int, str]:
        """Run a command; return its exit code and what it printed."""
        words = shlex.split(command)
        given: dict[str, str] = {}
        while re.match(r"[A-Z_]+=", words[0]):
            name, _, given[name] = words.pop(0).partition("=")
        if "WATTQ_BATSIM" in given:
            pytest.importorskip("pybatsim", reason="pybatsim is not installed")
        with patch.dict(os.environ, given):
            return self.run(words, command)

    def run(self, words: list[str], command: str) -> tuple[int, str]:
        if words[0] == "wattq":
            return self.here(lambda: main(words[1:]))
        if words[0] == "wattq-batsim":
            done = subprocess.run(
                [sys.executable, "-m", "wattq.simulator.batsim", *words[1:]], capture_output=True, text=True
            )
            return done.returncode, done.stdout + done.stderr
        if words[0] == "python":
            sys.argv[:] = words[1:]
            return self.here(lambda: runpy.run_path(words[1], run_name="__main__"))
        assert words[0] in SHELL or words[:2] == ["make", "-n"], f"{self.page.name}: no way to run '{command}'"
        place = ROOT if words[0] == "make" else self.folder
        plain = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
        done = subprocess.run(words, cwd=place, env=plain, capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout + done.stderr

    def here(self, work: Callable[[], object]) -> tuple[int, str]:
        self.capsys.readouterr()
        code = 0
        try:
            work()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        printed = self.capsys.readouterr()
        return code, printed.out + printed.err


@pytest.fixture
def session(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[[Path], Session]:
    return lambda page: Session(page, tmp_path, capsys, monkeypatch)


def need_extras(page: Path) -> None:
    for extra in EXTRA.findall(page.read_text(encoding="utf-8")):
        if not all(importlib.util.find_spec(name) for name in LIBRARIES[extra]):
            pytest.skip(f"extra {extra} is not installed")


def chosen(*, needs: bool, slow: bool) -> list[object]:
    """Return the pages that have blocks to run, with those blocks."""
    found = []
    for page in PAGES:
        runs = [block for block in blocks(page) if block.lang in ("console", "pycon") or "file" in block.marks]
        kept = [block for block in runs if ("needs" in block.marks, "slow" in block.marks) == (needs, slow)]
        if any("file" not in block.marks for block in kept):
            found.append(pytest.param(page, kept, id=str(page.relative_to(ROOT))))
    return found


@pytest.mark.parametrize(("page", "kept"), chosen(needs=False, slow=False))
def test_commands(session: Callable[[Path], Session], page: Path, kept: list[Block]) -> None:
    need_extras(page)
    run = session(page)
    for block in kept:
        run.play(block)


def need_traces(kept: list[Block]) -> None:
    from wattq.experiments.inputs import data_dirs
    from wattq.telemetry import SERIES, find_series, series_dirs
    from wattq.workloads import find_trace

    for name in sorted({block.marks["needs"] for block in kept}):
        here = find_series(name, series_dirs()) if name in SERIES else find_trace(name, data_dirs())
        if here is None:
            pytest.skip(f"{name} is not on this machine")


@pytest.mark.parametrize(("page", "kept"), chosen(needs=True, slow=False))
def test_commands_on_traces(session: Callable[[Path], Session], page: Path, kept: list[Block]) -> None:
    need_extras(page)
    run = session(page)
    need_traces(kept)
    for block in kept:
        run.play(block)


@pytest.mark.slow
@pytest.mark.parametrize(("page", "kept"), chosen(needs=True, slow=True))
def test_slow_commands(session: Callable[[Path], Session], page: Path, kept: list[Block]) -> None:
    need_extras(page)
    run = session(page)
    need_traces(kept)
    for block in kept:
        run.play(block)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_block_is_left_out(page: Path) -> None:
    """Every fence is a block that the tests see, in a language with a meaning, and runs somewhere."""
    text = page.read_text(encoding="utf-8")
    fences = [line for line in text.splitlines() if line.startswith("```") and line != "```"]
    plain = [fence for fence in fences if not fence.startswith("```{")]
    found = blocks(page)
    assert len(plain) == len(found)
    for block in found:
        assert block.lang in ("console", "pycon", "text", "yaml", "xml", "json"), f"{page.name}, line {block.line}"
        if block.lang in ("yaml", "xml", "json"):
            assert "file" in block.marks, f"{page.name}, line {block.line}: data that no command uses"
        if block.lang == "console":
            assert list(block.steps()), f"{page.name}, line {block.line}: no command"
        assert not ("slow" in block.marks and "needs" not in block.marks), "slow blocks name the trace they need"


def test_make_targets_of_the_pages_exist() -> None:
    targets = set(re.findall(r"^([a-zA-Z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {
        name
        for page in PAGES
        for name in re.findall(r"(?:`|\$ |: )make (?:-n )?([a-z][a-zA-Z-]*)", page.read_text(encoding="utf-8"))
    }
    assert {"demo", "test", "docs"} <= named
    assert named <= targets
