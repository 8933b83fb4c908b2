from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from wattq.errors import CampaignError, WattqError
from wattq.experiments.campaign.cells import Cell, expand, selected
from wattq.experiments.campaign.model import Campaign

PLAIN: dict[str, Any] = {
    "name": "n",
    "platform": "kth-sp2",
    "workloads": [{"label": "made", "generate": {"jobs": 20, "hosts": 100}}],
    "policies": ["fcfs", "easy"],
}
SWF = "; MaxProcs: 4\n1 0 -1 100 4 -1 -1 4 200 -1 1 1 1 -1 1 1 -1 -1\n"


def cells(base: Path | None = None, **keys: Any) -> list[Cell]:
    return expand(Campaign.model_validate({**PLAIN, **keys}), base)


def test_columns_of_cells_in_order() -> None:
    found = cells(seeds=[3, 4], windows=[{"first_job": 0, "n_jobs": 5}], factors={"tau_s": [10, 20]})
    assert [tuple(cell.columns.items()) for cell in found[:2]] == [
        (("tau_s", 10), ("workload", "made"), ("window", "jobs 0-4"), ("seed", 3), ("policy", name))
        for name in ("fcfs", "easy")
    ]
    assert len(found) == len({cell.key for cell in found}) == 8
    assert [cell.is_baseline for cell in found] == [False, True] * 4


def test_names_decide_nothing() -> None:
    other = dict(PLAIN, name="m", title="t", description="d", outputs={"directory": "x"}, slurm={"cores": 3})
    other["workloads"] = [{"label": "another", "generate": {"jobs": 20, "hosts": 100}}]
    other["policies"] = [{"name": "fcfs", "label": "first"}, {"name": "easy", "params": {}}]
    assert [cell.key for cell in expand(Campaign.model_validate(other))] == [cell.key for cell in cells()]


@pytest.mark.parametrize(
    "keys",
    [
        {"platform": "sdsc-sp2"},
        {"energy": True},
        {"tau_s": 20},
        {"seeds": [1]},
        {"machine": {"nodes": 50}},
        {"energy": True, "site": {"ambient_c": 3}},
        {
            "policies": [
                {"name": "fcfs", "params": {"estimate": "walltime"}},
                {"name": "easy", "params": {"order": "sjf"}},
            ]
        },
        {"workloads": [{"label": "made", "generate": {"jobs": 21, "hosts": 100}}]},
        {"windows": [{"first_job": 0, "n_jobs": 5}]},
    ],
)
def test_everything_else_decides(keys: dict[str, Any]) -> None:
    assert not {cell.key for cell in cells(**keys)} & {cell.key for cell in cells()}


def test_files_count_by_what_they_hold(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"{folder}.swf").write_text(SWF, encoding="utf-8")
        (tmp_path / folder / f"{folder}.py").write_text("class P: pass\n", encoding="utf-8")
    same = [cells(tmp_path / name, workloads=[f"{name}.swf"], policies=[f"{name}.py:P", "easy"]) for name in ("a", "b")]
    assert [cell.key for cell in same[0]] == [cell.key for cell in same[1]]
    # processes that begin elsewhere find them
    assert same[0][0].content["policies"][0]["name"] == f"{tmp_path / 'a' / 'a.py'}:P"
    assert same[0][0].content["workloads"][0]["source"] == str(tmp_path / "a" / "a.swf")
    assert same[0][0].columns["policy"] == "a.py:P"
    (tmp_path / "c.swf").write_text(SWF.replace(" 100 ", " 101 "), encoding="utf-8")
    other = cells(tmp_path, workloads=["c.swf"], policies=["easy"])
    assert other[0].key not in {cell.key for cell in same[0]}


def test_a_log_has_one_seed(tmp_path: Path) -> None:
    (tmp_path / "a.swf").write_text(SWF, encoding="utf-8")
    both = [*PLAIN["workloads"], "a.swf"]
    found = cells(tmp_path, workloads=both, seeds=[0, 1], policies=["easy"])
    assert [(cell.columns["workload"], cell.columns["seed"]) for cell in found] == [("made", 0), ("made", 1), ("a", 0)]


def test_weights_share_runs() -> None:
    found = cells(factors={"weights": {"simplex": ["energy", "carbon", "slowdown"], "step": 0.5}})
    assert len(found) == 12
    assert len({cell.key for cell in found}) == 2
    assert found[0].weights == {"energy": 1.0, "carbon": 0.0, "slowdown": 0.0}
    assert list(found[0].columns)[:3] == ["weights.energy", "weights.carbon", "weights.slowdown"]


def test_weeks_and_grids_are_cells() -> None:
    keys: dict[str, Any] = {
        "energy": True,
        "weeks": {"test": [1, 3], "tuning": [2]},
        "signals": {"north": {"carbon": "c.csv"}, "south": {"carbon": "c.csv", "pue": 1.2}},
    }
    campaign = Campaign.model_validate({**PLAIN, **keys})
    with pytest.raises(Exception, match=r"c\.csv"):
        expand(campaign)


def test_weeks_do_not_depend_on_each_other(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("x", encoding="utf-8")
    signals = {"north": {"carbon": "c.csv"}, "south": {"carbon": "c.csv", "pue": 1.2}}
    two = cells(tmp_path, energy=True, weeks={"test": [1, 3]}, signals=signals)
    one = cells(tmp_path, energy=True, weeks={"test": [3]}, signals=signals)
    assert [(cell.columns["week"], cell.columns["grid"]) for cell in two[::2]] == [
        (1, "north"),
        (1, "south"),
        (3, "north"),
        (3, "south"),
    ]
    assert [cell.key for cell in one] == [cell.key for cell in two[4:]]


def test_exclude() -> None:
    rules = [{"tau_s": [10, 30], "policy": "fcfs"}, {"tau_s": 20}]
    found = cells(factors={"tau_s": [10, 20, 30]}, exclude=rules)
    assert [(cell.columns["tau_s"], cell.columns["policy"]) for cell in found] == [(10, "easy"), (30, "easy")]
    with pytest.raises(CampaignError, match="no column 'tau'; there are workload, seed, policy"):
        cells(exclude=[{"tau": 1}])
    with pytest.raises(CampaignError, match="leaves no cell"):
        cells(exclude=[{"workload": "made"}])


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        ({"tau_s": [-1]}, r"factors \(tau_s = -1\), key 'tau_s': -1.* breaks a rule"),
        ({"polices": [1]}, r"factors \(polices = 1\), key 'polices'.*not permitted"),
        ({"f": {"key": "policies.eco.params.x", "values": [1]}}, r"factors \(f = 1\): key 'policies.eco.params.x'"),
        ({"f": {"key": "outputs.report", "values": [False]}}, "decides no result"),
        ({"f": {"key": "policies", "values": [["easy", "easy"]]}}, "two entries of 'policies'"),
    ],
)
def test_factors_that_set_what_cannot_be(factors: dict[str, Any], message: str) -> None:
    with pytest.raises(CampaignError, match=message):
        cells(factors=factors)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"platform": "kth-sp3"}, "platform 'kth-sp3': neither a file nor a preset"),
        ({"policies": ["eassy"]}, "unknown policy 'eassy'"),
        ({"policies": [{"name": "easy", "params": {"oder": 1}}]}, "oder"),
        ({"factors": {"f": {"key": "policies.easy.params.order", "values": ["sjf", "xyz"]}}}, "xyz"),
        ({"workloads": ["absent.swf"]}, "absent.swf"),
        ({"origin": "yesterday"}, "origin 'yesterday' is no date"),
    ],
)
def test_what_is_refused_before_anything_runs(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(WattqError, match=message):
        cells(**keys)


def test_only() -> None:
    found = cells(factors={"tau_s": [10, 20]})
    assert [cell.columns["tau_s"] for cell in selected(found, ["tau_s=20"])] == [20, 20]
    assert len(selected(found, ["tau_s=20", "tau_s=10", "policy=easy"])) == 2
    assert selected(found, [found[1].key[:12]]) == [found[1]]
    assert selected(found, []) == found
    for word in ("tau_s=30", "policy=eco", "zzz", "tau=1", ""):
        with pytest.raises(CampaignError, match=f"--only {word}: fits no cell"):
            selected(found, [word])
