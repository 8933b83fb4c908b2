"""``wattq rl train`` and ``wattq rl show``: learn a policy, and see what one says of itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from wattq.schedulers.rl.training.start import Trained

__all__ = ["show", "train"]

_FILES, _WHAT, _HOW, _RUN = "Files", "What is learned", "How it learns", "How it runs"


def train(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder of the training.", rich_help_panel=_FILES)
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="YAML file with settings; options come before it.", rich_help_panel=_FILES)
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(help="Go on with the training of this folder; --steps may be given.", rich_help_panel=_FILES),
    ] = None,
    task: Annotated[
        str | None, typer.Option(help="What to learn; a wrong name lists the tasks.", rich_help_panel=_WHAT)
    ] = None,
    workload: Annotated[
        str | None, typer.Option("--workload", "-w", help="Log to learn from.", rich_help_panel=_WHAT)
    ] = None,
    platform: Annotated[
        str | None, typer.Option("--platform", "-p", help="Machine, preset or XML file.", rich_help_panel=_WHAT)
    ] = None,
    train_weeks: Annotated[
        str | None, typer.Option(help="Weeks of the log to learn from, such as 0-25.", rich_help_panel=_WHAT)
    ] = None,
    carbon: Annotated[
        str | None, typer.Option(help="Carbon intensity: a file, or a name of the catalogue.", rich_help_panel=_WHAT)
    ] = None,
    price: Annotated[str | None, typer.Option(help="Price of electricity, likewise.", rich_help_panel=_WHAT)] = None,
    weights: Annotated[
        str | None, typer.Option(help="Weights of the reward, such as energy=1,slowdown=0.1.", rich_help_panel=_WHAT)
    ] = None,
    cap: Annotated[float | None, typer.Option(help="Power cap, W.", rich_help_panel=_WHAT)] = None,
    states: Annotated[
        str | None, typer.Option(help="Computing power states that may be chosen.", rich_help_panel=_WHAT)
    ] = None,
    window: Annotated[
        int | None, typer.Option(help="Waiting jobs that the policy sees.", rich_help_panel=_WHAT)
    ] = None,
    backfilling: Annotated[
        bool, typer.Option("--backfilling", help="Task sc20: with its rule of backfilling.", rich_help_panel=_WHAT)
    ] = False,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", help="KEY=VALUE of the task; repeatable.", rich_help_panel=_WHAT),
    ] = None,
    constraint: Annotated[
        list[str] | None,
        typer.Option(help="Limit on a mean cost of the task, COST<=LIMIT; repeatable.", rich_help_panel=_WHAT),
    ] = None,
    algorithm: Annotated[str | None, typer.Option(help="maskable-ppo or ppo.", rich_help_panel=_HOW)] = None,
    architecture: Annotated[str | None, typer.Option(help="slots or flat.", rich_help_panel=_HOW)] = None,
    net_arch: Annotated[
        str | None, typer.Option(help="Widths of the hidden layers, such as 64,64.", rich_help_panel=_HOW)
    ] = None,
    activation: Annotated[str | None, typer.Option(help="tanh or relu.", rich_help_panel=_HOW)] = None,
    learning_rate: Annotated[
        str | None, typer.Option(help="A number, or linear:START[:END].", rich_help_panel=_HOW)
    ] = None,
    gamma: Annotated[float | None, typer.Option(help="Discount per step.", rich_help_panel=_HOW)] = None,
    ent_coef: Annotated[float | None, typer.Option(help="Weight of the entropy.", rich_help_panel=_HOW)] = None,
    n_steps: Annotated[
        int | None, typer.Option(help="Steps of each environment per rollout.", rich_help_panel=_HOW)
    ] = None,
    batch_size: Annotated[int | None, typer.Option(help="States per update.", rich_help_panel=_HOW)] = None,
    n_epochs: Annotated[int | None, typer.Option(help="Passes over a rollout.", rich_help_panel=_HOW)] = None,
    teacher: Annotated[
        str | None, typer.Option(help="Rule of the task to imitate first.", rich_help_panel=_HOW)
    ] = None,
    bc_steps: Annotated[
        int | None, typer.Option(help="Steps of the teacher to learn from.", rich_help_panel=_HOW)
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Steps of all environments.", rich_help_panel=_RUN)] = None,
    n_envs: Annotated[int | None, typer.Option(help="Environments that step together.", rich_help_panel=_RUN)] = None,
    minutes: Annotated[
        float | None, typer.Option(help="Task sc20: end after so many minutes.", rich_help_panel=_RUN)
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed.", rich_help_panel=_RUN)] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda or auto.", rich_help_panel=_RUN)] = None,
    threads: Annotated[int | None, typer.Option(help="Threads on the CPU.", rich_help_panel=_RUN)] = None,
    checkpoint_every: Annotated[
        int | None, typer.Option(help="Steps between checkpoints.", rich_help_panel=_RUN)
    ] = None,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write TensorBoard's event files, too.", rich_help_panel=_RUN)
    ] = False,
) -> None:
    """Learn a policy with PPO; it ends as DIR/policy.wattq.

    Ctrl-C ends the training after the present rollout, with a checkpoint; a second one ends it at once.
    """
    from wattq.errors import LearningError
    from wattq.schedulers.rl.training import request

    settings = {
        "task": task,
        "algorithm": algorithm,
        "architecture": architecture,
        "activation": activation,
        "net_arch": request.parse_widths(net_arch),
        "learning_rate": learning_rate,
        "gamma": gamma,
        "ent_coef": ent_coef,
        "n_steps": n_steps,
        "batch_size": batch_size,
        "n_epochs": n_epochs,
        "n_envs": n_envs,
        "seed": seed,
        "device": device,
        "threads": threads,
        "constraints": request.parse_constraints(constraint),
        "teacher": _teacher(teacher, bc_steps),
        "checkpoints": None if checkpoint_every is None else {"every": checkpoint_every},
        "tensorboard": tensorboard or None,
    }
    options = _options(option) | {
        "workload": workload,
        "platform": platform,
        "train_weeks": train_weeks,
        "carbon": carbon,
        "price": price,
        "weights": request.parse_weights(weights),
        "cap_w": cap,
        "states": states,
        "window": window,
        "backfilling": backfilling or None,
        "minutes": minutes,
    }
    if resume is not None:
        given = {**settings, **options, "output": output, "config": config}
        if wrong := [name for name, value in given.items() if value is not None]:
            raise LearningError(
                f"--resume {resume}: goes on with the settings of its config.yaml, and only --steps may change; "
                f"leave '{wrong[0]}' out"
            )
        return _go_on(resume, steps)
    if output is None:
        raise LearningError("--output: no folder is named; give one, such as -o results/rl/first")
    made = request.make_config({**settings, "steps": steps}, options, config)
    return _start(made, output)


def _teacher(name: str | None, steps: int | None) -> dict[str, Any] | None:
    from wattq.errors import LearningError

    if name is None:
        if steps is not None:
            raise LearningError("--bc-steps: there is no teacher to learn from; name one by --teacher")
        return None
    return {"name": name} if steps is None else {"name": name, "steps": steps}


def _options(words: list[str] | None) -> dict[str, Any]:
    from wattq.cli.values import pairs

    return dict(pairs(words or [], "--option"))


def _series(name: str) -> dict[str, str]:
    """Return the file of a grid series of the catalogue, and what has to be said of it."""
    from wattq.telemetry import SERIES, locate_series, series_dirs

    known = next((entry.needs for key, entry in SERIES.items() if key.lower() == name.lower()), {})
    return {"file": str(locate_series(name, data_dirs=series_dirs())), **known}


def _search_data() -> None:
    """Let logs and series be found by name where other commands find them, too."""
    import os

    from wattq.experiments.inputs import data_dirs
    from wattq.schedulers.rl.training.series import find_series_by

    find_series_by(_series)
    places = [os.environ.get("WATTQ_DATA_PATH", ""), *map(str, data_dirs())]
    os.environ["WATTQ_DATA_PATH"] = os.pathsep.join(place for place in places if place)


def _start(config: Any, output: Path) -> None:
    from wattq.schedulers.rl.training.start import train as start

    _watch(lambda progress, stop: start(config, output, progress=progress, stop=stop))


def _go_on(folder: Path, steps: int | None) -> None:
    from wattq.schedulers.rl.training.start import resume

    _watch(lambda progress, stop: resume(folder, steps=steps, progress=progress, stop=stop))


def _watch(work: Callable[[Any, Callable[[], bool]], Trained]) -> None:
    """Run a training with a bar on a terminal; Ctrl-C asks it to stop."""
    _search_data()
    from wattq.cli.progress import progress_bar
    from wattq.schedulers.rl.training.stopping import stop_on_signals

    with progress_bar() as advance, stop_on_signals() as stop:
        trained = work(advance, stop)
    for note in trained.notes:
        typer.echo(f"note: {note}", err=True)
    typer.echo("\n".join(_lines(trained)))
    if not trained.finished:
        typer.echo(
            f"stopped after {trained.steps:,} steps; go on with: wattq rl train --resume {trained.folder}", err=True
        )
        raise KeyboardInterrupt


def _lines(trained: Trained) -> list[str]:
    """Return what a training came to, in words."""
    found = [f"{trained.steps:,} steps, weights sha256 {trained.digest}"]
    if teacher := trained.card.get("teacher"):
        found.append(f"agrees with the teacher in {teacher['share']:.1%} of {teacher['states']:,} held-out states")
    found += [
        f"mean {name.partition('/')[2]} of the last episodes {trained.figures[name]:.6g}"
        for name in ("episode/return", "episode/length")
        if name in trained.figures
    ]
    for name, value in trained.figures.items():
        if name.startswith("constraint/"):
            found.append(f"{name.partition('/')[2].replace('_multiplier', ', multiplier')} {value:.4g}")
    found += trained.lines
    if trained.policy is not None:
        found.append(f"policy written to {trained.policy}")
    return found


def show(
    policy: Annotated[Path, typer.Argument(help="Learned policy, a file .wattq.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print what a learned policy says of itself: task, network, training data, seeds, cost, results."""
    from wattq.schedulers.rl.training.card import card_json, card_lines

    typer.echo(card_json(policy) if as_json else "\n".join(card_lines(policy)))
