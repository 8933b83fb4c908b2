"""The commands from a log to a bundle and back, as a user runs them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from wattq.cli import main
from wattq.errors import MissingDependencyError
from wattq.surrogates import MODELS, load_bundle
from wattq.workloads import generate_saturated, write_swf


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    """Run a command; return exit code, standard output and standard error."""
    code = 0
    try:
        main(["surrogate", *map(str, words)])
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    printed = capsys.readouterr()
    return code, printed.out, printed.err


@pytest.fixture(scope="module")
def swf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of 400 jobs."""
    path = tmp_path_factory.mktemp("log") / "log.swf"
    write_swf(generate_saturated(400, 32, 5), path)
    return path


@pytest.mark.parametrize("model", ["requested", "last-two", "user-quantiles", "similar"])
def test_train_show_predict(capsys: pytest.CaptureFixture[str], swf: Path, tmp_path: Path, model: str) -> None:
    bundle, table = tmp_path / "m.wattq", tmp_path / "p.csv"
    code, out, _ = run(capsys, "train", swf, "--model", model, "-o", bundle, "--until", "0.5")
    assert code == 0
    assert out.startswith(f"{model}: learned from log.swf (synthetic): ")
    assert out.endswith(f"written to {bundle}\n")
    assert "requested" in out
    assert "last-two" in out
    code, shown, _ = run(capsys, "show", bundle, "--json")
    document = json.loads(shown)
    assert code == 0
    assert document["model"] == model
    assert set(document["metrics"]["held_out"]) == {model, "requested", "last-two"}
    assert {"mae_s", "mape", "r2", "accuracy"} <= set(document["metrics"]["held_out"][model])
    code, out, _ = run(capsys, "show", bundle)
    assert f"model      {model} (runtime)" in out
    code, out, _ = run(capsys, "predict", bundle, swf, "-o", table)
    assert code == 0
    frame = pd.read_csv(table)
    assert len(frame) == 400
    assert frame["learned"].sum() == document["data"]["jobs"]
    assert (frame["point_s"] <= frame["request_s"]).all()
    quantiles = frame[[name for name in frame.columns if name.startswith("q")]].to_numpy()
    assert (np.diff(quantiles, axis=1) >= 0).all()
    assert (frame["upper_s"] == frame["q90_s"]).all()


def test_a_trained_model_beats_both_baselines(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """On the jobs held out of a generated log: a smaller error, and intervals that cover what they say."""
    write_swf(generate_saturated(3000, 64, 3), tmp_path / "log.swf")
    words = ("train", tmp_path / "log.swf", "-m", "boosting", "-o", tmp_path / "m.wattq", "--json")
    held_out = json.loads(run(capsys, *words)[1])["metrics"]["held_out"]
    ours = held_out["boosting"]
    for rival in ("requested", "last-two"):
        assert ours["mae_s"] < 0.6 * held_out[rival]["mae_s"]
        assert ours["accuracy"] > held_out[rival]["accuracy"]
    assert 0.85 <= ours["coverage"] <= 0.95


def test_the_same_command_gives_the_same_bytes(capsys: pytest.CaptureFixture[str], swf: Path, tmp_path: Path) -> None:
    for name in ("a.wattq", "b.wattq"):
        assert run(capsys, "train", swf, "--model", "boosting", "-o", tmp_path / name, "--seed", "3")[0] == 0
    assert (tmp_path / "a.wattq").read_bytes() == (tmp_path / "b.wattq").read_bytes()
    other = tmp_path / "c.wattq"
    assert run(capsys, "train", swf, "--model", "boosting", "-o", other, "--seed", "4")[0] == 0
    assert other.read_bytes() != (tmp_path / "a.wattq").read_bytes()


def test_train_prints_the_manifest(capsys: pytest.CaptureFixture[str], swf: Path, tmp_path: Path) -> None:
    code, out, _ = run(capsys, "train", swf, "-m", "last-two", "-o", tmp_path / "m.wattq", "--until", "1", "--json")
    assert code == 0
    assert json.loads(out)["metrics"] == {"held_out": {}, "held_out_jobs": 0}
    assert (
        "nothing is known of how good it is"
        in run(capsys, "train", swf, "-m", "last-two", "-o", tmp_path / "m.wattq", "--until", "1")[1]
    )


def test_features_name_the_log(capsys: pytest.CaptureFixture[str], swf: Path, tmp_path: Path) -> None:
    code, out, _ = run(capsys, "features", swf, "-o", tmp_path / "f.csv", "--max-jobs", "50")
    assert code == 0
    assert "features of 50 jobs written" in out
    assert load_first(tmp_path / "f.csv")["sha256"] in out


def load_first(path: Path) -> dict[str, str]:
    found: dict[str, str] = json.loads(path.read_text().partition("\n")[0].removeprefix("# wattq features "))
    return found


def test_explain(capsys: pytest.CaptureFixture[str], swf: Path, tmp_path: Path) -> None:
    bundle, picture = tmp_path / "m.wattq", tmp_path / "e.png"
    run(capsys, "train", swf, "--model", "boosting", "-o", bundle)
    code, out, _ = run(capsys, "explain", bundle, swf, "--job", "300", "--orders", "5", "--plot", picture)
    assert code == 0
    assert "boosting predicts" in out
    assert "they add up to the prediction within" in out
    assert picture.read_bytes().startswith(b"\x89PNG")
    words = ("explain", bundle, swf, "--job", "w0!300", "--orders", "5", "--json", "--move", "0.5")
    document = json.loads(run(capsys, *words)[1])
    total = document["base"] + sum(part["adds"] for part in document["contributions"])
    assert total == pytest.approx(document["prediction"], rel=document["tolerance"])
    assert document["aim"] == {"move": 0.5, "below": None}
    assert [change["name"] for change in document["changes"]] == ["request_s", "hosts"]


def test_explain_energy(capsys: pytest.CaptureFixture[str], swf: Path, tmp_path: Path) -> None:
    bundle, times = tmp_path / "e.wattq", tmp_path / "m.wattq"
    assert run(capsys, "train-energy", swf, "--synthetic-energy", "-m", "nominal", "-o", bundle)[0] == 0
    assert run(capsys, "train", swf, "--model", "similar", "-o", times)[0] == 0
    words = ("explain", bundle, swf, "--job", "300", "--runtime", times, "--clocks", "1.5,2.0,2.25", "--beta", "0.5")
    code, out, _ = run(capsys, *words)
    assert code == 0
    assert " J (" in out
    assert "frequency_ghz: " in out
    assert "labels     synthetic" in run(capsys, "show", bundle)[1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("train", "LOG", "-m", "lasttwo", "-o", "m.wattq"), "did you mean 'last-two'"),
        (("train", "LOG", "-m", "last-two", "-o", "m.zip"), "the name of a bundle ends with .wattq"),
        (("train", "LOG", "-m", "last-two", "-o", "m.wattq", "--until", "2"), "give a share of the jobs"),
        (("train", "none.swf", "-m", "last-two", "-o", "m.wattq"), "none.swf: no such file"),
        (("features", "LOG", "-o", "f.txt"), "the ending says what to write"),
        (("predict", "LOG", "LOG", "-o", "p.csv"), "not a bundle, or a damaged one"),
        (("predict", "none.wattq", "LOG", "-o", "p.csv"), "none.wattq: cannot be read"),
        (("predict", "B", "LOG", "-o", "p.txt"), "predictions are written as CSV"),
        (("show", "LOG"), "not a bundle, or a damaged one"),
        (("explain", "B", "LOG", "--job", "999"), "no job '999' among 400"),
        (("explain", "B", "LOG", "--job", "9", "--method", "lime"), "there are permutation, shap"),
        (("explain", "B", "LOG", "--job", "9", "--move", "much"), "give a share such as 20% or 0.2"),
        (("explain", "B", "LOG", "--job", "9", "--plot", "e.pdf"), "pictures are .png or .svg"),
        (("explain", "B", "LOG", "--job", "9", "--clocks", "fast"), "give clocks in GHz"),
        (("explain", "B", "LOG", "--job", "9", "--clocks", "1.5"), "it is for bundles of energy"),
    ],
)
def test_bad_input_is_one_message(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    swf: Path,
    tmp_path: Path,
    words: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    if "B" in words:
        assert run(capsys, "train", swf, "-m", "requested", "-o", "b.wattq")[0] == 0
    places = {"LOG": str(swf), "B": "b.wattq"}
    code, _, err = run(capsys, *(places.get(word, word) for word in words))
    assert code == 2
    assert err.startswith("wattq: error: ")
    assert message in err
    assert "Traceback" not in err


def test_cleaning_that_tells_the_outcome_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rows = [f"{n} {n * 60} 0 {100 + n} 1 -1 -1 1 {-1 if n % 2 else 9000} -1 1 1 1 -1 -1 -1 -1 -1" for n in range(1, 60)]
    log = tmp_path / "log.swf"
    log.write_text("; MaxProcs: 4\n; MaxRuntime: 9000\n" + "\n".join(rows) + "\n")
    words = (
        "train",
        log,
        "-m",
        "last-two",
        "-o",
        tmp_path / "m.wattq",
        "--until",
        "0.5",
        "--walltime-fallback",
        "runtime",
    )
    code, _, err = run(capsys, *words)
    assert code == 2
    assert "which a prediction must not know" in err
    assert run(capsys, *words[:-2])[0] == 0


def test_a_bundle_of_each_model_predicts_as_the_model(
    capsys: pytest.CaptureFixture[str], swf: Path, tmp_path: Path
) -> None:
    from wattq.surrogates import build_features, read_jobs
    from wattq.surrogates.training import make_model, predict_table

    jobs, outcomes = read_jobs(swf)
    table = build_features(jobs, outcomes)
    for name in MODELS:
        code, _, err = run(capsys, "train", swf, "-m", name, "-o", tmp_path / "m.wattq", "--until", "1")
        if code == MissingDependencyError.exit_code and "wattq[" in err:
            continue
        assert code == 0, err
        fitted = make_model(name, 0)
        fitted.fit(table, outcomes.run_s, np.flatnonzero(np.isfinite(outcomes.end_s)))
        ours = predict_table(load_bundle(tmp_path / "m.wattq").model, table)
        np.testing.assert_array_equal(ours.point_s, predict_table(fitted, table).point_s, err_msg=name)
        np.testing.assert_array_equal(ours.quantile_s, predict_table(fitted, table).quantile_s, err_msg=name)


def test_make_targets(repo_dir: Path, tmp_path: Path) -> None:
    words = ["make", "-n", "features", "train", f"RESULTS={tmp_path}", "LOG=SDSC-SP2", "MODEL=forest"]
    done = subprocess.run(words, cwd=repo_dir, capture_output=True, text=True, check=True)
    commands = [line.partition("/wattq ")[2] for line in done.stdout.splitlines() if "/wattq " in line]
    assert commands == [
        f"surrogate features SDSC-SP2 -o {tmp_path}/features/SDSC-SP2.npz",
        f"surrogate train SDSC-SP2 --model forest -o {tmp_path}/models/runtime-SDSC-SP2.wattq",
        f"run -p kth-sp2 -w KTH-SP2 --policy easy -E -o {tmp_path}/kth-sp2-easy",
        f"surrogate train-energy {tmp_path}/kth-sp2-easy -o {tmp_path}/models/energy-KTH-SP2.wattq",
    ]
