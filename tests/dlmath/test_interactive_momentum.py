"""The figures to move of the chapter on momentum, against NumPy on the same numbers."""

import json

import numpy as np
import pytest
from dlmath.interactive import SgdCloud, momentum_eigenvalues
from dlmath.interactive._momentum import AHEAD, WALKERS, first_swarm
from dlmath.iterations import (
    heavy_ball_parameters,
    iteration_matrix,
    least_squares_cloud,
    nesterov_parameters,
)
from numpy.testing import assert_allclose
from scipy import linalg
from test_interactive import run_js

ALT = "Eigenvalues on a circle in the complex plane, and two curves that rise before they fall."
EIGENVALUES = "[iterate(given), compute(given, {})]"


@pytest.mark.parametrize("method", ["heavy ball", "Nesterov"])
@pytest.mark.parametrize(
    ("kappa", "share", "beta"), [(100.0, 3.3, 0.67), (12.0, 0.7, 0.2), (40.0, 1.0, 0.9)]
)
def test_eigenvalues_and_distances(method, kappa, share, beta):
    given = {"method": method, "kappa": kappa, "share": share, "beta": beta}
    state, picture = run_js("models/momentum-eigenvalues.js", EIGENVALUES, given)
    matrices = [
        iteration_matrix(h, share / kappa, beta, nesterov=method == "Nesterov")
        for h in np.geomspace(1, kappa, 25)
    ]
    for found, matrix in zip(state["roots"], matrices, strict=True):
        ours = [complex(*r) for r in found]
        theirs = np.linalg.eigvals(matrix)
        assert_allclose(np.sort_complex(ours), np.sort_complex(theirs), atol=1e-7)
    rho = max(np.abs(np.linalg.eigvals(m)).max() for m in matrices)
    assert_allclose(state["rho"], rho, rtol=1e-7)
    for name, matrix in (("soft", matrices[0]), ("stiff", matrices[-1])):
        walk, at = [], np.ones(2)
        for _ in range(state["steps"] + 1):
            walk.append(abs(at[0]))
            at = matrix @ at
        assert_allclose(np.array(state[name], dtype=float), walk, rtol=1e-6, atol=1e-12)
    worst = np.maximum(state["soft"], state["stiff"]).astype(float)
    assert_allclose(state["peak"], worst.max())
    assert state["peakAt"] == worst.argmax()
    if rho < 1:
        above = np.flatnonzero(worst > 1e-6)
        assert state["arrived"] == (above[-1] + 1 if above[-1] + 1 < len(worst) else None)
    assert ("message" in picture) == (rho >= 1)


def test_the_buttons_set_what_the_theorems_say():
    found = run_js(
        "models/momentum-eigenvalues.js",
        "['ball', 'nesterov', 'plain'].map((name) => actions[name](given))",
        {"kappa": 64.0},
    )
    (eta, beta), (rate, share) = heavy_ball_parameters(1, 64), nesterov_parameters(1, 64)
    assert_allclose([found[0]["share"], found[0]["beta"]], [64 * eta, beta])
    assert_allclose([found[1]["share"], found[1]["beta"]], [64 * rate, share])
    assert_allclose([found[2]["share"], found[2]["beta"]], [2 * 64 / 65, 0])
    assert [f["method"] for f in found] == ["heavy ball", "Nesterov", "heavy ball"]


@pytest.fixture
def fit():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(40, 2)) @ np.array([[1.0, 0.8], [0.0, 0.5]])
    return X, X @ [1.0, -2.0] + 0.5 * rng.normal(size=40)


def test_the_swarm_takes_the_steps_of_the_still(fit):
    widget = SgdCloud(*fit, eta=0.03, batch=3, alt=ALT)
    program = """(() => {
      const { data } = given, uniform = uniformStream(data.seed);
      const walkers = swarmAt(data.start, data.walkers);
      const settings = { eta: given.eta, batch: given.batch, temperature: 0 };
      for (let k = 0; k < data.ahead; k++) swarmStep(walkers, data, settings, uniform);
      return [walkers, swarmCovariance(walkers)]; })()"""
    given = {"data": widget.data, "eta": 0.03, "batch": 3}
    walkers, covariance = run_js("sgdcloud.js", program, given)
    X, e, start = (np.array(widget.data[name]) for name in ("X", "e", "start"))
    expected = first_swarm(X, e, start, 0.03, 3)
    assert_allclose(walkers, expected, rtol=1e-9, atol=1e-12)
    outer = expected.T @ expected / WALKERS
    assert_allclose(covariance, [outer[0, 0], outer[0, 1], outer[1, 1]], rtol=1e-9)
    assert (widget.data["ahead"], widget.data["walkers"]) == (AHEAD, WALKERS)


@pytest.mark.parametrize(("eta", "batch"), [(0.01, 1), (0.1, 4), (0.3, 64)])
@pytest.mark.parametrize("temperature", [0.0, 0.02])
def test_the_prediction_solves_the_equation_of_the_balance(fit, eta, batch, temperature):
    widget = SgdCloud(*fit, alt=ALT)
    settings = {"eta": eta, "batch": batch, "temperature": temperature}
    found = run_js(
        "sgdcloud.js", "predictedCovariance(given[0], given[1])", [widget.data, settings]
    )
    S = np.array([[found[0], found[1]], [found[1], found[2]]])
    X, e = np.array(widget.data["X"]), np.array(widget.data["e"])
    if temperature == 0:
        assert_allclose(S, least_squares_cloud(X, e, eta, batch, replace=True), rtol=1e-4)
    H = 2 * X.T @ X / len(X)
    parts = [2 * np.outer(x, x) for x in X]
    step = np.eye(2) - eta * H
    fluctuation = sum(P @ S @ P for P in parts) / len(X) - H @ S @ H
    noise = sum(4 * r**2 * np.outer(x, x) for x, r in zip(X, e, strict=True)) / len(X)
    right = step @ S @ step + eta**2 / batch * (fluctuation + noise)
    assert_allclose(S, right + 2 * eta * temperature * np.eye(2), rtol=1e-9)


def test_no_prediction_where_the_variance_grows(fit):
    widget = SgdCloud(*fit, alt=ALT)
    settings = {"eta": 0.9, "batch": 1, "temperature": 0}
    assert (
        run_js("sgdcloud.js", "predictedCovariance(given[0], given[1])", [widget.data, settings])
        is None
    )


def test_langevin_noise_is_normal_with_the_variance_of_its_temperature(fit):
    widget = SgdCloud(*fit, alt=ALT)
    program = """(() => {
      const data = { X: [[0, 0]], e: [0] }, walkers = swarmAt([0, 0], 20000);
      swarmStep(walkers, data, { eta: 0.5, batch: 1, temperature: 3 }, uniformStream(7));
      return swarmCovariance(walkers); })()"""
    found = run_js("sgdcloud.js", program, {})
    assert_allclose(found, [3, 0, 3], atol=0.1)
    n = len(fit[0])
    assert_allclose(widget.data["temperature"], 2 * widget.data["s2"] / n)


def test_axes_of_an_ellipse():
    matrix = np.array([[2.0, -0.7], [-0.7, 0.5]])
    found = run_js("sgdcloud.js", "principal(given)", [2.0, -0.7, 0.5])
    values, vectors = linalg.eigh(matrix)
    assert_allclose(found["values"], values[::-1])
    assert_allclose(abs(np.dot(found["axis"], vectors[:, 1])), 1)


def test_data_stay_small(fit):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2))
    widget = SgdCloud(X, X @ [1, 2] + rng.normal(size=300), alt=ALT)
    assert len(json.dumps(widget.data, separators=(",", ":"))) < 30_000
    assert momentum_eigenvalues(alt=ALT).data == {}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X": np.ones((5, 3))}, r"X must have 2 columns"),
        ({"X": np.ones((2, 2))}, r"at least 3 rows"),
        ({"X": np.ones((40, 2))}, "X must be finite, with columns that are independent"),
        ({"X": np.full((40, 2), np.nan)}, "X must be finite"),
        ({"y": np.ones(3)}, "y must have 40 entries"),
        ({"eta": 1.0}, "eta must lie between 0.001 and 0.3"),
        ({"eta": np.nan}, "eta contains NaN"),
        ({"batch": 0}, "batch must be an integer from 1 to 64"),
        ({"batch": 2.5}, "batch must be an integer"),
        ({"alt": "A cloud."}, "alt must say what is seen"),
        ({"height": (1, 2)}, "height must be two numbers"),
    ],
)
def test_bad_input_is_named(fit, change, message):
    X, y = fit
    with pytest.raises(ValueError, match=message):
        SgdCloud(**({"X": X, "y": y, "alt": ALT} | change))


@pytest.mark.parametrize("kappa", [1.0, 1e5, np.inf])
def test_a_condition_number_that_is_not_possible(kappa):
    with pytest.raises(ValueError, match="kappa"):
        momentum_eigenvalues(kappa, alt=ALT)


def test_stills_are_the_same_at_every_run(fit):
    for make in (lambda: momentum_eigenvalues(alt=ALT), lambda: SgdCloud(*fit, alt=ALT)):
        assert make().still == make().still
        assert make().still.count("<svg") == 1
