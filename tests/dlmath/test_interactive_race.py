"""The race of the optimisers: the page's surfaces, methods and pictures, against Python's."""

import numpy as np
import pytest
from dlmath.interactive import optimizer_race
from dlmath.interactive._race import (
    LOOKS,
    RATES,
    SURFACES,
    _alpha_shares,
    _normals,
    run_race,
    score,
    surface_of,
)
from numpy.testing import assert_allclose
from scipy.optimize import rosen_der, rosen_hess
from test_interactive import run_js

SOURCE = "optimizerrace.js"
ALT = "Contours of a curved valley with trajectories that go down in it, and curves of their costs."
AT, SHARES, BEST = _alpha_shares()
NEURON = {"x": list(AT), "y": list(SHARES), "minimum": list(BEST)}
TURN = np.radians(25)


def neuron(x):
    z = np.multiply.outer(x[0], AT) + np.asarray(x[1])[..., np.newaxis]
    return np.mean((1 / (1 + np.exp(-z)) - np.array(SHARES)) ** 2, axis=-1)


# The costs once more, written to take complex numbers: their derivatives are then exact.
COSTS = {
    "quadratic": lambda x: (
        (np.cos(TURN) * x[0] + np.sin(TURN) * x[1]) ** 2 / 2
        + 30 * (np.cos(TURN) * x[1] - np.sin(TURN) * x[0]) ** 2 / 2
    ),
    "rosenbrock": lambda x: 100 * (x[1] - x[0] * x[0]) ** 2 + (1 - x[0]) ** 2,
    "himmelblau": lambda x: (x[0] * x[0] + x[1] - 11) ** 2 + (x[0] + x[1] * x[1] - 7) ** 2,
    "saddle": lambda x: x[0] ** 2 / 2 + x[1] ** 2 * (x[1] ** 2 - 2) / 4,
    "neuron": neuron,
}


def parameters(**change):
    given = {"surface": "rosenbrock", "methods": list(LOOKS), "rates": "common", "momentum": 0.8}
    given |= {"schedule": "constant", "noise": 0.0, "steps": 40, "kappa": 30.0, "angle": 25.0}
    given |= change
    made = surface_of(given)
    return {"eta": made.eta, "start": list(made.start)} | given


def numeric_gradient(cost, x):
    steps = 1e-30j * np.eye(2)
    return np.array([np.imag(cost(x + step)) / 1e-30 for step in steps])


@pytest.mark.parametrize("name", SURFACES)
def test_costs_gradients_and_hessians(name):
    rng = np.random.default_rng(5)
    surface = surface_of(parameters(surface=name))
    points = rng.uniform(surface.limits[::2], surface.limits[1::2], (30, 2))
    program = """given.points.map((x) => {
      const s = SURFACES[given.name].make({ kappa: 30, angle: 25 }, given.neuron);
      return [s.cost(x), s.gradient(x), s.hessian(x)]; })"""
    found = run_js(SOURCE, program, {"points": points.tolist(), "name": name, "neuron": NEURON})
    cost = COSTS[name]
    for x, (value, gradient, hessian) in zip(points, found, strict=True):
        assert_allclose(value, cost(x), rtol=1e-12, atol=1e-13)
        exact = numeric_gradient(cost, x)
        size = np.abs(exact).max()
        assert_allclose(gradient, exact, rtol=1e-12, atol=1e-13 * size)
        assert not np.allclose(np.array(gradient)[::-1], exact, rtol=1e-6, atol=1e-9 * size)
        assert_allclose(surface.gradient(x), exact, rtol=1e-12, atol=1e-13 * size)
        bent = [
            (numeric_gradient(cost, x + step) - numeric_gradient(cost, x - step)) / 2e-5
            for step in 1e-5 * np.eye(2)
        ]
        assert_allclose(hessian, bent, rtol=1e-6, atol=1e-7 * np.abs(bent).max())
        assert_allclose(hessian, surface.hessian(x), rtol=1e-12, atol=1e-13 * np.abs(bent).max())
        if name == "rosenbrock":
            assert_allclose(gradient, rosen_der(x), rtol=1e-12, atol=1e-13 * size)
            assert_allclose(hessian, rosen_hess(x), rtol=1e-12)


@pytest.mark.parametrize("name", SURFACES)
def test_page_and_picture_know_the_same_of_a_surface(name):
    surface = surface_of(parameters(surface=name))
    program = "SURFACES[given.name].make({ kappa: 30, angle: 25 }, given.neuron)"
    found = run_js(SOURCE, program, {"name": name, "neuron": NEURON})
    assert_allclose(found["start"], surface.start, rtol=1e-14)
    assert_allclose([*found["xlim"], *found["ylim"]], surface.limits)
    for key in ("least", "minima", "eta", "noise", "soft"):
        assert_allclose(found[key], getattr(surface, key), rtol=1e-12)
    for place in surface.minima:
        place = np.array(place)
        assert_allclose(surface.cost(place), surface.least, atol=1e-10)
        # Newton's step from there is what was rounded off.
        step = np.linalg.solve(surface.hessian(place), surface.gradient(place))
        assert np.abs(step).max() < 1e-6
        assert np.linalg.eigvalsh(surface.hessian(place)).min() > 0
    x0, x1, y0, y1 = surface.limits
    grid = np.meshgrid(np.linspace(x0, x1, 201), np.linspace(y0, y1, 201))
    assert np.min(surface.cost(np.array(grid))) >= surface.least - 1e-12


def test_shares_of_alpha_emitters_are_physics():
    """Below A = 100 no nuclide gains energy by emitting an alpha particle, above 210 all do."""
    at, shares = 100 * np.array(AT), np.array(SHARES)
    assert np.all(shares[at < 100] == 0)
    assert np.all(shares[at > 210] == 1)
    assert 140 < -100 * BEST[1] / BEST[0] < 150 - 5


RACE = """(() => {
  const p = given.params, surface = SURFACES[p.surface].make(p, given.neuron);
  const settings = { ...p, noise: p.noise * surface.noise, draws: raceNoise(p.steps, 1) };
  return raceAll(p.methods, surface, p.start, settings, p.rates === "best"); })()"""


def race_in_the_page(params):
    return run_js(SOURCE, RACE, {"params": params, "neuron": NEURON})


@pytest.mark.parametrize(
    "change",
    [
        {"surface": "quadratic"},
        {"surface": "rosenbrock", "eta": 5e-4},
        {"surface": "himmelblau", "schedule": "cosine"},
        {"surface": "saddle", "noise": 0.5, "schedule": "inverse"},
        {"surface": "neuron", "schedule": "warm-up"},
        {"surface": "rosenbrock", "eta": 0.02},
        {"surface": "quadratic", "eta": 0.08, "steps": 300},
    ],
    ids=lambda change: " ".join(map(str, change.values())),
)
def test_every_race_is_that_of_the_library(change):
    params = parameters(**change)
    expected = run_race(params)
    for found in race_in_the_page(params):
        run = expected[found["method"]]
        assert found["diverged"] == run.diverged
        scale = np.abs(run.path).max()
        assert_allclose(found["path"], run.path, rtol=1e-9, atol=1e-11 * scale)
        assert_allclose(found["costs"], run.costs, rtol=1e-7, atol=1e-12 * run.costs.max())
    if change.get("eta", 0) > 0.01:
        assert expected["gradient-descent"].diverged
        return
    # Another momentum, and another rate, give other races.
    for other in ({"momentum": 0.81}, {"eta": 1.01 * params["eta"]}):
        (found,) = race_in_the_page(params | other | {"methods": ["momentum"]})
        assert not np.allclose(found["path"], expected["momentum"].path, rtol=1e-5, atol=0)


@pytest.mark.parametrize("name", ["quadratic", "rosenbrock", "neuron"])
def test_each_method_is_given_its_best_rate(name):
    params = parameters(surface=name, rates="best", steps=60)
    runs = race_in_the_page(params)
    expected = run_race(params)
    for found in runs:
        run = expected[found["method"]]
        assert_allclose(found["eta"], run.eta, rtol=1e-12)
        assert_allclose(found["costs"][-1], run.costs[-1], rtol=1e-6, atol=1e-14)
        if found["method"] == "newton":
            continue
        # No rate of the list ends lower.
        common = [
            run_race(params | {"rates": "common", "eta": eta, "methods": [found["method"]]})
            for eta in RATES
        ]
        assert score(run) <= min(score(*other.values()) for other in common) * (1 + 1e-12)


def test_scores_prefer_what_is_low_then_what_is_fast():
    costs = [[1.0] * 18 + [3.0, 5.0], [1.0, 0.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0]]
    runs = [{"costs": one, "diverged": None} for one in costs]
    runs.append({"costs": [1.0, 0.5], "diverged": 2})
    runs.append({"costs": [1.0, 101.0, 0.0], "diverged": None})
    found = run_js(SOURCE, "given.map((run) => [raceScore(run), 1 / raceScore(run)])", runs)
    assert_allclose(found[0][0], 4)
    assert found[1][0] < found[2][0] < 1e-14
    assert found[3][1] == found[4][1] == 0
    program = "given.slice(0, 4)"
    ranked = run_js(SOURCE, f"standings({program}, 1).map((run) => run.costs)", runs)
    assert ranked == [costs[1], [1.0, 0.5], costs[0], costs[2]]
    assert run_js(SOURCE, f"standings({program}, 2).at(-1).costs", runs) == [1.0, 0.5]


def test_on_the_saddle_everything_rests_until_there_is_noise():
    params = parameters(surface="saddle", start=[0, 0], steps=100, eta=0.1)
    for run in race_in_the_page(params):
        assert run["costs"] == [0.25] * 101
    for run in race_in_the_page(params | {"noise": 0.5}):
        # Newton's method goes to the saddle and stays by it; all others leave it.
        assert (run["costs"][-1] > 0.2) == (run["method"] == "newton"), run["method"]


def test_turning_axes_and_start_changes_only_methods_that_know_axes():
    start = run_js(SOURCE, "turned([2, 2], 35)", None)
    assert_allclose(start, surface_of(parameters(surface="quadratic", angle=35)).start, rtol=1e-14)
    straight = parameters(surface="quadratic", angle=0, steps=60, eta=0.02)
    before, after = (
        {run["method"]: run["costs"] for run in race_in_the_page(params)}
        for params in (straight, straight | {"angle": 35, "start": start})
    )
    for method in LOOKS:
        alike = np.allclose(before[method], after[method], rtol=1e-9, atol=1e-12)
        assert alike == (method in ("gradient-descent", "momentum", "nesterov", "newton")), method


def test_noise_is_normal_and_the_same_for_all():
    found = np.array(run_js(SOURCE, "raceNoise(4000, 1)", None))
    assert_allclose(found, _normals(4000), rtol=1e-9, atol=1e-12)
    assert abs(found.mean()) < 4 / np.sqrt(found.size)
    assert abs(found.var() - 1) < 4 * np.sqrt(2 / found.size)
    assert abs(np.mean(found[:, 0] * found[:, 1])) < 4 / np.sqrt(4000)
    assert run_js(SOURCE, "raceNoise(3, 2)", None) != found[:3].tolist()


def test_labels_keep_their_distance():
    found = run_js(SOURCE, "given.map((ys) => spreadLabels(ys, 14, 8, 100))", [[50, 51, 49, 200]])
    at = np.array(found[0])
    assert np.diff(np.sort(at)).min() >= 14
    assert np.array_equal(np.argsort(at), [2, 0, 1, 3])
    assert at.max() <= 100
    found = run_js(SOURCE, "[[20, 60], [3, 5, 4]].map((ys) => spreadLabels(ys, 14, 8, 100))", None)
    assert found == [[20, 60], [8, 36, 22]]


def test_the_box_is_widened_to_the_shape_of_the_panel():
    box = run_js(SOURCE, "widenedBox([-2, 2], [0, 2], 300, 300)", None)
    assert box == {"xlim": [-2, 2], "ylim": [-1, 3]}
    box = run_js(SOURCE, "widenedBox([-2, 2], [0, 2], 800, 200)", None)
    assert box == {"xlim": [-4, 4], "ylim": [0, 2]}


def test_a_contour_is_as_wide_as_a_pixel():
    """Full on the line, half at half a pixel from it, nothing where lines would touch."""
    cover = run_js(SOURCE, "given.map(([h, s]) => lineCover(h, s, 1, 3))", [[3, 0.1], [3.05, 0.1]])
    assert_allclose(cover, [1, 0.5], rtol=1e-12)
    assert run_js(SOURCE, "[lineCover(3.3, 0.1, 1, 3), lineCover(3, 0.5, 1, 3)]", None) == [0, 0]


def test_panels_show_the_race_up_to_a_step():
    runs = race_in_the_page(parameters(eta=0.02, methods=["gradient-descent", "rmsprop", "adam"]))
    lost = runs[0]["diverged"]
    assert lost < 20
    program = "[racePanel(given, 25, 40, 300), trajectorySeries(given, 25), raceMessage(given, 25)]"
    panel, trajectories, message = run_js(SOURCE, program, runs)
    lines = [one for one in panel["series"] if one["type"] == "line"]
    assert [len(line["y"]) for line in lines] == [lost, 26, 26]
    low, high = panel["ylim"]
    for line, run in zip(lines, runs, strict=True):
        assert_allclose(line["y"], np.maximum(run["costs"][:26], low / 10))
    assert low <= min(runs[2]["costs"]) < high
    names = [one["text"] for one in panel["series"] if one["type"] == "text"]
    assert names == ["GD, diverged", "RMSprop", "Adam"]
    heads = [one for one in trajectories if one.get("r") == 5]
    assert_allclose(
        [[*head["x"], *head["y"]] for head in heads[1:]], [r["path"][25] for r in runs[1:]]
    )
    assert [head["hollow"] for head in heads] == [False, True, False]
    best = min(runs[1:], key=lambda run: run["costs"][25])
    assert message.startswith(f"Step 25: lowest now {LOOKS[best['method']][2]}, ")
    assert message.endswith(f"; gradient descent, η = 0.020 diverged at step {lost}.")
    early = run_js(SOURCE, "raceMessage(given, 1)", runs)
    assert "diverged" not in early
    after = run_js(SOURCE, "standings(given, 25)", runs)
    assert [run["method"] for run in after][::2] == [best["method"], "gradient-descent"]


def test_a_race_without_methods_is_drawn():
    panel, message, numbers = run_js(
        SOURCE, "[racePanel([], 5, 40, 300), raceMessage([], 5), raceNumbers([], 5)]", None
    )
    assert panel["series"] == []
    assert message == "Step 5: lowest now none."
    assert numbers == [["lowest now", "none"]]


def test_names_and_lines_are_those_of_the_picture():
    racers = run_js(SOURCE, "RACERS", None)
    assert list(racers) == list(LOOKS)
    for name, (color, style, short) in LOOKS.items():
        page = "C5" if racers[name]["color"] == "ink" else f"C{racers[name]['color'] - 1}"
        assert (page, short) == (color, racers[name]["short"])
        assert ("dash" in racers[name]) == (style == "--")
    assert len({(color, style) for color, style, _ in LOOKS.values()}) == len(LOOKS)


def test_the_figure_holds_the_state_of_its_arguments():
    figure = optimizer_race("saddle", methods=["adam", "momentum"], noise=0.5, steps=20, alt=ALT)
    assert figure.params["methods"] == ["momentum", "adam"]
    assert figure.params["start"] == [1.5, 0.001]
    assert figure.params["eta"] == 0.1
    assert "<svg" in figure.still
    assert (
        figure.still
        == optimizer_race(
            "saddle", methods=["momentum", "adam"], noise=0.5, steps=20, alt=ALT
        ).still
    )


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"surface": "valley"}, "surface must be one of .*quadratic"),
        ({"methods": ["sgd"]}, "methods must be one of .*gradient-descent"),
        ({"methods": []}, "methods must be a list"),
        ({"methods": "adam"}, "methods must be a list"),
        ({"rates": "all"}, "rates must be one of"),
        ({"schedule": "linear"}, "schedule must be one of"),
        ({"eta": 0}, "eta must be from 0.0001 to 10"),
        ({"eta": np.nan}, "eta contains NaN"),
        ({"momentum": 1}, "momentum must be from 0 to 0.99"),
        ({"noise": -0.1}, "noise must be from 0 to 1"),
        ({"kappa": 0.5}, "kappa must be from 1 to 1000"),
        ({"angle": 91}, "angle must be from 0 to 90"),
        ({"steps": 5}, "steps must be an integer from 10"),
        ({"start": [0, 9]}, "start must lie in the picture"),
        ({"start": [0]}, "start must have 2 entries"),
        ({"alt": "points"}, "alt must say"),
        ({"height": (10, 10)}, "height"),
    ],
)
def test_bad_input_is_refused(wrong, words):
    given = {"methods": ["gradient-descent"], "rates": "common", "steps": 10, "alt": ALT}
    with pytest.raises(ValueError, match=words):
        optimizer_race(**(given | wrong))


def ends(**change):
    """Give the last excess of each method, as the page shows it."""
    runs = race_in_the_page(parameters(momentum=0.9, steps=200, kappa=100.0, **change))
    return {run["method"]: run["costs"][-1] if run["diverged"] is None else None for run in runs}


def test_on_the_plateau_only_methods_with_units_of_their_own_move():
    found = ends(surface="neuron", start=[-5, -12], rates="best")
    for method in ("gradient-descent", "momentum", "nesterov"):
        assert_allclose(found[method], 0.45, atol=0.005)
    assert max(found[method] for method in ("adagrad", "rmsprop", "adam")) < 1e-4


def test_a_rotation_takes_from_adagrad_and_rmsprop_what_they_had():
    straight, slanted = (
        ends(surface="quadratic", angle=angle, rates="best") for angle in (0.0, 45.0)
    )
    for method in ("gradient-descent", "momentum", "nesterov"):
        assert_allclose(straight[method], slanted[method], rtol=1e-6, atol=1e-13)
    for method in ("adagrad", "rmsprop"):
        assert straight[method] < 1e-14
        assert slanted[method] > 1e-4


def test_no_method_leaves_the_ridge_of_the_saddle_and_newton_goes_to_it():
    found = ends(surface="saddle", start=[1.5, 0], eta=0.1)
    assert_allclose(list(found.values()), 0.25, atol=0.002)
    found = ends(surface="saddle", start=[1.5, 0.001], eta=0.1)
    assert found.pop("newton") == pytest.approx(0.25)
    assert max(found.values()) < 0.01
    runs = race_in_the_page(parameters(momentum=0.9, surface="saddle", eta=0.1, steps=100))
    first = {run["method"]: int(np.argmax(np.array(run["costs"]) < 0.1)) for run in runs}
    assert [first[name] for name in ("gradient-descent", "adam", "rmsprop")] == [70, 12, 3]


def test_each_method_has_its_own_limit_of_the_rate():
    """2/L, 2 (1 + beta)/L and 2 (1 + beta)/((1 + 2 beta) L), a tenth below and above."""
    limits = {"gradient-descent": 0.02, "momentum": 0.038, "nesterov": 0.038 / 2.8}
    for method, limit in limits.items():
        few = {"surface": "quadratic", "methods": [method], "angle": 0.0}
        assert ends(eta=0.9 * limit, **few)[method] < 1
        last = ends(eta=1.1 * limit, **few)[method]
        assert last is None or last > 1e3
