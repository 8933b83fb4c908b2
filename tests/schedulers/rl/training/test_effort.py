"""CPU time, wall time and joules of a training."""

from __future__ import annotations

from pathlib import Path

from wattq.schedulers.rl.training.effort import Effort, read_rapl


def zone(folder: Path, name: str, label: str, energy_uj: int) -> None:
    (folder / name).mkdir(exist_ok=True)
    (folder / name / "name").write_text(f"{label}\n")
    (folder / name / "energy_uj").write_text(f"{energy_uj}\n")
    (folder / name / "max_energy_range_uj").write_text("999999\n")


def test_packages_are_added_and_wraps_counted(tmp_path: Path) -> None:
    for name, label in (("intel-rapl:0", "package-0"), ("intel-rapl:1", "package-1"), ("intel-rapl:0:0", "core")):
        zone(tmp_path, name, label, 900_000)
    assert read_rapl(tmp_path) == {"intel-rapl:0": (900_000, 999_999), "intel-rapl:1": (900_000, 999_999)}
    effort = Effort(rapl=tmp_path)
    effort.start()
    zone(tmp_path, "intel-rapl:0", "package-0", 950_000)
    zone(tmp_path, "intel-rapl:1", "package-1", 100_000)
    effort.update()
    figures = effort.figures()
    assert abs(figures["energy_j"] - (0.05 + 0.2)) < 1e-12
    assert figures["wall_s"] > 0
    assert figures["cpu_s"] >= 0


def test_without_counters_nothing_is_stated(tmp_path: Path) -> None:
    effort = Effort(rapl=tmp_path / "none")
    effort.start()
    effort.update()
    assert set(effort.figures()) == {"wall_s", "cpu_s"}
    zone(tmp_path, "intel-rapl:0", "package-0", 1)
    (tmp_path / "intel-rapl:0" / "energy_uj").write_text("no number")
    assert read_rapl(tmp_path) == {}
