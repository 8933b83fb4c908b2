"""What the page says of rules and rewards is what comes out."""

from __future__ import annotations

import re
from pathlib import Path

from wattq.schedulers.rl.node_power import NodePowerConfig, World, make_rule
from wattq.schedulers.rl.node_power.config import PARTS, Weights

RULES = ("always-on", "random", "queue", "sized", "nothing", "one-node")


def rows(repo_dir: Path, heading: str) -> list[list[str]]:
    text = (repo_dir / "docs" / "rl-node-power.md").read_text(encoding="utf-8")
    (table,) = re.findall(rf"^\| {re.escape(heading)}.*\n\|[-|]+\|\n((?:\|.*\n)+)", text, re.MULTILINE)
    return [[cell.strip() for cell in line.strip("| \n").split("|")] for line in table.splitlines()]


def test_scores_of_rules(repo_dir: Path) -> None:
    for load, *cells in rows(repo_dir, "jobs per hour"):
        for name, cell in zip(RULES, cells, strict=True):
            world = World(NodePowerConfig(), 1, arrivals=float(load))
            world.reset(0)
            rule = make_rule(name)
            for _ in range(336):
                world.step(rule(world))
            totals = world.totals(0)
            assert cell == f"{totals['reward']:.0f} / {totals['mwh']:.1f}", (load, name)


def test_weights_of_the_page_are_the_defaults(repo_dir: Path) -> None:
    found = {row[0].strip("`"): float(row[1]) for row in rows(repo_dir, "part")}
    assert found == dict(zip(PARTS, Weights().row, strict=True))


def test_every_key_of_the_observation_is_on_the_page(repo_dir: Path) -> None:
    named = {name for row in rows(repo_dir, "key") for name in re.findall(r"`(\w+)`", row[0])}
    world = World(NodePowerConfig(), 1)
    world.reset(0)
    assert named == set(world.observation(0))
