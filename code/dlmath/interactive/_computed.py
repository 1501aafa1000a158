"""Figures that compute in the page, and builders of those that the chapters use."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
import traitlets
from matplotlib.figure import Figure
from numpy.polynomial import chebyshev, polynomial

from dlmath.interactive._base import (
    Interactive,
    check_alt,
    check_height,
    check_vector,
    draw_still,
    padded,
)
from dlmath.interactive._bundle import JS, bundle

GRID = 97
CONTROL_KEYS = {
    "slider": {"name", "label", "min", "max", "value"},
    "select": {"name", "label", "options", "value"},
    "checkbox": {"name", "label", "value"},
    "button": {"name", "label"},
    "play": {"name", "label", "slider", "seconds"},
    "point": {"name", "label", "min", "max", "value"},
}


def _models() -> list[str]:
    """List the models: the sources that end in a figure of their own."""
    return sorted(
        path.stem for path in (JS / "models").glob("*.js") if "export default" in path.read_text()
    )


class ComputedPlot(Interactive):
    """Controls and panels around one computing model.

    A model is a file ``js/models/<name>.js`` with a pure function of parameters and data that
    gives panels and numbers.

    Parameters
    ----------
    model : str
        Name of the model.
    data : mapping
        What the model computes with: numbers, strings, lists and mappings of these.
    controls : sequence of mappings
        Each with ``type`` ("slider", "select", "checkbox", "button", "play" or "point"),
        ``name``, ``label`` and, by type, ``value``, ``min``, ``max``, ``step``, ``log``,
        ``integer``, ``digits``, ``unit``, ``options``, ``panel``, ``panels``, ``color``,
        ``hollow``. A button carries out the model's action of its name; a player moves the
        slider of the name ``slider`` to its end in a number of ``seconds``, and can be paused; a
        point is dragged in a panel (the first, if not said) or in several, and its ``value``,
        ``min`` and ``max`` are pairs.
    still : str
        SVG picture of the first state.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.

    Raises
    ------
    ValueError
        If an argument has a value that is not possible; it is named.
    """

    _esm = traitlets.Unicode().tag(sync=True)
    data = traitlets.Dict().tag(sync=True)
    controls = traitlets.List(traitlets.Dict()).tag(sync=True)
    params = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        model: str,
        data: Mapping[str, Any],
        controls: Sequence[Mapping[str, Any]],
        *,
        still: str,
        alt: str,
        height: tuple[int, int] = (820, 480),
    ) -> None:
        if model not in _models():
            raise ValueError(f"model must be one of {', '.join(_models())}, got {model!r}")
        if "<svg" not in still:
            raise ValueError("still must be the text of an SVG picture")
        try:
            json.dumps(data, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ValueError(f"data must hold finite numbers, strings and lists: {error}") from None
        checked = [_check_control(control) for control in controls]
        sliders = [control["name"] for control in checked if control["type"] == "slider"]
        for control in checked:
            if control["type"] == "play" and control["slider"] not in sliders:
                raise ValueError(f"controls: {control['name']} plays no slider of the figure")
        super().__init__(
            _esm=bundle(f"models/{model}.js"),
            data=dict(data),
            controls=checked,
            params={c["name"]: c["value"] for c in checked if "value" in c},
            still=still,
            alt=check_alt(alt),
            height=check_height(height),
        )


def _check_control(control: Mapping[str, Any]) -> dict[str, Any]:
    kind = control.get("type")
    if kind not in CONTROL_KEYS:
        raise ValueError(f"controls: type must be one of {', '.join(CONTROL_KEYS)}, got {kind!r}")
    if missing := CONTROL_KEYS[kind] - set(control):
        raise ValueError(f"controls: a {kind} needs {', '.join(sorted(missing))}")
    if kind == "slider":
        low, value, high = (control[key] for key in ("min", "value", "max"))
        if not low <= value <= high or not low < high:
            raise ValueError(f"controls: {control['name']} must begin between min and max")
        if control.get("log") and low <= 0:
            raise ValueError(f"controls: {control['name']} has a log scale and min {low}")
    if kind == "point":
        low, value, high = (
            check_vector(f"controls: {key} of {control['name']}", control[key], 2)
            for key in ("min", "value", "max")
        )
        if not (low <= value).all() or not (value <= high).all() or not (low < high).all():
            raise ValueError(f"controls: {control['name']} must begin between min and max")
    if kind == "select" and control["value"] not in control["options"]:
        raise ValueError(f"controls: {control['name']} must begin with one of its options")
    return dict(control)


def _slider(name: str, label: str, low: float, high: float, value: float, **more: Any) -> dict:
    return {
        "type": "slider",
        "name": name,
        "label": label,
        "min": float(low),
        "max": float(high),
        "value": value,
        **more,
    }


def _select(
    name: str, label: str, options: Collection[str], value: str | None = None
) -> dict[str, Any]:
    """Make a choice among some words; it begins with the first if no other is named."""
    words = list(options)
    start = words[0] if value is None else value
    return {"type": "select", "name": name, "label": label, "options": words, "value": start}


def _unit_interval(x: np.ndarray, low: float, high: float) -> np.ndarray:
    return (2 * x - low - high) / (high - low)


_BASES: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "chebyshev": chebyshev.chebvander,
    "monomial": polynomial.polyvander,
}


def _check_basis(basis: str) -> Callable[[np.ndarray, int], np.ndarray]:
    if basis not in _BASES:
        raise ValueError(f"basis must be one of {', '.join(_BASES)}, got {basis!r}")
    return _BASES[basis]


def _check_count(name: str, value: Any, low: int, high: int) -> int:
    if not isinstance(value, int | np.integer) or not low <= value <= high:
        raise ValueError(f"{name} must be an integer from {low} to {high}, got {value!r}")
    return int(value)


def gradient_descent_filter(
    x: Any,
    y: Any,
    degree: int,
    *,
    basis: str = "monomial",
    xlabel: str = "x",
    ylabel: str = "y",
    alt: str,
    height: tuple[int, int] = (860, 500),
) -> ComputedPlot:
    """Gradient descent as a filter on singular values, beside the ridge filter.

    The features are polynomials of degree 1 to ``degree`` in ``x`` mapped to [-1, 1]; features
    and ``y`` are centred first, so that the intercept is not filtered.

    Parameters
    ----------
    x, y : array-like of shape (n_samples,)
        The data.
    degree : int
        Number of features, below ``n_samples``.
    basis : {"monomial", "chebyshev"}, default="monomial"
        The polynomials.
    xlabel, ylabel : str
        Names of the axes, with units.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    x = check_vector("x", x)
    y = check_vector("y", y, x.size)
    degree = _check_count("degree", degree, 1, np.unique(x).size - 1)
    vander = _check_basis(basis)
    grid = np.linspace(x.min(), x.max(), GRID)
    features, at_grid = (
        vander(_unit_interval(values, x.min(), x.max()), degree)[:, 1:] for values in (x, grid)
    )
    centre = features.mean(axis=0)
    left, d, right = np.linalg.svd(features - centre, full_matrices=False)
    centred = y - y.mean()
    k, share = 100, 0.5
    data = {
        "d": d.tolist(),
        "n": int(x.size),
        "uy": (left.T @ centred).tolist(),
        "yy": float(centred @ centred),
        "mean": float(y.mean()),
        "basis": [[_short(b, 6) for b in row] for row in (at_grid - centre) @ right.T],
        "grid": [_short(value, 6) for value in grid],
        "x": [_short(value, 6) for value in x],
        "y": [_short(value, 6) for value in y],
        "xlabel": xlabel,
        "ylabel": ylabel,
        "ylim": padded(y.min(), y.max(), 0.2),
    }

    def draw(figure: Figure) -> None:
        """Draw the first state, by running the iteration itself."""
        eta = share * x.size / d[0] ** 2
        theta = np.zeros(degree)
        for _ in range(k):
            theta -= (
                2 * eta / x.size * (features - centre).T @ ((features - centre) @ theta - centred)
            )
        filters, fit = figure.subplots(1, 2)
        filters.semilogx(d, (right @ theta) * d / (left.T @ centred), "o", color="C0")
        axis = np.geomspace(d[-1] / 2, d[0] * 1.2)
        filters.plot(axis, axis**2 / (axis**2 + x.size / (2 * eta * k)), "--", color="C2")
        filters.set(xlabel="singular value d", ylabel="filter factor", ylim=(-0.35, 1.45))
        fit.plot(grid, y.mean() + (at_grid - centre) @ theta, color="C0")
        fit.plot(x, y, "o", color="C5", markersize=3)
        fit.set(xlabel=xlabel, ylabel=ylabel, ylim=data["ylim"])

    controls = [
        _slider("share", "step η, in units of its limit 2/L", 0.05, 1.05, share, step=0.05),
        _slider("k", "steps k", 1, 1e5, k, log=True, integer=True),
    ]
    return ComputedPlot(
        "gradient-descent-filter",
        data,
        controls,
        still=draw_still(draw),
        alt=alt,
        height=height,
    )


def projection(
    x: Any,
    y: Any,
    *,
    theta: Sequence[float] | None = None,
    alt: str,
    height: tuple[int, int] = (980, 560),
) -> ComputedPlot:
    """Least squares as a projection: three points and a line; a vector and a plane in space.

    Parameters
    ----------
    x, y : array-like of shape (3,)
        Three points; ``x`` not all equal.
    theta : (float, float), optional
        Intercept and slope at the beginning; a line off the solution if not given.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    x = check_vector("x", x, 3)
    y = check_vector("y", y, 3)
    if np.ptp(x) == 0:
        raise ValueError("x must not be all equal")
    slope, intercept = np.polyfit(x, y, 1)
    best = np.array([intercept, slope])
    spread = np.ptp(y) or 1.0
    reach = np.array([spread, 1.5 * spread / np.ptp(x)])
    begin = (
        best + np.array([-0.35, 0.4]) * reach if theta is None else check_vector("theta", theta, 2)
    )
    low, high = np.minimum(best - reach, begin), np.maximum(best + reach, begin)
    azimuth, elevation = _view(x, y)
    radius = 1.1 * max(np.linalg.norm(v) for v in (x, y, np.ones(3)))
    data = {
        "x": x.tolist(),
        "y": y.tolist(),
        "xlim": padded(x.min(), x.max(), 0.25),
        "ylim": padded(y.min(), y.max(), 0.5),
        "radius": float(radius),
    }

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        line = begin[0] + begin[1] * x
        axes.vlines(x, np.minimum(line, y), np.maximum(line, y), color="C1")
        ends = np.array(data["xlim"])
        axes.plot(ends, begin[0] + begin[1] * ends, color="C0")
        axes.plot(x, y, "o", color="C5")
        axes.set(xlim=data["xlim"], ylim=data["ylim"], xlabel="x", ylabel="y")

    controls = [
        _slider("theta0", "intercept θ₀", low[0], high[0], float(begin[0]), step=0.01),
        _slider("theta1", "slope θ₁", low[1], high[1], float(begin[1]), step=0.01),
        _slider("azimuth", "turn", -180, 180, azimuth, step=1, integer=True, unit="°"),
        _slider("elevation", "tilt", -10, 90, elevation, step=1, integer=True, unit="°"),
        {"type": "button", "name": "solve", "label": "Least squares"},
    ]
    return ComputedPlot(
        "projection", data, controls, still=draw_still(draw), alt=alt, height=height
    )


def _view(x: np.ndarray, y: np.ndarray) -> tuple[int, int]:
    """Choose a direction from which the plane is seen at a slant and the vectors stay apart."""
    columns = np.array([np.ones(3), x, y])
    columns /= np.linalg.norm(columns, axis=1)[:, None]
    normal = np.cross(columns[0], columns[1])
    normal /= np.linalg.norm(normal)

    def seen(azimuth: int, elevation: int) -> float:
        a, e = np.radians([azimuth, elevation])
        to_eye = np.array([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)])
        flat = columns - np.outer(columns @ to_eye, to_eye)
        pairs = [np.linalg.norm(np.cross(flat[i], flat[j])) for i, j in ((0, 1), (0, 2), (1, 2))]
        return min(pairs) - 2 * abs(abs(normal @ to_eye) - 0.5)

    candidates = [(a, e) for a in range(-180, 180, 5) for e in range(10, 45, 5)]
    return max(candidates, key=lambda angles: seen(*angles))


def conditioning(
    x: Any,
    degrees: Sequence[int],
    *,
    alt: str,
    height: tuple[int, int] = (860, 500),
) -> ComputedPlot:
    """Errors of three ways to solve a least-squares problem, against the degree.

    The true coefficients are all one and the data have no noise, so that what is seen is rounding
    alone (on the machine that built the page).

    Parameters
    ----------
    x : array-like of shape (n_samples,)
        Where the polynomial is sampled; mapped to [-1, 1] for the Chebyshev basis only.
    degrees : sequence of int
        The degrees, increasing, from 1 to ``n_samples - 1``.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.
    """
    x = check_vector("x", x)
    steps = [_check_count("degrees", k, 1, np.unique(x).size - 1) for k in degrees]
    if len(steps) < 2 or sorted(set(steps)) != steps:
        raise ValueError("degrees must be at least two increasing numbers")
    mapped = _unit_interval(x, x.min(), x.max())
    bases = {
        "monomial": _rounding_errors(x, steps, _BASES["monomial"]),
        "Chebyshev": _rounding_errors(mapped, steps, _BASES["chebyshev"]),
    }
    smallest = min(min(values) for basis in bases.values() for values in basis["singular"])
    start = steps[len(steps) // 2]
    data = {"degrees": steps, "bases": bases, "singularLimits": [smallest / 3, 3.0]}

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        styles = {"normal": "C1o-", "qr": "C0o-", "svd": "C2s-"}
        names = {"normal": "normal equations", "qr": "QR", "svd": "SVD"}
        for method, fmt in styles.items():
            errors = np.clip(bases["monomial"][method], 1e-17, 1e2)
            axes.semilogy(steps, errors, fmt, markersize=3, label=names[method])
        axes.legend()
        axes.set(xlabel="degree", ylabel="relative error of θ", ylim=(1e-17, 1e2))

    controls = [
        _select("basis", "Basis", bases, "monomial"),
        _slider("degree", "degree", steps[0], steps[-1], start, step=1, integer=True),
    ]
    return ComputedPlot(
        "conditioning", data, controls, still=draw_still(draw), alt=alt, height=height
    )


def _rounding_errors(
    x: np.ndarray, degrees: list[int], vander: Callable[[np.ndarray, int], np.ndarray]
) -> dict[str, list]:
    """Solve in three ways for coefficients that are all one."""
    table: dict[str, list] = {name: [] for name in ("condition", "singular", "normal", "qr", "svd")}
    for degree in degrees:
        X = vander(x, degree)
        y = X.astype(np.longdouble).sum(axis=1).astype(float)
        d = np.linalg.svd(X, compute_uv=False)
        q, r = np.linalg.qr(X)
        table["condition"].append(_short(d[0] / d[-1]))
        table["singular"].append([_short(value) for value in d / d[0]])
        table["normal"].append(_relative_error(_solve(X.T @ X, X.T @ y)))
        table["qr"].append(_relative_error(_solve(r, q.T @ y)))
        table["svd"].append(_relative_error(np.linalg.pinv(X, rcond=1e-16) @ y))
    return table


def _solve(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solve a square system; an exactly singular one has no solution to speak of."""
    try:
        return np.linalg.solve(matrix, right)
    except np.linalg.LinAlgError:
        return np.full(right.size, np.finfo(float).max ** 0.25)


def _relative_error(theta: np.ndarray) -> float:
    return _short(np.linalg.norm(theta - 1) / np.sqrt(theta.size))


def _short(value: float, digits: int = 4) -> float:
    """Round to what can be seen, for the page's size."""
    return float(f"{value:.{digits}g}")
