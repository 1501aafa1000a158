"""The figures to move of the chapter on logistic regression, against NumPy on the same numbers."""

import json

import numpy as np
import pytest
from dlmath.interactive import bump_cut, logistic_drag
from dlmath.linear import LogisticRegression, separating_direction
from numpy.testing import assert_allclose
from sklearn.metrics import roc_auc_score
from test_interactive import run_js

ALT = "Points of two classes in a plane, a line between them, and a falling curve beside them."
X = np.array([[-2.0, -1], [-1, 0.5], [0.5, -1.5], [1.5, 1], [0.2, 0.8], [-0.4, -0.6], [2, -0.5]])
Y = np.array([0, 0, 0, 1, 1, 1, 1])
STATE = "[state(given.params, given.data), compute(given.params, given.data)]"


def moved(points, lam, labels=Y):
    params = {f"p{i}": list(point) for i, point in enumerate(points)}
    data = logistic_drag(X, Y, alt=ALT).data | {"labels": [int(label) for label in labels]}
    given = {"params": params | {"lambda": lam}, "data": data}
    return run_js("models/logistic-drag.js", STATE, given)


@pytest.mark.parametrize("lam", [1e-6, 1e-3, 0.03, 10.0])
def test_the_page_fits_as_dlmath(lam):
    found, picture = moved(X, lam)
    model = LogisticRegression(lam, tol=1e-12).fit(X, Y)
    assert_allclose(found["theta"], [model.intercept_[0], *model.coef_[0]], rtol=1e-7)
    assert_allclose(found["norm"], np.linalg.norm(model.coef_), rtol=1e-7)
    cost = -np.mean(model.predict_log_proba(X)[np.arange(7), Y]) + lam * found["norm"] ** 2
    assert_allclose(found["value"], cost, rtol=1e-9)
    assert found["wrong"] == np.sum(model.predict(X) != Y)
    for i in (0, 17, 42):
        own = LogisticRegression(found["lambdas"][i]).fit(X, Y)
        assert_allclose(found["norms"][i], np.linalg.norm(own.coef_), rtol=1e-6)
    lines = [s for s in picture["panels"][0]["series"] if s["type"] == "line"]
    for line, probability in zip(lines, (0.1, 0.5, 0.9), strict=True):
        ends = np.column_stack([line["x"], line["y"]])
        assert_allclose(model.predict_proba(ends)[:, 1], probability, rtol=1e-5)
    half = picture["panels"][0]["series"][0]
    inside = np.mean([half["x"], half["y"]], axis=1)[np.newaxis]
    assert model.predict(inside)[0] == 1


def test_the_page_knows_when_classes_are_separable():
    rng = np.random.default_rng(5)
    cases, decided = [], []
    for trial in range(40):
        points = rng.integers(-2, 3, (5, 2)) if trial % 2 else rng.uniform(-3, 3, (5, 2))
        labels = np.array([0, 1, 0, 1, 1])
        direction = separating_direction(np.column_stack([np.ones(5), points]), labels)
        decided.append(direction is not None)
        cases.append([points.tolist(), labels.tolist()])
    found = run_js("models/logistic-drag.js", "given.map((one) => separable(...one))", cases)
    assert found == decided
    assert 8 < sum(decided) < 32


def test_separable_points_run_away():
    apart = X + 1.5 * np.outer(2 * Y - 1, [1, 1]).clip(-1, 1)
    found, picture = moved(apart, 1e-6)
    assert found["separable"]
    assert "without bound" in picture["message"]
    norms = np.array(found["norms"])
    assert np.all(np.diff(norms) > 0)
    assert norms[-1] > 2 * norms[21]
    overlapping, picture = moved(X, 1e-6)
    assert not overlapping["separable"]
    assert "message" not in picture
    assert overlapping["norms"][-1] < 1.01 * overlapping["norms"][-8]


def scores(n=4000):
    rng = np.random.default_rng(8)
    return rng.normal(1, 1, n), rng.normal(-1, 1, 2 * n)


@pytest.mark.parametrize("cut", [-1.0, 0.3, 1.7])
@pytest.mark.parametrize(("signal", "background"), [(40.0, 2000.0), (300.0, 500.0)])
def test_the_cut_keeps_what_numpy_counts(cut, signal, background):
    s, b = scores()
    widget = bump_cut(s, b, signal=signal, background=background, alt=ALT)
    edges = np.array(widget.data["edges"])
    edge = edges[np.argmin(np.abs(edges - cut))]
    params = {"cut": edge, "signal": signal, "background": background}
    found, picture = run_js("models/bump-cut.js", STATE, {"params": params, "data": widget.data})
    kept = signal * np.mean(s >= edge), background * np.mean(b >= edge)
    assert_allclose([found["s"], found["b"]], kept, rtol=2e-3)
    assert_allclose(found["simple"], found["s"] / np.sqrt(found["b"]), rtol=1e-12)
    # Asimov's formula as the root of twice a difference of two Poisson log-likelihoods.
    n, mean = found["s"] + found["b"], found["b"]
    log_likelihood = [n * np.log(mu) - mu for mu in (n, mean)]
    assert_allclose(
        found["asimov"], np.sqrt(2 * (log_likelihood[0] - log_likelihood[1])), rtol=1e-6
    )
    area = float(picture["panels"][1]["series"][-1]["text"].split()[1])
    truth = roc_auc_score(np.r_[np.ones(len(s)), np.zeros(len(b))], np.r_[s, b])
    assert abs(area - truth) < 2e-3


def test_the_best_cut_is_the_best_of_all_edges():
    s, b = scores()
    widget = bump_cut(s, b, signal=50, background=5000, alt=ALT)
    params = {"cut": 0.0, "signal": 50.0, "background": 5000.0}
    found = run_js(
        "models/bump-cut.js",
        "best(given.params, given.data)",
        {"params": params, "data": widget.data},
    )
    edges = np.array(widget.data["edges"])[:-1]
    kept = np.array([[50 * np.mean(s >= e), 5000 * np.mean(b >= e)] for e in edges]).T
    n = kept.sum(axis=0)
    z = np.sqrt(2 * (n * np.log(n / kept[1]) - kept[0]))
    assert_allclose(found["cut"], edges[np.argmax(z)])


def test_data_of_the_pages_stay_small():
    s, b = scores()
    assert len(json.dumps(bump_cut(s, b, signal=50, background=5000, alt=ALT).data)) < 10_000


def drag(**change):
    return logistic_drag(**({"X": X, "y": Y, "alt": ALT} | change))


def cutting(**change):
    s, b = scores(200)
    given = {"signal_scores": s, "background_scores": b, "signal": 5, "background": 90, "alt": ALT}
    return bump_cut(**(given | change))


@pytest.mark.parametrize(
    ("make", "change", "message"),
    [
        (drag, {"X": [[0.0, 1.0]], "y": [1]}, "X must have 2 to 20 rows of 2 numbers"),
        (drag, {"X": "x"}, "X must hold numbers"),
        (drag, {"X": np.full((7, 2), 4.0)}, "X must have entries from -3 to 3"),
        (drag, {"X": np.full((7, 2), np.nan)}, "X must have entries from -3 to 3"),
        (drag, {"y": np.ones(7)}, "y must hold zeros and ones, at least one of each"),
        (drag, {"y": [0, 1]}, "y must have 7 entries"),
        (drag, {"lam": 0.0}, "lam must lie between 1e-06 and 10"),
        (drag, {"alt": "Points."}, "alt must say what is seen"),
        (cutting, {"signal_scores": [np.nan]}, "signal_scores contains NaN"),
        (cutting, {"background_scores": [0.0, 1.0]}, "background_scores must have more than 40"),
        (cutting, {"signal": 0}, "signal must be positive"),
        (cutting, {"background": -1}, "background must be positive"),
        (cutting, {"cut": 99.0}, "cut must lie between"),
        (cutting, {"bins": 3}, "bins must be an integer from 10 to 200"),
        (cutting, {"alt": "Points."}, "alt must say what is seen"),
    ],
)
def test_bad_input_is_named(make, change, message):
    with pytest.raises(ValueError, match=message):
        make(**change)


@pytest.mark.parametrize("make", [drag, cutting])
def test_stills_are_the_same_at_every_run(make):
    assert make().still == make().still
