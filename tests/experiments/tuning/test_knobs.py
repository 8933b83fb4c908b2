from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import TuningError
from wattq.experiments.tuning.keys import Tuning
from wattq.experiments.tuning.knobs import Knob, assignments, choose
from wattq.experiments.tuning.space import choice_of, combinations, has_defaults, starts

WEEKS = {"test": [4], "tuning": [1]}


def knob(**words: Any) -> Knob:
    return Knob.model_validate(words)


def tuning(*policies: dict[str, Any]) -> Tuning:
    return Tuning.model_validate(
        {"name": "t", "platform": "kth-sp2", "workloads": ["x.swf"], "weeks": WEEKS, "objectives": ["energy_kwh"],
         "policies": list(policies)}
    )  # fmt: skip


def fixed(params: Mapping[str, Any]) -> Any:
    optuna = pytest.importorskip("optuna")
    return optuna.trial.FixedTrial(dict(params))


ORDER = {"order": knob(choice=["aged", "fcfs"]), "age_run": knob(float=[1, 9], log=True, when={"order": "aged"})}


def test_a_knob_is_chosen_where_its_condition_holds() -> None:
    assert choose(fixed({"order": "aged", "age_run": 3.0}), ORDER, "") == {"order": "aged", "age_run": 3.0}
    assert choose(fixed({"order": "fcfs"}), ORDER, "") == {"order": "fcfs"}


def test_words_stand_beside_numbers() -> None:
    knobs = {
        "timeout": knob(**{"float": [1, 10], "or": ["never"]}),
        "spare": knob(int=[0, 3], when={"timeout": "number"}),
    }
    assert choose(fixed({"p.timeout?": "never"}), knobs, "p.") == {"timeout": "never"}
    chosen = {"p.timeout?": "number", "p.timeout": 4.0, "p.spare": 2}
    assert choose(fixed(chosen), knobs, "p.") == {"timeout": 4.0, "spare": 2}


def test_a_suffix_makes_a_text_that_experiments_read() -> None:
    assert knob(float=[50, 100], suffix=" % of peak").value(70.5) == "70.500000 % of peak"


@pytest.mark.parametrize(
    ("words", "values"),
    [
        ({"choice": ["a", True, 2]}, ["a", True, 2]),
        ({"int": [1, 6], "step": 2}, [1, 3, 5]),
        ({"float": [0.0, 0.3], "step": 0.1}, [0.0, 0.1, 0.2, 0.30000000000000004]),
        ({"int": [1, 2], "or": ["never"]}, ["never", 1, 2]),
        ({"float": [0, 1]}, None),
    ],
)
def test_finite_values(words: dict[str, Any], values: list[Any] | None) -> None:
    assert knob(**words).finite() == values


def test_combinations_leave_out_what_does_not_matter() -> None:
    knobs = {"order": knob(choice=["aged", "fcfs"]), "age_run": knob(int=[1, 2], when={"order": "aged"})}
    assert list(assignments(knobs, "")) == [
        {"order": "aged", "age_run": 1},
        {"order": "aged", "age_run": 2},
        {"order": "fcfs"},
    ]


@settings(deadline=None, max_examples=50)
@given(
    first=st.lists(st.integers(0, 9), min_size=1, max_size=4, unique=True),
    low=st.integers(-5, 5), span=st.integers(1, 4), words=st.lists(st.sampled_from(["x", "y"]), unique=True),
)  # fmt: skip
def test_every_combination_is_a_trial(first: list[int], low: int, span: int, words: list[str]) -> None:
    knobs = {
        "a": knob(choice=first),
        "b": knob(**{"int": [low, low + span], "or": words, "when": {"a": first[0]}}),
    }
    found = list(assignments(knobs, ""))
    assert len(found) == len(first) - 1 + span + 1 + len(words)
    assert len({repr(params) for params in found}) == len(found)
    for params in found:
        chosen = choose(fixed(params), knobs, "")
        assert chosen["a"] == params["a"]
        assert ("b" in chosen) == (params["a"] == first[0])


def test_several_policies_are_a_choice_of_their_own() -> None:
    made = tuning({"name": "sleep", "knobs": {"spare": {"float": [0, 0.5]}}}, "fcfs")
    choice = choice_of(made, fixed({"policy": "sleep", "sleep.spare": 0.25}))
    assert choice.policy().model_dump() == {"name": "sleep", "params": {"spare": 0.25}, "label": "candidate"}
    assert choice_of(made, fixed({"policy": "fcfs"})).policy(label="x").model_dump()["params"] == {}


def test_a_search_begins_with_the_defaults_in_the_space() -> None:
    spare = {"float": [0, 0.5]}
    sleep = {"name": "sleep", "knobs": {"timeout": {"float": [1, 9], "or": ["break-even"]}, "spare": spare}}
    assert starts(tuning(sleep)) == [{"timeout?": "break-even", "spare": 0.0}]
    assert starts(tuning({"name": "sleep", "knobs": {"spare": {"float": [0.1, 0.5]}}})) == []
    order = {"name": "easy", "params": {"order": "sjf"}, "knobs": {"backfill": {"choice": ["fcfs", "sjf"]}}}
    assert starts(tuning(order)) == [{"backfill": "sjf"}]  # the default of 'backfill' is the value of 'order'


def test_a_policy_that_needs_a_cap_has_no_defaults() -> None:
    cap = {"name": "power-cap", "knobs": {"cap": {"float": [50, 100], "suffix": " % of peak"}}}
    made = tuning(cap, "sleep", "defer")
    assert [has_defaults(policy) for policy in made.policies] == [False, True, True]


def test_a_grid_is_finite() -> None:
    made = tuning({"name": "sleep", "knobs": {"spare": {"float": [0, 0.5], "step": 0.25}}}, "easy")
    assert list(combinations(made, 100)) == [
        {"policy": "sleep", "sleep.spare": 0.0},
        {"policy": "sleep", "sleep.spare": 0.25},
        {"policy": "sleep", "sleep.spare": 0.5},
        {"policy": "easy"},
    ]
    with pytest.raises(TuningError, match="knob 'spare': a range of numbers needs a 'step'"):
        list(combinations(tuning({"name": "sleep", "knobs": {"spare": {"float": [0, 0.5]}}}), 100))


def test_a_search_begins_with_what_the_file_names() -> None:
    sleep = {
        "name": "sleep",
        "knobs": {"timeout": {"float": [1, 9], "or": ["break-even"]}, "spare": {"float": [0, 0.5]}},
    }
    assert starts(tuning({**sleep, "starts": [{"timeout": 5}]})) == [
        {"timeout?": "break-even", "spare": 0.0},
        {"timeout?": "number", "timeout": 5.0, "spare": 0.0},
    ]
    for begin, rule in (({"x": 1}, "no knob 'x'"), ({"spare": 0.7}, "spare = 0.7 is not in the space: 0 to 0.5")):
        with pytest.raises(TuningError, match=rule):
            starts(tuning({**sleep, "starts": [begin]}))
    cap = {"name": "power-cap", "knobs": {"cap": {"float": [50, 100], "suffix": " % of peak"}}}
    with pytest.raises(TuningError, match="a knob without default is missing"):
        starts(tuning({**cap, "starts": [{}]}))
