"""The reasons that held a job, in words."""

from __future__ import annotations

import math

from wattq.experiments.explain.causes import REASONS
from wattq.experiments.explain.levers_green import signal_unit
from wattq.experiments.explain.scene import Scene
from wattq.experiments.explain.timeline import Stretch
from wattq.experiments.explain.wording import count, date, duration, number
from wattq.schedulers import policy_spec

__all__ = ["reason_phrase", "stretch_text"]


def reason_phrase(stretch: Stretch) -> str:
    """Return what a job waited for, to follow "it waited 2 h"."""
    head = "another job"
    return {
        "hosts": "for hosts",
        "waking": "for hosts that slept or were being switched",
        "cap": "for power under the cap",
        "signal": "for better hours",
        "reservation": f"behind the reservation of {head}",
        "plan": "behind the reservations of other jobs",
        "order": f"behind {head} of the queue",
        "policy": "by the policy's own rules",
        "rejected": "and was rejected",
    }[stretch.cause.reason]


def stretch_text(scene: Scene, stretch: Stretch) -> str:
    """Return the numbers behind a reason, as a phrase."""
    makers = {
        "hosts": _hosts,
        "waking": _waking,
        "cap": _cap,
        "signal": _signal,
        "reservation": _reservation,
        "plan": _plan,
        "order": _order,
        "rejected": _rejected,
    }
    maker = makers.get(stretch.cause.reason)
    words = (maker or _policy)(scene, stretch)
    more = [_also(scene, stretch, reason) for reason in stretch.cause.also]
    return "; also ".join([words, *more])


def _also(scene: Scene, stretch: Stretch, reason: str) -> str:
    makers = {"cap": _cap, "signal": _signal, "reservation": _reservation}
    return makers[reason](scene, stretch) if reason in makers else REASONS[reason]


def _hosts(scene: Scene, stretch: Stretch) -> str:
    high = stretch.high
    free = high.get("available", high["free"])
    before = stretch.cause.facts["before"]
    words = f"asked for {count(high['hosts'], 'host')}, at most {number(free)} {'was' if free == 1 else 'were'} free"
    if high["asleep"] + high["switching"] > 0 and "available" in high:
        words += " or asleep"
    if high["away"] > 0:
        words += f", {number(high['away'])} not available"
    if before > 0:
        words += f"; {count(before, 'job')} before it in the queue"
    holder = next(iter(stretch.most_holding()), None)
    return words if holder is None else f"{words}; {holder_text(scene, stretch, holder)} held most"


def holder_text(scene: Scene, stretch: Stretch, job: int) -> str:
    """Return a running job, its hosts, when it was expected to end and when it did."""
    hosts = int(scene.world.joined("hosts")[job])
    end_s = float(scene.baseline.end_s[job])
    expected_s = stretch.expected_s[job]
    return f"{scene.world.keys[job]} ({hosts} hosts, expected until {date(expected_s)}, ended at {date(end_s)})"


def _waking(scene: Scene, stretch: Stretch) -> str:
    if "boot_s" in stretch.cause.facts:
        return f"its hosts were waking up, which takes up to {duration(stretch.high['boot_s'])}"
    high = stretch.high
    return (
        f"asked for {number(high['hosts'])} hosts, at most {number(high['free'])} were awake and free, up to "
        f"{number(high['asleep'])} asleep and {number(high['switching'])} being switched"
    )


def _cap(scene: Scene, stretch: Stretch) -> str:
    low, high = stretch.low, stretch.high
    words = (
        f"needed at least {number(low['least_w'] / 1e3)} kW, at most {number(max(high['room_w'], 0.0) / 1e3)} kW were "
        f"free under the cap of {_span(low['cap_w'] / 1e3, high['cap_w'] / 1e3)} kW"
    )
    return words if high["room_w"] < low["least_w"] else f"{words}, and lower caps were to come"


def _signal(scene: Scene, stretch: Stretch) -> str:
    facts, unit = stretch.cause.facts, signal_unit(scene.run.params)
    if "intensity" not in facts:
        return f"held back until {date(facts['release_s'])}"
    if "release_s" in facts:
        return (
            f"held back: {number(facts['intensity'])} {unit} expected over its run at once, {number(facts['then'])} "
            f"from {date(facts['release_s'])} on; at {number(facts['threshold'])} or less it would not have been held"
        )
    return (
        f"the gate was closed: {number(facts['intensity'])} {unit} expected of the hour, it opens at "
        f"{number(facts['threshold'])} or less"
    )


def _reservation(scene: Scene, stretch: Stretch) -> str:
    low, high = stretch.low, stretch.high
    head = scene.world.keys[stretch.cause.head]
    until = _dates(low["shadow_s"], high["shadow_s"])
    estimate_s = low["estimate_s"]
    words = f"{head}, first in the queue, is to start at {until} on {count(high['head_hosts'], 'host')}"
    asked = f"it asked for {duration(estimate_s)}"
    if math.isinf(estimate_s):
        asked = "it has no walltime"
    elif estimate_s != scene.walltime_s:
        asked = f"it was expected to run for {duration(estimate_s)}"
    room = f"only jobs of up to {duration(high['room_s'])} would have ended before ({asked})"
    extra = f"{number(high['extra'])} extra nodes were left for its {count(high['hosts'], 'host')}"
    return "; ".join([words, f"{room}, and {extra}" if high["room_s"] > 0 else f"{asked}, and {extra}"])


def _plan(scene: Scene, stretch: Stretch) -> str:
    facts = stretch.cause.facts
    words = f"{number(stretch.high['free'])} hosts were free, but jobs before it hold reservations"
    if stretch.cause.head >= 0:
        words += f" (the first of {number(facts['in_the_way'])}: {scene.world.keys[stretch.cause.head]})"
    return f"{words}; its own began at {_dates(stretch.low['planned_s'], stretch.high['planned_s'])}"


def _order(scene: Scene, stretch: Stretch) -> str:
    head = scene.world.keys[stretch.cause.head]
    return (
        f"{number(stretch.high['free'])} hosts were free, but {head} is first in the queue, does not fit with "
        f"{number(stretch.high['head_hosts'])} hosts, and nobody may pass it"
    )


def _rejected(scene: Scene, stretch: Stretch) -> str:
    facts = stretch.cause.facts
    if facts["hosts"] > facts["machine"]:
        return f"asked for {number(facts['hosts'])} hosts, the machine has {number(facts['machine'])}"
    if facts["hosts"] < 1:
        return "asked for no host"
    name = scene.run.policy
    if scene.walltime_s <= 0 and ":" not in name and policy_spec(name)[1].needs_walltime:
        return "states no walltime, and the policy plans ahead"
    if "cap" in scene.run.params:
        return "draws more power than any cap to come allows, even alone on the machine"
    return "by the policy's own rules"


def _policy(scene: Scene, stretch: Stretch) -> str:
    free = stretch.high["free"]
    words = f"{count(free, 'host')} {'was' if free == 1 else 'were'} free, and the policy did not start it"
    before = stretch.cause.facts["before"]
    return f"{words}; {count(before, 'job')} before it in the queue" if before > 0 else words


def _span(low: float, high: float) -> str:
    return number(low) if low == high else f"{number(low)} to {number(high)}"


def _dates(low: float, high: float) -> str:
    return date(low) if low == high or not math.isfinite(high) else f"{date(low)} to {date(high)}"
