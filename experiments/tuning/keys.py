"""What a tuning file may say, as strict pydantic models; `wattq.experiments.tuning.tuning_file` reads the YAML."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from wattq.experiments.experiment_model import Experiment, Outputs, PolicySpec, Scalar, WorkloadSpec
from wattq.experiments.study.keys import CalendarName, GridSpec, Name, Strict, WeeksSpec, seconds
from wattq.experiments.tuning.knobs import Knob, KnobName
from wattq.experiments.tuning.train_keys import TrainSpec

__all__ = ["CANDIDATE", "LOST", "Constraint", "Objective", "Pruner", "Sampler", "TunedPolicy", "Tuning"]

CANDIDATE = "candidate"
"""What the policy of a trial is called while it is judged."""

LOST = "lost_work_host_h"
"""Work of the jobs that EASY served and the policy did not; while it is above 0, savings are void."""

_NO_LABEL = re.compile(r"[^A-Za-z0-9 ._+=,:%-]")

_Count = Annotated[int, Field(ge=0, le=10_000)]


class TunedPolicy(Strict):
    """A policy whose knobs are searched; with several of them, which one is a choice of its own.

    Attributes:
        name: name in `wattq.schedulers.POLICIES`, or a policy of the user's own.
        label: what tables and trials call it; the name when not given, without the folders of a file.
        params: parameters that every trial has.
        knobs: what a trial chooses, by the parameter's name.
        starts: values of knobs by name that the search begins with, after the defaults; knobs that are not named have
            their defaults.
        train: how a model is trained for each trial, for a policy that learns.
    """

    name: str = Field(min_length=1)
    label: Name | None = None
    params: dict[str, Scalar] = Field(default_factory=dict)
    knobs: dict[KnobName, Knob] = Field(default_factory=dict, max_length=100)
    starts: list[dict[str, Scalar]] = Field(default_factory=list, max_length=1000)
    train: TrainSpec | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _consistent(self) -> TunedPolicy:
        twice = sorted(set(self.params) & set(self.knobs))
        if twice:
            raise ValueError(f"'{twice[0]}' is in 'params' and in 'knobs'; fix it or search it")
        check_conditions(self.knobs)
        if self.train is not None:
            check_conditions(self.train.knobs)
        return self

    @property
    def title(self) -> str:
        """What tables and trials call it: of a policy of the user's own the file's name and the class."""
        return self.label or _NO_LABEL.sub("-", self.name.rpartition("/")[2]).lstrip("-. _")

    @property
    def searched(self) -> bool:
        """Whether there is anything to choose."""
        return bool(self.knobs) or (self.train is not None and bool(self.train.knobs))


def check_conditions(knobs: Mapping[str, Knob]) -> None:
    """Refuse a condition on a knob that is not chosen before, or on a value that it does not have."""
    before: list[str] = []
    for name, knob in knobs.items():
        for other, values in knob.conditions.items():
            if other not in before:
                raise ValueError(f"knob '{name}': 'when' names '{other}', which is no knob above it")
            unknown = [value for value in values if value not in knobs[other].options]
            if unknown:
                raise ValueError(f"knob '{name}': '{other}' is never {unknown[0]!r}; it is {knobs[other].words}")
        before.append(name)


class Objective(Strict):
    """What a search improves. A bare text is ``metric``.

    Attributes:
        metric: a quantity of studies or a metric of runs; ``cost`` is the cost in the currency of the prices.
        of: ``easy``, the quotient to EASY's on the same weeks, or ``value``, the number itself.
        direction: ``minimize`` or ``maximize``; what is better for the metric when not given.
    """

    metric: str = Field(min_length=1, max_length=100)
    of: Literal["easy", "value"] = "easy"
    direction: Literal["minimize", "maximize"] | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        return {"metric": value} if isinstance(value, str) else value


class Constraint(Strict):
    """What a trial must keep to on every log and grid.

    Attributes:
        metric: as in `Objective`.
        most: largest value allowed; either this or ``least``.
        least: smallest value allowed.
        of: ``easy``, the bound is a multiple of EASY's value, or ``value``, it is a number in the metric's unit.
    """

    metric: str = Field(min_length=1, max_length=100)
    most: float | None = None
    least: float | None = None
    of: Literal["easy", "value"] = "easy"

    _numbers = field_validator("most", "least", mode="before")(seconds)

    @model_validator(mode="after")
    def _one_side(self) -> Constraint:
        if (self.most is None) == (self.least is None):
            raise ValueError("give 'most' or 'least'")
        return self

    @property
    def bound(self) -> float:
        """The number of the bound."""
        found = self.most if self.most is not None else self.least
        assert found is not None, "validated: one of the two is given"
        return found

    @property
    def words(self) -> str:
        """The constraint in words: ``wait_p95_s at most EASY's x 1``."""
        side = "most" if self.most is not None else "least"
        return f"{self.metric} at {side} {f'EASY{chr(39)}s x ' if self.of == 'easy' else ''}{self.bound:g}"


class Sampler(Strict):
    """What proposes trials. A bare text is ``name``.

    Attributes:
        name: ``auto`` (TPE; NSGA-II for several objectives and more than 200 trials), ``tpe``, ``nsga2``, ``gp``,
            ``cma-es``, ``random`` or ``grid`` (every combination, in order).
        seed: seed of the sampler.
        startup: trials at random before a model of earlier trials proposes (``tpe``, ``gp``).
    """

    name: Literal["auto", "tpe", "nsga2", "gp", "cma-es", "random", "grid"] = "auto"
    seed: int = Field(default=0, ge=0, lt=2**31)
    startup: int = Field(default=10, ge=1, le=10_000)

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value


class Pruner(Strict):
    """What ends a trial after some of its weeks. A bare text is ``name``.

    Attributes:
        name: ``auto`` (``wilcoxon`` for one objective, ``none`` for several), ``none``, ``wilcoxon`` (the trial is
            worse than the best one on the same weeks, by a signed-rank test) or ``median`` (it is worse than half of
            the earlier trials after as many weeks).
        p: level of the test (``wilcoxon``).
        steps: weeks that every trial may play.
    """

    name: Literal["auto", "none", "wilcoxon", "median"] = "auto"
    p: float = Field(default=0.1, gt=0, lt=1)
    steps: int = Field(default=4, ge=2, le=10_000)

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value


class Tuning(Strict):
    """A tuning file: which knobs are searched, on which weeks, for what, within which limits.

    Attributes:
        name, title, description: as in an `Experiment`, as are ``platform``, ``workloads``, ``tau_s``, ``weeks``,
            ``signals``, ``calendar``, ``energy`` and ``outputs``.
        policies: what is tuned.
        gap_weeks: weeks at least between a tuning week and a test week, so that their jobs are not the same.
        seeds: of generated workloads, of noisy forecasts and of training; every trial is judged on all of them.
        objectives: one or several.
        constraints: what a trial must keep to; that it serves every job that EASY serves is always among them.
        trials: number of trials.
        sampler: what proposes them.
        pruner: what ends them early.
        front: trials of a Pareto front that are run on the test weeks at most.
    """

    name: Name
    title: str = Field(default="", max_length=200)
    description: str = Field(default="", max_length=2000)
    platform: str | None = Field(default=None, min_length=1)
    workloads: list[WorkloadSpec] = Field(min_length=1, max_length=100)
    policies: list[TunedPolicy] = Field(min_length=1, max_length=100)
    energy: bool = True
    tau_s: float = Field(default=10.0, gt=0)
    weeks: WeeksSpec | None = None
    gap_weeks: _Count = 1
    signals: dict[Name, GridSpec] = Field(default_factory=dict, max_length=100)
    calendar: CalendarName = "season"
    seeds: list[Annotated[int, Field(ge=0, lt=2**32)]] = Field(default=[0], min_length=1, max_length=100)
    objectives: list[Objective] = Field(min_length=1, max_length=5)
    constraints: list[Constraint] = Field(default_factory=list, max_length=50)
    trials: int = Field(default=100, ge=1, le=1_000_000)
    sampler: Sampler = Field(default_factory=Sampler)
    pruner: Pruner = Field(default_factory=Pruner)
    front: int = Field(default=12, ge=1, le=1000)
    outputs: Outputs = Field(default_factory=Outputs)

    _seconds = field_validator("tau_s", mode="before")(seconds)

    @model_validator(mode="after")
    def _distinct(self) -> Tuning:
        names = [policy.title for policy in self.policies]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two entries of 'policies' are called '{twice}'; give them different labels")
        if len(self.policies) == 1 and not self.policies[0].searched:
            raise ValueError("the only policy has no 'knobs'; name what is to be searched")
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError("'seeds' holds one seed twice")
        return self

    @model_validator(mode="after")
    def _valid_experiment(self) -> Tuning:
        _ = self.experiment([PolicySpec(name="easy")])
        return self

    @model_validator(mode="after")
    def _apart(self) -> Tuning:
        for workload in self.workloads:
            spec = workload.weeks or self.weeks
            if spec is None:
                raise ValueError(f"workload '{workload.name}' has no 'weeks'; give 'test' and 'tuning' weeks")
            if not spec.numbers("tuning"):
                raise ValueError(f"workload '{workload.name}': 'weeks' name no tuning weeks; give 'tuning'")
            self._check_gap(workload.name, spec)
        return self

    def _check_gap(self, name: str, spec: WeeksSpec) -> None:
        parts = {"test": spec.numbers("test"), "tuning": spec.numbers("tuning")}
        for policy in self.policies:
            if policy.train is not None and policy.train.weeks is not None:
                parts[f"training ({policy.title})"] = policy.train.numbers
        for first, second in (("tuning", "test"), *((p, q) for p in list(parts)[2:] for q in ("test", "tuning"))):
            near = next(((a, b) for a in parts[first] for b in parts[second] if abs(a - b) <= self.gap_weeks), None)
            if near is not None:
                raise ValueError(
                    f"workload '{name}': {first} week {near[0]} and {second} week {near[1]} have fewer than "
                    f"{self.gap_weeks} weeks between them ('gap_weeks'); take others"
                )

    @model_validator(mode="after")
    def _one_machine_to_train_for(self) -> Tuning:
        trained = next((policy.title for policy in self.policies if policy.train is not None), None)
        if trained is not None and len(self.workloads) > 1:
            raise ValueError(f"policy '{trained}' is trained, and a model is made for one machine; keep one workload")
        return self

    @model_validator(mode="after")
    def _one_objective_to_prune(self) -> Tuning:
        if len(self.objectives) > 1 and self.pruner.name in ("wilcoxon", "median"):
            raise ValueError(
                f"pruner '{self.pruner.name}' compares trials by one objective, and there are {len(self.objectives)}; "
                "take the pruner 'none', or make all but one of the objectives constraints"
            )
        if self.sampler.name == "cma-es":
            raise_if_unfit(self)
        return self

    @property
    def all_constraints(self) -> tuple[Constraint, ...]:
        """The constraints, and the one that always holds: no job that EASY served may be lost."""
        if any(constraint.metric == LOST for constraint in self.constraints):
            return tuple(self.constraints)
        return (*self.constraints, Constraint(metric=LOST, most=0.0, of="value"))

    def experiment(self, policies: list[PolicySpec], seed: int | None = None) -> Experiment:
        """Return a study of some policies on the weeks of this file."""
        return Experiment(
            name=self.name,
            title=self.title,
            description=self.description,
            platform=self.platform,
            workloads=self.workloads,
            policies=policies,
            energy=self.energy,
            tau_s=self.tau_s,
            weeks=self.weeks,
            signals=self.signals,
            calendar=self.calendar,
            seeds=[self.seeds[0] if seed is None else seed],
            outputs=self.outputs,
        )


def raise_if_unfit(tuning: Tuning) -> None:
    """Refuse CMA-ES where it knows nothing of what is asked: several objectives, or constraints of the file."""
    if len(tuning.objectives) > 1:
        raise ValueError("sampler 'cma-es' knows one objective; take 'tpe' or 'nsga2'")
    if tuning.constraints:
        raise ValueError("sampler 'cma-es' knows no constraints; take 'tpe' or 'gp'")
