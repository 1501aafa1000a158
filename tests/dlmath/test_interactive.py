"""The figures to move: their mathematics against NumPy and SciPy, their input, their pictures."""

import gzip
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import dlmath.interactive
import numpy as np
import pytest
from bookkit.node import node
from dlmath.interactive import (
    ComputedPlot,
    DragFit,
    ScatterFit,
    conditioning,
    gradient_descent_filter,
    projection,
)
from dlmath.interactive._bundle import JS, bundle
from dlmath.interactive._computed import _models
from numpy.testing import assert_allclose
from scipy import stats

ALT = "Eight points with error bars, a straight line through them and its narrow band."
ENTRIES = [
    "backpropagation.js",
    "denoiserlive.js",
    "dragfit.js",
    "draggedtrap.js",
    "gibbslive.js",
    "isinglive.js",
    "kerneleditor.js",
    "langevinlive.js",
    "nuclearchart.js",
    "optimizerrace.js",
    "reversediffusion.js",
    "scatterfit.js",
    "sgdcloud.js",
    "sharpnesslive.js",
    "trainlive.js",
    "wellslive.js",
    *(f"models/{name}.js" for name in _models()),
]


def run_js(source, expression, given):
    """Evaluate an expression with the names of a bundle in scope; ``given`` is its one input."""
    program = f"{bundle(source)}\nconst given = {json.dumps(given)};\n"
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


@pytest.fixture
def data():
    rng = np.random.default_rng(3)
    x = np.sort(rng.uniform(10, 14, 12))
    sigma = rng.uniform(0.1, 0.8, 12)
    return x, np.sin(x) + sigma * rng.normal(size=12), sigma


POLYFITS = """given.cases.map(([degree, weighted]) => {
  const fit = polyfit(given.x, given.y, given.sigma, degree, weighted);
  const at = given.at.map(fit.predict);
  return { ...fit, mean: at.map((p) => p.mean), error: at.map((p) => p.error) };
})"""


def reference_fit(x, y, sigma, degree, weighted, at):
    """Least squares through the normal equations in the monomials about 12, in long double."""
    design = np.vander(x - 12, degree + 1, increasing=True)
    weights = 1 / sigma**2 if weighted else np.ones_like(sigma)
    inverse = np.linalg.inv(design.T @ (weights[:, None] * design))
    estimator = inverse @ design.T * weights
    theta = estimator @ y
    covariance = estimator @ np.diag(sigma**2) @ estimator.T
    grid = np.vander(at - 12, degree + 1, increasing=True)
    chi2 = np.sum(((y - design @ theta) / sigma) ** 2)
    return chi2, grid @ theta, np.sqrt(np.einsum("ij,jk,ik->i", grid, covariance, grid))


def test_polyfit_agrees_with_the_normal_equations(data):
    x, y, sigma = data
    at = np.linspace(9, 15, 7)
    cases = [(degree, weighted) for degree in range(6) for weighted in (True, False)]
    given = {"x": x.tolist(), "y": y.tolist(), "sigma": sigma.tolist(), "at": at.tolist()}
    fits = run_js("dragfit.js", POLYFITS, {**given, "cases": cases})
    for (degree, weighted), fit in zip(cases, fits, strict=True):
        chi2, mean, error = reference_fit(x, y, sigma, degree, weighted, at)
        assert_allclose(fit["chi2"], chi2, rtol=1e-10)
        assert_allclose(fit["mean"], mean, rtol=1e-8)
        assert_allclose(fit["error"], error, rtol=1e-8)
        assert fit["dof"] == 12 - degree - 1


def test_parameters_and_their_errors_agree_with_numpy(data):
    x, y, sigma = data
    given = {"x": (x - 12).tolist(), "y": y.tolist(), "sigma": sigma.tolist(), "at": []}
    (fit,) = run_js("dragfit.js", POLYFITS, {**given, "cases": [(3, True)]})
    theta, covariance = np.polyfit(x - 12, y, 3, w=1 / sigma, cov="unscaled")
    assert_allclose(fit["theta"], theta[::-1], rtol=1e-10)
    assert_allclose(fit["errors"], np.sqrt(np.diag(covariance))[::-1], rtol=1e-10)
    assert_allclose(fit["pValue"], stats.chi2.sf(fit["chi2"], fit["dof"]), rtol=1e-10)


def test_the_errors_without_weights_are_those_of_the_unweighted_estimate(data):
    """The spread of many simulated estimates is the independent route."""
    x, y, sigma = data
    given = {"x": x.tolist(), "y": y.tolist(), "sigma": sigma.tolist(), "at": []}
    (fit,) = run_js("dragfit.js", POLYFITS, {**given, "cases": [(1, False)]})
    rng = np.random.default_rng(0)
    simulated = np.polyfit(x, sigma[:, None] * rng.normal(size=(12, 40_000)), 1)
    assert_allclose(fit["errors"], simulated.std(axis=1)[::-1], rtol=0.02)
    assert fit["pValue"] is None


def test_polyfit_refuses_points_that_do_not_determine_it():
    given = {"x": [1, 1, 2], "y": [0, 1, 2], "sigma": [1, 1, 1]}
    assert run_js("dragfit.js", "polyfit(given.x, given.y, given.sigma, 2, true)", given) is None


def test_chi_squared_tail_agrees_with_scipy():
    pairs = [(c, v) for v in (1, 2, 7, 40, 300) for c in (1e-3, 0.5, 3.0, 20.0, 100.0, 400.0)]
    tails = run_js("dragfit.js", "given.map(([c, v]) => chiSquaredTail(c, v))", pairs)
    chi2, dof = np.transpose(pairs)
    assert_allclose(tails, stats.chi2.sf(chi2, dof), rtol=1e-10, atol=1e-14)


def test_least_squares_agrees_with_numpy():
    rng = np.random.default_rng(5)
    matrix, right = rng.normal(size=(9, 4)), rng.normal(size=9)
    given = {"A": matrix.tolist(), "b": right.tolist()}
    solution = run_js("dragfit.js", "leastSquares(given.A, given.b)", given)
    assert_allclose(solution["theta"], np.linalg.lstsq(matrix, right)[0], rtol=1e-12)
    assert_allclose(solution["inverse"], np.linalg.inv(matrix.T @ matrix), rtol=1e-11, atol=1e-13)


def test_reflections_do_not_cancel():
    matrix, right = np.array([[-1, 0.5], [1e-9, 1], [1e-9, 3]]), np.array([1.0, 2.0, 4.0])
    given = {"A": matrix.tolist(), "b": right.tolist()}
    solution = run_js("dragfit.js", "leastSquares(given.A, given.b)", given)
    assert_allclose(solution["theta"], np.linalg.lstsq(matrix, right)[0], rtol=1e-13)


def test_line_fit_agrees_with_scipy():
    rng = np.random.default_rng(6)
    x = rng.uniform(20, 30, 40)
    y = 3 - 0.2 * x + rng.normal(size=40)
    fit = run_js("scatterfit.js", "lineFit(given.x, given.y)", {"x": x.tolist(), "y": y.tolist()})
    line = stats.linregress(x, y)
    names = ["slope", "intercept", "slopeError", "interceptError"]
    expected = [line.slope, line.intercept, line.stderr, line.intercept_stderr]
    assert_allclose([fit[name] for name in names], expected, rtol=1e-10)
    assert_allclose(fit["rms"], np.sqrt(np.mean((y - line.intercept - line.slope * x) ** 2)))


@pytest.fixture
def descent():
    rng = np.random.default_rng(7)
    x = np.linspace(0, 1, 20)
    y = np.sin(6 * x) + 0.1 * rng.normal(size=20)
    return x, y, gradient_descent_filter(x, y, 6, alt=ALT)


def iterate(x, y, share, k):
    """Run gradient descent itself, on centred monomials of x in [-1, 1]."""
    features = np.vander(2 * x - 1, 7, increasing=True)[:, 1:]
    features = features - features.mean(axis=0)
    centred, n = y - y.mean(), x.size
    eta = share * n / np.linalg.norm(features, 2) ** 2
    theta = np.zeros(6)
    for _ in range(k):
        theta = theta - eta * 2 / n * features.T @ (features @ theta - centred)
    return features, centred, eta, theta


@pytest.mark.parametrize(("share", "k"), [(0.1, 1), (0.5, 300), (1.0, 57), (1.05, 40)])
def test_filter_factors_are_what_gradient_descent_does(descent, share, k):
    x, y, widget = descent
    state = run_js(
        "models/gradient-descent-filter.js",
        "[descend(given.params, given.data), compute(given.params, given.data)]",
        {"params": {"share": share, "k": k}, "data": widget.data},
    )
    features, centred, eta, theta = iterate(x, y, share, k)
    numbers, picture = state
    assert_allclose(numbers["cost"], np.mean((centred - features @ theta) ** 2), rtol=1e-10)
    assert_allclose(numbers["norm"], np.linalg.norm(theta), rtol=1e-10)
    assert_allclose(numbers["lambda"], 1 / (2 * eta * k), rtol=1e-12)
    drawn = picture["panels"][1]["series"][2]
    at = np.vander(2 * np.array(drawn["x"]) - 1, 7, increasing=True)[:, 1:]
    at = at - np.vander(2 * x - 1, 7, increasing=True)[:, 1:].mean(axis=0)
    curve = y.mean() + at @ theta
    assert_allclose(drawn["y"], curve, atol=1e-4 * np.abs(curve).max())
    assert ("message" in picture) == (share > 1)


def test_ridge_curve_is_the_ridge_solution(descent):
    x, y, widget = descent
    picture = run_js(
        "models/gradient-descent-filter.js",
        "compute(given.params, given.data)",
        {"params": {"share": 0.5, "k": 100}, "data": widget.data},
    )
    features, centred, eta, _ = iterate(x, y, 0.5, 1)
    penalty = x.size / (2 * eta * 100) * np.eye(6)
    theta = np.linalg.solve(features.T @ features + penalty, features.T @ centred)
    drawn = picture["panels"][1]["series"][1]
    assert_allclose(drawn["y"][0], y.mean() + features[0] @ theta, rtol=1e-4)
    assert_allclose(drawn["y"][-1], y.mean() + features[-1] @ theta, rtol=1e-4)


def test_projection_is_orthogonal_at_the_least_squares_values():
    widget = projection([-1, 0.2, 1.4], [1.2, 0.4, 1.9], alt=ALT)
    best, there, off = run_js(
        "models/projection.js",
        "[solve(null, given), residual(solve(null, given), given), "
        "residual({ theta0: 1, theta1: -2 }, given)]",
        widget.data,
    )
    x, y = np.array([-1, 0.2, 1.4]), np.array([1.2, 0.4, 1.9])
    assert_allclose([best["theta1"], best["theta0"]], np.polyfit(x, y, 1), rtol=1e-12)
    assert_allclose([there["withOnes"], there["withX"]], 0, atol=1e-14)
    r = y - 1 + 2 * x
    assert_allclose([off["squared"], off["withOnes"], off["withX"]], [r @ r, r.sum(), r @ x])


def test_conditioning_shows_what_was_computed():
    widget = conditioning(np.linspace(0, 1, 40), range(1, 22), alt=ALT)
    params = {"basis": "monomial", "degree": 9}
    picked = run_js("models/conditioning.js", "pick(given[0], given[1])", [params, widget.data])
    design = np.vander(np.linspace(0, 1, 40), 10, increasing=True)
    assert_allclose(picked["condition"], np.linalg.cond(design), rtol=1e-3)
    # Rounding grows like the condition number; through the normal equations like its square.
    assert picked["qr"] < 1e-15 * picked["condition"] < picked["normal"]
    bases = widget.data["bases"]
    assert max(bases["Chebyshev"]["qr"]) < 1e-12 < max(bases["monomial"]["qr"])
    assert len(bases) * len(widget.data["degrees"]) >= 20


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0, 3, "0"),
        (-1.5, 3, "−1.50"),
        (0.0123456, 3, "0.0123"),
        (999.96, 4, "1000"),
        (1.5e-8, 2, "1.5 × 10⁻⁸"),
        (-2.5e12, 2, "−2.5 × 10¹²"),
    ],
)
def test_numbers_are_written_as_people_write_them(value, digits, text):
    assert run_js("dragfit.js", "format(given[0], given[1])", [value, digits]) == text


def test_ticks_are_round_and_inside():
    ticks = run_js("dragfit.js", "given.map(([a, b, n]) => niceTicks(a, b, n))", [[-1.3, 7.9, 5]])
    assert_allclose(ticks[0], [0, 2, 4, 6])
    few = run_js("dragfit.js", "given.map(([a, b, n]) => niceTicks(a, b, n))", [[-0.97, 0.98, 3]])
    assert_allclose(few[0], [-0.5, 0, 0.5])
    decades = run_js("dragfit.js", "logTicks(3e-4, 2e3, 8)", None)
    assert_allclose(decades, 10.0 ** np.arange(-3, 4))


@pytest.mark.parametrize("entry", ENTRIES)
def test_every_module_is_one_valid_es_module(entry, tmp_path):
    path = tmp_path / "widget.mjs"
    path.write_text(bundle(entry) + "\nexport const probe = 1;\n")
    script = (
        f"const m = await import({json.dumps(str(path))}); console.log(typeof m.default.render)"
    )
    done = subprocess.run(
        [node(), "--input-type=module", "-"], input=script, capture_output=True, text=True
    )
    assert done.stdout.strip() == "function", done.stderr


def entry_of(figure):
    """Find the one source that a figure's class or builder names."""
    code = inspect.getsource(getattr(dlmath.interactive, figure))
    named = [e for e in ENTRIES if f'bundle("{e}")' in code or f'"{Path(e).stem}",' in code]
    assert len(named) == 1, figure
    return named[0]


def weight(text):
    return len(gzip.compress(text.encode()))


CHAPTERS = sorted(Path(__file__).parents[2].glob("chapters/*/*.md"))


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_all_modules_of_a_page_are_light(chapter):
    """What all figures share is loaded once."""
    text = chapter.read_text(encoding="utf-8")
    figures = [name for name in dlmath.interactive.__all__ if re.search(rf"\b{name}\(", text)]
    entries = {entry_of(name) for name in figures}
    parts = {part for entry in entries for part in bundle(entry).split("//# part\n")}
    assert sum(weight(part) for part in parts) <= 25_000
    loading = any(len(bundle(entry).split("//# part\n")) == 3 for entry in entries)
    assert not entries or len(parts) == len(entries) + 1 + loading


def test_every_figure_has_one_light_module():
    figures = [name for name in dlmath.interactive.__all__ if name != "ComputedPlot"]
    assert {entry_of(name) for name in figures} == set(ENTRIES)
    for entry in ENTRIES:
        sizes = [weight(part) for part in bundle(entry).split("//# part\n")]
        # Figures that load a network have a part more, which they share.
        assert sum(sizes) <= (16_000 if len(sizes) == 2 else 17_000), entry


def test_figures_that_load_networks_share_what_they_need_for_it():
    common, networks, own = bundle("denoiserlive.js").split("//# part\n")
    assert "function makeNetwork" in networks
    assert "function requestWeights" in networks
    assert bundle("isinglive.js").split("//# part\n")[0] == common
    assert "function makeNetwork" not in common + own


def test_every_source_is_used():
    used = "".join(bundle(entry) for entry in ENTRIES)
    for path in JS.rglob("*.js"):
        names = [line for line in path.read_text().splitlines() if line.startswith("function ")]
        assert all(name in used for name in names), path


def drag(**change):
    given = {"x": [1, 2, 3], "y": [1, 2, 2], "sigma": [0.1, 0.2, 0.1], "alt": ALT}
    return DragFit(**{**given, **change})


def scatter(**change):
    given = {
        "groups": ["a", "a", "b", "b"],
        "x_options": {"Q": [1, 2, 3, 4], "R": [4, 2, 3, 1]},
        "y": [1, 2, 4, 3],
        "names": ["p", "q", "r", "s"],
        "ylabel": "y",
        "alt": ALT,
    }
    return ScatterFit(**{**given, **change})


def computed(**change):
    given = {
        "model": "projection",
        "data": {},
        "controls": [{"type": "button", "name": "solve", "label": "Solve"}],
        "still": "<svg/>",
        "alt": ALT,
    }
    return ComputedPlot(**{**given, **change})


SLIDER = {"type": "slider", "name": "k", "label": "k", "min": 0.0, "max": 2.0, "value": 1.0}
PLAY = {"type": "play", "name": "play", "label": "Play", "slider": "k", "seconds": 2}
POINT = {"type": "point", "name": "p", "label": "p", "min": [0, 0], "max": [2, 1], "value": [1, 1]}


@pytest.mark.parametrize(
    ("make", "change", "message"),
    [
        (drag, {"x": [1, np.nan, 3]}, "x contains NaN"),
        (drag, {"x": [[1, 2, 3]]}, r"x must be a non-empty vector, got shape \(1, 3\)"),
        (drag, {"y": [1, 2]}, "y must have 3 entries, got 2"),
        (drag, {"y": ["a", "b", "c"]}, "y must hold numbers"),
        (drag, {"sigma": [0.1, 0.0, 0.2]}, "sigma must be positive"),
        (drag, {"sigma": -1.0}, "sigma must be positive"),
        (drag, {"sigma": [0.1, np.inf, 0.2]}, "sigma contains NaN or infinity"),
        (drag, {"degree": 6}, "degree must be an integer from 0 to 5"),
        (drag, {"degree": 3}, "degree must be below the number of distinct x, 3"),
        (drag, {"band": "wide"}, "band must be one of none, confidence, prediction"),
        (drag, {"xlim": (2, 1)}, "xlim must increase"),
        (drag, {"alt": "A line."}, "alt must say what is seen in at least 40"),
        (drag, {"height": (100, 400)}, "height must be two numbers"),
        (scatter, {"groups": ["a", "b"]}, "groups must have 4 entries"),
        (scatter, {"x_options": {}}, "x_options must map"),
        (scatter, {"x_options": {"Q": [1, 2]}}, r"x_options\['Q'\] must have 4 entries"),
        (scatter, {"names": ["p"]}, "names must have 4 entries"),
        (scatter, {"x": "S"}, "x must be one of Q, R"),
        (scatter, {"y": [1, 2]}, "y must have at least three"),
        (computed, {"model": "nothing"}, "model must be one of .*conditioning"),
        (computed, {"data": {"a": float("nan")}}, "data must hold finite numbers"),
        (computed, {"still": "a picture"}, "still must be the text of an SVG"),
        (computed, {"controls": [{"type": "dial"}]}, "controls: type must be one of"),
        (computed, {"controls": [{**SLIDER, "value": 3.0}]}, "controls: k must begin between"),
        (computed, {"controls": [{**SLIDER, "log": True}]}, "controls: k has a log scale"),
        (computed, {"controls": [{**POINT, "value": [3, 0]}]}, "controls: p must begin between"),
        (computed, {"controls": [{**POINT, "value": 0.5}]}, "controls: value of p must be"),
        (computed, {"controls": [{"type": "select"}]}, "controls: a select needs"),
        (computed, {"controls": [PLAY]}, "controls: play plays no slider of the figure"),
    ],
)
def test_bad_input_is_named(make, change, message):
    with pytest.raises(ValueError, match=message):
        make(**change)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: gradient_descent_filter([0, 1, 2], [1, 2, 3], 3, alt=ALT), "degree must be"),
        (lambda: gradient_descent_filter([0, 1], [1], 1, alt=ALT), "y must have 2 entries"),
        (lambda: gradient_descent_filter([0, 1], [1, 2], 1, basis="sine", alt=ALT), "basis must"),
        (lambda: projection([1, 1, 1], [1, 2, 3], alt=ALT), "x must not be all equal"),
        (lambda: projection([1, 2], [1, 2], alt=ALT), "x must have 3 entries"),
        (lambda: conditioning([0, 0.5, 1], [1, 3], alt=ALT), "degrees must be an integer"),
        (lambda: conditioning([0, 0.5, 1], [2, 1], alt=ALT), "degrees must be at least two"),
    ],
)
def test_builders_name_bad_input(build, message):
    with pytest.raises(ValueError, match=message):
        build()


@pytest.mark.parametrize(
    ("name", "value"),
    [("sigma", [0.1, -1, 0.2]), ("y", [1, 2]), ("x", [0, np.nan, 1]), ("degree", 4)],
)
def test_a_refused_assignment_leaves_the_figure_as_it_was(name, value):
    widget = drag()
    before = getattr(widget, name)
    with pytest.raises(ValueError, match=name):
        setattr(widget, name, value)
    assert getattr(widget, name) == before


def test_stills_are_the_same_at_every_run():
    assert drag().still == drag().still
    assert drag().still != drag(degree=0).still
    assert "<svg" in scatter().still


@pytest.mark.parametrize(
    ("imported", "absent"),
    [
        ("dlmath.linear, dlmath.datasets", ["anywidget", "ipywidgets", "torch"]),
        ("dlmath.interactive", ["torch"]),
    ],
)
def test_importing_brings_nothing_heavy(imported, absent):
    program = f"import sys, {imported}; assert not {set(absent)!r} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
