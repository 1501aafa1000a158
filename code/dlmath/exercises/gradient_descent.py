"""Checkers for the exercises of the chapter on gradient descent."""

import numpy as np

from dlmath.exercises.framework import Arguments, exercise

Array = np.ndarray


def _design(rng: np.random.Generator) -> Array:
    """Draw columns of unequal scales, off centre."""
    n, p = int(rng.integers(12, 30)), int(rng.integers(3, 6))
    return rng.normal(size=(n, p)) * rng.uniform(0.5, 2, size=p) + rng.uniform(0.3, 1, size=p)


def _regression(rng: np.random.Generator) -> Arguments:
    X = _design(rng)
    y = X @ rng.normal(size=X.shape[1]) + rng.normal(size=len(X))
    return {"X": X, "y": y, "theta": rng.normal(size=X.shape[1])}


def _gradient(X: Array, y: Array, theta: Array) -> Array:
    return 2 / len(y) * X.T @ (X @ theta - y)


def _exact_rate(X: Array, g: Array) -> float:
    """Give the rate that leads to the lowest point along the negative gradient."""
    ahead = X @ g
    return float(len(X) * (g @ g) / (2 * ahead @ ahead))


# descent-least-squares


def _dependent(rng: np.random.Generator) -> Arguments:
    """Draw a design with one column that is a combination of the others."""
    X = _design(rng)
    return {"X": np.column_stack([X, X @ rng.normal(size=X.shape[1])])}


Numbers = tuple[float, float, float]


def _numbers(squares: Array, factor: float) -> Numbers:
    L, mu = factor * squares.max(), factor * squares.min()
    return L, mu, 2 / (L + mu)


def _squares(X: Array) -> Array:
    d = np.linalg.svd(X, compute_uv=False)
    return d[d > 1e-10 * d[0]] ** 2


@exercise("descent-least-squares", _dependent, returns=("L", "mu", "eta"))
def least_squares(X: Array) -> Numbers:
    """Smoothness, the constant of Polyak and Lojasiewicz, and the best rate."""
    return _numbers(_squares(X), 2 / len(X))


@least_squares.mistake(
    "L and mu lack the 1/n of the cost: the Hessian is 2 X^T X / n. The rate is wrong by it, too."
)
def _without_n(X: Array) -> Numbers:
    return _numbers(_squares(X), 2.0)


@least_squares.mistake(
    "A factor 2 is missing: the square in the cost is differentiated twice, and the Hessian is "
    "2 X^T X / n."
)
def _without_2(X: Array) -> Numbers:
    return _numbers(_squares(X), 1 / len(X))


@least_squares.mistake(
    "These are made of the singular values themselves. The Hessian has their squares."
)
def _not_squared(X: Array) -> Numbers:
    return _numbers(np.sqrt(_squares(X)), 2 / len(X))


@least_squares.mistake(
    "L and mu are right. 1/L is the rate that is sure to gain most in one step; the rate that is "
    "best for the distance in the long run lies beyond it."
)
def _safe_rate(X: Array) -> Numbers:
    L, mu, _ = _numbers(_squares(X), 2 / len(X))
    return L, mu, 1 / L


@least_squares.mistake(
    "L and mu are right. The rate lies where 1 - eta mu and eta L - 1 are equal: at 2/(L + mu), "
    "twice as far as you say."
)
def _half_rate(X: Array) -> Numbers:
    L, mu, eta = _numbers(_squares(X), 2 / len(X))
    return L, mu, eta / 2


# descent-flow


def _flowing(rng: np.random.Generator) -> Arguments:
    return _regression(rng) | {"u": rng.uniform(0.1, 0.8)}


def _flow(X: Array, y: Array, theta: Array, u: float) -> Array:
    nu, V = np.linalg.eigh(X.T @ X)
    target = np.linalg.lstsq(X, y, rcond=None)[0]
    return target + V @ (np.exp(-nu * u) * (V.T @ (theta - target)))


@exercise("descent-flow", _flowing, returns="theta")
def flow(X: Array, y: Array, theta: Array, u: float) -> Array:
    """Point of the gradient flow of least squares at the time u."""
    return _flow(X, y, theta, 2 * u / len(X))


@flow.mistake("The flow runs n times too fast: the Hessian of the cost is 2 X^T X / n.")
def _flow_without_n(X: Array, y: Array, theta: Array, u: float) -> Array:
    return _flow(X, y, theta, 2 * u)


@flow.mistake("The flow is too slow by a factor 2: the Hessian of the cost is 2 X^T X / n.")
def _flow_without_2(X: Array, y: Array, theta: Array, u: float) -> Array:
    return _flow(X, y, theta, u / len(X))


@flow.mistake("This flow runs uphill: the sign of the exponents is wrong.")
def _flow_uphill(X: Array, y: Array, theta: Array, u: float) -> Array:
    return _flow(X, y, theta, -2 * u / len(X))


@flow.mistake("This flow begins at zero. It should begin at theta.")
def _flow_from_zero(X: Array, y: Array, theta: Array, u: float) -> Array:
    return _flow(X, y, np.zeros_like(theta), 2 * u / len(X))


@flow.mistake(
    "This is one step of gradient descent of the length u. The flow takes infinitely many small "
    "ones: each component decays exponentially."
)
def _one_step(X: Array, y: Array, theta: Array, u: float) -> Array:
    return theta - u * _gradient(X, y, theta)


@flow.mistake("This decays to zero instead of to the minimum: what decays is the distance from it.")
def _flow_to_zero(X: Array, y: Array, theta: Array, u: float) -> Array:
    return _flow(X, np.zeros_like(y), theta, 2 * u / len(X))


# descent-exact


def _along(X: Array, y: Array, theta: Array, share: float) -> Array:
    """Go a multiple of the exact rate along the negative gradient."""
    g = _gradient(X, y, theta)
    return theta - share * _exact_rate(X, g) * g


@exercise("descent-exact", _regression, returns="theta")
def exact(X: Array, y: Array, theta: Array) -> Array:
    """One step of exact line search on least squares."""
    return _along(X, y, theta, 1.0)


@exact.mistake(
    "The step is n times too short: g^T H g is 2/n times the square of the length of X g. Is the "
    "1/n in both the gradient and the Hessian?"
)
def _exact_without_n(X: Array, y: Array, theta: Array) -> Array:
    return _along(X, y, theta, 1 / len(y))


@exact.mistake(
    "The step is n times too long: one of the gradient and the Hessian has a 1/n too many."
)
def _exact_with_n(X: Array, y: Array, theta: Array) -> Array:
    return _along(X, y, theta, float(len(y)))


@exact.mistake(
    "The step is twice as long as it should be, and leads to the same height on the other side: "
    "the Hessian has a factor 2."
)
def _exact_twice(X: Array, y: Array, theta: Array) -> Array:
    return _along(X, y, theta, 2.0)


@exact.mistake("The step is half as long as it should be: look for a factor 2.")
def _exact_half(X: Array, y: Array, theta: Array) -> Array:
    return _along(X, y, theta, 0.5)


@exact.mistake("The step goes uphill: look at the sign before the rate.")
def _exact_uphill(X: Array, y: Array, theta: Array) -> Array:
    return _along(X, y, theta, -1.0)


@exact.mistake(
    "This is the step with the constant rate 1/L. Along this gradient the curvature is "
    "g^T H g / g^T g, which is at most L."
)
def _exact_constant(X: Array, y: Array, theta: Array) -> Array:
    return theta - len(y) / (2 * _squares(X).max()) * _gradient(X, y, theta)


@exact.mistake("This is the minimum itself, not the lowest point along the gradient.")
def _exact_minimum(X: Array, y: Array, theta: Array) -> Array:
    return np.linalg.lstsq(X, y, rcond=None)[0]


# descent-backtrack


def _backtracking(rng: np.random.Generator) -> Arguments:
    """Draw a first rate that lies well above the exact one, and never just at a limit."""
    case = _regression(rng)
    rate = _exact_rate(case["X"], _gradient(**case))
    share = rng.choice([0.56, 0.66, 0.84, 0.94]) * 2.0 ** rng.integers(3, 7)
    return case | {"eta": float(share * rate)}


def _halved(eta: float, limit: float) -> float:
    while eta > limit:
        eta /= 2
    return eta


def _limit(X: Array, y: Array, theta: Array) -> float:
    return _exact_rate(X, _gradient(X, y, theta))


@exercise("descent-backtrack", _backtracking, returns="the rate")
def backtrack(X: Array, y: Array, theta: Array, eta: float) -> float:
    """First of the rates eta, eta/2, ... that Armijo's rule accepts with c = 1/2."""
    return _halved(eta, _limit(X, y, theta))


@backtrack.mistake(
    "This is twice the right rate. Is it the last one that was refused? Or do you only ask that "
    "the cost falls, and not that it falls by half of what the tangent promises?"
)
def _refused(X: Array, y: Array, theta: Array, eta: float) -> float:
    return 2 * _halved(eta, _limit(X, y, theta))


@backtrack.mistake("This is half the right rate: it was halved once more after it was good enough.")
def _once_more(X: Array, y: Array, theta: Array, eta: float) -> float:
    return _halved(eta, _limit(X, y, theta)) / 2


@backtrack.mistake(
    "No rate is ever good enough but one so small that rounding hides the step: it goes uphill. "
    "Look at the sign before the gradient."
)
def _uphill(X: Array, y: Array, theta: Array, eta: float) -> float:
    g = _gradient(X, y, theta)

    def cost(at: Array) -> float:
        return float(np.mean((y - X @ at) ** 2))

    while cost(theta + eta * g) > cost(theta) - eta / 2 * (g @ g):
        eta /= 2
    return eta


@backtrack.mistake(
    "The rate is too small by about the number of samples: cost and gradient are sums here, and "
    "should be divided by n."
)
def _sums(X: Array, y: Array, theta: Array, eta: float) -> float:
    return _halved(eta, _limit(X, y, theta) / len(y))


@backtrack.mistake(
    "The gradient lacks its factor 2, so the steps are shorter than you say, and the promise of "
    "the tangent is too small."
)
def _short_gradient(X: Array, y: Array, theta: Array, eta: float) -> float:
    return _halved(eta, 3 * _limit(X, y, theta))


# descent-two-rates


def _interval(rng: np.random.Generator) -> Arguments:
    mu = rng.uniform(0.2, 2)
    return {"mu": mu, "L": mu * rng.uniform(4, 60)}


def _pair(mu: float, L: float, root: float) -> Numbers:
    """Give the rates whose reciprocals stand symmetrically about the middle, and the maximum."""
    middle, reach = (L + mu) / 2, (L - mu) / 2 * root
    rates = 1 / (middle - reach), 1 / (middle + reach)
    values = [abs((1 - rates[0] * v) * (1 - rates[1] * v)) for v in (mu, middle, L)]
    return *rates, max(values)


@exercise("descent-two-rates", _interval, returns=("the larger rate", "the smaller", "the factor"))
def two_rates(mu: float, L: float) -> Numbers:
    """Best two rates in turn, and what two steps are worth."""
    return _pair(mu, L, 0.5**0.5)


@two_rates.mistake(
    "This is the best single rate, used twice. Two different ones are better: their factors may "
    "be large where the other's is small."
)
def _same_rate(mu: float, L: float) -> Numbers:
    return _pair(mu, L, 0.0)


@two_rates.mistake(
    "These rates kill the two ends, 1/mu and 1/L, and between them the product is large. The "
    "zeros of T_2 lie inside, at s = 1/sqrt(2) and -1/sqrt(2)."
)
def _ends(mu: float, L: float) -> Numbers:
    return _pair(mu, L, 1.0)


@two_rates.mistake(
    "The rates are right. The factor is that of one step on average; the exercise asks for the "
    "factor of two steps."
)
def _per_step(mu: float, L: float) -> Numbers:
    large, small, factor = two_rates.reference(mu, L)
    return large, small, factor**0.5


@two_rates.mistake(
    "The rates are right. The factor is the reciprocal of T_2(s_0), a number less than one: you "
    "give T_2(s_0) itself."
)
def _reciprocal(mu: float, L: float) -> Numbers:
    large, small, factor = two_rates.reference(mu, L)
    return large, small, 1 / factor


@two_rates.mistake(
    "These are the places where P vanishes. The rates are their reciprocals, as 1 - eta nu "
    "vanishes at nu = 1/eta."
)
def _places(mu: float, L: float) -> Numbers:
    large, small, factor = two_rates.reference(mu, L)
    return 1 / small, 1 / large, factor


@two_rates.mistake("The two rates are exchanged: the larger one comes first.")
def _exchanged(mu: float, L: float) -> Numbers:
    large, small, factor = two_rates.reference(mu, L)
    return small, large, factor
