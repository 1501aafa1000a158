"""A small network that trains in the page while the reader watches."""

from __future__ import annotations

from typing import Any

import numpy as np
import traitlets
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from dlmath.interactive._base import Interactive, check_alt, check_height, check_vector, draw_still
from dlmath.interactive._bundle import bundle
from dlmath.interactive._computed import _check_count
from dlmath.interactive._random import small_fast_normals
from dlmath.networks import FeedForwardNetwork

SAMPLES = 80
LIMIT = 1.5
SEED = 1
ACTIVATIONS = ("tanh", "sigmoid", "relu", "sine")
OPTIMIZERS = ("gradient-descent", "momentum", "adam")
BATCHES = (0, 1, 8, 32)
ETAS = (1e-4, 10.0)


def _moons(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    y = np.arange(n) % 2
    angle = rng.uniform(0, np.pi, n)
    x = np.where(y, 0.5 - np.cos(angle), np.cos(angle) - 0.5)
    z = np.where(y, 0.3 - np.sin(angle), np.sin(angle) - 0.3)
    return np.column_stack([x, z]) * 0.8 + 0.12 * rng.standard_normal((n, 2)), y


def _rings(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    y = np.arange(n) % 2
    radius = np.where(y, 1.1, 0.45) + 0.13 * rng.standard_normal(n)
    angle = rng.uniform(0, 2 * np.pi, n)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]), y


def _squares(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    X = rng.uniform(-1.3, 1.3, (n, 2))
    return X + 0.06 * rng.standard_normal((n, 2)), (X[:, 0] * X[:, 1] < 0).astype(int)


def _spirals(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    y = np.arange(n) % 2
    t = np.sqrt(rng.uniform(0.02, 1, n))
    angle = 3.2 * np.pi * t / 1.3 + np.pi * y
    X = 1.25 * t[:, np.newaxis] * np.column_stack([np.cos(angle), np.sin(angle)])
    return X + 0.04 * rng.standard_normal((n, 2)), y


def _coins(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    return rng.uniform(-1.3, 1.3, (n, 2)), rng.integers(0, 2, n)


DATASETS = {
    "two moons": _moons,
    "two rings": _rings,
    "four squares": _squares,
    "two spirals": _spirals,
    "tossed coins": _coins,
}


class TrainLive(Interactive):
    """A network that learns to tell two classes in the plane, trained in the page.

    The page draws the probability of class 1 over the plane, the training points (full) and the
    test points (hollow), and the cost on both as it falls. The cost is the cross-entropy
    (``eq-feed-forward-binary-cross-entropy``), its gradient comes from backpropagation
    (``eq-backpropagation-delta``), as in :class:`dlmath.networks.FeedForwardNetwork`. Nothing
    moves before the reader asks for it.

    Parameters
    ----------
    dataset : str, default="two moons"
        At the beginning: one of "two moons", "two rings", "four squares", "two spirals" and
        "tossed coins", whose classes cannot be learned.
    depth : int, default=1
        Hidden layers, 0 to 4.
    width : int, default=6
        Nodes in each, 1 to 16.
    activation : {"tanh", "sigmoid", "relu", "sine"}, default="tanh"
    optimizer : {"gradient-descent", "momentum", "adam"}, default="adam"
    eta : float, default=0.03
        Learning rate, 1e-4 to 10.
    batch : {0, 1, 8, 32}, default=32
        Samples of a mini-batch, 0 for all.
    alt : str
        What is seen, in at least 40 characters.
    height : (int, int)
        Height in pixels on narrow and on wide pages.

    Raises
    ------
    ValueError
        If an argument has a value that is not possible; it is named.
    """

    _esm = bundle("trainlive.js")
    data = traitlets.Dict().tag(sync=True)
    dataset = traitlets.Unicode().tag(sync=True)
    depth = traitlets.Int().tag(sync=True)
    width = traitlets.Int().tag(sync=True)
    activation = traitlets.Unicode().tag(sync=True)
    optimizer = traitlets.Unicode().tag(sync=True)
    eta = traitlets.Float().tag(sync=True)
    batch = traitlets.Int().tag(sync=True)

    def __init__(
        self,
        *,
        dataset: str = "two moons",
        depth: int = 1,
        width: int = 6,
        activation: str = "tanh",
        optimizer: str = "adam",
        eta: float = 0.03,
        batch: int = 32,
        alt: str,
        height: tuple[int, int] = (1150, 570),
    ) -> None:
        _check_choice("dataset", dataset, tuple(DATASETS))
        _check_choice("activation", activation, ACTIVATIONS)
        _check_choice("optimizer", optimizer, OPTIMIZERS)
        _check_choice("batch", batch, BATCHES)
        depth = _check_count("depth", depth, 0, 4)
        width = _check_count("width", width, 1, 16)
        (rate,) = check_vector("eta", [eta], 1)
        if not ETAS[0] <= rate <= ETAS[1]:
            raise ValueError(f"eta must be from {ETAS[0]:g} to {ETAS[1]:g}, got {eta!r}")
        datasets = _draw_datasets()
        network = initial_network([2, *[width] * depth, 1], activation, SEED)
        chosen = datasets[list(DATASETS).index(dataset)]
        still = draw_still(lambda figure: _draw(figure, chosen, network), (7.2, 3.7))
        super().__init__(
            data={"datasets": datasets, "limit": LIMIT, "seed": SEED},
            dataset=dataset,
            depth=depth,
            width=width,
            activation=activation,
            optimizer=optimizer,
            eta=float(rate),
            batch=batch,
            still=still,
            alt=check_alt(alt),
            height=check_height(height),
        )


def initial_network(sizes: list[int], activation: str, seed: int) -> FeedForwardNetwork:
    """Make the network with which the page begins, from the page's own random numbers."""
    network = FeedForwardNetwork(sizes, activation, "sigmoid", "cross_entropy")
    normal = iter(small_fast_normals(seed, sum(W.size for W in network.parameters[::2])))
    for W in network.parameters[::2]:
        inputs, outputs = W.shape
        variance = 2 / inputs if activation == "relu" else 2 / (inputs + outputs)
        draws = [next(normal) for _ in range(W.size)]
        W[...] = np.sqrt(variance) * np.reshape(draws, W.shape)
    return network


def _draw_datasets() -> list[dict[str, Any]]:
    """Draw training and test data of every kind, to three decimals."""
    drawn = []
    for kind, (name, draw) in enumerate(DATASETS.items()):
        rng = np.random.default_rng([7, kind])
        parts = {}
        for part in ("train", "test"):
            X, y = draw(rng, SAMPLES)
            parts[part] = {"X": X.round(3).tolist(), "y": y.tolist()}
        drawn.append({"name": name, **parts})
    return drawn


def _check_choice(name: str, value: Any, choices: tuple[Any, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name} must be one of {choices}, got {value!r}")


def _draw(figure: Figure, data: dict[str, Any], network: FeedForwardNetwork) -> None:
    """Draw the first state: the data over the untrained network, and its cost."""
    left, right = figure.subplots(1, 2)
    at = np.linspace(-LIMIT, LIMIT, 60)
    grid = np.column_stack([axis.ravel() for axis in np.meshgrid(at, at)])
    p = network.forward(grid)[:, 0].reshape(60, 60, 1)
    tones = np.array([to_rgb("C0"), to_rgb("C1")])[(p[..., 0] > 0.5).astype(int)]
    left.imshow(
        1 - (0.08 + 0.9 * np.abs(p - 0.5)) * (1 - tones),
        origin="lower",
        extent=(-LIMIT, LIMIT, -LIMIT, LIMIT),
    )
    left.set_axis_off()
    for part, fill in (("test", "none"), ("train", "full")):
        X, y = np.array(data[part]["X"]), np.array(data[part]["y"])
        for k in (0, 1):
            left.plot(*X[y == k].T, "o", color=f"C{k}", fillstyle=fill, markersize=4)
    X, y = np.array(data["train"]["X"]), np.array(data["train"]["y"])[:, np.newaxis]
    right.axhline(np.log(2), color="C5", linestyle=":")
    right.plot(0, network.cost_value(X, y), "o", color="C0", clip_on=False)
    right.set(xlim=(0, 50), ylim=(0.1, 1.2), yscale="log", xlabel="epochs", ylabel="cost")
    right.annotate("log 2", (40, 0.72), color="C5")
