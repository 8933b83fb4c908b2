"""Machine code of the published simulators is kept under the contents of every module that it comes from."""

from __future__ import annotations

from pathlib import Path

from wattq.experiments.published import passes
from wattq.schedulers.rl.sc20 import picks
from wattq.simulator import jit


def test_the_folder_is_named_by_all_modules_that_are_compiled(repo_dir: Path) -> None:
    for module, room in ((picks, "schedulers/rl/sc20"), (passes, "experiments/published")):
        assert jit._rooms(module.__name__) == (room,)
        names = set(jit._compiled_sources(repo_dir, (room,)))
        assert "simulator/jit" in names
        own = {"passes"} if module is passes else {"picks", "scores", "features", "learned", "jobs"}
        assert {name for name in names if name.startswith(f"{room}/")} == {f"{room}/{name}" for name in own}


def test_other_modules_keep_their_rooms() -> None:
    assert jit._rooms("wattq.simulator.kernel") == ("simulator",)
    assert jit._rooms("wattq.schedulers.easy") == ("simulator", "schedulers")
    assert jit._rooms("somebody.policy") == ("simulator", "schedulers")
