"""Measure Gaussian processes against scikit-learn's, to the same optimum: run ``make bench``.

One thread. A time is the median of the processor's seconds over alternating runs, so that what
else runs on the machine counts as little as possible; only the ratios mean much. The last column
says how far the two are apart: the likelihoods at one point, or the likelihoods of the optima.
"""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from dlmath.kernels import RBF, GaussianProcess, Kernel, Matern32, White
from sklearn.gaussian_process import GaussianProcessRegressor, kernels
from threadpoolctl import threadpool_limits

RUNS = {100: 41, 300: 15, 1000: 5}
LENGTHS = (0.7, 1.0, 1.5, 2.0)


def problem(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw a noisy smooth function of four features, to two of which it hardly answers."""
    rng = np.random.default_rng(n)
    X = rng.uniform(-2, 2, (n, 4))
    y = np.sin(2 * X[:, 0]) + 0.5 * X[:, 1] ** 2 + 0.1 * X[:, 2] + 0.2 * rng.standard_normal(n)
    return X, y - y.mean()


def medians(runs: int, *functions: Callable[[], Any]) -> list[float]:
    """Return the median milliseconds of each of several functions, run in turn."""
    seconds: list[list[float]] = [[] for _ in functions]
    for _ in range(runs):
        for function, own in zip(functions, seconds, strict=True):
            began = time.process_time()
            function()
            own.append(time.process_time() - began)
    return [1e3 * statistics.median(own) for own in seconds]


def pairs() -> list[tuple[str, Kernel, kernels.Kernel]]:
    """List kernels of ours beside the same ones of scikit-learn's."""
    return [
        ("RBF", 1.0 * RBF(1.0) + White(0.1), 1.0 * kernels.RBF(1.0) + kernels.WhiteKernel(0.1)),
        (
            "RBF, 4 lengths",
            1.0 * RBF(LENGTHS) + White(0.1),
            1.0 * kernels.RBF(LENGTHS) + kernels.WhiteKernel(0.1),
        ),
        (
            "Matern 3/2",
            1.0 * Matern32(1.0) + White(0.1),
            1.0 * kernels.Matern(1.0, nu=1.5) + kernels.WhiteKernel(0.1),
        ),
    ]


def compare(n: int, what: str, ours: Kernel, theirs: kernels.Kernel) -> None:
    """Time one likelihood with its gradient, and one whole fit, of both."""
    X, y = problem(n)
    # Neither fits here: scikit-learn's copy of the kernel is the one at which we measure.
    our_fixed = GaussianProcess(ours, optimise=False).fit(X, y)
    their_fixed = GaussianProcessRegressor(theirs, optimizer=None).fit(X, y)
    theta, their_theta = ours.theta, theirs.theta

    def one() -> float:
        return our_fixed.log_marginal_likelihood(theta, return_gradient=True)[0]

    def one_of_theirs() -> float:
        return their_fixed.log_marginal_likelihood(their_theta, eval_gradient=True)[0]

    times = medians(RUNS[n], one, one_of_theirs)
    report(f"{n}, {what}, likelihood", *times, abs(one() - one_of_theirs()))

    our_fit, their_fit = GaussianProcess(ours), GaussianProcessRegressor(theirs)
    times = medians(max(3, RUNS[n] // 10), lambda: our_fit.fit(X, y), lambda: their_fit.fit(X, y))
    apart = our_fit.log_marginal_likelihood_ - their_fit.log_marginal_likelihood_value_
    report(f"{n}, {what}, fit", *times, abs(apart))


def report(what: str, ours: float, theirs: float, apart: float) -> None:
    """Print one line of the table."""
    print(f"{what:38}{ours:9.1f}{theirs:9.1f}{ours / theirs:8.2f}{apart:10.0e}", flush=True)


def main() -> None:
    """Print the table."""
    print(f"{'Gaussian process, ms':38}{'ours':>9}{'theirs':>9}{'ratio':>8}{'apart':>10}")
    # Both stop where a length of a feature that does not matter reaches its bound.
    warnings.simplefilter("ignore")
    with threadpool_limits(1):
        for n in RUNS:
            for what, ours, theirs in pairs():
                compare(n, what, ours, theirs)


if __name__ == "__main__":
    main()
