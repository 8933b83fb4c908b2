"""The file of a learned policy: there and back, and what is refused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wattq.bundles.archive import pack, unpack
from wattq.errors import LearningError, MissingFileError, SurrogateError
from wattq.platforms import load_platform
from wattq.schedulers.rl.backfill.config import Options
from wattq.schedulers.rl.backfill.learned import backfill_policy, backfill_shape, check_fits, load_backfill
from wattq.schedulers.rl.model_file import Learned, learned_bytes, load_learned, parse_learned, save_learned
from wattq.schedulers.rl.network import Network, NetworkShape

OPTIONS = Options(window=3, hold_s=(600.0,), sleep=True, cap_w=9000.0)


@pytest.fixture(scope="module")
def learned(drawn: Callable[..., Network]) -> Learned:
    """A policy of the task backfill."""
    network = drawn("slots", backfill_shape(OPTIONS, 2))
    return backfill_policy(network, OPTIONS, load_platform("kth-sp2"), signals=("carbon",), card={"seed": 7})


@pytest.fixture(scope="module")
def other(drawn: Callable[..., Network]) -> Learned:
    """A policy of another task."""
    return Learned("sc20", drawn("slots", NetworkShape(0, 4, 2, 1)), ("wait", "area"))


def changed(data: bytes, change: Callable[[dict[str, Any]], object], *, sign: bool = True) -> bytes:
    """Return a file with another manifest, with a digest that fits."""
    members = unpack(data, "f")
    document = json.loads(members["manifest.json"])
    change(document)
    if sign:
        document.pop("digest", None)
        text = json.dumps(document, indent=1, sort_keys=True) + "\n"
        document["digest"] = hashlib.sha256(text.encode()).hexdigest()
    members["manifest.json"] = (json.dumps(document, indent=1, sort_keys=True) + "\n").encode()
    return pack(members)


def test_there_and_back(learned: Learned, tmp_path: Path) -> None:
    path = tmp_path / "p.wattq"
    saved = save_learned(path, learned)
    again = load_learned(path, task="backfill")
    assert path.read_bytes() == learned_bytes(learned)
    assert learned_bytes(again) == learned_bytes(learned)
    assert again.digest == saved.digest
    assert (again.task, again.signals, again.card) == ("backfill", ("carbon",), {"seed": 7})
    assert again.observation == learned.observation
    assert again.network.shape == learned.network.shape
    x = np.random.default_rng(0).uniform(-1, 1, (4, learned.network.shape.inputs))
    assert np.array_equal(again.network.logits(x), learned.network.logits(x))
    assert set(again.versions) == {"wattq", "numpy", "numba"}
    _, options, around = load_backfill(path)
    assert options == replace(OPTIONS, states=(0, 1))
    assert (around.n_computing, around.calendar, around.speed[1]) == (2, True, (0.75, 0.75))


def test_other_tasks_are_kept_too(other: Learned, tmp_path: Path) -> None:
    save_learned(tmp_path / "p.wattq", other)
    assert load_learned(tmp_path / "p.wattq").network.shape == NetworkShape(0, 4, 2, 1)
    with pytest.raises(LearningError, match="a policy for the task 'sc20', where one for 'backfill' is needed"):
        load_learned(tmp_path / "p.wattq", task="backfill")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(format_version=2), r"version 2; this wattq .* reads 'wattq bundle' version 1; train"),
        (lambda d: d.update(kind="runtime"), "of kind 'runtime', where a learned policy is needed"),
        (lambda d: d.update(task="chess"), "key 'task': 'chess' is not one of backfill, eco, node-power, sc20"),
        (lambda d: d.update(more=1), "key 'more': unknown"),
        (lambda d: d.pop("card"), "key 'card': missing"),
        (lambda d: d.update(signals=["price", "carbon"]), "key 'signals'"),
        (lambda d: d.update(signals="carbon"), "key 'signals'"),
        (lambda d: d.update(observation=["a", "a"]), "key 'observation': .* is not names, each once"),
        (lambda d: d.update(observation=["a"]), "1 names for 69 numbers about the whole and 15 features"),
        (lambda d: d["network"].update(architecture="deep"), "key 'network.architecture'"),
        (lambda d: d["network"].update(slots=-1), "key 'network.slots'"),
        (lambda d: d["network"].update(slots=2.0), "key 'network.slots'"),
        (lambda d: d["network"].update(slots=10**9), r"network, shape .* whole numbers from 0 to 16,384"),
        (lambda d: d["network"].update(blocks=[3]), "by turns ways of a slot"),
        (lambda d: d["network"].update(blocks="3"), "key 'network.blocks'"),
        (lambda d: d["network"].update(globals_=60, features=24), "part 'other', layer 0"),
        (lambda d: d["arrays"].pop("slot.bias0"), "members where the manifest lists"),
        (lambda d: d["arrays"].update({"slot.bias0": "0" * 64}), "array 'slot.bias0': not the bytes"),
    ],
)
def test_a_manifest_against_the_rules(
    learned: Learned, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    data = changed(learned_bytes(learned), change)
    with pytest.raises(LearningError, match=message) as caught:
        parse_learned(data, "p.wattq")
    assert str(caught.value).startswith("p.wattq")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d["options"].update(window=4), r"12 actions; an agent with its options \(window 4\) sees"),
        (lambda d: d["options"].update(window="3"), "key 'options.window': '3' is not a whole number"),
        (lambda d: d["options"].update(window=1000), "option window: 1000; give a number of slots"),
        (lambda d: d["options"].update(states=[0]), "chooses from"),
        (lambda d: d["options"].update(states=[0, 0]), "key 'options.states'"),
        (lambda d: d["options"].update(states=None), "key 'options.states'"),
        (lambda d: d["options"].update(backfill="none"), "option backfill"),
        (lambda d: d["options"].update(hold_s=[1e9]), "option hold_s"),
        (lambda d: d["options"].update(sleep=1), "key 'options.sleep'"),
        (lambda d: d["options"].pop("cap_w"), "key 'options.cap_w': missing"),
        (lambda d: d["options"].update(extra=0), "key 'options.extra': unknown"),
        (lambda d: d["observation"].__setitem__(0, "moon"), "not the 84 numbers that this version shows"),
        (lambda d: d["machine"].update(states=[]), r"key 'machine.states': \(\), and the options name \(0, 1\)"),
        (lambda d: d["machine"].update(states=[1]), "key 'machine.states'"),
        (lambda d: d["machine"]["states"][0].pop("state"), "key 'machine.states.state': missing"),
        (lambda d: d["machine"]["states"][0].update(relative_speed=[2, 1]), "key 'machine.states.relative_speed'"),
        (lambda d: d["machine"].pop("calendar"), "key 'machine.calendar': missing"),
    ],
)
def test_a_policy_of_another_environment(
    learned: Learned, tmp_path: Path, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    path = tmp_path / "p.wattq"
    path.write_bytes(changed(learned_bytes(learned), change))
    with pytest.raises(LearningError, match=message):
        load_backfill(path)


def test_options_and_machine_are_compared(learned: Learned) -> None:
    platform = load_platform("kth-sp2")
    check_fits(learned, OPTIONS, platform, "p")
    check_fits(learned, replace(OPTIONS, states=(0, 1)), platform, "p")
    with pytest.raises(LearningError, match="p: learned with option window 3, and the environment has 16"):
        check_fits(learned, replace(OPTIONS, window=16), platform, "p")
    with pytest.raises(LearningError, match=r"option states \(0, 1\), and the environment has \(0,\)"):
        check_fits(learned, replace(OPTIONS, states=(0,)), platform, "p")
    with pytest.raises(LearningError, match="an agent with its options"):
        backfill_policy(learned.network, replace(OPTIONS, window=2), platform)


def test_changes_are_noticed(learned: Learned) -> None:
    data = changed(learned_bytes(learned), lambda d: d["card"].update(seed=8), sign=False)
    with pytest.raises(LearningError, match="key 'digest': the content is not what was written"):
        parse_learned(data, "p.wattq")
    whole = learned_bytes(learned)
    for length in range(0, len(whole), 97):
        with pytest.raises(LearningError):
            parse_learned(whole[:length], "p.wattq")


def test_files_of_others(learned: Learned, tmp_path: Path) -> None:
    from wattq.surrogates.bundle import load_bundle

    with pytest.raises(LearningError, match=r"ends with \.wattq; call it p\.wattq"):
        save_learned(tmp_path / "p.zip", learned)
    with pytest.raises(LearningError, match="a value that JSON does not hold"):
        save_learned(tmp_path / "p.wattq", replace(learned, card={"a": np.zeros(2)}))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(MissingFileError, match=r"cannot be read .* `wattq rl train`"):
        load_learned(tmp_path / "p.wattq")
    save_learned(tmp_path / "p.wattq", learned)
    with pytest.raises(SurrogateError, match="key 'kind': 'policy' is not runtime or energy"):
        load_bundle(tmp_path / "p.wattq")
