"""The figure to move of the chapter on flows, against torch on the same rounded weights."""

import json

import numpy as np
import pytest
from dlmath.interactive import flow_warp
from dlmath.interactive._flow import unwarp
from numpy.testing import assert_allclose
from scipy import stats
from test_interactive import run_js

ALT = "A grid that is stretched into a ring with eight knots, and eight circles filled with dots."
MEANS = [[2.0, 0.0], [0.0, 2.0], [-2.0, 0.0]]
MEAN, SCALE = np.array([0.1, -0.2]), np.array([1.4, 0.8])


def weights(seed=0, layers=4, width=5):
    rng = np.random.default_rng(seed)
    shapes = [(width, 1), (width, width), (2, width)]
    return [
        (k % 2, [(0.8 * rng.normal(size=s), 0.3 * rng.normal(size=s[0])) for s in shapes])
        for k in range(layers)
    ]


def half(values):
    return np.asarray(values).astype(np.float16).astype(float)


@pytest.fixture
def widget():
    return flow_warp(weights(), MEAN, SCALE, means=MEANS, sd=0.2, alt=ALT)


def encoded(torch, x):
    """Run the layers in torch, from the data to the base, and differentiate them."""

    def f(x):
        z = (x - torch.tensor(MEAN)) / torch.tensor(SCALE)
        for kept, network in weights():
            a = z[[kept]]
            for k, (W, b) in enumerate(network):
                a = torch.tensor(half(W)) @ a + torch.tensor(half(b))
                a = torch.nn.functional.silu(a) if k < 2 else a
            s = 3 * torch.tanh(a[0] / 3)
            moved = z[1 - kept] * torch.exp(s) + a[1]
            z = torch.stack([moved, z[1]] if kept else [z[0], moved])
        return z

    x = torch.tensor(x, dtype=torch.float64)
    J = torch.autograd.functional.jacobian(f, x)
    return f(x).numpy(), torch.linalg.slogdet(J)[1].item()


@pytest.mark.parametrize("x", [[0.3, -0.4], [2.0, 0.0], [-1.7, 2.9]])
def test_encodes_as_torch_does(torch, widget, x):
    found, picture = run_js(
        "models/flow-warp.js",
        "[encode(prepared(given.data).flow, given.params.x), compute(given.params, given.data)]",
        {"data": widget.data, "params": {"x": x, "layers": 2.5, "show": "samples"}},
    )
    z, log_det = encoded(torch, x)
    assert_allclose(found["z"], z, rtol=1e-6, atol=1e-7)
    assert_allclose(found["logDet"], log_det, rtol=1e-6, atol=1e-7)
    assert_allclose(found["logProb"], stats.norm.logpdf(z).sum() + log_det, rtol=1e-6)
    numbers = dict(picture["readouts"])
    assert float(numbers["= log p(x) of the flow"].replace("−", "-")) == pytest.approx(
        found["logProb"], rel=6e-3
    )
    truth = np.log(
        np.mean([stats.multivariate_normal(m, 0.04).pdf(x) for m in MEANS]) + np.finfo(float).tiny
    )
    assert float(numbers["log p(x) of the eight Gaussians"].replace("−", "-")) == pytest.approx(
        truth, rel=6e-3
    )


PATH = """(() => {
  const { flow } = prepared(given.data), path = stages(flow, given.z);
  return given.layers.map((layers) => at(flow, path, layers));
})()"""


def test_the_way_back_is_the_inverse_and_half_a_layer_is_a_layer(torch, widget):
    z = [0.6, -1.1]
    layers = [0, 0.5, 1, 3.25, 4, 4.5, 5]
    found = run_js("models/flow-warp.js", PATH, {"data": widget.data, "z": z, "layers": layers})
    x, log_det = unwarp(weights(), MEAN, SCALE, np.array([z]))
    assert_allclose(found[0]["point"], z)
    assert found[0]["logDet"] == 0
    assert_allclose(found[-1]["point"], x[0], rtol=1e-6)
    assert_allclose(found[-1]["logDet"], log_det[0], rtol=1e-6)
    back, inverse_log_det = encoded(torch, x[0])
    assert_allclose(back, z, rtol=1e-6)
    assert_allclose(inverse_log_det, -log_det[0], rtol=1e-6)

    # Any share of a layer keeps areas in account: differences of neighbours give its determinant.
    h = 1e-4
    for share, base in zip(layers, found, strict=True):
        ends = [
            run_js(
                "models/flow-warp.js",
                PATH,
                {"data": widget.data, "z": list(np.add(z, step)), "layers": [share]},
            )[0]["point"]
            for step in ([h, 0], [-h, 0], [0, h], [0, -h])
        ]
        J = np.array([np.subtract(*ends[:2]), np.subtract(*ends[2:])]).T / (2 * h)
        assert_allclose(np.linalg.slogdet(J)[1], base["logDet"], atol=1e-5)
        if share in (0.5, 4.5):
            break


@pytest.mark.parametrize("show", ["grid and circles", "samples"])
def test_draws_the_base_at_the_beginning_and_the_data_at_the_end(widget, show):
    given = {"data": widget.data, "params": {"x": [0.5, 0.5], "layers": 0, "show": show}}
    start = run_js("models/flow-warp.js", "compute(given.params, given.data)", given)
    given["params"]["layers"] = 5
    end = run_js("models/flow-warp.js", "compute(given.params, given.data)", given)
    assert start["panels"][0]["xlabel"] == "the base z"
    assert end["panels"][0]["xlabel"] == "the data x"
    first, last = (picture["panels"][0]["series"][0] for picture in (start, end))
    z = np.column_stack([first["x"], first["y"]])
    x, _ = unwarp(weights(), MEAN, SCALE, z)
    assert_allclose(np.column_stack([last["x"], last["y"]]), x, rtol=1e-5, atol=1e-6)
    if show == "samples":
        assert stats.kstest(z.ravel(), "norm").pvalue > 0.01
    else:
        assert_allclose(first["x"], np.full(121, -3))
    trail = end["panels"][0]["series"][-2]
    assert_allclose([trail["x"][-1], trail["y"][-1]], [0.5, 0.5], atol=1e-6)
    assert dict(start["readouts"])["here an area of the base is multiplied by"] == "1.00"


def test_stays_small(widget):
    full = flow_warp(weights(layers=8, width=32), MEAN, SCALE, means=MEANS, sd=0.2, alt=ALT)
    assert len(json.dumps(full.data)) < 30_000
    assert widget.still == flow_warp(weights(), MEAN, SCALE, means=MEANS, sd=0.2, alt=ALT).still


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layers": []}, "layers must not be empty"),
        ({"layers": [(2, weights()[0][1])]}, "layer 0 must keep variable 0 or 1, got 2"),
        ({"layers": [(0, weights()[0][1][:2])]}, "layer 0 must end with a scale and a shift"),
        ({"layers": [(0, weights()[0][1][1:])]}, "do not follow 1 inputs"),
        ({"mean": [0.0]}, "mean must have 2 entries"),
        ({"scale": [1.0, 0.0]}, "scale must be positive"),
        ({"means": [1.0, 2.0]}, "means must have the shape"),
        ({"sd": np.nan}, "sd contains NaN"),
        ({"x": (9.0, 0.0)}, "x must lie within"),
        ({"alt": "A grid."}, "alt must say what is seen"),
    ],
)
def test_bad_input_is_named(change, message):
    given = {"layers": weights(), "mean": MEAN, "scale": SCALE, "means": MEANS, "sd": 0.2}
    given = {**given, "alt": ALT, **change}
    with pytest.raises(ValueError, match=message):
        flow_warp(given.pop("layers"), given.pop("mean"), given.pop("scale"), **given)
