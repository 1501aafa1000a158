"""Activations of a network, each with its derivative, in forms that do not overflow.

Every activation is an object that is called for its value, and whose ``derivative`` gives
sigma'(z); both act on each entry of an array of floats and keep its type:

>>> import numpy as np
>>> from dlmath import activations
>>> activations.relu(np.array([-1.0, 2.0])), activations.relu.derivative(np.array([-1.0, 2.0]))
(array([0., 2.]), array([0., 1.]))

Equation ``eq-feed-forward-activations``. At a kink the derivative is that of the left side, as in
torch.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, expm1, ndtr

LEAK = 0.01


@dataclass(frozen=True)
class Activation:
    """A function of one variable and its derivative.

    Attributes
    ----------
    name : str
    value : callable
        sigma(z), for an ndarray of floats of any shape.
    slope : callable
        sigma'(z) from z and a = sigma(z): the one of the two that is cheaper is used.
    """

    name: str
    value: Callable
    slope: Callable

    def __call__(self, z):
        """Return sigma(z), in the shape and type of z."""
        return self.value(z)

    def derivative(self, z):
        """Return sigma'(z), in the shape and type of z."""
        return self.slope(z, self.value(z))


def _tanh(z):
    """Compute tanh from exp(-2 |z|) - 1: in float64 that takes half as long as NumPy's tanh."""
    if _type(z) != np.float64:
        return np.tanh(z)
    t = expm1(-2 * np.abs(z))
    return np.copysign(t / (t + 2), z)


def _silu_slope(z, a):
    s = expit(z)
    return s + a * (1 - s)


def _gelu_slope(z, a):
    density = np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi, dtype=_type(z))
    return ndtr(z) + z * density


def _type(z):
    return getattr(z, "dtype", np.float64)


identity = Activation("identity", lambda z: +z, lambda z, a: np.ones_like(z))
sigmoid = Activation("sigmoid", expit, lambda z, a: a * (1 - a))
tanh = Activation("tanh", _tanh, lambda z, a: 1 - a * a)
relu = Activation("relu", lambda z: np.maximum(z, 0), lambda z, a: (z > 0).astype(_type(z)))
leaky_relu = Activation(
    "leaky_relu",
    lambda z: np.maximum(z, LEAK * z),
    lambda z, a: np.where(z > 0, 1, LEAK).astype(_type(z)),
)
elu = Activation(
    "elu",
    lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
    lambda z, a: np.where(z > 0, 1, a + 1).astype(_type(z)),
)
softplus = Activation("softplus", lambda z: np.logaddexp(z, 0), lambda z, a: expit(z))
silu = Activation("silu", lambda z: z * expit(z), _silu_slope)
gelu = Activation("gelu", lambda z: z * ndtr(z), _gelu_slope)
sine = Activation("sine", np.sin, lambda z, a: np.cos(z))

ACTIVATIONS = {
    each.name: each
    for each in (identity, sigmoid, tanh, relu, leaky_relu, elu, softplus, silu, gelu, sine)
}


def get(name, argument="activation"):
    """Return the activation of this name.

    Parameters
    ----------
    name : str
        One of the keys of ``ACTIVATIONS``.
    argument : str, default="activation"
        How the caller's argument is called, for the error.

    Returns
    -------
    Activation

    Raises
    ------
    ValueError
        When there is none of this name.
    """
    if not (isinstance(name, str) and name in ACTIVATIONS):
        raise ValueError(f"{argument} must be one of {', '.join(ACTIVATIONS)}, got {name!r}")
    return ACTIVATIONS[name]
