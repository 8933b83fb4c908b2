"""Machine code of the published simulators is kept under the contents of every module that it comes from."""

from __future__ import annotations

from pathlib import Path

from wattq.experiments.published import passes, picks
from wattq.simulator import jit


def test_the_folder_is_named_by_all_modules_that_are_compiled(repo_dir: Path) -> None:
    for module in (picks, passes):
        rooms = jit._rooms(module.__name__)
        assert rooms == ("experiments/published",)
        sources = jit._compiled_sources(repo_dir, rooms)
        names = {"passes", "picks", "scores"}
        assert set(sources) == {"simulator/jit", *(f"experiments/published/{name}" for name in names)}


def test_other_modules_keep_their_rooms() -> None:
    assert jit._rooms("wattq.simulator.kernel") == ("simulator",)
    assert jit._rooms("wattq.schedulers.easy") == ("simulator", "schedulers")
    assert jit._rooms("somebody.policy") == ("simulator", "schedulers")
