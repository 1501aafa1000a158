"""Checkers for the exercises of the chapter on adaptive methods."""

from typing import Any

import numpy as np

from dlmath.exercises.framework import Arguments, exercise

Array = np.ndarray
Step = tuple[Array, Array, Array]


# adaptive-methods-adam


def _in_the_middle(rng: np.random.Generator) -> Arguments:
    """Draw the state of Adam at some early step, in which the corrections count."""
    p = int(rng.integers(3, 7))
    return {
        "theta": rng.normal(size=p),
        "m": rng.normal(size=p),
        "v": rng.uniform(0.1, 2, size=p),
        "g": rng.normal(size=p) * 2,
        "k": int(rng.integers(2, 9)),
        "eta": rng.uniform(0.05, 0.5),
        "beta1": rng.uniform(0.6, 0.9),
        "beta2": rng.uniform(0.91, 0.99),
        "epsilon": rng.uniform(0.05, 0.3),
    }


def _averages(m: Array, v: Array, g: Array, beta1: float, beta2: float) -> tuple[Array, Array]:
    return beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2


@exercise("adaptive-methods-adam", _in_the_middle, returns=("theta", "m", "v"))
def adam_step(
    theta: Array,
    m: Array,
    v: Array,
    g: Array,
    k: int,
    eta: float,
    beta1: float,
    beta2: float,
    epsilon: float,
) -> Step:
    """Return the parameters and the running means after the step."""
    m, v = _averages(m, v, g, beta1, beta2)
    root = np.sqrt(v / (1 - beta2**k))
    return theta - eta * m / (1 - beta1**k) / (root + epsilon), m, v


@adam_step.mistake(
    "This is Adam without its bias correction: divide m by 1 - beta1^k and v by 1 - beta2^k before "
    "they are used."
)
def _adam_uncorrected(*given: Any) -> Step:
    theta, m, v, g, _, eta, beta1, beta2, epsilon = given
    m, v = _averages(m, v, g, beta1, beta2)
    return theta - eta * m / (np.sqrt(v) + epsilon), m, v


@adam_step.mistake(
    "The corrected means are returned. The running means go on from the uncorrected ones, or each "
    "step would correct what is corrected already."
)
def _adam_returns_corrected(*given: Any) -> Step:
    _, _, _, _, k, _, beta1, beta2, _ = given
    theta, m, v = adam_step.reference(*given)
    return theta, m / (1 - beta1**k), v / (1 - beta2**k)


@adam_step.mistake("The step goes uphill: look at its sign, it is subtracted from the parameters.")
def _adam_uphill(*given: Any) -> Step:
    *state, eta, beta1, beta2, epsilon = given
    return adam_step.reference(*state, -eta, beta1, beta2, epsilon)


@adam_step.mistake(
    "epsilon has been added under the root. In the equation it is added to the root, so that it is "
    "compared with the size of a gradient, not with the square of it."
)
def _adam_epsilon_inside(*given: Any) -> Step:
    theta, m, v, g, k, eta, beta1, beta2, epsilon = given
    m, v = _averages(m, v, g, beta1, beta2)
    root = np.sqrt(v / (1 - beta2**k) + epsilon)
    return theta - eta * m / (1 - beta1**k) / root, m, v


@adam_step.mistake(
    "The step is divided by v and not by its root: the quotient has to be a pure number."
)
def _adam_without_root(*given: Any) -> Step:
    theta, m, v, g, k, eta, beta1, beta2, epsilon = given
    m, v = _averages(m, v, g, beta1, beta2)
    return theta - eta * m / (1 - beta1**k) / (v / (1 - beta2**k) + epsilon), m, v


@adam_step.mistake(
    "The weights of the running means are exchanged: beta1 is the share of the old mean that is "
    "kept, and 1 - beta1 that of the new gradient."
)
def _adam_weights_exchanged(*given: Any) -> Step:
    theta, m, v, g, k, eta, beta1, beta2, epsilon = given
    m, v = (1 - beta1) * m + beta1 * g, (1 - beta2) * v + beta2 * g**2
    root = np.sqrt(v / (1 - beta2**k))
    return theta - eta * m / (1 - beta1**k) / (root + epsilon), m, v


@adam_step.mistake("The steps are counted from 1 already: 1 - beta^k, not 1 - beta^(k + 1).")
def _adam_counts_from_zero(*given: Any) -> Step:
    theta, m, v, g, k, *settings = given
    return adam_step.reference(theta, m, v, g, k + 1, *settings)


# adaptive-methods-longest


def _memories(rng: np.random.Generator) -> Arguments:
    return {
        "k": int(rng.integers(3, 12)),
        "beta1": rng.uniform(0.5, 0.9),
        "beta2": rng.uniform(0.92, 0.99),
    }


def _bound(k: int, beta1: float, beta2: float) -> float:
    series = np.sum((beta1**2 / beta2) ** np.arange(k))
    return float((1 - beta1) / (1 - beta1**k) * np.sqrt((1 - beta2**k) / (1 - beta2) * series))


@exercise("adaptive-methods-longest", _memories, returns=("the bound", "the gradients"))
def longest_step(k: int, beta1: float, beta2: float) -> tuple[float, Array]:
    """Bound on the step over eta, and the gradients that reach it."""
    return _bound(k, beta1, beta2), (beta1 / beta2) ** np.arange(k)[::-1]


@longest_step.mistake(
    "This is the step after a long silence, (1 - beta1)/sqrt(1 - beta2). It holds for one gradient "
    "after many that are zero; the sum over the earlier ones makes the bound larger."
)
def _longest_after_silence(k: int, beta1: float, beta2: float) -> tuple[float, Array]:
    return (1 - beta1) / np.sqrt(1 - beta2), longest_step.reference(k, beta1, beta2)[1]


@longest_step.mistake(
    "The bound is that without bias correction: the two factors 1 - beta1^k and 1 - beta2^k are "
    "missing, of which one stands under the root."
)
def _longest_uncorrected(k: int, beta1: float, beta2: float) -> tuple[float, Array]:
    bound, gradients = longest_step.reference(k, beta1, beta2)
    return bound * (1 - beta1**k) / np.sqrt(1 - beta2**k), gradients


@longest_step.mistake(
    "This is the limit of the bound for many steps. For k steps the geometric series has k terms, "
    "and both corrections count."
)
def _longest_limit(k: int, beta1: float, beta2: float) -> tuple[float, Array]:
    limit = (1 - beta1) / np.sqrt((1 - beta2) * (1 - beta1**2 / beta2))
    return limit, longest_step.reference(k, beta1, beta2)[1]


@longest_step.mistake("This is the square of the bound: a root is missing.")
def _longest_square(k: int, beta1: float, beta2: float) -> tuple[float, Array]:
    bound, gradients = longest_step.reference(k, beta1, beta2)
    return bound**2, gradients


@longest_step.mistake(
    "The gradients are in the opposite order of time: they grow, and the last one, which is 1, is "
    "the largest."
)
def _longest_backwards(k: int, beta1: float, beta2: float) -> tuple[float, Array]:
    bound, gradients = longest_step.reference(k, beta1, beta2)
    return bound, gradients[::-1]


@longest_step.mistake(
    "Equal gradients make steps of eta and not more. Gradients that reach the bound grow by the "
    "factor beta2/beta1."
)
def _longest_constant(k: int, beta1: float, beta2: float) -> tuple[float, Array]:
    return _bound(k, beta1, beta2), np.ones(k)


# adaptive-methods-regret


def _linear_costs(rng: np.random.Generator) -> Arguments:
    """Draw costs with components of unequal sizes, and a rate at which the box is felt."""
    K, p = int(rng.integers(30, 50)), int(rng.integers(2, 5))
    sizes = 10.0 ** rng.uniform(-1, 1, size=p)
    return {"G": sizes * (rng.normal(size=(K, p)) + 0.4), "eta": rng.uniform(0.6, 1.2)}


def _play(
    G: Array, eta: float, *, late: bool = False, free: bool = False, common: bool = False
) -> float:
    """Return what is paid; late pays after the move, free does not project."""
    theta, squares, paid = np.zeros(G.shape[1]), np.zeros(G.shape[1]), 0.0
    for g in G:
        before = theta
        squares = squares + (g @ g if common else g**2)
        theta = theta - eta * g / np.sqrt(squares)
        if not free:
            theta = np.clip(theta, -1, 1)
        paid += g @ (theta if late else before)
    return paid


def _certificate(G: Array, eta: float, side: float = 2.0) -> float:
    return float((side**2 / (2 * eta) + eta) * np.linalg.norm(G, axis=0).sum())


def _hindsight(G: Array) -> float:
    return float(-np.abs(G.sum(axis=0)).sum())


@exercise("adaptive-methods-regret", _linear_costs, returns=("the regret", "the bound"))
def adagrad_regret(G: Array, eta: float) -> tuple[float, float]:
    """Regret of AdaGrad on linear costs, and its certificate."""
    return _play(G, eta) - _hindsight(G), _certificate(G, eta)


@adagrad_regret.mistake(
    "The cost of a round is paid with the parameters before the step, since g_k is told after the "
    "choice. With those after the step you have looked into the future."
)
def _regret_of_a_prophet(G: Array, eta: float) -> tuple[float, float]:
    return _play(G, eta, late=True) - _hindsight(G), _certificate(G, eta)


@adagrad_regret.mistake("The parameters leave the box: project after each step, to [-1, 1].")
def _regret_outside(G: Array, eta: float) -> tuple[float, float]:
    return _play(G, eta, free=True) - _hindsight(G), _certificate(G, eta)


@adagrad_regret.mistake(
    "The side of the box is taken to be 1. It reaches from -1 to 1, so D = 2 and D^2 = 4."
)
def _regret_side_one(G: Array, eta: float) -> tuple[float, float]:
    return _play(G, eta) - _hindsight(G), _certificate(G, eta, side=1.0)


@adagrad_regret.mistake(
    "This is what was paid, not the regret: subtract the cost of the best fixed choice, which is "
    "negative."
)
def _regret_without_hindsight(G: Array, eta: float) -> tuple[float, float]:
    return _play(G, eta), _certificate(G, eta)


@adagrad_regret.mistake(
    "The best choice may be another one in each round here. In the regret it is one fixed choice "
    "for all rounds: sum over the rounds first, then take the absolute value."
)
def _regret_moving(G: Array, eta: float) -> tuple[float, float]:
    return _play(G, eta) + float(np.abs(G).sum()), _certificate(G, eta)


@adagrad_regret.mistake(
    "All components share one sum of squares. AdaGrad keeps a sum for each component."
)
def _regret_common(G: Array, eta: float) -> tuple[float, float]:
    return _play(G, eta, common=True) - _hindsight(G), _certificate(G, eta)


@adagrad_regret.mistake(
    "The bound has the norm of all gradients together. It adds up the norms of the columns of G."
)
def _regret_one_norm(G: Array, eta: float) -> tuple[float, float]:
    return _play(G, eta) - _hindsight(G), float((2 / eta + eta) * np.linalg.norm(G))


# adaptive-methods-rest


def _noisy_quadratic(rng: np.random.Generator) -> Arguments:
    p = int(rng.integers(3, 7))
    return {
        "h": rng.uniform(0.5, 3, size=p),
        "a": rng.choice([-1.0, 1.0], size=p) * rng.uniform(0.3, 2, size=p),
        "s": rng.uniform(0.3, 3, size=p),
        "w": rng.uniform(0.4, 0.9),
    }


def _rest(h: Array, a: Array, s: Array, w: float) -> Array:
    low, high = np.zeros(len(a)), np.minimum(np.abs(a), 1 / w)
    for _ in range(80):
        t = (low + high) / 2
        g = h * (t - np.abs(a))
        before = g / np.sqrt(g**2 + s**2) + w * t < 0
        low, high = np.where(before, t, low), np.where(before, high, t)
    return np.sign(a) * (low + high) / 2


@exercise("adaptive-methods-rest", _noisy_quadratic, returns="theta")
def adamw_rest(h: Array, a: Array, s: Array, w: float) -> Array:
    """Where the mean step of AdamW vanishes."""
    return _rest(h, a, s, w)


@adamw_rest.mistake(
    "This is the minimum with the penalty (w/2)||theta||^2. AdamW's step divides the gradient by "
    "its size, and not the decay."
)
def _rest_of_ridge(h: Array, a: Array, s: Array, w: float) -> Array:
    return h * a / (h + w)


@adamw_rest.mistake(
    "This is the approximation for small w, a ridge penalty s w. Solve the equation with its root."
)
def _rest_small(h: Array, a: Array, s: Array, w: float) -> Array:
    return h * a / (h + s * w)


@adamw_rest.mistake(
    "This is the resting place without noise, the nearest point of the box: the mean square of the "
    "gradient is g^2 + s^2, not g^2."
)
def _rest_without_noise(h: Array, a: Array, s: Array, w: float) -> Array:
    return np.clip(a, -1 / w, 1 / w)


@adamw_rest.mistake(
    "The noise enters squared: s is a standard deviation, and g^2 + s^2 has its square."
)
def _rest_root(h: Array, a: Array, s: Array, w: float) -> Array:
    return _rest(h, a, np.sqrt(s), w)


@adamw_rest.mistake(
    "The decay is half or twice what it should be: the w of AdamW stands beside theta as it is."
)
def _rest_half(h: Array, a: Array, s: Array, w: float) -> Array:
    return _rest(h, a, s, w / 2)


@adamw_rest.mistake(
    "The decay is half or twice what it should be: the w of AdamW stands beside theta as it is; "
    "2 lambda is the penalty's."
)
def _rest_twice(h: Array, a: Array, s: Array, w: float) -> Array:
    return _rest(h, a, s, 2 * w)


@adamw_rest.mistake("The signs of the a_j are lost: a negative a_j pulls to the negative side.")
def _rest_sign(h: Array, a: Array, s: Array, w: float) -> Array:
    return np.abs(_rest(h, a, s, w))
