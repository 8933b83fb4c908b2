"""The contract of a policy as tests that any policy can be put to: `check_policy`.

Each world of `check_worlds` is played several times by new policies: twice in process, where a copy of the ledger
stands between policy and machine (`check_watch`), once over Batsim's protocol, and for compiled policies once by the
compiled loop. The first world is also played with another future, which must not change what was decided before.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from wattq.errors import PolicyCheckError, PolicyError, WattqError
from wattq.platforms import write_platform
from wattq.schedulers.check_verdicts import check_alike, check_same, check_served
from wattq.schedulers.check_warmth import load_actions
from wattq.schedulers.check_watch import BrokenRuleError, Round, Watch
from wattq.schedulers.check_worlds import ORDINARY, World, other_futures, worlds
from wattq.schedulers.plugin import Bridge, Options
from wattq.schedulers.registry import make_policy
from wattq.simulator.conversation import converse
from wattq.simulator.engine import simulate
from wattq.simulator.interface import CompiledPolicy, Policy
from wattq.simulator.run import Run

__all__ = ["RULES", "CheckReport", "Finding", "check_policy"]

RULES: Mapping[str, str] = MappingProxyType(
    {
        "decisions": "it asks for nothing that no scheduler may do (busy hosts, unknown jobs, ...) and raises no error",
        "view": "it reads what it is shown and does not write into it",
        "serves": "every job is started or rejected in the end, and not all that could run are rejected",
        "ends": "it decides in bounded time, and the simulation comes to an end",
        "deterministic": "a new policy takes the same decisions when it is told the same",
        "knowledge": "nothing but what it was told decides: neither run times nor jobs to come",
        "protocol": "over Batsim's protocol the schedule is the same as in process",
        "compiled": "the compiled loop gives the same schedule as single rounds",
    }
)
"""Rule -> what it asks of a policy."""

Factory = Callable[[], "Policy | CompiledPolicy"]


@dataclass(frozen=True)
class Finding:
    """A rule that a policy breaks.

    Attributes:
        rule: a key of `RULES`.
        world: the world in which it breaks it.
        message: how.
    """

    rule: str
    world: str
    message: str

    def __str__(self) -> str:
        """Return the finding in one line."""
        return f"rule '{self.rule}', world '{self.world}': {self.message}"


@dataclass(frozen=True)
class CheckReport:
    """What a policy went through.

    Attributes:
        worlds: names of the worlds.
        n_simulations: number of simulations.
    """

    worlds: tuple[str, ...]
    n_simulations: int


def check_policy(
    policy: str | Factory | CompiledPolicy,
    params: Mapping[str, object] | None = None,
    *,
    energy: bool = False,
    time_limit_s: float = 60.0,
) -> CheckReport:
    """Put a policy to the tests of the contract.

    Args:
        policy: a class or function that makes a new policy, or a name as `make_policy` takes it.
        params: parameters of a policy given by name.
        energy: whether energy is counted in all worlds, which policies that switch hosts need.
        time_limit_s: longest time for one round of a plain-Python policy, s.

    Raises:
        PolicyCheckError: the policy breaks rules; the message lists all findings, one per line.
        PolicyError: there is no such policy, or it cannot be made.
    """
    factory = _factory(policy, params)
    check = _Check(factory, time_limit_s)
    everything = worlds(energy=energy)
    load_actions()
    with tempfile.TemporaryDirectory() as folder:
        for world in everything:
            check.world(world, Path(folder))
    if check.findings:
        raise PolicyCheckError(_text(factory(), check.findings), tuple(check.findings))
    return CheckReport(tuple(world.name for world in everything), check.n_simulations)


def _factory(policy: str | Factory | CompiledPolicy, params: Mapping[str, object] | None) -> Factory:
    """Return a function that makes a new policy, after making one."""
    if isinstance(policy, str):
        make_policy(policy, params)
        return lambda: make_policy(policy, params)
    if params:
        raise PolicyError("parameters go with the name of a policy; let your function make the policy with them")
    if isinstance(policy, CompiledPolicy):
        return lambda: policy
    if not callable(policy):
        raise PolicyError(
            f"{type(policy).__name__}: each simulation needs a new policy; give the class, or a function that makes one"
        )
    if not isinstance(policy(), CompiledPolicy | Policy):
        raise PolicyError("what was given makes no policy: an object with a method decide(view, actions); define it")
    return policy


def _text(policy: Policy | CompiledPolicy, findings: Sequence[Finding]) -> str:
    """Return all findings, one per line."""
    name = getattr(policy, "name", type(policy).__name__)
    head = f"policy {name}: {len(findings)} finding{'s' if len(findings) > 1 else ''}; mend it"
    return "\n  ".join([head, *map(str, findings)])


class _Check:
    """Plays worlds to a policy and notes the rules that it breaks.

    Args:
        factory: makes a new policy.
        time_limit_s: longest time for one round of a plain-Python policy, s.
    """

    def __init__(self, factory: Factory, time_limit_s: float) -> None:
        self.findings: list[Finding] = []
        self.n_simulations = 0
        self._factory = factory
        self._time_limit_s = time_limit_s

    def world(self, world: World, folder: Path) -> None:
        """Play one world to new policies, until they break a rule."""
        try:
            self._world(world, folder)
        except BrokenRuleError as error:
            self.findings.append(Finding(error.rule, world.name, str(error)))

    def _world(self, world: World, folder: Path) -> None:
        rounds, run = self._in_process(world, folder, compare=True)
        check_served(run)
        again, _ = self._in_process(world, folder)
        check_alike(rounds, again, "deterministic", "two new policies were told the same and decided differently")
        if world.name == ORDINARY:
            for other in other_futures(world):
                changed, _ = self._in_process(other, folder)
                why = "what happens later (run times, jobs not yet submitted) changed what was decided before"
                check_alike(rounds, changed, "knowledge", why)
        self._by_messages(world, folder, run)
        policy = self._factory()
        if isinstance(policy, CompiledPolicy):
            check_same(run, self._simulated(world, folder, policy), "compiled", "the compiled loop")

    def _watch(self, world: World, compare: bool) -> Watch:
        """Return a new policy under watch."""
        most = 200 * len(world.rows) + 20 * world.n_hosts + 1000
        return Watch(self._factory(), most_rounds=most, time_limit_s=self._time_limit_s, compare=compare)

    def _in_process(self, world: World, folder: Path, *, compare: bool = False) -> tuple[list[Round], Run]:
        """Play a world in process."""
        watch = self._watch(world, compare)
        return watch.rounds, self._simulated(world, folder, watch)

    def _simulated(self, world: World, folder: Path, policy: Policy | CompiledPolicy) -> Run:
        """Play a world in process to a policy."""
        self.n_simulations += 1
        events = world.write_events(folder)
        with _named("decisions"):
            return simulate(world.machine(), world.workloads(), policy, energy=world.energy, events=events)

    def _by_messages(self, world: World, folder: Path, run: Run) -> None:
        """Play a world over the protocol and compare."""
        # Over the protocol the speeds are not told; the file tells them.
        platform = folder / "machine.xml"
        write_platform(world.machine(), platform)
        watch = self._watch(world, False)
        bridge = Bridge(Options(platform=str(platform)), policy=watch, capacity=len(world.rows) + 1)
        self.n_simulations += 1
        with _named("protocol"):
            theirs = converse(
                world.machine(), world.workloads(), bridge.reply, energy=world.energy, externals=world.externals()
            )
        check_same(run, theirs, "protocol", "the protocol")


@contextmanager
def _named(rule: str) -> Iterator[None]:
    """Let what ends a simulation with an error count as a broken rule."""
    try:
        yield
    except BrokenRuleError:
        raise
    except WattqError as error:
        text = str(error)
        if "without energy" in text:
            text += "; a policy that switches hosts is to be checked with energy (-E)"
        raise BrokenRuleError(rule, text) from error
