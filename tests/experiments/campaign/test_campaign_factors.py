from __future__ import annotations

import copy
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import CampaignError, InvalidInputError
from wattq.experiments.campaign.factors import combinations, levels_of, simplex_weights
from wattq.experiments.campaign.model import Campaign, Factor
from wattq.experiments.campaign.paths import assign
from wattq.yaml_model import parse_model


def simplex(names: list[str], step: float, fixed: dict[str, float] | None = None) -> list[dict[str, float]]:
    return simplex_weights("w", Factor.model_validate({"simplex": names, "step": step, "fixed": fixed or {}}))


def test_half_steps_of_three_weights() -> None:
    assert simplex(["energy", "carbon", "slowdown"], 0.5) == [
        {"energy": 1.0, "carbon": 0.0, "slowdown": 0.0},
        {"energy": 0.5, "carbon": 0.5, "slowdown": 0.0},
        {"energy": 0.5, "carbon": 0.0, "slowdown": 0.5},
        {"energy": 0.0, "carbon": 1.0, "slowdown": 0.0},
        {"energy": 0.0, "carbon": 0.5, "slowdown": 0.5},
        {"energy": 0.0, "carbon": 0.0, "slowdown": 1.0},
    ]


@settings(deadline=None, max_examples=40)
@given(parts=st.integers(2, 5), steps=st.sampled_from([1, 2, 4, 5, 10]))
def test_there_are_as_many_weights_as_there_should_be(parts: int, steps: int) -> None:
    found = simplex([f"w{n}" for n in range(parts)], 1 / steps)
    assert len(found) == math.comb(steps + parts - 1, parts - 1)
    assert len({tuple(weights.values()) for weights in found}) == len(found)
    assert all(sum(weights.values()) == pytest.approx(1.0, abs=1e-12) for weights in found)


def test_fixed_weights_stay() -> None:
    assert simplex(["a", "b", "c"], 0.1, {"b": 0.8}) == [
        {"a": 0.2, "b": 0.8, "c": 0.0},
        {"a": 0.1, "b": 0.8, "c": 0.1},
        {"a": 0.0, "b": 0.8, "c": 0.2},
    ]
    assert simplex(["a", "b"], 0.5, {"a": 0.25, "b": 0.75}) == [{"a": 0.25, "b": 0.75}]


@pytest.mark.parametrize(
    ("names", "step", "fixed", "message"),
    [
        (["a", "a"], 0.5, {}, "names one weight twice"),
        (["a", "b"], 0.3, {}, "1 is left for a, b, which is no multiple of the step 0.3"),
        (["a", "b"], 0.5, {"c": 0.5}, "'fixed' names 'c'; the simplex has a, b"),
        (["a", "b"], 0.5, {"a": 1.5}, "'fixed' has a = 1.5"),
        (["a", "b", "c"], 0.5, {"a": 0.25}, "0.75 is left for b, c"),
        (["a", "b"], 0.5, {"a": 0.5, "b": 0.4}, "0.1 is left for no weight"),
        (list("abcdefghij"), 0.01, {}, "at most 1,000,000 are run"),
    ],
)
def test_impossible_weights(names: list[str], step: float, fixed: dict[str, float], message: str) -> None:
    with pytest.raises(CampaignError, match=f"factor 'w'.*{message}"):
        simplex(names, step, fixed)


def test_levels_of_lists_labels_and_cases() -> None:
    plain = levels_of("tau_s", Factor.model_validate([5, 10]))
    assert [(dict(level.columns), level.sets) for level in plain] == [
        ({"tau_s": 5}, (("tau_s", 5),)),
        ({"tau_s": 10}, (("tau_s", 10),)),
    ]
    both = levels_of("n", Factor.model_validate({"key": ["a.b", "c"], "values": [1], "labels": ["one"]}))
    assert both[0].columns == {"n": "one"}
    assert both[0].sets == (("a.b", 1), ("c", 1))
    cases = levels_of("m", Factor.model_validate({"cases": {"big": {"x": 1, "y": [2]}, "small": {"x": 0}}}))
    assert [dict(level.columns) for level in cases] == [{"m": "big"}, {"m": "small"}]
    assert cases[0].sets == (("x", 1), ("y", [2]))
    mixed = levels_of("p", Factor.model_validate([["easy"], {"a": 1}]))
    assert [level.columns["p"] for level in mixed] == ['["easy"]', '{"a": 1}']


def test_true_is_not_one() -> None:
    assert len(levels_of("x", Factor.model_validate([1, True]))) == 2
    with pytest.raises(CampaignError, match="the value 1 is given twice"):
        levels_of("x", Factor.model_validate([1, 1]))


def test_product_in_the_order_of_the_file() -> None:
    factors = {"a": Factor.model_validate([1, 2]), "b": Factor.model_validate({"simplex": ["x", "y"], "step": 1})}
    assert [tuple(level.columns.values()) for level in combinations(factors)] == [
        (1, 1.0, 0.0),
        (1, 0.0, 1.0),
        (2, 1.0, 0.0),
        (2, 0.0, 1.0),
    ]
    with pytest.raises(CampaignError, match=r"two factors have a column of this name"):
        list(combinations({"b.x": Factor.model_validate([1]), **factors}))
    many = {f"f{n}": Factor.model_validate(list(range(100))) for n in range(4)}
    with pytest.raises(CampaignError, match="100,000,000 combinations"):
        list(combinations(many))


CONTENT: dict[str, Any] = {
    "platform": "p",
    "policies": [{"name": "easy"}, {"name": "eco", "label": "eco 1.5", "params": {"timeout": 1}}],
    "workloads": [{"source": "a.swf"}, {"source": "b"}],
}


@pytest.mark.parametrize(
    ("path", "value", "places"),
    [
        ("platform", "q", [("platform",)]),
        ("machine.nodes", 3, [("machine", "nodes")]),
        ("policies.eco.params.timeout", 5, [("policies", 1, "params", "timeout")]),
        ("policies.eco 1.5.params.timeout", 5, [("policies", 1, "params", "timeout")]),
        ("policies.0.params.timeout", 5, [("policies", 0, "params", "timeout")]),
        ("policies.*.params.x", 5, [("policies", 0, "params", "x"), ("policies", 1, "params", "x")]),
        ("workloads.a.swf.walltime_factor", 2, [("workloads", 0, "walltime_factor")]),
        ("workloads.b", {"source": "c"}, [("workloads", 1)]),
    ],
)
def test_paths_name_keys(path: str, value: object, places: list[tuple[Any, ...]]) -> None:
    content, wanted = copy.deepcopy(CONTENT), copy.deepcopy(CONTENT)
    assign(content, path, value)
    for *way, last in places:
        place: Any = wanted
        for word in way:
            place = place.setdefault(word, {}) if isinstance(place, dict) else place[word]
        place[last] = value
    assert content == wanted


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("policies.fcfs.params.x", "there is no such entry"),
        ("policies.9", "there is no such entry"),
        ("platform.x", "stands below a value that holds no keys"),
    ],
)
def test_paths_that_name_nothing(path: str, message: str) -> None:
    with pytest.raises(CampaignError, match=message):
        assign(copy.deepcopy(CONTENT), path, 1)


BASE = "name: n\nplatform: kth-sp2\nworkloads: [w.swf]\npolicies: [easy]\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("factor: {}\n", "line 5, key 'factor': unknown key; did you mean 'factors'"),
        ("factors: {policy: [1]}\n", "'policy' cannot name a factor"),
        ("factors: {a b: [1]}\n", "'a b' cannot name a factor"),
        ("factors: {a: {key: x}}\n", "give one of 'values', 'simplex' and 'cases'"),
        ("factors: {a: {values: [1], step: 0.1}}\n", "'step' goes with 'simplex'"),
        ("factors: {a: {values: [1, 2], labels: [x]}}\n", "1 'labels' for 2 'values'"),
        ("factors: {a: {cases: {x: {y: 1}}, key: z}}\n", "leave 'key' out"),
        ("factors: {a: []}\n", "key 'factors.a"),
        ("machine: {nodes: 0}\n", "key 'machine.nodes'"),
        ("site: {ambient_c: 5, temperature: x.csv}\nenergy: true\n", "give either 'ambient_c' or 'temperature'"),
        ("site: {ambient_c: 5}\n", "'signals' and 'site' need 'energy: true'"),
        ("site: {ambient_c: 5, shift_c: 1}\nenergy: true\n", "'shift_c' shifts the temperatures of a file"),
        ("bounds: true\n", "'bounds' are for studies"),
        ("weights: {energy: 2}\n", "key 'weights.energy'"),
        ("slurm: {memory: lots}\n", "key 'slurm.memory'"),
        ("slurm: {walltime: 1 h}\n", "key 'slurm.walltime'"),
        ("workloads: []\n", "the key is given twice"),
        ("windows: [{first_job: 0, n_jobs: 5}]\nweeks: {test: [1]}\n", "'windows' and 'weeks' exclude each other"),
    ],
)
def test_files_that_are_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_model(BASE + text, "c.yaml", Campaign, "a campaign is a mapping")
    assert message in str(caught.value)
