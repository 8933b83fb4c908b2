"""A learned policy does the same in the environment, the engine and over Batsim's protocol, and keeps the contract."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import InvalidInputError, LearningError, MissingFileError, PolicyError
from wattq.platforms import ComputeState, SleepState, load_platform, make_platform
from wattq.platforms.model import Platform
from wattq.platforms.signals import Signal, write_signal
from wattq.schedulers import check_policy, make_policy
from wattq.schedulers.plugin import Bridge, Options
from wattq.schedulers.rl.backfill.config import Options as Agent
from wattq.schedulers.rl.backfill.scenario import Scenario
from wattq.schedulers.rl.backfill.windows import stretch_of
from wattq.schedulers.rl.network import Network
from wattq.simulator import Run, simulate
from wattq.simulator.conversation import converse
from wattq.workloads import read_workload
from wattq.workloads.batsim_json import parse_batsim_json
from wattq.workloads.model import Workload

Save = Callable[..., Network]
ORIGIN_S = 1_600_000_000.0
SHORT = (60.0, 600.0)


def machine(n: int, states: int = 2) -> Platform:
    compute = (ComputeState(1e9, 100.0, 200.0), ComputeState(0.75e9, 90.0, 150.0), ComputeState(0.5e9, 80.0, 110.0))
    return make_platform(n, compute[:states], (SleepState(10.0, 5.0, 125.0, 64.0, 115.0),))


def jobs_of(seed: int, n: int, hosts: int) -> Workload:
    """Draw jobs; some have no walltime, ask for too much, or outlive their walltime, and users differ."""
    draw = random.Random(seed)
    profiles = {
        f"p{k}": {"type": "parallel_homogeneous", "cpu": cpu * 1e9, "com": 0} for k, cpu in enumerate((5, 60, 700))
    }
    profiles["d"] = {"type": "delay", "delay": 40}
    rows, at = [], 0.0
    for k in range(n):
        at += draw.choice([0.0, 1.5, 20.0, 200.0])
        job = {"id": f"{k:03}", "subtime": at, "res": draw.choice([1, 1, 2, hosts, hosts + 1]), "user": k % 3}
        rows.append(job | {"profile": draw.choice(list(profiles))})
        if draw.random() < 0.8:
            rows[-1]["walltime"] = draw.choice([30, 100, 2000])
    document = {"nb_res": hosts, "jobs": rows, "profiles": profiles}
    return parse_batsim_json(json.dumps(document).encode(), "w0.json", name="w0")


def signal(quantity: str = "carbon") -> Signal:
    """Return 9 days of hourly values from a day before the origin."""
    start_s = ORIGIN_S - 86400.0 + 3600.0 * np.arange(216)
    value = 200.0 + 150.0 * np.sin(np.arange(216) / 5.0)
    unit = "g/kWh" if quantity == "carbon" else "EUR/MWh"
    return Signal(start_s=start_s, end_s=float(start_s[-1] + 3600.0), value=value, quantity=quantity, unit=unit)


def scenario(platform: Platform, work: Workload, options: Agent, **told: Any) -> Scenario:
    last_s = float(work.submit_s.max())
    return Scenario(platform, work, episode_s=last_s + 1.0, options=options, **{"drain_s": 1e7, **told})


def starts(ledger: Any) -> list[tuple[int, float]]:
    """Return state and date of start of each job that was started or rejected."""
    jobs = ledger.jobs
    return [(int(job["state"] == 7), float(job["start_s"])) for job in jobs]


def in_environment(played: Scenario, network: Network) -> list[tuple[int, float]]:
    """Let a network decide in the environment and return what became of the jobs."""
    pytest.importorskip("gymnasium")
    from wattq.schedulers.rl.backfill.env import BackfillEnv

    env = BackfillEnv(played)
    x, _ = env.reset(options={"episode": 0})
    over = False
    while not over:
        x, _, over, _, _ = env.step(network.choose(x, env.action_masks()))
    return starts(env.ledger)


def over_protocol(platform: Platform, work: Workload, params: dict[str, Any]) -> Run:
    """Play by messages, with arrays that grow."""
    bridge = Bridge(Options("rl", params), capacity=1)
    run = converse(platform, [work], bridge.reply, energy=True)
    assert not bridge.left_over()
    return run


def same_files(a: Run, b: Run) -> bool:
    return all(a.files()[name] == b.files()[name] for name in ("jobs.csv", "pstate_changes.csv"))


@settings(deadline=None, max_examples=12)
@given(
    seed=st.integers(0, 999),
    hosts=st.sampled_from([1, 5, 70]),
    options=st.builds(
        Agent,
        window=st.sampled_from([1, 3, 16]),
        states=st.sampled_from([None, (0,), (1, 0)]),
        backfill=st.sampled_from(["easy", "any"]),
        wait=st.booleans(),
        hold_s=st.sampled_from([(), SHORT]),
        max_hold_s=st.just(1200.0),
        sleep=st.booleans(),
    ),
    architecture=st.sampled_from(["flat", "slots"]),
    activation=st.sampled_from(["tanh", "relu"]),
)
def test_environment_engine_and_protocol_on_small_worlds(
    saved: Save,
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    hosts: int,
    options: Agent,
    architecture: str,
    activation: str,
) -> None:
    platform, work = machine(hosts), jobs_of(seed, 40, hosts)
    path = tmp_path_factory.mktemp("models") / "m.wattq"
    network = saved(path, platform, options, architecture=architecture, seed=seed, activation=activation)
    params = {"model": str(path)}
    try:
        run = simulate(platform, [work], make_policy("rl", params), energy=True)
    except PolicyError:  # it puts hosts to sleep and wakes them again and again
        with pytest.raises(PolicyError, match="ten thousand times without starting one"):
            over_protocol(platform, work, params)
        return
    assert same_files(run, over_protocol(platform, work, params))
    assert not run.deadlock
    with suppress(LearningError):  # there may be nothing to decide at all
        assert in_environment(scenario(platform, work, options), network) == starts(run.ledger)


@pytest.mark.parametrize("quantities", [("carbon",), ("price",), ("carbon", "price")])
def test_signals_are_seen_as_in_the_environment(saved: Save, tmp_path: Path, quantities: tuple[str, ...]) -> None:
    platform, work = machine(5), jobs_of(3, 60, 5)
    options = Agent(window=4, hold_s=(3600.0,))
    network = saved(tmp_path / "m.wattq", platform, options, signals=quantities, utc_offset_s=7200.0)
    told: dict[str, Any] = {}
    params: dict[str, Any] = {"model": str(tmp_path / "m.wattq"), "origin": ORIGIN_S, "forecast": "noisy:40", "seed": 5}
    for key, quantity in zip(("signal", "price"), quantities, strict=False):
        told[quantity] = signal(quantity)
        write_signal(told[quantity], tmp_path / f"{quantity}.csv")
        params[key] = str(tmp_path / f"{quantity}.csv")
    played = scenario(
        platform,
        work,
        options,
        origin_s=ORIGIN_S,
        utc_offset_s=7200.0,
        forecast="noisy:40",
        seed=5,
        drain_s=3e5,
        **told,
    )
    run = simulate(platform, [work], make_policy("rl", params), energy=True)
    assert in_environment(played, network) == starts(run.ledger)
    assert same_files(run, over_protocol(platform, work, params))
    other = simulate(platform, [work], make_policy("rl", {**params, "forecast": "perfect"}), energy=True)
    assert not same_files(run, other)


@pytest.fixture(scope="module")
def kth(shared_dir: Path) -> Workload:
    """The first 300 jobs of KTH-SP2."""
    path = shared_dir / "data" / "swf" / "KTH-SP2-1996-2.1-cln.swf.gz"
    if not path.is_file():
        pytest.skip("KTH-SP2 is not on this machine")
    whole = read_workload(path)
    return stretch_of(whole, 0.0, float(np.sort(whole.submit_s)[300]), 1.0)


@pytest.mark.parametrize("options", [Agent(), Agent(states=(0,), wait=False)], ids=["two states", "one state"])
def test_three_hundred_jobs_of_a_log(saved: Save, kth: Workload, tmp_path: Path, options: Agent) -> None:
    platform = load_platform("kth-sp2")
    network = saved(tmp_path / "m.wattq", platform, options)
    params = {"model": str(tmp_path / "m.wattq"), "origin": kth.unix_start_s}
    offset_s = kth.utc_offset_s or 0.0
    run = simulate(platform, [kth], make_policy("rl", params | {"utc_offset": offset_s}), energy=True)
    assert in_environment(scenario(platform, kth, options), network) == starts(run.ledger)
    assert same_files(run, over_protocol(platform, kth, params | {"utc_offset": offset_s}))


@pytest.mark.parametrize(
    ("options", "energy", "deterministic"),
    [
        (Agent(window=2, states=(0,)), False, True),
        (Agent(window=5, hold_s=SHORT, max_hold_s=1200.0), True, True),
        (Agent(window=5, hold_s=SHORT, max_hold_s=1200.0), True, False),
    ],
    ids=["one state", "states and holds", "drawn"],
)
def test_the_contract(saved: Save, tmp_path: Path, options: Agent, energy: bool, deterministic: bool) -> None:
    saved(tmp_path / "m.wattq", machine(8), options, seed=2)
    params = {"model": str(tmp_path / "m.wattq"), "deterministic": deterministic, "seed": 3}
    report = check_policy("rl", params, energy=energy)
    assert report.n_simulations == 4 * len(report.worlds) + 6


def test_the_contract_with_hosts_that_sleep(sleeper: Callable[..., None], tmp_path: Path) -> None:
    sleeper(tmp_path / "m.wattq", machine(8))
    report = check_policy("rl", {"model": str(tmp_path / "m.wattq")}, energy=True)
    assert report.n_simulations == 4 * len(report.worlds) + 6


def test_actions_are_drawn_by_the_seed(saved: Save, tmp_path: Path) -> None:
    platform, work = machine(5), jobs_of(1, 60, 5)
    saved(tmp_path / "m.wattq", platform)
    params = {"model": str(tmp_path / "m.wattq"), "deterministic": False}
    runs = [simulate(platform, [work], make_policy("rl", params | {"seed": s}), energy=True) for s in (1, 1, 2)]
    assert same_files(runs[0], runs[1])
    assert not same_files(runs[0], runs[2])
    assert same_files(runs[0], over_protocol(platform, work, params | {"seed": 1}))


def test_a_cap_in_place_of_the_learned_one(saved: Save, tmp_path: Path) -> None:
    platform, work = machine(5), jobs_of(1, 60, 5)
    options = Agent(cap_w=900.0)
    network = saved(tmp_path / "m.wattq", platform, options)
    params: dict[str, Any] = {"model": str(tmp_path / "m.wattq")}
    run = simulate(platform, [work], make_policy("rl", params), energy=True)
    assert in_environment(scenario(platform, work, options), network) == starts(run.ledger)
    free = simulate(platform, [work], make_policy("rl", params | {"cap": "never"}), energy=True)
    assert in_environment(scenario(platform, work, Agent()), network) == starts(free.ledger)
    with pytest.raises(PolicyError, match="no job that waits fits under it"):
        simulate(platform, [work], make_policy("rl", params | {"cap": 510}), energy=True)


def test_a_model_goes_to_a_machine_of_another_size(saved: Save, tmp_path: Path) -> None:
    saved(tmp_path / "m.wattq", machine(8))
    policy = make_policy("rl", {"model": str(tmp_path / "m.wattq")})
    run = simulate(machine(70), [jobs_of(4, 40, 70)], policy, energy=True)
    assert run.summary["jobs"]["never_started"] == 0


@pytest.mark.parametrize(
    "platform",
    [
        machine(4, 3),
        machine(4, 1),
        make_platform(4, (ComputeState(1e9, 100.0, 200.0), ComputeState(0.5e9, 90.0, 150.0))),
        make_platform(4, (ComputeState(1e9, 100.0, 200.0), ComputeState(0.75e9, 90.0, 190.0))),
    ],
    ids=["three states", "one state", "another speed", "another power"],
)
def test_a_machine_with_other_states_is_refused(saved: Save, tmp_path: Path, platform: Platform) -> None:
    saved(tmp_path / "m.wattq", machine(4))
    policy = make_policy("rl", {"model": str(tmp_path / "m.wattq")})
    with pytest.raises(PolicyError, match="other computing power states than those that the model learned"):
        simulate(platform, [jobs_of(1, 9, 4)], policy, energy=True)
    saved(tmp_path / "one.wattq", machine(4), Agent(states=(0,)))
    simulate(platform, [jobs_of(1, 9, 4)], make_policy("rl", {"model": str(tmp_path / "one.wattq")}))


def test_states_need_energy_to_be_counted(saved: Save, tmp_path: Path) -> None:
    for number, options in enumerate((Agent(), Agent(states=(0,), sleep=True))):
        saved(tmp_path / f"{number}.wattq", machine(4), options)
        policy = make_policy("rl", {"model": str(tmp_path / f"{number}.wattq")})
        with pytest.raises(PolicyError, match="for which energy has to be counted; count it"):
            simulate(machine(4), [jobs_of(1, 9, 4)], policy)


def test_what_is_missing_is_named(saved: Save, tmp_path: Path) -> None:
    write_signal(signal("carbon"), tmp_path / "c.csv")
    write_signal(signal("price"), tmp_path / "p.csv")
    platform = machine(4)
    model = {}
    for name, told in (
        ("plain", {}),
        ("dated", {"calendar": True}),
        ("carbon", {"signals": ("carbon",)}),
        ("both", {"signals": ("carbon", "price")}),
    ):
        model[name] = str(tmp_path / f"{name}.wattq")
        saved(Path(model[name]), platform, **told)
    carbon, price = str(tmp_path / "c.csv"), str(tmp_path / "p.csv")
    origin = {"origin": ORIGIN_S}
    make_policy("rl", {"model": model["plain"]})
    make_policy("rl", {"model": model["dated"], **origin})
    make_policy("rl", {"model": model["both"], "signal": carbon, "price": price, **origin})
    for params, error, words in [
        ({}, PolicyError, "parameter 'model': it is missing; give the path of a file of `wattq rl train`"),
        ({"model": "none.wattq"}, MissingFileError, "none.wattq: cannot be read"),
        ({"model": carbon}, LearningError, "policy 'rl', parameter 'model': .*not a bundle, or a damaged one"),
        ({"model": model["plain"], "signal": carbon}, PolicyError, "'signal': the model looks at no signal; leave it"),
        ({"model": model["dated"]}, PolicyError, "'origin': it is missing, and the model learned from the time of"),
        ({"model": model["carbon"], "signal": carbon}, PolicyError, "'origin': it is missing, and the model looks at"),
        ({"model": model["carbon"], **origin}, PolicyError, "'signal': it is missing, and the model looks at carbon"),
        ({"model": model["carbon"], "signal": price, **origin}, PolicyError, "p.csv holds price, and the model looks"),
        ({"model": model["carbon"], "signal": carbon, "origin": 0.5}, PolicyError, "'origin': 0 s lies outside of"),
        ({"model": model["carbon"], "signal": "x.csv", **origin}, MissingFileError, "x.csv: no such file"),
        ({"model": model["carbon"], "signal": carbon, "price": price, **origin}, PolicyError, "at carbon alone"),
        ({"model": model["both"], "signal": carbon, **origin}, PolicyError, "'price': it is missing, and the model"),
        ({"model": model["plain"], "deterministic": "maybe"}, PolicyError, "'deterministic': 'maybe' is not valid"),
        ({"model": model["plain"], "cap": -1}, PolicyError, "'cap': -1 is not valid; give a power in W, or 'never'"),
        ({"model": model["plain"], "utc_offset": 1e9}, PolicyError, "'utc_offset'"),
        ({"modell": "x"}, PolicyError, "unknown parameter 'modell'"),
    ]:
        with pytest.raises(error, match=words) as caught:
            make_policy("rl", params)
        assert caught.value.exit_code == 2


def test_a_signal_that_ends_early(saved: Save, tmp_path: Path) -> None:
    platform, work = machine(4), jobs_of(1, 30, 4)
    saved(tmp_path / "m.wattq", platform, signals=("carbon",))
    write_signal(signal(), tmp_path / "c.csv")
    params = {"model": str(tmp_path / "m.wattq"), "signal": str(tmp_path / "c.csv")}
    late = make_policy("rl", params | {"origin": signal().end_s - 100.0})
    with pytest.raises(PolicyError, match="its signal does not cover date"):
        simulate(platform, [work], late, energy=True)


def test_the_command_line_names_the_parameter(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from wattq.cli import main

    (tmp_path / "bad.wattq").write_bytes(b"not a model")
    words = ["run", "-p", "kth-sp2", "-w", "none.swf", "--policy", "rl", "-o", str(tmp_path / "out")]
    for more in ([], ["--param", f"model={tmp_path}/bad.wattq"], ["--param", f"model={tmp_path}/none.wattq"]):
        with pytest.raises(SystemExit) as ended:
            main([*words, *more])
        assert ended.value.code == 2
        assert capsys.readouterr().err.startswith("wattq: error: ")


def test_options_of_the_plugin_name_the_parameter() -> None:
    from wattq.schedulers.plugin import read_options

    assert read_options({"model": "m.wattq"}, "-o", "rl").params == {"model": "m.wattq"}
    with pytest.raises(InvalidInputError, match="key 'modle': unknown; did you mean model"):
        read_options({"modle": "m.wattq"}, "-o", "rl")
