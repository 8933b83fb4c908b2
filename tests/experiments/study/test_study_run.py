from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from wattq.cli import main
from wattq.errors import InvalidInputError, MissingFileError, WattqError
from wattq.experiments import Experiment, PolicySpec, load_experiment, read_run, run_once
from wattq.experiments.accounting import Tariff, account_week, reconstruct
from wattq.experiments.inputs import find_platform
from wattq.experiments.playbook import findings, playbook_markdown
from wattq.experiments.plots import render
from wattq.experiments.study import Estimate, Group, Study, numbers_of, read_numbers, run_study, summarise, write_study
from wattq.experiments.study.figures import group_figure, pictured
from wattq.experiments.study.plan import needs, plan, with_watts
from wattq.experiments.study.tables import group_table, term_tables


@pytest.fixture(scope="session")
def experiment(study_base: Path) -> Experiment:
    return load_experiment(study_base / "small.yaml")


@pytest.fixture(scope="session")
def study(study_base: Path, experiment: Experiment) -> Study:
    return run_study(experiment, study_base / "out", base=study_base, workers=1)


def row_of(group: Group, policy: str) -> list[str]:
    return next(cells for cells in group_table(group)[1:] if cells[0] == policy)


def test_every_week_runs_under_every_policy(study: Study) -> None:
    assert [(r.week, r.policy) for r in study.records] == [
        (week, policy) for week in (1, 2, 4) for policy in ("fcfs", "easy", "easy-sjbf")
    ]
    (group,) = study.groups
    assert group.title == "log, made"
    assert group.weeks == (1, 2, 4)
    for record in study.records:
        assert record.values["jobs"] == len(record.jobs.wait_s) == record.values["jobs_served"]
        assert record.placed is not None
        assert record.placed.year == 2021


def test_a_week_is_accounted_as_by_hand(study_base: Path, study: Study, experiment: Experiment) -> None:
    (source,) = study.sources
    task = plan(experiment, source, list(study.grids.values()), {}, "test")[1]
    machine = find_platform("machine.xml", study_base)
    easy = next(run for run in task.runs if run.title == "easy")
    run = run_once(machine, [task.part.workload], PolicySpec(name="easy"), study_base / "week", energy=True)
    grid = study.grids["made"]
    tariff = Tariff(grid.carbon, grid.price, 1.5, easy.placed[0].origin_s)
    hand = account_week(reconstruct(read_run(study_base / "week"), machine), tariff, task.part.window_s).total
    record = next(r for r in study.records if (r.week, r.policy) == (2, "easy"))
    assert record.values["energy_kwh"] == pytest.approx(hand.facility_kwh, rel=1e-12)
    assert record.values["energy_kwh"] == pytest.approx(1.5 * hand.energy_kwh, rel=1e-12)
    assert record.values["co2e_kg"] == pytest.approx(hand.carbon_kg, rel=1e-12)
    assert record.values["cost_eur"] == pytest.approx(hand.cost, rel=1e-12)
    waits = {key: s - q for key, s, q in zip(run.jobs.key, run.jobs.start_s, run.jobs.submit_s, strict=True)}
    rows = np.flatnonzero(task.part.of_week)
    mine = [waits[f"w0!{task.part.workload.job_id[row]}"] for row in rows]
    assert record.jobs.wait_s.tolist() == pytest.approx(mine, abs=1e-6)


def test_parts_and_terms_sum(study: Study) -> None:
    easy = {record.week: record for record in study.records if record.policy == "easy"}
    parts = ("computing", "idle", "sleeping", "switching_on", "switching_off")
    for record in study.records:
        total = record.values["energy_kwh"]
        assert sum(record.values[f"energy_{part}_kwh"] for part in parts) == pytest.approx(total, rel=1e-9)
        for name, terms in record.terms.items():
            change = record.values[name] - easy[record.week].values[name]
            assert sum(terms.values()) == pytest.approx(change, abs=1e-9 * max(1.0, abs(record.values[name])))
    assert easy[1].terms == {}
    assert {name for record in study.records for name in record.terms} == {"energy_kwh", "co2e_kg", "cost_eur"}


def test_totals_are_sums_and_quotients_of_sums(study: Study) -> None:
    (group,) = study.groups
    base = group.baseline
    assert base is not None
    for row in group.rows:
        mine = [record for record in study.records if record.policy == row.policy]
        whole = sum(record.values["co2e_kg"] for record in mine)
        assert row.values["co2e_kg"].value == pytest.approx(whole)
        assert row.ratios["co2e_kg"].value == pytest.approx(whole / base.values["co2e_kg"].value)
        assert row.void == ""
    assert base.ratios["co2e_kg"] == Estimate(1.0, 1.0, 1.0)
    waits = np.concatenate([r.jobs.wait_s for r in study.records if r.policy == "fcfs"])
    fcfs = group.rows[0]
    assert fcfs.values["wait_p95_s"].value == pytest.approx(np.percentile(waits, 95))
    assert fcfs.values["wait_mean_s"].value == pytest.approx(waits.mean())


def test_bounds_lie_below_every_policy(study: Study) -> None:
    (group,) = study.groups
    assert set(group.bounds) == {"energy_kwh", "co2e_kg", "cost_eur"}
    for name, bound in group.bounds.items():
        assert all(bound < row.values[name].value for row in group.rows)
    assert row_of(group, "lower bound")[1] == f"{group.bounds['energy_kwh']:,.0f}"


def test_results_do_not_depend_on_the_number_of_workers(study_base: Path, experiment: Experiment, study: Study) -> None:
    spread = run_study(experiment, study_base / "out2", base=study_base, workers=2)
    assert spread.groups == study.groups
    for one, other in zip(spread.records, study.records, strict=True):
        assert (one.workload, one.week, one.policy, one.grid) == (other.workload, other.week, other.policy, other.grid)
        assert one.values == other.values


def test_tuning_weeks_are_other_weeks(study_base: Path, experiment: Experiment) -> None:
    tuned = run_study(experiment, study_base / "out3", base=study_base, part="tuning", workers=1)
    assert {record.week for record in tuned.records} == {3}
    text = playbook_markdown(numbers_of(tuned))
    assert "nothing is concluded from them" in text
    assert "Which policy" not in text


def test_less_work_voids_savings(study: Study) -> None:
    records = []
    for record in study.records:
        jobs = record.jobs
        if record.policy == "easy-sjbf" and record.week == 1:
            jobs = replace(jobs, served=np.concatenate([[False], jobs.served[1:]]))
        records.append(replace(record, jobs=jobs))
    (group,) = summarise(records, "easy")
    lost = group.rows[2]
    assert lost.void.startswith("void: served less work (1 job, ")
    assert not {"energy_kwh", "co2e_kg", "cost_eur"} & set(lost.ratios)
    assert "wait_p95_s" in lost.ratios
    assert lost.captured == {}
    assert row_of(group, "easy-sjbf")[2] == "void"
    sentences = [
        text for section in findings(replace(numbers_of(study), groups=(group,))) for text in section.sentences
    ]
    assert any("easy-sjbf: void: served less work" in text for text in sentences)
    assert not any("take easy-sjbf" in text or "easy-sjbf takes" in text for text in sentences)


def test_the_playbook_claims_what_the_intervals_show(study: Study) -> None:
    (group,) = study.groups

    def rows(energy: Estimate, wait: Estimate) -> Group:
        changed = {"energy_kwh": energy, "co2e_kg": energy, "wait_p95_s": wait, "bounded_slowdown_mean": wait}
        return replace(
            group,
            rows=tuple(
                replace(row, ratios={**row.ratios, **changed}) if row.policy == "easy-sjbf" else row
                for row in group.rows
            ),
        )

    def advice(energy: Estimate, wait: Estimate) -> str:
        changed = replace(numbers_of(study), groups=(rows(energy, wait),))
        return next(s.sentences[0] for s in findings(changed) if s.title == "Which policy for which load")

    shorter, same, longer = Estimate(0.9, 0.8, 0.95), Estimate(1.0, 0.9, 1.1), Estimate(1.3, 1.2, 1.4)
    advised = advice(shorter, same)
    assert "take easy-sjbf, with p95 wait and mean bounded slowdown no higher than EASY's over these weeks" in advised
    assert "easy-sjbf takes 90.0 % [80.0, 95.0] of EASY's CO2e" in advised
    for energy, wait in ((same, same), (shorter, longer), (shorter, Estimate(1.1, 0.9, 1.3)), (Estimate(0.5), same)):
        assert "stay with EASY" in advice(energy, wait)


def test_files_of_a_study(study_base: Path, study: Study) -> None:
    written = write_study(study, study_base / "files", "small.yaml")
    names = {path.name for path in written}
    assert {"study.csv", "weeks.csv", "tables.md", "study.json", "report.html"} <= names
    assert not list((study_base / "files").rglob("*.part"))
    with (study_base / "files" / "weeks.csv").open(encoding="utf-8") as stream:
        weeks = list(csv.DictReader(stream))
    assert [row["week"] for row in weeks] == [w for w in "124" for _ in range(3)]
    with (study_base / "files" / "study.csv").open(encoding="utf-8") as stream:
        lines = list(csv.DictReader(stream))
    found = next(line for line in lines if line["policy"] == "fcfs" and line["quantity"] == "co2e_kg")
    row = study.groups[0].rows[0]
    assert float(found["value"]) == row.values["co2e_kg"].value
    assert float(found["ratio_high"]) == row.ratios["co2e_kg"].high
    report = (study_base / "files" / "report.html").read_text(encoding="utf-8")
    for words in (
        "2 days before a week (warm-up)", "1 days after it (cool-down)", "multiplied by 1.5 under every policy",
        "series is synthetic", "2,000 resamples", "3 weeks only", "lower bound",
    ):  # fmt: skip
        assert words in report
    assert read_numbers(study_base / "files") == numbers_of(study)


def test_pictures_show_what_there_is(study: Study) -> None:
    (group,) = study.groups
    assert pictured(group) == ("energy_kwh", "co2e_kg", "cost_eur")
    figure = group_figure(group, "co2e_kg")
    assert render(figure)[:4] == b"\x89PNG"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["lower bound", "fcfs", "easy", "easy-sjbf"]
    assert figure.axes[0].get_ylabel() == "CO2e (% of EASY's)"
    titles = [title for title, _ in term_tables(group)]
    assert titles[1] == "Why CO2e differs from EASY's (kg over all weeks)"


def test_policies_that_take_a_signal_run_once_on_each_grid(study_base: Path, study: Study) -> None:
    from wattq.schedulers.registry import POLICIES, policy_spec

    takers = [name for name in POLICIES if "signal" in {p.name for p in policy_spec(name)[1].parameters}]
    named = PolicySpec(name="path/to/file.py:Mine", params={"signal": "carbon", "origin": "calendar"})
    assert needs(named) == ("signal", "origin")
    assert needs(PolicySpec(name="easy")) == ()
    for name in takers:
        assert "signal" in needs(PolicySpec(name=name))
    two = {"a": study.grids["made"], "b": replace(study.grids["made"], name="b", price=None)}
    grids = [replace(grid, name=name) for name, grid in two.items()]
    asked = [PolicySpec(name="easy"), named, named.model_copy(update={"params": {"signal": "price"}, "label": "p"})]
    files = {(name, what): Path(f"{name}-{what}.csv") for name in two for what in ("carbon", "price")}
    changed = study.experiment.model_copy(update={"policies": asked})
    runs = plan(changed, study.sources[0], grids, files, "test")[0].runs
    assert [(run.title, [placed.grid for placed in run.placed]) for run in runs] == [
        ("easy", ["a", "b"]), (named.title, ["a"]), (named.title, ["b"]), ("p", ["a"]),
    ]  # fmt: skip
    assert runs[1].policy.params == {"signal": "a-carbon.csv", "origin": runs[1].placed[0].origin_s}
    assert runs[3].policy.params == {"signal": "a-price.csv"}
    assert runs[0].is_baseline


def test_shares_of_the_peak_become_watts(study: Study) -> None:
    given = PolicySpec(name="file.py:Cap", params={"cap": "70 % of peak", "note": "70 % of peaks"})
    made = with_watts(given, study.sources[0].platform)
    assert made.params == {"cap": 4 * 200.0 * 0.7, "note": "70 % of peaks"}
    assert made.title == given.title
    assert needs(PolicySpec(name="easy", params={"signal": ""})) == ()


NIGHT = """\
from wattq.platforms.signals import read_signal


class Night:
    def __init__(self, signal, origin):
        self.signal, self.origin = read_signal(signal), float(origin)

    def decide(self, view, actions):
        good = self.signal.at(self.origin + view.now) <= 200.0 or view.now > 1.5e6
        for job in view.queue:
            if not good or view.hosts_of(job) > view.n_free:
                break
            actions.start(job)
        if len(view.queue) and not good:
            actions.wake_me_at(view.now + 3600.0)
"""


def test_a_policy_sees_the_series_of_its_grid_on_the_runs_dates(study_base: Path, experiment: Experiment) -> None:
    (study_base / "night.py").write_text(NIGHT, encoding="utf-8")
    place = f"{study_base / 'night.py'}:Night"
    night = PolicySpec(name=place, params={"signal": "carbon", "origin": "calendar"}, label="night")
    weeks = experiment.weeks
    assert weeks is not None
    changes = {
        "policies": [PolicySpec(name="easy"), night],
        "weeks": weeks.model_copy(update={"drain_s": 20 * 86400.0}),
        "bounds": False,
    }
    found = run_study(experiment.model_copy(update=changes), study_base / "out6", base=study_base, workers=1)
    easy, late = found.groups[0].rows
    # half of the day's hours lie at or below 200 g/kWh: waits grow, and the CO2e of a kWh falls
    assert late.values["wait_mean_s"].value > easy.values["wait_mean_s"].value
    rate = [row.values["co2e_kg"].value / row.values["energy_kwh"].value for row in (easy, late)]
    assert rate[1] < rate[0]
    assert late.extra_wait_max_s is not None
    assert late.extra_wait_max_s > 3600.0


def test_a_run_beyond_the_series_has_no_carbon_and_says_why(study_base: Path, experiment: Experiment) -> None:
    short = experiment.weeks
    assert short is not None
    # no drain is asked for, and week 4 lies so that nothing follows the series' end
    spec = short.model_copy(update={"drain_s": 0.0, "test": [1], "tuning": []})
    changed = experiment.model_copy(update={"weeks": spec, "bounds": False})
    found = run_study(changed, study_base / "out4", base=study_base, workers=1)
    assert found.groups[0].rows[0].missing == {}
    grid = found.grids["made"]
    assert grid.carbon is not None
    from wattq.experiments.study.playing import play_week

    task = plan(changed, found.sources[0], list(found.grids.values()), {}, "test")[0]
    begin = task.runs[0].placed[0].origin_s
    cut = replace(grid, carbon=grid.carbon.slice(begin, begin + task.part.window_s[1] - 3600.0))
    record = play_week(task, {"made": cut})[0]
    assert "co2e_kg" not in record.values
    assert "nothing is known outside the span" in record.missing["co2e_kg"]
    assert record.values["energy_kwh"] > 0
    (group,) = summarise([record], None)
    assert "co2e_kg" not in group.rows[0].values


DYING = """\
import os


class Dying:
    def decide(self, view, actions):
        os._exit(3)
"""


def test_a_worker_that_dies_is_named(study_base: Path, experiment: Experiment) -> None:
    (study_base / "dying.py").write_text(DYING, encoding="utf-8")
    policy = PolicySpec(name=f"{study_base / 'dying.py'}:Dying", label="dying")
    changed = experiment.model_copy(update={"policies": [policy], "bounds": False})
    with pytest.raises(WattqError, match="a worker process ended before its week was done"):
        run_study(changed, study_base / "out7", base=study_base, workers=2)


def call(*words: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(words)
    return int(end.value.code or 0)


def test_the_command_line(
    study_base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call("compare", str(study_base / "small.yaml"), "-o", "out", "--workers", "1", "--weeks", "1") == 0
    printed = capsys.readouterr().out
    assert "log, made (1 weeks)" in printed
    assert "out/study.json" in printed
    assert json.loads((tmp_path / "out" / "study.json").read_text(encoding="utf-8"))["part"] == "test"
    assert call("playbook", "out") == 0
    assert "# small: playbook" in capsys.readouterr().out
    assert call("playbook", "out", "-o", "playbook.md") == 0
    assert (tmp_path / "playbook.md").is_file()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("compare", "demo", "--workers", "2"), "--workers: experiment demo has no 'weeks'"),
        (("compare", "small.yaml", "--part", "train"), "--part train: there is test and tuning"),
        (("compare", "small.yaml", "--workers", "0"), "--workers 0: give a number from 1 to 64"),
        (("compare", "small.yaml", "-w", "other"), "--workload other: experiment small has log"),
        (("playbook", "nowhere"), "nowhere: cannot be read"),
        (("experiment", "to-robin", "small.yaml", "-o", "robin"), "weeks of a study are not written as robin files"),
    ],
)
def test_wrong_words(
    study_base: Path,
    words: tuple[str, ...],
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(study_base)
    assert call(*words) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "wattq study 1"}', '{"format": "wattq study 1", "name"'])
def test_damaged_numbers_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "study.json").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInputError, match=r"study\.json"):
        read_numbers(tmp_path)


def test_a_missing_series_is_named(study_base: Path, experiment: Experiment) -> None:
    grid = experiment.signals["made"].model_copy(update={"carbon": "nothing.csv"})
    changed = experiment.model_copy(update={"signals": {"made": grid}})
    with pytest.raises(MissingFileError, match=r"nothing\.csv: no such file"):
        run_study(changed, study_base / "out5", base=study_base, workers=1)
