"""The bundles that the API predicts with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from wattq.settings import ApiSettings
from wattq.surrogates.bundle import Bundle, load_bundle
from wattq.surrogates.features import feature_columns

__all__ = ["Bundles", "describe_bundle", "load_bundles"]

_NAMES = {"application": ("applications", "application"), "user": ("user",), "queue": ("queue",)}


@dataclass(frozen=True)
class Bundles:
    """Models in use; None where there is none.

    Attributes:
        runtime: predicts run times.
        energy: predicts the power of a node.
    """

    runtime: Bundle | None = None
    energy: Bundle | None = None

    @property
    def loaded(self) -> bool:
        """Whether there is a model of either kind."""
        return self.runtime is not None or self.energy is not None

    @cached_property
    def version(self) -> str:
        """The models in use, with the first 12 digits of their digests."""
        parts = [version_of(each) for each in (self.runtime, self.energy) if each is not None]
        return "+".join(parts) or "node-power"

    @cached_property
    def runtime_columns(self) -> Any:
        """Columns of the features that the model of run times reads."""
        return feature_columns(self.runtime.model.needs) if self.runtime is not None else None

    @cached_property
    def known_names(self) -> Mapping[str, frozenset[str]]:
        """Names that the model of power has learned from, by field; a model that knows no names has no entry."""
        if self.energy is None:
            return {}
        state = self.energy.manifest.state
        lists = {field: next((state[k] for k in keys if k in state), None) for field, keys in _NAMES.items()}
        return {field: frozenset(map(str, found)) for field, found in lists.items() if isinstance(found, list)}


def version_of(bundle: Bundle) -> str:
    """Return name and digest of a model: ``blend@3f2a...``."""
    return f"{bundle.manifest.model}@{bundle.manifest.digest[:12]}"


def load_bundles(settings: ApiSettings) -> Bundles:
    """Return the models that the settings name; a file that is not there yet counts as none.

    Raises:
        SurrogateError: when a bundle is damaged or of another kind.
    """
    return Bundles(_load(settings.runtime_model, "runtime"), _load(settings.energy_model, "energy"))


def _load(path: str, kind: str) -> Bundle | None:
    return load_bundle(path, kind=kind) if path and Path(path).exists() else None


def describe_bundle(bundle: Bundle | None) -> dict[str, Any] | None:
    """Return what a bundle says of itself, for people and programs; None without one."""
    if bundle is None:
        return None
    manifest, meta = bundle.manifest, bundle.manifest.meta
    return {
        "model": manifest.model,
        "version": version_of(bundle),
        "kind": meta.kind,
        "features": list(manifest.features),
        "label_source": meta.label_source,
        "data": {
            "source": meta.data.source,
            "sha256": meta.data.sha256,
            "jobs": meta.data.jobs,
            "synthetic": meta.data.synthetic,
        },
        "metrics": dict(meta.metrics),
        "seed": meta.seed,
        "digest": manifest.digest,
        "versions": dict(manifest.versions),
    }
