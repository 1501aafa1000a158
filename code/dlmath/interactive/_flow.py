"""The figure to move of the chapter on flows: a grid that a trained flow warps, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from scipy.special import expit

from dlmath.interactive._base import check_vector, draw_still, float16_text
from dlmath.interactive._computed import ComputedPlot, _select, _slider

BOUND = 3.0
VIEW = 3.2
SHOWN = ("grid and circles", "samples")


def _check_layer(k: int, layer: Any) -> tuple[int, list[tuple[np.ndarray, np.ndarray]]]:
    kept, network = layer
    if kept not in (0, 1):
        raise ValueError(f"layers: layer {k} must keep variable 0 or 1, got {kept!r}")
    inputs, checked = 1, []
    for W, b in network:
        W, b = np.asarray(W, dtype=float), np.asarray(b, dtype=float)
        if W.ndim != 2 or W.shape[1] != inputs or b.shape != (W.shape[0],):
            raise ValueError(
                f"layers: in layer {k} weights of shape {W.shape} and biases of shape {b.shape} "
                f"do not follow {inputs} inputs"
            )
        inputs = W.shape[0]
        checked.append((W, b))
    if inputs != 2:
        raise ValueError(
            f"layers: layer {k} must end with a scale and a shift, got {inputs} outputs"
        )
    return int(kept), checked


def _rounded(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float16).astype(float)


def unwarp(
    layers: Sequence[Any], mean: np.ndarray, scale: np.ndarray, z: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Map points of the base to the data, with the log-determinant of this map.

    Parameters
    ----------
    layers : sequence of (kept, network)
        As for `flow_warp`; the weights are rounded to half precision.
    mean, scale : ndarray of shape (2,)
        Units of the data.
    z : ndarray of shape (n, 2)
        Points.

    Returns
    -------
    x : ndarray of shape (n, 2)
    log_det : ndarray of shape (n,)
    """
    x, log_det = z.copy(), np.full(len(z), np.log(scale).sum())
    for kept, network in reversed(layers):
        a = x[:, [kept]]
        for k, (W, b) in enumerate(network):
            a = a @ _rounded(np.asarray(W)).T + _rounded(np.asarray(b))
            if k < len(network) - 1:
                a = a * expit(a)
        s = BOUND * np.tanh(a[:, 0] / BOUND)
        x[:, 1 - kept] = (x[:, 1 - kept] - a[:, 1]) * np.exp(-s)
        log_det -= s
    return x * scale + mean, log_det


def flow_warp(
    layers: Sequence[tuple[int, Sequence[tuple[Any, Any]]]],
    mean: Any,
    scale: Any,
    *,
    means: Any,
    sd: float,
    x: Sequence[float] = (2.0, 0.0),
    alt: str,
    height: tuple[int, int] = (1160, 620),
) -> ComputedPlot:
    """Warp a grid, two circles and samples of the base by a trained flow of affine couplings.

    The reader moves along the layers and drags a point of the data, and reads its image in the
    base and the log-determinant. Half a layer is a coupling layer too, so that the picture moves
    without jumps.

    Parameters
    ----------
    layers : sequence of (kept, network)
        In the order from the data to the base: which of the two variables a layer keeps, and the
        weights and biases of its network, as pairs of shape (outputs, inputs) and (outputs,), with
        SiLU between them and the unbounded log-scale and the shift at the end.
    mean, scale : array-like of shape (2,)
        Units of the data: the flow begins with ``(x - mean) / scale``.
    means : array-like of shape (n, 2)
        Centres of the Gaussians from which the data come.
    sd : float
        Their standard deviation.
    x : (float, float), default=(2, 0)
        The point at the beginning.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    checked = [_check_layer(k, layer) for k, layer in enumerate(layers)]
    if not checked:
        raise ValueError("layers must not be empty")
    # Rounded as the weights are in the shipped file, so that nothing is lost here.
    mean, scale = check_vector("mean", mean, 2), check_vector("scale", scale, 2)
    if (scale <= 0).any():
        raise ValueError("scale must be positive")
    centres = np.asarray(means, dtype=float)
    if centres.ndim != 2 or centres.shape[1] != 2 or not np.isfinite(centres).all():
        raise ValueError(f"means must have the shape (n, 2), got {centres.shape}")
    start = check_vector("x", x, 2)
    if (np.abs(start) > VIEW).any():
        raise ValueError(f"x must lie within {VIEW} of the origin, got {start.tolist()}")
    data = {
        "layers": [
            {
                "kept": kept,
                "network": [
                    {
                        "W": float16_text(W),
                        "b": float16_text(b),
                        "activation": "silu" if k < len(network) - 1 else "identity",
                    }
                    for k, (W, b) in enumerate(network)
                ],
            }
            for kept, network in checked
        ],
        "mean": mean.tolist(),
        "scale": scale.tolist(),
        "means": centres.round(6).tolist(),
        "sd": float(check_vector("sd", [sd])[0]),
    }
    total = len(checked) + 1

    def draw(figure: Figure) -> None:
        """Draw the grid where the flow has brought it, and samples."""
        left, right = figure.subplots(1, 2)
        ends = np.linspace(-3, 3, 121)
        for fixed in np.linspace(-3, 3, 13):
            line = np.column_stack([np.full(121, fixed), ends])
            for curve in (line, line[:, ::-1]):
                left.plot(*unwarp(checked, mean, scale, curve)[0].T, color="C5", lw=0.6)
        angle = np.linspace(0, 2 * np.pi, 193)
        for r in (1, 2):
            ring = r * np.column_stack([np.cos(angle), np.sin(angle)])
            left.plot(*unwarp(checked, mean, scale, ring)[0].T, color="C0")
        normal = np.random.default_rng(0).standard_normal((250, 2))
        right.plot(*unwarp(checked, mean, scale, normal)[0].T, "o", color="C0", markersize=2)
        for centre in centres:
            right.add_patch(Circle(centre, 2 * sd, fill=False, color="C5"))
        for axes in (left, right):
            axes.set(xlim=(-VIEW, VIEW), ylim=(-VIEW, VIEW), aspect="equal", xlabel="$x_1$")
        right.set(ylabel="$x_2$")

    controls = [
        _slider("layers", "layers from the base", 0, total, float(total), step=0.05),
        {"type": "play", "name": "play", "label": "Warp", "slider": "layers", "seconds": 9},
        _select("show", "Show", SHOWN, SHOWN[0]),
        {
            "type": "point",
            "name": "x",
            "label": "x",
            "panel": 1,
            "min": [-VIEW, -VIEW],
            "max": [VIEW, VIEW],
            "value": start.tolist(),
            "color": 2,
        },
    ]
    return ComputedPlot("flow-warp", data, controls, still=draw_still(draw), alt=alt, height=height)
