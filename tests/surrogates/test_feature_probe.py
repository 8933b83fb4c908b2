"""Samples of features: the same every time, one of every feature that says something, and a change is noticed."""

from __future__ import annotations

from wattq.surrogates.feature_probe import PROBED, changed_features, feature_samples
from wattq.surrogates.features import FEATURES


def test_every_feature_has_samples() -> None:
    here = feature_samples()
    assert list(here) == [feature.name for feature in FEATURES]
    assert {len(values) for values in here.values()} == {len(PROBED)}
    assert [name for name, values in here.items() if all(value is None for value in values)] == []
    feature_samples.cache_clear()
    assert feature_samples() == here


def test_changes_are_noticed() -> None:
    here = dict(feature_samples())
    assert changed_features(here) == []
    name, values = next((n, v) for n, v in here.items() if None not in v and all(v))
    assert changed_features({name: [value * (1 + 1e-6) for value in values if value is not None]}) == []
    assert changed_features({name: [value * 1.01 for value in values if value is not None]}) == [name]
    assert changed_features({name: [None, *values[1:]]}) == [name]
    assert changed_features({name: values[1:]}) == [name]
    assert changed_features({"no_such_feature": [1.0]}) == []
