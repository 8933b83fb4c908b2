"""Mutated files of learned policies: each gives a policy that chooses, or a WattqError; also when its digests fit."""

from __future__ import annotations

import importlib.util
import json
import random
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

_FOLDER = Path(__file__).resolve().parent


def _module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, _FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def mutations() -> ModuleType:
    """The mutations of the other inputs."""
    return _module("test_mutated_inputs")


@pytest.fixture(scope="module")
def bundles() -> ModuleType:
    """Those of bundles."""
    return _module("test_mutated_bundles")


@pytest.fixture(scope="module")
def policy() -> bytes:
    """The file of a small policy."""
    from wattq.platforms import load_platform
    from wattq.schedulers.rl.backfill.config import Options
    from wattq.schedulers.rl.backfill.learned import backfill_policy, backfill_shape
    from wattq.schedulers.rl.model_file import learned_bytes
    from wattq.schedulers.rl.network import Network

    options = Options(window=2, hold_s=(60.0,))
    shape = backfill_shape(options, 2)
    parts = {"slot": (shape.globals_ + shape.features, 3), "other": (shape.globals_, 1)}
    rng = np.random.default_rng(3)
    arrays = {}
    for part, (inputs, outputs) in parts.items():
        for k, size in enumerate(((inputs, 4), (4, outputs))):
            arrays[f"{part}.weight{k}"] = rng.normal(0, 1, size).astype(np.float32)
            arrays[f"{part}.bias{k}"] = rng.normal(0, 1, size[1]).astype(np.float32)
    network = Network.from_arrays("slots", shape, arrays)
    return learned_bytes(backfill_policy(network, options, load_platform("kth-sp2"), card={"seed": 1}))


def use(data: bytes, folder: Path) -> None:
    """Load a policy and ask it, then make the scheduler of it."""
    from wattq.schedulers import make_policy
    from wattq.schedulers.rl.model_file import parse_learned

    learned = parse_learned(data, "mutated.wattq")
    shape = learned.network.shape
    x = np.random.default_rng(1).uniform(-1, 1, (3, shape.inputs))
    assert all(0 <= action < shape.actions for action in learned.network.choose_many(x))
    path = folder / "mutated.wattq"
    path.write_bytes(data)
    make_policy("rl", {"model": str(path)})


@pytest.mark.fuzz
@pytest.mark.filterwarnings("ignore")
def test_mutated_bytes(mutations: ModuleType, policy: bytes, tmp_path: Path) -> None:
    def make(rng: random.Random) -> bytes:
        # one in ten stays whole, so that some are taken
        return policy if rng.random() < 0.1 else bytes(mutations._mutated(policy, rng))

    mutations._run("policy", 0.005, make, lambda changed, rng: use(changed, tmp_path))


@pytest.mark.fuzz
@pytest.mark.filterwarnings("ignore")
def test_mutated_content_with_digests_that_fit(
    mutations: ModuleType, bundles: ModuleType, policy: bytes, tmp_path: Path
) -> None:
    from wattq.bundles.archive import unpack
    from wattq.bundles.arrays import array_bytes, bytes_array

    parts = unpack(policy, "policy")
    document = parts.pop("manifest.json")
    arrays = sorted(parts)

    def make(rng: random.Random) -> bytes:
        members, told = dict(parts), json.loads(document)
        if rng.random() < 0.5:
            chosen = rng.choice(arrays)
            array = bundles.with_other_numbers(bytes_array(members[chosen], chosen), rng)
            members[chosen] = array_bytes(chosen, array)
        else:
            key = rng.choice(("network", "network", "options", "options", "machine", "observation", "signals", "card"))
            held = json.dumps({key: told[key]}).encode()
            told[key] = json.loads(mutations._mutated_document(held, rng)).get(key, told[key])
        return bytes(bundles.signed_again(members, told))

    mutations._run("signed-policy", 0.003, make, lambda changed, rng: use(changed, tmp_path))
