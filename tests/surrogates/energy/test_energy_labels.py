"""Joules of jobs from files: ARCHER2's steps, sacct, simulated runs, CSV; made-up ones only when asked for."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.cli import main
from wattq.errors import InvalidInputError, SurrogateError, WattqError
from wattq.surrogates.energy import (
    EnergyJobs,
    EnergyLabels,
    archer2_labels,
    read_labels,
    read_labels_csv,
    sacct_labels,
    simulated_labels,
    synthetic_labels,
    write_labels_csv,
)
from wattq.surrogates.energy.labels_csv import parse_labels_csv
from wattq.surrogates.energy.sacct import parse_sacct_energy
from wattq.surrogates.jobs import Jobs, Outcomes

ARCHER2 = "archer2_step_energy_castep_lammps_hpl.csv"
SACCT = """JobID|JobName|User|Partition|ElapsedRaw|NNodes|ReqCPUFreq|ConsumedEnergyRaw|TimelimitRaw|AllocTRES
1|solver|ann|std|100|2|Unknown|50000|10|cpu=4,node=2,gres/gpu=4
1.batch|batch|||100|1|0|25000||
1.extern|extern|||100|2|0|50000||
1.0|solver|||90|2|2G|45000||
2|mix|bob|std|200|4|Unknown||60|
2.batch|batch|||200|1|0|0||
2.0|a|||100|4|2.25G|100000||
2.1|b|||80|4|2.25G|80000||
3|none|bob|std|10|1|Unknown|0|5|
4|sentinel|bob|std|10|1|Unknown|18446744073709551614|5|
"""


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_archer2_steps(shared_dir: Path) -> None:
    labels = archer2_labels(shared_dir / "data" / "power" / ARCHER2)
    # 123 rows: 36 numbered steps; parents, batch and extern rows count the same joules again.
    assert (labels.n_jobs, labels.label_source) == (36, "measured")
    assert labels.notes[0] == "left out: 87 parent, batch and extern rows"
    assert labels.energy_j[0] == 61215519
    assert labels.power_w[0] == pytest.approx(61215519 / 96 / 2337)
    hpl = labels.take(labels.jobs.application == "HPL")
    assert hpl.jobs.nodes.tolist() == [1.0] * 6
    assert hpl.jobs.slowdown.tolist()[:3] == pytest.approx([(5138 + 5105 + 5133) / (3859 + 3823 + 3843)] * 3)
    assert hpl.jobs.slowdown.tolist()[3:] == [1.0] * 3
    assert 300 < np.median(labels.power_w) < 600


def test_archer2_without_nodes(tmp_path: Path) -> None:
    head = "app,job_step,nodes,req_cpu_freq,elapsed_s,consumed_energy_j\n"
    path = write(tmp_path / "a.csv", head + "new/case,7.0,,2G,100,200000\nnew/case,7.1,,2.25G,80,190000\n")
    with pytest.raises(SurrogateError, match="--nodes new/case=NUMBER"):
        read_labels(path)
    assert read_labels(path, nodes={"new/case": 4}).power_w.tolist() == [500.0, 593.75]
    with pytest.raises(SurrogateError, match="no step has joules"):
        read_labels(write(tmp_path / "b.csv", head + "a,7.0,1,2G,100,\n"))


def test_sacct_adds_nothing_twice(tmp_path: Path) -> None:
    labels = sacct_labels(write(tmp_path / "s.txt", SACCT))
    assert labels.job_id == ("1", "2")
    # Job 1 has its own joules; those of job 2 are the sum of its numbered steps.
    assert labels.energy_j.tolist() == [50000.0, 180000.0]
    assert labels.power_w.tolist() == [250.0, 225.0]
    assert labels.jobs.frequency_ghz.tolist() == [2.0, 2.25]
    assert labels.jobs.request_s.tolist() == [600.0, 3600.0]
    assert labels.jobs.gpus.tolist()[0] == 2.0
    assert math.isnan(labels.jobs.gpus[1])
    assert labels.jobs.user.tolist() == ["ann", "bob"]
    assert labels.jobs.application.tolist() == ["solver", "mix"]
    assert "left out: 2 jobs without measured energy" in labels.notes
    assert read_labels(tmp_path / "s.txt").job_id == ("1", "2")


def test_sacct_shortened_energy(tmp_path: Path) -> None:
    text = "JobID|Elapsed|AllocNodes|ConsumedEnergy|ReqCPUFreq\n9|00:01:40|2|61.5K|2250000\n"
    labels = sacct_labels(write(tmp_path / "s.txt", text))
    assert (labels.energy_j.tolist(), labels.run_s.tolist()) == ([61500.0], [100.0])
    assert labels.jobs.frequency_ghz.tolist() == [2.25]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("JobID|ElapsedRaw|NNodes|ConsumedEnergyRaw\n1|10|1|many\n", "consumedenergyraw"),
        ("JobID|ElapsedRaw|NNodes|ConsumedEnergyRaw\n1|10|1|0\n", "no job with measured energy"),
        ("JobID|ElapsedRaw|NNodes|ConsumedEnergyRaw\nx|10|1|5\n", "jobid"),
        ("JobID|NNodes|ConsumedEnergyRaw\n1|1|5\n", "elapsed"),
    ],
)
def test_bad_sacct(tmp_path: Path, text: str, place: str) -> None:
    with pytest.raises(InvalidInputError, match=place):
        sacct_labels(write(tmp_path / "s.txt", text))


def test_labels_of_a_simulated_run(tmp_path: Path) -> None:
    head = (
        "job_id,workload_name,submission_time,requested_number_of_resources,requested_time,success,final_state,"
        "starting_time,execution_time,finish_time,allocated_resources,consumed_energy\n"
    )
    rows = (
        "1,w0,0,2,100,1,COMPLETED_SUCCESSFULLY,0,50,50,0-1,20000\n"
        "2,w0,0,1,-1,1,COMPLETED_SUCCESSFULLY,0,10,10,2,1000\n"
        "3,w0,0,9,100,0,REJECTED,,,,,-1\n"
    )
    write(tmp_path / "jobs.csv", head + rows.replace(",,,,,-1", ",,,,,"))
    write(tmp_path / "submitted.csv", "job_id,workload_name,user\n1,w0,7\n2,w0,-1\n")
    labels = read_labels(tmp_path)
    assert labels.label_source == "simulated"
    assert labels.power_w.tolist() == [200.0, 100.0]
    assert labels.jobs.user.tolist() == ["7", ""]
    assert labels.job_id == ("w0!1", "w0!2")
    assert simulated_labels(tmp_path / "jobs.csv").energy_j.tolist() == [20000.0, 1000.0]
    write(tmp_path / "jobs.csv", head + rows.replace("20000", "").replace("1000\n", "\n").replace(",-1\n", ",\n"))
    with pytest.raises(SurrogateError, match="simulate with --energy"):
        read_labels(tmp_path)


def log(tmp_path: Path, jobs: int = 40) -> Path:
    rows = [f"{i} {i * 10} 5 {100 + i} 4 -1 -1 4 600 -1 1 {i % 3 + 1} 1 {i % 2 + 1} 1 1 -1 -1" for i in range(1, jobs)]
    return write(tmp_path / "log.swf", "; MaxProcs: 16\n" + "\n".join(rows) + "\n")


def test_joules_are_made_up_only_when_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, bundle = log(tmp_path), tmp_path / "e.wattq"
    with pytest.raises(SystemExit) as end:
        main(["surrogate", "train-energy", str(path), "-o", str(bundle)])
    error = capsys.readouterr().err
    assert end.value.code == 2
    assert error.startswith(f"wattq: error: {path}: no joules, so there is nothing to learn energy from;")
    assert "Traceback" not in error
    assert not bundle.exists()
    with pytest.raises(SystemExit) as end:
        main(["surrogate", "train-energy", str(path), "-o", str(bundle), "--synthetic-energy"])
    assert end.value.code == 0
    assert "label_source=synthetic" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["surrogate", "show", str(bundle), "--json"])
    assert json.loads(capsys.readouterr().out)["label_source"] == "synthetic"
    with pytest.raises(SystemExit):
        main(["surrogate", "predict-energy", str(bundle), str(path), "-o", str(tmp_path / "p.csv")])
    assert "(label_source=synthetic)" in capsys.readouterr().out
    assert {row.rpartition(",")[2] for row in (tmp_path / "p.csv").read_text().splitlines()[1:]} == {"synthetic"}


def test_a_file_of_synthetic_labels_needs_the_flag_again(tmp_path: Path) -> None:
    labels = read_labels(log(tmp_path), synthetic=True, seed=3)
    path = write_labels_csv(labels, tmp_path / "l.csv.gz")
    assert read_labels_csv(path).synthetic
    with pytest.raises(SurrogateError, match="its joules are synthetic; allow that with --synthetic-energy"):
        read_labels(path)
    assert read_labels(path, synthetic=True).energy_j.tolist() == labels.energy_j.tolist()


def test_synthetic_labels_depend_on_names_and_seed(tmp_path: Path) -> None:
    first, again = (read_labels(log(tmp_path), synthetic=True, seed=3) for _ in range(2))
    other = read_labels(log(tmp_path), synthetic=True, seed=4)
    assert first.energy_j.tolist() == again.energy_j.tolist() != other.energy_j.tolist()
    none = Jobs(*(np.zeros(1), np.ones(1, np.int64), np.ones(1)), *(np.zeros(1, np.int64),) * 4)
    with pytest.raises(SurrogateError, match="no job has a run time"):
        synthetic_labels(none, Outcomes(np.array([np.nan]), np.array([np.nan])))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("nodes,run_s,energy_j\n1,1,1\n", "label_source"),
        ("nodes,run_s,energy_j,label_source\n1,1,1,guess\n", "label_source"),
        ("nodes,run_s,energy_j,label_source\n1,1,1,measured\n1,1,1,sampled\n", "label_source"),
        ("nodes,run_s,energy_j,label_source\n1,0,1,measured\n", "job 0: run_s 0"),
        ("nodes,run_s,energy_j,label_source\n1,1,,measured\n", "energy_j nan"),
        ("nodes,run_s,energy_j,label_source\n0,1,1,measured\n", "nodes 0"),
        ("nodes,run_s,energy_j,label_source\n", "no labels"),
        ("nodes,run_s,energy_j,label_source\nx,1,1,measured\n", "nodes"),
    ],
)
def test_bad_label_files(tmp_path: Path, text: str, place: str) -> None:
    with pytest.raises(InvalidInputError, match=place):
        read_labels_csv(write(tmp_path / "l.csv", text))


def test_bad_labels() -> None:
    jobs = EnergyJobs.of([1.0, 2.0])
    with pytest.raises(SurrogateError, match="columns differ in length"):
        EnergyLabels(jobs, np.ones(1), np.ones(2), "measured")
    with pytest.raises(SurrogateError, match="label_source 'x'"):
        EnergyLabels(jobs, np.ones(2), np.ones(2), "x")
    with pytest.raises(SurrogateError, match="columns differ in length"):
        EnergyJobs.of([1.0, 2.0], user=["a"])
    with pytest.raises(SurrogateError, match="frequency_ghz 0"):
        EnergyJobs.of([1.0], frequency_ghz=[0.0])


LABELS = b"job_id,nodes,run_s,energy_j,label_source,application\n1,2,10,4000,measured,a\n2,2,10,4100,measured,a\n"


@settings(deadline=None, max_examples=150)
@given(st.sampled_from([LABELS, SACCT.encode()]), st.data())
def test_mutated_files_give_labels_or_errors(data: bytes, draw: st.DataObject) -> None:
    place = draw.draw(st.integers(0, len(data) - 1))
    new = draw.draw(st.binary(max_size=3))
    mutated = data[:place] + new + data[place + draw.draw(st.integers(0, 4)) :]
    parse = parse_labels_csv if data is LABELS else parse_sacct_energy
    try:
        labels = parse(mutated, "m")
    except WattqError:
        return
    assert (labels.energy_j > 0).all()
