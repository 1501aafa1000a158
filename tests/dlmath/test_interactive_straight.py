"""The figures to move of the chapter on flow matching, against NumPy, SciPy and torch."""

import numpy as np
import pytest
from dlmath.densities import GaussianMixture, eight_gaussians
from dlmath.diffusion import NoisyMixture, StraightSchedule, exact_velocity, follow
from dlmath.interactive import correlated_lines, euler_in_the_plane, straightened_flow
from numpy.testing import assert_allclose
from scipy import stats
from test_interactive import run_js

ALT = "Lines from starts on the left to ends on the right, and points beside them in a panel."
LINES, FLOW, PLANE = (
    f"models/{name}.js" for name in ("correlated-lines", "straightened-flow", "euler-plane")
)
LEFT = 0.35
HUMPS = GaussianMixture([LEFT, 1 - LEFT], [[-1.3], [1.0]], 0.3**2)
DATA = {"means": [-1.3, 1.0], "sd": 0.3}


@pytest.mark.parametrize("rho", [-0.9, 0.0, 0.6])
def test_euler_factors_follow_the_regression_of_correlated_gaussians(rho):
    found = run_js(LINES, "eulerFactors(given.rho, given.n)", {"rho": rho, "n": 7})

    def velocity(x, t):
        line = np.array([1 - t, t])
        C = np.array([[1, rho], [rho, 1]])
        return np.array([-1, 1]) @ C @ line / (line @ C @ line) * x

    assert_allclose(found, follow(velocity, [[1.0]], 7, path=True).ravel(), rtol=1e-12)


def test_crossing_lines_are_right_after_one_step_and_odd_numbers():
    ends = [run_js(LINES, f"eulerFactors(-1, {n})", {})[-1] for n in (1, 2, 9, 10)]
    assert_allclose(ends, [-1, 0, -1, 0], atol=1e-12)


def test_spread_of_the_velocities_is_that_of_draws():
    rho = -0.4
    rng = np.random.default_rng(0)
    x0, noise = rng.standard_normal((2, 200_000))
    t = rng.uniform(size=200_000)
    x1 = rho * x0 + np.sqrt(1 - rho**2) * noise
    q = 1 - 2 * t * (1 - t) * (1 - rho)
    xt = (1 - t) * x0 + t * x1
    squares = (x1 - x0 + (1 - 2 * t) * (1 - rho) / q * xt) ** 2
    error = squares.std() / np.sqrt(squares.size)
    assert abs(run_js(LINES, "heat(given)", rho) - squares.mean()) < 4 * error
    assert run_js(LINES, "heat(-1)", {}) == 0


def test_laws_on_the_line_are_those_of_scipy():
    given = {
        "law": {"weights": [LEFT, 1 - LEFT], "means": DATA["means"], "variances": [0.09, 0.09]}
    }
    x = np.linspace(-3, 3, 13)
    given["x"], given["shares"] = x.tolist(), [0.01, 0.3, 0.77]
    cdf, density, quantile, normal = run_js(
        FLOW,
        "[given.x.map((x) => mixtureCdf(given.law, x)), "
        "given.x.map((x) => mixtureDensity(x, given.law)), "
        "given.shares.map((u) => mixtureQuantile(given.law, u)), "
        "given.shares.map(normalQuantile)]",
        given,
    )
    humps = stats.norm.cdf(x[:, None], DATA["means"], 0.3) @ [LEFT, 1 - LEFT]
    assert_allclose(cdf, humps, atol=1e-12)
    assert_allclose(density, np.exp(HUMPS.log_prob(x[:, None])), rtol=1e-12)
    back = stats.norm.cdf(np.array(quantile)[:, None], DATA["means"], 0.3) @ [LEFT, 1 - LEFT]
    assert_allclose(back, given["shares"], atol=1e-11)
    assert_allclose(normal, stats.norm.ppf(given["shares"]), atol=1e-9)


def test_velocity_on_the_line_is_that_of_dlmath():
    velocity = exact_velocity(NoisyMixture(HUMPS, StraightSchedule()))
    law = {"weights": [LEFT, 1 - LEFT], "means": DATA["means"], "variances": [0.09, 0.09]}
    x = np.linspace(-2.5, 2.5, 9)
    for t in (0.0, 0.4, 0.95):
        given = {"law": law, "x": x.tolist(), "t": t}
        found = run_js(FLOW, "given.x.map((x) => mixtureVelocity(given.law, x, given.t))", given)
        assert_allclose(found, velocity(x[:, None], t)[:, 0], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("steps", [1, 4, 13])
def test_walkers_of_random_pairs_are_eulers(steps):
    params = {"pairs": "independent", "steps": steps, "left": LEFT}
    found = run_js(
        FLOW, "walked(given[0], prepare(...given)).map((path) => path.at(-1))", [params, DATA]
    )
    velocity = exact_velocity(NoisyMixture(HUMPS, StraightSchedule()))
    starts = stats.norm.ppf((np.arange(240) + 0.5) / 240)[:, None]
    assert_allclose(found, follow(velocity, starts, steps)[:, 0], atol=1e-7)


@pytest.mark.parametrize("steps", [1, 4, 13])
def test_after_reflow_every_number_of_steps_ends_in_the_quantiles(steps):
    params = {"pairs": "after reflow", "steps": steps, "left": LEFT}
    made = "walked(given[0], prepare(...given)).map((path) => path.at(-1))"
    ends = np.array(run_js(FLOW, made, [params, DATA]))
    shares = stats.norm.cdf(ends[:, None], DATA["means"], 0.3) @ [LEFT, 1 - LEFT]
    assert_allclose(shares, (np.arange(240) + 0.5) / 240, atol=1e-9)


def test_the_flow_ends_in_the_quantiles_too():
    params = {"pairs": "independent", "steps": 1, "left": LEFT}
    made = "(() => { const m = prepare(...given); return [m.curves.map((c) => c.at(-1)), "
    curves, targets = run_js(FLOW, made + "m.shown.map((i) => m.targets[i])]; })()", [params, DATA])
    assert_allclose(curves, targets, atol=3e-3)


def test_histogram_has_the_area_one_and_energies_are_sums():
    values = stats.norm.ppf((np.arange(500) + 0.5) / 500).tolist()
    bars = run_js(FLOW, "outline(given)", values)
    area = np.trapezoid(bars["y"], bars["x"])
    assert_allclose(area, np.mean(np.abs(values) < 3), rtol=1e-12)
    params = {"pairs": "independent", "steps": 3, "left": LEFT}
    picture = run_js(FLOW, "compute(...given)", [params, DATA])
    mean_square = LEFT * 1.3**2 + (1 - LEFT) + 0.09
    assert dict(picture["readouts"])["energy of the pairs"] == f"{1 + mean_square:.3g}"
    picture = run_js(FLOW, "compute(...given)", [{**params, "pairs": "after reflow"}, DATA])
    assert dict(picture["readouts"])["distance W₁ of the ends from the data"] == "0"


LAW = eight_gaussians(1.4, 0.14)
PARAMS = {"pairs": "independent", "steps": 3, "start": [0.6, 0.3]}


@pytest.fixture
def figure(torch):
    from dlmath.generative import FlowMatching

    model = FlowMatching(network="dense", width=8, layers=2, frequencies=1, steps=2, seed=3)
    model.fit(eight_gaussians().sample(300))
    return model, euler_in_the_plane(model, LAW, alt=ALT)


def test_velocity_of_the_network_is_torchs(figure, torch):
    model, widget = figure
    network = model.network_.inner
    with torch.no_grad():
        for values in (*network.parameters(), network.directions):
            values.copy_(values.half().float())
    x = np.random.default_rng(0).normal(size=(9, 2))
    for t in (0.0, 0.37, 0.9):
        given = {"network": widget.data["network"], "x": x.tolist(), "t": t}
        made = "given.x.map(learnedVelocity(decodeVelocity(given.network), given.t))"
        found = run_js(PLANE, f"{made}.map((v) => [...v])", given)
        assert_allclose(found, model.velocity(x, t), atol=2e-5)


def test_exact_velocity_and_steps_in_the_plane_are_those_of_dlmath(figure):
    _, widget = figure
    velocity = exact_velocity(NoisyMixture(LAW, StraightSchedule()))
    x = np.random.default_rng(1).normal(size=(9, 2))
    given = {"data": {"means": LAW.means.tolist(), "sd": 0.14}, "x": x.tolist()}
    walk = "walkTogether((t) => exactVelocityAt(given.data, t), given.x, 5)"
    found = run_js(PLANE, walk, given)
    assert_allclose(np.swapaxes(found, 0, 1), follow(velocity, x, 5, path=True), atol=1e-10)
    picture = run_js(PLANE, "compute(...given)", [{**PARAMS, "steps": 1}, dict(widget.data)])
    ends = picture["panels"][1]["series"][8]
    assert_allclose([ends["x"], ends["y"]], 0, atol=1e-5)
    picture = run_js(
        PLANE, "compute(...given)", [{**PARAMS, "pairs": "after reflow"}, dict(widget.data)]
    )
    assert picture["readouts"][0] == ["evaluations for each sample", "3"]


def test_flow_of_the_readers_walker_and_its_detour_are_those_of_numpy(figure):
    _, widget = figure
    velocity = exact_velocity(NoisyMixture(LAW, StraightSchedule()))
    given = {"data": {"means": LAW.means.tolist(), "sd": 0.14}, "start": [0.4, -0.9]}
    walk = "flowOf((t) => exactVelocityAt(given.data, t), given.start)"
    found, share = run_js(PLANE, f"[{walk}, detour({walk})]", given)
    path = follow(velocity, [given["start"]], 60, method="midpoint", path=True)[:, 0]
    assert_allclose(found, path, atol=1e-10)
    length = np.linalg.norm(np.diff(path, axis=0), axis=1).sum()
    assert_allclose(share, length / np.linalg.norm(path[-1] - path[0]) - 1, rtol=1e-9)
    assert share > 0.01
    straight = [[0, 0], [0.5, 1], [1, 2]]
    assert_allclose(run_js(PLANE, "detour(given)", straight), 0, atol=1e-12)
    readouts = dict(run_js(PLANE, "compute(...given)", [PARAMS, dict(widget.data)])["readouts"])
    assert readouts["its flow is longer than the straight way by"].endswith(" %")


@pytest.mark.parametrize(
    ("make", "change", "message"),
    [
        (correlated_lines, {"rho": 1.1}, "rho must be a number from -1 to 1"),
        (correlated_lines, {"steps": 0}, "steps must be an integer from 1 to 20"),
        (correlated_lines, {"alt": "Lines."}, "alt must say what is seen"),
        (straightened_flow, {"pairs": "optimal"}, "pairs must be one of independent"),
        (straightened_flow, {"left": 1.0}, "left must be a number from 0.1 to 0.9"),
    ],
)
def test_wrong_arguments_are_refused(make, change, message):
    with pytest.raises(ValueError, match=message):
        make(**{"alt": ALT, **change})


def test_wrong_networks_and_laws_are_refused(figure):
    model, _ = figure
    skewed = GaussianMixture([0.2, 0.8], [[0.0, 0.0], [1.0, 0.0]], 0.1)
    for law, message in (
        (skewed, "law must have equal weights"),
        (GaussianMixture([1.0], [[0.0]], 1.0), "law must have two features"),
    ):
        with pytest.raises(ValueError, match=message):
            euler_in_the_plane(model, law, alt=ALT)
    with pytest.raises(ValueError, match="start must lie within"):
        euler_in_the_plane(model, LAW, start=(3.0, 0.0), alt=ALT)


def test_stills_are_drawn_for_both_kinds_of_pairs(figure):
    model, widget = figure
    for still in (
        widget.still,
        euler_in_the_plane(model, LAW, pairs="after reflow", alt=ALT).still,
        straightened_flow(pairs="after reflow", alt=ALT).still,
        correlated_lines(rho=0.5, steps=3, alt=ALT).still,
    ):
        assert still.startswith("<svg") or "<svg" in still
