from __future__ import annotations

from collections.abc import Callable

import pytest

from wattq.errors import InvalidInputError, MissingFileError, PolicyError, TuningError
from wattq.experiments.tuning import find_tuning, load_tuning, parse_tuning, shipped_tunings
from wattq.experiments.tuning.keys import LOST
from wattq.experiments.tuning.space import check_space

Text = Callable[..., str]


@pytest.mark.parametrize("name", sorted(shipped_tunings()))
def test_shipped_files_are_valid(name: str) -> None:
    tuning = load_tuning(find_tuning(name))
    assert tuning.name == name
    check_space(tuning)


def test_no_such_file() -> None:
    with pytest.raises(MissingFileError, match="tune-eco"):
        find_tuning("nowhere")


def test_lost_work_is_always_a_constraint(small: Text) -> None:
    tuning = parse_tuning(small(), "t.yaml")
    assert [bound.words for bound in tuning.all_constraints] == ["wait_p95_s at most EASY's x 1.5", f"{LOST} at most 0"]
    loose = "constraints: [{metric: lost_work_host_h, most: 5, of: value}]"
    tuning = parse_tuning(small(("constraints: [{metric: wait_p95_s, most: 1.5}]", loose)), "t.yaml")
    assert [bound.words for bound in tuning.all_constraints] == [f"{LOST} at most 5"]


KNOBS = """\
    knobs:
      timeout: {float: [1, 7200], log: true, or: [break-even]}
      spare: {float: [0, 0.5]}
"""

WRONG = {
    "objectivs": (("objectives:", "objectivs:"), "did you mean 'objectives'"),
    "no knobs": ((KNOBS, "    params: {spare: 0.5}\n"), "no 'knobs'"),
    "overlap": (("tuning: [1, 2, 3]", "tuning: [1, 5]"), "week 5 is in 'test' and in 'tuning'"),
    "gap": (("tuning: [1, 2, 3]", "tuning: [1, 4]"), "tuning week 4 and test week 5 have fewer than 1"),
    "no tuning": (("tuning: [1, 2, 3], ", ""), "name no tuning weeks"),
    "two kinds": (("spare: {float: [0, 0.5]}", "spare: {float: [0, 0.5], int: [0, 1]}"), "one of 'float', 'int'"),
    "ends": (("[0, 0.5]", "[0.5, 0.5]"), "must be less than"),
    "log at 0": (("spare: {float: [0, 0.5]}", "spare: {float: [0, 0.5], log: true}"), "'log' needs ends above 0"),
    "condition": (("spare: {float: [0, 0.5]}", "spare: {float: [0, 0.5], when: {order: aged}}"), "no knob above it"),
    "never so": (("spare: {float: [0, 0.5]}", "spare: {float: [0, 0.5], when: {timeout: never}}"), "is never 'never'"),
    "both": (("- name: sleep", "- name: sleep\n    params: {spare: 0.1}"), "in 'params' and in 'knobs'"),
    "pruner": (("pruner: none", "pruner: median\n"), None),
    "pruner of two": (("objectives: [energy_kwh]\n", "objectives: [energy_kwh, co2e_kg]\n"), None),
    "cma-es": (("name: tpe", "name: cma-es"), "knows no constraints"),
    "bound": (("most: 1.5", "most: 1.5, least: 1"), "'most' or 'least'"),
    "seeds": (("trials: 6", "trials: 6\nseeds: [1, 1]"), "one seed twice"),
}  # fmt: skip


@pytest.mark.parametrize("case", [name for name, (_, rule) in WRONG.items() if rule])
def test_errors_name_line_and_rule(small: Text, case: str) -> None:
    change, rule = WRONG[case]
    with pytest.raises(InvalidInputError, match=rule or "") as error:
        parse_tuning(small(change), "t.yaml")
    assert "t.yaml" in str(error.value)


def test_no_pruner_for_several_objectives(small: Text) -> None:
    several = ("objectives: [energy_kwh]", "objectives: [energy_kwh, co2e_kg]")
    assert parse_tuning(small(several), "t.yaml").pruner.name == "none"
    with pytest.raises(InvalidInputError, match="'median' compares trials by one objective, and there are 2"):
        parse_tuning(small(several, ("pruner: none", "pruner: median")), "t.yaml")


def test_training_is_for_one_machine_and_weeks_apart(small: Text) -> None:
    train = ("- name: sleep", "- name: sleep\n    train: {by: 'x.py:f', weeks: [4]}")
    with pytest.raises(InvalidInputError, match=r"training \(sleep\) week 4 and test week 5"):
        parse_tuning(small(train), "t.yaml")
    two = ("workloads: [{", "workloads: [{source: other.swf}, {")
    far = ("- name: sleep", "- name: sleep\n    train: {by: 'x.py:f'}")
    with pytest.raises(InvalidInputError, match="a model is made for one machine"):
        parse_tuning(small(far, two), "t.yaml")


def test_unknown_knobs_and_values_are_refused(small: Text) -> None:
    for change, error, rule in (
        (("spare: {", "sparre: {"), TuningError, "knob 'sparre': the policy has no such parameter; did you mean spare"),
        (("[0, 0.5]", "[0, 1.5]"), TuningError, "knob 'spare': 1.5 is not valid; give a share from 0 to 1"),
        (("or: [break-even]", "or: [soon]"), TuningError, "knob 'timeout': 'soon' is not valid"),
        (("- name: sleep", "- name: slep"), PolicyError, "did you mean sleep"),
    ):
        with pytest.raises(error, match=rule):
            check_space(parse_tuning(small(change), "t.yaml"))
