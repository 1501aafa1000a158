"""The figure to move of the chapter on Newton's method, against dlmath.optimizers and SciPy."""

import numpy as np
import pytest
from dlmath.interactive import curvature_explorer
from dlmath.interactive._curvature import SURFACES
from dlmath.optimizers import bfgs, damped_newton, newton
from dlmath.optimizers._line_search import Objective, Trial, search
from numpy.testing import assert_allclose
from test_interactive import run_js

ALT = "Contours of a valley with three paths from one start, and curves of the cost below them."
MODEL = "models/curvature-explorer.js"
STARTS = {
    "Rosenbrock's valley": [(-1.2, 1.0), (1.5, -0.5), (-0.3, 2.7)],
    "Himmelblau's four minima": [(0.0, 0.0), (-4.0, 1.5), (1.0, -4.5)],
    "a well with flat sides": [(0.6, 0.7), (3.5, -2.0), (-0.4, 3.9)],
}
CASES = [(words, start) for words, starts in STARTS.items() for start in starts]


def run(method, words, start, tol=1e-6):
    expression = f"{method}(SURFACES[given.name], given.start, {tol}, 200)"
    given = {"name": SURFACES[words].view["name"], "start": list(start)}
    return run_js(MODEL, expression, given)


def steepest_descent(surface, start, steps):
    """Walk down along minus the gradient, with the line search of BFGS."""
    objective = Objective(surface.cost, surface.gradient, np.array(start))
    at = Trial(0.0, objective.x0, objective.cost0, objective.gradient0, 0.0)
    norm = np.linalg.norm(at.gradient)
    path, decrease = [at.x], 0.5 * min(norm, norm**2)
    for _ in range(steps):
        d = -at.gradient
        begin = at._replace(step=0.0, slope=at.gradient @ d)
        first = min(1.0, 2.02 * decrease / -begin.slope)
        end, found = search(objective.along(at.x, d), begin, first)
        assert found
        decrease, at = at.cost - end.cost, end
        path.append(at.x)
    return np.array(path), objective.njev


@pytest.mark.parametrize("words", SURFACES)
def test_derivatives_are_those_of_the_costs(words):
    surface, name = SURFACES[words], SURFACES[words].view["name"]
    at = np.random.default_rng(0).uniform(-2, 2, (5, 2))
    expression = "given.at.map((x) => ['f', 'g', 'h'].map((key) => SURFACES[given.name][key](x)))"
    h, given = 1e-6 * np.eye(2), {"at": at.tolist(), "name": name}
    for x, (f, g, H) in zip(at, run_js(MODEL, expression, given), strict=True):
        assert_allclose(f, surface.cost(x), rtol=1e-13)
        assert_allclose(g, surface.gradient(x), rtol=1e-12)
        assert_allclose(H, surface.hessian(x), rtol=1e-12)
        slopes = [(surface.cost(x + e) - surface.cost(x - e)) / 2e-6 for e in h]
        assert_allclose(g, slopes, rtol=1e-5, atol=1e-5)
        rows = [(surface.gradient(x + e) - surface.gradient(x - e)) / 2e-6 for e in h]
        assert_allclose(H, rows, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("words", "start"), CASES)
def test_bfgs_is_that_of_dlmath(words, start):
    surface = SURFACES[words]
    ours = run("bfgs", words, start)
    theirs = bfgs(surface.cost, surface.gradient, start, max_iter=200)
    assert ours["arrived"]
    assert len(ours["path"]) == theirs.nit + 1
    assert ours["counts"][-1] == theirs.njev
    assert_allclose(ours["path"], theirs.trajectory, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(("words", "start"), CASES)
def test_newtons_method_is_that_of_dlmath(words, start):
    surface = SURFACES[words]
    ours = run("dampedNewton", words, start)
    theirs = damped_newton(surface.cost, surface.gradient, surface.hessian, start)
    assert ours["arrived"]
    assert ours["counts"][-1] == theirs.njev
    assert_allclose(ours["path"], theirs.trajectory, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize(("words", "start"), CASES)
def test_plain_newton_is_that_of_dlmath(words, start):
    surface = SURFACES[words]
    ours = run("plainNewton", words, start)
    with np.errstate(all="ignore"):
        theirs = newton(surface.gradient, surface.hessian, start, tol=1e-6, max_iter=200)
    if ours.get("lost"):
        assert np.abs(theirs.x).max() > 1e9 or not theirs.success
        assert max(abs(value) for value in start) > 1
        assert_allclose(ours["path"], theirs.trajectory[: len(ours["path"])], rtol=1e-6)
    else:
        assert ours["arrived"]
        assert_allclose(ours["path"], theirs.trajectory, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(("words", "start"), CASES)
def test_gradient_descent_uses_the_same_line_search(words, start):
    ours = run("steepestDescent", words, start)
    steps = min(15, len(ours["path"]) - 1)
    path, count = steepest_descent(SURFACES[words], start, steps)
    assert_allclose(ours["path"][: steps + 1], path, rtol=1e-6, atol=1e-7)
    assert ours["counts"][steps] == count


def readouts(words, start, safe):
    figure = curvature_explorer(alt=ALT)
    given = {"data": figure.data, "params": {"surface": words, "start": start, "safe": safe}}
    return dict(run_js(MODEL, "compute(given.params, given.data).readouts", given))


def test_what_is_said_is_true():
    said = readouts("Himmelblau's four minima", [0.0, 0.0], False)
    assert said["Newton"].startswith("a maximum")
    assert said["BFGS"].startswith("a minimum")
    assert readouts("Himmelblau's four minima", [0.0, 0.0], True)["Newton"].startswith("a minimum")
    assert readouts("Himmelblau's four minima", [0.3, 2.9], False)["Newton"].startswith("a saddle")
    assert readouts("a well with flat sides", [1.2, 0.0], False)["Newton"] == "flies away"
    assert readouts("a well with flat sides", [0.8, 0.0], False)["Newton"].startswith("a minimum")
    said = readouts("Rosenbrock's valley", [-1.2, 1.0], True)
    assert said["gradient descent"].startswith("not there")


def test_level_lines_lie_on_their_level():
    for words, surface in SURFACES.items():
        given = {"data": curvature_explorer(alt=ALT).data, "words": words}
        expression = (
            "(({ name, ...view }) => levelLines(name, SURFACES[name], view))"
            "(given.data.surfaces[given.words])"
        )
        lines = run_js(MODEL, expression, given)
        for line, level in zip(lines, surface.view["levels"], strict=True):
            kept = [pair for pair in zip(line["x"], line["y"], strict=True) if None not in pair]
            x, y = np.array(kept).T
            assert len(x) > 10
            assert_allclose(surface.cost(np.array([x, y])) / level, 1, atol=0.15)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"surface": "a hill"}, "surface must be one of"),
        ({"start": (9.0, 0.0)}, "start must lie in the plane"),
        ({"start": (1.0, 2.0, 3.0)}, "start must have 2 entries"),
        ({"alt": "A valley."}, "alt must say what is seen"),
    ],
)
def test_bad_input_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        curvature_explorer(**{"alt": ALT, **change})


def test_the_still_is_the_same_at_every_run():
    assert curvature_explorer(alt=ALT).still == curvature_explorer(alt=ALT).still
