"""``wattq policy``: list policies, and put a policy to the tests of the contract."""

from __future__ import annotations

from typing import Annotated

import typer

from wattq.cli.values import pairs

__all__ = ["app"]

app = typer.Typer(help="List policies; test a policy of your own.", no_args_is_help=True)


@app.command("list")
def list_policies() -> None:
    """List the built-in policies with their parameters."""
    from wattq.schedulers import POLICIES, policy_spec
    from wattq.schedulers.estimate_parameters import COMMON

    width = max(map(len, POLICIES))
    for name, summary in POLICIES.items():
        given = ", ".join(parameter.name for parameter in policy_spec(name)[1].parameters)
        typer.echo(f"{name:{width}}  {summary}" + (f" [{given}]" if given else ""))
    typer.echo("\nEvery policy takes, your own too:")
    for parameter in COMMON:
        default = f" (default {parameter.default})" if parameter.default else ""
        typer.echo(f"{parameter.name:{width}}  {parameter.meaning}: {parameter.rule}{default}")


@app.command("check")
def check(
    policy: Annotated[str, typer.Argument(help="path/to/file.py:Class, package.module:Class or a built-in policy.")],
    param: Annotated[list[str] | None, typer.Option(help="Parameter of the policy, KEY=VALUE; repeatable.")] = None,
    energy: Annotated[
        bool, typer.Option("--energy", "-E", help="Count energy throughout, for a policy that switches hosts.")
    ] = False,
    time_limit: Annotated[
        float, typer.Option(help="Longest time for the decisions on one message, s; plain-Python policies only.")
    ] = 60.0,
) -> None:
    """Test whether a policy keeps the contract between simulator and policies.

    Exit code: 0 it does, 1 it does not (each finding names rule and world), 2 bad input.
    """
    params = pairs(param or [], "--param")

    from wattq.errors import InvalidInputError
    from wattq.schedulers import RULES, check_policy

    if not 0 < time_limit < 1e9:
        raise InvalidInputError(f"--time-limit {time_limit}: give a number of seconds above 0")
    report = check_policy(policy, params, energy=energy, time_limit_s=time_limit)
    typer.echo(
        f"{policy} keeps all {len(RULES)} rules in {len(report.worlds)} worlds ({report.n_simulations} simulations)"
    )
