"""The three problems on which the part on optimisers tries every method.

Each has a ``start``, a ``cost`` and a ``gradient`` of one vector: a quadratic of chosen condition
number, on which every rate can be proved; Rosenbrock's valley, curved and narrow; and a network on
nuclear masses, of which nothing is known beforehand.
"""

import numpy as np
from scipy.optimize import rosen, rosen_der, rosen_hess
from scipy.stats import ortho_group
from sklearn.preprocessing import StandardScaler

from dlmath._checks import check_above_zero, check_count
from dlmath.datasets import load_nuclear_masses
from dlmath.learning import minibatch
from dlmath.networks import FeedForwardNetwork
from dlmath.networks._training import flatten, views
from dlmath.nuclear import LiquidDrop, from_oxygen, mass_features, random_splits


class Quadratic:
    """The quadratic ``C(x) = x^T H x / 2``, whose eigenvalues lie from mu = 1 to L = kappa.

    Parameters
    ----------
    kappa : float
        Condition number, at least 1. The eigenvalues are equidistant on a logarithmic scale.
    n : int, default=2
        Dimension, at least 2.
    seed : int, optional
        If given, the axes are turned at random; if not, they are the coordinate axes, the first
        the flattest.

    Attributes
    ----------
    H : ndarray of shape (n, n)
        Hessian, symmetric.
    eigenvalues : ndarray of shape (n,)
        From 1 to ``kappa``, rising.
    start, minimum : ndarray of shape (n,)
        At the start the component along each axis is one; the minimum is at zero.
    """

    def __init__(self, kappa, n=2, *, seed=None):
        if check_above_zero("kappa", kappa) < 1:
            raise ValueError(f"kappa must be at least 1, got {kappa}")
        n = check_count("n", n, least=2)
        self.kappa, self.n = float(kappa), n
        self.eigenvalues = np.geomspace(1.0, self.kappa, n)
        axes = np.eye(n) if seed is None else ortho_group.rvs(n, random_state=seed)
        H = (axes * self.eigenvalues) @ axes.T
        self.H = (H + H.T) / 2
        self.start, self.minimum = axes @ np.ones(n), np.zeros(n)

    def cost(self, x):
        """Return ``x^T H x / 2``, for one vector or for each row of several."""
        x = _check_vectors(x, self.n)
        return np.sum((x @ self.H) * x, axis=-1) / 2

    def gradient(self, x):
        """Return ``H x``, for one vector or for each row of several."""
        return _check_vectors(x, self.n) @ self.H

    def hessian(self, x):
        """Return H, whatever x is."""
        _check_vectors(x, self.n)
        return self.H.copy()


class Rosenbrock:
    """Rosenbrock's valley: the sum of ``100 (x_{j+1} - x_j^2)^2 + (1 - x_j)^2``.

    SciPy's functions with a start. The minimum, zero, lies at (1, ..., 1), where the Hessian of
    the function of two variables has the condition number 2508.

    Parameters
    ----------
    n : int, default=2
        Dimension, at least 2.

    Attributes
    ----------
    start, minimum : ndarray of shape (n,)
        Rosenbrock's own start, -1.2 and 1 in turn.
    """

    def __init__(self, n=2):
        self.n = check_count("n", n, least=2)
        self.start = np.where(np.arange(self.n) % 2, 1.0, -1.2)
        self.minimum = np.ones(self.n)

    def cost(self, x):
        """Return the value, for one vector or for each row of several."""
        return rosen(np.moveaxis(_check_vectors(x, self.n), -1, 0))

    def gradient(self, x):
        """Return the gradient at one vector."""
        return rosen_der(_check_vectors(x, self.n))

    def hessian(self, x):
        """Return the Hessian at one vector."""
        return rosen_hess(_check_vectors(x, self.n))


class MassNetwork:
    """A small network that learns what twelve terms of a liquid drop leave of the nuclear masses.

    Inputs are the sixteen features of :func:`dlmath.nuclear.mass_features`, standardised; the
    target is the residual of the binding energy in units of its standard deviation. So a cost of
    one is that of the drop alone, and the root of the cost times ``scale`` is an error in MeV. The
    weights and biases of the network, all in one vector, are what an optimiser moves.

    Parameters
    ----------
    hidden : sequence of int, default=(16,)
        Numbers of nodes of the hidden layers, tanh.
    seed : int, default=0
        Of the weights at the start.

    Attributes
    ----------
    start : ndarray of shape (d,)
        Glorot's weights, and biases at zero.
    X, y : ndarray of shape (n, 16) and (n,)
        Of the nuclides that are fitted: four fifths of those measured, from oxygen on.
    X_test, y_test : ndarray of shape (n', 16) and (n',)
        Of the others, in the same units.
    scale : float
        MeV.
    """

    def __init__(self, hidden=(16,), seed=0):
        masses = load_nuclear_masses()
        split = random_splits(from_oxygen(masses), 5, seed=0)[0]
        drop = LiquidDrop(extended=True).fit(split.X_train, split.y_train)
        left, left_test = (
            energies - drop.predict(X)
            for X, energies in ((split.X_train, split.y_train), (split.X_test, split.y_test))
        )
        features, features_test = mass_features(*split.X_train.T), mass_features(*split.X_test.T)
        scaler = StandardScaler().fit(features)
        self.X, self.X_test = scaler.transform(features), scaler.transform(features_test)
        self.scale = float(left.std())
        self.y, self.y_test = (
            (left - left.mean()) / self.scale,
            (left_test - left.mean()) / self.scale,
        )
        self._network = FeedForwardNetwork([self.X.shape[1], *hidden, 1], "tanh", seed=seed)
        self.start = flatten(self._network.parameters)
        # The parameters of the network become views of one vector, into which others are written.
        self._flat = self.start.copy()
        self._network.parameters = views(self._flat, self._network.parameters)

    def cost(self, x):
        """Return the mean squared error over the nuclides that are fitted."""
        return self._at(x).cost_value(self.X, self.y[:, np.newaxis])

    def gradient(self, x, rows=slice(None)):
        """Return the gradient of the cost over the nuclides that are fitted, or some of them.

        Parameters
        ----------
        x : array-like of shape (d,)
        rows : index, default=all
            Which nuclides, as rows of ``X``.
        """
        return flatten(self._at(x).gradients(self.X[rows], self.y[rows, np.newaxis]))

    def batch(self, size, rng):
        """Return a function that gives, at each call, the gradient on a mini-batch drawn anew.

        Parameters
        ----------
        size : int
            Nuclides in a batch, drawn without repetition; at most all.
        rng : numpy.random.Generator

        Returns
        -------
        callable
            Of the parameters.
        """
        if check_count("size", size) > len(self.X):
            raise ValueError(f"size must be at most {len(self.X)}, got {size}")
        return minibatch(self.gradient, len(self.X), size, rng)

    def error(self, x, *, test=True):
        """Return the root mean square error in MeV, on the other nuclides or on those fitted."""
        X, y = (self.X_test, self.y_test) if test else (self.X, self.y)
        return float(self.scale * np.sqrt(np.mean((self._at(x).forward(X)[:, 0] - y) ** 2)))

    def at(self, x):
        """Return the network with these parameters, a copy of them."""
        return self._at(x).copy()

    def _at(self, x):
        """Return the network with these parameters: the same one at each call."""
        x = _check_vectors(x, self.start.size)
        if x.ndim != 1:
            raise ValueError(f"x must be one vector of {self.start.size} numbers")
        self._flat[:] = x
        return self._network


def _check_vectors(x, n):
    x = np.asarray(x, dtype=float)
    if x.ndim == 0 or x.shape[-1] != n:
        raise ValueError(f"x must hold vectors of {n} numbers, got shape {x.shape}")
    if not np.isfinite(x).all():
        raise ValueError("x contains NaN or infinity")
    return x
