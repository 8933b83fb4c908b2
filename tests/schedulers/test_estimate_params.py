"""The parameters of estimates: every policy takes them, and what does not fit is said."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wattq.errors import InvalidInputError, MissingFileError, PolicyError
from wattq.platforms import make_platform
from wattq.schedulers import POLICIES, make_policy, policy_spec
from wattq.schedulers.estimate_parameters import COMMON
from wattq.schedulers.estimates import Predicted
from wattq.schedulers.plugin import Bridge, Options, read_options
from wattq.schedulers.predictors import SessionPredictor
from wattq.simulator import CompiledPolicy, Policy, Run, simulate
from wattq.simulator.conversation import converse
from wattq.surrogates import MODELS
from wattq.surrogates.bundle import save_bundle
from wattq.surrogates.bundle_manifest import BundleMeta, TrainingData
from wattq.workloads import generate_saturated

LAST_TWO = {"estimate": "predictor", "predictor": "last-two"}
NEEDS: dict[str, dict[str, object]] = {"power-cap": {"cap": 1e6}}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bundles") / "two.wattq"
    save_bundle(path, MODELS["last-two"](), BundleMeta("runtime", TrainingData("log.swf", "0" * 64, False, 10), "log"))
    return path


def dates(run: Run) -> list[Any]:
    return [run.kernel.jobs["start_s"].tolist(), run.kernel.jobs["end_s"].tolist()]


@pytest.mark.parametrize(
    "name", [name for name in POLICIES if not {"signal", "model"} & set(policy_spec(name)[1].needs)]
)
def test_every_policy_takes_them(name: str) -> None:
    made = make_policy(name, LAST_TWO | NEEDS.get(name, {}))
    assert isinstance(made, CompiledPolicy | Predicted)
    assert dict(made.params) == LAST_TWO | NEEDS.get(name, {})
    assert made.name == name
    assert made.predictor is not None
    assert isinstance(made.predictor(), SessionPredictor)


def test_a_users_policy_does_not_see_them(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("class Mine:\n    def __init__(self, k=1): self.k = k\n    def decide(self, view, actions): ...\n")
    made = make_policy(f"{path}:Mine", LAST_TWO | {"k": 2})
    assert isinstance(made, Predicted)
    assert isinstance(made, Policy)
    assert vars(made.policy)["k"] == 2
    assert (made.name, dict(made.params)) == (f"{path}:Mine", LAST_TWO | {"k": 2})


def test_walltime_is_the_default() -> None:
    made = make_policy("easy", {"estimate": "walltime", "order": "sjf"})
    assert isinstance(made, CompiledPolicy)
    assert made.predictor is None
    assert dict(made.params) == {"estimate": "walltime", "order": "sjf"}


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"estimate": "oracle"}, ["'estimate'", "'oracle'", "walltime or predictor"]),
        ({"estimate": 1}, ["'estimate'", "1"]),
        ({"estimate": "predictor"}, ["none is named", "'predictor'", "last-two"]),
        ({"predictor": "last-two"}, ["'predictor'", "estimate is walltime", "estimate=predictor"]),
        ({"estimate": "walltime", "predictor_factor": 2}, ["'predictor_factor'", "estimate is walltime"]),
        ({"estimate": "predictor", "predictor": "last-tow"}, ["last-tow", "did you mean 'last-two'?"]),
        ({"estimate": "predictor", "predictor": "qqq"}, ["'qqq'", "requested, last-two"]),
        (LAST_TWO | {"predictor_value": 0.33}, ["0.33", "quantile levels"]),
        (LAST_TWO | {"predictor_value": "most"}, ["'predictor_value'", "'most'", "point"]),
        (LAST_TWO | {"predictor_factor": 0}, ["'predictor_factor'", "0.001 to 1000"]),
        (LAST_TWO | {"predictor_correction": "step"}, ["'step'", "did you mean 'steps'?"]),
        (LAST_TWO | {"predictor_clock": "1996-09-23T14:00+02:00"}, ["'predictor_clock'", "site's clock"]),
        (LAST_TWO | {"predictor_clock": "soon"}, ["'predictor_clock'", "'soon'"]),
        ({"predicter": "last-two"}, ["'predicter'", "every policy takes 'estimate' and 'predictor'"]),
    ],
)
@pytest.mark.parametrize("policy", ["easy", "qos", "sleep"])
def test_what_does_not_fit_is_said(policy: str, params: dict[str, object], words: list[str]) -> None:
    with pytest.raises(PolicyError) as error:
        make_policy(policy, params)
    assert f"'{policy}'" in str(error.value)
    assert not [word for word in words if word not in str(error.value)]


def test_a_bundle_goes_by_its_path(bundle: Path, tmp_path: Path) -> None:
    made = make_policy("easy", {"estimate": "predictor", "predictor": str(bundle)})
    named = make_policy("easy", LAST_TWO)
    machine, work = make_platform(16), generate_saturated(300, 16, seed=3)
    assert dates(simulate(machine, [work], made)) == dates(simulate(machine, [work], named))
    with pytest.raises(MissingFileError, match=r"none\.wattq: cannot be read"):
        make_policy("easy", {"estimate": "predictor", "predictor": str(tmp_path / "none.wattq")})
    torn = tmp_path / "torn.wattq"
    torn.write_bytes(bundle.read_bytes()[:-40])
    with pytest.raises(PolicyError, match=r"parameter 'predictor' \(.*torn\.wattq\): "):
        make_policy("easy", {"estimate": "predictor", "predictor": str(torn)})


def test_settings_change_what_is_expected() -> None:
    machine, work = make_platform(16), generate_saturated(400, 16, seed=5)
    plain = dates(simulate(machine, [work], make_policy("easy-sjbf")))
    found = [plain]
    for more in ({}, {"predictor_factor": 3.0}, {"predictor_correction": "steps"}, {"predictor": "similar"}):
        made = make_policy("easy-sjbf", LAST_TWO | more)
        found.append(dates(simulate(machine, [work], made)))
        assert dates(simulate(machine, [work], made)) == found[-1]
    assert len({str(one) for one in found}) == len(found)


def test_the_requested_time_as_a_prediction_is_the_walltime() -> None:
    machine, work = make_platform(16), generate_saturated(400, 16, seed=5)
    requested = make_policy("easy", {"estimate": "predictor", "predictor": "requested"})
    assert dates(simulate(machine, [work], requested)) == dates(simulate(machine, [work], make_policy("easy")))


@pytest.mark.parametrize("name", ["easy", "easy-sjbf", "conservative", "fair-share", "qos"])
def test_messages_give_the_same_schedule(name: str) -> None:
    machine, work = make_platform(16), generate_saturated(400, 16, seed=5)
    params = LAST_TWO | {"predictor_correction": "steps"}
    ours = simulate(machine, [work], make_policy(name, params))
    bridge = Bridge(Options(name, params), capacity=1)
    assert dates(converse(machine, [work], bridge.reply)) == dates(ours)
    assert bridge.ended
    assert dates(ours) != dates(simulate(machine, [work], make_policy(name)))


def test_schedulers_of_one_policy_take_them_by_name() -> None:
    assert read_options(LAST_TWO, "-o", "easy") == read_options({"params": LAST_TWO}, "-o", "easy")
    with pytest.raises(InvalidInputError, match=r"key 'predicter': unknown; did you mean predictor"):
        read_options({"predicter": "x"}, "-o", "easy")


def test_names_of_the_parameters_are_nobody_elses() -> None:
    own = {p.name for name in POLICIES for p in policy_spec(name)[1].parameters}
    assert not own & {p.name for p in COMMON}
    assert all(difflib.get_close_matches(p.name, [q.name for q in COMMON], 1) == [p.name] for p in COMMON)


def test_the_clock_is_a_date_or_its_seconds() -> None:
    clock = next(p for p in COMMON if p.name == "predictor_clock")
    assert clock.number("1970-01-05T00:00") == clock.default == 345_600.0
    assert clock.number("1996-09-30T14:18:01") == clock.number(844093081) == clock.number("844093081.0")


def test_models_that_learn_are_trained_in_the_simulation() -> None:
    machine, work = make_platform(16), generate_saturated(900, 16, seed=2)
    run = simulate(machine, [work], make_policy("easy", {"estimate": "predictor", "predictor": "forest"}))
    estimates = run.ledger.jobs["estimate_s"]
    assert (estimates <= run.ledger.jobs["walltime_s"]).all()
    assert len(np.unique(estimates)) > 100
