"""Figures to move of the chapter on wide networks: random ones, and a trained one."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dlmath.interactive._base import draw_still
from dlmath.interactive._computed import ComputedPlot, _check_count, _slider
from dlmath.interactive._random import lehmer_normals
from dlmath.tangent_kernel import TwoLayerNetwork, relu_covariance

COUNT, SHOWN, DRAWS = 400, 8, 20
WIDEST, TRAINED = 1000, 512
SCALES, TIMES, PLACES = (0.1, 10.0), (0.5, 500.0), (-3.0, 3.0)
FIRST = -1.0
# A tent that bends at -0.4, 0.1 and 0.6.
X = np.linspace(-1, 1, 9)
Y = np.array([-0.4, -0.4, -0.4, -0.04, 0.56, 0.44, -0.16, -0.4, -0.4])
STILL_SIZE = (7.2, 3.6)


def _with_ones(x: np.ndarray) -> np.ndarray:
    return np.column_stack([x, np.ones(len(x))])


def _outputs(m: int, draw: int, count: int, x: np.ndarray) -> np.ndarray:
    """Give the outputs of the page's random networks at x: shape (count, len(x))."""
    units = lehmer_normals(7919 * draw + 1, 3 * m * count).reshape(count, m, 3)
    signs = np.where(units[:, :, 2] > 0, 1.0, -1.0)
    fired = np.maximum(units[:, :, :2] @ _with_ones(x).T, 0)
    return np.einsum("km,kmp->kp", signs, fired) / np.sqrt(m)


def random_wide_networks(
    *,
    m: int = 3,
    place: float = 1.5,
    draw: int = 1,
    alt: str,
    height: tuple[int, int] = (920, 560),
) -> ComputedPlot:
    """Random rectifier networks of one variable beside the Gaussian process of infinite width.

    Parameters
    ----------
    m : int, default=3
        Number of hidden units at the beginning, 1 to 1000.
    place : float, default=1.5
        The second of the two marked places at the beginning, -3 to 3; the first is -1.
    draw : int, default=1
        Which draw is shown at the beginning, 1 to 20.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    m = _check_count("m", m, 1, WIDEST)
    draw = _check_count("draw", draw, 1, DRAWS)
    if not PLACES[0] <= place <= PLACES[1]:
        raise ValueError(f"place must lie between {PLACES[0]:g} and {PLACES[1]:g}, got {place!r}")

    def draw_first(figure: Figure) -> None:
        """Draw the first state."""
        curves, cloud = figure.subplots(1, 2)
        x = np.linspace(-3, 3, 121)
        width = 1.96 * np.sqrt(np.diag(relu_covariance(_with_ones(x))))
        curves.fill_between(x, -width, width, color="C5", alpha=0.25, linewidth=0)
        curves.plot(x, _outputs(m, draw, SHOWN, x).T, linewidth=1.2)
        curves.set(xlabel="input x", ylabel="output f(x)", ylim=(-5.5, 5.5))
        two = np.array([FIRST, place])
        K = relu_covariance(_with_ones(two)) + 1e-12 * np.eye(2)
        pairs = _outputs(m, draw, COUNT, two)
        turn = np.linspace(0, 2 * np.pi, 97)
        ellipse = np.linalg.cholesky(K) @ np.array([np.cos(turn), np.sin(turn)]) * np.sqrt(5.9915)
        cloud.plot(*pairs.T, "o", color="C0", markersize=1.5, rasterized=True)
        cloud.plot(*ellipse, color="C1")
        limits = 2.2 * np.sqrt(5.9915 * np.diag(K) / 4)
        cloud.set(xlim=(-limits[0], limits[0]), ylim=(-limits[1], limits[1]))
        cloud.set(xlabel="f at the first place", ylabel="f at the second place")

    controls = [
        _slider("m", "width m", 1, WIDEST, m, log=True, integer=True),
        _slider("place", "second place", *PLACES, float(place), step=0.1, digits=2),
        _slider("draw", "draw", 1, DRAWS, draw, step=1, integer=True),
        {"type": "button", "name": "another", "label": "Draw again"},
    ]
    return ComputedPlot(
        "wide-random",
        {"count": COUNT, "shown": SHOWN, "most": DRAWS},
        controls,
        still=draw_still(draw_first, STILL_SIZE),
        alt=alt,
        height=height,
    )


def _network(m: int, scale: float, draw: int) -> TwoLayerNetwork:
    """Give the network that the page begins with."""
    network = TwoLayerNetwork(2, m, scale=scale)
    network.W = np.tile(lehmer_normals(7919 * draw + 1, m).reshape(m // 2, 2), (2, 1))
    return network


def _step(network: TwoLayerNetwork) -> float:
    """Give the learning rate of the page: 0.4 n over the trace of the kernel."""
    kernel = network.tangent_kernel(_with_ones(X)) / network.scale**2
    return float(0.4 * len(X) / np.trace(kernel))


def lazy_training(
    *,
    m: int = 64,
    scale: float = 1.0,
    tau: float = 200.0,
    draw: int = 1,
    alt: str,
    height: tuple[int, int] = (980, 600),
) -> ComputedPlot:
    """Train a rectifier network in the page, beside its own linearisation.

    Parameters
    ----------
    m : int, default=64
        Number of hidden units at the beginning, even, 2 to 512.
    scale : float, default=1.0
        The factor before the network at the beginning, 0.1 to 10.
    tau : float, default=200.0
        Time of training at the beginning, 0.5 to 500.
    draw : int, default=1
        Which start is shown at the beginning, 1 to 20.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    m = _check_count("m", m, 2, TRAINED)
    if m % 2:
        raise ValueError(f"m must be even, got {m}")
    draw = _check_count("draw", draw, 1, DRAWS)
    for name, value, (low, high) in (("scale", scale, SCALES), ("tau", tau, TIMES)):
        if not low <= value <= high:
            raise ValueError(f"{name} must lie between {low:g} and {high:g}, got {value!r}")
    data: dict[str, Any] = {
        "x": X.tolist(),
        "y": Y.tolist(),
        "ylim": [-0.8, 1.0],
        "bend": 4.0,
        "most": DRAWS,
    }

    def draw_first(figure: Figure) -> None:
        """Draw the first state."""
        fit, kinks = figure.subplots(1, 2)
        network, start = _network(m, scale, draw), _network(m, scale, draw)
        eta = _step(network)
        steps = round(tau / eta)
        network.descend(_with_ones(X), Y, eta, steps)
        grid = np.linspace(-1.25, 1.25, 121)
        kernel = start.tangent_kernel(_with_ones(X)) / scale**2
        powers = np.linalg.matrix_power(np.eye(len(X)) - 2 * eta / len(X) * kernel, steps)
        weights = np.linalg.lstsq(kernel, Y - powers @ Y, rcond=1e-13)[0]
        cross = start.tangent_kernel(_with_ones(grid), _with_ones(X)) / scale**2
        fit.plot(grid, cross @ weights, "--", color="C1")
        fit.plot(grid, network.forward(_with_ones(grid)), color="C0")
        fit.plot(X, Y, "o", color="C5")
        fit.set(xlabel="input x", ylabel="output f(x)", ylim=(-0.8, 1.0))
        for units, style in ((start, {"mfc": "none", "color": "C5"}), (network, {"color": "C0"})):
            bends = units.a * np.abs(units.W[:, 0])
            kinks.plot(-units.W[:, 1] / units.W[:, 0], bends, "o", markersize=4, **style)
        kinks.set(xlabel="place of a unit's kink", ylabel="its bend", xlim=(-1.6, 1.6))
        kinks.set_ylim(-4, 4)

    controls = [
        _slider("tau", "time τ", *TIMES, float(tau), log=True),
        _slider("m", "width m", 2, TRAINED, m, log=True, integer=True),
        _slider("scale", "scale α", *SCALES, float(scale), log=True),
        _slider("draw", "draw", 1, DRAWS, draw, step=1, integer=True),
        {"type": "button", "name": "another", "label": "Draw again"},
        {"type": "button", "name": "meanField", "label": "Set α to one over the root of m"},
    ]
    return ComputedPlot(
        "lazy-training",
        data,
        controls,
        still=draw_still(draw_first, STILL_SIZE),
        alt=alt,
        height=height,
    )
