"""Mutated bundles: each gives a model that predicts, or a WattqError, also when its digests were made to fit."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import random
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

_FOLDER = Path(__file__).resolve().parent
_RUNTIME = ("requested", "last-two", "user-quantiles", "similar", "forest", "boosting", "quantile-boosting", "blend")
_ENERGY = ("nominal", "application-mean", "regression")
_NUMBERS = (-1, 0, 1, 2**31 - 1, -(2**31), 2**63 - 1, 10**6, 0.5, -0.0, 1e308, 1e-320, float("nan"), float("inf"))
_TYPES = ("i1", "u1", "i2", "i4", "i8", "u8", "f4", "f8", "?")


@pytest.fixture(scope="module")
def mutations() -> ModuleType:
    """The mutations of the other inputs."""
    spec = importlib.util.spec_from_file_location("mutations", _FOLDER / "test_mutated_inputs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A bundle of each model."""
    from wattq.surrogates import read_jobs, train_runtime
    from wattq.surrogates.bundle import bundle_bytes
    from wattq.surrogates.energy import synthetic_labels
    from wattq.surrogates.energy.training import train_energy
    from wattq.workloads import generate_saturated, write_swf

    log = tmp_path_factory.mktemp("log") / "log.swf"
    write_swf(generate_saturated(120, 16, 1), log)
    jobs, outcomes = read_jobs(log)
    found = {}
    for name in _RUNTIME:
        trained = train_runtime(name, jobs, outcomes)
        found[name] = bundle_bytes(trained.model, trained.meta)
        meta = trained.meta
    found["gnn"] = bundle_bytes(untrained_network(), meta)
    labels = synthetic_labels(jobs, outcomes, seed=1)
    for name in _ENERGY:
        energy = train_energy(labels, name)
        found[name] = bundle_bytes(energy.model, energy.meta)
    return found


def untrained_network() -> Any:
    """Return the graph neural network with made-up weights: training it needs torch, asking it does not."""
    from wattq.surrogates import MODELS
    from wattq.surrogates.gnn import weight_shapes

    network, width = MODELS["gnn"], 4
    told = {"seed": 0, "width": width, "epochs": 1, "most": 100, "price": 0.2, "scale_s": 600.0}
    draw, count = np.random.default_rng(2), len(network.restore({}, told).needs)
    shapes = weight_shapes(width) | {"mean": (count,), "spread": (count,)}
    weights = {name: np.abs(draw.normal(0.5, 0.2, shape)).astype(np.float32) for name, shape in shapes.items()}
    return network.restore(weights, told)


def use(data: bytes) -> None:
    """Load a bundle and ask its model."""
    from wattq.surrogates.bundle import parse_bundle
    from wattq.surrogates.bundle_text import manifest_json, manifest_lines
    from wattq.surrogates.energy import EnergyJobs

    bundle = parse_bundle(data, "mutated.wattq")
    manifest_lines(bundle.manifest)
    manifest_json(bundle.manifest)
    with np.errstate(all="ignore"):
        if bundle.kind == "energy":
            jobs = EnergyJobs.of([1, 2], frequency_ghz=[2.0, np.nan], application=["a", ""], user=["1", "2"])
            assert len(bundle.model.predict(jobs).point_w) == 2
            return
        x = np.random.default_rng(1).normal(0, 1e4, (6, len(bundle.model.needs))).astype(np.float32)
        x[3:, ::2] = np.nan
        x[5] = np.nan
        assert bundle.model.predict(x).n_jobs == 6


def signed_again(members: dict[str, bytes], document: dict[str, Any]) -> bytes:
    """Return the bundle of some members, with digests that fit."""
    from wattq.bundles.archive import pack

    document["arrays"] = {
        name.removesuffix(".npy"): hashlib.sha256(data).hexdigest()
        for name, data in members.items()
        if name.endswith(".npy")
    }
    document.pop("digest", None)
    text = json.dumps(document, indent=1, sort_keys=True) + "\n"
    document["digest"] = hashlib.sha256(text.encode()).hexdigest()
    rest = {name: data for name, data in members.items() if name != "manifest.json"}
    return pack({"manifest.json": (json.dumps(document, indent=1, sort_keys=True) + "\n").encode(), **rest})


def with_other_numbers(array: np.ndarray[Any, Any], rng: random.Random) -> np.ndarray[Any, Any]:
    """Return an array with some numbers, its length, its shape or its type changed."""
    changed, kind = array.copy(), rng.randrange(8)
    with np.errstate(all="ignore"):
        if kind <= 3 and changed.size:
            for _ in range(rng.choice((1, 1, 5))):
                value = np.asarray(rng.choice(_NUMBERS))
                changed.reshape(-1)[rng.randrange(changed.size)] = value.astype(changed.dtype)
        elif kind == 4:
            changed = changed[: rng.randrange(len(changed) + 1)] if changed.ndim else changed
        elif kind == 5:
            changed = np.concatenate([changed, changed]) if changed.ndim else changed
        elif kind == 6:
            changed = changed.reshape(1, -1)
        else:
            changed = changed.astype(rng.choice(_TYPES))
    return changed


@pytest.mark.fuzz
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["last-two", "similar", "regression"])
def test_mutated_bytes(mutations: ModuleType, bundles: dict[str, bytes], name: str) -> None:
    data = bundles[name]

    def make(rng: random.Random) -> bytes:
        # one in ten stays whole, so that some are taken
        return data if rng.random() < 0.1 else bytes(mutations._mutated(data, rng))

    mutations._run(f"bundle-{name}", 0.005, make, lambda changed, rng: use(changed))


@pytest.mark.fuzz
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [*_RUNTIME, "gnn", *_ENERGY])
def test_mutated_content_with_digests_that_fit(mutations: ModuleType, bundles: dict[str, bytes], name: str) -> None:
    from wattq.bundles.archive import unpack
    from wattq.bundles.arrays import array_bytes, bytes_array

    parts = unpack(bundles[name], name)
    document = parts.pop("manifest.json")
    arrays = sorted(parts)

    def make(rng: random.Random) -> bytes:
        members, told = dict(parts), json.loads(document)
        if arrays and rng.random() < 0.7:
            for chosen in rng.sample(arrays, min(len(arrays), rng.choice((1, 1, 2)))):
                members[chosen] = array_bytes(chosen, with_other_numbers(bytes_array(members[chosen], chosen), rng))
        else:
            key = rng.choice(("state", "state", "features", "samples", "data", "metrics"))
            held = json.dumps({key: told[key]}).encode()
            told[key] = json.loads(mutations._mutated_document(held, rng)).get(key, told[key])
        return signed_again(members, told)

    mutations._run(f"signed-{name}", 0.003, make, lambda changed, rng: use(changed))
