"""Bundles: a trained model with all that tells whether it may be used, in one file ``NAME.wattq``.

A bundle is a zip archive of a manifest (JSON) and arrays (``.npy``). It holds no code and nothing pickled: the model is
looked up by name among those of this version and restored from numbers. Same model, same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from wattq.bundles.reading import ENDING, MANIFEST, array_members, arrays_of, bundle_of, members_of, read_bytes
from wattq.errors import SurrogateError
from wattq.files import write_whole
from wattq.surrogates.bundle_manifest import (
    BundleMeta,
    Manifest,
    manifest_bytes,
    parse_manifest,
    signed,
    versions_here,
)
from wattq.surrogates.bundle_models import check_features, features_of, restore_model, samples_of

__all__ = ["ENDING", "Bundle", "bundle_bytes", "load_bundle", "parse_bundle", "read_manifest", "save_bundle"]


@dataclass(frozen=True)
class Bundle:
    """A model read from a bundle.

    Attributes:
        model: the model, ready to predict; for `kind` ``runtime`` it is a `RuntimeModel`.
        manifest: what the bundle says of itself.
    """

    model: Any
    manifest: Manifest

    @property
    def kind(self) -> str:
        """What it predicts: ``runtime`` or ``energy``."""
        return self.manifest.meta.kind


def save_bundle(path: str | Path, model: Any, meta: BundleMeta) -> Manifest:
    """Write a trained model as one file; it appears whole or not at all.

    Args:
        path: file to write; its name ends with ``.wattq``.
        model: the model, with `name`, `state()` and, for kind ``runtime``, `needs`.
        meta: kind, training data, labels, seed, metrics.

    Raises:
        SurrogateError: when the name ends otherwise, or `load_bundle` would refuse the file.
        MissingFileError: when the folder cannot be written.
    """
    path = Path(path)
    if path.suffix != ENDING:
        raise SurrogateError(f"{path}: the name of a bundle ends with {ENDING}; call it {path.stem}{ENDING}")
    data = bundle_bytes(model, meta)
    manifest = parse_bundle(data, str(path)).manifest
    write_whole(path, data)
    return manifest


def bundle_bytes(model: Any, meta: BundleMeta) -> bytes:
    """Return the bytes of a bundle; see `save_bundle`.

    Raises:
        SurrogateError: when the model's state is more than arrays of numbers and values of JSON.
    """
    arrays, state = model.state()
    members, digests = array_members(arrays, error=SurrogateError)
    features = features_of(model)
    samples = samples_of(meta.kind, features)
    manifest = signed(Manifest(meta, model.name, features, versions_here(), state, digests, samples))
    return bundle_of(manifest_bytes(manifest), members, error=SurrogateError)


def load_bundle(path: str | Path, *, kind: str | None = None) -> Bundle:
    """Return the model of a bundle.

    Args:
        path: the file.
        kind: ``runtime`` or ``energy`` where only one of them will do.

    Raises:
        MissingFileError: when the file cannot be read.
        SurrogateError: when it is damaged, truncated, changed, of another format version or kind, or when its model
            or its features are not known to this version.
    """
    return parse_bundle(_read(path), str(path), kind=kind)


def parse_bundle(data: bytes, source: str, *, kind: str | None = None) -> Bundle:
    """Return the model of a bundle given as bytes; like `load_bundle` without the disk."""
    manifest, arrays = _parts(data, source)
    if kind is not None and manifest.meta.kind != kind:
        raise SurrogateError(
            f"{source}: a bundle of kind '{manifest.meta.kind}', where one of kind '{kind}' is needed; give another one"
        )
    check_features(manifest, source)
    return Bundle(restore_model(manifest, arrays, source), manifest)


def read_manifest(path: str | Path) -> Manifest:
    """Return what a bundle says of itself, checked as `load_bundle` does, but for the model and the features.

    Raises:
        MissingFileError: when the file cannot be read.
        SurrogateError: when it is damaged, truncated, changed, or of another format version.
    """
    return _parts(_read(path), str(path))[0]


def _parts(data: bytes, source: str) -> tuple[Manifest, dict[str, NDArray[Any]]]:
    """Return manifest and arrays, after comparing every digest."""
    text, members = members_of(data, source, remedy="give a file of `wattq surrogate train`", error=SurrogateError)
    manifest = parse_manifest(text, f"{source}, {MANIFEST}")
    return manifest, arrays_of(members, manifest.arrays, source, error=SurrogateError)


def _read(path: str | Path) -> bytes:
    """Return the bytes of a file."""
    return read_bytes(path, remedy="check the path, or train one", error=SurrogateError)
