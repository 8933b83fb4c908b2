"""``wattq platform make``: a machine of identical hosts, or a preset, as SimGrid XML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wattq.cli.platform_options import compute_state, curve_named, host_properties, pick, sleep_state, watts

if TYPE_CHECKING:
    from wattq.platforms import ComputeState, NodePower, Platform, SleepState

__all__ = ["make", "write"]


def make(
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File to write; standard output when absent.")] = None,
    preset: Annotated[str | None, typer.Option(help="Write this preset instead; `show --list` names them.")] = None,
    nodes: Annotated[int | None, typer.Option(help="Number of compute hosts.")] = None,
    state: Annotated[
        list[str] | None,
        typer.Option(help="SPEED or SPEED:IDLE_W[:EPSILON_W]:FULL_W per computing state, as 1Gf:100:200; repeatable."),
    ] = None,
    states: Annotated[
        Path | None, typer.Option(help="YAML file of power states, as `wattq platform calibrate` writes it.")
    ] = None,
    curve: Annotated[
        str | None,
        typer.Option(help="States after a measured curve: SOURCE or SOURCE:CLASS; `wattq platform curves` has them."),
    ] = None,
    power: Annotated[
        str | None, typer.Option(help="IDLE_W:FULL_W[:FIXED_W] of a host for --curve; FIXED_W does not follow it.")
    ] = None,
    sleep: Annotated[
        list[str] | None,
        typer.Option(
            help="POWER_W:OFF_S:OFF_W:ON_S:ON_W per sleep state, as 10:5:125:64:115, or with the energies of the "
            "switches, as 10:5:625J:64:7360J; repeatable."
        ),
    ] = None,
    gpus: Annotated[int, typer.Option(help="Accelerators per node; powers are then those of the parts.")] = 0,
    cpus: Annotated[int, typer.Option(help="CPUs per node, counted one by one; 0 takes --node-w.")] = 0,
    gpu_w: Annotated[str, typer.Option(help="IDLE_W:FULL_W of a GPU.")] = "40:300",
    cpu_w: Annotated[str, typer.Option(help="IDLE_W:FULL_W of a CPU.")] = "60:220",
    node_w: Annotated[str, typer.Option(help="IDLE_W:FULL_W of a node without its GPUs.")] = "150:450",
    other_w: Annotated[float, typer.Option(help="W of the rest of a node where CPUs are counted.")] = 30.0,
    gpu_load: Annotated[float, typer.Option(help="Utilisation of the GPUs by a job that loads the node.")] = 1.0,
    name: Annotated[str, typer.Option(help="Name of the machine.")] = "machine",
    prefix: Annotated[str, typer.Option(help="Start of the host names.")] = "h",
    cores: Annotated[int, typer.Option(help="Cores of each host (a job loads one of them).")] = 1,
    prop: Annotated[list[str] | None, typer.Option(help="KEY=VALUE property of every host; repeatable.")] = None,
) -> None:
    """Write a platform of identical hosts, or a preset, as SimGrid XML."""
    from wattq.errors import InvalidInputError
    from wattq.platforms import PRESETS, load_platform, make_platform

    if preset is not None:
        if nodes is not None or state or states or curve or power or gpus or cpus or sleep or prop:
            raise InvalidInputError("--preset is a whole machine; leave out --nodes and whatever describes hosts")
        pick("--preset", preset, PRESETS)
        write(load_platform(preset), out)
        return
    if nodes is None:
        raise InvalidInputError("say how many hosts: --nodes N, or take a ready machine with --preset NAME")
    node = _node(gpus, cpus, (gpu_w, cpu_w, node_w), other_w)
    host = _host(state or [], states, curve, power, node, gpu_load)
    properties = {"accelerators": str(gpus)} if gpus else {}
    platform = make_platform(
        nodes,
        host.states,
        [*host.sleep, *(sleep_state(text) for text in sleep or [])],
        name=name,
        prefix=prefix,
        cores=cores,
        properties=properties | host_properties(prop or []),
        notes=host.notes,
    )
    write(platform, out)


def write(platform: Platform, out: Path | None) -> None:
    """Write a platform to a file, or to standard output."""
    from wattq.platforms import platform_xml, write_platform

    if out is None:
        typer.echo(platform_xml(platform), nl=False)
        return
    write_platform(platform, out)
    typer.echo(f"{out}: {platform.n_compute} compute hosts", err=True)


@dataclass(frozen=True)
class _Host:
    states: Sequence[ComputeState]
    sleep: Sequence[SleepState] = ()
    notes: tuple[str, ...] = ()


def _node(gpus: int, cpus: int, texts: tuple[str, str, str], other_w: float) -> NodePower | None:
    from wattq.platforms import NodePower

    if not gpus and not cpus:
        return None
    gpu, cpu, node = (watts(f"--{o}-w", t, 2, 2) for o, t in zip(("gpu", "cpu", "node"), texts, strict=True))
    return NodePower(
        cpus,
        gpus,
        node_idle_w=node[0],
        node_full_w=node[1],
        cpu_idle_w=cpu[0],
        cpu_full_w=cpu[1],
        gpu_idle_w=gpu[0],
        gpu_full_w=gpu[1],
        other_w=other_w,
    )


def _host(
    state: Sequence[str],
    states: Path | None,
    curve: str | None,
    power: str | None,
    node: NodePower | None,
    gpu_load: float,
) -> _Host:
    """Return the power states that the options describe, in one of four ways."""
    from wattq.errors import InvalidInputError
    from wattq.platforms.states_file import read_states

    ways = [bool(state), states is not None, curve is not None or node is not None]
    if sum(ways) > 1:
        raise InvalidInputError("give the states in one way: --state, or --states FILE, or --curve and the parts")
    if power is not None and (curve is None or node is not None):
        raise InvalidInputError("--power goes with --curve, for hosts that are not described by their parts")
    if states is not None:
        told = read_states(states)
        return _Host(told.compute_states(), told.sleep_states(), told.provenance())
    if curve is not None:
        return _curve_host(curve, power, node, gpu_load)
    if node is not None:
        return _Host([node.state(gpu_load=gpu_load)], notes=(_parts(node, gpu_load),))
    return _Host([compute_state(text) for text in state or ["1Gf"]])


def _curve_host(curve: str, power: str | None, node: NodePower | None, gpu_load: float) -> _Host:
    from wattq.errors import InvalidInputError
    from wattq.platforms import cap_states

    source, points = curve_named(curve)
    told = f"Speeds and powers of the states: {source.source}, class {points.app_class}; that it holds here is assumed."
    if node is not None:
        return _Host(node.capped_states(points, gpu_load=gpu_load), notes=(_parts(node, gpu_load), told))
    if power is None:
        raise InvalidInputError("--curve says ratios only; add --power IDLE_W:FULL_W of a host, or its --gpus")
    idle_w, full_w, *fixed = watts("--power", power, 2, 3)
    states = cap_states(points, idle_w=idle_w, full_w=full_w, fixed_w=fixed[0] if fixed else 0.0)
    return _Host(states, notes=(told,))


def _parts(node: NodePower, gpu_load: float) -> str:
    base = f"node {node.node_idle_w:g}:{node.node_full_w:g} W"
    if node.cpus:
        base = f"{node.cpus} CPUs of {node.cpu_idle_w:g}:{node.cpu_full_w:g} W and {node.other_w:g} W"
    gpus = f"{node.gpus} GPUs of {node.gpu_idle_w:g}:{node.gpu_full_w:g} W, loaded by {gpu_load:g}"
    return f"Powers (idle:full): sum of {base}{f', {gpus}' if node.gpus else ''}; assumed unless said otherwise."
