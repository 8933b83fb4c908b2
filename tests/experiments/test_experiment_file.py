from __future__ import annotations

import random
from pathlib import Path

import pytest

from wattq.errors import InvalidInputError, MissingFileError, WattqError
from wattq.experiments import find_experiment, load_experiment, parse_experiment, shipped_experiments
from wattq.experiments.runner import jobs_of

GOOD = """\
name: study
platform: kth-sp2
workloads:
  - KTH-SP2
  - source: other.swf.gz
    label: other
    cleaning: {walltime_fallback: runtime, max_jobs: 100}
policies:
  - easy
  - {name: easy, params: {order: sjf, depth: 3, strict: true}}
energy: true
tau_s: 60
windows:
  - {start_s: 0, end_s: 86400}
  - {first_job: 10, n_jobs: 5}
"""


def test_a_good_file_becomes_an_experiment() -> None:
    experiment = parse_experiment(GOOD, "study.yaml")
    assert [workload.name for workload in experiment.workloads] == ["KTH-SP2", "other"]
    assert [policy.title for policy in experiment.policies] == ["easy", "easy depth=3 order=sjf strict=True"]
    assert experiment.tau_s == 60.0
    assert [window.name for window in experiment.windows] == ["0-86400 s", "jobs 10-14"]
    runs = list(jobs_of(experiment))
    assert len(runs) == 2 * 2 * 2
    names = [run.directory(experiment) for run in runs]
    assert names[0] == "KTH-SP2/0-86400-s/easy"
    assert len(set(names)) == len(names)


def test_a_workload_has_sensitivities() -> None:
    from wattq.experiments.inputs import find_workload

    entries = "  - {generate: {jobs: 5, hosts: 4}, beta: 0.5}\n  - {generate: {jobs: 6, hosts: 4}, beta: {-1: 0.25}}\n"
    first, second, _ = parse_experiment(GOOD.replace("  - KTH-SP2\n", entries), "a").workloads
    assert find_workload(first, 0).beta.tolist() == [0.5] * 5
    assert find_workload(second, 0).beta.tolist() == [0.25] * 6


def test_bytes_and_text_are_the_same() -> None:
    assert parse_experiment(GOOD.encode(), "a") == parse_experiment(GOOD, "a")


@pytest.mark.parametrize("name", sorted(shipped_experiments()))
def test_shipped_experiments_are_valid(name: str) -> None:
    experiment = load_experiment(find_experiment(name))
    assert "easy" in [policy.title for policy in experiment.policies]


def test_seeds_multiply_generated_workloads_only() -> None:
    text = GOOD.replace("  - KTH-SP2\n", "  - generate: {jobs: 10, hosts: 4}\n") + "seeds: [1, 2, 3]\n"
    runs = list(jobs_of(parse_experiment(text, "a")))
    assert len(runs) == (3 + 1) * 2 * 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("policies:", "polices:"), r"f\.yaml, line 8, key 'polices': unknown key; did you mean 'policies'\?"),
        (("params:", "parms:"), r"line 10, key 'policies\[1\]\.parms': unknown key; did you mean 'params'\?"),
        (("n_jobs: 5", "njobs: 5"), r"line 15, key 'windows\[1\]\.njobs': unknown key; did you mean 'n_jobs'\?"),
        (("tau_s: 60", "tau_s: .nan"), r"line 12, key 'tau_s': nan should be a finite number"),
        (("tau_s: 60", "tau_s: -1"), r"line 12, key 'tau_s': -1\.0 should be greater than 0"),
        (("tau_s: 60", "tau_s: '60'"), r"line 12, key 'tau_s': '60' should be a valid number"),
        (("tau_s: 60", "tau_s: 1:00"), r"line 12: '1:00' would be read as a number to base 60; quote it"),
        (("energy: true", "energy: yes"), r"line 11, key 'energy': 'yes' should be a valid boolean"),
        (("energy: true", "energy: 1"), r"line 11, key 'energy': 1 should be a valid boolean"),
        (("energy: true", "name: again"), r"line 11, key 'name': the key is given twice"),
        (("energy: true", "engine: simgrid"), r"line 11, key 'engine': 'simgrid' should be 'embedded' or 'batsim'"),
        (("energy: true", "simulation_timeout_s: 5"), "'simulation_timeout_s' is for the engine 'batsim'"),
        (
            ("energy: true", "engine: batsim\nsimulation_timeout_s: 0"),
            "key 'simulation_timeout_s': 0.0 should be greater",
        ),
        (("energy: true", "seeds: [1, 2]"), "several 'seeds' change nothing"),
        (("  - KTH-SP2\n", "  - {source: KTH-SP2, beta: 2}\n"), r"line 4, key 'workloads\[0\]\.beta"),
        (("  - KTH-SP2\n", "  - {source: KTH-SP2, beta: {1: -1}}\n"), r"line 4, key 'workloads\[0\]\.beta"),
        (("  - KTH-SP2\n", "  - {source: KTH-SP2, beta: {all: 1}}\n"), "the numbers of queues as keys"),
        (("  - KTH-SP2\n", "  - {source: KTH-SP2, beta: true}\n"), r"line 4, key 'workloads\[0\]\.beta"),
        (("  - KTH-SP2\n", "  - 12\n"), r"line 4, key 'workloads\[0\]': 12 should be a mapping of keys to values"),
        (("  - easy\n", "  - {}\n"), r"line 9, key 'policies\[0\]\.name': the key is missing"),
        (("depth: 3", "depth: [3]"), r"line 10, key 'policies\[1\]\.params\.depth': .* number, a text, true or false"),
        (("end_s: 86400", "end_s: 0"), r"line 14, key 'windows\[0\]\.end_s': 0\.0 should be greater than 0"),
        (("start_s: 0, end_s: 86400", "start_s: 9, end_s: 8"), "'start_s' must be less than 'end_s'"),
        (("first_job: 10, n_jobs: 5", "first_job: 10, end_s: 5"), "give 'start_s' and 'end_s', or 'first_job'"),
        (("platform: kth-sp2\n", ""), r"line 1: .*'platform' is missing, and workload 'KTH-SP2' names none of its own"),
        (("name: study", "name: a/b"), r"line 1, key 'name': 'a/b' should match pattern"),
        (("label: other", "label: KTH-SP2"), "two entries of 'workloads' are called 'KTH-SP2'"),
        (("  - easy\n", "  - !!python/name:os.system x\n"), "means nothing here"),
        (("energy: true", "energy: [true"), r"line 1[123]: not YAML"),
        (("energy: true", "? [a]: b"), "line 11"),
    ],
)
def test_every_error_names_file_line_key_value_and_rule(change: tuple[str, str], message: str) -> None:
    assert change[0] in GOOD
    with pytest.raises(InvalidInputError, match=message):
        parse_experiment(GOOD.replace(*change), "f.yaml")


@pytest.mark.parametrize(
    "text", ["", "a", "[]", "3", "null", "\x00", "- " * 2000, "[" * 5000, "{" * 5000, b"\xff\xfe\xfa"]
)
def test_anything_else_is_refused(text: str | bytes) -> None:
    with pytest.raises(InvalidInputError, match=r"f\.yaml"):
        parse_experiment(text, "f.yaml")


def test_aliases_that_multiply_are_stopped() -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(InvalidInputError, match="more than 100000 values"):
        parse_experiment("\n".join(rows), "f.yaml")


def test_numbers_and_words_are_read_as_people_mean_them() -> None:
    text = GOOD.replace("depth: 3", "depth: 1e3").replace("order: sjf", "order: no")
    params = parse_experiment(text, "f.yaml").policies[1].params
    assert params == {"order": "no", "depth": 1000.0, "strict": True}


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="demo"):
        find_experiment("nothing")
    with pytest.raises(MissingFileError, match="cannot be read"):
        load_experiment(tmp_path / "absent.yaml")
    with pytest.raises(MissingFileError, match="cannot be read"):
        load_experiment(tmp_path)


def test_mutated_files_give_an_experiment_or_a_clear_error() -> None:
    source, junk = random.Random(0), list("{}[]:,-&*!?|>'\"#%@` \n\t\x00é10en~.")
    for _ in range(2000):
        text = list(GOOD)
        for _ in range(source.randint(1, 6)):
            at = source.randrange(len(text))
            text[at : at + source.randint(0, 4)] = source.choices(junk, k=source.randint(0, 3))
        try:
            parse_experiment("".join(text), "f.yaml")
        except WattqError as error:
            assert str(error).startswith("f.yaml")  # noqa: PT017
