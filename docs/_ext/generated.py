"""Tables of the site that are made from the code, so that nothing is written twice.

A page holds a line ``<!-- generated: NAME -->``; when the page is read, the line is replaced by what the function of
that name in `TABLES` returns (Markdown).
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

from markdown_table import table
from telemetry_tables import TELEMETRY_TABLES

__all__ = ["MARKER", "TABLES", "expand", "setup"]

MARKER = re.compile(r"^<!-- generated: ([a-z-]+)(?: ([\w.]+))? -->$", re.MULTILINE)
_BETTER = {"lower": "lower", "higher": "higher", "": ""}


def backfill_observation() -> str:
    """Return what an agent of the backfilling environment sees."""
    from wattq.schedulers.rl.backfill import OBSERVATION

    counts = ["each slot" if f.slot else f"{f.n} hours" if f.n > 1 else "machine" for f in OBSERVATION]
    rows = [[f"`{f.name}`", count, f.doc] for f, count in zip(OBSERVATION, counts, strict=True)]
    return table(["name", "of", "what, and on which scale"], rows)


def metrics() -> str:
    """Return every metric with unit, direction and definition; statistics of one quantity share a row."""
    from wattq.experiments import METRICS

    groups: dict[str, list[Any]] = {}
    for metric in METRICS.values():
        stem, _, statistic = metric.label.partition(", ")
        groups.setdefault(stem if statistic in _statistics() else metric.name, []).append(metric)
    rows = [
        [", ".join(f"`{metric.name}`" for metric in group), _unit(group[0].unit), _BETTER[group[0].better], words]
        for group in groups.values()
        for words in [group[0].definition if len(group) == 1 else group[0].definition.partition(". ")[2]]
    ]
    return table(["metric", "unit", "better", "definition"], rows)


def study_quantities() -> str:
    """Return every quantity of a study with unit, whether it is divided by EASY's, and definition."""
    from wattq.experiments.study.quantities import QUANTITIES

    rows = [
        [f"`{entry.name}`", _unit(entry.unit), "yes" if entry.ratio else "no", entry.definition]
        for entry in QUANTITIES.values()
    ]
    return table(["quantity", "unit", "quotient to EASY", "definition"], rows)


def surrogate_features() -> str:
    """Return every feature of a job with its group, unit and meaning."""
    from wattq.surrogates import FEATURES

    rows = [[f"`{feature.name}`", feature.group, _unit(feature.unit), feature.doc] for feature in FEATURES]
    return table(["feature", "group", "unit", "what"], rows)


def surrogate_models() -> str:
    """Return the models of run times, by the first sentence of their documentation."""
    from wattq.surrogates import MODELS

    return table(["model", "what it predicts"], [[f"`{name}`", _first(model)] for name, model in MODELS.items()])


def _first(value: object) -> str:
    return " ".join((inspect.getdoc(value) or "").split("\n\n")[0].split())


def surrogate_measures() -> str:
    """Return every figure of predictions with heading, unit, direction and definition; pinball losses share a row."""
    from wattq.surrogates.metrics import MEASURES, pinball_name
    from wattq.surrogates.model import LEVELS

    levels = [pinball_name(level) for level in LEVELS]
    rows = [
        [f"`{m.name}`", m.label, _unit(m.unit), _BETTER[m.better], m.definition]
        for m in MEASURES.values()
        if m.name not in levels
    ]
    words = "Mean of max(L (r - q), (1 - L) (q - r)), q the quantile of level L; at 0.5 half the error of the median."
    rows.append([", ".join(f"`{name}`" for name in levels), "pinball L", "s", "lower", words])
    return table(["name in files", "heading", "unit", "better", "definition"], rows)


def _statistics() -> Sequence[str]:
    from wattq.experiments.catalogue import STATISTICS

    return list(STATISTICS)


def _unit(unit: str) -> str:
    return unit or "none"


def policies() -> str:
    """Return the built-in policies, their parameters and defaults."""
    from wattq.schedulers import POLICIES, policy_spec

    rows = []
    for name, summary in POLICIES.items():
        spec = policy_spec(name)[1]
        given = ", ".join(f"`{p.name}` ({_default(p.default)})" for p in spec.parameters)
        rows.append([f"`{name}`", summary, given or "none", "rejected" if spec.needs_walltime else "accepted"])
    return table(["policy", "rule", "parameters (default)", "jobs without walltime"], rows)


def common_parameters() -> str:
    """Return the parameters that every policy takes."""
    from wattq.schedulers.estimate_parameters import COMMON

    rows = [[f"`{p.name}`", p.rule, p.meaning, _default(p.default) or "none"] for p in COMMON]
    return table(["parameter", "value", "what it does", "default"], rows)


def _default(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def orders() -> str:
    """Return the orders of the queue."""
    from wattq.schedulers import ORDERS

    return table(["order", "who comes first"], [[f"`{name}`", words] for name, words in ORDERS.items()])


def presets() -> str:
    """Return the presets."""
    from wattq.platforms import PRESETS

    return table(["preset", "machine"], [[f"`{name}`", words] for name, words in PRESETS.items()])


def traces() -> str:
    """Return the catalogue of traces."""
    from wattq.workloads import TRACES

    rows = [[f"`{t.name}`", t.description, f"{t.jobs:,}", f"{t.source}: {t.licence}"] for t in TRACES.values()]
    return table(["name", "what", "rows", "source and terms"], rows)


def cleaning() -> str:
    """Return the cleaning options with their defaults."""
    import dataclasses

    from wattq.workloads import CleaningOptions

    rows = []
    for field in dataclasses.fields(CleaningOptions):
        default = "" if field.default in (None, ()) else f"`{field.default}`"
        rows.append([f"`--{field.name.replace('_', '-')}`", default, field.metadata["help"]])
    return table(["option", "default", "meaning"], rows)


def formats() -> str:
    """Return the formats of workload files."""
    from wattq.workloads import FORMATS

    rows = [[f"`{word}`", entry.description, entry.told_by] for word, entry in FORMATS.items()]
    return table(["format", "what it is", "told by"], rows)


def signal_formats() -> str:
    """Return the formats of signal files."""
    from wattq.platforms.signals import SIGNAL_FORMATS

    rows = [[f"`{word}`", entry.description, entry.told_by] for word, entry in SIGNAL_FORMATS.items()]
    return table(["format", "what it is", "told by"], rows)


def gap_rules() -> str:
    """Return the rules for gaps in signals."""
    from wattq.platforms.signals import GAP_RULES

    return table(["rule", "what is done"], [[f"`{name}`", words] for name, words in GAP_RULES.items()])


def emission_factors() -> str:
    """Return the emission factors of kinds of generation."""
    from wattq.platforms.signals import EMISSION_FACTORS

    tables = [entry.factors for entry in EMISSION_FACTORS.values()]
    kinds = sorted({kind for factors in tables for kind in factors})
    rows = [[f"`{kind}`", *(f"{factors[kind]:.0f}" if kind in factors else "" for factors in tables)] for kind in kinds]
    return table(["kind of generation", *EMISSION_FACTORS], rows)


def series() -> str:
    """Return the catalogue of public series."""
    from wattq.telemetry import SERIES

    rows = [[f"`{s.name}`", s.description, f"{s.source}: {s.licence}", _said(s.needs)] for s in SERIES.values()]
    return table(["name", "what", "source and terms", "say to read it"], rows)


def _said(needs: dict[str, str]) -> str:
    return " ".join(f"`--{name.replace('_', '-')} {value}`" for name, value in needs.items())


def commands() -> str:
    """Return every command with its arguments and options."""
    return "\n\n".join(_command(words, command) for words, command in walk_commands())


def walk_commands() -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the words and the click command of each command, groups left out unless they do something themselves."""
    from typer.main import get_command

    from wattq.cli import app

    yield from _walk(("wattq",), get_command(app))


def _walk(words: tuple[str, ...], command: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    children = getattr(command, "commands", None)
    if children is None or command.invoke_without_command:
        yield words, command
    for name, child in (children or {}).items():
        yield from _walk((*words, name), child)


def _command(words: tuple[str, ...], command: Any) -> str:
    own = [p for p in command.params if getattr(p, "rich_help_panel", None) is None]
    rows = [[_names(p), _shown_default(p), p.help or ""] for p in own]
    cleans = len(own) < len(command.params)
    more = "\n\nAlso takes the [options of cleaning](workloads.md#cleaning)." if cleans else ""
    listing = "\n\n" + table(["argument or option", "default", "meaning"], rows) if rows else ""
    return f"## `{' '.join(words)}`\n\n{command.help.strip()}{listing}{more}"


def _names(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{parameter.name.upper()}`"
    return ", ".join(f"`{name}`" for name in sorted((*parameter.opts, *parameter.secondary_opts), key=len))


def _shown_default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    value = parameter.default
    return "" if value in (None, "", False) or callable(value) or isinstance(value, tuple) else f"`{value}`"


def api(room: str) -> str:
    """Return autodoc directives for the public names of a room."""
    module = import_module(room)
    blocks = [_directive(room, name, getattr(module, name)) for name in module.__all__]
    return "```{eval-rst}\n" + "\n".join(blocks) + "\n```"


def _directive(room: str, name: str, value: object) -> str:
    home = getattr(value, "__module__", room)
    elsewhere = "" if str(home).startswith(room) else "   :no-index:\n"
    if inspect.isclass(value):
        return f".. autoclass:: {room}.{name}\n   :members:\n{elsewhere}"
    if callable(value):
        return f".. autofunction:: {room}.{name}\n{elsewhere}"
    words = " ".join(_words_below(room, name).split())
    return f".. py:data:: {room}.{name}\n\n   {words}\n"


def _words_below(room: str, name: str) -> str:
    """Return the string that stands below the assignment of a constant in some module of a room."""
    for path in _sources(room):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        for statement, after in pairwise(body):
            if _assigns(statement, name) and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                return str(after.value.value)
    return ""


def _sources(room: str) -> list[Path]:
    file = Path(str(import_module(room).__file__))
    if file.name != "__init__.py":
        return [file]
    return sorted(file.parent.rglob("*.py"), key=lambda path: (len(path.parts), path))


def _assigns(statement: ast.stmt, name: str) -> bool:
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    return any(isinstance(target, ast.Name) and target.id == name for target in targets)


TABLES: dict[str, Callable[..., str]] = {
    "api": api,
    "backfill-observation": backfill_observation,
    "cleaning": cleaning,
    "commands": commands,
    "common-parameters": common_parameters,
    "emission-factors": emission_factors,
    "formats": formats,
    "gap-rules": gap_rules,
    "metrics": metrics,
    "orders": orders,
    "policies": policies,
    "presets": presets,
    "series": series,
    "signal-formats": signal_formats,
    "study-quantities": study_quantities,
    "surrogate-features": surrogate_features,
    "surrogate-measures": surrogate_measures,
    "surrogate-models": surrogate_models,
    "traces": traces,
    **TELEMETRY_TABLES,
}


def expand(text: str) -> str:
    """Return a page with each marker replaced by its table."""

    def made(match: re.Match[str]) -> str:
        name, argument = match.groups()
        return TABLES[name](*([argument] if argument else []))

    return MARKER.sub(made, text)


def setup(app: Any) -> dict[str, Any]:
    """Register with Sphinx."""

    def on_source(_app: Any, _docname: str, source: list[str]) -> None:
        source[0] = expand(source[0])

    app.connect("source-read", on_source)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
