"""Activations: values and derivatives by other routes, far arguments, types, and bad names."""

import numpy as np
import pytest
import sympy
from dlmath import activations
from dlmath.activations import ACTIVATIONS

z = sympy.Symbol("z", real=True)
FORMULAS = {
    "identity": z,
    "sigmoid": 1 / (1 + sympy.exp(-z)),
    "tanh": sympy.tanh(z),
    "relu": sympy.Max(z, 0),
    "leaky_relu": sympy.Piecewise((z, z > 0), (z / 100, True)),
    "elu": sympy.Piecewise((z, z > 0), (sympy.exp(z) - 1, True)),
    "softplus": sympy.log(1 + sympy.exp(z)),
    "silu": z / (1 + sympy.exp(-z)),
    "gelu": z * (1 + sympy.erf(z / sympy.sqrt(2))) / 2,
    "sine": sympy.sin(z),
}
POINTS = [-3.7, -1.2, -0.3, 0.4, 1.1, 2.9]


def test_every_activation_is_tested():
    assert FORMULAS.keys() == ACTIVATIONS.keys()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_value_and_derivative_are_those_of_the_formula(name):
    exact = [float(FORMULAS[name].subs(z, x).evalf(30)) for x in POINTS]
    slopes = [float(sympy.diff(FORMULAS[name], z).subs(z, x).evalf(30)) for x in POINTS]
    ours = ACTIVATIONS[name]
    assert np.allclose(ours(np.array(POINTS)), exact, rtol=1e-14, atol=1e-15)
    assert np.allclose(ours.derivative(np.array(POINTS)), slopes, rtol=1e-13, atol=1e-15)
    assert not np.allclose(ours.derivative(-np.array(POINTS)), -np.array(slopes), rtol=1e-3)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_kink_and_all_else_are_as_in_torch(name, torch, torch_activation):
    points = np.concatenate([np.linspace(-30, 30, 121), [0.0]])
    theirs = torch.tensor(points, requires_grad=True)
    value = torch_activation(name)(theirs)
    value.sum().backward()
    # torch's softplus is linear from 20 on.
    assert np.allclose(ACTIVATIONS[name](points), value.detach(), rtol=1e-12, atol=3e-9)
    assert np.allclose(ACTIVATIONS[name].derivative(points), theirs.grad, rtol=1e-12, atol=3e-9)


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_far_arguments_give_numbers_and_the_type_is_kept(name, dtype):
    points = np.array([[-1e4, -90.0, 0.0], [90.0, 1e4, 1e-3]], dtype)
    with np.errstate(all="raise", under="ignore"):
        value, slope = ACTIVATIONS[name](points), ACTIVATIONS[name].derivative(points)
    assert value.dtype == slope.dtype == dtype
    assert value.shape == slope.shape == points.shape
    assert np.isfinite(value).all()
    assert np.isfinite(slope).all()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_argument_stays_as_it_was(name):
    points = np.array(POINTS)
    result = ACTIVATIONS[name](points)
    ACTIVATIONS[name].derivative(points)
    result += 1
    assert (points == POINTS).all()


@pytest.mark.parametrize("name", ["ReLU", "", None, 3, ["tanh"]])
def test_an_unknown_name_is_refused(name):
    with pytest.raises(ValueError, match="activation must be one of identity, sigmoid, tanh"):
        activations.get(name)
    assert activations.get("tanh") is activations.tanh


def test_tanh_is_exact_to_the_last_places():
    points = np.concatenate([np.logspace(-300, 2, 5000), np.linspace(0, 25, 5000)])
    for signed in (points, -points):
        ours, exact = activations.tanh(signed), np.tanh(signed)
        assert np.max(np.abs(ours - exact) / np.spacing(np.abs(exact))) <= 4
        assert np.array_equal(np.signbit(ours), np.signbit(signed))
