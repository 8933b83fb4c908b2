"""``wattq verify-backend``: the same schedule on every backend."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wattq.cli.progress import progress_bar
from wattq.cli.values import pairs
from wattq.errors import InvalidInputError, MissingDependencyError, UnsupportedError

if TYPE_CHECKING:
    from wattq.experiments.batsim.finding import Program
    from wattq.platforms.model import Platform
    from wattq.workloads.model import Workload

__all__ = ["verify_backend"]


def verify_backend(
    policies: Annotated[
        list[str] | None,
        typer.Argument(help="Policies, built-in or your own (default: every built-in one that needs no --param)."),
    ] = None,
    platform: Annotated[
        str, typer.Option("--platform", "-p", help="Preset (platform show --list) or SimGrid XML.")
    ] = "kth-sp2",
    workload: Annotated[
        list[str] | None,
        typer.Option("--workload", "-w", help="SWF or Batsim JSON, or a name of the catalogue [KTH-SP2]; repeatable."),
    ] = None,
    jobs: Annotated[int, typer.Option(help="Jobs of each workload, from the first one on.")] = 3000,
    energy: Annotated[
        bool | None,
        typer.Option("--energy/--no-energy", "-E", help="With energy only, or without only (default: both)."),
    ] = None,
    param: Annotated[
        list[str] | None, typer.Option("--param", help="Parameter of the policies, NAME=VALUE; repeatable.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="New folder that keeps all runs (default: kept only if some differ)."),
    ] = None,
    simulation_timeout: Annotated[
        float, typer.Option(help="Longest time that Batsim and the scheduler may run in one simulation, s.")
    ] = 3600.0,
) -> None:
    """Compare schedules and energies of the in-process engine with wattq-batsim, and with real Batsim if it is here.

    Exit code: 0 all equal, 1 something differs or a backend fails, 2 bad input.
    """
    from wattq.experiments.batsim.verify import Check, energies_of, table_of, verify
    from wattq.experiments.experiment_model import PolicySpec
    from wattq.experiments.inputs import find_platform
    from wattq.schedulers import POLICIES, policy_spec

    machine = find_platform(platform)
    tables = _workloads(workload or ["KTH-SP2"], jobs)
    energies = _energies(machine, energy)
    ready = [name for name in POLICIES if not policy_spec(name)[1].needs]
    params = pairs(param or [], "--param")
    specs = [PolicySpec.model_construct(name=name, params=params, label=None) for name in policies or ready]
    programs = _programs()
    count = sum(len(energies_of(spec, energies)) for spec in specs) * len(programs)
    if not count:
        raise InvalidInputError("nothing is left to compare: these policies switch hosts, which needs energy (-E)")
    checks: list[Check] = []
    with _folder(output, lambda: all(check.equal for check in checks)) as folder, progress_bar() as progress:
        found = verify(
            machine, tables, specs, programs, folder, energies=energies, simulation_timeout_s=simulation_timeout
        )
        for check in found:
            checks.append(check)
            if progress is not None:
                progress(len(checks), count, f"{check.policy} against {check.backend}")
    typer.echo(table_of(checks))
    different = [check for check in checks if not check.equal]
    typer.echo("".join(f"\n{check.text}" for check in different) or f"\nall {count} equal")
    if different:
        typer.echo(f"\nthe runs are in {folder}")
        raise typer.Exit(1)


@contextmanager
def _folder(output: Path | None, all_equal: Callable[[], bool]) -> Iterator[Path]:
    """Yield the folder of the runs; one that the user did not ask for goes when there is nothing to look at."""
    import shutil
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="wattq-verify-")) if output is None else _new(output)
    finished = False
    try:
        yield folder
        finished = True
    finally:
        if output is None and (all_equal() or not finished):
            shutil.rmtree(folder, ignore_errors=True)


def _workloads(names: list[str], jobs: int) -> list[Workload]:
    from wattq.experiments.experiment_model import Window, WorkloadSpec
    from wattq.experiments.inputs import find_workload
    from wattq.experiments.windows import cut

    if jobs < 1:
        raise InvalidInputError(f"--jobs {jobs}: at least one job is compared")
    whole = [find_workload(WorkloadSpec(source=name), index) for index, name in enumerate(names)]
    first = Window(first_job=0, n_jobs=jobs)
    return [workload if workload.n_jobs <= jobs else cut(workload, first) for workload in whole]


def _energies(machine: Platform, wanted: bool | None) -> list[bool]:
    if wanted is None and not machine.has_power:
        typer.echo(f"platform {machine.name} states no powers: compared without energy only")
        return [False]
    return [False, True] if wanted is None else [wanted]


def _programs() -> list[Program]:
    """Return wattq's server, and real Batsim where there is one; one that the user names must be usable."""
    import os

    from wattq.experiments.batsim.finding import BATSIM_VARIABLE, find_batsim, find_server

    programs = [find_server()]
    try:
        other = find_batsim()
    except (MissingDependencyError, UnsupportedError) as error:
        if os.environ.get(BATSIM_VARIABLE, "").strip():
            raise
        typer.echo(f"real Batsim is not compared: {error}\n")
        return programs
    return programs if other.path.resolve() == programs[0].path.resolve() else [*programs, other]


def _new(folder: Path) -> Path:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidInputError(f"{folder}: exists and is not empty; choose another -o or remove it")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
