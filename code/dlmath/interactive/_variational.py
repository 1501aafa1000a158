"""Figures to move of the chapter on variational autoencoders."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.polynomial.hermite_e import hermegauss
from scipy.special import expit

from dlmath.interactive._base import check_vector, draw_still, float16_text
from dlmath.interactive._computed import ComputedPlot, _select, _slider

NOISE = 0.5
DECODERS = {"x = z + noise": lambda z: z, "x = z²/2 + noise": lambda z: z**2 / 2}


def _log_normal(x: Any, mean: Any, sd: float) -> Any:
    return -(((x - mean) / sd) ** 2) / 2 - np.log(sd * np.sqrt(2 * np.pi))


def elbo_gap(
    *,
    decoder: str = "x = z²/2 + noise",
    x: float = 1.5,
    mean: float = 0.5,
    sd: float = 0.6,
    alt: str,
    height: tuple[int, int] = (1080, 620),
) -> ComputedPlot:
    """Show one datum, one latent, and a Gaussian q that the reader moves: log p(x) = ELBO + KL.

    The prior is standard normal, the noise has the standard deviation 1/2.

    Parameters
    ----------
    decoder : {"x = z + noise", "x = z²/2 + noise"}
        The mean of x given z.
    x : float, default=1.5
        The datum at the beginning, from -1 to 3.
    mean, sd : float
        Of q at the beginning: from -3 to 3, and from 0.1 to 1.5.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    if decoder not in DECODERS:
        raise ValueError(f"decoder must be one of {', '.join(DECODERS)}, got {decoder!r}")
    check_vector("x, mean and sd", [x, mean, sd])
    g = DECODERS[decoder]

    def draw(figure: Figure) -> None:
        """Draw the first state; the bounds by Gauss quadrature."""
        left, right = figure.subplots(1, 2)
        z = np.linspace(-3.6, 3.6, 400)
        joint = np.exp(_log_normal(x, g(z), NOISE) + _log_normal(z, 0, 1))
        wide = np.linspace(-10, 10, 4001)
        evidence = np.trapezoid(
            np.exp(_log_normal(x, g(wide), NOISE) + _log_normal(wide, 0, 1)), wide
        )
        left.plot(z, np.exp(_log_normal(z, 0, 1)), ":", color="C5")
        left.plot(z, joint / evidence, color="C2")
        left.plot(z, np.exp(_log_normal(z, mean, sd)), color="C1")
        left.set(xlabel="latent z", ylabel="density", ylim=(0, 1.5))
        nodes, weights = hermegauss(40)
        means = np.linspace(-3, 3, 73)
        at = means[:, None] + sd * nodes
        bound = _log_normal(x, g(at), NOISE) @ weights / np.sqrt(2 * np.pi)
        bound = bound - (means**2 + sd**2 - 1) / 2 + np.log(sd)
        right.axhline(np.log(evidence), ls="--", color="C2")
        right.plot(means, bound, color="C1")
        right.plot([mean] * 2, [np.interp(mean, means, bound), np.log(evidence)], color="C4", lw=3)
        right.set(xlabel="mean m of q, at this width", ylabel="nats", xlim=(-3, 3))
        right.set(ylim=(np.log(evidence) - 6, np.log(evidence) + 1.5))

    controls = [
        _select("decoder", "Decoder", DECODERS, decoder),
        _slider("x", "datum x", -1, 3, float(x), step=0.05),
        _slider("m", "mean m of q", -3, 3, float(mean), step=0.02),
        _slider("s", "width of q", 0.1, 1.5, float(sd), log=True),
        {"type": "button", "name": "best", "label": "Uphill from here"},
    ]
    return ComputedPlot("elbo-gap", {}, controls, still=draw_still(draw), alt=alt, height=height)


def latent_plane(
    layers: Any,
    codes: Any,
    images: Any,
    labels: Any,
    *,
    levels: int = 17,
    reach: float = 3.5,
    start: tuple[float, float] = (0.0, 0.0),
    alt: str,
    height: tuple[int, int] = (1080, 620),
) -> ComputedPlot:
    """Decode the point of a latent plane where the reader is, among the codes of held-out digits.

    Parameters
    ----------
    layers : sequence of (W, b, activation)
        The decoder, ``W`` of shape (outputs, inputs) as in torch; its last outputs are centres and
        log-scales of 64 discretised logistic pixels. Sent in half precision.
    codes : array-like of shape (n, 2)
        Where the encoder puts held-out digits.
    images : array-like of shape (n, 64)
        Their levels.
    labels : array-like of shape (n,)
        Their classes, 0 to 9.
    levels : int, default=17
        Number of grey levels, at most 26.
    reach : float, default=3.5
        Half an edge of the plane.
    start : (float, float)
        The point that is decoded at the beginning.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    arrays = [(np.asarray(W, dtype=float), np.asarray(b, dtype=float), a) for W, b, a in layers]
    if arrays[0][0].shape[1] != 2 or len(arrays[-1][1]) != 128:
        raise ValueError("layers must lead from 2 latents to 128 outputs")
    places, pixels = np.asarray(codes, dtype=float), np.asarray(images)
    kinds = np.asarray(labels)
    if places.shape != (len(kinds), 2) or pixels.shape != (len(kinds), 64):
        raise ValueError("codes, images and labels must have n rows, of 2, 64 and 1 numbers")
    if not 2 <= levels <= 26 or not np.isin(pixels, np.arange(levels)).all():
        raise ValueError(f"images must hold integers from 0 to levels - 1, got levels={levels!r}")
    first = check_vector("start", start, 2)
    data = {
        "layers": [
            {"W": float16_text(W), "b": float16_text(b), "activation": a} for W, b, a in arrays
        ],
        "codes": places.round(2).tolist(),
        "labels": [str(kind) for kind in kinds],
        "images": "".join(chr(97 + int(value)) for value in pixels.ravel()),
        "levels": int(levels),
        "reach": float(reach),
    }

    def draw(figure: Figure) -> None:
        plane, shown = figure.subplots(1, 2, width_ratios=(2, 1))
        for kind in range(10):
            here = places[kinds == kind]
            plane.plot(*here.T, ls="", marker=f"${kind}$", ms=4.5, mew=0.2, color=f"C{kind % 6}")
        plane.plot(*first, "o", color="C1", ms=9)
        plane.set(xlabel="latent z₁", ylabel="latent z₂", xlim=(-reach, reach))
        plane.set(ylim=(-reach, reach))
        shown.imshow(_mean_picture(arrays, first, levels), cmap="gray_r", vmin=0, vmax=levels - 1)
        shown.set(title="decoded here", xticks=[], yticks=[])
        shown.grid(visible=False)

    controls = [
        {
            "type": "point",
            "name": "z",
            "label": "point of the latent plane",
            "value": first.tolist(),
            "min": [-reach, -reach],
            "max": [reach, reach],
        },
        {"type": "button", "name": "next", "label": "Another held-out digit"},
    ]
    return ComputedPlot(
        "latent-plane", data, controls, still=draw_still(draw), alt=alt, height=height
    )


def _mean_picture(layers: list, z: np.ndarray, levels: int) -> np.ndarray:
    """Decode one point with the weights as they are sent."""
    for W, b, activation in layers:
        z = W.astype(np.float16).astype(float) @ z + b.astype(np.float16).astype(float)
        if activation == "silu":
            z = z * expit(z)
    half = (levels - 1) / 2
    centre, scale = half + half * z[:64], half * np.exp(np.clip(z[64:], -7, 3) - 2)
    thresholds = np.arange(1, levels) - 0.5
    tails = expit((centre[:, None] - thresholds) / scale[:, None])
    return tails.sum(axis=1).reshape(8, 8)
