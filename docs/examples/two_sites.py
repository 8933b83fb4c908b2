"""The KTH-SP2 log on two machines of its size, in Denmark and in France, at the day-ahead prices of 2018."""

import tempfile
from pathlib import Path

from wattq.experiments import read_run
from wattq.experiments.accounting import Tariff, account_sites
from wattq.experiments.inputs import data_dirs
from wattq.platforms import join_platforms, load_platform, write_platform
from wattq.platforms.signals import read_signal, write_signal
from wattq.schedulers import make_policy
from wattq.simulator import simulate
from wattq.telemetry import locate_series, series_dirs
from wattq.workloads import find_trace, read_workload

ORIGIN = "2018-01-01T12:00Z"
ZONES = {"dk": "Denmark 1", "fr": "France"}

folder = Path(tempfile.mkdtemp())
machine = join_platforms({name: load_platform("kth-sp2") for name in ZONES})
write_platform(machine, folder / "both.xml")
prices = locate_series("smard-2018", data_dirs=series_dirs())
grids = {
    name: read_signal(prices, region=zone, time_zone="Europe/Berlin", gaps="linear") for name, zone in ZONES.items()
}
for name, grid in grids.items():
    write_signal(grid, folder / f"{name}.csv")
sites = ";".join(f"{name}={folder}/{name}.csv" for name in ZONES)
common = {"sites": sites, "machine": str(folder / "both.xml"), "origin": ORIGIN}
policies = {
    "Denmark first": {"sites": "dk=1;fr=2", "machine": common["machine"]},
    "France first": {"sites": "dk=2;fr=1", "machine": common["machine"]},
    "cheaper, persistence": common | {"forecast": "persistence"},
    "cheaper": common,
    "waits 6 h": common | {"max_wait": 6 * 3600},
}
work = read_workload(find_trace("KTH-SP2", data_dirs()))
tariffs = {name: Tariff(price=grid, origin_s=1514808000.0) for name, grid in grids.items()}
for label, params in policies.items():
    run = simulate(machine, [work], make_policy("sites", params), energy=True)
    run.write(folder / label)
    results = read_run(folder / label)
    found = account_sites(results, machine, tariffs, horizon_s=340 * 86400.0)
    computing = sum(site.parts["computing"].cost for site in found.sites.values())
    ran = ~results.jobs.rejected
    wait = (results.jobs.start_s - results.jobs.submit_s)[ran].mean() / 60
    print(f"{label:22} wait {wait:5.1f} min, computing {computing:7.0f} EUR, all {found.total.cost:7.0f} EUR")
