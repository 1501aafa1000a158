"""The numbered equations of the page on notation: the cost, and backpropagation in matrix form."""

import numpy as np
import pytest
import torch
from dlmath.linear import Ridge, lasso_cost, ridge_cost
from scipy import special

torch.set_num_threads(1)

# Three layers of one width, so that a transposed weight matrix has the right shape.
N, WIDTH = 7, 4


@pytest.mark.verifies(
    "eq-notation-cost",
    routes=("sums over samples", "dlmath.linear", "torch.nn.functional", "repeated samples"),
)
def test_cost(verify):
    """The mean of losses and a penalty, sample by sample, against costs that the chapters use."""
    rng = np.random.default_rng(0)
    X, y, theta, lam = rng.normal(size=(N, 3)), rng.normal(size=N), rng.normal(size=3), 0.4

    def cost(penalty, divide=N, half=1.0):
        losses = sum((y[i] - sum(X[i, j] * theta[j] for j in range(3))) ** 2 for i in range(N))
        return half * losses / divide + lam * penalty

    squares, moduli = sum(t**2 for t in theta), sum(abs(t) for t in theta)
    verify.agree(cost(squares), ridge_cost(X, y, theta, lam), rtol=1e-14)
    verify.refutes(cost(squares, divide=1), ridge_cost(X, y, theta, lam), why="factor n")
    verify.refutes(cost(squares, half=0.5), ridge_cost(X, y, theta, lam), why="factor 2")
    verify.refutes(cost(-squares), ridge_cost(X, y, theta, lam), why="sign of the penalty")
    verify.agree(cost(moduli), lasso_cost(X, y, theta, lam), rtol=1e-14)
    verify.refutes(cost(squares), lasso_cost(X, y, theta, lam), why="squares for moduli")

    # The cross-entropy of one sample is minus the logarithm of the probability of its class.
    Z, labels = rng.normal(size=(N, 3)), rng.integers(3, size=N)
    f = special.softmax(Z, axis=1)
    ours = sum(-np.log(f[i, labels[i]]) for i in range(N)) / N
    theirs = torch.nn.functional.cross_entropy(torch.tensor(Z), torch.tensor(labels)).item()
    verify.agree(ours, theirs, rtol=1e-13)
    verify.refutes(N * ours, theirs, why="sum for mean")
    verify.refutes(ours / 3, theirs, why="mean over classes")

    # With weights their sum takes the place of n: a sample of weight 3 is there three times.
    w = np.array([1, 3, 2, 1, 4, 1, 2])
    weighted = w @ (y - X @ theta) ** 2 / w.sum() + lam * squares
    repeated = ridge_cost(np.repeat(X, w, axis=0), np.repeat(y, w), theta, lam)
    verify.agree(weighted, repeated, rtol=1e-14)
    verify.refutes(w @ (y - X @ theta) ** 2 / N + lam * squares, repeated, why="n for the sum")

    # The intercept is not in the penalty: a shift of all targets is taken up by it alone.
    shifted = Ridge(lam).fit(X, y + 10).coef_
    verify.agree(shifted, Ridge(lam).fit(X, y).coef_, rtol=1e-10)
    with_ones = np.column_stack([np.ones(N), X])
    penalised = Ridge(lam, fit_intercept=False).fit(with_ones, y + 10).coef_[1:]
    verify.refutes(penalised, Ridge(lam).fit(X, y).coef_, why="intercept penalised")


def network(seed=1):
    """Draw a network and one batch: inputs, targets as probabilities, weights, biases."""
    rng = np.random.default_rng(seed)
    W, b = rng.normal(size=(3, WIDTH, WIDTH)) / 2, rng.normal(size=(3, WIDTH)) / 2
    Y = np.eye(WIDTH)[rng.integers(WIDTH, size=N)]
    return rng.normal(size=(N, WIDTH)), Y, W, b


def automatic(X, Y, W, b, output):
    """Let torch differentiate the cost by all Z, W and b."""
    tW = [torch.tensor(w, requires_grad=True) for w in W]
    tb = [torch.tensor(v, requires_grad=True) for v in b]
    A, Z = torch.tensor(X), []
    for w, v in zip(tW, tb, strict=True):
        Z.append(A @ w + v)
        Z[-1].retain_grad()
        A = torch.tanh(Z[-1])
    Y = torch.tensor(Y)
    if output == "squares":
        cost = ((Y - A) ** 2).sum() / N
    elif output == "softmax":
        cost = -(Y * torch.log_softmax(Z[-1], dim=1)).sum() / N
    else:
        logistic = torch.sigmoid(Z[-1])
        cost = -(Y * torch.log(logistic) + (1 - Y) * torch.log(1 - logistic)).sum() / N
    cost.backward()
    return [[t.grad.numpy() for t in ts] for ts in (Z, tW, tb)]


def forward(X, W, b):
    """Compute the inputs and outputs of all layers."""
    A, Z = [X], []
    for w, v in zip(W, b, strict=True):
        Z.append(A[-1] @ w + np.ones((N, 1)) @ v[np.newaxis])
        A.append(np.tanh(Z[-1]))
    return A, Z


def slope(Z):
    """Differentiate the activation."""
    return 1 - np.tanh(Z) ** 2


@pytest.mark.verifies("eq-notation-last-layer", routes=("the formulas", "torch's differentiation"))
def test_last_layer(verify):
    """The derivative of the cost by the last layer's inputs, for three outputs."""
    X, Y, W, b = network()
    A, Z = forward(X, W, b)
    by_torch = automatic(X, Y, W, b, "squares")[0][-1]
    ours = 2 / N * (A[-1] - Y) * slope(Z[-1])
    verify.agree(ours, by_torch, rtol=1e-12, atol=1e-15)
    verify.refutes(ours / 2, by_torch, why="factor 2")
    verify.refutes(N * ours, by_torch, why="factor n")
    verify.refutes(-ours, by_torch, why="sign")
    verify.refutes(2 / N * (A[-1] - Y), by_torch, why="without the slope")
    by_torch = automatic(X, Y, W, b, "softmax")[0][-1]
    ours = (special.softmax(Z[-1], axis=1) - Y) / N
    verify.agree(ours, by_torch, rtol=1e-12, atol=1e-15)
    verify.refutes(2 * ours, by_torch, why="factor 2 with the softmax")
    verify.refutes(ours * slope(Z[-1]), by_torch, why="with a slope")
    by_torch = automatic(X, Y, W, b, "logistic")[0][-1]
    verify.agree((special.expit(Z[-1]) - Y) / N, by_torch, rtol=1e-12, atol=1e-15)
    verify.refutes(ours, by_torch, why="softmax for logistic")


@pytest.mark.verifies("eq-notation-backward", routes=("the recursion", "torch's differentiation"))
def test_backward(verify):
    """All layers of a network of equal widths, where a transposed matrix would go unnoticed."""
    X, Y, W, b = network()
    A, Z = forward(X, W, b)
    by_torch = automatic(X, Y, W, b, "squares")

    def recursion(transposed=True, sloped=True):
        deltas = [2 / N * (A[-1] - Y) * slope(Z[-1])]
        for layer in (1, 0):
            weights = W[layer + 1].T if transposed else W[layer + 1]
            deltas.insert(0, deltas[0] @ weights * (slope(Z[layer]) if sloped else 1))
        return deltas

    deltas = recursion()
    verify.agree(deltas, by_torch[0], rtol=1e-11, atol=1e-15)
    verify.refutes(recursion(transposed=False), by_torch[0], why="transpose")
    verify.refutes(recursion(sloped=False), by_torch[0], why="without the slope")
    verify.agree([A[k].T @ deltas[k] for k in range(3)], by_torch[1], rtol=1e-11, atol=1e-15)
    verify.refutes(
        [A[k + 1].T @ deltas[k] for k in range(3)], by_torch[1], why="outputs of the wrong layer"
    )
    verify.refutes(
        [(A[k].T @ deltas[k]).T for k in range(3)], by_torch[1], why="transposed gradient"
    )
    verify.agree([d.T @ np.ones(N) for d in deltas], by_torch[2], rtol=1e-11, atol=1e-15)
    verify.refutes([d.mean(axis=0) for d in deltas], by_torch[2], why="factor n")
