"""The optimisers and schedules of the figures to move, against ``dlmath.optimizers``."""

import numpy as np
import pytest
from dlmath import optimizers
from numpy.testing import assert_allclose
from test_interactive import run_js

SOURCE = "models/optimizers.js"
SHAPES = [(3,), (5,)]
STEPS = 60
# The page's name, the settings there, the namesake here.
METHODS = {
    "gradient descent": ("gradient-descent", {}, optimizers.GradientDescent(0.03)),
    "momentum": ("momentum", {}, optimizers.Momentum(0.03)),
    "momentum 0.5": ("momentum", {"momentum": 0.5}, optimizers.Momentum(0.03, 0.5)),
    "Nesterov": ("nesterov", {"momentum": 0.8}, optimizers.Nesterov(0.03, 0.8)),
    "AdaGrad": ("adagrad", {}, optimizers.AdaGrad(0.03)),
    "RMSprop": ("rmsprop", {}, optimizers.RMSprop(0.03)),
    "RMSprop 0.9": ("rmsprop", {"rho": 0.9, "epsilon": 0.1}, optimizers.RMSprop(0.03, 0.9, 0.1)),
    "Adam": ("adam", {}, optimizers.Adam(0.03)),
    "Adam, other shares": (
        "adam",
        {"beta1": 0.5, "beta2": 0.9, "epsilon": 0.2},
        optimizers.Adam(0.03, 0.5, 0.9, 0.2),
    ),
    "Adam, not corrected": (
        "adam",
        {"biasCorrection": False},
        optimizers.Adam(0.03, bias_correction=False),
    ),
}
RUN = """(() => {
  const parameters = given.start.map((p) => Float64Array.from(p));
  const state = freshOptimizer(parameters), settings = { eta: 0.03, ...given.settings };
  return given.gradients.map((gradients) => {
    optimizerStep(given.method, settings, state, parameters, gradients);
    return parameters.map((p) => Array.from(p));
  });
})()"""


def in_the_page(method, settings, start, gradients):
    given = {
        "method": method,
        "settings": settings,
        "start": [p.tolist() for p in start],
        "gradients": [[g.tolist() for g in one] for one in gradients],
    }
    return [np.concatenate(one) for one in run_js(SOURCE, RUN, given)]


def in_the_library(optimizer, start, gradients):
    optimizer.reset()
    parameters = [p.copy() for p in start]
    path = []
    for one in gradients:
        optimizer.step(parameters, one)
        path.append(np.concatenate(parameters))
    return path


@pytest.fixture
def steps():
    """Two parameters, and gradients of changing size: some of them zero, some tiny."""
    rng = np.random.default_rng(4)
    start = [rng.standard_normal(shape) for shape in SHAPES]
    sizes = 10.0 ** rng.uniform(-9, 2, STEPS)
    gradients = [[size * rng.standard_normal(shape) for shape in SHAPES] for size in sizes]
    gradients[3] = [np.zeros(shape) for shape in SHAPES]
    return start, gradients


@pytest.mark.parametrize("name", METHODS)
def test_every_step_is_that_of_the_namesake(steps, name):
    method, settings, optimizer = METHODS[name]
    found, expected = in_the_page(method, settings, *steps), in_the_library(optimizer, *steps)
    # Rounding is relative to the size of the steps, of which the largest are a hundred times 0.03.
    assert_allclose(found, expected, rtol=1e-12, atol=1e-13 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("page", "here"),
    [
        ("momentum", "Nesterov"),
        ("Nesterov", "momentum"),
        ("RMSprop", "AdaGrad"),
        ("Adam", "Adam, not corrected"),
        ("Adam, not corrected", "Adam"),
        ("momentum 0.5", "momentum"),
        ("RMSprop 0.9", "RMSprop"),
        ("Adam, other shares", "Adam"),
    ],
)
def test_the_comparison_tells_methods_apart(steps, page, here):
    method, settings, _ = METHODS[page]
    found = in_the_page(method, settings, *steps)
    expected = in_the_library(METHODS[here][2], *steps)
    assert np.abs(np.subtract(found, expected)).max() > 1e-4 * np.abs(expected).max()


def test_the_epsilons_are_those_of_the_namesakes():
    """Seen only where gradients are as small as they are."""
    start, gradients = [np.ones(1)], [[np.array([1e-9])]] * 3
    for name in ("AdaGrad", "RMSprop", "Adam"):
        method, settings, optimizer = METHODS[name]
        expected = 1 - np.array(in_the_library(optimizer, start, gradients))
        found = 1 - np.array(in_the_page(method, settings, start, gradients))
        assert_allclose(found, expected, rtol=1e-9)
        other = in_the_page(method, {**settings, "epsilon": 1e-9}, start, gradients)
        assert not np.allclose(1 - np.array(other), expected, rtol=1e-2)


@pytest.mark.parametrize(
    ("page", "here"),
    [
        ("inverseDecay(0.3, 0.2)", optimizers.inverse_decay(0.3, 0.2)),
        ("cosineDecay(0.3, 30)", optimizers.cosine(0.3, 30)),
        ("warmUp(0.3, 10)", optimizers.warm_up(0.3, 10)),
        (
            "warmUp(cosineDecay(0.3, 40), 10)",
            optimizers.warm_up(optimizers.cosine(0.3, 40), 10),
        ),
    ],
)
def test_schedules_are_those_of_the_library(steps, page, here):
    # The optimiser asks for the rate with the number of the steps made before.
    start, gradients = steps
    given = {
        "method": "momentum",
        "settings": {},
        "start": [p.tolist() for p in start],
        "gradients": [[g.tolist() for g in one] for one in gradients],
    }
    program = f"[Array.from({{ length: 50 }}, (_, k) => ({page})(k)), {RUN}]"
    found, path = run_js(SOURCE, program.replace("eta: 0.03", f"eta: {page}"), given)
    assert_allclose(found, [here(k) for k in range(50)], rtol=1e-12, atol=1e-16)
    assert np.ptp(found) > 0.1
    path = [np.concatenate(one) for one in path]
    expected = in_the_library(optimizers.Momentum(here), start, gradients)
    assert_allclose(path, expected, rtol=1e-12, atol=1e-13 * np.abs(expected).max())
