"""The contract tests: every policy of ours passes, and each broken one is told what it breaks."""

from __future__ import annotations

import itertools
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wattq.cli import main
from wattq.schedulers import POLICIES, RULES, PolicyCheckError, PolicyError, check_policy, make_policy, policy_spec
from wattq.schedulers.check_worlds import ORDINARY, other_futures, worlds
from wattq.simulator import ledger as acts
from wattq.simulator.interface import CompiledPolicy

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"


class FirstFit:
    """Keeps the contract; the broken policies differ from it by one thing."""

    def decide(self, view: Any, actions: Any) -> None:
        for job in view.queue:
            if not 0 < view.hosts_of(job) <= view.n_hosts:
                actions.reject(job)
            elif view.hosts_of(job) <= view.n_free:
                self.start(view, actions, job)

    def start(self, view: Any, actions: Any, job: int) -> None:
        actions.start(job)


class KeepsAll(FirstFit):
    """Leaves jobs that can never start in the queue."""

    def decide(self, view: Any, actions: Any) -> None:
        for job in view.queue:
            if 0 < view.hosts_of(job) <= view.n_free:
                actions.start(job)


class OnlyNew(FirstFit):
    """Forgets the jobs that did not fit when they came."""

    def decide(self, view: Any, actions: Any) -> None:
        for job in view.submitted:
            if not 0 < view.hosts_of(job) <= view.n_hosts:
                actions.reject(job)
            elif view.hosts_of(job) <= view.n_free:
                actions.start(job)


class RejectsAll(FirstFit):
    def decide(self, view: Any, actions: Any) -> None:
        for job in view.queue:
            actions.reject(job)


class BusyHosts(FirstFit):
    """Takes the first hosts, busy or not."""

    def start(self, view: Any, actions: Any, job: int) -> None:
        actions.start(job, range(view.hosts_of(job)))


class ForgetsLeaving(FirstFit):
    """Counts the free hosts itself and does not hear of those that leave."""

    def __init__(self) -> None:
        self.busy: dict[int, set[int]] = {}

    def start(self, view: Any, actions: Any, job: int) -> None:
        for ended in [k for k in self.busy if k not in view.running]:
            del self.busy[ended]
        free = sorted(set(range(view.n_hosts)) - set().union(*self.busy.values()))
        self.busy[job] = set(free[: view.hosts_of(job)])
        actions.start(job, sorted(self.busy[job]))


class NeedsWalltimes(FirstFit):
    """Fails where a walltime is missing."""

    def start(self, view: Any, actions: Any, job: int) -> None:
        if int(view.estimate_of(job)) >= 0:
            actions.start(job)


class WritesIntoTheTable(FirstFit):
    def start(self, view: Any, actions: Any, job: int) -> None:
        view.jobs["mark"][job] = 1
        actions.start(job)


class WritesBehindTheView(FirstFit):
    def start(self, view: Any, actions: Any, job: int) -> None:
        actions.start(job)
        view._v.jobs["estimate_s"][job] = 1.0


class GoesRoundActions(FirstFit):
    """Starts the first job that waits on the first hosts, busy or not, by the functions behind the actions."""

    def decide(self, view: Any, actions: Any) -> None:
        waiting = [job for job in view.queue if 0 < view.hosts_of(job) <= view.n_hosts]
        if waiting:
            hosts = np.zeros_like(view._v.free)
            hosts[0] = np.uint64(2 ** min(view.hosts_of(waiting[0]), 63) - 1)
            acts.start_set(view._v, waiting[0], hosts)


class Dice(FirstFit):
    """Decides by chance."""

    def start(self, view: Any, actions: Any, job: int) -> None:
        if len(view.running) == 0 or random.random() < 0.5:
            actions.start(job)


_SERIAL = itertools.count()


class SharedState(FirstFit):
    """Every other instance decides differently."""

    def __init__(self) -> None:
        self.backwards = next(_SERIAL) % 2

    def start(self, view: Any, actions: Any, job: int) -> None:
        hosts = view.free_hosts[:: -1 if self.backwards else 1]
        actions.start(job, hosts[: view.hosts_of(job)].tolist())


class Prophet(FirstFit):
    """Looks at jobs that were not submitted yet."""

    def start(self, view: Any, actions: Any, job: int) -> None:
        last = view.jobs["hosts"][len(view.jobs) - 1]
        actions.start(job, view.free_hosts[:: 1 if last % 2 else -1][: view.hosts_of(job)].tolist())


class Clairvoyant(FirstFit):
    """Finds out the run times: the shortest job first."""

    def decide(self, view: Any, actions: Any) -> None:
        frame = sys._getframe()
        while "s" not in frame.f_locals and frame.f_back is not None:
            frame = frame.f_back
        kernel = frame.f_locals.get("s")
        waiting = view.queue.tolist()
        if kernel is not None:
            nodes, lasting = kernel.nodes, kernel.jobs["node"]
            waiting.sort(key=lambda job: float(nodes[lasting[job]]["amount"]))
        for job in waiting:
            if not 0 < view.hosts_of(job) <= view.n_hosts:
                actions.reject(job)
            elif view.hosts_of(job) <= view.n_free:
                actions.start(job)


class Ringing(FirstFit):
    """Wants to be called for ever."""

    def decide(self, view: Any, actions: Any) -> None:
        super().decide(view, actions)
        actions.wake_me_at(view.now + 1.0)


class Looping(FirstFit):
    def decide(self, view: Any, actions: Any) -> None:
        while len(view.queue) > 1:
            pass
        super().decide(view, actions)


class ByNumber(FirstFit):
    """Lets the numbers of jobs decide, which differ between backends."""

    def decide(self, view: Any, actions: Any) -> None:
        for job in sorted(view.queue.tolist()):
            if not 0 < view.hosts_of(job) <= view.n_hosts:
                actions.reject(job)
            elif view.hosts_of(job) <= view.n_free:
                actions.start(job)


class SwitchesAlways(FirstFit):
    """Changes speeds without asking whether energy is counted."""

    def start(self, view: Any, actions: Any, job: int) -> None:
        actions.start(job, power_state=1)


def broken(policy: Any, **options: Any) -> dict[str, set[str]]:
    """Return the worlds in which a policy breaks a rule, by rule."""
    with pytest.raises(PolicyCheckError) as caught:
        check_policy(policy, **options)
    found: dict[str, set[str]] = {}
    for finding in caught.value.findings:
        assert str(finding) in str(caught.value)
        assert finding.rule in RULES
        found.setdefault(finding.rule, set()).add(finding.world)
    return found


@pytest.mark.parametrize("name", [name for name in POLICIES if not policy_spec(name)[1].needs])
def test_every_policy_keeps_the_contract(name: str) -> None:
    energy = policy_spec(name)[1].needs_energy
    report = check_policy(name, energy=energy)
    assert len(report.worlds) == len(worlds(energy=energy))
    each = 4 if isinstance(make_policy(name), CompiledPolicy) else 3
    assert report.n_simulations == each * len(report.worlds) + 6


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("easy", {"order": "f1", "backfill": "sjf"}),
        ("easy", {"order": "wfp3", "backfill": "saf"}),
        ("fair-share", {"half_life": 60, "shares": "0:5,-1:0.5"}),
        ("conservative", {"order": "unicef"}),
    ],
)
def test_parameters_keep_the_contract(name: str, params: dict[str, object]) -> None:
    check_policy(name, params)


@pytest.mark.parametrize("place", ["easy.py:Easy", "sleeper.py:Sleeper"])
def test_the_examples_keep_the_contract(place: str) -> None:
    report = check_policy(f"{EXAMPLES / place}", {"idle_s": 5} if "Sleeper" in place else None, energy=True)
    assert len(report.worlds) == len(worlds()) - 1


def test_plain_python_and_compiled_policies_as_objects() -> None:
    assert check_policy(FirstFit).n_simulations == 3 * len(worlds()) + 6
    check_policy(make_policy("easy"))


ALL = {world.name for world in worlds()}


@pytest.mark.parametrize(
    ("policy", "rule", "world"),
    [
        (KeepsAll, "serves", "jobs of no host or more hosts than there are"),
        (OnlyNew, "serves", ORDINARY),
        (RejectsAll, "serves", "one host"),
        (BusyHosts, "decisions", ORDINARY),
        (ForgetsLeaving, "decisions", "machines that leave and come back"),
        (NeedsWalltimes, "decisions", "jobs without walltime"),
        (WritesIntoTheTable, "view", ORDINARY),
        (WritesBehindTheView, "view", "equal dates"),
        (GoesRoundActions, "view", ORDINARY),
        (Dice, "deterministic", ORDINARY),
        (SharedState, "deterministic", ORDINARY),
        (Prophet, "knowledge", ORDINARY),
        (Clairvoyant, "knowledge", ORDINARY),
        (Ringing, "ends", "an empty workload"),
        (ByNumber, "protocol", "two workloads with the same ids"),
        (SwitchesAlways, "decisions", "jobs killed at their walltime"),
    ],
)
def test_broken_policies(policy: Any, rule: str, world: str) -> None:
    found = broken(policy, **({"time_limit_s": 0.3} if policy is Ringing else {}))
    assert world in found[rule], found


def test_what_is_broken_in_one_world_is_not_told_of_others() -> None:
    assert broken(KeepsAll) == {"serves": {"jobs of no host or more hosts than there are"}}
    assert broken(NeedsWalltimes) == {"decisions": {"jobs without walltime"}}
    assert broken(ByNumber) == {"protocol": {"two workloads with the same ids"}}
    assert broken(Ringing, time_limit_s=0.3) == {"ends": ALL}


def test_an_endless_loop_is_interrupted() -> None:
    assert ORDINARY in broken(Looping, time_limit_s=0.2)["ends"]


def test_policies_that_switch_hosts_are_checked_with_energy() -> None:
    with pytest.raises(PolicyCheckError, match=r"to be checked with energy \(-E\)"):
        check_policy(SwitchesAlways)
    check_policy(SwitchesAlways, energy=True)


@pytest.mark.parametrize(
    ("policy", "params", "words"),
    [
        ("esay", None, "did you mean"),
        ("easy", {"oder": 1}, "unknown parameter 'oder'"),
        (FirstFit, {"x": 1}, "parameters go with the name"),
        (FirstFit(), None, "each simulation needs a new policy"),
        (dict, None, "makes no policy"),
    ],
)
def test_what_is_no_policy(policy: Any, params: Any, words: str) -> None:
    with pytest.raises(PolicyError, match=words):
        check_policy(policy, params)


def test_the_page_states_the_rules() -> None:
    text = (EXAMPLES.parent / "policy.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in text.split("| rule |")[1].splitlines()[2 : 2 + len(RULES)]]
    assert {name.strip("`"): words for name, words in rows} == dict(RULES)


def test_other_futures_begin_alike() -> None:
    world = worlds()[0]
    for other in other_futures(world):
        rows, others = world.rows, other.rows
        assert len(rows) == len(others)
        first = next(k for k, pair in enumerate(zip(rows, others, strict=True)) if pair[0] != pair[1])
        assert first >= 3
        assert [row.submit_s for row in others] == sorted(row.submit_s for row in others)


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(words)
    return int(ended.value.code or 0)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.py"
    path.write_text("class Mine:\n    def decide(self, view, actions):\n        pass\n")
    assert run("policy", "check", f"{path}:Mine") == 1
    err = capsys.readouterr().err
    assert err.startswith(f"wattq: error: policy {path}:Mine: 10 findings; mend it\n  rule 'serves', world 'an ord")
    assert run("policy", "check", "fcfs") == 0
    assert capsys.readouterr().out == "fcfs keeps all 8 rules in 11 worlds (50 simulations)\n"
    assert run("policy", "check", "easy", "--param", "order=f5") == 2
    assert run("policy", "check", "easy", "--time-limit", "0") == 2
    assert run("policy", "list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[: len(POLICIES)]] == list(POLICIES)
    assert lines[len(POLICIES) :][:2] == ["", "Every policy takes, your own too:"]
    assert lines[-6].split(maxsplit=1)[0] == "estimate"
    assert lines[0].endswith("[order, backfill]")
