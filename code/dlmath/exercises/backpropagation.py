"""Checkers for the exercises of the chapter on backpropagation."""

from collections.abc import Callable
from typing import Any

import numpy as np

from dlmath.exercises.framework import Arguments, exercise

Array = np.ndarray
Gradients = tuple[Array, ...]

NOT_THE_MEAN = (
    "This is the gradient of the sum of the losses. The cost is their mean: a factor 1/n is "
    "missing, and the place for it is the error at the output."
)
TWICE_THE_MEAN = "The factor 1/n of the mean is there twice: once, at the output, is enough."
WRONG_SIGN = (
    "All derivatives have the wrong sign: the error at the output is a - y, prediction minus "
    "target, so that a step against the gradient brings a nearer to y."
)
WITHOUT_2 = "A factor 2 is missing: the loss is the square of the error, without a 1/2 before it."


def _scaled(function: Callable[..., Gradients], factor: Callable[[Array], float]) -> Any:
    """Return the function with all its results multiplied by a factor that may depend on n."""

    def scaled(x: Array, *rest: Any) -> Gradients:
        return tuple(factor(x) * part for part in function(x, *rest))

    return scaled


# backpropagation-chain


def _chain_data(rng: np.random.Generator) -> Arguments:
    """Draw samples and four parameters; the second weight is far from 1, and negative once."""
    n = int(rng.integers(6, 20))
    w1, b1, b2 = rng.uniform(-1, 1, size=3)
    return {
        "x": rng.normal(size=n),
        "y": rng.uniform(-1, 1, size=n),
        "w1": w1 + 1.5,
        "b1": b1,
        "w2": rng.choice([-0.6, 0.5, -1.8]),
        "b2": b2 / 2,
    }


def _chain(
    x: Array, y: Array, w1: float, b1: float, w2: float, b2: float, *, weight: float | None = None
) -> Gradients:
    """Backpropagate through two nodes in a row; ``weight`` stands in the place of w2 on the way."""
    a1 = np.tanh(w1 * x + b1)
    a2 = np.tanh(w2 * a1 + b2)
    d2 = 2 * (a2 - y) * (1 - a2**2) / len(x)
    d1 = d2 * (w2 if weight is None else weight) * (1 - a1**2)
    return np.sum(d1 * x), np.sum(d1), np.sum(d2 * a1), np.sum(d2)


CHAIN = ("dC/dw1", "dC/db1", "dC/dw2", "dC/db2")


@exercise("backpropagation-chain", _chain_data, returns=CHAIN)
def chain(x: Array, y: Array, w1: float, b1: float, w2: float, b2: float) -> Gradients:
    """Differentiate the mean squared error by the four parameters."""
    return _chain(x, y, w1, b1, w2, b2)


@chain.mistake(
    "The output layer is right. In both derivatives of the hidden layer the factor w2 is still "
    "missing: the hidden node reaches the loss only through this weight."
)
def _chain_without_weight(
    x: Array, y: Array, w1: float, b1: float, w2: float, b2: float
) -> Gradients:
    return _chain(x, y, w1, b1, w2, b2, weight=1.0)


@chain.mistake(
    "The error passes back through w1 here. Between the two nodes stands w2; w1 lies before both."
)
def _chain_with_w1(x: Array, y: Array, w1: float, b1: float, w2: float, b2: float) -> Gradients:
    return _chain(x, y, w1, b1, w2, b2, weight=w1)


@chain.mistake("dC/db1 is right. dC/dw1 has a1 where the input of the layer belongs, which is x.")
def _chain_output_for_input(
    x: Array, y: Array, w1: float, b1: float, w2: float, b2: float
) -> Gradients:
    _, db1, dw2, db2 = _chain(x, y, w1, b1, w2, b2)
    a1 = np.tanh(w1 * x + b1)
    d2 = 2 * (np.tanh(w2 * a1 + b2) - y) * (1 - np.tanh(w2 * a1 + b2) ** 2) / len(x)
    return np.sum(d2 * w2 * (1 - a1**2) * a1), db1, dw2, db2


@chain.mistake(
    "dC/dw1 has the factor w2, and dC/db1 has lost it: the bias of the hidden node takes the same "
    "way to the loss as its weight."
)
def _chain_bias_without_weight(
    x: Array, y: Array, w1: float, b1: float, w2: float, b2: float
) -> Gradients:
    dw1, db1, dw2, db2 = _chain(x, y, w1, b1, w2, b2)
    return dw1, db1 / w2, dw2, db2


chain.mistake(NOT_THE_MEAN)(_scaled(_chain, len))
chain.mistake(TWICE_THE_MEAN)(_scaled(_chain, lambda x: 1 / len(x)))
chain.mistake(WRONG_SIGN)(_scaled(_chain, lambda x: -1.0))
chain.mistake(WITHOUT_2)(_scaled(_chain, lambda x: 0.5))


# backpropagation-hidden

LAYERS = ("dC/dW1", "dC/db1", "dC/dW2", "dC/db2")


def _two_layers(rng: np.random.Generator, hidden: int | None, outputs: int) -> Arguments:
    """Draw samples and the parameters of a network with one hidden layer."""
    n, p = int(rng.integers(8, 20)), int(rng.integers(3, 6))
    m = p if hidden is None else hidden
    return {
        "X": rng.normal(size=(n, p)),
        "Y": rng.normal(size=(n, outputs)),
        "W1": rng.normal(size=(p, m)) / np.sqrt(p),
        "b1": rng.normal(size=m) / 2,
        "W2": rng.normal(size=(m, outputs)),
        "b2": rng.normal(size=outputs),
    }


def _hidden_data(rng: np.random.Generator) -> Arguments:
    return _two_layers(rng, None, 2)


def _regression(
    X: Array, Y: Array, W1: Array, b1: Array, W2: Array, b2: Array, *, slope: bool = True
) -> Gradients:
    A1 = np.tanh(X @ W1 + b1)
    D2 = 2 / len(X) * (A1 @ W2 + b2 - Y)
    D1 = D2 @ W2.T * (1 - A1**2 if slope else 1)
    return X.T @ D1, D1.sum(axis=0), A1.T @ D2, D2.sum(axis=0)


@exercise("backpropagation-hidden", _hidden_data, returns=LAYERS)
def hidden(X: Array, Y: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> Gradients:
    """Gradients of the mean squared error with one hidden layer of tanh."""
    return _regression(X, Y, W1, b1, W2, b2)


@hidden.mistake(
    "dC/dW1 still has what comes out of the hidden layer, A1, in the place of what goes into it, X."
)
def _hidden_output_for_input(
    X: Array, Y: Array, W1: Array, b1: Array, W2: Array, b2: Array
) -> Gradients:
    _, db1, dW2, db2 = _regression(X, Y, W1, b1, W2, b2)
    A1 = np.tanh(X @ W1 + b1)
    D1 = 2 / len(X) * (A1 @ W2 + b2 - Y) @ W2.T * (1 - A1**2)
    return A1.T @ D1, db1, dW2, db2


@hidden.mistake(
    "The output layer is right. The slope 1 - A1^2 of the hidden layer is missing in its error."
)
def _hidden_without_slope(
    X: Array, Y: Array, W1: Array, b1: Array, W2: Array, b2: Array
) -> Gradients:
    return _regression(X, Y, W1, b1, W2, b2, slope=False)


@hidden.mistake("dC/dW1 is the transpose of the right one: X^T stands to the left of the error.")
def _hidden_transposed(X: Array, Y: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> Gradients:
    dW1, db1, dW2, db2 = _regression(X, Y, W1, b1, W2, b2)
    return dW1.T, db1, dW2, db2


@hidden.mistake(
    "The weights are right. A bias acts on every sample: its derivative is the sum of the column "
    "of Delta, and the mean has one 1/n too many."
)
def _hidden_mean_of_bias(
    X: Array, Y: Array, W1: Array, b1: Array, W2: Array, b2: Array
) -> Gradients:
    dW1, db1, dW2, db2 = _regression(X, Y, W1, b1, W2, b2)
    return dW1, db1 / len(X), dW2, db2 / len(X)


hidden.mistake(NOT_THE_MEAN)(_scaled(_regression, len))
hidden.mistake(WRONG_SIGN)(_scaled(_regression, lambda x: -1.0))
hidden.mistake(WITHOUT_2)(_scaled(_regression, lambda x: 0.5))


# backpropagation-mean


def _mean_data(rng: np.random.Generator) -> Arguments:
    case = _two_layers(rng, int(rng.integers(6, 9)), 3)
    return case | {"Y": np.eye(3)[rng.integers(0, 3, size=len(case["X"]))]}


def _classifier(
    X: Array, Y: Array, W1: Array, b1: Array, W2: Array, b2: Array, *, kink: bool = True
) -> Gradients:
    Z1 = X @ W1 + b1
    A1 = np.maximum(Z1, 0)
    E = np.exp(A1 @ W2 + b2)
    D2 = (E / E.sum(axis=1, keepdims=True) - Y) / len(X)
    D1 = D2 @ W2.T * ((Z1 > 0) if kink else 1)
    return X.T @ D1, D1.sum(axis=0), A1.T @ D2, D2.sum(axis=0)


@exercise("backpropagation-mean", _mean_data, returns=LAYERS)
def mean(X: Array, Y: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> Gradients:
    """Gradients of the mean cross-entropy with one hidden layer of ReLU."""
    return _classifier(X, Y, W1, b1, W2, b2)


mean.mistake(
    "This is still the gradient of the sum of the losses, n times too long: divide the error at "
    "the output by n, and everything behind it follows."
)(_scaled(_classifier, len))
mean.mistake(TWICE_THE_MEAN)(_scaled(_classifier, lambda x: 1 / len(x)))
mean.mistake(WRONG_SIGN)(_scaled(_classifier, lambda x: -1.0))
mean.mistake(
    "A factor 2 too many: it belongs to the squared error. With the softmax and the cross-entropy "
    "the error is (A - Y)/n."
)(_scaled(_classifier, lambda x: 2.0))


@mean.mistake(
    "The output layer is right. Hidden nodes that are silent, with Z1 <= 0, must not pass the "
    "error on: the slope of ReLU is 0 there."
)
def _mean_without_kink(X: Array, Y: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> Gradients:
    return _classifier(X, Y, W1, b1, W2, b2, kink=False)


@mean.mistake(
    "The entries are divided by their number, n times the number of classes. The cost is the mean "
    "over samples only: a sum over classes, divided by n."
)
def _mean_over_entries(X: Array, Y: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> Gradients:
    return tuple(part / Y.shape[1] for part in _classifier(X, Y, W1, b1, W2, b2))


@mean.mistake(
    "The weights are right, and the biases are not: their derivatives are the sums over the "
    "samples of the columns of Delta, which has its 1/n already."
)
def _mean_of_bias(X: Array, Y: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> Gradients:
    dW1, db1, dW2, db2 = _classifier(X, Y, W1, b1, W2, b2)
    return dW1, db1 / len(X), dW2, db2 / len(X)


# backpropagation-square


def _square_data(rng: np.random.Generator) -> Arguments:
    n, p, m = int(rng.integers(8, 20)), int(rng.integers(2, 4)), int(rng.integers(4, 7))
    return {
        "X": rng.normal(size=(n, p)),
        "Y": rng.normal(size=(n, 2)),
        "W1": rng.normal(size=(p, m)) / np.sqrt(p),
        "W2": rng.normal(size=(m, m)) / np.sqrt(m),
        "W3": rng.normal(size=(m, 2)) / np.sqrt(m),
    }


def _three(
    X: Array, Y: Array, W1: Array, W2: Array, W3: Array, *, back: Array | None = None
) -> Gradients:
    A1 = np.tanh(X @ W1)
    A2 = np.tanh(A1 @ W2)
    D3 = 2 / len(X) * (A2 @ W3 - Y)
    D2 = D3 @ W3.T * (1 - A2**2)
    D1 = D2 @ (W2.T if back is None else back) * (1 - A1**2)
    return X.T @ D1, A1.T @ D2, A2.T @ D3


@exercise("backpropagation-square", _square_data, returns=("dC/dW1", "dC/dW2", "dC/dW3"))
def square(X: Array, Y: Array, W1: Array, W2: Array, W3: Array) -> Gradients:
    """Gradients of the mean squared error with two hidden layers of the same width."""
    return _three(X, Y, W1, W2, W3)


@square.mistake(
    "dC/dW2 and dC/dW3 are right. On the way to the first layer the error is still multiplied by "
    "W2; backward it is the transpose, W2^T."
)
def _square_not_transposed(X: Array, Y: Array, W1: Array, W2: Array, W3: Array) -> Gradients:
    return _three(X, Y, W1, W2, W3, back=W2)


@square.mistake(
    "dC/dW2 and dC/dW3 are right. The error does not pass through W2 at all on its way to the "
    "first layer."
)
def _square_without_weights(X: Array, Y: Array, W1: Array, W2: Array, W3: Array) -> Gradients:
    return _three(X, Y, W1, W2, W3, back=np.eye(len(W2)))


@square.mistake(
    "dC/dW2 is the transpose of the right one: A1^T stands to the left, and the error to the right."
)
def _square_gradient_transposed(X: Array, Y: Array, W1: Array, W2: Array, W3: Array) -> Gradients:
    dW1, dW2, dW3 = _three(X, Y, W1, W2, W3)
    return dW1, dW2.T, dW3


@square.mistake(
    "dC/dW2 has what comes out of the second layer, A2, in the place of what goes into it, A1."
)
def _square_output_for_input(X: Array, Y: Array, W1: Array, W2: Array, W3: Array) -> Gradients:
    dW1, _, dW3 = _three(X, Y, W1, W2, W3)
    A2 = np.tanh(np.tanh(X @ W1) @ W2)
    return dW1, A2.T @ (2 / len(X) * (A2 @ W3 - Y) @ W3.T * (1 - A2**2)), dW3


square.mistake(NOT_THE_MEAN)(_scaled(_three, len))
square.mistake(WRONG_SIGN)(_scaled(_three, lambda x: -1.0))
square.mistake(WITHOUT_2)(_scaled(_three, lambda x: 0.5))


# backpropagation-shared


def _shared_data(rng: np.random.Generator) -> Arguments:
    n = int(rng.integers(5, 15))
    return {
        "x": rng.normal(size=n),
        "y": rng.uniform(-1, 1, size=n),
        "w": rng.uniform(1.1, 1.6),
        "b": rng.uniform(-0.3, 0.3),
        "K": int(rng.integers(3, 7)),
    }


def _copies(x: Array, y: Array, w: float, b: float, K: int, *, weight: bool = True) -> Any:
    """Return the derivatives by each copy of w and of b, from the last step to the first."""
    u = [x]
    for _ in range(K):
        u.append(np.tanh(w * u[-1] + b))
    arriving, by_w, by_b = 2 * (u[K] - y) / len(x), [], []
    for k in range(K, 0, -1):
        delta = arriving * (1 - u[k] ** 2)
        by_w.append(delta @ u[k - 1])
        by_b.append(delta.sum())
        arriving = delta * w if weight else delta
    return by_w, by_b


def _shared(x: Array, y: Array, w: float, b: float, K: int) -> Gradients:
    by_w, by_b = _copies(x, y, w, b, K)
    return sum(by_w), sum(by_b)


@exercise("backpropagation-shared", _shared_data, returns=("dC/dw", "dC/db"))
def shared(x: Array, y: Array, w: float, b: float, K: int) -> Gradients:
    """Differentiate by a weight and a bias that are used K times."""
    return _shared(x, y, w, b, K)


@shared.mistake(
    "This is the contribution of the last step alone. The same w and b act in all steps: add up "
    "what each copy contributes."
)
def _shared_last(x: Array, y: Array, w: float, b: float, K: int) -> Gradients:
    by_w, by_b = _copies(x, y, w, b, K)
    return by_w[0], by_b[0]


@shared.mistake(
    "This is the contribution of the first step alone. The same w and b act in all steps: add up "
    "what each copy contributes."
)
def _shared_first(x: Array, y: Array, w: float, b: float, K: int) -> Gradients:
    by_w, by_b = _copies(x, y, w, b, K)
    return by_w[-1], by_b[-1]


@shared.mistake(
    "All steps are there, and between them the factor w is missing: the error passes back through "
    "the weight each time."
)
def _shared_without_weight(x: Array, y: Array, w: float, b: float, K: int) -> Gradients:
    by_w, by_b = _copies(x, y, w, b, K, weight=False)
    return sum(by_w), sum(by_b)


@shared.mistake("The copies are averaged. By the chain rule their derivatives are added.")
def _shared_averaged(x: Array, y: Array, w: float, b: float, K: int) -> Gradients:
    by_w, by_b = _copies(x, y, w, b, K)
    return sum(by_w) / K, sum(by_b) / K


shared.mistake(NOT_THE_MEAN)(_scaled(_shared, len))
shared.mistake(WRONG_SIGN)(_scaled(_shared, lambda x: -1.0))
shared.mistake(WITHOUT_2)(_scaled(_shared, lambda x: 0.5))
