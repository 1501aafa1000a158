"""The network itself: its parameters, the forward pass, and backpropagation."""

import copy
from numbers import Integral, Real

import numpy as np

from dlmath import activations, losses
from dlmath.linear._validation import check_penalty

RECTIFIERS = ("relu", "leaky_relu", "elu", "softplus", "silu", "gelu")
# Variance of the weights of a layer with that many inputs and outputs.
INITIALISATIONS = {
    "glorot": lambda inputs, outputs: 2 / (inputs + outputs),
    "he": lambda inputs, outputs: 2 / inputs,
    "lecun": lambda inputs, outputs: 1 / inputs,
}


class FeedForwardNetwork:
    """A fully connected network: ``A^l = sigma(A^{l-1} W^l + 1 b^l)``, ``eq-feed-forward-layer``.

    Rows of ``X`` are samples. The last layer has an activation of its own, the output, which
    belongs to the cost: the mean over the samples of the squared norm of the error, or the
    cross-entropy.

    Parameters
    ----------
    sizes : sequence of int
        Numbers of inputs, of nodes in each hidden layer, and of outputs: at least two, all
        positive. With two, there is no hidden layer and the model is linear.
    activation : str, default="tanh"
        Of the hidden layers: one of ``dlmath.activations.ACTIVATIONS``.
    output : str, default="identity"
        Of the last layer: an activation for the squared error, ``"softmax"`` or ``"sigmoid"`` for
        the cross-entropy.
    cost : {"mse", "cross_entropy"}, default="mse"
    seed : int or numpy.random.Generator, default=0
        Of the initial weights.
    dtype : {numpy.float64, numpy.float32}, default=numpy.float64
        In which everything is computed.
    initialisation : {"auto", "glorot", "he", "lecun"}, default="auto"
        Variance of the normal distribution of the initial weights: equations
        ``eq-training-in-practice-glorot`` and ``eq-training-in-practice-he``, and one over the
        number of inputs. "auto" is He's for rectifiers and Glorot's for the rest. Biases begin at
        zero.

    Attributes
    ----------
    parameters : list of ndarray
        W1, b1, ..., WL, bL; ``W^l`` has shape (inputs, outputs), ``b^l`` has shape (outputs,).
        They may be changed in place.
    sizes : tuple of int
    activation, output, cost : str
    dtype : numpy.dtype
    n_parameters : int

    Raises
    ------
    ValueError
        On fewer than two sizes or one that is not a positive integer, an unknown activation,
        output, cost or initialisation, an output that does not belong to the cost, or another
        type of numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from dlmath.networks import FeedForwardNetwork
    >>> network = FeedForwardNetwork([2, 3, 1])
    >>> [parameter.shape for parameter in network.parameters], network.n_parameters
    ([(2, 3), (3,), (3, 1), (1,)], 13)
    >>> network.forward(np.zeros((5, 2))).shape
    (5, 1)
    """

    def __init__(
        self,
        sizes,
        activation="tanh",
        output="identity",
        cost="mse",
        seed=0,
        *,
        dtype=np.float64,
        initialisation="auto",
    ):
        self.sizes = _check_sizes(sizes)
        self.dtype = _check_type(dtype)
        self._hidden = activations.get(activation)
        self._head = losses.get(cost, output)
        self.activation, self.output, self.cost = activation, output, cost
        variance = _check_initialisation(initialisation, activation)
        rng = np.random.default_rng(seed)
        self.parameters = []
        for inputs, outputs in zip(self.sizes[:-1], self.sizes[1:], strict=True):
            W = np.sqrt(variance(inputs, outputs)) * rng.standard_normal((inputs, outputs))
            self.parameters += [W.astype(self.dtype), np.zeros(outputs, self.dtype)]

    def __getstate__(self):
        """Leave out the functions, which their names bring back: a copy, or a pickle, has them."""
        return {k: v for k, v in self.__dict__.items() if k not in ("_hidden", "_head")}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self._hidden = activations.get(self.activation)
        self._head = losses.get(self.cost, self.output)

    def __repr__(self):
        return (
            f"FeedForwardNetwork({list(self.sizes)}, {self.activation!r}, {self.output!r}, "
            f"{self.cost!r}, dtype={self.dtype})"
        )

    @property
    def n_parameters(self):
        """How many weights and biases: equation ``eq-feed-forward-count``."""
        return sum(parameter.size for parameter in self.parameters)

    def copy(self):
        """Return a network with parameters of its own, equal to these."""
        return copy.deepcopy(self)

    def forward(self, X):
        """Return the output ``A^L`` for each sample.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_inputs)

        Returns
        -------
        ndarray of shape (n_samples, n_outputs)

        Raises
        ------
        ValueError
            On a wrong shape, values that are not finite, or float16.
        """
        A = self._check_inputs(X)
        *hidden, (W, b) = self._layers()
        for W_hidden, b_hidden in hidden:
            A = self._hidden.value(A @ W_hidden + b_hidden)
        return self._head.output(A @ W + b)

    def propagate(self, X):
        """Return what every layer computes: equation ``eq-feed-forward-layer``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_inputs)

        Returns
        -------
        Zs : list of ndarray
            ``Z^1, ..., Z^L``, of shapes (n_samples, nodes of the layer).
        As : list of ndarray
            ``A^0 = X, A^1, ..., A^L``: one more.

        Raises
        ------
        ValueError
            As :meth:`forward`.
        """
        Zs, As, _ = self._propagate(self._check_inputs(X))
        return Zs, As

    def cost_value(self, X, Y):
        """Return the cost: equations ``eq-feed-forward-cost``, ``eq-feed-forward-cross-entropy``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_inputs)
        Y : array-like of shape (n_samples, n_outputs)

        Returns
        -------
        float

        Raises
        ------
        ValueError
            On wrong shapes, values that are not finite, float16, or targets of a cross-entropy
            that are no probabilities.
        """
        X, Y = self._check_data(X, Y)
        Zs, As, _ = self._propagate(X)
        return self._head.value(Zs[-1], As[-1], Y)

    def deltas(self, X, Y):
        """Return ``Delta^1, ..., Delta^L``, the derivatives of the cost by the ``Z^l``.

        Equations ``eq-backpropagation-output`` and ``eq-backpropagation-delta``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_inputs)
        Y : array-like of shape (n_samples, n_outputs)

        Returns
        -------
        list of ndarray
            Of shapes (n_samples, nodes of the layer); the 1/n of the cost is in them.

        Raises
        ------
        ValueError
            As :meth:`cost_value`.
        """
        X, Y = self._check_data(X, Y)
        Zs, As, masks = self._propagate(X)
        return [Delta for _, Delta in self._backward(Zs, As, masks, Y)][::-1]

    def gradients(self, X, Y):
        """Return the gradient of the cost by every parameter, by backpropagation.

        Equations ``eq-backpropagation-weights`` and ``eq-backpropagation-biases``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_inputs)
        Y : array-like of shape (n_samples, n_outputs)

        Returns
        -------
        list of ndarray
            In the order and the shapes of ``parameters``.

        Raises
        ------
        ValueError
            As :meth:`cost_value`.
        """
        return self.value_and_gradients(X, Y)[1]

    def value_and_gradients(self, X, Y, *, lam=0.0, dropout=0.0, rng=None):
        """Return the cost and its gradient, with weight decay and dropout if asked.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_inputs)
        Y : array-like of shape (n_samples, n_outputs)
        lam : float, default=0.0
            Adds ``lam`` times the sum of all squared weights to the cost; biases are free.
        dropout : float, default=0.0
            Probability with which a hidden node is left out of a sample; the rest are divided by
            one minus it.
        rng : numpy.random.Generator, optional
            Draws the nodes left out; needed where ``dropout`` is not 0.

        Returns
        -------
        value : float
        gradients : list of ndarray

        Raises
        ------
        ValueError
            As :meth:`cost_value`; on a negative ``lam``, a ``dropout`` outside [0, 1), or one
            without an ``rng``.
        """
        lam, dropout = check_regularisation(lam, dropout)
        if dropout and rng is None:
            raise ValueError("dropout needs an rng, a numpy.random.Generator")
        X, Y = self._check_data(X, Y)
        gradients = [np.empty_like(parameter) for parameter in self.parameters]
        return self._differentiate(X, Y, gradients, lam, dropout, rng), gradients

    def _differentiate(self, X, Y, gradients, lam, dropout, rng):
        """Write the gradients into the arrays given, and return the cost; nothing is checked."""
        Zs, As, masks = self._propagate(X, dropout, rng)
        value = self._head.value(Zs[-1], As[-1], Y)
        for below, Delta in self._backward(Zs, As, masks, Y):
            np.matmul(As[below].T, Delta, out=gradients[2 * below])  # (inputs, outputs)
            np.sum(Delta, axis=0, out=gradients[2 * below + 1])  # (outputs,)
        if lam:
            for W, slope in zip(self.parameters[::2], gradients[::2], strict=True):
                value += lam * float(np.vdot(W, W))
                slope += 2 * lam * W
        return value

    def _propagate(self, X, dropout=0.0, rng=None):
        """Run the forward pass and keep it, with the factors by which dropout multiplies."""
        Zs, As, masks = [], [X], []
        *hidden, (W, b) = self._layers()
        for W_hidden, b_hidden in hidden:
            Z = As[-1] @ W_hidden  # (n, nodes)
            Z += b_hidden
            A = self._hidden.value(Z)
            if dropout:
                kept = rng.random(A.shape, dtype=np.float32) >= dropout
                masks.append(kept / self.dtype.type(1 - dropout))
                A = A * masks[-1]
            Zs.append(Z)
            As.append(A)
        Zs.append(As[-1] @ W + b)
        As.append(self._head.output(Zs[-1]))
        return Zs, As, masks

    def _backward(self, Zs, As, masks, Y):
        """Yield, from the last layer to the first, the number of the layer below and Delta."""
        Delta = self._head.delta(Zs[-1], As[-1], Y)  # (n, outputs)
        for below in range(len(Zs) - 1, 0, -1):
            yield below, Delta
            Delta = Delta @ self.parameters[2 * below].T  # (n, nodes of the layer below)
            Z, A = Zs[below - 1], As[below]
            if masks:
                Delta *= masks[below - 1] * self._hidden.derivative(Z)
            else:
                Delta *= self._hidden.slope(Z, A)
        yield 0, Delta

    def _layers(self):
        """Return the pairs W^l, b^l."""
        return list(zip(self.parameters[::2], self.parameters[1::2], strict=True))

    def _check_inputs(self, X):
        return check_matrix(X, "X", self.sizes[0], self.dtype)

    def _check_data(self, X, Y):
        X = self._check_inputs(X)
        Y = check_matrix(Y, "Y", self.sizes[-1], self.dtype)
        if len(X) != len(Y):
            raise ValueError(f"X and Y must have as many rows, got {len(X)} and {len(Y)}")
        losses.check_targets(Y, self.cost, self.output)
        return X, Y


def check_matrix(values, name, columns, dtype):
    """Return a finite matrix with so many columns, in the type asked for."""
    array = np.asarray(values)
    if array.dtype == np.float16:
        raise ValueError(
            f"{name} is float16, whose eleven binary digits are too few to train with: give "
            f"{name}.astype(np.float32)"
        )
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{name} must hold real numbers, got the type {array.dtype}")
    if array.ndim != 2 or array.shape[1] != columns or not len(array):
        shape = f"(n_samples, {columns}) with at least one sample"
        if array.ndim == 1:
            shape += f"; for one column give {name}[:, np.newaxis]"
        raise ValueError(f"{name} must have shape {shape}; got {array.shape}")
    array = array.astype(dtype, copy=False)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} contains NaN or infinity")
    return array


def check_regularisation(lam, dropout):
    """Return a penalty that is not negative, and a probability below one."""
    lam = check_penalty(lam)
    if not (isinstance(dropout, Real) and 0 <= float(dropout) < 1):
        raise ValueError(f"dropout must be a probability below 1, got {dropout!r}")
    return lam, float(dropout)


def _check_sizes(sizes):
    try:
        sizes = tuple(sizes)
    except TypeError:
        raise ValueError(f"sizes must be a sequence of integers, got {sizes!r}") from None
    if len(sizes) < 2:
        raise ValueError(f"sizes must name at least the inputs and the outputs, got {sizes!r}")
    for size in sizes:
        if isinstance(size, bool) or not isinstance(size, Integral) or size < 1:
            raise ValueError(f"sizes must be positive integers, got {size!r} among {sizes!r}")
    return tuple(int(size) for size in sizes)


def _check_type(dtype):
    message = f"dtype must be float64 or float32, got {dtype!r}"
    try:
        found = np.dtype(dtype)
    except TypeError:
        raise ValueError(message) from None
    if dtype is None or found not in (np.dtype(np.float64), np.dtype(np.float32)):
        raise ValueError(message)
    return found


def _check_initialisation(name, activation):
    if name == "auto":
        name = "he" if activation in RECTIFIERS else "glorot"
    if not (isinstance(name, str) and name in INITIALISATIONS):
        names = ", ".join(["auto", *INITIALISATIONS])
        raise ValueError(f"initialisation must be one of {names}, got {name!r}")
    return INITIALISATIONS[name]
