"""The learnt landscape and the chain of spins in the page, against torch and NumPy."""

from itertools import pairwise

import numpy as np
import pytest
from dlmath.interactive import EnergyLangevin, jastrow_chain
from dlmath.interactive._base import float16_text
from dlmath.interactive._random import small_fast_uniform
from dlmath.wavefunctions import (
    free_fermion_energy,
    ground_state,
    local_energies,
    spin_states,
    transverse_field_ising,
)
from numpy.testing import assert_allclose
from test_interactive import run_js

ALT = "Level lines of a landscape with eight valleys on a circle, and a cloud of points in it."


def arrays(seed=0, hidden=(5, 4)):
    rng, sizes = np.random.default_rng(seed), (2, *hidden, 1)
    layers = [
        [rng.normal(size=s).astype(np.float16).astype(float) for s in ((m, n), (m,))]
        for n, m in pairwise(sizes)
    ]
    return {
        "layers": layers, "gain": 1.5, "base": 0.8,
        "mean": np.array([0.3, -0.2]), "scale": np.array([1.2, 0.7]),
    }  # fmt: skip


def packed(model):
    layers = [{"W": float16_text(W), "b": float16_text(b)} for W, b in model["layers"]]
    return {**model, "layers": layers, "mean": list(model["mean"]), "scale": list(model["scale"])}


def as_model(torch, given):
    """Put the numbers into an EnergyModel in double precision."""
    from dlmath.generative import EnergyModel

    hidden = tuple(len(b) for _, b in given["layers"][:-1])
    model = EnergyModel(hidden=hidden, gain=given["gain"], base=given["base"])
    model.network_, model.n_features_in_ = model._build(2).double(), 2
    dense = [layer for layer in model.network_.layers if isinstance(layer, torch.nn.Linear)]
    with torch.no_grad():
        for layer, (W, b) in zip(dense, given["layers"], strict=True):
            layer.weight.copy_(torch.as_tensor(W))
            layer.bias.copy_(torch.as_tensor(b))
    model.network_.mean.copy_(torch.as_tensor(given["mean"]))
    model.network_.scale.copy_(torch.as_tensor(given["scale"]))
    return model


def test_energy_and_gradient_agree_with_torch(torch):
    given, X = arrays(), np.random.default_rng(1).normal(size=(6, 2))
    model = as_model(torch, given)
    found = run_js(
        "langevinlive.js",
        "(() => { const m = decodeEnergy(given.model);"
        "return given.X.map((x) => energyAt(m, x)); })()",
        {"model": packed(given), "X": X.tolist()},
    )
    assert_allclose([f["energy"] for f in found], model.energy(X), rtol=1e-10)
    assert_allclose([f["gradient"] for f in found], -model.score(X), rtol=1e-9, atol=1e-12)
    exported = model.as_arrays()
    for (W, b), (V, c) in zip(exported["layers"], given["layers"], strict=True):
        assert_allclose(W, V)
        assert_allclose(b, c)


def test_the_still_has_the_same_energies(torch):
    from dlmath.interactive._energy import _check_energy, _energies

    given, X = arrays(), np.random.default_rng(1).normal(size=(6, 2))
    assert_allclose(
        _energies(_check_energy(given), X), as_model(torch, given).energy(X), rtol=1e-10
    )


@pytest.mark.parametrize("temperature", [0.0, 0.7])
def test_a_step_with_the_same_random_numbers(temperature):
    given, x, step = arrays(), np.array([0.4, -0.9]), 0.05
    found, gradient = run_js(
        "langevinlive.js",
        "(() => { const m = decodeEnergy(given.model), random = randomStream(7);"
        "return [langevinStep(m, given.x, given.step, given.at, random),"
        "energyAt(m, given.x).gradient]; })()",
        {"model": packed(given), "x": x.tolist(), "step": step, "at": temperature},
    )
    u = small_fast_uniform(7, 4).reshape(2, 2)
    xi = np.sqrt(-2 * np.log(1 - u[:, 0])) * np.cos(2 * np.pi * u[:, 1])
    expected = x - step / 2 * np.array(gradient) + np.sqrt(step * temperature) * xi
    assert_allclose(found, expected, rtol=1e-10)


def jastrow(S, c):
    return sum(c[r - 1] * np.sum(S * np.roll(S, -r, axis=1), axis=1) for r in (1, 2))


@pytest.mark.parametrize("c", [(0.2, 0.05), (0.5, -0.1)])
def test_averages_of_the_chain_agree_with_the_matrix(c):
    n, h, S = 6, 0.8, spin_states(6)
    psi = np.exp(jastrow(S, c))
    psi /= np.linalg.norm(psi)
    found = run_js(
        "models/jastrow-chain.js",
        "jastrowAverages(chainStates(given.n), given.c, given.h)",
        {"n": n, "c": list(c), "h": h},
    )
    H = transverse_field_ising(n, h)
    energy = psi @ (H @ psi)
    assert_allclose(found["energy"], energy, rtol=1e-12)
    assert_allclose(found["bonds"] + h * found["turned"], energy, rtol=1e-12)
    assert_allclose(found["variance"], psi @ (H @ (H @ psi)) - energy**2, rtol=1e-9)
    O = np.array([np.sum(S * np.roll(S, -r, axis=1), axis=1) for r in (1, 2)])  # noqa: E741
    e = local_energies(lambda T: jastrow(T, c), S, h)
    both = np.cov(np.vstack([O, e]), aweights=psi**2, ddof=0)
    assert_allclose(found["force"], both[:2, 2], rtol=1e-9)
    assert_allclose(found["metric"], both[[0, 0, 1], [0, 1, 1]], rtol=1e-9)


def test_the_exact_energy_and_the_minimum():
    exact, minimum = run_js(
        "models/jastrow-chain.js",
        "[chainEnergy(8, 0.9), (() => {"
        "const c = descend({ h: 0.9, c1: 0.1, c2: 0 }, { spins: 8, limits: [-0.1, 0.7] }, 400);"
        "return jastrowAverages(chainStates(8), [c.c1, c.c2], 0.9); })()]",
        {},
    )
    assert_allclose(exact, free_fermion_energy(8, 0.9), rtol=1e-13)
    assert_allclose(exact, ground_state(8, 0.9).energy, rtol=1e-11)
    assert exact < minimum["energy"] < 0.99 * exact
    assert_allclose(minimum["force"], 0, atol=1e-6)


def live(**change):
    given = {"model": arrays(), "means": np.eye(2), "sd": 0.2, "level": 1.0, "alt": ALT}
    return EnergyLangevin(**{**given, **change})


def test_carries_its_weights_and_a_still():
    widget = live()
    assert widget.data["model"]["layers"][0]["W"] == float16_text(arrays()["layers"][0][0])
    assert widget.still == live().still
    assert widget.still.count("<svg") == 1
    chain = jastrow_chain(n_spins=6, alt=ALT)
    assert chain.data["spins"] == 6
    assert chain.still.count("<svg") == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": {**arrays(), "layers": arrays()["layers"][1:]}}, "model must lead from 2"),
        ({"model": arrays(hidden=(200, 200))}, "at most 10000 weights"),
        ({"means": np.zeros(3)}, "means must have 2 columns"),
        ({"level": np.nan}, "level contains NaN"),
        ({"step": 1.0}, "step must lie between"),
        ({"temperature": -1.0}, "temperature must lie between 0 and 3"),
        ({"alt": "A plane."}, "alt must say what is seen"),
    ],
)
def test_bad_input_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        live(**change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_spins": 4}, "n_spins must be an integer from 5 to 10"),
        ({"field": 9.0}, "field must lie between"),
        ({"coefficients": (2.0, 0.0)}, "coefficients must lie between"),
    ],
)
def test_bad_chains_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        jastrow_chain(**{"alt": ALT, **change})
