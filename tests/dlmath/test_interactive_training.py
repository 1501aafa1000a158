"""The figures to move of the chapter on training, against NumPy on the same numbers."""

import json

import numpy as np
import pytest
from dlmath import activations
from dlmath.interactive import learning_rate_search, signals_by_depth
from dlmath.interactive._training import _expected, _signals
from dlmath.training import gradient_factor, variance_profile
from numpy.testing import assert_allclose
from scipy import stats
from test_interactive import run_js

ALT = "Histograms of five layers above one another, and two pictures with points along lines."
MODULUS = 2**31 - 1
RUN = "(() => { const { As, ...rest } = run(given.params, given.data);"
RUN += "return [rest, As.map((A) => [...A]), compute(given.params, given.data)]; })()"


def normals(draw, count):
    """Box and Muller's pairs from powers of Lehmer's multiplier, the first ten left out."""
    powers = [7919 * draw * pow(48271, k, MODULUS) % MODULUS for k in range(11, 12 + count)]
    uniform = np.array(powers[: count + count % 2]) / MODULUS
    z = np.sqrt(-2 * np.log(uniform[::2])) * np.exp(2j * np.pi * uniform[1::2])
    return np.column_stack([z.real, z.imag]).ravel()[:count]


def network(name, depth, width, scale, draw, samples=16):
    """Give the activations, and the Jacobian product, by torch-free matrix algebra."""
    numbers = normals(draw, 2 * samples * width + depth * width**2)
    A = numbers[: samples * width].reshape(samples, width)
    start = numbers[samples * width : 2 * samples * width].reshape(samples, width)
    Ws = numbers[2 * samples * width :].reshape(depth, width, width) * (scale / width) ** 0.5
    sigma = activations.get(name)
    As, jacobians = [A], [[np.eye(width)] * samples]
    for W in Ws:
        Z = As[-1] @ W
        As.append(sigma(Z))
        jacobians.append([np.diag(sigma.derivative(z)) @ W.T for z in Z])
    G, gradients = start, [start]
    for layer in jacobians[:0:-1]:
        G = np.array([g @ J for g, J in zip(G, layer, strict=True)])
        gradients.append(G)
    return As, [A @ W for A, W in zip(As[:-1], Ws, strict=True)], gradients[::-1]


@pytest.mark.parametrize(
    ("name", "depth", "width", "scale", "draw"),
    [
        ("tanh", 6, 24, 1.3, 1),
        ("relu", 9, 32, 2.0, 2),
        ("sigmoid", 4, 16, 4.0, 3),
        ("identity", 12, 8, 0.4, 1),
    ],
)
def test_signals_are_those_of_the_network(name, depth, width, scale, draw):
    widget = signals_by_depth(alt=ALT)
    params = {"activation": name, "depth": depth, "width": width, "scale": scale, "draw": draw}
    rest, flat, picture = run_js(
        "models/signal-depth.js", RUN, {"params": params, "data": widget.data}
    )
    As, Zs, gradients = network(name, depth, width, scale, draw)
    for ours, theirs in zip(As, flat, strict=True):
        assert_allclose(theirs, ours.ravel(), rtol=1e-9, atol=1e-12)
    forwards = [np.mean(Z**2) for Z in Zs]
    backwards = [np.mean(G**2) for G in gradients]
    assert_allclose(rest["measured"]["q"], forwards, rtol=1e-9)
    assert_allclose(rest["measured"]["gradients"], backwards, rtol=1e-9)

    q = variance_profile(name, depth, scale * np.mean(As[0] ** 2), weights=scale)
    assert_allclose(rest["expected"]["q"], q, rtol=1e-6)
    expected = [backwards[-1]]
    for value in q[::-1]:
        expected.insert(0, expected[0] * gradient_factor(name, value, weights=scale))
    assert_allclose(rest["expected"]["gradients"], expected, rtol=1e-6)

    _, forward_panel, backward_panel = picture["panels"]
    assert_allclose(forward_panel["series"][1]["y"], forwards, rtol=1e-9)
    assert_allclose(backward_panel["series"][0]["y"], expected, rtol=1e-6)
    for panel in (forward_panel, backward_panel):
        low, high = panel["ylim"]
        assert all(low < v < high for s in panel["series"][:2] for v in s["y"])


def test_the_histogram_of_the_last_layer_is_numpys():
    widget = signals_by_depth(alt=ALT)
    params = {"activation": "tanh", "depth": 5, "width": 40, "scale": 1.5, "draw": 2}
    shares = run_js(
        "models/signal-depth.js",
        "histogram(run(given.params, given.data).As[5], [-1, 1], true)",
        {"params": params, "data": widget.data},
    )
    last = network("tanh", 5, 40, 1.5, 2)[0][-1]
    counts, _ = np.histogram(last, np.linspace(-1, 1, 41))
    assert_allclose(shares, counts / last.size, atol=1e-12)


def test_the_still_shows_the_same_network():
    As, forwards, backwards = _signals("tanh", 6, 24, 1.3, 1)
    ours, Zs, gradients = network("tanh", 6, 24, 1.3, 1)
    assert_allclose(As[-1], ours[-1], rtol=1e-10)
    assert_allclose(forwards, [np.mean(Z**2) for Z in Zs], rtol=1e-10)
    assert_allclose(backwards, [np.mean(G**2) for G in gradients], rtol=1e-10)
    q, expected = _expected("relu", 3, 2.0, 0.7, 2.0)
    assert_allclose(q, 1.4, rtol=1e-10)
    assert_allclose(expected, 2.0, rtol=1e-10)


def test_the_numbers_are_normal():
    drawn = np.array([normals(draw, 2000) for draw in range(1, 10)])
    assert stats.kstest(drawn.ravel(), "norm").pvalue > 0.01
    assert np.abs(np.corrcoef(drawn) - np.eye(9)).max() < 0.1


SEARCH = "[search(given.params, given.data), compute(given.params, given.data)]"


@pytest.mark.parametrize(("condition", "k", "ramp"), [(100, 30, 100), (1, 5, 40), (3000, 400, 60)])
def test_the_search_is_gradient_descent(condition, k, ramp):
    widget = learning_rate_search(alt=ALT)
    params = {"condition": condition, "k": k, "ramp": ramp}
    found, picture = run_js(
        "models/learning-rate.js", SEARCH, {"params": params, "data": widget.data}
    )
    rng = np.random.default_rng(0)
    h = np.geomspace(10 / condition, 10, 24)
    Q = np.linalg.qr(rng.normal(size=(24, 24)))[0]
    hessian = Q @ np.diag(h) @ Q.T
    start = Q @ (1 / np.sqrt(h))

    def cost(theta):
        return theta @ hessian @ theta / 24

    for i in (0, 60, found["best"]):
        theta = start.copy()
        for _ in range(k):
            theta = theta - found["etas"][i] * hessian @ theta
        assert_allclose(found["costs"][i], cost(theta), rtol=1e-6, atol=1e-12)
    theta, costs = start.copy(), []
    for eta in np.geomspace(1e-3, 10, ramp):
        costs.append(cost(theta))
        theta = theta - eta * hessian @ theta
    # Beyond the limit rounding grows, and in rotated coordinates it is not the same.
    stable = np.geomspace(1e-3, 10, ramp) < 0.2
    ours = np.array(found["test"]["costs"], dtype=float)
    assert_allclose(ours[stable], np.array(costs)[stable], rtol=1e-6, atol=1e-12)
    assert_allclose(found["limit"], 2 / np.linalg.eigvalsh(hessian)[-1])
    assert_allclose(found["ideal"], 2 / (np.linalg.eigvalsh(hessian)[[0, -1]].sum()))
    assert found["best"] == np.nanargmin(np.array(found["costs"], dtype=float))
    curve = picture["panels"][0]["series"][2]
    assert_allclose(curve["y"][10], found["costs"][10])


def test_data_of_the_pages_stay_small():
    for figure in (signals_by_depth(alt=ALT), learning_rate_search(alt=ALT)):
        assert len(json.dumps(figure.data)) < 1000


@pytest.mark.parametrize(
    ("make", "change", "message"),
    [
        (signals_by_depth, {"activation": "relu6"}, "activation must be one of tanh, relu"),
        (signals_by_depth, {"depth": 1}, "depth must be an integer from 2 to 30"),
        (signals_by_depth, {"width": 12.5}, "width must be an integer from 8 to 128"),
        (signals_by_depth, {"scale": 20.0}, "scale must lie between 0.1 and 16, got 20"),
        (signals_by_depth, {"scale": np.nan}, "scale contains NaN"),
        (signals_by_depth, {"alt": "Points."}, "alt must say what is seen"),
        (learning_rate_search, {"condition": 0.5}, "condition must lie between 1 and 10000"),
        (learning_rate_search, {"k": 0}, "k must be an integer from 1 to 1000"),
        (learning_rate_search, {"ramp": 10}, "ramp must be an integer from 20 to 1000"),
        (learning_rate_search, {"alt": "Curves."}, "alt must say what is seen"),
    ],
)
def test_bad_input_is_named(make, change, message):
    with pytest.raises(ValueError, match=message):
        make(**{"alt": ALT, **change})


@pytest.mark.parametrize("make", [signals_by_depth, learning_rate_search])
def test_stills_are_the_same_at_every_run(make):
    assert make(alt=ALT).still == make(alt=ALT).still
    assert make(alt=ALT).still.count("<svg") == 1
