"""Policies with a predictor: expected run times from a surrogate in place of walltimes.

Surrogates are imported when a predictor is asked for, so that all else stays light.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from wattq.errors import PolicyError
from wattq.schedulers.estimate_parameters import COMMON
from wattq.schedulers.parameters import numbers_of

if TYPE_CHECKING:
    from wattq.simulator.interface import Actions, CompiledPolicy, Policy, View
    from wattq.simulator.prediction import PredictorSource

__all__ = ["Predicted", "split_params", "with_predictor"]

_NAMES = tuple(parameter.name for parameter in COMMON)


@dataclass(frozen=True)
class Predicted:
    """A plain-Python policy that goes with a predictor.

    Attributes:
        policy: the policy.
        predictor: makes the predictor of a simulation; None: jobs are expected to run for their walltimes.
        name: name of the policy.
        params: all parameters, those of the prediction included.
    """

    policy: Policy
    predictor: PredictorSource | None
    name: str
    params: Mapping[str, object]

    def decide(self, view: View, actions: Actions) -> None:
        """Let the policy take its decisions."""
        self.policy.decide(view, actions)


def split_params(policy: str, given: Mapping[str, object]) -> tuple[dict[str, object], PredictorSource | None]:
    """Return the parameters that are a policy's own, and its predictor if it is to have one.

    Args:
        policy: name of the policy, for messages.
        given: all parameters.

    Raises:
        PolicyError: they do not go together, a value breaks its rule, or the predictor is unknown or of no use.
        MissingFileError: its bundle cannot be read.
    """
    own = {key: value for key, value in given.items() if key not in _NAMES}
    if len(own) == len(given):
        return own, None
    common = {key: given[key] for key in _NAMES if key in given}
    values = dict(zip(_NAMES, numbers_of(policy, COMMON, common), strict=True))
    if values["estimate"] == "predictor":
        return own, _source(policy, values)
    idle = next((key for key in common if key != "estimate"), None)
    if idle is not None:
        raise PolicyError(
            f"policy '{policy}', parameter '{idle}': estimate is walltime, so that no predictor is asked; give "
            "estimate=predictor too, or leave it out"
        )
    return own, None


def _source(policy: str, values: Mapping[str, Any]) -> PredictorSource:
    """Return what makes predictors."""
    if not values["predictor"]:
        raise PolicyError(
            f"policy '{policy}': estimate is predictor, but none is named; give the parameter 'predictor': "
            f"{COMMON[1].rule}"
        )
    from wattq.schedulers.predictors import predictor_source

    return predictor_source(
        policy,
        values["predictor"],
        value=values["predictor_value"],
        factor=values["predictor_factor"],
        correction=values["predictor_correction"],
        clock_s=values["predictor_clock"],
    )


def with_predictor(
    made: CompiledPolicy | Policy, predictor: PredictorSource | None, params: Mapping[str, object]
) -> CompiledPolicy | Policy:
    """Return a policy with its predictor and all its parameters."""
    from wattq.simulator.interface import CompiledPolicy

    if isinstance(made, CompiledPolicy):
        return replace(made, predictor=predictor, params=params)
    name: Any = getattr(made, "name", type(made).__name__)
    return Predicted(made, predictor, str(name), params)
