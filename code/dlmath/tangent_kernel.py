"""Wide networks: their covariance at the start, their tangent kernel, and the linearised network.

The network of the chapter has one hidden layer and no biases of its own (a constant feature does
their work): ``f(x) = scale / sqrt(m) sum_j a_j sigma(w_j^T x)``, with standard normal ``w_j`` and
signs ``a_j``. Samples are the rows of X.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy import linalg

from dlmath import activations
from dlmath._checks import check_above_zero, check_count, check_matrix
from dlmath.networks._training import flatten

Array = np.ndarray

# The largest slope of tanh, and its largest second derivative.
TANH_SLOPE, TANH_CURVATURE = 1.0, 4 / (3 * np.sqrt(3))


def _vector(name: str, values: Any, size: int) -> Array:
    array = np.asarray(values, dtype=float)
    if array.shape != (size,):
        raise ValueError(f"{name} must have shape ({size},), got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} contains NaN or infinity")
    return array


def _pair(X: Any, Z: Any) -> tuple[Array, Array]:
    X = check_matrix("X", X)
    return X, X if Z is None else check_matrix("Z", Z, X.shape[1])


# Infinite width, in closed form.


def _rectified(inner: Array, left: Array, right: Array) -> tuple[Array, Array]:
    """Return E[relu relu] and E[H H] of Gaussians with these covariances and variances."""
    lengths = np.sqrt(np.multiply.outer(left, right))
    cosine = inner / np.where(lengths > 0, lengths, 1)
    angle = np.arccos(np.clip(cosine, -1, 1))
    both = (np.pi - angle) / (2 * np.pi)
    return lengths * np.sin(angle) / (2 * np.pi) + inner * both, both


def relu_covariance(X: Any, Z: Any = None) -> Array:
    """Give ``E[relu(w^T x) relu(w^T z)]`` for a standard normal w: eq-wide-networks-arc-cosine.

    Parameters
    ----------
    X : array-like of shape (n, d)
    Z : array-like of shape (k, d), optional
        X again, if not given.

    Returns
    -------
    ndarray of shape (n, k)
    """
    X, Z = _pair(X, Z)
    left, right = np.sum(X**2, axis=1), np.sum(Z**2, axis=1)
    return _rectified(X @ Z.T, left, right)[0]


def relu_tangent_kernel(X: Any, Z: Any = None) -> Array:
    """Give the tangent kernel of the infinitely wide ReLU network: eq-wide-networks-relu-tangent.

    Parameters and result are those of :func:`relu_covariance`.
    """
    X, Z = _pair(X, Z)
    inner = X @ Z.T
    left, right = np.sum(X**2, axis=1), np.sum(Z**2, axis=1)
    values, both = _rectified(inner, left, right)
    return values + inner * both


def deep_relu_kernels(X: Any, Z: Any = None, *, layers: int = 1) -> tuple[Array, Array]:
    """Give covariance and tangent kernel of wide ReLU networks with He's scale.

    Equations ``eq-wide-networks-recursion`` and ``eq-wide-networks-deep-tangent`` with c = 2.

    Parameters
    ----------
    X : array-like of shape (n, d)
    Z : array-like of shape (k, d), optional
        X again, if not given.
    layers : int, default=1
        Number of hidden layers; with one, both kernels are twice those of the network with
        standard normal weights.

    Returns
    -------
    covariance, tangent : ndarray of shape (n, k)
    """
    X, Z = _pair(X, Z)
    inner = X @ Z.T
    # He's scale keeps the variances: they are those of the inputs in every layer.
    left, right = np.sum(X**2, axis=1), np.sum(Z**2, axis=1)
    tangent = inner
    for _ in range(check_count("layers", layers)):
        values, both = _rectified(inner, left, right)
        inner = 2 * values
        tangent = inner + 2 * tangent * both
    return inner, tangent


# Finite width.


class TwoLayerNetwork:
    """``f(x) = scale / sqrt(m) sum_j a_j sigma(w_j^T x)``: equation ``eq-wide-networks-network``.

    Parameters
    ----------
    d, m : int
        Number of features and of hidden units; m is even if the units are paired.
    activation : str, default="relu"
        One of ``dlmath.activations.ACTIVATIONS``.
    paired : bool, default=True
        Units come in twos with the same ``w`` and opposite signs, so that f = 0 at the start.
    scale : float, default=1.0
        Chizat's alpha: large for lazy training.
    seed : int or numpy.random.Generator, default=0

    Attributes
    ----------
    W : ndarray of shape (m, d)
        The weights of unit j in row j, standard normal at the start.
    a : ndarray of shape (m,)
        Signs at the start, in equal numbers if the units are paired.

    Examples
    --------
    >>> import numpy as np
    >>> from dlmath.tangent_kernel import TwoLayerNetwork
    >>> network = TwoLayerNetwork(2, 6)
    >>> network.forward(np.ones((1, 2))), network.jacobian(np.ones((1, 2))).shape
    (array([0.]), (1, 18))
    """

    def __init__(
        self,
        d: int,
        m: int,
        activation: str = "relu",
        *,
        paired: bool = True,
        scale: float = 1.0,
        seed: Any = 0,
    ) -> None:
        d, m = check_count("d", d), check_count("m", m)
        self._sigma = activations.get(activation)
        self.scale = check_above_zero("scale", scale)
        rng = np.random.default_rng(seed)
        if not paired:
            self.W, self.a = rng.standard_normal((m, d)), rng.choice([-1.0, 1.0], size=m)
            return
        if m % 2:
            raise ValueError(f"m must be even for paired units, got {m}")
        self.W = np.tile(rng.standard_normal((m // 2, d)), (2, 1))
        self.a = np.repeat([1.0, -1.0], m // 2)

    @property
    def _factor(self) -> float:
        return self.scale / np.sqrt(len(self.a))

    def forward(self, X: Any) -> Array:
        """Return the outputs, of shape (n_samples,)."""
        X = check_matrix("X", X, self.W.shape[1])
        return self._factor * self._sigma(X @ self.W.T) @ self.a

    def jacobian(self, X: Any) -> Array:
        """Return the derivatives of f by W, row after row, and by a: eq-wide-networks-jacobian.

        Returns
        -------
        ndarray of shape (n_samples, m d + m)
        """
        X = check_matrix("X", X, self.W.shape[1])
        Z = X @ self.W.T
        by_W = (self._sigma.derivative(Z) * self.a)[:, :, np.newaxis] * X[:, np.newaxis]
        return self._factor * np.hstack([by_W.reshape(len(X), -1), self._sigma(Z)])

    def tangent_kernel(self, X: Any, Z: Any = None) -> Array:
        """Return ``J(X) J(Z)^T`` without the Jacobians: eq-wide-networks-finite.

        Parameters and result are those of :func:`relu_covariance`.
        """
        X, Z = _pair(check_matrix("X", X, self.W.shape[1]), Z)
        at_X, at_Z = X @ self.W.T, Z @ self.W.T
        sigma, slope = self._sigma, self._sigma.derivative
        values = sigma(at_X) @ sigma(at_Z).T
        slopes = (slope(at_X) * self.a**2) @ slope(at_Z).T
        return self._factor**2 * (values + (X @ Z.T) * slopes)

    def descend(self, X: Any, y: Any, eta: float, steps: int) -> None:
        """Make steps of gradient descent on the mean squared error, on the whole batch.

        The step is ``eta / scale**2``, so that networks of all scales begin alike.

        Raises
        ------
        FloatingPointError
            If the weights grow beyond all bounds; they are left as they were before the call.
        """
        X = check_matrix("X", X, self.W.shape[1])
        y = _vector("y", y, len(X))
        eta = check_above_zero("eta", eta) / self.scale**2
        W, a = self.W.copy(), self.a.copy()
        for _ in range(check_count("steps", steps, 0)):
            Z = X @ W.T  # (n, m)
            A = self._sigma(Z)
            delta = 2 / len(X) * self._factor * (self._factor * A @ a - y)  # (n,)
            slope = self._sigma.slope(Z, A) * (delta[:, np.newaxis] * a)  # (n, m)
            a -= eta * (A.T @ delta)
            W -= eta * (slope.T @ X)
        if not (np.isfinite(W).all() and np.isfinite(a).all()):
            raise FloatingPointError(f"training diverges at eta = {eta * self.scale**2:g}")
        self.W, self.a = W, a


def network_jacobian(network: Any, X: Any) -> Array:
    """Return the derivatives of the output of a `FeedForwardNetwork` by all its parameters.

    Backpropagation does it: for one sample and the target ``f(x) - 1/2`` the gradient of the
    squared error is the gradient of f.

    Parameters
    ----------
    network : dlmath.networks.FeedForwardNetwork
        With one output, trained on the squared error.
    X : array-like of shape (n, d)

    Returns
    -------
    ndarray of shape (n, n_parameters)
        In the order of ``network.parameters``, each flattened.
    """
    if network.sizes[-1] != 1 or network.cost != "mse":
        raise ValueError("network must have one output and the squared error as its cost")
    X = check_matrix("X", X, network.sizes[0])
    targets = network.forward(X) - 0.5
    rows = []
    for i in range(len(X)):
        rows.append(flatten(network.gradients(X[i : i + 1], targets[i : i + 1])))
    return np.array(rows)


# The linearised network.


def linearised_flow(
    kernel: Any,
    y: Any,
    times: Any,
    *,
    cross: Any = None,
    start: Any = 0.0,
    start_new: Any = 0.0,
) -> Array:
    """Give what the linearised network predicts in the course of training.

    Equation ``eq-wide-networks-linear-solution``: gradient flow on the mean squared error, whose
    slow directions (with eigenvalues below a millionth of a millionth of the largest) are taken
    in the limit.

    Parameters
    ----------
    kernel : array-like of shape (n, n)
        The tangent kernel of the samples.
    y : array-like of shape (n,)
    times : array-like of shape (n_times,)
        Learning rate times number of steps; infinity is allowed.
    cross : array-like of shape (n_new, n), optional
        The tangent kernel of new points with the samples; the samples themselves, if not given.
    start : array-like of shape (n,), or 0
        The network's outputs for the samples before training.
    start_new : array-like of shape (n_new,), or 0
        And for the new points, where these are given.

    Returns
    -------
    ndarray of shape (n_times, n) or (n_times, n_new)
    """
    kernel = check_matrix("kernel", kernel)
    n = len(kernel)
    kernel = check_matrix("kernel", kernel, n)
    cross, at_start = (
        (kernel, start) if cross is None else (check_matrix("cross", cross, n), start_new)
    )
    missing = _vector("y", y, n) - start
    nu, vectors = linalg.eigh(kernel)
    nu = np.maximum(nu, 1e-12 * nu[-1])
    times = np.atleast_1d(np.asarray(times, dtype=float))
    learned = -np.expm1(-2 / n * np.multiply.outer(times, nu)) / nu  # (n_times, n)
    return at_start + (learned * (vectors.T @ missing)) @ (cross @ vectors).T


class LazyBounds(NamedTuple):
    """How far anything can go until time tau: theorem ``thm-wide-networks-lazy``.

    Attributes
    ----------
    a, w : float
        Largest change of an output weight, and of the weights of a unit (their norm).
    kernel : float
        Largest change of an entry of the tangent kernel.
    outputs : float
        Root mean square, over the samples, of the distance from the linearised network.
    """

    a: float
    w: float
    kernel: float
    outputs: float


def lazy_bounds(m: int, tau: float, residual: float, radius: float) -> LazyBounds:
    """Bound the motion of a tanh network whose output weights begin as signs.

    Parameters
    ----------
    m : int
        Number of hidden units.
    tau : float
        Time of gradient flow.
    residual : float
        Root mean squared residual at the start.
    radius : float
        Largest norm of a sample.
    """
    m = check_count("m", m)
    tau, residual = check_above_zero("tau", tau), check_above_zero("residual", residual)
    r = check_above_zero("radius", radius)
    a = 2 * residual * tau / np.sqrt(m)
    w = TANH_SLOPE * r * a * (1 + a)
    kernel = (
        2 * TANH_SLOPE * r * w
        + (TANH_SLOPE * r) ** 2 * a * (2 + a)
        + 2 * TANH_SLOPE * TANH_CURVATURE * r**3 * w
    )
    return LazyBounds(float(a), float(w), float(kernel), float(2 * tau * kernel * residual))


def alignment(kernel: Any, y: Any) -> float:
    """Give the alignment of a kernel with targets, between 0 and 1: eq-wide-networks-alignment.

    Parameters
    ----------
    kernel : array-like of shape (n, n)
    y : array-like of shape (n,)
    """
    kernel = check_matrix("kernel", kernel)
    y = _vector("y", y, len(kernel))
    return float(y @ kernel @ y / (linalg.norm(kernel) * (y @ y)))
