"""Costs of a network: the mean over the samples of what one prediction loses.

A cost belongs to certain outputs. The squared error goes with every output that acts on each entry
by itself; the cross-entropy needs probabilities: ``"softmax"`` for one class out of several,
``"sigmoid"`` for labels that do not exclude each other. Both are computed from Z, the input of the
output layer, where a probability may round to 0 or 1 without harm.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from dlmath import activations


def softmax(Z):
    """Return ``exp(z_k) / sum_j exp(z_j)`` of each row: equation ``eq-feed-forward-softmax``.

    A short form of ``scipy.special.softmax``, which costs more than a small network's whole step.

    Parameters
    ----------
    Z : ndarray of shape (n_samples, n_classes)

    Returns
    -------
    ndarray of shape (n_samples, n_classes)
    """
    E = np.exp(Z - Z.max(axis=1, keepdims=True))
    E /= E.sum(axis=1, keepdims=True)
    return E


def mse(A, Y):
    """Mean over the samples of the squared norm of the error: equation ``eq-feed-forward-cost``.

    There is no factor 1/2 and no division by the number of outputs: torch's ``MSELoss`` is this
    over the number of outputs.

    Parameters
    ----------
    A, Y : ndarray of shape (n_samples, n_outputs)
        Predictions and targets.

    Returns
    -------
    float
    """
    error = (A - Y).ravel()
    return float(error @ error) / len(A)


def softmax_cross_entropy(Z, Y):
    """Mean of ``-sum_k y_k log f_k`` with ``f = softmax(z)``: ``eq-feed-forward-cross-entropy``.

    Parameters
    ----------
    Z : ndarray of shape (n_samples, n_classes)
        Scores, before the softmax.
    Y : ndarray of shape (n_samples, n_classes)
        Rows of probabilities, mostly a single 1.

    Returns
    -------
    float
    """
    largest = Z.max(axis=1, keepdims=True)
    logarithm = largest + np.log(np.exp(Z - largest).sum(axis=1, keepdims=True))
    return float(np.sum(Y * (logarithm - Z))) / len(Z)


def sigmoid_cross_entropy(Z, Y):
    """Mean of ``-sum_k [y_k log f_k + (1 - y_k) log(1 - f_k)]`` with ``f = sigmoid(z)``.

    Equation ``eq-feed-forward-binary-cross-entropy``.

    Parameters
    ----------
    Z : ndarray of shape (n_samples, n_outputs)
        Log odds, before the sigmoid.
    Y : ndarray of shape (n_samples, n_outputs)
        From 0 to 1.

    Returns
    -------
    float
    """
    return float(np.sum(np.logaddexp(Z, 0) - Y * Z)) / len(Z)


@dataclass(frozen=True)
class Head:
    """An output layer and the cost that belongs to it.

    Attributes
    ----------
    output : callable
        A^L from Z^L.
    value : callable
        The cost from Z^L, A^L and Y.
    delta : callable
        Delta^L = dC/dZ^L from Z^L, A^L and Y: equations ``eq-backpropagation-output`` and
        ``eq-backpropagation-softmax``.
    """

    output: Callable
    value: Callable
    delta: Callable


def _squared(output):
    def delta(Z, A, Y):
        D = A - Y
        D *= 2 / len(Y)
        return D * output.slope(Z, A)

    def plain(Z, A, Y):
        D = A - Y
        D *= 2 / len(Y)
        return D

    return Head(
        output.value,
        lambda Z, A, Y: mse(A, Y),
        plain if output is activations.identity else delta,
    )


def _probabilities(Z, A, Y):
    D = A - Y
    D *= 1 / len(Y)
    return D


COSTS = ("mse", "cross_entropy")
ENTROPIES = {
    "softmax": Head(softmax, lambda Z, A, Y: softmax_cross_entropy(Z, Y), _probabilities),
    "sigmoid": Head(expit, lambda Z, A, Y: sigmoid_cross_entropy(Z, Y), _probabilities),
}
OUTPUTS = (*activations.ACTIVATIONS, "softmax")


def get(cost, output):
    """Return the output layer with its cost.

    Parameters
    ----------
    cost : {"mse", "cross_entropy"}
    output : str
        The name of an activation, or ``"softmax"``.

    Returns
    -------
    Head

    Raises
    ------
    ValueError
        On an unknown name, or an output that does not belong to the cost.
    """
    if not (isinstance(cost, str) and cost in COSTS):
        raise ValueError(f"cost must be one of {', '.join(COSTS)}, got {cost!r}")
    if not (isinstance(output, str) and output in OUTPUTS):
        raise ValueError(f"output must be one of {', '.join(OUTPUTS)}, got {output!r}")
    if cost == "mse":
        if output == "softmax":
            raise ValueError("output 'softmax' belongs to cost 'cross_entropy', not to 'mse'")
        return _squared(activations.get(output, "output"))
    if output not in ENTROPIES:
        raise ValueError(
            f"cost 'cross_entropy' needs probabilities, that is output 'softmax' or 'sigmoid', "
            f"not {output!r}"
        )
    return ENTROPIES[output]


def check_targets(Y, cost, output):
    """Refuse targets that the cost cannot take: values that are no probabilities.

    Parameters
    ----------
    Y : ndarray of shape (n_samples, n_outputs)
        Finite.
    cost, output : str

    Raises
    ------
    ValueError
        When the cost is the cross-entropy and an entry is not between 0 and 1, or when, with
        softmax, a row does not sum to 1.
    """
    if cost == "mse":
        return
    if Y.min() < 0 or Y.max() > 1:
        raise ValueError("Y must hold probabilities, between 0 and 1, for cost 'cross_entropy'")
    if output == "softmax" and np.max(np.abs(Y.sum(axis=1) - 1)) > 1e-4:
        raise ValueError(
            "each row of Y must sum to 1 for output 'softmax': a single 1 at the class, as in "
            "np.eye(n_classes)[labels]"
        )
