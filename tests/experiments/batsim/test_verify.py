"""wattq verify-backend: quick with stand-ins and a few hundred jobs; every policy on a real trace when asked for."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from wattq.cli import main
from wattq.errors import WattqError
from wattq.experiments.batsim import engine as engine_module
from wattq.experiments.batsim import finding
from wattq.experiments.batsim.finding import Program
from wattq.experiments.batsim.verify import Check, table_of
from wattq.schedulers import POLICIES, policy_spec
from wattq.workloads import generate_saturated, write_batsim_json

# The others are compared with energy only.
PLAIN = [name for name in POLICIES if not policy_spec(name)[1].needs_energy]

Call = Callable[..., int]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a generated workload."""
    write_batsim_json(generate_saturated(200, 100, 5), tmp_path / "jobs.json")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    return tmp_path


@pytest.fixture
def call() -> Call:
    """Call ``wattq verify-backend`` and return its exit code."""

    def verify(*words: str) -> int:
        with pytest.raises(SystemExit) as end:
            main(["verify-backend", *words])
        return int(end.value.code or 0)

    return verify


@pytest.fixture
def server_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """No real Batsim, whatever is on this machine."""
    pytest.importorskip("pybatsim", reason="pybatsim is not installed")
    monkeypatch.setenv("WATTQ_BATSIM", "wattq-batsim")


@pytest.mark.usefixtures("server_only")
def test_the_server_does_the_same(call: Call, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("easy", "conservative-bf", "-w", "jobs.json", "--jobs", "150") == 0
    printed = capsys.readouterr().out
    rows = [line.split() for line in printed.splitlines() if line.startswith(("easy ", "conservative-bf "))]
    assert [row[:6] for row in rows] == [
        [policy, energy, "wattq-batsim", "v4.2.1", "150", "equal"]
        for policy in ("easy", "conservative-bf")
        for energy in ("no", "yes")
    ]
    assert printed.endswith("\nall 4 equal\n")
    assert {path.name for path in folder.iterdir()} == {"jobs.json"}


@pytest.mark.usefixtures("server_only")
def test_runs_are_kept_and_policies_of_the_user_compared(call: Call, folder: Path) -> None:
    (folder / "mine.py").write_text(
        "class Mine:\n    def decide(self, view, actions):\n        for job in view.queue[:1]:\n"
        "            if view.hosts_of(job) <= view.n_free:\n                actions.start(job)\n"
    )
    assert call("mine.py:Mine", "-w", "jobs.json", "--jobs", "40", "-E", "-o", "kept") == 0
    kept = folder / "kept" / "mine.py-Mine" / "energy"
    assert {path.name for path in kept.iterdir()} == {"embedded", "wattq-batsim-v4.2.1"}
    texts = [(kept / name / "jobs.csv").read_text() for name in ("embedded", "wattq-batsim-v4.2.1")]
    assert texts[0] == texts[1]
    assert len(texts[0].splitlines()) == 41
    assert call("easy", "-w", "jobs.json", "-o", "kept") == 2


@pytest.fixture
def with_fakes(fakes: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Stand-ins for the server and pybatsim; real Batsim is the same program."""
    monkeypatch.setattr(engine_module, "find_pybatsim", lambda: Program(fakes.scheduler, "4.0.0a0"))
    monkeypatch.setattr(finding, "find_server", lambda: Program(fakes.batsim, "v4.2.1"))
    return fakes


def played(folder: Path, call: Call, fakes: SimpleNamespace) -> None:
    """Let the stand-in write what the in-process engine writes."""
    from wattq.experiments.engines import Embedded
    from wattq.experiments.experiment_model import PolicySpec, Window
    from wattq.experiments.windows import cut
    from wattq.platforms import load_platform
    from wattq.workloads import read_workload

    part = cut(read_workload(folder / "jobs.json"), Window(first_job=0, n_jobs=50))
    for path in fakes.results.glob("*.csv"):
        path.unlink()
    machine, spec = load_platform("kth-sp2"), PolicySpec(name="easy")
    Embedded().play(machine, [part], spec, fakes.results, energy=True, events=None, target=fakes.results)


def test_the_first_difference_is_told(
    call: Call, folder: Path, with_fakes: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    played(folder, call, with_fakes)
    assert call("easy", "-w", "jobs.json", "--jobs", "50", "-E") == 0
    assert "all 1 equal" in capsys.readouterr().out
    table = with_fakes.results / "jobs.csv"
    rows = table.read_text().splitlines(keepends=True)
    row = rows[20].split(",")
    start = row[8]
    row[8] = "123456.000000"
    table.write_text("".join([*rows[:20], ",".join(row), *rows[21:]]))
    assert call("easy", "-w", "jobs.json", "--jobs", "50", "-E") == 1
    printed = capsys.readouterr().out
    place = f"easy, with energy: jobs.csv, job w0!{row[0]}, column starting_time"
    assert f"{place}: in process '{start}', batsim v4.2.1 '123456.000000'" in printed
    kept = Path(printed.rpartition("the runs are in ")[2].strip())
    assert (kept / "easy" / "energy" / "batsim-v4.2.1" / "jobs.csv").is_file()
    assert call("easy", "-w", "jobs.json", "--jobs", "50", "-E", "-o", "kept") == 1
    assert (folder / "kept" / "easy" / "energy" / "embedded" / "jobs.csv").is_file()


def test_a_backend_that_fails_is_different(
    call: Call, with_fakes: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FAKE_BATSIM", "echo '[root/CRITICAL] no such luck' >&2; exit 134")
    assert call("easy", "-w", "jobs.json", "--jobs", "50", "--no-energy") == 1
    printed = capsys.readouterr().out
    assert "failed" in printed
    assert (
        "easy, without energy: simulation with batsim v4.2.1: Batsim ended with exit code 134 (SIGABRT): no such"
        in printed
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("eassy", "-w", "jobs.json"), "unknown policy 'eassy'"),
        (("easy", "-w", "absent.json"), "absent.json"),
        (("easy", "-w", "jobs.json", "-p", "absent.xml"), "absent.xml"),
        (("easy", "-w", "jobs.json", "--jobs", "0"), "--jobs 0"),
        (("easy", "-w", "jobs.json", "--simulation-timeout", "0"), "simulation time-out 0.0 s"),
        (("easy", "-w", "jobs.json", "-o", "jobs.json"), "jobs.json: exists and is not empty"),
    ],
)
@pytest.mark.usefixtures("with_fakes")
def test_bad_input(words: tuple[str, ...], message: str, call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(*words) == 2
    assert message in capsys.readouterr().err


def test_a_real_batsim_of_another_version(
    call: Call, with_fakes: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Named by the user it is an error; met on PATH it is left out, by name."""
    words = ("easy", "-w", "jobs.json", "--jobs", "50", "--no-energy")
    monkeypatch.setenv("FAKE_VERSION", "echo 5.0.0-rc2")
    assert call(*words) == 2
    assert "batprotocol" in capsys.readouterr().err
    monkeypatch.delenv("WATTQ_BATSIM")
    monkeypatch.setenv("PATH", str(with_fakes.results), prepend=":")
    call(*words)
    assert "real Batsim is not compared: " in capsys.readouterr().out


def test_a_platform_without_powers_is_compared_without_energy(
    call: Call, folder: Path, with_fakes: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    hosts = "".join(f'<host id="h{i}" speed="1Gf"/>' for i in range(4))
    (folder / "m.xml").write_text(
        "<?xml version='1.0'?>\n<!DOCTYPE platform SYSTEM \"https://simgrid.org/simgrid.dtd\">\n"
        '<platform version="4.1"><zone id="z" routing="Full"><host id="master_host" speed="1Gf"/>'
        f"{hosts}</zone></platform>"
    )
    assert call("fcfs", "-p", "m.xml", "-w", "jobs.json", "--jobs", "5") == 1
    assert "platform m states no powers: compared without energy only" in capsys.readouterr().out
    assert call("fcfs", "-p", "m.xml", "-w", "jobs.json", "--jobs", "5", "-E") == 2


def test_checks_in_a_table() -> None:
    good = Check("easy", True, "batsim v4.2.1", 3000, 0.05, 3.5, energy_gap=2e-15)
    bad = Check("fcfs", False, "wattq-batsim v4.2.1", 3000, 0.05, 3.5, failure="it died")
    assert table_of([good, bad]).splitlines() == [
        "Policy  Energy              Against   Jobs  Result   Joules  In process  Backend",
        "------  ------  -------------------  -----  ------  -------  ----------  -------",
        "easy       yes        batsim v4.2.1  3,000   equal  2.0e-15      0.05 s    3.5 s",
        "fcfs        no  wattq-batsim v4.2.1  3,000  failed               0.05 s    3.5 s",
    ]
    assert bad.text == "fcfs, without energy: it died"
    assert good.text == ""


@pytest.mark.slow
@pytest.mark.parametrize("policy", PLAIN)
@pytest.mark.usefixtures("server_only")
def test_every_policy_on_the_server(
    policy: str, call: Call, shared_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WATTQ_DATA_PATH", str(shared_dir / "data" / "swf"))
    assert call(policy) == 0
    assert "all 2 equal" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("policy", PLAIN)
def test_every_policy_on_real_batsim(
    policy: str, call: Call, shared_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("pybatsim", reason="pybatsim is not installed")
    try:
        real = finding.find_batsim()
    except WattqError as error:
        pytest.skip(f"real Batsim is not on this machine: {error}")
    if real.path.resolve() == finding.find_server().path.resolve():
        pytest.skip("real Batsim is not on this machine: WATTQ_BATSIM names wattq-batsim")
    monkeypatch.setattr(finding, "find_server", lambda: real)
    monkeypatch.setenv("WATTQ_DATA_PATH", str(shared_dir / "data" / "swf"))
    assert call(policy) == 0
    assert "all 2 equal" in capsys.readouterr().out


MACHINE = """<?xml version='1.0'?>
<!DOCTYPE platform SYSTEM "https://simgrid.org/simgrid.dtd">
<platform version="4.1"><zone id="z" routing="Full"><host id="master_host" speed="1Gf"/>
{hosts}{links}{routes}</zone></platform>
"""


def slow_machine() -> str:
    """16 hosts of three speeds, 1 to 20 ms away from the master."""
    links = [("master_host", 1.0), *((f"h{i}", 1.0 + 1.2345678901 * i) for i in range(16))]
    return MACHINE.format(
        hosts="".join(f'<host id="h{i}" speed="{("1", "1.2345678901234567", "0.7")[i % 3]}Gf"/>' for i in range(16)),
        links="".join(f'<link id="l{to}" bandwidth="1GBps" latency="{ms}ms"/>' for to, ms in links),
        routes="".join(f'<route src="master_host" dst="{to}"><link_ctn id="l{to}"/></route>' for to, _ in links),
    )


def odd_jobs(seed: int) -> str:
    """150 jobs whose dates, walltimes and work have all the digits of a double."""
    draw = random.Random(seed)
    profiles: dict[str, object] = {}
    jobs, date = [], 0.0
    for i in range(150):
        kind = draw.choice(("parallel_homogeneous", "parallel_homogeneous_total", "delay"))
        work = {"cpu": draw.uniform(1e9, 3e11), "com": 0} if kind != "delay" else {"delay": draw.uniform(0.1, 300)}
        profiles[f"p{i}"] = {"type": kind, **work}
        date += draw.choice((0.0, draw.expovariate(1 / 30), draw.random() * 1e-6, 1 / 3))
        limit = draw.choice((draw.uniform(1, 400), 100, 300.5))
        jobs.append({"id": str(i), "subtime": date, "res": draw.randint(1, 18), "walltime": limit, "profile": f"p{i}"})
    return json.dumps({"nb_res": 16, "jobs": jobs, "profiles": profiles})


@pytest.mark.usefixtures("server_only")
def test_numbers_with_all_their_digits_and_slow_messages(
    call: Call, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With this seed a plan turns on digits that no message carries."""
    (folder / "m.xml").write_text(slow_machine())
    (folder / "odd.json").write_text(odd_jobs(5))
    assert call("conservative-bf", "-p", "m.xml", "-w", "odd.json") == 0, capsys.readouterr().out
