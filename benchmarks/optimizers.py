"""Measure one step of each method beside torch's: run ``make bench``.

Torch's steps are measured as it makes them unasked, and fused where it can. All have the same
parameters and gradients, and one thread; ours includes its checks of the gradients. The parameters
are those of a network of six arrays, or one array. A time is the median of the processor's seconds
over alternating runs of many steps; only the ratios mean much. Before that, the methods are
compared on what they compute: after 1,000 steps the parameters agree.

L-BFGS is measured on a quadratic with condition number 1,000, all with ten pairs of memory and a
line search for the strong Wolfe conditions: ten iterations, and the evaluations that they take.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from dlmath import optimizers
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

RUNS = 9
# Shapes of the arrays, and steps in a run.
SIZES: dict[str, tuple[list[tuple[int, ...]], int]] = {
    "1e3, one array": ([(1000,)], 2000),
    "1e3, six arrays": ([(16, 24), (24,), (24, 23), (23,), (23, 1), (1,)], 1000),
    "1e6, one array": ([(1_000_000,)], 5),
    "1e6, six arrays": ([(784, 750), (750,), (750, 540), (540,), (540, 10), (10,)], 5),
}
AIMED_AT = "1e3"
METHODS: dict[str, tuple[Callable[[], Any], Callable[..., Any], bool]] = {
    "GradientDescent": (
        lambda: optimizers.GradientDescent(1e-3),
        lambda p, **kw: torch.optim.SGD(p, 1e-3, **kw),
        True,
    ),
    "Momentum": (
        lambda: optimizers.Momentum(1e-3),
        lambda p, **kw: torch.optim.SGD(p, 1e-3, momentum=0.9, **kw),
        True,
    ),
    "Nesterov": (
        lambda: optimizers.Nesterov(1e-3),
        lambda p, **kw: torch.optim.SGD(p, 1e-3, momentum=0.9, nesterov=True, **kw),
        True,
    ),
    "AdaGrad": (optimizers.AdaGrad, torch.optim.Adagrad, True),
    "RMSprop": (optimizers.RMSprop, torch.optim.RMSprop, False),
    "Adam": (optimizers.Adam, torch.optim.Adam, True),
    "AMSGrad": (
        optimizers.AMSGrad,
        lambda p, **kw: torch.optim.Adam(p, amsgrad=True, **kw),
        True,
    ),
    "AdamW": (optimizers.AdamW, torch.optim.AdamW, True),
}


def draw(shapes: list[tuple[int, ...]], dtype: type) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Draw parameters and gradients."""
    rng = np.random.default_rng(0)

    def normal() -> list[np.ndarray]:
        return [rng.standard_normal(shape).astype(dtype) for shape in shapes]

    return normal(), normal()


def ours(method: str, shapes: list[tuple[int, ...]], steps: int, dtype: type) -> Callable[[], Any]:
    """Return a function that makes so many of our steps, and returns the parameters."""
    parameters, gradients = draw(shapes, dtype)
    optimizer = METHODS[method][0]()

    def run() -> list[np.ndarray]:
        for _ in range(steps):
            optimizer.step(parameters, gradients)
        return parameters

    return run


def torchs(
    method: str, shapes: list[tuple[int, ...]], steps: int, dtype: type, *, fused: bool
) -> Callable[[], Any]:
    """Return a function that makes so many of torch's steps, and returns the parameters."""
    drawn, gradients = draw(shapes, dtype)
    parameters = [torch.tensor(array, requires_grad=True) for array in drawn]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = torch.tensor(gradient)
    optimizer = METHODS[method][1](parameters, **({"fused": True} if fused else {}))

    def run() -> list[np.ndarray]:
        for _ in range(steps):
            optimizer.step()
        return [parameter.detach().numpy() for parameter in parameters]

    return run


def agree(method: str) -> float:
    """Return by how much the parameters differ after 1,000 steps, in shares of their norm."""
    shapes, _ = SIZES["1e3, six arrays"]
    pairs = zip(
        ours(method, shapes, 1000, np.float64)(),
        torchs(method, shapes, 1000, np.float64, fused=False)(),
        strict=True,
    )
    return max(float(np.linalg.norm(a - b) / np.linalg.norm(b)) for a, b in pairs)


def medians(functions: list[Callable[[], Any]]) -> list[float]:
    """Return the median seconds of each of several functions, run in turn."""
    seconds: list[list[float]] = [[] for _ in functions]
    for _ in range(RUNS):
        for function, own in zip(functions, seconds, strict=True):
            began = time.process_time()
            function()
            own.append(time.process_time() - began)
    return [statistics.median(own) for own in seconds]


def compare(name: str, method: str, dtype: type) -> None:
    """Print one line of the table."""
    shapes, steps = SIZES[name]
    kinds = (False, True) if METHODS[method][2] else (False,)
    runs = [ours(method, shapes, steps, dtype)]
    runs += [torchs(method, shapes, steps, dtype, fused=fused) for fused in kinds]
    step, *theirs = (1e6 * seconds / steps for seconds in medians(runs))
    cells = [f"{t:10.1f}" for t in theirs] + ["         -"] * (2 - len(theirs))
    ratios = [f"{step / t:10.2f}" for t in theirs] + ["         -"] * (2 - len(theirs))
    aim = "1.0" if name.startswith(AIMED_AT) else "-"
    what = f"{method}, {name}, {np.dtype(dtype).name}"
    print(f"{what:42}{step:10.1f}{''.join(cells)}{''.join(ratios)}{aim:>6}")


def lbfgs_runs(n: int) -> dict[str, Callable[[], tuple[float, int]]]:
    """Return functions that make ten iterations, and return the cost and the evaluations."""
    nu, start = np.geomspace(1, 1000, n), np.ones(n)

    def cost(x: np.ndarray) -> float:
        return float(nu @ (x * x)) / 2

    def own() -> tuple[float, int]:
        found = optimizers.lbfgs(cost, lambda x: nu * x, start, tol=1e-12, max_iter=10)
        return found.fun, found.nfev

    def torchs_own() -> tuple[float, int]:
        x, weights, calls = torch.tensor(start, requires_grad=True), torch.tensor(nu), [0]
        optimizer = torch.optim.LBFGS(
            [x],
            max_iter=10,
            history_size=10,
            tolerance_grad=0,
            tolerance_change=0,
            line_search_fn="strong_wolfe",
        )

        def closure() -> float:
            calls[0] += 1
            x.grad = weights * x.detach()
            return float(weights @ (x.detach() * x.detach())) / 2

        optimizer.step(closure)  # type: ignore[no-untyped-call]
        return cost(x.detach().numpy()), calls[0]

    def scipys() -> tuple[float, int]:
        found = minimize(
            cost,
            start,
            jac=lambda x: nu * x,
            method="L-BFGS-B",
            options={"maxiter": 10, "maxcor": 10, "gtol": 0, "ftol": 0},
        )
        return float(found.fun), found.nfev

    return {"ours": own, "torch": torchs_own, "scipy": scipys}


def compare_lbfgs(n: int) -> None:
    """Print the lines of one size."""
    runs = lbfgs_runs(n)
    seconds = dict(zip(runs, medians(list(runs.values())), strict=True))
    for name, run in runs.items():
        value, evaluations = run()
        print(
            f"{f'L-BFGS, {n:.0e}, {name}':42}{1e5 * seconds[name]:10.1f}"
            f"{seconds['ours'] / seconds[name]:10.2f}{evaluations:10d}{value:14.3e}"
        )


def main() -> None:
    """Print the tables."""
    torch.set_num_threads(1)
    heads = "".join(f"{head:>10}" for head in ("ours", "torch", "fused", "/ torch", "/ fused"))
    with threadpool_limits(1):
        apart = max(agree(method) for method in METHODS)
        print(f"After 1,000 steps our parameters and torch's differ by {apart:.0e} of them.\n")
        print(f"{'one step, microseconds':42}{heads}{'aim':>6}")
        for name in SIZES:
            for dtype in (np.float64, np.float32):
                for method in METHODS:
                    compare(name, method, dtype)
        heads = "".join(f"{head:>10}" for head in ("time", "ours /", "evals"))
        print(f"\n{'one of ten iterations, microseconds':42}{heads}{'cost':>14}")
        for n in (1000, 1_000_000):
            compare_lbfgs(n)


if __name__ == "__main__":
    main()
