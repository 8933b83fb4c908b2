"""Bundles: what goes in comes out, the same bytes for the same content, and nothing hostile gets through."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from wattq.bundles.archive import pack, unpack
from wattq.bundles.arrays import array_bytes, bytes_array
from wattq.errors import InvalidInputError, MissingFileError, SurrogateError, WattqError
from wattq.surrogates import bundle_models
from wattq.surrogates.bundle import bundle_bytes, load_bundle, parse_bundle, read_manifest, save_bundle
from wattq.surrogates.bundle_manifest import BundleMeta, TrainingData, manifest_bytes, parse_manifest, signed
from wattq.surrogates.bundle_text import manifest_lines

DATA = TrainingData("log.swf", "0" * 64, False, 3, 0.0, 7200.0, until_s=9000.0, unix_start_s=843_436_800.0)
META = BundleMeta("runtime", DATA, "log", 7, {"model": {"mae_s": 12.5, "r2": float("nan")}})


class Weights:
    """A model that multiplies."""

    name = "weights"

    def __init__(self, weights: np.ndarray[Any, Any], needs: tuple[str, ...] = ("request_s", "hosts"), power: int = 1):
        self.weights, self.needs, self.power = weights, needs, power

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return {"weights": self.weights}, {"power": self.power, "needs": list(self.needs)}

    @classmethod
    def restore(cls, arrays: Mapping[str, Any], meta: Mapping[str, Any]) -> Weights:
        if arrays["weights"].ndim != 1:
            raise SurrogateError("array 'weights': one row is expected")
        return cls(arrays["weights"], tuple(meta["needs"]), int(meta["power"]))


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle_models, "known_models", lambda kind: {"weights": Weights} if kind == "runtime" else {})
    monkeypatch.setattr(bundle_models, "known_features", lambda kind: ("hosts", "request_s", "hour"))


def model() -> Weights:
    return Weights(np.array([1.5, -2.0, np.nan, np.inf]))


def changed(data: bytes, change: Callable[[dict[str, Any]], object], *, sign: bool = True) -> bytes:
    """Return a bundle whose manifest was edited, signed again unless told otherwise."""
    members = unpack(data, "b")
    document = json.loads(members["manifest.json"])
    change(document)
    if sign:
        rest = {key: value for key, value in document.items() if key != "digest"}
        text = json.dumps(rest, indent=1, sort_keys=True) + "\n"
        document["digest"] = hashlib.sha256(text.encode()).hexdigest()
    members["manifest.json"] = (json.dumps(document, indent=1, sort_keys=True) + "\n").encode()
    return pack(members)


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "m.wattq"
    written = save_bundle(path, model(), META)
    bundle = load_bundle(path, kind="runtime")
    assert bundle.model.weights.tolist()[:2] == [1.5, -2.0]
    assert np.isnan(bundle.model.weights[2])
    assert bundle.kind == "runtime"
    assert bundle.manifest == written == read_manifest(path)
    assert bundle.manifest.features == ("request_s", "hosts")
    assert bundle.manifest.meta.data == DATA
    assert bundle.manifest.meta.metrics == {"model": {"mae_s": 12.5, "r2": None}}
    assert set(bundle.manifest.versions) == {"wattq", "numpy", "numba", "scikit-learn"}
    assert [entry.name for entry in path.parent.iterdir()] == ["m.wattq"]


def test_the_same_model_gives_the_same_bytes(tmp_path: Path) -> None:
    one, two = tmp_path / "one.wattq", tmp_path / "two.wattq"
    save_bundle(one, model(), META)
    save_bundle(two, load_bundle(one).model, META)
    assert one.read_bytes() == two.read_bytes()
    with zipfile.ZipFile(one) as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert archive.namelist() == ["manifest.json", "weights.npy"]


@settings(deadline=None, max_examples=60)
@given(
    hnp.arrays(
        st.sampled_from(["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"]),
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0),
    )
)
def test_arrays_go_there_and_back(array: np.ndarray[Any, Any]) -> None:
    data = array_bytes("a", array)
    again = bytes_array(data, "a")
    assert again.dtype == array.dtype
    assert again.shape == array.shape
    assert again.tobytes() == array.tobytes()
    assert np.load(io.BytesIO(data), allow_pickle=False).tobytes() == array.tobytes()


@pytest.mark.parametrize("array", [np.array(["a"]), np.array([{}]), np.array([1j]), np.zeros((1,) * 9)])
def test_arrays_of_anything_but_numbers_are_refused(array: np.ndarray[Any, Any]) -> None:
    with pytest.raises(InvalidInputError, match="array 'a'"):
        array_bytes("a", array)


def test_a_transposed_array_keeps_its_values() -> None:
    array = np.arange(6.0).reshape(2, 3).T
    assert bytes_array(array_bytes("a", array), "a").tolist() == array.tolist()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"'<f8'", b"'|O8'"),
        (b"(2,)", b"(3,)"),
        (b"(2,)", b"(999999999999,)"),
        (b"False", b"True "),
        (b"\x01\x00", b"\x02\x00"),
        (b"'shape'", b"'shade'"),
    ],
)
def test_other_headers_are_refused(old: bytes, new: bytes) -> None:
    data = array_bytes("a", np.zeros(2))
    with pytest.raises(InvalidInputError, match="place"):
        bytes_array(data.replace(old, new, 1), "place")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(format_version=2), r"version 2; this wattq .* reads 'wattq bundle' version 1"),
        (lambda d: d.update(format="zip"), "format 'zip'"),
        (lambda d: d.update(kind="time"), "key 'kind': 'time' is not runtime or energy"),
        (lambda d: d.update(model="other"), "'other' is no runtime model of this version; known: weights"),
        (lambda d: d.update(model="os.system"), "key 'model'"),
        (lambda d: d.update(features=["request_s", "host"]), "host: not built by this version .nearest: hosts"),
        (lambda d: d.update(features=["hosts", "request_s"]), "does not read the 2 features"),
        (lambda d: d.update(features=["hosts"] * 2), "names of features, each once"),
        (lambda d: d.update(label_source="guess"), "key 'label_source'"),
        (lambda d: d["samples"]["hosts"].__setitem__(1, 3.5), "key 'samples': hosts: built otherwise by this version"),
        (lambda d: d["samples"]["request_s"].pop(), "key 'samples': request_s: built otherwise by this version"),
        (lambda d: d["samples"].pop("request_s"), "key 'samples': request_s: built otherwise by this version"),
        (lambda d: d["samples"].update(hosts=["a"]), "is not lists of numbers by name"),
        (lambda d: d.update(seed=-1), "key 'seed'"),
        (lambda d: d.update(seed=True), "key 'seed'"),
        (lambda d: d.update(more=1), "key 'more': unknown"),
        (lambda d: d.pop("versions"), "key 'versions': missing"),
        (lambda d: d["data"].pop("jobs"), "key 'data.jobs': missing"),
        (lambda d: d["data"].update(jobs=0), "key 'data.jobs': 0 is not a whole number from 1"),
        (lambda d: d["data"].update(sha256="x"), "key 'data.sha256'"),
        (lambda d: d["state"].pop("power"), "do not fit it .KeyError"),
        (lambda d: d["state"].update(power=[]), "do not fit it .TypeError"),
        (lambda d: d["arrays"].update(weights="0" * 64), "array 'weights': not the bytes"),
        (lambda d: d["arrays"].update(more="0" * 64), "1 members where the manifest lists 2"),
    ],
)
def test_a_manifest_against_the_rules_is_refused(change: Callable[[dict[str, Any]], object], message: str) -> None:
    data = changed(bundle_bytes(model(), META), change)
    with pytest.raises(SurrogateError, match=message):
        parse_bundle(data, "m.wattq")


def test_what_is_shown_steers_no_terminal() -> None:
    def put(document: dict[str, Any]) -> None:
        document["data"]["source"] = "\x1b[2Jlog"
        document["metrics"] = {"held_out": {"\x1b]0;a\x07": {"mae_s": 1.0}}, "held_out_jobs": 3}

    lines = manifest_lines(parse_bundle(changed(bundle_bytes(model(), META), put), "b").manifest)
    assert all(line.isprintable() for line in lines)
    assert "log        ?[2Jlog" in lines


def test_changed_metrics_are_noticed() -> None:
    data = changed(bundle_bytes(model(), META), lambda d: d["metrics"]["model"].update(mae_s=1.0), sign=False)
    with pytest.raises(SurrogateError, match="key 'digest': the content is not what was written"):
        parse_bundle(data, "m.wattq")


def test_a_manifest_has_one_form_only() -> None:
    members = unpack(bundle_bytes(model(), META), "b")
    members["manifest.json"] = members["manifest.json"].replace(b"{\n", b"{ \n", 1)
    with pytest.raises(SurrogateError, match="digest"):
        parse_bundle(pack(members), "b")


def test_other_arrays_are_refused() -> None:
    members = unpack(bundle_bytes(model(), META), "b")
    members["weights.npy"] = array_bytes("weights", np.zeros(4))
    with pytest.raises(SurrogateError, match="array 'weights': not the bytes that were written"):
        parse_bundle(pack(members), "b")


def test_what_the_model_refuses_names_the_file() -> None:
    with pytest.raises(SurrogateError, match=r"^m.wattq: array 'weights': one row is expected"):
        parse_bundle(bundle_bytes(Weights(np.zeros((2, 2))), META), "m.wattq")


def test_the_kind_must_be_the_one_asked_for(tmp_path: Path) -> None:
    save_bundle(tmp_path / "m.wattq", model(), META)
    with pytest.raises(SurrogateError, match="of kind 'runtime', where one of kind 'energy' is needed"):
        load_bundle(tmp_path / "m.wattq", kind="energy")


def test_only_what_can_be_loaded_is_saved(tmp_path: Path) -> None:
    with pytest.raises(SurrogateError, match=r"ends with .wattq; call it m.wattq"):
        save_bundle(tmp_path / "m.zip", model(), META)
    with pytest.raises(SurrogateError, match="nearest"):
        save_bundle(tmp_path / "m.wattq", Weights(np.zeros(1), ("host",)), META)
    with pytest.raises(SurrogateError, match="a value that JSON does not hold"):
        save_bundle(tmp_path / "m.wattq", model(), dataclasses.replace(META, metrics={"a": np.zeros(2)}))
    with pytest.raises(SurrogateError, match="key 'label_source'"):
        save_bundle(tmp_path / "m.wattq", model(), dataclasses.replace(META, label_source="x"))
    assert list(tmp_path.iterdir()) == []


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="cannot be read"):
        load_bundle(tmp_path / "none.wattq")
    with pytest.raises(MissingFileError, match="cannot be read"):
        load_bundle("a\0b")


def archive(*members: tuple[str, bytes], kind: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", kind) as zipped:
        for name, data in members:
            zipped.writestr(name, data)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a bundle, or a damaged one"),
        (b"\x1f\x8b" + bytes(40), "not a bundle, or a damaged one"),
        (archive(("../manifest.json", b"{}")), "not a name that a bundle may hold"),
        (archive(("/etc/passwd", b"{}")), "not a name that a bundle may hold"),
        (archive(("a/b", b"{}")), "not a name that a bundle may hold"),
        (archive(("manifest.json", bytes(10**7)), kind=zipfile.ZIP_DEFLATED), "bundles hold members plain"),
        (archive(("manifest.json", b"[]")), "not the JSON of a manifest"),
        (archive(("manifest.json", b"[" * 10**5)), "not the JSON of a manifest"),
        (archive(("manifest.json", b"9" * 10**4)), "not the JSON of a manifest"),
        (archive(("manifest.json", b"{}")), "format None, version None"),
        (archive(("other.json", b"{}")), "holds no manifest.json"),
        (archive(*((f"a{n}", b"") for n in range(4097))), "at most 4096"),
    ],
)
def test_archives_that_are_no_bundles(data: bytes, message: str) -> None:
    with pytest.raises(SurrogateError, match=message):
        parse_bundle(data, "m.wattq")


def test_members_given_twice_are_refused() -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        data = archive(("manifest.json", b"{}"), ("manifest.json", b"{}"))
    with pytest.raises(SurrogateError, match="each is there once"):
        parse_bundle(data, "m.wattq")


def test_overlapping_members_are_refused() -> None:
    """Entries that all point at one big member claim more bytes than the file has."""
    data = bytearray(archive(("a", bytes(5000)), ("b", bytes(10))))
    place = data.rfind(b"PK\x01\x02")
    data[place + 16 : place + 28] = data[data.find(b"PK\x01\x02") + 16 : data.find(b"PK\x01\x02") + 28]
    with pytest.raises(InvalidInputError, match=r"claim more bytes|damaged"):
        unpack(bytes(data), "m.wattq")


def test_a_truncated_bundle_is_refused() -> None:
    data = bundle_bytes(model(), META)
    for length in range(0, len(data), 7):
        with pytest.raises(SurrogateError):
            parse_bundle(data[:length], "m.wattq")


def test_a_name_that_the_archive_does_not_take() -> None:
    with pytest.raises(InvalidInputError, match="names in a bundle"):
        pack({"a/b": b""})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KEYS = (
    *(
        "kind",
        "model",
        "features",
        "samples",
        "label_source",
        "seed",
        "metrics",
        "state",
        "versions",
        "arrays",
        "data",
        "digest",
    ),
    *(("data", key) for key in ("source", "sha256", "jobs", "until_s", "unix_start_s")),
)


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(KEYS), JSON)
def test_any_value_of_a_manifest_is_taken_or_refused(key: str | tuple[str, str], value: object) -> None:
    def put(document: dict[str, Any]) -> None:
        if isinstance(key, tuple):
            document[key[0]][key[1]] = value
        else:
            document[key] = value

    try:
        bundle = parse_bundle(changed(bundle_bytes(model(), META), put), "m.wattq")
    except WattqError:
        return
    assert bundle.manifest == parse_manifest(manifest_bytes(bundle.manifest), "again")
    assert signed(bundle.manifest) == bundle.manifest
