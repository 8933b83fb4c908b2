"""How good predictions of run times are: accuracy, effect on the schedule, transfer, ablation, search."""

from wattq.experiments.surrogates.cache import Cache, default_cache
from wattq.experiments.surrogates.effect import (
    effect_rows,
    effect_table,
    perturbed,
    schedule_effect,
    simulate_effect,
)
from wattq.experiments.surrogates.evaluation import Evaluation, LogResults, ModelResults, evaluate
from wattq.experiments.surrogates.logs import Log, find_logs, read_log
from wattq.experiments.surrogates.output import is_evaluation, write_evaluation
from wattq.experiments.surrogates.report import evaluation_html
from wattq.experiments.surrogates.schema import MetricsFile, read_metrics
from wattq.experiments.surrogates.search import Search, SearchResult, search_model
from wattq.experiments.surrogates.settings import PARTS, Settings

__all__ = [
    "PARTS",
    "Cache",
    "Evaluation",
    "Log",
    "LogResults",
    "MetricsFile",
    "ModelResults",
    "Search",
    "SearchResult",
    "Settings",
    "default_cache",
    "effect_rows",
    "effect_table",
    "evaluate",
    "evaluation_html",
    "find_logs",
    "is_evaluation",
    "perturbed",
    "read_log",
    "read_metrics",
    "schedule_effect",
    "search_model",
    "simulate_effect",
    "write_evaluation",
]
