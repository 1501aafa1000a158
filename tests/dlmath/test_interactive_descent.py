"""The figure to move of the chapter on gradient descent, against NumPy on the same numbers."""

import json

import numpy as np
import pytest
from dlmath.interactive import quadratic_descent
from dlmath.optimizers import GradientDescent, exact_line_search, minimize
from numpy.testing import assert_allclose
from test_interactive import run_js

ALT = "A path that zigzags down the contours of a bowl, and its cost, a falling line."
CALL = "[walk(given.params, given.data.steps), compute(given.params, given.data)]"
START = [-1.1, 0.7]


def moved(**params):
    given = {"kappa": 10, "share": 1, "k": 12, "rule": "constant rate", "start": START} | params
    widget = quadratic_descent(alt=ALT)
    return run_js("models/quadratic-descent.js", CALL, {"params": given, "data": widget.data})


@pytest.mark.parametrize(("kappa", "share"), [(1, 0.3), (10, 1.0), (40, 1.9), (7, 2.1)])
def test_a_constant_rate_walks_as_dlmath_does(kappa, share):
    found, picture = moved(kappa=kappa, share=share)
    H = np.diag([1.0, kappa])
    path = minimize(lambda x: H @ x, START, GradientDescent(share / kappa), 100)
    assert_allclose(found["path"], path, rtol=1e-9, atol=1e-14)
    assert_allclose(found["costs"], np.sum(path**2 * [1, kappa], axis=1) / 2, rtol=1e-9)
    step = np.eye(2) - share / kappa * H
    assert_allclose(found["factor"], np.linalg.norm(step, 2), rtol=1e-12)
    assert_allclose(picture["panels"][1]["series"][-3]["y"], np.abs(np.diag(step)), atol=1e-12)
    relative = np.array(found["costs"]) / found["costs"][0]
    assert (relative <= found["factor"] ** (2 * np.arange(101)) * (1 + 1e-9)).all()
    drawn = picture["panels"][0]["series"][8]
    assert_allclose(np.transpose([drawn["x"], drawn["y"]]), path[:13], rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("kappa", [1.1, 25, 100])
def test_an_exact_search_walks_as_dlmath_does_and_its_worst_start_is_the_worst(kappa):
    found, _ = moved(kappa=kappa, rule="exact line search")
    path, rates = exact_line_search(np.diag([1.0, kappa]), START, 100)
    assert_allclose(found["path"][:40], path[:40], rtol=1e-7, atol=1e-12)
    assert_allclose(found["rates"][:8], rates[:8], rtol=1e-7)
    worst = run_js(
        "models/quadratic-descent.js",
        "actions.worst(given, given).start",
        {"kappa": kappa, "xlim": [-1.3, 1.3], "ylim": [-1, 1]},
    )
    assert max(worst) <= 1.3
    assert worst[1] <= 1
    found, _ = moved(kappa=kappa, rule="exact line search", start=worst)
    costs = np.array(found["costs"][:20])
    assert_allclose(costs[1:] / costs[:-1], ((kappa - 1) / (kappa + 1)) ** 2, rtol=1e-9)


def test_the_buttons_set_the_rates_of_the_text():
    safe, best = run_js(
        "models/quadratic-descent.js", "[actions.safe(given), actions.best(given)]", {"kappa": 9}
    )
    assert safe == {"share": 1}
    assert_allclose(best["share"] / 9, 2 / (1 + 9))


def pictures(cases):
    """Compute several pictures in one process."""
    base = {"kappa": 10, "share": 1, "k": 12, "rule": "constant rate", "start": START}
    given = {"cases": [base | case for case in cases], "data": quadratic_descent(alt=ALT).data}
    call = "given.cases.map((params) => compute(params, given.data))"
    return run_js("models/quadratic-descent.js", call, given)


def test_it_says_what_happens():
    said = {
        "no direction changes sides": {"share": 0.4},
        "directions with ν above 8.00 change sides": {"share": 1.25},
        "the steep direction jumps from side to side": {"share": 2},
        "the steep direction grows: beyond 2/L": {"share": 2.1},
        "each step ends where the slope along it is zero": {"rule": "exact line search"},
    }
    found = [dict(picture["readouts"])["what happens"] for picture in pictures(said.values())]
    assert found == list(said)


def test_nothing_is_drawn_that_is_not_a_number():
    cases = [
        {"rule": rule, **params}
        for rule in ("constant rate", "exact line search")
        for params in ({"k": 0}, {"start": [0, 0]}, {"k": 100, "share": 2.2})
    ]
    for picture in pictures(cases):
        assert "NaN" not in json.dumps(picture["readouts"])
        assert "–" not in dict(picture["readouts"])["cost after k steps, start = 1"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kappa": 0.5}, "kappa must lie between 1 and 100, got 0.5"),
        ({"share": 3}, "share must lie between 0.05 and 2.2, got 3"),
        ({"k": 101}, "k must be an integer from 0 to 100"),
        ({"start": [1.0]}, "start must have 2 entries"),
        ({"start": [2.0, 0.0]}, "start must begin between"),
        ({"rule": "newton"}, "rule must be one of constant rate, exact line search"),
        ({"alt": "A path."}, "alt must say what is seen"),
    ],
)
def test_bad_input_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        quadratic_descent(**({"alt": ALT} | change))


def test_the_still_is_the_same_at_every_run():
    assert quadratic_descent(alt=ALT).still == quadratic_descent(alt=ALT).still
