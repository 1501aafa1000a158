"""The figures of the chapter on the lasso: their JavaScript against scikit-learn and SciPy."""

import json
import subprocess
import warnings
from itertools import pairwise

import numpy as np
import pytest
from bookkit.node import node
from dlmath.interactive import lasso_path_explorer, penalty_balls, soft_threshold_explorer
from dlmath.interactive._bundle import bundle
from dlmath.interactive._lasso import BALLS, _spread
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import brentq, minimize_scalar
from sklearn.datasets import load_diabetes
from sklearn.linear_model import ElasticNet

ALT = "Ten curves that leave zero one after the other, and ten bars between two walls."
WEIGHTS = [[1, 0], [0, 1], [1, 1]]


def run_js(model, expression, given):
    """Evaluate an expression with the names of a model in scope; ``given`` is its one input."""
    program = f"{bundle(f'models/{model}.js')}\nconst given = {json.dumps(given)};\n"
    program += f"console.log(JSON.stringify({expression}));"
    done = subprocess.run(
        [node(), "--input-type=module", "-"],
        input=program,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return json.loads(done.stdout)


def state(model, widget, **change):
    """Give what the figure shows when some of its controls have been moved."""
    given = {"params": {**widget.params, **change}, "data": widget.data}
    return run_js(model, "compute(given.params, given.data)", given)


def elastic_net(X, y, l1, l2):
    """Solve by scikit-learn, whose cost is half of ours."""
    alpha = l1 / 2 + l2
    model = ElasticNet(
        alpha=alpha, l1_ratio=l1 / 2 / alpha, fit_intercept=False, tol=1e-14, max_iter=1_000_000
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(X, y).coef_


def two_features(correlation, minimum, n=40):
    """Draw two features of mean zero, variance one and this correlation, and targets."""
    rng = np.random.default_rng(8)
    columns = rng.normal(size=(n, 3))
    q = np.linalg.qr(columns - columns.mean(axis=0))[0] * np.sqrt(n)
    X = np.column_stack([q[:, 0], correlation * q[:, 0] + np.sqrt(1 - correlation**2) * q[:, 1]])
    return X, X @ minimum + q[:, 2]


CASES = [
    ([1.4, 0.6], 0.5),
    ([1.5, -0.5], 0.8),
    ([-0.3, 1.7], -0.9),
    ([0.0, 1.2], 0.3),
    ([1.0, 1.0], 0.0),
    ([-1.9, -1.9], 0.95),
]


@pytest.mark.parametrize(("minimum", "correlation"), CASES)
def test_the_penalised_minimiser_is_that_of_scikit_learn(minimum, correlation):
    X, y = two_features(correlation, minimum)
    penalties = [(0.2, 0.0), (1.1, 0.0), (3.0, 0.0), (0.3, 0.7), (1.5, 0.1), (0.01, 2.0)]
    expression = "given.penalties.map(([l1, l2]) => penalised(given.m, given.c, l1, l2))"
    given = {"penalties": penalties, "m": minimum, "c": correlation}
    found = run_js("penalty-balls", expression, given)
    expected = np.array([elastic_net(X, y, l1, l2) for l1, l2 in penalties])
    assert_allclose(found, expected, atol=1e-7)
    assert_array_equal(np.array(found) == 0, np.abs(expected) < 1e-12)


def on_the_boundary(minimum, correlation, weights, rho):
    """Minimise the cost along a ball's boundary, over the angle from the origin."""
    w1, w2 = weights

    def point(angle):
        direction = np.array([np.cos(angle), np.sin(angle)])
        linear = w1 * np.abs(direction).sum()
        size = w1 * rho + w2 * rho**2
        return direction * brentq(lambda r: linear * r + w2 * r * r - size, 0, 2 * rho, xtol=1e-14)

    def cost(angle):
        u, v = point(angle) - minimum
        return u * u + 2 * correlation * u * v + v * v

    # The corners are among the ends of the intervals.
    ends = np.linspace(0, 2 * np.pi, 17)
    options = {"xatol": 1e-10}
    inner = [minimize_scalar(cost, bounds=ab, options=options).x for ab in pairwise(ends)]
    return point(min([*ends, *inner], key=cost))


@pytest.mark.parametrize("weights", WEIGHTS, ids=list(BALLS))
@pytest.mark.parametrize(("minimum", "correlation"), CASES)
def test_the_minimiser_in_the_ball_and_its_multiplier(minimum, correlation, weights):
    radii = [0.05, 0.5, 1.0, 1.6, 3.6]
    expression = "given.radii.map((rho) => constrained(given.m, given.c, given.weights, rho))"
    given = {"radii": radii, "m": minimum, "c": correlation, "weights": weights}
    found = run_js("penalty-balls", expression, given)
    X, y = two_features(correlation, minimum)
    size = weights @ np.array([np.abs(minimum).sum(), np.dot(minimum, minimum)])
    assert [solution["idle"] for solution in found] == [
        size <= weights @ np.array([rho, rho**2]) for rho in radii
    ]
    for rho, solution in zip(radii, found, strict=True):
        theta, lam = np.array(solution["theta"]), solution["lambda"]
        if solution["idle"]:
            assert (lam, theta.tolist()) == (0, minimum)
            continue
        expected = on_the_boundary(minimum, correlation, weights, rho)
        assert_allclose(theta, expected, atol=1e-7)
        # The ball's surface is reached, and the penalty gives the same point without a ball.
        reached = weights @ np.array([np.abs(theta).sum(), theta @ theta])
        assert_allclose(reached, weights @ np.array([rho, rho**2]), rtol=1e-12)
        penalised = elastic_net(X, y, weights[0] * lam, weights[1] * lam)
        assert_allclose(theta, penalised, atol=1e-7)


@pytest.mark.parametrize("weights", WEIGHTS, ids=list(BALLS))
def test_ball_and_contour_are_level_sets(weights):
    expression = """{
      edge: ball(given.weights, 1.3),
      ring: ellipse([0.4, -0.2], -0.7, 0.9),
      radii: solutionPath([0.4, -0.2], -0.7, given.weights).map((t) => radiusOf(t, given.weights)),
    }"""
    found = run_js("penalty-balls", f"({expression})", {"weights": weights})
    x, y = np.array([found["edge"]["x"], found["edge"]["y"]])
    size = weights[0] * (np.abs(x) + np.abs(y)) + weights[1] * (x**2 + y**2)
    assert_allclose(size, weights[0] * 1.3 + weights[1] * 1.3**2, rtol=1e-12)
    assert_allclose([x.max(), y.max()], 1.3)
    u, v = np.array(found["ring"]["x"]) - 0.4, np.array(found["ring"]["y"]) + 0.2
    assert_allclose(u**2 - 1.4 * u * v + v**2, 0.9, rtol=1e-12)
    assert found["radii"][0] == 0
    assert np.all(np.diff(found["radii"]) >= 0)


def test_the_picture_of_the_ball_says_what_is_zero_and_when_the_ball_is_idle():
    widget = penalty_balls(minimum=(1.4, 0.6), correlation=0.5, rho=0.7, alt=ALT)
    lasso = dict(state("penalty-balls", widget)["readouts"])
    # In the direction of the first axis: theta_1 = rho, lambda = 2 (m_1 + c m_2 - rho).
    assert lasso == {
        "θ₁": "0.700",
        "θ₂": "0",
        "exactly zero": "θ₂",
        "cost above its minimum": "1.27",
        "λ of this ball": "2.00",
    }
    ridge = dict(state("penalty-balls", widget, ball="L2 (ridge)")["readouts"])
    assert ridge["exactly zero"] == "none"
    free = state("penalty-balls", widget, rho=2.05)
    assert dict(free["readouts"])["λ of this ball"] == "0: constraint idle"
    bold = [s for s in free["panels"][0]["series"] if s.get("width") == 2.5]
    assert len(bold) == 1


def test_the_two_pictures_of_the_ball_show_the_same_point():
    widget = penalty_balls(minimum=(1.5, -0.5), correlation=0.8, rho=1.1, alt=ALT)
    plane, along = state("penalty-balls", widget, ball="elastic net")["panels"]
    (dot,) = [s for s in plane["series"] if s["type"] == "points"]
    (marks,) = [s for s in along["series"] if s["type"] == "points"]
    assert [dot["x"][0], dot["y"][0]] == marks["y"]
    curves = [s for s in along["series"] if s.get("color") == 4 and s["type"] == "line"]
    for curve, value in zip(curves, marks["y"], strict=True):
        assert_allclose(np.interp(1.1, curve["x"], curve["y"]), value, atol=2e-3)


@pytest.fixture(scope="module")
def diabetes():
    X, y = load_diabetes(return_X_y=True, scaled=False)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    names = load_diabetes().feature_names
    return X, y - y.mean(), lasso_path_explorer(X, y, names, alt=ALT)


DESCENTS = """given.cases.map(([l1, l2]) =>
  coordinateDescent(given.data, l1, l2, given.data.b.map(() => 0), 1e-13))"""


def test_coordinate_descent_agrees_with_scikit_learn(diabetes):
    X, y, widget = diabetes
    n = y.size
    cases = [(40.0, 0.0), (9.0, 0.0), (0.5, 0.0), (20.0, 0.2), (5.0, 1.0), (0.3, 6.0)]
    found = run_js("lasso-path", DESCENTS, {"cases": cases, "data": widget.data})
    for (l1, l2), solution in zip(cases, found, strict=True):
        theta = np.array(solution["theta"])
        expected = elastic_net(X, y, l1, l2)
        assert_allclose(theta, expected, atol=2e-4)
        assert_array_equal(theta == 0, expected == 0)
        r = y - X @ theta
        assert_allclose(solution["error"], r @ r / n, rtol=1e-9)
        assert_allclose(solution["correlations"], 2 / n * X.T @ r, atol=1e-7)
        assert_allclose(solution["norm1"], np.abs(theta).sum(), rtol=1e-12)
        assert -1e-9 < solution["gap"] <= 1e-13 * (y @ y / n)


@pytest.mark.parametrize(("l1", "l2"), [(9.0, 0.0), (9.0, 0.4)])
def test_the_duality_gap_bounds_the_distance_to_the_least_cost(diabetes, l1, l2):
    X, y, widget = diabetes
    n = y.size
    theta = np.linspace(-8, 9, 10)
    given = {"data": widget.data, "theta": theta.tolist(), "l1": l1, "l2": l2}
    gap = run_js("lasso-path", "certify(given.data, given.l1, given.l2, given.theta).gap", given)

    def cost(t):
        return np.mean((y - X @ t) ** 2) + l1 * np.abs(t).sum() + l2 * t @ t

    # The dual value itself, for the data with sqrt(n l2) times the unit matrix below them.
    tall = np.vstack([X, np.sqrt(n * l2) * np.eye(10)])
    right = np.append(y, np.zeros(10))
    r = right - tall @ theta
    u = r * min(1, l1 / np.abs(2 / n * tall.T @ r).max())
    dual = (right @ right - np.sum((right - u) ** 2)) / n
    assert_allclose(gap, cost(theta) - dual, rtol=1e-9)
    assert gap > cost(theta) - cost(elastic_net(X, y, l1, l2)) > 0


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_the_drawn_path_is_that_of_scikit_learn(diabetes, share):
    X, y, widget = diabetes
    paths, walls = state("lasso-path", widget, share=share, fraction=0.05)["panels"]
    largest = 2 / y.size * np.abs(X.T @ y).max()
    curves = [s for s in paths["series"] if s["type"] == "line" and len(s["x"]) > 2]
    drawn = np.array([curve["y"] for curve in curves]).T
    for i in (0, 30, 60, 90):
        lam = curves[0]["x"][i] * largest
        expected = elastic_net(X, y, (1 - share) * lam, share * lam)
        assert_allclose(drawn[i], expected, atol=0.02)
    lam = 0.05 * largest
    theta = elastic_net(X, y, (1 - share) * lam, share * lam)
    slope = (2 / y.size * X.T @ (y - X @ theta) - 2 * share * lam * theta) / ((1 - share) * lam)
    bars = [s for s in walls["series"] if s["type"] == "polygon"]
    assert_allclose([bar["x"][1] for bar in bars], slope, atol=1e-4)
    assert_array_equal([bar["color"] != "muted" for bar in bars], theta != 0)
    assert_allclose(slope[theta != 0], np.sign(theta[theta != 0]), atol=1e-6)
    assert np.all(np.abs(slope) <= 1 + 1e-6)


def test_the_path_follows_the_share(diabetes):
    """The path that is kept for one share is not drawn for another."""
    widget = diabetes[2]
    given = {"params": {**widget.params, "share": 0.3}, "data": widget.data}
    after_another = "[0, 0.3].map((share) => compute({ ...given.params, share }, given.data))[1]"
    assert run_js("lasso-path", after_another, given) == state("lasso-path", widget, share=0.3)


def test_at_the_largest_penalty_nothing_is_active(diabetes):
    widget = diabetes[2]
    numbers = dict(state("lasso-path", widget, fraction=1.0)["readouts"])
    assert numbers["active features"] == "0 of 10"
    assert numbers["Σ|θⱼ|"] == "0"
    assert (
        dict(state("lasso-path", widget, fraction=0.97)["readouts"])["active features"] == "1 of 10"
    )


def test_the_intercept_is_not_penalised_and_columns_are_not_scaled():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(30, 3)) * [1, 5, 0.2] + [3, -7, 1]
    y = 40 + X @ [1, -0.3, 2] + rng.normal(size=30)
    data = lasso_path_explorer(X, y, ["a", "b", "c"], alt=ALT).data
    assert_allclose(data["G"], np.cov(X.T, bias=True), rtol=1e-10)
    assert_allclose(data["b"], np.cov(X.T, y, bias=True)[-1, :3], rtol=1e-10)
    assert_allclose(data["yy"], y.var(), rtol=1e-10)


def test_labels_keep_their_distance_and_their_order():
    heights = [3.0, 0.0, 0.1, -0.1, 5.0, 0.05]
    placed = np.array(run_js("lasso-path", "spread(given, 0.5)", heights))
    assert_allclose(placed, _spread(np.array(heights), 0.5), rtol=1e-12)
    assert_array_equal(np.argsort(placed), np.argsort(heights))
    assert np.diff(np.sort(placed)).min() >= 0.5 - 1e-12
    assert (placed[0], placed[4]) == (3, 5)


def test_the_three_maps_are_minimisers_on_a_grid():
    pairs = [(z, lam) for z in (-2.6, -0.4, 0.0, 1.1, 2.9) for lam in (0.0, 0.5, 1.7, 6.0)]
    expression = "given.map(([z, l]) => [soft(z, l), shrink(z, l), hard(z, l)])"
    found = run_js("soft-threshold", expression, pairs)
    theta = np.arange(-3000, 3001) / 1000
    penalties = (np.abs(theta), theta**2, theta != 0)
    for (z, lam), values in zip(pairs, found, strict=True):
        best = [theta[np.argmin((theta - z) ** 2 + lam * penalty)] for penalty in penalties]
        assert_allclose(values, best, atol=6e-4)
    assert found[0][0] == found[0][1] == found[0][2] == -2.6


def test_the_kink_holds_the_minimum_while_its_slopes_have_both_signs():
    widget = soft_threshold_explorer(z=0.7, lam=1.6, alt=ALT)
    numbers = dict(state("soft-threshold", widget)["readouts"])
    assert numbers["θ, lasso"] == "0"
    assert numbers["slopes beside 0, lasso"] == "−3.00 and 0.200"
    curve = state("soft-threshold", widget, z=1.2)["panels"][1]["series"][5]
    assert_allclose(np.interp([-1.0, 0.3, 1.2], curve["x"], curve["y"]), [-0.2, 0, 0.4])
    costs = state("soft-threshold", widget, z=1.2)["panels"][0]["series"]
    lasso, dot = costs[3], costs[5]
    assert min(lasso["y"]) >= dot["y"][0] > min(lasso["y"]) - 1e-3
    assert dot["x"] == pytest.approx([0.4])


X3, Y3 = np.array([[1.0, 0], [0, 1], [2, 3]]), [1.0, 0.0, 2.0]


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: penalty_balls(minimum=(2.5, 0), alt=ALT), "minimum must have coefficients"),
        (lambda: penalty_balls(minimum=1.0, alt=ALT), "minimum must be a non-empty vector"),
        (lambda: penalty_balls(correlation=1.0, alt=ALT), "correlation must be a number"),
        (lambda: penalty_balls(rho=0, alt=ALT), "rho must be a number from 0.1"),
        (lambda: penalty_balls(rho="1", alt=ALT), "rho must be a number"),
        (lambda: penalty_balls(ball="L3", alt=ALT), r"ball must be one of L1 \(lasso\)"),
        (lambda: penalty_balls(alt="A ball."), "alt must say what is seen"),
        (lambda: lasso_path_explorer(X3, Y3[:2], "ab", alt=ALT), "X must have 2 rows"),
        (lambda: lasso_path_explorer(X3[:, :1], Y3, "a", alt=ALT), "X must be a table of 2 to 15"),
        (lambda: lasso_path_explorer([["a", "b"]], [1], "ab", alt=ALT), "X must hold numbers"),
        (lambda: lasso_path_explorer(X3 * np.nan, Y3, "ab", alt=ALT), "X contains NaN"),
        (lambda: lasso_path_explorer(X3 * [1, 0], Y3, "ab", alt=ALT), "X must have no constant"),
        (lambda: lasso_path_explorer(X3, Y3, "aa", alt=ALT), "names must be 2 different"),
        (lambda: lasso_path_explorer(X3, Y3, "abc", alt=ALT), "names must be 2 different"),
        (lambda: lasso_path_explorer(X3, [2, 2, 2], "ab", alt=ALT), "y must be correlated"),
        (lambda: lasso_path_explorer(X3, Y3, "ab", alt="x"), "alt must say what is seen"),
        (lambda: soft_threshold_explorer(z=4, alt=ALT), "z must be a number from -3.0 to 3.0"),
        (lambda: soft_threshold_explorer(lam=-1, alt=ALT), "lam must be a number from 0"),
        (lambda: soft_threshold_explorer(z=np.nan, alt=ALT), "z must be a number"),
        (lambda: soft_threshold_explorer(alt=None), "alt must say what is seen"),
    ],
)
def test_bad_input_is_named(build, message):
    with pytest.raises(ValueError, match=message):
        build()


@pytest.mark.parametrize("ball", BALLS)
def test_every_first_state_has_a_still_of_its_own(ball):
    first = penalty_balls(ball=ball, alt=ALT)
    assert first.still == penalty_balls(ball=ball, alt=ALT).still
    assert first.still != penalty_balls(ball=ball, rho=1.5, alt=ALT).still
    assert first.params["ball"] == ball


def test_a_ball_that_holds_the_minimum_has_a_still_too():
    assert "<svg" in penalty_balls(minimum=(0.2, -0.1), correlation=-0.9, rho=3, alt=ALT).still
    assert "<svg" in soft_threshold_explorer(z=-3, lam=6, alt=ALT).still
