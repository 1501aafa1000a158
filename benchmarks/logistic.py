"""Measure logistic regression against scikit-learn's, to the same gradient: run ``make bench``.

Both minimise the same cost, with one thread. A time is the median of the processor's seconds over
alternating runs, so that what else runs on the machine counts as little as possible; only the
ratios mean much. scikit-learn has the fastest of its solvers ``lbfgs``, ``newton-cg`` and
``newton-cholesky`` among those that reach the tolerance; each is given the loosest tolerance of its
own, in powers of ten, with which it does.
"""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from dlmath.linear import LogisticRegression
from scipy.special import softmax
from sklearn import linear_model
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

RUNS = 11
# The largest entry of the gradient of the mean cross-entropy, for features of variance one.
GRADIENT = 1e-6
SOLVERS = ("lbfgs", "newton-cg", "newton-cholesky")
TOLERANCES = 10.0 ** -np.arange(4, 13)
MAX_ITER = 10_000
SIZES = ((500, 10, 2), (2_000, 50, 2), (10_000, 100, 2), (1_000, 10, 3), (3_000, 30, 5))
LAMS = (1e-2, 1e-4)


def problem(n: int, p: int, K: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw correlated features and classes with the probabilities of a linear model."""
    rng = np.random.default_rng(n + p + K)
    X = rng.standard_normal((n, p))
    for j in range(1, p):
        X[:, j] = 0.5 * X[:, j - 1] + np.sqrt(0.75) * X[:, j]
    scores = X @ rng.standard_normal((p, K)) / np.sqrt(p) + rng.gumbel(size=(n, K))
    return X, np.argmax(scores, axis=1)


def problems() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return all data sets by name, those of scikit-learn with standardised features."""
    drawn = {f"{n} x {p}, {K} classes": problem(n, p, K) for n, p, K in SIZES}
    real = {"breast cancer": load_breast_cancer, "digits": load_digits}
    for name, load in real.items():
        X, y = load(return_X_y=True)
        drawn[name] = StandardScaler().fit_transform(X), y
    return drawn


def largest(model: Any, X: np.ndarray, y: np.ndarray, lam: float) -> float:
    """Return the largest entry of the gradient, by the intercepts too."""
    K = len(model.classes_)
    one_hot = np.eye(K)[np.searchsorted(model.classes_, y)]
    scores = X @ model.coef_.T + model.intercept_
    if K == 2:
        scores = np.hstack([np.zeros_like(scores), scores])
    errors = (softmax(scores, axis=1) - one_hot)[:, K == 2 :] / len(y)
    slopes = errors.T @ X + 2 * lam * model.coef_
    return float(max(np.max(np.abs(slopes)), np.max(np.abs(errors.sum(axis=0)))))


def medians(functions: list[Callable[[], Any]]) -> list[float]:
    """Return the median milliseconds of each of several functions, run in turn."""
    seconds: list[list[float]] = [[] for _ in functions]
    for _ in range(RUNS):
        for function, own in zip(functions, seconds, strict=True):
            began = time.process_time()
            function()
            own.append(time.process_time() - began)
    return [1e3 * statistics.median(own) for own in seconds]


def loosest(make: Callable[[float], Any], X: np.ndarray, y: np.ndarray, lam: float) -> Any:
    """Return an estimator with the loosest tolerance by which the gradient becomes small."""
    for tol in TOLERANCES:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = make(tol).fit(X, y)
        if largest(model, X, y, lam) <= GRADIENT:
            return model
    return None


def compare(X: np.ndarray, y: np.ndarray, lam: float, what: str) -> None:
    """Print one line of the table."""
    C = 1 / (2 * len(y) * lam)
    ours = loosest(lambda tol: LogisticRegression(lam, tol=tol), X, y, lam)
    found = [
        loosest(
            lambda tol, solver=solver: linear_model.LogisticRegression(
                C=C, solver=solver, tol=tol, max_iter=MAX_ITER
            ),
            X,
            y,
            lam,
        )
        for solver in SOLVERS
    ]
    theirs = [model for model in found if model is not None]
    our_time, *times = medians([lambda m=model: m.fit(X, y) for model in (ours, *theirs)])
    best = theirs[int(np.argmin(times))]
    gradients = [largest(model, X, y, lam) for model in (ours, best)]
    print(
        f"{what:30}{lam:8.0e}{our_time:9.2f}{min(times):9.2f}{our_time / min(times):7.2f}"
        f"{gradients[0]:10.0e}{gradients[1]:10.0e}  {best.solver}"
    )


def main() -> None:
    """Print the table."""
    heads = f"{'lambda':>8}{'ours':>9}{'theirs':>9}{'ratio':>7}{'our grad':>10}{'theirs':>10}"
    print(f"{'logistic regression, ms':30}{heads}  their solver")
    with threadpool_limits(1):
        for what, (X, y) in problems().items():
            for lam in LAMS:
                compare(X, y, lam, what)


if __name__ == "__main__":
    main()
