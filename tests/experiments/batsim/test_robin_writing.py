"""Experiments to robin files and back: the same simulations."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.cli import main
from wattq.errors import InvalidInputError, PolicyError, UnsupportedError, WattqError
from wattq.experiments import Case, Experiment, compare, find_experiment, load_experiment, parse_experiment
from wattq.experiments.batsim.robin_file import RobinFile, read_robin, robin_text
from wattq.experiments.batsim.robin_reading import experiment_from_robin, experiment_text
from wattq.experiments.batsim.robin_writing import RobinOptions, robin_files, write_robin
from wattq.platforms import ComputeState, make_platform, read_platform, write_platform
from wattq.schedulers import POLICIES, policy_spec
from wattq.workloads import generate_saturated, read_workload, write_batsim_json

STUDY = """\
name: study
platform: machine.xml
workloads:
  - label: made here
    generate: {jobs: 40, hosts: 4}
policies: [fcfs, {name: easy, params: {order: saf}}]
energy: true
windows:
  - {first_job: 0, n_jobs: 20}
  - {first_job: 20, n_jobs: 20}
seeds: [1, 2]
"""


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_platform(make_platform(4, [ComputeState(1e9, 100.0, 200.0)]), tmp_path / "machine.xml")
    write_batsim_json(generate_saturated(30, 4, seed=5), tmp_path / "jobs.json")
    return tmp_path


def study(text: str = STUDY) -> Experiment:
    return parse_experiment(text, "study.yaml")


def test_one_file_per_run(base: Path) -> None:
    files = write_robin(study(), Path("files"), RobinOptions("work"), base=base)
    assert sorted(path.name for path in files) == [
        f"made-here-jobs-{jobs}-seed{seed}-{policy}.yaml"
        for jobs in ("0-19", "20-39")
        for seed in (1, 2)
        for policy in ("easy-order=saf", "fcfs")
    ]
    path = Path("files/made-here-jobs-20-39-seed2-easy-order=saf.yaml")
    case = "work/made-here-jobs-20-39-seed2"
    assert (
        read_robin(path)
        == files[path]
        == RobinFile(
            f"batsim -p {case}/platform.xml -w {case}/w0/workload.json -E -s tcp://127.0.0.1:28000 "
            f"-e {case}/easy-order=saf/out --disable-schedule-tracing -q",
            f"{case}/easy-order=saf",
            f'pybatsim wattq-easy -t 600000 -o \'{{"params": {{"order": "saf"}}, "platform": "{case}/platform.xml", '
            '"silence_limit_s": 600}\' -s tcp://127.0.0.1:28000',
        )
    )
    assert read_platform(f"{case}/platform.xml").n_compute == 4
    assert read_workload(f"{case}/w0/workload.json").n_jobs == 20
    assert not list(base.rglob("*.part"))


def test_options(base: Path) -> None:
    options = RobinOptions("/some where", "nice wattq-batsim", 28001, RobinFile("b", "o", "", 1.0, 2.0, 3.0, 4.5))
    text = STUDY.replace("energy: true", "energy: false").replace("params: {order: saf}", "label: a b")
    made = robin_files(study(text), options)["made-here-jobs-0-19-seed1-a-b.yaml"]
    assert made.batcmd.startswith("nice wattq-batsim -p '/some where/made-here-jobs-0-19-seed1/platform.xml' -w ")
    assert "-E" not in shlex.split(made.batcmd)
    assert "tcp://127.0.0.1:28001" in shlex.split(made.batcmd)
    assert "tcp://127.0.0.1:28001" in shlex.split(made.schedcmd)
    assert made.output_dir == "/some where/made-here-jobs-0-19-seed1/a-b"
    times = (made.simulation_timeout_s, made.ready_timeout_s, made.success_timeout_s, made.failure_timeout_s)
    assert times == (1.0, 2.0, 3.0, 4.5)


def test_a_predictor_is_told_the_clock_of_the_log(base: Path) -> None:
    log = "; UnixStartTime: 844087081\n1 60 -1 10 1 -1 -1 1 20 -1 1 1 1 -1 1 -1 -1 -1\n"
    (base / "log.swf").write_text(log)
    text = "name: n\nplatform: machine.xml\nworkloads: [log.swf]\nenergy: true\npolicies:\n"
    text += "  - {name: easy, label: a, params: {estimate: predictor, predictor: last-two}}\n  - easy\n"
    files = write_robin(study(text), Path("files"), RobinOptions("work"), base=base)
    options = [json.loads(shlex.split(file.schedcmd)[5]) for file in files.values()]
    params = {"estimate": "predictor", "predictor": "last-two", "predictor_clock": 844087141.0}
    assert [option.get("params") for option in options] == [params, None]


def test_a_policy_of_the_user(base: Path) -> None:
    Path("mine.py").write_text("class Mine:\n    def decide(self, view, actions):\n        pass\n")
    text = "name: n\nplatform: machine.xml\nworkloads: [jobs.json]\npolicies: ['mine.py:Mine']\n"
    files = write_robin(study(text), Path("files"), RobinOptions("work"), base=base)
    (made,) = files.values()
    words = shlex.split(made.schedcmd)
    assert words[:2] == ["pybatsim", "wattq"]
    assert json.loads(words[words.index("-o") + 1])["policy"] == "mine.py:Mine"
    assert experiment_from_robin(list(files)).policies == study(text).policies


def test_round_trip(base: Path) -> None:
    first = write_robin(study(), Path("files"), RobinOptions("work"), base=base)
    again = experiment_from_robin(list(first))
    assert again.energy
    assert [policy.title for policy in again.policies] == ["fcfs", "easy order=saf"]
    assert len(again.workloads) == 4
    assert parse_experiment(experiment_text(again), "text") == again
    second = write_robin(again, Path("more"), RobinOptions("more"))
    assert {path.name for path in second} == {path.name for path in first}
    for old, new in zip(sorted(first), sorted(second), strict=True):
        assert first[old].batcmd.replace("work/", "more/") == second[new].batcmd
        assert first[old].schedcmd.replace("work/", "more/") == second[new].schedcmd
    cases = [path.name for path in Path("work").iterdir()]
    assert len(cases) == 4
    for case in cases:
        old, new = (json.loads(Path(f"{place}/{case}/w0/workload.json").read_text()) for place in ("work", "more"))
        # a window keeps the profiles of the whole workload; those that nobody uses are not read
        used = {job["profile"]: old["profiles"][job["profile"]] for job in old["jobs"]}
        assert (new["jobs"], new["profiles"]) == (old["jobs"], used)
        assert Path(f"more/{case}/platform.xml").read_bytes() == Path(f"work/{case}/platform.xml").read_bytes()


def test_the_same_results(base: Path) -> None:
    before = compare(study(), Path("before"), base=base)
    files = write_robin(study(), Path("files"), RobinOptions("work"), base=base)
    after = compare(experiment_from_robin(list(files)), Path("after"))
    skip = {"users", "user_slowdown_jain", "user_slowdown_spread"}

    def numbers(cases: list[Case]) -> list[str]:
        runs = [measured.metrics for case in cases for measured in case.runs]
        return sorted(repr([(name, value) for name, value in run.items() if name not in skip]) for run in runs)

    assert numbers(before) == numbers(after)


def test_paths_beside_the_experiment(base: Path) -> None:
    files = write_robin(study(), Path("files"), RobinOptions("work"), base=base)
    made = experiment_from_robin(list(files)[:1], beside=Path("deep/er"))
    assert made.platform == "../../work/made-here-jobs-0-19-seed1/platform.xml"
    assert made.name == "made-here-jobs-0-19-seed1-fcfs"


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (("policies: [fcfs", "policies: [{name: fcfs, label: easy order-saf}"), InvalidInputError, "differ in letters"),
        (("name: easy", "name: eazy"), PolicyError, "unknown policy 'eazy'; did you mean easy"),
        (("order: saf", "ordre: saf"), PolicyError, "ordre"),
        (("machine.xml", "missing.xml"), InvalidInputError, "missing.xml"),
        (("first_job: 20", "first_job: 200"), InvalidInputError, "no job in window"),
    ],
)
def test_refused_before_robin_files_are_written(
    base: Path, change: tuple[str, str], error: type[WattqError], words: str
) -> None:
    text = STUDY.replace(*change).replace(
        "params: {order: saf}", "label: easy-order saf" if "label" in change[1] else "params: {order: saf}"
    )
    with pytest.raises(error, match=words):
        write_robin(study(text), Path("files"), RobinOptions("work"), base=base)
    assert not Path("files").exists()


def test_bad_options() -> None:
    for port in (0, 65536, -1):
        with pytest.raises(InvalidInputError, match="from 1 to 65535"):
            RobinOptions("work", port=port)
    with pytest.raises(InvalidInputError, match="command of Batsim is empty"):
        RobinOptions("work", batsim=" ")


GOOD = RobinFile("batsim -p p.xml -w jobs.json", "out", "pybatsim wattq-easy")


def from_texts(*made: RobinFile) -> Experiment:
    for number, instance in enumerate(made):
        Path(f"{number}.yaml").write_text(robin_text(instance))
    return experiment_from_robin([f"{number}.yaml" for number in range(len(made))])


@pytest.mark.parametrize(
    ("batcmd", "schedcmd", "policy", "energy"),
    [
        ("batsim -p p.xml -w jobs.json", "pybatsim wattq-easy", "easy", False),
        ("/opt/b/batsim --platform=p.xml --workload jobs.json --energy -q", "/x/pybatsim wattq-saf -t 5", "saf", True),
        ("wattq-batsim -pp.xml -wjobs.json -m master_host -v quiet", "pybatsim wattq-fcfs-fast", "fcfs", False),
        ("batsim \\\n  -p p.xml \\\n  -w jobs.json -e 'a b' -s tcp://h:1", "pybatsim -o{} wattq-easy", "easy", False),
        ("batsim -p 'p.xml' -w jobs.json", """pybatsim wattq -o '{"policy": "easy"}'""", "easy", False),
        ("batsim -p p.xml -w jobs.json", "pybatsim wattq-easy -o @options.json", "easy order=lxf", False),
        ("batsim -p p.xml -w jobs.json", """pybatsim wattq-easy -o '{"order": "lxf"}'""", "easy order=lxf", False),
    ],
)
def test_commands_that_are_read(base: Path, batcmd: str, schedcmd: str, policy: str, energy: bool) -> None:
    Path("options.json").write_text('{"params": {"order": "lxf"}, "platform": "p.xml"}')
    made = from_texts(RobinFile(batcmd, "out", schedcmd))
    assert (made.name, made.platform, made.energy) == ("0", "p.xml", energy)
    assert [(spec.source, spec.name) for spec in made.workloads] == [("jobs.json", "jobs")]
    assert [spec.title for spec in made.policies] == [policy]


@pytest.mark.parametrize(
    ("batcmd", "words"),
    [
        ("batsim -p p.xml -w j.json --mmax 4", "option --mmax cannot be carried over; run the file as it is"),
        ("batsim -p p.xml -w j.json --events e.txt", "option --events cannot"),
        ("batsim -p p.xml -w j.json -r a:storage", "option -r cannot"),
        ("batsim -p p.xml -w j.json -qE", "option -qE cannot"),
        ("batsim -p p.xml -w j.json --energy=1", "option --energy=1 cannot"),
        ("batsim -p p.xml -w j.json -m h0", "-m h0 cannot"),
        ("batsim -p p.xml -w j.json more", "'more' is no option"),
        ("batsim -p p.xml -w j.json -w k.json", "2 options --workload; an experiment simulates one workload at a time"),
        ("batsim -p p.xml", "0 options --workload"),
        ("batsim -w j.json", "0 options --platform"),
        ("batsim -w j.json -p", "option -p has no value"),
        ("sleep 1; batsim -p p.xml -w j.json", "';' is for the shell"),
        ("batsim -p p.xml -w j.json 2>log", "'>' is for the shell"),
        ("batsim -p $HOME/p.xml -w j.json", "'$' is for the shell"),
        ("set -x\nbatsim -p p.xml -w j.json", "'\\n' is for the shell"),
        ("batsim -p p.xml -w j.json # note", "'#' is for the shell"),
        ("batsim -p 'p.xml", "No closing quotation; close the quotation"),
        ("nice batsim -p p.xml -w j.json", "it runs 'nice', which cannot be carried over"),
    ],
)
def test_batsim_commands_that_are_refused(base: Path, batcmd: str, words: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        from_texts(RobinFile(batcmd, "out", "pybatsim wattq-easy"))
    assert str(caught.value).startswith("0.yaml, key 'batcmd': ")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("schedcmd", "words"),
    [
        ("", "it runs '', which cannot be carried over (one call of pybatsim can)"),
        ("batsched -v easy_bf", "it runs 'batsched'"),
        ("pybatsim fcfsSchedSleep", "pybatsim's scheduler 'fcfsSchedSleep' is no policy of wattq"),
        ("pybatsim wattq-easy wattq-saf", "'wattq-easy wattq-saf' is no policy"),
        ("pybatsim wattq-easy -e tcp://h:1", "option -e cannot be carried over"),
        ("pybatsim wattq-eazy", "unknown policy 'eazy'; did you mean easy"),
        ("pybatsim wattq-easy -o '{'", "not JSON"),
        ("pybatsim wattq-easy -o '[]'", "is not an object"),
        ("pybatsim wattq-easy -o @missing.json", "missing.json"),
        ("""pybatsim wattq-easy -o '{"ordre": "saf"}'""", "ordre"),
        (
            """pybatsim wattq-easy -o '{"params": {"order": ["saf"]}}'""",
            "parameter 'order' is neither a number, a text",
        ),
        ("""pybatsim wattq-easy -o '{"platform": "q.xml"}'""", "platform q.xml is another one than Batsim's, p.xml"),
        ("pybatsim wattq", "no 'policy'; name one"),
    ],
)
def test_scheduler_commands_that_are_refused(base: Path, schedcmd: str, words: str) -> None:
    with pytest.raises(WattqError) as caught:
        from_texts(RobinFile("batsim -p p.xml -w j.json", "out", schedcmd))
    assert caught.value.exit_code == 2
    assert words in str(caught.value)


def test_files_that_make_no_experiment(base: Path) -> None:
    sjf = RobinFile(GOOD.batcmd, "out", "pybatsim wattq-sjf")
    other = RobinFile("batsim -p p.xml -w more.json", "out", GOOD.schedcmd)
    with pytest.raises(
        UnsupportedError, match="3 robin files, but an experiment runs every policy on every workload, 4"
    ):
        from_texts(GOOD, sjf, other)
    with pytest.raises(InvalidInputError, match=r"1.yaml: simulates the same as 0.yaml; give one of the two"):
        from_texts(GOOD, GOOD)
    with pytest.raises(UnsupportedError, match=r"1.yaml: counts energy and 0.yaml does not"):
        from_texts(GOOD, RobinFile(sjf.batcmd + " -E", "out", sjf.schedcmd))
    Path("q.xml").write_bytes(Path("machine.xml").read_bytes() + b"\n")
    machines = [
        RobinFile(f"batsim -p {name} -w j.json", "out", "pybatsim wattq-easy") for name in ("machine.xml", "q.xml")
    ]
    with pytest.raises(UnsupportedError, match=r"1.yaml: platform q.xml is another one than in 0.yaml"):
        from_texts(*machines)
    with pytest.raises(InvalidInputError, match="name at least one"):
        experiment_from_robin([])


def test_command_line(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("study.yaml").write_text(STUDY)
    main_codes = [
        run("experiment", "to-robin", "study.yaml", "-o", "files", "--batsim", "wattq-batsim", "--port", "28009")
    ]
    out, err = capsys.readouterr()
    names = out.split()
    assert len(names) == 8
    assert "8 robin files" in err
    assert read_robin(names[0]).batcmd.startswith("wattq-batsim -p files/made-here")
    main_codes.append(run("experiment", "from-robin", *names, "-o", "deep/again.yaml", "--name", "again"))
    out, err = capsys.readouterr()
    assert (out, err.startswith("left out: output-dir, time-outs")) == ("deep/again.yaml\n", True)
    again = load_experiment("deep/again.yaml")
    assert (again.name, len(again.workloads), again.platform.startswith("../files/made-here")) == ("again", 4, True)
    main_codes.append(run("experiment", "from-robin", names[0]))
    assert capsys.readouterr().out.startswith("name: made-here-jobs-0-19-seed1-fcfs\nplatform: files/made-here")
    assert main_codes == [0, 0, 0]
    assert run("experiment", "from-robin", "missing.yaml") == 2
    assert run("experiment", "to-robin", "missing.yaml", "-o", "x") == 2


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(words)
    return int(ended.value.code or 0)


READY = [name for name in POLICIES if not policy_spec(name)[1].needs]


@pytest.mark.parametrize(("name", "trace"), [("robin-kth", "KTH-SP2"), ("robin-llnl", "LLNL-Atlas")])
def test_shipped_files_are_what_is_written(repo_dir: Path, name: str, trace: str) -> None:
    experiment = load_experiment(find_experiment(name))
    assert sorted(policy.title for policy in experiment.policies) == sorted(READY)
    made = {name: robin_text(file) for name, file in robin_files(experiment, RobinOptions("results/robin")).items()}
    folder = repo_dir / "experiments" / "robin"
    shipped = {path.name: path.read_text() for path in folder.glob(f"{trace}-*.yaml")}
    assert shipped == made, f"run: wattq experiment to-robin {name} -o experiments/robin --inputs results/robin"


def test_no_other_file_is_shipped(repo_dir: Path) -> None:
    names = {path.name for path in (repo_dir / "experiments" / "robin").iterdir()}
    assert names == {f"{trace}-{policy}.yaml" for trace in ("KTH-SP2", "LLNL-Atlas") for policy in READY}


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_mutated_commands_give_an_experiment_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    texts = [
        GOOD.batcmd + " -E --export 'a b'",
        GOOD.schedcmd + """ -o '{"params": {"order": "saf"}, "platform": "p.xml"}'""",
    ]
    which = data.draw(st.integers(0, 1))
    pieces = st.sampled_from([*"'\"\\;|&$-@={}[] \n#", "-o", "-p", "--x", "@", "wattq", "\u20ac", "1e999", "--"])
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(texts[which])))
        texts[which] = texts[which][:place] + data.draw(pieces) + texts[which][place + data.draw(st.integers(0, 3)) :]
    path = tmp_path_factory.getbasetemp() / "mutated.yaml"
    path.write_text(robin_text(RobinFile(texts[0], "out", texts[1])), encoding="utf-8")
    try:
        said = experiment_from_robin([path]).platform
    except WattqError as error:
        said = str(error)
    assert said
