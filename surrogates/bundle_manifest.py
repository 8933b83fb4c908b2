"""What a bundle says of itself: model, features, training data, metrics, versions, digest; read strictly."""

from __future__ import annotations

import datetime
import importlib.metadata
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from wattq import __version__
from wattq.bundles.document import (
    DIGEST,
    DIGESTS,
    MAYBE_NUMBER,
    OBJECT,
    TEXTS,
    Rule,
    broken,
    digest_of,
    is_number,
    object_text,
    parse_object,
    shown,
)
from wattq.errors import SurrogateError

__all__ = [
    "FORMAT_VERSION",
    "KINDS",
    "LABEL_SOURCES",
    "BundleMeta",
    "Manifest",
    "TrainingData",
    "manifest_bytes",
    "parse_manifest",
    "signed",
    "submission_date",
    "versions_here",
]

FORMAT = "wattq bundle"
FORMAT_VERSION = 1
"""Version of the file format; another one is refused."""

KINDS = ("runtime", "energy")
"""What a bundle predicts."""

LABEL_SOURCES = ("log", "measured", "sampled", "simulated", "synthetic")
"""Where the values that a model learned from come from: a log's run times, the machine's own accounting of energy,
power samples, a simulation, or a formula."""

_LIBRARIES = ("numpy", "numba", "scikit-learn")
_AGAIN = "fetch the bundle again, or train it again"


@dataclass(frozen=True)
class TrainingData:
    """The jobs that a model learned from.

    Attributes:
        source: name of the log.
        sha256: digest of its plain content.
        synthetic: whether its jobs were generated rather than logged.
        jobs: number of jobs learned from.
        first_submit_s, last_submit_s: their first and last submission on the log's axis, s; None where unknown.
        until_s: date on that axis before which they ended, s; None where all were taken.
        unix_start_s: Unix time of date 0, or None where the log has no calendar dates.
    """

    source: str
    sha256: str
    synthetic: bool
    jobs: int
    first_submit_s: float | None = None
    last_submit_s: float | None = None
    until_s: float | None = None
    unix_start_s: float | None = None


@dataclass(frozen=True)
class BundleMeta:
    """What is written into a bundle beside the model.

    Attributes:
        kind: one of `KINDS`.
        data: the jobs learned from.
        label_source: one of `LABEL_SOURCES`.
        seed: seed of the training.
        metrics: figures by name; NaN is written as null. Figures of several models are mappings by model.
    """

    kind: str
    data: TrainingData
    label_source: str
    seed: int = 0
    metrics: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Manifest:
    """The manifest of a bundle.

    Attributes:
        meta: kind, training data, labels, seed and metrics.
        model: name of the model.
        features: the features that it reads, in order.
        samples: values of these features for a made-up log (`wattq.surrogates.feature_probe`); none for ``energy``.
        versions: versions of wattq and of the libraries that made it.
        state: values of the model that are no arrays.
        arrays: sha256 of each array's bytes, by name.
        digest: sha256 of all this; another content has another digest.
    """

    meta: BundleMeta
    model: str
    features: tuple[str, ...]
    versions: Mapping[str, str]
    state: Mapping[str, Any]
    arrays: Mapping[str, str]
    samples: Mapping[str, Sequence[float | None]] = field(default_factory=dict)
    digest: str = ""


def submission_date(data: TrainingData, at_s: float | None) -> str:
    """Return a date of the log in UTC, ``1996-09-23 12:00:00Z``; seconds without calendar, ``unknown`` without date."""
    if at_s is None:
        return "unknown"
    if data.unix_start_s is not None:
        try:
            return f"{datetime.datetime.fromtimestamp(data.unix_start_s + at_s, datetime.UTC):%Y-%m-%d %H:%M:%SZ}"
        except (OverflowError, ValueError, OSError):
            pass
    return f"{at_s:,.0f} s"


def versions_here() -> dict[str, str]:
    """Return the versions of wattq and of the libraries that train models here."""
    return {"wattq": __version__} | {name: importlib.metadata.version(name) for name in _LIBRARIES}


def signed(manifest: Manifest) -> Manifest:
    """Return the manifest with its digest."""
    return Manifest(**{**vars(manifest), "digest": digest_of(_document(manifest), error=SurrogateError)})


def manifest_bytes(manifest: Manifest) -> bytes:
    """Return the manifest as JSON: sorted keys, no NaN, the same bytes for the same content.

    Raises:
        SurrogateError: when the state or the metrics hold what JSON does not.
    """
    return object_text({**_document(manifest), "digest": manifest.digest}, error=SurrogateError)


def parse_manifest(data: bytes, place: str) -> Manifest:
    """Return the manifest of JSON bytes; every key is there, no other is, and the digest is that of the content.

    Raises:
        SurrogateError: the format version is another one, a key is missing, unknown or has a value against its rule,
            or the content was changed.
    """
    document = parse_object(data, place, error=SurrogateError)
    if document.get("format") != FORMAT or document.get("format_version") != FORMAT_VERSION:
        raise SurrogateError(
            f"{place}: format {shown(document.get('format'))}, version {shown(document.get('format_version'))}; "
            f"this wattq ({__version__}) reads '{FORMAT}' version {FORMAT_VERSION}; train the model again with it"
        )
    for key, problem in _problems(document):
        raise SurrogateError(f"{place}, key '{key}': {problem}; {_AGAIN}")
    if object_text(document, error=SurrogateError) != data or document["digest"] != digest_of(
        document, error=SurrogateError
    ):
        raise SurrogateError(f"{place}, key 'digest': the content is not what was written; {_AGAIN}")
    data_part = TrainingData(**document["data"])
    meta = BundleMeta(**{name: document[name] for name in ("kind", "label_source", "seed", "metrics")}, data=data_part)
    rest = {name: document[name] for name in ("model", "versions", "state", "arrays", "samples", "digest")}
    return Manifest(meta=meta, features=tuple(document["features"]), **rest)


def _document(manifest: Manifest) -> dict[str, Any]:
    meta = asdict(manifest.meta)
    own = {name: dict(getattr(manifest, name)) for name in ("versions", "state", "arrays", "samples")}
    head = {"format": FORMAT, "format_version": FORMAT_VERSION, "model": manifest.model}
    metrics = {"metrics": _without_nan(meta.pop("metrics"))}
    return head | meta | own | metrics | {"features": list(manifest.features)}


def _without_nan(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _without_nan(inner) for key, inner in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


_WORD = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
_FEATURE = re.compile(r"[a-z][a-z0-9_]{0,59}")
_RULES: dict[str, Rule] = {
    "format": (lambda value: value == FORMAT, repr(FORMAT)),
    "format_version": (lambda value: type(value) is int and value == FORMAT_VERSION, str(FORMAT_VERSION)),
    "kind": (lambda value: value in KINDS, " or ".join(KINDS)),
    "model": (lambda value: isinstance(value, str) and bool(_WORD.fullmatch(value)), "a name of a model"),
    "features": (
        lambda value: (
            isinstance(value, list)
            and len(value) < 1000
            and all(isinstance(name, str) and _FEATURE.fullmatch(name) for name in value)
            and len(set(value)) == len(value)
        ),
        "names of features, each once",
    ),
    "label_source": (lambda value: value in LABEL_SOURCES, "one of " + ", ".join(LABEL_SOURCES)),
    "seed": (lambda value: type(value) is int and 0 <= value < 2**63, "a whole number from 0"),
    "metrics": OBJECT,
    "state": OBJECT,
    "versions": TEXTS,
    "arrays": DIGESTS,
    "samples": (
        lambda value: (
            isinstance(value, dict)
            and all(
                isinstance(values, list) and all(v is None or is_number(v) for v in values) for values in value.values()
            )
        ),
        "lists of numbers by name",
    ),
    "digest": DIGEST,
    "data": OBJECT,
}
_DATA_RULES: dict[str, Rule] = {
    "source": (lambda value: isinstance(value, str), "a text"),
    "sha256": DIGEST,
    "synthetic": (lambda value: isinstance(value, bool), "true or false"),
    "jobs": (lambda value: type(value) is int and 0 < value < 10**12, "a whole number from 1"),
    "first_submit_s": MAYBE_NUMBER,
    "last_submit_s": MAYBE_NUMBER,
    "until_s": MAYBE_NUMBER,
    "unix_start_s": MAYBE_NUMBER,
}


def _problems(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield key and problem of what is against the rules; the kind first, since other kinds have other keys."""
    if "kind" in document:
        yield from broken({"kind": document["kind"]}, {"kind": _RULES["kind"]})
    yield from broken(document, _RULES)
    yield from broken(document["data"], _DATA_RULES, "data.")
