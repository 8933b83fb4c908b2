"""The graph network: learned with torch where it is installed, asked with numpy alone."""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path

import numpy as np
import pytest

from wattq.errors import MissingDependencyError, SurrogateError
from wattq.surrogates import MODELS, build_features, load_bundle, save_bundle
from wattq.surrogates.bundle_manifest import BundleMeta, TrainingData
from wattq.surrogates.features import FEATURES, FeatureTable
from wattq.surrogates.gnn import SPANS, Gnn, weight_shapes
from wattq.surrogates.gnn_graph import EDGES, NEEDS, NODES, VALUES
from wattq.surrogates.jobs import Jobs, Outcomes

META = {"seed": 0, "width": 6, "epochs": 2, "most": 20_000, "price": 0.0, "scale_s": 1.0}


def log(count: int = 400, seed: int = 0) -> tuple[FeatureTable, Outcomes]:
    """Users repeat themselves: two thirds of the runs are exactly the user's last one."""
    rng = np.random.default_rng(seed)
    user = rng.integers(0, 8, count)
    submit = np.cumsum(rng.uniform(2000.0, 4000.0, count))
    run = np.empty(count)
    last = np.exp(rng.uniform(3.0, 7.0, 8))
    for row, who in enumerate(user):
        last[who] = last[who] if rng.random() < 0.67 else np.exp(rng.uniform(3.0, 7.0))
        run[row] = last[who]
    none = np.full(count, -1, dtype=np.int64)
    hosts = np.ones(count, dtype=np.int64)
    jobs = Jobs(submit, hosts, np.full(count, 7200.0), user, none, none, none, source="made", sha256="0" * 64)
    outcomes = Outcomes(submit, run)
    return build_features(jobs, outcomes), outcomes


def untrained(seed: int = 0, **settings: object) -> Gnn:
    rng = np.random.default_rng(seed)
    weights = {name: rng.normal(0.0, 0.3, shape).astype(np.float32) for name, shape in weight_shapes(6).items()}
    scale = {"mean": np.zeros(len(NEEDS), np.float32), "spread": np.full(len(NEEDS), 4.0, np.float32)}
    return Gnn.restore({**weights, **scale}, {**META, **settings})


def test_graph_points_to_the_job() -> None:
    known = {feature.name for feature in FEATURES}
    assert set(NEEDS) <= known
    assert set(VALUES) <= set(NEEDS)
    assert NODES[0].name == "job"
    assert {end for _, end in EDGES} == {0, 1}
    # Every node reaches the job, and earlier jobs reach their user, too.
    assert {start for start, end in EDGES if end == 0} == set(range(1, len(NODES)))
    assert {NODES[start].kind for start, end in EDGES if end == 1} == {"previous", "crowd", "running"}


def test_predictions_are_distributions() -> None:
    table, _ = log()
    model = untrained()
    x = table.columns(model.needs)
    weight = model.weights_of(x)
    assert weight.shape == (400, SPANS + len(VALUES))
    assert weight.sum(axis=1) == pytest.approx(np.ones(400), rel=1e-5)
    unknown = np.isnan(table.columns(VALUES))
    assert (weight[:, SPANS:][unknown] == 0.0).all()
    found = model.predict(x)
    assert (np.diff(found.quantile_s, axis=1) >= 0.0).all()
    assert (found.quantile_s[:, -1] <= 7200.0).all()
    assert (found.point_s > 0.0).all()
    one = model.predict(x[17:18])
    assert one.point_s[0] == pytest.approx(found.point_s[17], rel=0.05)


def test_missing_nodes_send_nothing() -> None:
    table, _ = log()
    model = untrained()
    x = table.columns(model.needs)[50:51].copy()
    same = x.copy()
    place = NEEDS.index("application_submitted")
    x[0, place] = same[0, place] = np.nan
    # What else is said of an application that is not known does not count.
    x[0, NEEDS.index("application_ended")] = 5.0
    assert (model.weights_of(x) == model.weights_of(same)).all()


def test_price_moves_the_value_to_the_median() -> None:
    table, _ = log()
    x = table.columns(NEEDS)
    free, dear = untrained().predict(x), untrained(price=1e6).predict(x)
    assert (free.quantile_s == dear.quantile_s).all()
    median = dear.level_s(0.5)
    assert np.abs(np.log(dear.point_s / median)).max() < 0.05
    assert np.abs(free.point_s - median).mean() > np.abs(dear.point_s - median).mean()


def test_without_torch_it_says_which_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match="extra gnn: pip install"):
        MODELS["gnn"]()
    # What was learned elsewhere is asked without torch.
    assert untrained().needs == NEEDS


def test_bundles_need_no_torch(tmp_path: Path) -> None:
    model = untrained()
    data = TrainingData("made", "0" * 64, True, 400, 0.0, 1.0)
    save_bundle(tmp_path / "g.wattq", model, BundleMeta("runtime", data, "log"))
    again = load_bundle(tmp_path / "g.wattq", kind="runtime").model
    x = log()[0].columns(NEEDS)
    assert (again.predict(x).quantile_s == model.predict(x).quantile_s).all()


def test_bad_weights_and_settings() -> None:
    arrays, meta = untrained().state()
    for wrong in ({**arrays, "out": arrays["out"][:, :3]}, {**arrays, "mean": arrays["mean"] * np.float32(np.nan)}):
        with pytest.raises(SurrogateError, match="train the model again"):
            Gnn.restore(wrong, meta)
    with pytest.raises(SurrogateError, match="gnn of width 0"):
        Gnn.restore(arrays, {**meta, "width": 0})
    with pytest.raises(SurrogateError, match="learned nothing"):
        Gnn.restore({}, meta).predict(np.zeros((1, len(NEEDS)), np.float32))


def test_fifty_thousand_jobs_are_one_batch() -> None:
    model = untrained()
    x = np.tile(log()[0].columns(NEEDS), (125, 1))
    model.predict(x[:10])
    begin = time.process_time()
    model.predict(x)
    # Process time, with room for a slow machine: the aim is 1 s.
    assert time.process_time() - begin < 10.0


def test_learning_is_deterministic_and_finds_repeated_runs() -> None:
    pytest.importorskip("torch", reason="torch (the extra gnn) is not installed")
    table, outcomes = log(1500)
    rows = np.arange(1200)
    first, again, other = Gnn(3, epochs=8), Gnn(3, epochs=8), Gnn(4, epochs=8)
    for model in (first, again, other):
        model.fit(table, outcomes.run_s, rows)
    assert all((first.state()[0][name] == values).all() for name, values in again.state()[0].items())
    assert (first.state()[0]["out"] != other.state()[0]["out"]).any()
    x = table.columns(NEEDS)[1200:]
    found = first.predict(x)
    agreement = np.minimum(found.point_s, outcomes.run_s[1200:]) / np.maximum(found.point_s, outcomes.run_s[1200:])
    assert agreement.mean() > 0.6
    inside = (found.low_s() <= outcomes.run_s[1200:]) & (outcomes.run_s[1200:] <= found.high_s())
    assert inside.mean() > 0.8


def test_torch_and_numpy_pass_the_same_messages() -> None:
    torch = pytest.importorskip("torch", reason="torch (the extra gnn) is not installed")
    from wattq.surrogates.gnn import normalised
    from wattq.surrogates.gnn_training import _scores

    model = untrained()
    x = log()[0].columns(NEEDS)
    weights, _ = model.state()
    features, there = normalised(x, weights["mean"], weights["spread"])
    tensors = {name: torch.from_numpy(values) for name, values in weights.items()}
    score = _scores(torch, tensors, [torch.from_numpy(part) for part in features], torch.from_numpy(there).float())
    known = score.numpy().copy()
    known[:, SPANS:][np.isnan(x[:, [NEEDS.index(name) for name in VALUES]])] = -np.inf
    share = np.exp(known - known.max(axis=1, keepdims=True))
    assert model.weights_of(x) == pytest.approx(share / share.sum(axis=1, keepdims=True), rel=1e-3, abs=1e-6)
