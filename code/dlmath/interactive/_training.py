"""Figures to move of the chapter on training: signals through the layers, and the learning rate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy.special import expit

from dlmath.interactive._base import check_between, draw_still
from dlmath.interactive._computed import ComputedPlot, _check_count, _select, _slider
from dlmath.interactive._random import lehmer_normals

SAMPLES = 16
DEPTHS, WIDTHS, SCALES, DRAWS = (2, 30), (8, 128), (0.1, 16.0), (1, 9)
RIDGES, BINS = 5, 40
RATES, SHOWN, DIRECTIONS, LARGEST = (1e-3, 10.0), (1e-5, 1e3), 24, 10.0

Function = Callable[[np.ndarray], np.ndarray]
ACTIVATIONS: dict[str, tuple[Function, Function, tuple[float, float]]] = {
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2, (-1, 1)),
    "relu": (lambda z: np.maximum(z, 0), lambda z: (z > 0).astype(float), (0, 4)),
    "sigmoid": (expit, lambda z: expit(z) * expit(-z), (0, 1)),
    "identity": (lambda z: z, np.ones_like, (-4, 4)),
}


def _signals(
    activation: str, depth: int, width: int, scale: float, draw: int
) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Return the activations, and the mean squares of Z forwards and of dC/dA backwards."""
    value, slope, _ = ACTIVATIONS[activation]
    inputs = SAMPLES * width
    numbers = lehmer_normals(7919 * draw, 2 * inputs + depth * width**2)
    weights = np.sqrt(scale / width) * numbers[2 * inputs :].reshape(depth, width, width)
    As, Zs = [numbers[:inputs].reshape(SAMPLES, width)], []
    for W in weights:
        Zs.append(As[-1] @ W)
        As.append(value(Zs[-1]))
    G = numbers[inputs : 2 * inputs].reshape(SAMPLES, width)
    backwards = [np.mean(G**2)]
    for W, Z in zip(weights[::-1], Zs[::-1], strict=True):
        G = (G * slope(Z)) @ W.T
        backwards.append(np.mean(G**2))
    return As, np.array([np.mean(Z**2) for Z in Zs]), np.array(backwards[::-1])


def _expected(
    activation: str, depth: int, scale: float, square: float, last: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return what wide layers do to the same two mean squares."""
    from dlmath.training import gradient_factor, variance_profile

    q = variance_profile(activation, depth, scale * square, weights=scale)
    factors = gradient_factor(activation, q, weights=scale)
    return q, last * np.append(np.cumprod(factors[::-1])[::-1], 1.0)


def signals_by_depth(
    *,
    activation: str = "tanh",
    depth: int = 12,
    width: int = 64,
    scale: float = 0.4,
    alt: str,
    height: tuple[int, int] = (1280, 860),
) -> ComputedPlot:
    """Show histograms of the activations by depth, and mean squares forwards and backwards.

    A network without biases whose weights are normal with the variance ``scale`` over the width,
    at sixteen normal inputs. The gradient starts with normal numbers at
    the last layer. Beside what the random weights do stands what the theory of wide layers says.

    Parameters
    ----------
    activation : {"tanh", "relu", "sigmoid", "identity"}, default="tanh"
    depth : int, default=12
        Number of layers at the beginning, from 2 to 30.
    width : int, default=64
        Units of each layer, from 8 to 128.
    scale : float, default=0.4
        The width times the variance of a weight, from 0.1 to 16.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    if activation not in ACTIVATIONS:
        raise ValueError(f"activation must be one of {', '.join(ACTIVATIONS)}, got {activation!r}")
    depth = _check_count("depth", depth, *DEPTHS)
    width = _check_count("width", width, *WIDTHS)
    scale = check_between("scale", scale, SCALES)

    def draw(figure: Figure) -> None:
        As, forwards, backwards = _signals(activation, depth, width, scale, 1)
        q, gradients = _expected(
            activation, depth, scale, float(np.mean(As[0] ** 2)), float(backwards[-1])
        )
        axes = figure.subplot_mosaic([["ridges", "ridges"], ["forwards", "backwards"]])
        _draw_ridges(axes["ridges"], As, activation, depth)
        layers = np.arange(1, depth + 1)
        for name, at, found, theory in (
            ("forwards", layers, forwards, q),
            ("backwards", np.append(0, layers), backwards, gradients),
        ):
            axes[name].semilogy(at, theory, color="C1", label="theory")
            axes[name].plot(at, found, "o", color="C0", markersize=4, label="measured")
            axes[name].set(xlabel="layer")
            axes[name].legend()
        axes["forwards"].set(ylabel="mean square of z")
        axes["backwards"].set(ylabel="mean square of dC/da")

    controls = [
        _select("activation", "activation", ACTIVATIONS, activation),
        _slider("scale", "scale c of the weights", *SCALES, scale, log=True),
        _slider("depth", "depth", *DEPTHS, depth, step=1, integer=True),
        _slider("width", "width", *WIDTHS, width, step=8, integer=True),
        _slider("draw", "draw", *DRAWS, 1, step=1, integer=True),
        {"type": "button", "name": "one", "label": "Glorot, c = 1"},
        {"type": "button", "name": "he", "label": "He, c = 2"},
    ]
    return ComputedPlot(
        "signal-depth",
        {"samples": SAMPLES},
        controls,
        still=draw_still(draw, (7.2, 5.4)),
        alt=alt,
        height=height,
    )


def _draw_ridges(axes: Any, As: list[np.ndarray], activation: str, depth: int) -> None:
    """Draw histograms of some layers above one another, each to the same height."""
    low, high = ACTIVATIONS[activation][2]
    layers = np.unique(np.linspace(1, depth, min(RIDGES, depth)).round().astype(int))[::-1]
    edges = np.linspace(low, high, BINS + 1)
    for row, layer in enumerate(layers):
        values = As[layer].ravel()
        if activation == "relu":
            values = values[values != 0]
        counts, _ = np.histogram(np.clip(values, low, high), edges)
        axes.stairs(row + 0.85 * counts / max(counts.max(), 1), edges, baseline=row, color="C0")
    axes.set(yticks=range(len(layers)), yticklabels=layers, xlabel="activation", ylabel="layer")


def learning_rate_search(
    *,
    condition: float = 100.0,
    k: int = 30,
    ramp: int = 100,
    alt: str,
    height: tuple[int, int] = (900, 520),
) -> ComputedPlot:
    """Show the cost against the learning rate on a quadratic, and a range test on the same one.

    The Hessian matrix has 24 eigenvalues with equal ratios, the largest is 10; every direction
    begins with the same share of the cost.

    Parameters
    ----------
    condition : float, default=100.0
        Ratio of the largest to the smallest eigenvalue at the beginning, from 1 to 10,000.
    k : int, default=30
        Steps with a constant rate, from 1 to 1000.
    ramp : int, default=100
        Steps of the range test, from 20 to 1000.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    condition = check_between("condition", condition, (1, 1e4))
    k = _check_count("k", k, 1, 1000)
    ramp = _check_count("ramp", ramp, 20, 1000)
    data = {
        "L": LARGEST,
        "directions": DIRECTIONS,
        "rates": list(RATES),
        "points": 241,
        "shown": list(SHOWN),
    }

    def draw(figure: Figure) -> None:
        h = np.geomspace(LARGEST / condition, LARGEST, DIRECTIONS)
        constant, rising = np.geomspace(*RATES, 241), np.geomspace(*RATES, ramp)
        left, right = figure.subplots(1, 2)
        left.loglog(constant, np.mean((1 - constant[:, None] * h) ** (2 * k), axis=1))
        factors = np.cumprod((1 - rising[:, None] * h) ** 2, axis=0)
        right.loglog(rising, np.append(1, factors.mean(axis=1)[:-1]))
        for axes in (left, right):
            axes.axvline(2 / LARGEST, color="C1", linestyle="--")
            axes.set(ylim=SHOWN)
        left.set(xlabel="learning rate η, constant", ylabel=f"cost after {k} steps")
        right.set(xlabel="learning rate η, rising", ylabel="cost in the range test")

    controls = [
        _slider("condition", "condition number L/μ", 1, 1e4, condition, log=True),
        _slider("k", "steps k with a constant rate", 1, 1000, k, log=True, integer=True),
        _slider("ramp", "steps of the range test", 20, 1000, ramp, log=True, integer=True),
    ]
    return ComputedPlot(
        "learning-rate", data, controls, still=draw_still(draw), alt=alt, height=height
    )
