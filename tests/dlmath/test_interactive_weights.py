"""Trained weights in the page: half precision as text, and a forward pass."""

import numpy as np
import pytest
from dlmath.interactive._base import float16_text
from numpy.testing import assert_allclose, assert_array_equal
from test_interactive import run_js

ACTIVATIONS = ["identity", "leaky_relu", "relu", "sigmoid", "silu", "softplus", "tanh"]


def test_half_precision_arrives_bit_for_bit():
    values = np.array([0, -0.0, 1, -1.5, 65504, 6e-8, -6.1e-5, 1 / 3, 1e-3, -123.4])
    got = run_js("models/dense.js", "Array.from(decodeFloat16(given))", float16_text(values))
    assert_array_equal(got, values.astype(np.float16).astype(float))


@pytest.mark.parametrize("wrong", [[1e6], [np.nan], [np.inf]])
def test_refuses_numbers_that_do_not_fit(wrong):
    with pytest.raises(ValueError, match="values must be finite and fit"):
        float16_text(wrong)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_layers_are_those_of_torch(torch, activation):
    rng = np.random.default_rng(2)
    functions = {
        "identity": lambda z: z,
        "leaky_relu": lambda z: torch.nn.functional.leaky_relu(z, 0.2),
        **{name: getattr(torch.nn.functional, name) for name in ACTIVATIONS[2:]},
    }
    shapes, x = [(5, 3), (4, 5)], rng.normal(size=3) * 3
    layers = [(rng.normal(size=s), rng.normal(size=s[0])) for s in shapes]
    expected = torch.tensor(x)
    for W, b in layers:
        half = [torch.tensor(a.astype(np.float16).astype(float)) for a in (W, b)]
        expected = functions[activation](half[0] @ expected + half[1])
    given = {
        "x": x.tolist(),
        "layers": [
            {"W": float16_text(W), "b": float16_text(b), "activation": activation}
            for W, b in layers
        ],
    }
    got = run_js("models/dense.js", "Array.from(dense(decodeLayers(given.layers), given.x))", given)
    assert_allclose(got, expected, rtol=1e-12, atol=1e-12)
