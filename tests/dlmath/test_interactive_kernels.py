"""The figures to move of the chapter on kernels, against NumPy on the same numbers."""

import json

import numpy as np
import pytest
from dlmath.interactive import gaussian_process_explorer, process_samples
from dlmath.interactive._kernels import KERNELS
from dlmath.interactive._random import lehmer_normals
from dlmath.kernels import RBF, Constant, GaussianProcess, White
from numpy.testing import assert_allclose
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process import kernels as theirs
from test_interactive import run_js

ALT = "Nine points with a curve through them and a band that widens where there are no points."
ORDERS = {"Matérn 5/2": 2.5, "Matérn 3/2": 1.5, "Matérn 1/2": 0.5}
MODEL = "models/gaussian-process.js"


@pytest.fixture
def points():
    rng = np.random.default_rng(4)
    x = np.sort(rng.uniform(0, 6, 9))
    return x, np.sin(2 * x) + 0.2 * rng.normal(size=9)


def explorer(points, **more):
    given = {
        "length": 0.8,
        "noise": 0.3,
        "amplitude": 1.2,
        "lengths": (0.1, 10),
        "noises": (0.03, 3),
        "amplitudes": (0.1, 10),
    }
    return gaussian_process_explorer(*points, alt=ALT, **(given | more))


def sklearns(points, params):
    """Fit scikit-learn's process, with the kernel and numbers of the figure."""
    name = params["kernel"]
    length = params["length"]
    kernel = theirs.RBF(length) if name == "RBF" else theirs.Matern(length, nu=ORDERS[name])
    model = GaussianProcessRegressor(
        theirs.ConstantKernel(params["amplitude"] ** 2) * kernel,
        alpha=params["noise"] ** 2,
        optimizer=None,
    )
    return model.fit(points[0][:, None], points[1])


@pytest.mark.parametrize("name", KERNELS)
def test_the_process_is_sklearns(points, name):
    x, y = points
    params = {"kernel": name, "length": 0.7, "noise": 0.2, "amplitude": 1.3}
    at = np.linspace(-1, 8, 23)
    given = {"x": x.tolist(), "y": y.tolist(), "at": at.tolist(), "params": params}
    found = run_js(
        MODEL,
        """(() => {
        const g = gaussianProcess(given.x, given.y, given.params);
        const at = predictions(given.at, given.x, given.params, g);
        return { g, at, left: leaveOneOut(given.y, g) }; })()""",
        given,
    )
    model = sklearns(points, params)
    mean, sd = model.predict(at[:, None], return_std=True)
    assert_allclose([p["mean"] for p in found["at"]], mean, rtol=1e-9, atol=1e-10)
    assert_allclose([p["sd"] for p in found["at"]], sd, rtol=1e-7, atol=1e-8)
    assert_allclose(found["g"]["evidence"], model.log_marginal_likelihood_value_, rtol=1e-11)
    K = model.kernel_(x[:, None]) + 0.04 * np.eye(9)
    assert_allclose(found["g"]["volume"], -np.linalg.slogdet(K)[1] / 2, rtol=1e-11)
    assert_allclose(found["g"]["fit"], -y @ np.linalg.solve(K, y) / 2, rtol=1e-10)
    for i in range(9):
        rest = np.arange(9) != i
        part = sklearns((x[rest], y[rest]), params)
        m, s = part.predict(x[[i], None], return_std=True)
        assert_allclose(found["left"][i]["mean"], m[0], rtol=1e-9)
        assert_allclose(found["left"][i]["sd"], np.hypot(s[0], 0.2), rtol=1e-9)


def test_what_the_explorer_shows(points):
    figure = explorer(points)
    given = {"params": figure.params, "data": figure.data}
    picture = run_js(MODEL, "compute(given.params, given.data)", given)
    model = sklearns(points, figure.params)
    assert picture["readouts"][0][0] == "log marginal likelihood"
    shown = float(picture["readouts"][0][1].replace("−", "-"))
    assert_allclose(shown, model.log_marginal_likelihood_value_, rtol=5e-3)
    process, surface = picture["panels"]
    wide, narrow = (s for s in process["series"] if s["type"] == "band")
    at = np.array(wide["x"])
    mean, sd = model.predict(at[:, None], return_std=True)
    assert_allclose(narrow["high"], mean + 1.959964 * sd, rtol=1e-6, atol=1e-6)
    assert_allclose(wide["low"], mean - 1.959964 * np.hypot(sd, 0.3), rtol=1e-6, atol=1e-6)
    # On a line of the surface the likelihood lies by the same drop below the top of the grid.
    rings = [s for s in surface["series"] if s["type"] == "line"]
    values = []
    for ring in (rings[1], rings[3]):
        pairs = [(a, b) for a, b in zip(ring["x"], ring["y"], strict=True) if b is not None]
        assert len(pairs) > 20
        values.append(
            [
                sklearns(
                    points, figure.params | {"length": a, "noise": b}
                ).log_marginal_likelihood_value_
                for a, b in pairs[::7]
            ]
        )
    assert np.ptp(values[0]) < 0.1
    assert np.mean(values[0]) - np.mean(values[1]) == pytest.approx(3, abs=0.1)


def test_climbing_ends_where_the_search_of_the_book_does(points):
    figure = explorer(points)
    given = {"params": figure.params, "data": figure.data}
    found = run_js(MODEL, "climb(given.params, given.data)", given)
    x, y = points
    kernel = Constant(1.2**2, None) * RBF(0.8, (0.1, 10)) + White(0.09, (0.03**2, 9.0))
    model = GaussianProcess(kernel, noise=0).fit(x[:, None], y)
    end = sklearns(points, figure.params | found).log_marginal_likelihood_value_
    assert_allclose(end, model.log_marginal_likelihood_, atol=1e-4)
    assert_allclose(found["length"], model.kernel_.left.right.length, rtol=0.02)


def test_paths_of_the_prior_and_of_the_posterior(points):
    x, y = points
    at = np.linspace(0, 6, 15)
    params = {"kernel": "Matérn 3/2", "length": 1.1, "noise": 0.2, "amplitude": 1.3}
    rng = np.random.default_rng(0)
    normals = rng.normal(size=(4000, 15 + 2 * 9))
    given = {
        "x": x.tolist(),
        "y": y.tolist(),
        "at": at.tolist(),
        "params": params,
        "z": normals.tolist(),
    }
    call = "samplePaths(given.at, {}, {}, given.params, given.z)"
    posterior = np.array(run_js(MODEL, call.format("given.x", "given.y"), given))
    model = sklearns(points, params)
    mean, covariance = model.predict(at[:, None], return_cov=True)
    assert_allclose(posterior.mean(axis=0), mean, atol=0.05)
    assert_allclose(np.cov(posterior.T), covariance, atol=0.06)
    prior = np.array(run_js(MODEL, call.format("[]", "[]"), given))
    K = model.kernel_(at[:, None])
    L = np.linalg.cholesky(K + 1e-8 * 1.3**2 * np.eye(15))
    assert_allclose(prior, normals[:, :15] @ L.T, rtol=1e-9, atol=1e-10)


def test_the_samples_are_drawn_from_the_numbers_of_the_still(points):
    x, y = points
    figure = process_samples(
        x[:4], y[:4], length=1.0, lengths=(0.2, 5), noise=0.1, xlim=(0, 6), alt=ALT
    )
    given = {"params": figure.params, "data": figure.data}
    picture = run_js("models/process-samples.js", "compute(given.params, given.data)", given)
    lines = [s for s in picture["panels"][0]["series"] if s["type"] == "line"]
    assert len(lines) == 4
    at = np.linspace(0, 6, 101)
    K = KERNELS["RBF"](1.0)(np.append(at, x[:4])[:, None])
    L = np.linalg.cholesky(K + 1e-8 * np.eye(105))
    normals = lehmer_normals(1000, 4 * 109).reshape(4, 109)
    for line, z in zip(lines, normals, strict=True):
        assert_allclose(line["y"], (L @ z[:105])[:101], rtol=1e-5, atol=1e-5)
    figure.params = figure.params | {"used": 3}
    given = {"params": figure.params, "data": figure.data}
    picture = run_js("models/process-samples.js", "compute(given.params, given.data)", given)
    band, *_ = picture["panels"][0]["series"]
    model = sklearns((x[:3], y[:3]), {**figure.params, "amplitude": 1.0, "noise": 0.1})
    mean, sd = model.predict(at[:, None], return_std=True)
    assert_allclose(band["high"], mean + 1.959964 * sd, rtol=1e-6, atol=1e-6)


def test_the_figures_are_small(points):
    assert len(json.dumps(explorer(points).data)) < 1000


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"kernel": "sinc"}, "kernel must be one of RBF"),
        ({"lengths": (1, 10)}, "lengths must be positive and contain 0.8"),
        ({"noises": (-1, 10)}, "noises must be positive"),
        ({"amplitudes": (3, 2)}, "amplitudes must increase"),
        ({"xlim": (3, 2)}, "xlim must increase"),
    ],
)
def test_bad_arguments_are_named(points, more, message):
    with pytest.raises(ValueError, match=message):
        explorer(points, **more)


def test_too_many_points_are_refused():
    many = np.arange(20.0)
    with pytest.raises(ValueError, match="number of points must be an integer from 2 to 15"):
        explorer((many, many))
    with pytest.raises(ValueError, match="noise must be positive"):
        process_samples([1.0], [1.0], length=1, lengths=(0.1, 2), noise=0, xlim=(0, 1), alt=ALT)
