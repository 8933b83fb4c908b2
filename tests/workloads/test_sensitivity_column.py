"""The column beta: where it comes from, where it goes, and who refuses it."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from wattq.cli import app
from wattq.errors import InvalidInputError, PlatformError, UnsupportedError, WattqError, WorkloadError
from wattq.experiments.experiment_model import Window
from wattq.experiments.windows import cut
from wattq.platforms import effective_platform, load_platform, make_platform
from wattq.platforms.make import ComputeState, SleepState
from wattq.workloads import (
    Workload,
    mean_beta,
    merge_workloads,
    parse_batsim_json,
    parse_beta,
    parse_workload,
    with_beta,
    write_batsim_json,
    write_swf,
    write_table,
)

SWF = "; MaxNodes: 4\n" + "".join(
    f"{k} {k} 0 {10 * k} 1 -1 -1 1 99 -1 1 1 1 -1 {k % 2} -1 -1 -1\n" for k in range(1, 5)
)


def logged() -> Workload:
    """Return four jobs of 10, 20, 30, 40 s in queues 1, 0, 1, 0."""
    return parse_workload(SWF.encode(), "a.swf")


def document(*betas: Any) -> bytes:
    jobs = [
        {"id": str(k), "subtime": k, "res": 1, "profile": "p"} | ({} if beta is None else {"beta": beta})
        for k, beta in enumerate(betas)
    ]
    profiles = {"p": {"type": "parallel_homogeneous", "cpu": 1e9, "com": 0}}
    return json.dumps({"nb_res": 2, "jobs": jobs, "profiles": profiles}).encode()


def test_every_job_has_beta_1_unless_told() -> None:
    assert logged().beta.tolist() == [1.0] * 4
    assert logged().beta.dtype == np.float64
    assert parse_batsim_json(document(None, 0.5, 0, 1), "a.json").beta.tolist() == [1.0, 0.5, 0.0, 1.0]


@pytest.mark.parametrize("beta", [-0.1, 1.1, "x", True, [1], None])
def test_json_refuses_what_is_no_sensitivity(beta: Any) -> None:
    text = document(0.5).replace(b"0.5", json.dumps(beta).encode())
    with pytest.raises(WorkloadError, match=r"jobs\[0\] \(id '0'\), key 'beta'"):
        parse_batsim_json(text, "a.json")


def test_one_number_or_one_for_each_queue() -> None:
    assert with_beta(logged(), 0.6).beta.tolist() == [0.6] * 4
    assert with_beta(with_beta(logged(), 0.6), {0: 0.25}).beta.tolist() == [0.6, 0.25, 0.6, 0.25]
    with pytest.raises(InvalidInputError, match=r"beta for queue 7: no job is in it; the queues of the jobs are 0, 1"):
        with_beta(logged(), {7: 0.5})
    for wrong in (1.5, -0.1, float("nan"), True):
        with pytest.raises(InvalidInputError, match="give a number from 0 to 1"):
            with_beta(logged(), wrong)


def test_beta_as_text() -> None:
    assert parse_beta("0.6") == 0.6
    assert parse_beta("1=0.9,2=0.4") == {1: 0.9, 2: 0.4}


@pytest.mark.parametrize("text", ["", "x", "2", "nan", "1=", "=1", "1=2", "1=0.5,1=0.6", "1=0.5,"])
def test_text_that_is_no_beta(text: str) -> None:
    with pytest.raises(InvalidInputError, match="give a number from 0 to 1, or one for each queue"):
        parse_beta(text)


@settings(deadline=None, max_examples=100)
@given(st.text(st.sampled_from("0123456789.=,-einfa "), max_size=12))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(WattqError):
        with_beta(logged(), parse_beta(text))


def test_a_table_checks_its_column() -> None:
    with pytest.raises(WorkloadError, match="3 values of beta for 4 jobs"):
        replace(logged(), beta=np.ones(3))
    with pytest.raises(WorkloadError, match=r"job w0!2: beta 2; "):
        replace(logged(), beta=np.array([1.0, 2.0, 1.0, 1.0]))


def test_windows_and_merging_carry_it() -> None:
    work = replace(logged(), beta=np.array([0.1, 0.2, 0.3, 0.4]))
    assert cut(work, Window(first_job=1, n_jobs=2)).beta.tolist() == [0.2, 0.3]
    other = parse_batsim_json(document(None, 0.5), "b.json")
    merged = merge_workloads([work, other], rebase=False)
    found = dict(zip(merged.job_id, merged.beta.tolist(), strict=True))
    assert sorted(found.values()) == [0.1, 0.2, 0.3, 0.4, 0.5, 1.0]
    assert merged.extra is not None
    assert [job.get("beta", 1.0) for job in merged.extra] == merged.beta.tolist()


@pytest.mark.parametrize("ending", ["csv", "csv.gz"])
def test_tables_hold_it(tmp_path: Path, ending: str) -> None:
    from wattq.workloads import read_workload

    for work in (with_beta(logged(), {0: 0.25}), parse_batsim_json(document(None, 0.5), "b.json")):
        again = read_workload(write_table(work, tmp_path / f"t.{ending}"))
        assert again.beta.tolist() == work.beta.tolist()
        assert again.extra == work.extra
    plain = write_table(logged(), tmp_path / "plain.csv").read_text()
    assert "beta" not in plain.splitlines()[1].split(",")


@pytest.mark.parametrize("cell", ["", "2", "-1", "x", "nan"])
def test_a_table_with_a_wrong_beta_is_refused(tmp_path: Path, cell: str) -> None:
    path = write_table(with_beta(logged(), {0: 0.125}), tmp_path / "t.csv")
    with pytest.raises(WorkloadError, match="beta"):
        parse_workload(path.read_bytes().replace(b"0.125", cell.encode(), 1), "t.csv")


def test_batsim_json_refuses_or_writes_the_mean(tmp_path: Path) -> None:
    work = with_beta(logged(), {0: 0.5, 1: 0.2})
    with pytest.raises(UnsupportedError, match=r"job w0!1: beta 0\.2, which Batsim's JSON cannot express"):
        write_batsim_json(work, tmp_path / "w.json")
    assert not (tmp_path / "w.json").exists()
    # 40 s at 0.2, 60 s at 0.5.
    path = write_batsim_json(work, tmp_path / "w.json", beta="class-mean")
    assert json.loads(path.read_text())["class_mean_beta"] == pytest.approx(0.38)
    assert '"beta"' not in path.read_text()
    plain = write_batsim_json(logged(), tmp_path / "plain.json")
    assert path.read_text().replace(f' "class_mean_beta": {mean_beta(work)!r},\n', "") == plain.read_text()
    with pytest.raises(InvalidInputError, match="give 'class-mean'"):
        write_batsim_json(work, tmp_path / "w.json", beta="mean")


def test_json_objects_lose_the_key(tmp_path: Path) -> None:
    work = parse_batsim_json(document(None, 0.5), "b.json")
    path = write_batsim_json(work, tmp_path / "w.json", beta="class-mean")
    assert [set(job) for job in json.loads(path.read_text())["jobs"]] == [{"id", "subtime", "res", "profile"}] * 2
    assert json.loads(path.read_text())["class_mean_beta"] == 0.75


def test_swf_has_no_column_for_it(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match=r"job w0!2: beta 0\.5; SWF has no column"):
        write_swf(with_beta(logged(), {0: 0.5}), tmp_path / "w.swf")


def test_the_mean_is_by_host_seconds() -> None:
    text = SWF.replace(" 10 1 -1 -1 1 ", " 10 2 -1 -1 2 ")  # the first job on two hosts
    work = replace(parse_workload(text.encode(), "a.swf"), beta=np.array([0.0, 1.0, 1.0, 0.5]))
    assert mean_beta(work) == pytest.approx((20 * 0 + 20 * 1 + 30 * 1 + 40 * 0.5) / 110)
    assert mean_beta(with_beta(work, 0.3)) == 0.3


def test_a_mean_that_is_not_known() -> None:
    text = document(0.5, None).replace(b'"com": 0', b'"com": 5')
    with pytest.raises(UnsupportedError, match="w0!0: the run time of its profile depends on the platform"):
        mean_beta(parse_batsim_json(text, "a.json"))


def test_effective_speeds() -> None:
    states = (ComputeState(1e9, 100, 200), ComputeState(5e8, 90, 150), ComputeState(2e9, 110, 300))
    machine = make_platform(2, states, [SleepState(10, 5, 125, 64, 115)])
    found = effective_platform(machine, 0.5)
    assert found.speed_flops[0, :3].tolist() == pytest.approx([1e9, 1e9 / 1.5, 1e9 / 0.75])
    assert found.speed_flops[:, 3:].tolist() == machine.speed_flops[:, 3:].tolist()
    assert np.array_equal(found.full_w, machine.full_w, equal_nan=True)
    assert found.sha256 != machine.sha256
    assert effective_platform(machine, 0.0).speed_flops[0, :3].tolist() == [1e9] * 3
    assert np.array_equal(effective_platform(machine, 1.0).speed_flops, machine.speed_flops, equal_nan=True)
    for wrong in (-0.1, 1.1, float("nan")):
        with pytest.raises(PlatformError, match="give a number from 0 to 1"):
            effective_platform(machine, wrong)


def test_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.swf").write_text(SWF)

    def wattq(*words: str) -> Any:
        return CliRunner().invoke(app, words)

    assert wattq("platform", "make", "--nodes", "4", "--state", "1Gf:100:200", "--state", "500Mf:90:150", "-o", "m.xml")
    done = wattq("workload", "convert", "a.swf", "a.json", "--beta", "0=0.5,1=0.2", "--batsim-beta", "class-mean")
    assert done.exit_code == 0, done.output
    assert "mean beta 0.38: give it to wattq platform effective --beta" in done.output
    done = wattq("platform", "effective", "m.xml", "--beta", "0.38", "--out", "e.xml")
    assert done.exit_code == 0, done.output
    assert load_platform("e.xml").speed_flops[0, 1] == pytest.approx(1e9 / 1.38, rel=1e-12)
    assert wattq("workload", "convert", "a.swf", "t.csv", "--beta", "0.5").exit_code == 0
    assert parse_workload(Path("t.csv").read_bytes(), "t.csv").beta.tolist() == [0.5] * 4
    for words in (("a.json", "--beta", "0.5"), ("b.csv", "--batsim-beta", "class-mean"), ("c.json", "--beta", "2")):
        refused = wattq("workload", "convert", "a.swf", *words)
        assert isinstance(refused.exception, WattqError | SystemExit), refused.output
