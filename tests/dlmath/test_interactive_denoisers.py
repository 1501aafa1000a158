"""Denoising networks and samplers in the page, against torch on the same rounded weights."""

import base64

import numpy as np
import pytest
from dlmath.interactive import DenoiserLive
from dlmath.interactive._base import float16_text
from dlmath.interactive._denoiser import _columns
from dlmath.weights import pack_weights
from numpy.testing import assert_allclose
from scipy.stats import kstest
from test_interactive import run_js

# Both compute in double precision with the weights that are shipped.
CLOSE = 1e-9
BEGIN = """(() => {
  const network = makeNetwork({ ...given.about, values: Float32Array.from(given.values) });
  const rows = (x) => Array.from({ length: x.length / network.n },
    (_, i) => Array.from(x.subarray(i * network.n, (i + 1) * network.n)));
  const x = Float64Array.from(given.x.flat()), options = { label: given.label, guidance: given.w };
"""


@pytest.fixture
def make(torch, tmp_path, monkeypatch):
    """Give a function that makes a model with random weights, and what its file packs."""
    from dlmath.generative import DDPM, FlowMatching, ship

    monkeypatch.setenv("DLMATH_DATA", str(tmp_path))

    def build(n, kind="flow", **parameters):
        model = {"flow": FlowMatching, "ddpm": DDPM}[kind](steps=1, batch_size=4, **parameters)
        rng = np.random.default_rng(1)
        labels = np.arange(8) % parameters["classes"] if parameters.get("classes") else None
        levels = parameters.get("levels")
        model.fit(rng.integers(0, levels, (8, n)) if levels else rng.normal(2, 3, (8, n)), labels)
        generator = torch.Generator().manual_seed(2)
        for parameter in model.network_.parameters():
            torch.nn.init.normal_(parameter, std=0.2, generator=generator)
        model = ship(model, "random", script="none", cpu_seconds=0)
        model.network_.double()
        packed = pack_weights("random")
        values = np.frombuffer(packed.values, "<f2").astype(float).tolist()
        return model, {"about": {**packed.header, "layout": packed.layout}, "values": values}

    return build


def near(found, expected):
    assert_allclose(found, expected, rtol=0, atol=CLOSE * np.abs(expected).max())
    # Numbers that differ: not one constant, and not what went in.
    assert np.ptp(expected) > 0.01 * np.abs(expected).max()


def states(n, rows=3, seed=3):
    return np.random.default_rng(seed).normal(size=(rows, n))


KINDS = {
    "unet": (64, {"network": "unet", "width": 16, "classes": 3}),
    "unet, patches, no labels": (64, {"network": "unet", "width": 8, "patch": 2}),
    "residual": (5, {"network": "residual", "width": 12, "layers": 3, "classes": 2}),
    "dense": (2, {"network": "dense", "width": 9, "layers": 3}),
    "dense, labels": (
        3,
        {"network": "dense", "width": 9, "layers": 1, "frequencies": 0, "classes": 2},
    ),
}


@pytest.mark.parametrize("name", KINDS)
def test_networks_are_those_of_torch(torch, make, name):
    n, parameters = KINDS[name]
    model, given = make(n, **parameters)
    x, noise, classes = states(n), 0.37, parameters.get("classes", 0)
    given |= {"x": x.tolist(), "noise": noise, "labels": list(range(classes + 1))}
    found = run_js(
        "models/denoisers.js",
        BEGIN + "return [...given.labels, undefined].map((label) =>"
        "rows(network.forward(x, given.noise, label))); })()",
        given,
    )
    levels = torch.full((3,), noise, dtype=torch.float64)
    for k, rows in enumerate(found):
        label = torch.full((3,), min(k, classes)) if classes else None
        with torch.no_grad():
            expected = model.network_(torch.tensor(x), levels, label).numpy()
        near(rows, expected)
    if classes:
        assert not np.allclose(found[0], found[1], atol=1e-3)


@pytest.mark.parametrize("w", [0, 0.5, 1, 3])
@pytest.mark.parametrize("t", [0.02, 0.7, 1.0])
def test_guided_estimates_of_flow_matching(make, w, t):
    model, given = make(5, network="residual", width=12, layers=2, classes=3)
    given |= {"x": states(5).tolist(), "label": 1, "w": w, "t": t}
    found = run_js(
        "models/denoisers.js",
        BEGIN + "return rows(makeDenoiser(network, options)(x, given.t)); })()",
        given,
    )
    near(found, model.denoiser(1, w)(states(5), t))


def test_states_are_decoded_as_in_torch(make):
    model, given = make(3, network="dense", width=8, layers=2)
    given["x"] = states(3).tolist()
    found = run_js(
        "models/denoisers.js", BEGIN + "return rows(decodeStates(network, x)); })()", given
    )
    near(found, model.decode(states(3)))


@pytest.mark.parametrize("name", ["euler", "midpoint"])
def test_samplers_of_flow_matching(make, name):
    model, given = make(64, network="unet", width=8, classes=3)
    x, steps = states(64, 2), 4
    times = [1 - k / steps for k in range(steps + 1)]
    given |= {"x": x.tolist(), "label": 2, "w": 2, "step": f"{name}Step", "times": times}
    expected = model.transport(x, steps, sampler=name, labels=2, guidance=2, path=True)
    found = run_js(
        "models/drawing.js",
        BEGIN + "const denoise = makeDenoiser(network, options), states = [x];"
        "const step = { eulerStep, midpointStep }[given.step];"
        "for (let k = 1; k < given.times.length; k++)"
        "states.push(step(denoise, states[k - 1], given.times[k - 1], given.times[k]).x);"
        "return states.map(rows); })()",
        given,
    )
    for state, wanted in zip(found, expected, strict=True):
        near(state, wanted)


PICTURES = {"network": "residual", "width": 8, "layers": 1, "classes": 3, "levels": 17}
ALT = "Two rows of small pictures: noise becomes a shape above, a grey guess sharpens below."


def drawing(model, steps=4, n=16):
    """Draw as a page does: states, and the estimates at all but the last."""
    start, denoise = states(n, 1), model.denoiser(1, 2.0)
    path = model.transport(start, steps, labels=1, guidance=2, path=True)
    estimates = [denoise(x, 1 - k / steps)[0] for k, x in enumerate(path[:-1])]
    return path[:, 0], np.array(estimates)


@pytest.fixture
def live(make):
    model, packed = make(16, **PICTURES)
    path, estimates = drawing(model)
    given = {"names": ["a", "b", "c"], "label": 1, "guidance": 2.0, "alt": ALT}
    return model, packed, (path, estimates), given


@pytest.mark.parametrize(("midpoint", "w", "cost"), [(False, 2, 2), (True, 2, 4), (True, 1, 2)])
def test_a_drawing_goes_on_step_by_step(live, midpoint, w, cost):
    model, packed, _, _ = live
    x, steps = states(16, 1), 3
    settings = {"label": 2, "guidance": w, "steps": steps, "midpoint": midpoint}
    packed |= {"x": x.tolist(), "label": 2, "w": w, "settings": settings}
    found = run_js(
        "denoiserlive.js",
        BEGIN + "let d = beginDrawing(x); while (d.states.length <= given.settings.steps)"
        "d = continueDrawing(network, d, given.settings);"
        "return [d.states, d.estimates].map((all) => all.map((v) => Array.from(v)))"
        ".concat(d.evaluations); })()",
        packed,
    )
    sampler = "midpoint" if midpoint else "euler"
    path = model.transport(x, steps, sampler=sampler, labels=2, guidance=w, path=True)
    for state, wanted in zip(found[0], path[:, 0], strict=True):
        near(state, wanted)
    for k, estimate in enumerate(found[1]):
        near(estimate, model.denoiser(2, w)(path[k], 1 - k / steps)[0])
    assert found[2] == steps * cost


def test_carries_the_page_s_drawing_and_no_weights(live):
    model, _, (path, estimates), given = live
    widget = DenoiserLive("random", path, estimates, **given)
    assert list(widget.assets) == ["random"]
    data = widget.data
    assert data["limits"] == [0, 16]
    shades = np.frombuffer(base64.b64decode(data["states"]), np.uint8).reshape(5, 16) / 255
    values = path * float(model.network_.scale) + model.network_.centre.numpy()
    assert_allclose(shades, np.clip(values / 16, 0, 1), atol=0.5 / 255)
    expected = np.frombuffer(base64.b64decode(data["estimates"]), np.uint8).reshape(5, 16) / 255
    assert_allclose(expected[-1], shades[-1])
    assert not np.allclose(expected[:-1], shades[:-1], atol=0.01)
    assert data["noise"] == float16_text(path[0])
    assert sum(len(str(value)) for value in data.values()) < 1000
    assert widget.still == DenoiserLive("random", path, estimates, **given).still
    assert widget.still.count("<svg") == 1


def test_the_strip_chooses_the_same_columns_on_both_sides():
    counts = list(range(1, 41))
    found = run_js("denoiserlive.js", "given.map((steps) => stripColumns(steps, 9))", counts)
    assert found == [_columns(steps) for steps in counts]
    assert all(
        columns[0] == 0 and columns[-1] == n for columns, n in zip(found, counts, strict=True)
    )


def test_fresh_noise_is_standard_normal():
    first, again, second = (
        np.array(v)
        for v in run_js(
            "denoiserlive.js", "[1, 1, 2].map((seed) => Array.from(freshNoise(seed, 4000)))", None
        )
    )
    assert (first == again).all()
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.06
    assert kstest(first, "norm").pvalue > 0.01


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": 3}, "label must be from 0 to 2"),
        ({"label": True}, "label must be from 0 to 2"),
        ({"names": ["a", "b"]}, "names must hold those of 3 classes"),
        ({"guidance": 7}, "guidance must lie between 0 and 6"),
        ({"sampler": "heun"}, "sampler must be one of euler, midpoint"),
        ({"limits": (1, 0)}, "limits must increase"),
        ({"states": np.zeros((4, 16))}, r"states must have the shape \(5, 16\)"),
        ({"estimates": np.zeros((4, 9))}, r"estimates must have the shape \(4, 16\)"),
        ({"estimates": np.full((4, 16), np.nan)}, "estimates contains NaN"),
        ({"estimates": np.zeros((41, 16))}, "estimates must hold 1 to 40 pictures"),
        ({"name": "none"}, "name must be one of random, got 'none'"),
        ({"alt": "A digit."}, "alt must say what is seen"),
    ],
)
def test_bad_input_is_named(live, change, message):
    _, _, (path, estimates), given = live
    given |= {"name": "random", "states": path, "estimates": estimates, **change}
    with pytest.raises(ValueError, match=message):
        DenoiserLive(**given)


def test_refuses_other_models(make):
    path = np.zeros((2, 4))
    for parameters, message in (
        ({"classes": 0}, "a FlowMatching with classes"),
        ({"kind": "ddpm", "classes": 2}, "a FlowMatching with classes"),
        ({"classes": 2}, "limits must be given, for random has no levels"),
    ):
        make(4, network="dense", width=4, layers=1, **parameters)
        with pytest.raises(ValueError, match=message):
            DenoiserLive("random", path, path[:1], label=0, names=["a", "b"], alt=ALT)
