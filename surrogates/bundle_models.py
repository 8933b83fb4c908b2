"""From the name in a bundle to a model of this version: nothing is imported or run that the bundle chose."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SurrogateError, WattqError
from wattq.surrogates.bundle_manifest import Manifest

__all__ = ["check_features", "features_of", "known_features", "known_models", "restore_model", "samples_of"]

_UNFIT = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, MemoryError, AssertionError)


def known_models(kind: str) -> Mapping[str, Any]:
    """Return the models of a kind by name."""
    if kind == "energy":
        from wattq.surrogates.energy import ENERGY_MODELS

        return ENERGY_MODELS
    from wattq.surrogates import MODELS

    return MODELS


def known_features(kind: str) -> tuple[str, ...]:
    """Return the names of the features that this version builds for models of a kind.

    Models of energy read the columns of `EnergyJobs`, all of them.
    """
    if kind == "energy":
        from wattq.surrogates.energy import ENERGY_FEATURES

        return tuple(feature.name for feature in ENERGY_FEATURES)
    from wattq.surrogates import FEATURES

    return tuple(feature.name for feature in FEATURES)


def features_of(model: Any) -> tuple[str, ...]:
    """Return the names of what a model reads, in order."""
    return tuple(model.needs) if hasattr(model, "needs") else known_features("energy")


def samples_of(kind: str, features: Sequence[str]) -> dict[str, list[float | None]]:
    """Return samples of some features, for a bundle of a kind; what models of energy read is not built of a log."""
    if kind == "energy":
        return {}
    from wattq.surrogates.feature_probe import feature_samples

    here = feature_samples()
    return {name: list(here[name]) for name in features if name in here}


def check_features(manifest: Manifest, source: str) -> None:
    """Refuse a bundle whose model reads a feature that this version does not build, or builds otherwise.

    Raises:
        SurrogateError: naming the features, and the nearest ones that there are.
    """
    known = known_features(manifest.meta.kind)
    missing = [name for name in manifest.features if name not in known]
    if missing:
        near = difflib.get_close_matches(missing[0], known, n=3, cutoff=0.5)
        raise SurrogateError(
            f"{source}, key 'features': {', '.join(missing[:5])}: not built by this version "
            f"({'nearest: ' + ', '.join(near) if near else 'nor anything near'}); train the model again with it"
        )
    if manifest.meta.kind == "energy":
        return
    from wattq.surrogates.feature_probe import changed_features

    changed = changed_features(manifest.samples)
    unsampled = [name for name in manifest.features if name not in manifest.samples]
    if changed or unsampled:
        raise SurrogateError(
            f"{source}, key 'samples': {', '.join((changed or unsampled)[:5])}: built otherwise by this version than "
            "when the model learned; train it again"
        )


def restore_model(manifest: Manifest, arrays: Mapping[str, NDArray[Any]], source: str) -> Any:
    """Return the model of a bundle, made of its arrays.

    Raises:
        SurrogateError: when the model is not known, its numbers do not fit, or it reads other features than stated.
    """
    models = known_models(manifest.meta.kind)
    if manifest.model not in models:
        raise SurrogateError(
            f"{source}, key 'model': '{manifest.model}' is no {manifest.meta.kind} model of this version; "
            f"known: {', '.join(models)}; train one of them"
        )
    try:
        with np.errstate(all="ignore"):  # what no number can be is refused, not warned about
            model = models[manifest.model].restore(arrays, manifest.state)
    except WattqError as error:
        raise SurrogateError(f"{source}: {error}") from None
    except _UNFIT as error:
        raise SurrogateError(
            f"{source}: the numbers of model '{manifest.model}' do not fit it ({type(error).__name__}: "
            f"{str(error)[:120]}); train it again"
        ) from None
    if features_of(model) != manifest.features or model.name != manifest.model:
        raise SurrogateError(
            f"{source}, key 'features': the model '{model.name}' does not read the {len(manifest.features)} features "
            "that the manifest lists, in their order; train it again"
        )
    return model
