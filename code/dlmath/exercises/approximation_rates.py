"""Checkers for the exercises of the chapter on approximation rates."""

import numpy as np

from dlmath.exercises.framework import Arguments, exercise

Array = np.ndarray


# rates-constant


def _waves(rng: np.random.Generator) -> Arguments:
    n, d = int(rng.integers(4, 9)), int(rng.integers(2, 5))
    Omega = rng.normal(size=(n, d)) + rng.uniform(0.3, 1, size=d)
    return {"a": rng.normal(size=n) + 0.2, "Omega": Omega, "B": rng.normal(size=(d, d))}


def _lengths(Omega: Array) -> Array:
    return np.linalg.norm(Omega, axis=1)


@exercise("rates-constant", _waves, returns="the constant")
def rates_constant(a: Array, Omega: Array, B: Array) -> float:
    """Barron's constant of a mixture of cosines of Bx."""
    return np.sum(np.abs(a) * _lengths(Omega @ B))


@rates_constant.mistake(
    "A transpose is missing or too much: omega^T (B x) = (B^T omega)^T x, so the rows are those of "
    "Omega B."
)
def _constant_transposed(a: Array, Omega: Array, B: Array) -> float:
    return np.sum(np.abs(a) * _lengths(Omega @ B.T))


@rates_constant.mistake(
    "This is the constant of g itself: the frequencies of g(Bx) are the vectors B^T omega."
)
def _constant_not_stretched(a: Array, Omega: Array, B: Array) -> float:
    return np.sum(np.abs(a) * _lengths(Omega))


@rates_constant.mistake(
    "The amplitudes enter with their sign here. The measure |F| takes their absolute values: waves "
    "do not cancel in the constant."
)
def _constant_signed(a: Array, Omega: Array, B: Array) -> float:
    return np.sum(a * _lengths(Omega @ B))


@rates_constant.mistake(
    "The lengths of the frequencies are squared here. The constant is their first moment."
)
def _constant_squared(a: Array, Omega: Array, B: Array) -> float:
    return np.sum(np.abs(a) * _lengths(Omega @ B) ** 2)


@rates_constant.mistake(
    "This is the mean over the n waves, and the constant is their sum: a factor n."
)
def _constant_mean(a: Array, Omega: Array, B: Array) -> float:
    return np.mean(np.abs(a) * _lengths(Omega @ B))


@rates_constant.mistake(
    "The frequencies are weighted with the squares of the amplitudes; they should be weighted with "
    "the amplitudes themselves, without sign."
)
def _constant_power(a: Array, Omega: Array, B: Array) -> float:
    return np.sum(a**2 * _lengths(Omega @ B))


# rates-tickets


def _tickets(rng: np.random.Generator) -> Arguments:
    n, d, points = int(rng.integers(30, 60)), int(rng.integers(2, 5)), int(rng.integers(8, 15))
    X = rng.normal(size=(points, d))
    r = float(_lengths(X).max())
    return {
        "X": X,
        "Omega": 2 * rng.normal(size=(n, d)),
        "theta": rng.uniform(-3, 3, size=n),
        "u": rng.choice([-1.0, 1.0], size=n),
        "t": rng.uniform(0, 0.4 * r, size=n),
        "r": r,
        "C": rng.uniform(1, 3),
        "f0": rng.uniform(0.5, 1),
    }


def _steps(X: Array, Omega: Array, u: Array, t: Array) -> Array:
    return u * (X @ Omega.T) / _lengths(Omega) > t


def _heights(Omega: Array, theta: Array, u: Array, t: Array) -> Array:
    return -2 * u * np.sin(u * _lengths(Omega) * t + theta)


@exercise("rates-tickets", _tickets, returns="the values")
def rates_tickets(
    X: Array, Omega: Array, theta: Array, u: Array, t: Array, r: float, C: float, f0: float
) -> Array:
    """Values of the network of these tickets."""
    return f0 + r * C * _steps(X, Omega, u, t) @ _heights(Omega, theta, u, t) / len(t)


@rates_tickets.mistake(
    "The tickets are summed. The network is their mean: divide by their number n."
)
def _tickets_summed(
    X: Array, Omega: Array, theta: Array, u: Array, t: Array, r: float, C: float, f0: float
) -> Array:
    return f0 + r * C * _steps(X, Omega, u, t) @ _heights(Omega, theta, u, t)


@rates_tickets.mistake(
    "f(0) is missing: the tickets stand for f - f(0), so add it back at the end."
)
def _tickets_without_origin(
    X: Array, Omega: Array, theta: Array, u: Array, t: Array, r: float, C: float, f0: float
) -> Array:
    return r * C * _steps(X, Omega, u, t) @ _heights(Omega, theta, u, t) / len(t)


@rates_tickets.mistake(
    "The sign of the heights is wrong: the derivative of the cosine is minus the sine."
)
def _tickets_with_plus(
    X: Array, Omega: Array, theta: Array, u: Array, t: Array, r: float, C: float, f0: float
) -> Array:
    return f0 - r * C * _steps(X, Omega, u, t) @ _heights(Omega, theta, u, t) / len(t)


@rates_tickets.mistake(
    "The factor 2 is missing: the side is drawn by a coin, so each of the two sides counts twice."
)
def _tickets_without_2(
    X: Array, Omega: Array, theta: Array, u: Array, t: Array, r: float, C: float, f0: float
) -> Array:
    return f0 + r * C * _steps(X, Omega, u, t) @ _heights(Omega, theta, u, t) / len(t) / 2


@rates_tickets.mistake(
    "The steps compare omega^T x with the threshold. They should compare a^T x, with the unit "
    "vector a = omega/|omega|."
)
def _tickets_not_normalised(
    X: Array, Omega: Array, theta: Array, u: Array, t: Array, r: float, C: float, f0: float
) -> Array:
    fires = u * (X @ Omega.T) > t
    return f0 + r * C * fires @ _heights(Omega, theta, u, t) / len(t)


@rates_tickets.mistake(
    "All steps look to the same side. The side u belongs into the step too: H(u a^T x - t)."
)
def _tickets_one_side(
    X: Array, Omega: Array, theta: Array, u: Array, t: Array, r: float, C: float, f0: float
) -> Array:
    fires = (X @ Omega.T) / _lengths(Omega) > t
    return f0 + r * C * fires @ _heights(Omega, theta, u, t) / len(t)


@rates_tickets.mistake(
    "The sine is taken at |omega| t + theta for both sides. On the side u = -1 the slope is that "
    "at -t: u |omega| t + theta."
)
def _tickets_sine_one_side(
    X: Array, Omega: Array, theta: Array, u: Array, t: Array, r: float, C: float, f0: float
) -> Array:
    heights = -2 * u * np.sin(_lengths(Omega) * t + theta)
    return f0 + r * C * _steps(X, Omega, u, t) @ heights / len(t)


# rates-greedy


def _dictionary(rng: np.random.Generator) -> Arguments:
    n, K = int(rng.integers(12, 30)), int(rng.integers(20, 40))
    G = rng.normal(size=(n, K)) + 0.5
    return {"G": G, "h": G @ rng.dirichlet(np.full(K, 0.3)), "m": int(rng.integers(5, 9))}


def _relaxed(G: Array, h: Array, m: int, share: float | None = None) -> Array:
    """Return the means that greedy choice goes through, a row each."""
    current, means = np.zeros(len(h)), []
    for k in range(1, m + 1):
        new = 1 / k if share is None else share
        candidates = (1 - new) * current[:, np.newaxis] + new * G
        best = np.argmin(np.sum((candidates - h[:, np.newaxis]) ** 2, axis=0))
        current = candidates[:, best]
        means.append(current)
    return np.array(means)


@exercise("rates-greedy", _dictionary, returns="the errors")
def rates_greedy(G: Array, h: Array, m: int) -> Array:
    """Mean squared errors of the greedy means."""
    return np.mean((_relaxed(G, h, m) - h) ** 2, axis=1)


@rates_greedy.mistake("These are sums of squares. Divide by n, the number of points: a factor n.")
def _greedy_sums(G: Array, h: Array, m: int) -> Array:
    return np.sum((_relaxed(G, h, m) - h) ** 2, axis=1)


@rates_greedy.mistake("These are the roots of the mean squared errors.")
def _greedy_roots(G: Array, h: Array, m: int) -> Array:
    return np.sqrt(np.mean((_relaxed(G, h, m) - h) ** 2, axis=1))


@rates_greedy.mistake(
    "The columns are added up without the weights 1 - 1/k and 1/k: this is pursuit of the "
    "residual. The theorem is about the mean of the chosen columns."
)
def _greedy_added(G: Array, h: Array, m: int) -> Array:
    current, errors = np.zeros(len(h)), []
    for _ in range(m):
        squares = np.mean((current[:, np.newaxis] + G - h[:, np.newaxis]) ** 2, axis=0)
        current = current + G[:, np.argmin(squares)]
        errors.append(squares.min())
    return np.array(errors)


@rates_greedy.mistake(
    "Old and new have the weight 1/2 in every round. In round k the old mean counts 1 - 1/k."
)
def _greedy_halves(G: Array, h: Array, m: int) -> Array:
    return np.mean((_relaxed(G, h, m, 0.5) - h) ** 2, axis=1)


@rates_greedy.mistake(
    "The columns nearest to h are taken in their order, without looking at the mean so far. "
    "Choose the column that makes the new mean best."
)
def _greedy_nearest(G: Array, h: Array, m: int) -> Array:
    order = np.argsort(np.sum((G - h[:, np.newaxis]) ** 2, axis=0))[:m]
    means = np.cumsum(G[:, order], axis=1) / np.arange(1, m + 1)
    return np.mean((means - h[:, np.newaxis]) ** 2, axis=0)


# rates-pieces


def _layer(rng: np.random.Generator) -> Arguments:
    """Draw a layer with two dead units, kinks that coincide, and two kinks that cancel."""
    n = int(rng.integers(12, 18))
    w = rng.choice([-2.0, -1.0, -0.5, 0.5, 1.0, 2.0], size=n)
    places = rng.permutation(2 * n)[:n] - float(n)
    v = rng.choice([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0], size=n)
    places[1] = places[0]
    w[0], w[1], v[0], v[1] = 1, 2, 2, 3
    places[3] = places[2]
    w[2], w[3], v[2], v[3] = 2, -1, 1, -2
    b = -w * places
    w[4:6], b[4:6] = 0, (1, -1)
    v[-1] = 0
    order = rng.permutation(n)
    return {"w": w[order], "b": b[order], "v": v[order]}


def _bends(w: Array, b: Array, v: Array, changes: Array) -> int:
    live = w != 0
    where, change = -b[live] / w[live], changes[live]
    total = np.array([change[where == place].sum() for place in np.unique(where)])
    return 1 + int(np.count_nonzero(np.abs(total) > 1e-9))


@exercise("rates-pieces", _layer, returns="the number of pieces")
def rates_pieces(w: Array, b: Array, v: Array) -> int:
    """Straight pieces of the output of one hidden layer."""
    return _bends(w, b, v, v * np.abs(w))


@rates_pieces.mistake(
    "This is the bound n + 1. Some units do not bend, and some kinks fall together."
)
def _pieces_bound(w: Array, b: Array, v: Array) -> int:
    return len(w) + 1


@rates_pieces.mistake(
    "Kinks at the same place are counted once for each unit. Together they are one kink, or none."
)
def _pieces_apart(w: Array, b: Array, v: Array) -> int:
    return 1 + int(np.count_nonzero(w * v))


@rates_pieces.mistake(
    "This counts the places where units bend. At one of them the changes of slope cancel, and a "
    "unit with the output weight zero does not count."
)
def _pieces_places(w: Array, b: Array, v: Array) -> int:
    return 1 + len(np.unique(-b[w != 0] / w[w != 0]))


@rates_pieces.mistake(
    "The change of slope has the wrong sign for units with negative w: from left to right the "
    "slope of relu(w x + b) always grows, by |w|."
)
def _pieces_signed(w: Array, b: Array, v: Array) -> int:
    return _bends(w, b, v, v * w)


@rates_pieces.mistake("This is the number of kinks. There is one piece more.")
def _pieces_kinks(w: Array, b: Array, v: Array) -> int:
    return rates_pieces.reference(w, b, v) - 1
