"""The page of a study is filled from the study's files."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from wattq.cli import main

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "study-energy-carbon.md"
STUDY = """\
name: s
platform: kth-sp2-dvfs
workloads: [{label: made, generate: {jobs: 1500, hosts: 100}}]
policies: [easy, fcfs]
energy: true
weeks: {test: [1], warmup_s: 86400, cooldown_s: 86400}
signals: {GB 2021: {carbon: carbon.csv}}
"""


@pytest.fixture(scope="module")
def inserting() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_insert_study", ROOT / "docs" / "_ext" / "insert_study.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_filled(inserting: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from wattq.platforms.signals import daily_sinusoid, write_signal

    monkeypatch.chdir(tmp_path)
    write_signal(daily_sinusoid(1609459200.0, 365, base=200.0, quantity="carbon", unit="g/kWh"), "carbon.csv")
    Path("s.yaml").write_text(STUDY, encoding="utf-8")
    with pytest.raises(SystemExit) as end:
        main(["compare", "s.yaml", "-o", "out", "--workers", "1"])
    assert not end.value.code
    page = tmp_path / "page.md"
    page.write_text(PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    text = inserting.insert(Path("out"), page)
    assert (Path("out") / "tables.md").read_text(encoding="utf-8").strip() in text
    assert "![made, GB 2021: co2e_kg against waits and slowdowns](images/study/made-GB-2021-co2e_kg.png)" in text
    assert (tmp_path / "images" / "study" / "made-GB-2021-co2e_kg.png").is_file()
    assert "- made, GB 2021: fcfs" in text or "- made: fcfs" in text
    assert text.count("<!-- study: end -->") == page.read_text(encoding="utf-8").count("<!-- study: end -->") == 4
    page.write_text(text, encoding="utf-8")
    assert inserting.insert(Path("out"), page) == text
