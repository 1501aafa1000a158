"""The explorer of coverages against NumPy and SciPy on the same numbers."""

import numpy as np
import pytest
from dlmath.interactive import coverage_explorer
from dlmath.interactive._calibration import METHODS
from numpy.testing import assert_allclose
from scipy import stats
from test_interactive import run_js

ALT = "Three curves of measured against claimed coverage, and two staircases of scores beside them."


def some_results():
    """Make up two models and two tests; the second test has larger errors."""
    rng = np.random.default_rng(0)

    def part(factor, raw_ratio):
        sizes = {"calibration": 43, "edges": 57, "test": 31, "proper": 31}
        factors = {"calibration": 1.0, "edges": 2.0, "test": factor, "proper": factor}
        return {
            "judged": {},
            "scores": {
                kind: np.sort(factors[kind] * np.abs(rng.normal(size=n))).tolist()
                for kind, n in sizes.items()
            },
            "bars": {"test": 0.2 * factor, "proper": 0.3 * factor},
            "raw_ratio": raw_ratio,
        }

    return {
        "calibration": {
            "a + process": {"random 1": part(1, 1.0), "edges": part(3, 1.0)},
            "a + boosting": {"random 1": part(0.5, 0.2), "edges": part(1, 0.3)},
        }
    }


STATE = """METHODS.map((method) => given.levels.map((level) => {
  const { models } = given.data;
  return judge(models[given.model].splits[given.test], method, level);
}))"""


@pytest.mark.parametrize("model", ["a + process", "a + boosting"])
@pytest.mark.parametrize("test", ["random 1", "edges"])
def test_thresholds_and_coverages_are_those_of_numpy(model, test):
    results = some_results()
    widget = coverage_explorer(results, model=model, test=test, alt=ALT)
    levels = [0.02, 0.5, 0.68, 0.9, 0.95, 0.99]
    given = {"data": widget.data, "model": model, "test": test, "levels": levels}
    found = run_js("models/coverage.js", STATE, given)
    part = results["calibration"][model][test]
    for method, row in zip(METHODS, found, strict=True):
        random = method == "conformal, at random"
        scores = np.array(part["scores"]["proper" if random else "test"])
        bar = part["bars"]["proper" if random else "test"]
        for level, state in zip(levels, row, strict=True):
            if method == "own error bars":
                threshold = part["raw_ratio"] * stats.norm.ppf(0.5 + level / 2)
            else:
                held = np.sort(part["scores"]["calibration" if random else "edges"])
                rank = int(np.ceil(round(level * (len(held) + 1), 9)))
                threshold = held[rank - 1] if rank <= len(held) else np.inf
            if np.isinf(threshold):
                # JSON has no infinity.
                assert state["threshold"] is None
                assert state["coverage"] == 1
                continue
            assert_allclose(state["threshold"], threshold, rtol=1e-9)
            assert_allclose(state["coverage"], np.mean(scores <= threshold), atol=1e-12)
            assert_allclose(state["halfWidth"], threshold * bar, rtol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_the_curves_are_the_judgements(method):
    widget = coverage_explorer(some_results(), model="a + process", test="edges", alt=ALT)
    params = {"model": "a + process", "test": "edges", "method": method, "level": 0.8}
    given = {"params": params, "data": widget.data}
    picture, states = run_js(
        "models/coverage.js",
        "[compute(given.params, given.data), METHODS.map((m) => "
        "judge(given.data.models['a + process'].splits.edges, m, 0.8))]",
        given,
    )
    left, right = picture["panels"]
    curves = [s for s in left["series"] if s["type"] == "line"][2:]
    for curve, state in zip(curves, states, strict=True):
        at = np.argmin(np.abs(np.array(curve["x"]) - 0.8))
        assert_allclose(curve["y"][at], state["coverage"], atol=1e-12)
        assert np.all(np.diff(curve["y"]) >= 0)
    (point,) = [s for s in left["series"] if s["type"] == "points"]
    assert_allclose(point["y"], [states[METHODS.index(method)]["coverage"]])
    believed, test = [s for s in right["series"] if s["type"] == "line"][2:]
    assert_allclose([test["y"][0], test["y"][-1]], [0, 1])
    if method == "own error bars":
        z = np.array(believed["x"])
        assert_allclose(believed["y"], 2 * stats.norm.cdf(z) - 1, atol=1e-12)
    else:
        assert_allclose([believed["y"][0], believed["y"][-1]], [0, 1])


def test_bad_input_is_refused_by_name():
    results = some_results()
    for wrong, message in (
        ({"model": "none"}, "model must be one of"),
        ({"test": "since 1900", "model": "a + process"}, "test must be one of"),
        ({"method": "by hand", "model": "a + process", "test": "edges"}, "method must be one of"),
        ({"level": 1.0}, "level must lie between 0.5 and 0.99"),
    ):
        with pytest.raises(ValueError, match=message):
            coverage_explorer(results, alt=ALT, **wrong)


def test_the_still_is_drawn_for_each_method():
    for method in METHODS:
        for model in ("a + process", "a + boosting"):
            widget = coverage_explorer(
                some_results(), model=model, test="edges", method=method, alt=ALT
            )
            assert "<svg" in widget.still
