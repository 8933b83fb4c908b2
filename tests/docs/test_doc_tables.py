"""What the pages state is what the code has: columns of files, public names, options, links, the README's numbers."""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
import json
import re
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from wattq.cli import main

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
ROOMS = ("platforms", "workloads", "simulator", "schedulers", "surrogates", "telemetry", "experiments")
# Options of other programs that the pages name.
FOREIGN = {"--comment", "--no-deps", "--dump-execution-context", "--no-sched"}


@pytest.fixture(scope="module")
def generated() -> ModuleType:
    """The Sphinx extension that makes tables from the code."""
    spec = importlib.util.spec_from_file_location("docs_generated", DOCS / "_ext" / "generated.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def first_table(page: Path, below: str = "") -> list[list[str]]:
    """Return the cells of the first table of a page, or of the first below a heading, without its headings."""
    text = page.read_text(encoding="utf-8")
    text = text[text.index(below) :] if below else text
    rows = re.search(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert rows is not None, page
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in rows[0].splitlines()[2:]]


def names_in(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One small comparison with every file but the report."""
    folder = tmp_path_factory.mktemp("results")
    study = folder / "study.yaml"
    study.write_text(
        "name: s\nplatform: kth-sp2\nworkloads: [{label: g, generate: {jobs: 20, hosts: 100}}]\npolicies: [easy]\n"
        "energy: true\noutputs: {report: false}\n",
        encoding="utf-8",
    )
    with pytest.raises(SystemExit) as end:
        main(["compare", str(study), "-o", str(folder / "out")])
    assert not end.value.code
    return folder / "out"


@pytest.mark.parametrize(
    "name", ["jobs", "schedule", "machine_states", "pstate_changes", "consumed_energy", "submitted"]
)
def test_columns_of_csv_files(results: Path, name: str) -> None:
    header = (results / "runs" / "easy" / f"{name}.csv").read_text(encoding="utf-8").partition("\n")[0]
    documented = [names_in(row[0])[0] for row in first_table(DOCS / "files" / f"{name}.md")]
    assert documented == header.split(",")


def test_columns_of_the_comparison(results: Path) -> None:
    from wattq.experiments import METRICS

    header = (results / "comparison.csv").read_text(encoding="utf-8").partition("\n")[0].split(",")
    rows = first_table(DOCS / "files" / "comparison.md")
    documented = [name for row in rows for name in (names_in(row[0]) or METRICS)]
    assert documented == header


@pytest.mark.parametrize("name", ["study.csv", "weeks.csv"])
def test_columns_of_study_files(name: str) -> None:
    from wattq.experiments.study import study_csv
    from wattq.experiments.study.tables import weeks_csv

    header = (study_csv([]) if name == "study.csv" else weeks_csv([])).strip().split(",")
    rows = first_table(DOCS / "files" / "study.md", f"## {name}")
    assert [found for row in rows for found in names_in(row[0])] == header


@pytest.mark.parametrize("name", ["summary", "provenance"])
def test_keys_of_json_files(results: Path, name: str) -> None:
    content = json.loads((results / "runs" / "easy" / f"{name}.json").read_text(encoding="utf-8"))
    rows = first_table(DOCS / "files" / f"{name}.md")
    assert {key for row in rows for key in names_in(row[0])} == set(content)


def test_parts_of_the_summary(results: Path) -> None:
    content = json.loads((results / "runs" / "easy" / "summary.json").read_text(encoding="utf-8"))
    words = {row[0]: set(names_in(row[2])) for row in first_table(DOCS / "files" / "summary.md")}
    assert words["`jobs`"] == set(content["jobs"])
    assert words["`energy_by_state_j`"] == set(content["energy_by_state_j"])


def test_every_file_of_a_run_has_a_page(results: Path) -> None:
    listed = {re.findall(r"\[([\w.]+)\]", row[0])[0] for row in first_table(DOCS / "files" / "index.md")}
    written = {path.name for path in results.rglob("*") if path.is_file()}
    assert listed == written | {"report.html"}


@pytest.mark.parametrize("room", ROOMS)
def test_public_names(room: str) -> None:
    """SimPy's rule: the names that a page lists are those of `__all__`, no more and no less."""
    rows = first_table(DOCS / f"{room}.md", "## Public names")
    documented = [name for row in rows for name in names_in(row[0])]
    assert sorted(documented) == sorted(import_module(f"wattq.{room}").__all__)


def test_public_names_of_signals() -> None:
    rows = first_table(DOCS / "signals.md", "## Public names")
    documented = [name for row in rows for name in names_in(row[0])]
    assert sorted(documented) == sorted(import_module("wattq.platforms.signals").__all__)


def test_view_and_actions_are_documented() -> None:
    from wattq.simulator import Actions, View

    for heading, kind, prefix in (("## The view", View, "view"), ("## The actions", Actions, "actions")):
        rows = first_table(DOCS / "policy.md", heading)
        documented = re.findall(rf"{prefix}\.(\w+)", " ".join(row[0] for row in rows))
        assert sorted(documented) == sorted(name for name in vars(kind) if not name.startswith("_"))


def test_keys_of_experiment_files() -> None:
    from wattq.experiments import Experiment

    rows = first_table(DOCS / "experiments.md", "## Keys of an experiment file")
    assert [name for row in rows for name in names_in(row[0])] == list(Experiment.model_fields)


def test_generated_tables_are_complete(generated: ModuleType) -> None:
    from wattq.experiments import METRICS
    from wattq.experiments.study.quantities import QUANTITIES
    from wattq.platforms import PRESETS
    from wattq.platforms.signals import GAP_RULES, SIGNAL_FORMATS
    from wattq.schedulers import ORDERS, POLICIES
    from wattq.schedulers.estimate_parameters import COMMON
    from wattq.schedulers.rl.backfill import OBSERVATION
    from wattq.settings import Settings
    from wattq.surrogates import FEATURES, MODELS
    from wattq.telemetry import SERIES
    from wattq.workloads import TRACES

    whole = {"metrics": METRICS, "presets": PRESETS, "orders": ORDERS, "policies": POLICIES, "traces": TRACES}
    whole |= {
        "study-quantities": QUANTITIES,
        "series": SERIES,
        "settings": [
            f"{section}.{key}"
            for section, part in Settings.model_fields.items()
            for key in type(part.default).model_fields
        ],
        "signal-formats": SIGNAL_FORMATS,
        "gap-rules": GAP_RULES,
        "common-parameters": [parameter.name for parameter in COMMON],
        "surrogate-features": [feature.name for feature in FEATURES],
        "surrogate-models": MODELS,
        "backfill-observation": [feature.name for feature in OBSERVATION],
    }
    for table, names in whole.items():
        rows = generated.TABLES[table]().splitlines()[2:]
        assert [name for row in rows for name in names_in(row.split(" | ")[0])] == list(names)


def test_markers_name_tables(generated: ModuleType) -> None:
    used = set()
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        found = generated.MARKER.findall(text)
        assert len(found) == text.count("<!-- generated:"), page
        used |= {name for name, _ in found}
    assert used == set(generated.TABLES)


def command_options(generated: ModuleType) -> dict[str, set[str]]:
    return {
        " ".join(words): {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
        for words, command in generated.walk_commands()
    }


def test_documented_commands_and_options_exist(generated: ModuleType) -> None:
    from wattq.simulator.batsim.usage import OPTIONS

    options = command_options(generated)
    served = {option.name for option in OPTIONS}
    every = set().union(*options.values(), served, FOREIGN, {"--help", "--version"})
    checked = 0
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        quoted = re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text) + re.findall(r"^\$ (.*)$", text, re.MULTILINE)
        for code in quoted:
            words = code.split()
            given = {word.partition("=")[0] for word in words if re.fullmatch(r"--[a-z][a-z-]*(=.*)?", word)}
            assert given <= every, f"{page.name}: `{code}`"
            if words[0] == "wattq" and len(words) > 1 and not words[1].isupper() and words[1] not in ("...", "--help"):
                # `wattq workload generate FILE` means the model `saturated`, `wattq campaign FILE` means `run`.
                asked = [" ".join(words[:n]) for n in (4, 3, 2)] + [" ".join([*words[:3], "saturated"])]
                asked += [" ".join([*words[:2], "run"])]
                name = next((n for n in asked if n in options), None)
                assert name is not None, f"{page.name}: no command `{code}`"
                assert given <= options[name] | {"--help"}, f"{page.name}: `{code}`"
                checked += 1
    assert checked > 50


def slug(heading: str) -> str:
    """Return the anchor of a heading, as GitHub and MyST make it."""
    plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = {slug(words) for words in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}
    return headings | set(re.findall(r"^\(([\w-]+)\)=$", text, re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_resolve(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?://", target):
            continue
        file, _, anchor = target.partition("#")
        place = (page.parent / file).resolve() if file else page
        assert place.is_file(), f"{page.name}: {target}"
        if anchor and page.name != "api.md" and place.name != "api.md":
            # GitHub knows no labels of MyST; the site knows both.
            assert anchor in anchors(place), f"{page.name}: {target}"


def test_links_into_the_api_resolve() -> None:
    headings = anchors(DOCS / "api.md")
    linked = set(re.findall(r"api\.md#([\w-]+)", "".join(page.read_text(encoding="utf-8") for page in PAGES)))
    assert {f"wattq-{room}" for room in ROOMS} == linked
    assert linked <= {name.replace("wattq", "wattq-", 1) for name in headings}


def test_pictures_are_small() -> None:
    pictures = [path for path in (DOCS / "images").iterdir() if path.is_file()]
    assert pictures
    assert all(path.stat().st_size < 150_000 for path in pictures)


def test_readme_shows_what_the_demo_prints(tmp_path: Path, shared_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from wattq.experiments import compare
    from wattq.experiments.demo import demo_experiment
    from wattq.experiments.table import case_rows, headings

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WATTQ_DATA_PATH", str(shared_dir / "data" / "swf"))
    experiment, path, words = demo_experiment(offline=True)
    assert words.startswith("Real trace KTH-SP2: ")
    quick = experiment.model_copy(update={"outputs": experiment.outputs.model_copy(update={"report": False})})
    (case,) = compare(quick, tmp_path / "demo", base=path.parent)
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    columns = [cell.strip() for cell in re.findall(r"^\| Policy .*$", text, re.MULTILINE)[0].strip("| ").split("|")]
    printed = [dict(zip(headings(case), row, strict=True)) for row in case_rows(case)]
    assert first_table(ROOT / "README.md", "| Policy ") == [[row[column] for column in columns] for row in printed]


def test_pin_of_pybatsim_is_as_stated() -> None:
    try:
        needs = importlib.metadata.requires("pybatsim") or []
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("pybatsim is not installed")
    (pin,) = [line for line in needs if line.startswith("pyzmq")]
    assert set(re.findall(r"[<>]=?[\d.]+", pin)) == {">=22.0.3", "<23.0.0"}


def test_scenarios_left_out_are_those_of_the_tests() -> None:
    """What the page on exactness leaves out is what the replay of the recordings leaves out."""
    source = (ROOT / "tests" / "simulator" / "test_golden_scenarios.py").read_text(encoding="utf-8")
    (table,) = [
        node.value
        for node in ast.parse(source).body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "EXCEPTIONS"
    ]
    assert isinstance(table, ast.Dict)
    names = {ast.literal_eval(key) for key in table.keys if key is not None}
    page = (DOCS / "fidelity.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`(s\d\d_\w+)`", page)) == names
    assert f"{143 - len(names)} of the 143 scenarios" in page


def test_the_command_for_pybatsim_is_the_one_that_doctor_gives() -> None:
    from wattq.experiments.doctor import _REMEDIES

    (command,) = re.findall(r"^\$ (pip install .*)$", (DOCS / "troubleshooting.md").read_text(encoding="utf-8"), re.M)
    assert _REMEDIES["batsim"].startswith(command)
    version = command.split()[-1]
    assert version in (ROOT / "requirements" / "batsim.lock").read_text(encoding="utf-8").split()


def test_public_names_of_the_slurm_bridge() -> None:
    rows = first_table(DOCS / "slurm.md", "## Public names")
    documented = [name for row in rows for name in names_in(row[0])]
    assert sorted(documented) == sorted(import_module("wattq.schedulers.slurm").__all__)
