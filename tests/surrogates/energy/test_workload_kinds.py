"""Clusters that are known are found again; jobs far from their like are listed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from wattq.cli import main
from wattq.errors import SurrogateError
from wattq.surrogates.energy import (
    AnomalyReport,
    ClusterReport,
    EnergyJobs,
    EnergyLabels,
    anomalies,
    anomalies_text,
    cluster_jobs,
    clusters_text,
)
from wattq.surrogates.jobs import Jobs, Outcomes


def mixture(seed: int = 0) -> tuple[Jobs, Outcomes, np.ndarray]:
    """Three kinds: 300 small and short, 200 of middle size and long, 100 large and middling; 5 never ran."""
    rng = np.random.default_rng(seed)
    kind = rng.permutation(np.repeat([0, 1, 2], [300, 200, 100]))
    hosts = np.exp(rng.normal(np.log([2.0, 16.0, 256.0])[kind], 0.15)).round().astype(np.int64)
    run = np.exp(rng.normal(np.log([60.0, 20_000.0, 2000.0])[kind], 0.2))
    request = np.exp(rng.normal(np.log([600.0, 86_400.0, 7200.0])[kind], 0.2))
    run[:5], kind[:5] = np.nan, -1
    none = np.full(600, -1, dtype=np.int64)
    jobs = Jobs(np.arange(600.0), np.maximum(hosts, 1), request, none, none, none, none, source="made", sha256="0" * 64)
    return jobs, Outcomes(np.arange(600.0), run), kind


@pytest.mark.parametrize("method", ["kmeans", "gmm"])
def test_known_clusters_are_recovered(method: str) -> None:
    jobs, outcomes, kind = mixture()
    report, code = cluster_jobs(jobs, outcomes, method=method)
    assert len(report.clusters) == 3
    assert (report.jobs, report.left_out) == (595, 5)
    pairs = {(int(a), int(b)) for a, b in zip(kind, code, strict=True)}
    # One cluster for each kind, and no job in another; the largest in node-hours comes first.
    assert len(pairs) == 4
    assert (-1, -1) in pairs
    shares = [each.node_hours_share for each in report.clusters]
    assert shares == sorted(shares, reverse=True)
    assert sum(each.share for each in report.clusters) == pytest.approx(1.0)
    assert ClusterReport.model_validate_json(report.model_dump_json()) == report
    assert report == cluster_jobs(jobs, outcomes, method=method)[0]
    assert "3 clusters" in clusters_text(report)


def test_clusters_with_a_given_number_and_without_requests() -> None:
    jobs, outcomes, _ = mixture()
    bare = Jobs(jobs.submit_s, jobs.hosts, np.full(600, np.nan), *(np.full(600, -1),) * 4)
    report, code = cluster_jobs(bare, outcomes, k=2)
    assert (len(report.clusters), report.score) == (2, None)
    assert report.clusters[0].request_s is None
    assert set(code.tolist()) == {-1, 0, 1}
    for arguments, rule in (({"k": 0}, "use 1 to 50"), ({"method": "x"}, "there are kmeans")):
        with pytest.raises(SurrogateError, match=rule):
            cluster_jobs(jobs, outcomes, **arguments)
    with pytest.raises(SurrogateError, match="need 20 or more"):
        cluster_jobs(jobs.take(slice(0, 10)), outcomes.take(slice(0, 10)))


def usual(extra: list[float]) -> EnergyLabels:
    """Nine jobs of application a at 360 to 440 W, and more."""
    power = np.array([*np.linspace(360.0, 440.0, 9), *extra])
    jobs = EnergyJobs.of(np.full(len(power), 2.0), application=["a"] * len(power))
    return EnergyLabels(jobs, np.full(len(power), 100.0), power * 200.0, "measured", "made", "0" * 64)


def test_anomalies_by_hand() -> None:
    report = anomalies(usual([900.0, 100.0]))
    (group,) = report.groups
    # Of 100, 360, 370, ..., 440, 900 W the quartiles are the means of the 3rd and 4th from either end.
    assert (group.q1, group.median, group.q3) == pytest.approx((0.375, 0.4, 0.425))
    assert (group.low, group.high) == pytest.approx((0.3, 0.5))
    assert [(each.job_id, each.side) for each in report.anomalies] == [("9", "high"), ("10", "low")]
    assert report.anomalies[0].beyond == pytest.approx((0.9 - 0.5) / 0.05)
    assert AnomalyReport.model_validate_json(report.model_dump_json()) == report
    assert set(report.model_dump()) == set(AnomalyReport.model_json_schema()["properties"])
    assert "job 9 (application a): 0.900, high" in anomalies_text(report)
    assert anomalies(usual([])).anomalies == ()


def test_like_is_compared_with_like() -> None:
    """A clock makes a group of its own; small applications fall back on their users, then on the rest."""
    power = np.concatenate((np.full(8, 500.0), np.full(8, 350.0), np.full(8, 100.0), [20.0, 20.0, 20.0, 20.0]))
    jobs = EnergyJobs.of(
        np.ones(28),
        frequency_ghz=np.repeat([2.25, 2.0, np.nan], [8, 8, 12]),
        application=np.repeat(["a", "a", "few", ""], [8, 8, 3, 9]),
        user=np.repeat(["x", "u", "v"], [16, 8, 4]),
    )
    report = anomalies(EnergyLabels(jobs, np.full(28, 10.0), power * 10.0, "measured"))
    assert [(group.name, group.jobs) for group in report.groups] == [
        ("application a at 2 GHz", 8),
        ("application a at 2.25 GHz", 8),
        ("user u", 8),
        ("all others", 4),
    ]
    assert report.anomalies == ()
    with pytest.raises(SurrogateError, match="a fence is above 0"):
        anomalies(usual([]), fence=0.0)


def test_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        f"{i} {i * 10} 5 {10 ** (i % 2 + 2) + i} 4 -1 -1 4 9999 -1 1 {i % 3 + 1} 1 1 1 1 -1 -1" for i in range(1, 60)
    ]
    (tmp_path / "log.swf").write_text("; MaxProcs: 16\n" + "\n".join(rows) + "\n")
    from wattq.surrogates.energy import write_labels_csv

    write_labels_csv(usual([900.0]), tmp_path / "l.csv")
    for command, kind in (
        (["clusters", str(tmp_path / "log.swf"), "-o", str(tmp_path / "c.json")], ClusterReport),
        (["anomalies", str(tmp_path / "l.csv"), "-o", str(tmp_path / "a.json")], AnomalyReport),
    ):
        with pytest.raises(SystemExit) as end:
            main(["surrogate", *command])
        assert end.value.code == 0
        kind.model_validate(json.loads(Path(command[-1]).read_text()))
    out = capsys.readouterr().out
    assert "2 clusters" in out
    assert "job 9 (application a): 0.900, high" in out
