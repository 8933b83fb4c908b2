"""A search around a policy that learns: two tiny trainings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from wattq.experiments.tuning import Settings, parse_tuning, tune, write_tuning

pytest.importorskip("torch")
pytest.importorskip("sb3_contrib")

RL = """\
  - name: rl
    train:
      weeks: [0]
      options:
        {steps: 256, n_envs: 4, n_steps: 16, batch_size: 32, net_arch: [8], options: {window: 4, drain_s: 86400}}
      knobs:
        options.weights.slowdown: {float: [0.001, 0.1], log: true}
        learning_rate: {choice: [0.0003, 0.001]}
"""


@pytest.mark.slow
def test_the_search_chooses_and_the_policy_acts(small: Callable[..., str], tuning_base: Path, tmp_path: Path) -> None:
    text = small(("most: 1.5", "most: 1000"), ("trials: 6", "trials: 2"), ("tuning: [1, 2, 3]", "tuning: [2]"),
        ("signals: {made: {carbon: carbon.csv, time_zone: Europe/London}}\n", ""))  # fmt: skip
    begin, end = text.index("  - name: sleep"), text.index("objectives:")
    tuning = parse_tuning(text[:begin] + RL + text[end:], "t.yaml")
    outcome = tune(tuning, Settings(tmp_path, tuning_base))
    write_tuning(outcome, tmp_path, tuning_base)
    assert [row.error for row in outcome.trials] == ["", ""]
    assert set(outcome.trials[0].training) == {"options.weights.slowdown", "learning_rate"}
    for row in outcome.trials:
        folder = tmp_path / "models" / f"trial-{row.number}" / "log-seed0"
        assert f"learning_rate: {row.training['learning_rate']}" in (folder / "config.yaml").read_text()
        assert row.trained["0"]["model"] == str(folder / "policy.wattq")
    assert [policy.title for policy in outcome.policies] == ["easy", "rl, tuned"]
    assert {gap.policy for gap in outcome.gaps} == {"rl, tuned"}
