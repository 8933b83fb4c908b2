from __future__ import annotations

import csv
import html.parser
import io
import json
import re
from typing import Any

import pytest

from wattq.errors import InvalidInputError
from wattq.experiments import METRICS, comparison_csv, group_runs, read_run, report_html, text_table
from wattq.experiments.comparison import bootstrap_interval, mean_metrics
from wattq.experiments.savings import served_less

ENERGY = ["0.000000,0.000000,s,1.0,NA", "100.000000,{joules}.000000,e,1.0,1.0"]


def provenance(policy: str, **workload: Any) -> str:
    described = {"label": "log", "sha256": "a" * 64, "source": "log.swf", "synthetic": False, "rows_read": 9, "jobs": 2}
    described |= {"dropped": {"run time <= 0": 7}, "repaired": {}, "warnings": [], **workload}
    return json.dumps(
        {
            "command": ["/some/where/wattq", "compare", "x.yaml"],
            "policy": {"name": policy, "label": policy, "params": {}},
            "platform": {"name": "box", "sha256": "b" * 64, "has_power": True, "notes": ["Powers: assumed."]},
            "workloads": [described],
            "seed": 0,
        }
    )


@pytest.fixture
def make_case(make_run: Any, craft: Any) -> Any:
    """Runs of one workload: policy -> (energy in J, ids of the jobs that run)."""

    def make(table: dict[str, tuple[int, str]], **workload: Any) -> list[Any]:
        runs = []
        for policy, (joules, ids) in table.items():
            lines = [craft.job((name, 0.0, 1, 0.0, 100.0, str(number))) for number, name in enumerate(ids)]
            energy = [line.format(joules=joules) for line in ENERGY]
            submitted = [f"{name},w0,0.000000,1,100.000000,1" for name in "ab"]
            files = {"provenance.json": provenance(policy, **workload)}
            options = {"energy": energy, "submitted": submitted, "files": files, "joules": joules}
            runs.append(read_run(make_run(lines, name=f"{policy}-{joules}", **options)))
        return group_runs(runs)

    return make


def test_savings_are_stated_against_easy_only_for_equal_work(make_case: Any) -> None:
    (case,) = make_case({"easy": (1000, "ab"), "good": (900, "ab"), "bad": (1250, "ab"), "lazy": (10, "a")})
    shares = {measured.policy: measured.saving.share for measured in case.runs}
    assert shares["easy"] == 0.0
    assert shares["good"] == pytest.approx(0.1)
    assert shares["bad"] == pytest.approx(-0.25)
    assert shares["lazy"] is None
    texts = {measured.policy: measured.saving.text for measured in case.runs}
    assert texts["good"] == "10.00 % less"
    assert texts["bad"] == "25.00 % more"
    assert texts["lazy"] == "void: served less work (1 job fewer)"
    assert served_less(case.by_policy["lazy"], case.by_policy["easy"]) == 1


def test_without_easy_there_are_no_savings(make_case: Any) -> None:
    (case,) = make_case({"fcfs": (1000, "ab")})
    assert case.runs[0].saving.text == "no run of 'easy' to compare with"
    assert "no savings are stated" in report_html([case], "t")


def test_runs_of_different_workloads_are_not_compared(make_case: Any) -> None:
    first, second = make_case({"easy": (1000, "ab")}), make_case({"fcfs": (900, "ab")}, label="other")
    cases = group_runs([case.runs[0].run for case in (*first, *second)])
    assert [case.workload for case in cases] == ["log", "other"]


def test_the_table_names_what_is_left_over(make_case: Any) -> None:
    cases = make_case({"easy": (1000, "ab"), "lazy": (10, "a")})
    lines = text_table(cases).splitlines()
    assert lines[0] == "log"
    headings = "Policy Finished Rejected Never started Wait mean Wait p95 Bsld mean Bsld p95 Utilisation Makespan"
    assert lines[1].split() == [*headings.split(), *"Energy Energy vs easy".split()]  # noqa: SIM905
    assert lines[4].startswith("lazy")
    assert "1 of 2" in lines[4]
    assert len({len(line) for line in lines[1:]}) == 1


def test_the_csv_holds_every_metric(make_case: Any) -> None:
    rows = list(csv.DictReader(io.StringIO(comparison_csv(make_case({"easy": (1000, "ab"), "lazy": (10, "a")})))))
    assert set(METRICS) < set(rows[0])
    assert rows[0]["energy_saving_vs_easy"] == "0.0"
    assert rows[1]["energy_saving_vs_easy"] == ""
    assert rows[1]["energy_saving_void"] == "void: served less work (1 job fewer)"
    assert float(rows[1]["jobs_never_started"]) == 1


class _Checker(html.parser.HTMLParser):
    """Counts open tags and collects addresses."""

    void = {"meta", "img", "br", "link", "input"}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.sources += [value or "" for name, value in attrs if name in ("src", "href", "data")]
        if tag not in self.void:
            self.stack.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag


def test_the_report_is_one_well_formed_file_without_addresses(make_case: Any) -> None:
    text = report_html(make_case({"easy": (1000, "ab"), "lazy": (10, "a")}), "Title <b>", "a & b")
    checker = _Checker()
    checker.feed(text)
    assert checker.stack == []
    assert checker.sources
    assert all(source.startswith("data:image/") for source in checker.sources)
    assert not re.search(r"https?://|//cdn|@import|url\(", text)
    assert "Title &lt;b&gt;" in text
    for words in ("Powers: assumed.", "wattq compare x.yaml", "a" * 64, "1 jobs never started", "7: run time &lt;= 0"):
        assert words in text, words
    for metric in METRICS.values():
        assert metric.name in text


def test_generated_workloads_are_named_so(make_case: Any) -> None:
    (case,) = make_case({"easy": (1000, "ab")}, synthetic=True)
    assert case.title == "log (generated)"
    assert "Generated workload, no real trace: log." in report_html([case], "t")
    assert "log (generated)" in text_table([case])


def test_a_report_needs_a_run() -> None:
    with pytest.raises(InvalidInputError, match="at least one run"):
        report_html([], "t")


def test_recorded_runs_of_the_real_batsim_can_be_reported(shared_dir: Any) -> None:
    policies = shared_dir / "golden" / "policies"
    names = ["synsmall-ptask-easy_bf", "synsmall-ptask-energy_bf"]
    cases = group_runs([read_run(policies / name) for name in names])
    assert len(cases) == 1
    text = report_html(cases, "Real Batsim")
    assert "synsmall-ptask-energy_bf" in text


def test_intervals_need_three_samples_and_contain_the_mean(make_case: Any) -> None:
    assert bootstrap_interval([1.0, 2.0]) == (1.5, None, None)
    mean, low, high = bootstrap_interval([1.0, 2.0, 3.0, 4.0])
    assert low is not None
    assert high is not None
    assert 1.0 <= low < mean == 2.5 < high <= 4.0
    assert bootstrap_interval([1.0, 2.0, 3.0, 4.0]) == (mean, low, high)
    values = mean_metrics(make_case({"easy": (1000, "ab")}))
    assert values["easy"]["energy_j"] == (1000.0, None, None)
