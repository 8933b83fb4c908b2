"""Mean power and energy of jobs: labels, models, evaluation; clusters and anomalies of workloads."""

from __future__ import annotations

from wattq.surrogates.energy.align import AlignedEnergy, JobWindow, align, align_jobs
from wattq.surrogates.energy.anomalies import Anomaly, AnomalyGroup, AnomalyReport, anomalies, anomalies_text
from wattq.surrogates.energy.archer2 import ARCHER2_NODES, archer2_labels
from wattq.surrogates.energy.balance import NodeBalance, node_balances
from wattq.surrogates.energy.boosting import PowerBoosting
from wattq.surrogates.energy.clusters import METHODS, Cluster, ClusterReport, cluster_jobs, clusters_text
from wattq.surrogates.energy.effects import ClockEffect, clock_effects
from wattq.surrogates.energy.evaluate import PROTOCOLS, EnergyScore, choose_model, energy_scores, held_out
from wattq.surrogates.energy.features import ENERGY_FEATURES, EnergyFeature
from wattq.surrogates.energy.job_windows import read_job_windows, sacct_windows, windows_of_rows
from wattq.surrogates.energy.jobs import LABEL_SOURCES, EnergyJobs, EnergyLabels
from wattq.surrogates.energy.labels import read_labels
from wattq.surrogates.energy.labels_csv import LABEL_COLUMNS, labels_csv, read_labels_csv, write_labels_csv
from wattq.surrogates.energy.model import EnergyModel, EnergyPrediction, PowerPrediction, predict_energy
from wattq.surrogates.energy.models import ENERGY_MODELS, make_energy_model
from wattq.surrogates.energy.physical import ApplicationMean, NominalPower
from wattq.surrogates.energy.readings import MeasuredNode, Readings, choose_devices, measured_nodes
from wattq.surrogates.energy.readings_file import read_readings, readings_of_rows, readings_of_samples
from wattq.surrogates.energy.regression import PowerRegression
from wattq.surrogates.energy.report import EnergyReport, energy_json, energy_report, energy_text
from wattq.surrogates.energy.sacct import sacct_labels
from wattq.surrogates.energy.series import HOLDS, PowerSeries
from wattq.surrogates.energy.simulated import simulated_labels
from wattq.surrogates.energy.synthetic import synthetic_labels
from wattq.surrogates.energy.training import (
    PREDICTION_COLUMNS,
    TrainedEnergy,
    train_energy,
    write_energy_predictions,
)
from wattq.surrogates.energy.windows import (
    WindowTable,
    device_names,
    labels_from_samples,
    labels_of,
    read_windows,
    series_of,
)

__all__ = [
    "ARCHER2_NODES",
    "ENERGY_FEATURES",
    "ENERGY_MODELS",
    "HOLDS",
    "LABEL_COLUMNS",
    "LABEL_SOURCES",
    "METHODS",
    "PREDICTION_COLUMNS",
    "PROTOCOLS",
    "AlignedEnergy",
    "Anomaly",
    "AnomalyGroup",
    "AnomalyReport",
    "ApplicationMean",
    "ClockEffect",
    "Cluster",
    "ClusterReport",
    "EnergyFeature",
    "EnergyJobs",
    "EnergyLabels",
    "EnergyModel",
    "EnergyPrediction",
    "EnergyReport",
    "EnergyScore",
    "JobWindow",
    "MeasuredNode",
    "NodeBalance",
    "NominalPower",
    "PowerBoosting",
    "PowerPrediction",
    "PowerRegression",
    "PowerSeries",
    "Readings",
    "TrainedEnergy",
    "WindowTable",
    "align",
    "align_jobs",
    "anomalies",
    "anomalies_text",
    "archer2_labels",
    "choose_devices",
    "choose_model",
    "clock_effects",
    "cluster_jobs",
    "clusters_text",
    "device_names",
    "energy_json",
    "energy_report",
    "energy_scores",
    "energy_text",
    "held_out",
    "labels_csv",
    "labels_from_samples",
    "labels_of",
    "make_energy_model",
    "measured_nodes",
    "node_balances",
    "predict_energy",
    "read_job_windows",
    "read_labels",
    "read_labels_csv",
    "read_readings",
    "read_windows",
    "readings_of_rows",
    "readings_of_samples",
    "sacct_labels",
    "sacct_windows",
    "series_of",
    "simulated_labels",
    "synthetic_labels",
    "train_energy",
    "windows_of_rows",
    "write_energy_predictions",
    "write_labels_csv",
]
