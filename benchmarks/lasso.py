"""Measure the lasso against scikit-learn's, to the same duality gap: run ``make bench``.

Both are given centred data that they centre again, in the memory layout that each prefers, and
one thread. A time is the median of the processor's seconds over alternating runs, so that what
else runs on the machine counts as little as possible; only the ratios mean much. scikit-learn
has the faster of its ways with and without the Gram matrix.
"""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from dlmath.linear import Lasso, lambda_max, lasso_duality_gap, lasso_path
from sklearn import linear_model
from threadpoolctl import threadpool_limits

RUNS = 21
# Relative to the cost without features.
GAP = 1e-8
# In scikit-learn's cost the squares have the factor 1/2: half of ours is its tolerance.
THEIR_TOL = GAP / 2
MAX_ITER = 100_000
SIZES = ((200, 15), (500, 50), (1000, 200))
# Correlation of each feature with the one before.
CORRELATIONS = (0.0, 0.5, 0.9)
SHARES = (10, 100)
PATH = np.geomspace(1, 1e-3, 100)


def problem(n: int, p: int, correlation: float) -> tuple[np.ndarray, np.ndarray]:
    """Draw correlated features, and a target to which the first fifth of them contribute."""
    rng = np.random.default_rng(n + p)
    X = rng.standard_normal((n, p))
    for j in range(1, p):
        X[:, j] = correlation * X[:, j - 1] + np.sqrt(1 - correlation**2) * X[:, j]
    y = X[:, : p // 5] @ rng.standard_normal(p // 5) + rng.standard_normal(n)
    return X - X.mean(axis=0), y - y.mean()


def medians(*functions: Callable[[], Any]) -> list[float]:
    """Return the median milliseconds of each of several functions, run in turn."""
    seconds: list[list[float]] = [[] for _ in functions]
    for _ in range(RUNS):
        for function, own in zip(functions, seconds, strict=True):
            began = time.process_time()
            function()
            own.append(time.process_time() - began)
    return [1e3 * statistics.median(own) for own in seconds]


def report(what: str, ours: float, theirs: float, our_gap: float, their_gap: float) -> None:
    """Print one line of the table."""
    print(f"{what:32}{ours:9.2f}{theirs:9.2f}{ours / theirs:8.2f}{our_gap:12.0e}{their_gap:12.0e}")


def compare_fits(X: np.ndarray, y: np.ndarray, lam: float, what: str) -> None:
    """Time one fit of both."""
    F = np.asfortranarray(X)
    ours = Lasso(lam, tol=GAP)
    theirs = [
        linear_model.Lasso(lam / 2, tol=THEIR_TOL, max_iter=MAX_ITER, precompute=precompute)
        for precompute in (False, True)
    ]
    our_time, *their_times = medians(
        lambda: ours.fit(X, y), *(lambda model=model: model.fit(F, y) for model in theirs)
    )
    best = theirs[int(np.argmin(their_times))]
    gaps = [lasso_duality_gap(X, y, model.coef_, lam) / (y @ y / len(y)) for model in (ours, best)]
    report(what, our_time, min(their_times), *gaps)


def compare_paths(X: np.ndarray, y: np.ndarray, lams: np.ndarray, what: str) -> None:
    """Time one path of both, and compare their largest gaps."""
    F = np.asfortranarray(X)

    def ours() -> np.ndarray:
        return lasso_path(X, y, lams, tol=GAP).coefs

    def theirs(precompute: bool) -> np.ndarray:
        return linear_model.lasso_path(
            F, y, alphas=lams / 2, tol=THEIR_TOL, max_iter=MAX_ITER, precompute=precompute
        )[1].T

    ways = [lambda: theirs(False), lambda: theirs(True)]
    our_time, *their_times = medians(ours, *ways)
    gaps = [
        max(lasso_duality_gap(X, y, *point) for point in zip(coefs, lams, strict=True))
        / (y @ y / len(y))
        for coefs in (ours(), ways[int(np.argmin(their_times))]())
    ]
    report(what, our_time, min(their_times), *gaps)


def main() -> None:
    """Print the table."""
    print(f"{'lasso, ms':32}{'ours':>9}{'theirs':>9}{'ratio':>8}{'our gap':>12}{'their gap':>12}")
    warnings.simplefilter("error")
    with threadpool_limits(1):
        for n, p in SIZES:
            for correlation in CORRELATIONS:
                X, y = problem(n, p, correlation)
                largest = lambda_max(X, y)
                what = f"{n} x {p}, r = {correlation}"
                for share in SHARES:
                    compare_fits(X, y, largest / share, f"{what}, lambda_max/{share}")
                compare_paths(X, y, largest * PATH, f"{what}, path of {len(PATH)}")


if __name__ == "__main__":
    main()
