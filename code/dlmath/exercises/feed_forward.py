"""Checkers of the exercises on feed-forward networks."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from dlmath.exercises.framework import Arguments, exercise
from dlmath.perceptron import perceptron

Array = NDArray[np.float64]
PASSES = 200


# feed-forward-collapse


def _two_layers(rng: np.random.Generator) -> Arguments:
    """Draw two linear layers; the hidden one is wider than the others, which are equal."""
    width, hidden = int(rng.integers(2, 4)), int(rng.integers(4, 7))
    return {
        "W1": rng.normal(size=(width, hidden)),
        "b1": rng.normal(size=hidden),
        "W2": rng.normal(size=(hidden, width)),
        "b2": rng.normal(size=width),
    }


@exercise("feed-forward-collapse", _two_layers, returns=("W", "b"))
def collapse(W1: Array, b1: Array, W2: Array, b2: Array) -> tuple[Array, Array]:
    """One layer that computes what two linear ones do."""
    return W1 @ W2, b1 @ W2 + b2


@collapse.mistake(
    "The first bias goes through the second layer too: what it adds to the output is b1 @ W2."
)
def _collapse_bias_lost(W1: Array, b1: Array, W2: Array, b2: Array) -> tuple[Array, Array]:
    return W1 @ W2, b2


@collapse.mistake("The second layer has a bias of its own, b2, and it is missing in b.")
def _collapse_last_bias_lost(W1: Array, b1: Array, W2: Array, b2: Array) -> tuple[Array, Array]:
    return W1 @ W2, b1 @ W2


@collapse.mistake(
    "This is the transpose of W, for samples in columns: with samples in rows the layer that acts "
    "first stands on the left, X @ W1 @ W2."
)
def _collapse_transposed(W1: Array, b1: Array, W2: Array, b2: Array) -> tuple[Array, Array]:
    return (W1 @ W2).T, b1 @ W2 + b2


@collapse.mistake("The sign of b1 is wrong: it is added in the first layer.")
def _collapse_with_minus(W1: Array, b1: Array, W2: Array, b2: Array) -> tuple[Array, Array]:
    return W1 @ W2, b2 - b1 @ W2


# feed-forward-perceptron


def _separable(rng: np.random.Generator) -> Arguments:
    """Draw two classes with a gap, in an order in which the rule makes many mistakes."""
    n, p = int(rng.integers(20, 40)), 4
    X = np.column_stack([np.ones(4 * n), rng.uniform(-2, 2, size=(4 * n, p - 1))])
    normal = rng.normal(size=p)
    score = X @ normal / np.linalg.norm(normal)
    kept = np.flatnonzero(np.abs(score) > 0.15)[:n]
    return {"X": X[kept], "y": np.sign(score[kept])}


def _visit(X: Array, y: Array, *, strict: bool = False, step: Any = None) -> tuple[Array, float]:
    """Visit the samples in order, up to 200 times; strict: a zero is no mistake."""
    theta, mistakes = np.zeros(X.shape[1]), 0
    for _ in range(PASSES):
        before = mistakes
        for x_i, y_i in zip(X, y, strict=True):
            value = y_i * (x_i @ theta)
            if value < 0 or (value == 0 and not strict):
                theta = theta + (y_i * x_i if step is None else step(x_i, y_i))
                mistakes += 1
        if mistakes == before:
            break
    return theta, mistakes


@exercise("feed-forward-perceptron", _separable, returns=("theta", "mistakes"))
def learn(X: Array, y: Array) -> tuple[Array, float]:
    """Parameters at which the perceptron stops, and its number of mistakes."""
    found = perceptron(X, y, passes=PASSES)
    return found.theta, found.mistakes


@learn.mistake(
    "Nothing was learned. At theta = 0 all scores are zero, and a zero is a mistake too: the "
    "condition is y_i x_i^T theta <= 0."
)
def _learn_strict(X: Array, y: Array) -> tuple[Array, float]:
    return _visit(X, y, strict=True)


@learn.mistake(
    "This is the state after one pass. Visit the samples again, until a whole pass is without a "
    "mistake."
)
def _learn_one_pass(X: Array, y: Array) -> tuple[Array, float]:
    found = perceptron(X, y, passes=1)
    return found.theta, found.mistakes


@learn.mistake(
    "The direction is right and the length is not: the rule adds y_i x_i itself, and nothing is "
    "divided by the number of samples."
)
def _learn_divided(X: Array, y: Array) -> tuple[Array, float]:
    theta, mistakes = learn.reference(X, y)
    return theta / len(y), mistakes


@learn.mistake(
    "The sign is wrong, and theta runs away from the samples: one of class 1 that is on the wrong "
    "side has to be added, and one of class -1 subtracted."
)
def _learn_with_minus(X: Array, y: Array) -> tuple[Array, float]:
    return _visit(X, y, step=lambda x_i, y_i: -y_i * x_i)


@learn.mistake(
    "These are the passes over the samples. Count the changes of theta: each is one mistake."
)
def _learn_passes(X: Array, y: Array) -> tuple[Array, float]:
    theta, _ = learn.reference(X, y)
    passes = next(k for k in range(1, PASSES + 1) if perceptron(X, y, passes=k).separated)
    return theta, passes


# feed-forward-cost


def _regression(rng: np.random.Generator) -> Arguments:
    n, d, m, q = int(rng.integers(8, 20)), 3, int(rng.integers(4, 7)), 2
    return {
        "X": rng.normal(size=(n, d)),
        "Y": rng.normal(size=(n, q)),
        "W1": rng.normal(size=(d, m)),
        "b1": rng.normal(size=m),
        "W2": rng.normal(size=(m, q)),
        "b2": rng.normal(size=q),
    }


def _squares(
    X: Array, Y: Array, W1: Array, b1: Array, W2: Array, b2: Array, hidden: Any = np.tanh
) -> float:
    """Sum of all squared errors."""
    return float(np.sum((Y - hidden(X @ W1 + b1) @ W2 - b2) ** 2))


@exercise("feed-forward-cost", _regression, returns="the cost")
def cost(X: Array, Y: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> float:
    """Mean over the samples of the squared length of the error."""
    return _squares(X, Y, W1, b1, W2, b2) / len(X)


@cost.mistake(
    "This is the mean over samples and outputs, as torch's MSELoss has it. The cost sums over the "
    "outputs of a sample and divides by n alone."
)
def _cost_over_outputs(X: Array, Y: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> float:
    return _squares(X, Y, W1, b1, W2, b2) / Y.size


@cost.mistake(
    "Here the model is linear: the hidden layer's activation, tanh, is missing. Then the two "
    "layers are one, and the cost is that of least squares."
)
def _cost_linear(X: Array, Y: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> float:
    return _squares(X, Y, W1, b1, W2, b2, lambda Z: Z) / len(X)


@cost.mistake("The output layer has the identity as its activation, and not tanh.")
def _cost_output(X: Array, Y: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> float:
    output = np.tanh(np.tanh(X @ W1 + b1) @ W2 + b2)
    return float(np.sum((Y - output) ** 2)) / len(X)


@cost.mistake("The biases are missing: each layer adds its b^l to every row of Z^l.")
def _cost_without_biases(X: Array, Y: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> float:
    return _squares(X, Y, W1, 0 * b1, W2, 0 * b2) / len(X)


@cost.mistake("The sign of the output's bias is wrong: f = A^1 W^2 + b^2, and the error is Y - f.")
def _cost_bias_sign(X: Array, Y: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> float:
    return _squares(X, Y, W1, b1, W2, -b2) / len(X)


@cost.mistake(
    "This is the mean length of the error. The cost is the mean of the squared length, a sum of "
    "squares without a root."
)
def _cost_root(X: Array, Y: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> float:
    error = Y - np.tanh(X @ W1 + b1) @ W2 - b2
    return float(np.mean(np.linalg.norm(error, axis=1)))


# feed-forward-softmax


def _scores(rng: np.random.Generator) -> Arguments:
    """Draw scores so large that their exponentials overflow."""
    n, K = int(rng.integers(6, 12)), int(rng.integers(3, 6))
    Z = rng.normal(size=(n, K)) * 10.0 ** rng.integers(0, 4, size=(n, 1))
    return {"Z": Z + 900, "Y": np.eye(K)[rng.integers(0, K, size=n)]}


@exercise("feed-forward-softmax", _scores, returns="the cost")
def entropy(Z: Array, Y: Array) -> float:
    """Mean cross-entropy of the softmax of the scores."""
    return float(-np.sum(Y * log_softmax(Z, axis=1)) / len(Z))


@entropy.mistake(
    "This is the mean over samples and classes. Only the observed class counts, and the cost "
    "divides by n alone."
)
def _entropy_over_classes(Z: Array, Y: Array) -> float:
    return entropy.reference(Z, Y) / Z.shape[1]


@entropy.mistake(
    "The maximum that was subtracted inside the exponentials has to be added to the logarithm "
    "again, or subtracted from the score of the observed class too."
)
def _entropy_maximum_lost(Z: Array, Y: Array) -> float:
    largest = Z.max(axis=1, keepdims=True)
    return float(np.mean(np.log(np.exp(Z - largest).sum(axis=1)) - np.sum(Y * Z, axis=1)))


@entropy.mistake(
    "Each sample has its own normalisation: the sum under the logarithm runs over the classes of a "
    "row, axis=1, and here it runs over the samples."
)
def _entropy_wrong_axis(Z: Array, Y: Array) -> float:
    return float(-np.sum(Y * log_softmax(Z, axis=0)) / len(Z))


@entropy.mistake(
    "The probabilities were kept away from zero by a small constant before the logarithm. That "
    "bounds the price of a confident mistake; work with the scores instead."
)
def _entropy_clipped(Z: Array, Y: Array) -> float:
    p = np.exp(log_softmax(Z, axis=1))
    return float(-np.sum(Y * np.log(np.maximum(p, 1e-12))) / len(Z))


# feed-forward-flip


def _logistic(rng: np.random.Generator) -> Arguments:
    m = int(rng.integers(3, 6))
    return {
        "W1": rng.normal(size=(m, m)),
        "b1": rng.normal(size=m),
        "W2": rng.normal(size=(m, 2)),
        "b2": rng.normal(size=2),
        "j": int(rng.integers(0, m)),
    }


Layers = tuple[Array, Array, Array, Array]


def _flipped(W1: Array, b1: Array, W2: Array, b2: Array, j: int) -> Layers:
    """Change the signs of all that goes into and out of unit j."""
    W1, b1, W2 = W1.copy(), b1.copy(), W2.copy()
    W1[:, j] *= -1
    b1[j] *= -1
    W2[j] *= -1
    return W1, b1, W2, b2


@exercise("feed-forward-flip", _logistic, returns=("W1", "b1", "W2", "b2"))
def flip(W1: Array, b1: Array, W2: Array, b2: Array, j: int) -> Layers:
    """Parameters of the same function, with the input weights of unit j turned round."""
    return (*_flipped(W1, b1, W2, b2, j)[:3], b2 + W2[j])


@flip.mistake(
    "This is right for tanh. The logistic function is not odd: sigma(-z) = 1 - sigma(z), and the "
    "1 leaves something behind in b2."
)
def _flip_as_tanh(W1: Array, b1: Array, W2: Array, b2: Array, j: int) -> Layers:
    return _flipped(W1, b1, W2, b2, j)


@flip.mistake(
    "The sign of what is added to b2 is wrong: v sigma(z) = v - v sigma(-z), so b2 grows by the "
    "old W2[j]."
)
def _flip_bias_sign(W1: Array, b1: Array, W2: Array, b2: Array, j: int) -> Layers:
    return (*_flipped(W1, b1, W2, b2, j)[:3], b2 - W2[j])


@flip.mistake("The bias of the hidden unit has to change its sign with its weights.")
def _flip_bias_kept(W1: Array, b1: Array, W2: Array, b2: Array, j: int) -> Layers:
    flipped = _flipped(W1, b1, W2, b2, j)
    return flipped[0], b1, flipped[2], b2 + W2[j]


@flip.mistake(
    "Here the row j of W1 is turned round: what input j feeds. What feeds unit j is the column."
)
def _flip_row(W1: Array, b1: Array, W2: Array, b2: Array, j: int) -> Layers:
    flipped = flip.reference(W1, b1, W2, b2, j)
    wrong = W1.copy()
    wrong[j] *= -1
    return wrong, *flipped[1:]


@flip.mistake("All units are turned round, and not unit j alone.")
def _flip_all(W1: Array, b1: Array, W2: Array, b2: Array, j: int) -> Layers:
    return -W1, -b1, -W2, b2 + W2.sum(axis=0)
