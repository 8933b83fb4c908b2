"""Every range is of a setting that the model has, and holds its default."""

from __future__ import annotations

import inspect

import pytest

import wattq.surrogates.models as registry
from wattq.experiments.surrogates.spaces import SPACES, default_settings, space_of
from wattq.surrogates.training import make_model


@pytest.mark.parametrize("model", SPACES)
def test_ranges_fit_the_model(model: str) -> None:
    known = inspect.signature(registry.MODELS[model]).parameters
    default = default_settings(model)
    for part in space_of(model):
        assert part.name in known
        assert part.low <= default[part.name] <= part.high
        assert isinstance(default[part.name], int) == part.whole
        for end in (part.low, part.high):
            make_model(model, 0, **{part.name: end})


def test_models_without_settings_have_no_ranges() -> None:
    assert space_of("last-two") == ()
