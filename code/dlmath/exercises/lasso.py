"""Checkers for the exercises of the chapter on the lasso."""

import numpy as np

from dlmath.exercises.framework import Arguments, exercise

Array = np.ndarray


def _sparse_regression(rng: np.random.Generator) -> Arguments:
    """Draw correlated columns of different scales, and a penalty that leaves some of them out."""
    n, p = int(rng.integers(15, 40)), int(rng.integers(4, 7))
    common = rng.normal(size=(n, 1))
    X = (rng.normal(size=(n, p)) + 0.6 * common) * rng.uniform(0.5, 2, size=p)
    theta = rng.normal(size=p) * (rng.random(p) < 0.6)
    theta[0] = 1.5
    y = X @ theta + rng.normal(size=n)
    lam = rng.uniform(0.1, 0.3) * 2 / n * np.max(np.abs(X.T @ y))
    return {"X": X, "y": y, "lam": lam}


def _soft(x: Array, threshold: float) -> Array:
    return np.sign(x) * np.maximum(np.abs(x) - threshold, 0)


def _force(X: Array, y: Array, theta: Array) -> Array:
    """Return what the squares pull with at each coefficient."""
    return 2 / len(y) * X.T @ (y - X @ theta)


def _minimise(X: Array, y: Array, lam: float, weights: Array | float = 1.0) -> Array:
    """Minimise the lasso's cost, with a weight on each coefficient, by FISTA to rounding."""
    step = 1 / np.linalg.eigvalsh(2 / len(y) * X.T @ X)[-1]
    theta = beyond = np.zeros(X.shape[1])
    a = 1.0
    for _ in range(3000):
        new = _soft(beyond + step * _force(X, y, beyond), step * lam * weights)
        if (beyond - new) @ (new - theta) > 0:  # uphill: start the acceleration anew
            a = 1.0
        a, last = (1 + np.sqrt(1 + 4 * a**2)) / 2, a
        theta, beyond = new, new + (last - 1) / a * (new - theta)
    return theta


# lasso-sweep


def _regression_and_start(rng: np.random.Generator) -> Arguments:
    case = _sparse_regression(rng)
    start = rng.normal(size=case["X"].shape[1])
    return {"X": case["X"], "y": case["y"], "theta": start, "lam": case["lam"]}


def _sweep(
    X: Array,
    y: Array,
    theta: Array,
    threshold: float,
    order: Array,
    *,
    divide: bool = True,
) -> Array:
    """Update the coordinates in some order, each from the present values of the others."""
    n, theta = len(y), theta.copy()
    for j in order:
        rest = y - X @ theta + X[:, j] * theta[j]
        pull = _soft(X[:, j] @ rest / n, threshold)
        theta[j] = pull / (X[:, j] @ X[:, j] / n) if divide else pull
    return theta


@exercise("lasso-sweep", _regression_and_start, returns="theta")
def lasso_sweep(X: Array, y: Array, theta: Array, lam: float) -> Array:
    """Make one sweep of coordinate descent, from the first coefficient to the last."""
    return _sweep(X, y, theta, lam / 2, np.arange(len(theta)))


@lasso_sweep.mistake(
    "The threshold is lambda/2 and not lambda: the square leaves a factor 2 when it is "
    "differentiated, the absolute value does not."
)
def _sweep_with_lambda(X: Array, y: Array, theta: Array, lam: float) -> Array:
    return _sweep(X, y, theta, lam, np.arange(len(theta)))


@lasso_sweep.mistake(
    "The 1/n is missing in X_j^T r_j / n, so the threshold lambda/2 is too small by the factor n."
)
def _sweep_without_n(X: Array, y: Array, theta: Array, lam: float) -> Array:
    return _sweep(X, y, theta, lam / 2 / len(y), np.arange(len(theta)))


@lasso_sweep.mistake(
    "The division by c_j = X_j^T X_j / n is missing. It may be left out for columns of mean "
    "square 1, and these are of other lengths."
)
def _sweep_undivided(X: Array, y: Array, theta: Array, lam: float) -> Array:
    return _sweep(X, y, theta, lam / 2, np.arange(len(theta)), divide=False)


@lasso_sweep.mistake(
    "All coefficients are updated from the old ones. A sweep is sequential: "
    "each update must see those that were made before it."
)
def _sweep_at_once(X: Array, y: Array, theta: Array, lam: float) -> Array:
    updated = [lasso_sweep.reference(X, y, theta, lam)[0]]
    updated += [_sweep(X, y, theta, lam / 2, np.array([j]))[j] for j in range(1, len(theta))]
    return np.array(updated)


@lasso_sweep.mistake(
    "The residual r_j is what the *other* coefficients leave: "
    "the contribution of column j itself must be added back."
)
def _sweep_full_residual(X: Array, y: Array, theta: Array, lam: float) -> Array:
    n, theta = len(y), theta.copy()
    for j in range(len(theta)):
        pull = _soft(X[:, j] @ (y - X @ theta) / n, lam / 2)
        theta[j] = pull / (X[:, j] @ X[:, j] / n)
    return theta


@lasso_sweep.mistake("The sweep goes from the last coefficient to the first; begin with the first.")
def _sweep_backwards(X: Array, y: Array, theta: Array, lam: float) -> Array:
    return _sweep(X, y, theta, lam / 2, np.arange(len(theta))[::-1])


@lasso_sweep.mistake("There is no threshold in it: this is a sweep for least squares, lambda = 0.")
def _sweep_least_squares(X: Array, y: Array, theta: Array, lam: float) -> Array:
    return _sweep(X, y, theta, 0.0, np.arange(len(theta)))


# lasso-gap


def _near_and_far(rng: np.random.Generator) -> Arguments:
    """Draw a point somewhere on the way; its residual may or may not be admissible as it is."""
    case = _sparse_regression(rng)
    shrink = rng.uniform(-0.2, 1.2)
    theta = shrink * _minimise(case["X"], case["y"], 0.2 * case["lam"])
    return {"X": case["X"], "y": case["y"], "theta": theta, "lam": case["lam"]}


def _cost(X: Array, y: Array, theta: Array, lam: float) -> float:
    return float(np.mean((y - X @ theta) ** 2) + lam * np.sum(np.abs(theta)))


def _dual(y: Array, q: Array) -> float:
    return float((y @ y - (y - q) @ (y - q)) / len(y))


@exercise("lasso-gap", _near_and_far, returns="the gap")
def lasso_gap(X: Array, y: Array, theta: Array, lam: float) -> float:
    """Duality gap with the residual shrunk until it is admissible."""
    a = min(1.0, lam / np.max(np.abs(_force(X, y, theta))))
    return _cost(X, y, theta, lam) - _dual(y, a * (y - X @ theta))


@lasso_gap.mistake(
    "The residual is not shrunk: D(r) is a lower bound only if no |2/n X_j^T r| exceeds lambda."
)
def _gap_unscaled(X: Array, y: Array, theta: Array, lam: float) -> float:
    return _cost(X, y, theta, lam) - _dual(y, y - X @ theta)


@lasso_gap.mistake(
    "The residual is stretched where it is smaller than it may be. Take a = min(1, ...): "
    "the book's gap only ever shrinks it."
)
def _gap_stretched(X: Array, y: Array, theta: Array, lam: float) -> float:
    a = lam / np.max(np.abs(_force(X, y, theta)))
    return _cost(X, y, theta, lam) - _dual(y, a * (y - X @ theta))


@lasso_gap.mistake(
    "The factor a compares lambda with the largest |X_j^T r|; the 2/n in front of it is missing, "
    "so the residual is shrunk too much (nearly by the factor n/2)."
)
def _gap_without_n(X: Array, y: Array, theta: Array, lam: float) -> float:
    a = min(1.0, lam / np.max(np.abs(X.T @ (y - X @ theta))))
    return _cost(X, y, theta, lam) - _dual(y, a * (y - X @ theta))


@lasso_gap.mistake(
    "The factor a compares lambda with 1/n |X_j^T r|. The force is 2/n X_j^T r: a 2 is missing."
)
def _gap_without_2(X: Array, y: Array, theta: Array, lam: float) -> float:
    a = min(1.0, 2 * lam / np.max(np.abs(_force(X, y, theta))))
    return _cost(X, y, theta, lam) - _dual(y, a * (y - X @ theta))


@lasso_gap.mistake("This is the lower bound D itself. The gap is what the cost exceeds it by.")
def _gap_dual_alone(X: Array, y: Array, theta: Array, lam: float) -> float:
    return _cost(X, y, theta, lam) - lasso_gap.reference(X, y, theta, lam)


@lasso_gap.mistake("This is the cost. Subtract the lower bound D(a r) from it.")
def _gap_cost_alone(X: Array, y: Array, theta: Array, lam: float) -> float:
    return _cost(X, y, theta, lam)


# lasso-ista-steps


def _steps(rng: np.random.Generator) -> Arguments:
    return _sparse_regression(rng) | {"k": int(rng.integers(3, 10))}


def _ista(X: Array, y: Array, eta: float, threshold: float, k: int) -> Array:
    theta = np.zeros(X.shape[1])
    for _ in range(k):
        theta = _soft(theta + eta * _force(X, y, theta), threshold)
    return theta


def _curvature(X: Array) -> float:
    return float(2 / len(X) * np.linalg.norm(X, 2) ** 2)


@exercise("lasso-ista-steps", _steps, returns="theta")
def lasso_ista(X: Array, y: Array, lam: float, k: int) -> Array:
    """Make k steps of ISTA from zero, with the step 1/L."""
    eta = 1 / _curvature(X)
    return _ista(X, y, eta, eta * lam, k)


@lasso_ista.mistake(
    "The threshold is lambda. It goes with the length of the step: eta times lambda."
)
def _ista_threshold_lambda(X: Array, y: Array, lam: float, k: int) -> Array:
    return _ista(X, y, 1 / _curvature(X), lam, k)


@lasso_ista.mistake(
    "The threshold is eta lambda / 2. The half belongs to coordinate descent; here the 2 of the "
    "square is in the gradient, and the threshold is eta lambda."
)
def _ista_threshold_half(X: Array, y: Array, lam: float, k: int) -> Array:
    eta = 1 / _curvature(X)
    return _ista(X, y, eta, eta * lam / 2, k)


@lasso_ista.mistake(
    "The gradient misses its factor 2: it is -2/n X^T (y - X theta), and with half of it the "
    "threshold is twice as large as it should be."
)
def _ista_half_gradient(X: Array, y: Array, lam: float, k: int) -> Array:
    eta = 1 / _curvature(X)
    return _ista(X, y, eta / 2, eta * lam, k)


@lasso_ista.mistake(
    "The step is 1/L with L = 2 d_1^2, where L = 2 d_1^2 / n: it is too short by the factor n."
)
def _ista_step_without_n(X: Array, y: Array, lam: float, k: int) -> Array:
    eta = 1 / _curvature(X) / len(y)
    return _ista(X, y, eta, eta * lam, k)


@lasso_ista.mistake(
    "The step is n/d_1^2, which is 2/L and twice too long: L = 2 d_1^2 / n contains a 2."
)
def _ista_step_twice(X: Array, y: Array, lam: float, k: int) -> Array:
    eta = 2 / _curvature(X)
    return _ista(X, y, eta, eta * lam, k)


@lasso_ista.mistake("There is no threshold in it: this is gradient descent on the squares.")
def _ista_without_threshold(X: Array, y: Array, lam: float, k: int) -> Array:
    return _ista(X, y, 1 / _curvature(X), 0.0, k)


@lasso_ista.mistake("One step is missing: this is theta after k - 1 steps.")
def _ista_one_fewer(X: Array, y: Array, lam: float, k: int) -> Array:
    return lasso_ista.reference(X, y, lam, k - 1)


@lasso_ista.mistake("One step too many: this is theta after k + 1 steps.")
def _ista_one_more(X: Array, y: Array, lam: float, k: int) -> Array:
    return lasso_ista.reference(X, y, lam, k + 1)


@lasso_ista.mistake("The sign of the step is wrong: to go downhill, add eta 2/n X^T (y - X theta).")
def _ista_uphill(X: Array, y: Array, lam: float, k: int) -> Array:
    eta = 1 / _curvature(X)
    theta = np.zeros(X.shape[1])
    for _ in range(k):
        theta = _soft(theta - eta * _force(X, y, theta), eta * lam)
    return theta


# lasso-weights


def _regression_and_weights(rng: np.random.Generator) -> Arguments:
    case = _sparse_regression(rng)
    case["lam"] *= 0.6
    return case | {"w": rng.uniform(0.4, 2.5, size=case["X"].shape[1])}


@exercise("lasso-weights", _regression_and_weights, returns="theta")
def lasso_weights(X: Array, y: Array, lam: float, w: Array) -> Array:
    """Minimise with the penalty lam w_j on the absolute value of coefficient j."""
    return _minimise(X, y, lam, w)


@lasso_weights.mistake(
    "This is the minimiser for the scaled columns. Scale it back: if column j was divided by w_j, "
    "so is the coefficient."
)
def _weights_not_scaled_back(X: Array, y: Array, lam: float, w: Array) -> Array:
    return _minimise(X, y, lam, w) * w


@lasso_weights.mistake(
    "The weights are upside down: a large w_j should make coefficient j expensive. "
    "Divide column j by w_j."
)
def _weights_inverted(X: Array, y: Array, lam: float, w: Array) -> Array:
    return _minimise(X, y, lam, 1 / w)


@lasso_weights.mistake("This is the lasso without the weights.")
def _weights_left_out(X: Array, y: Array, lam: float, w: Array) -> Array:
    return _minimise(X, y, lam)


@lasso_weights.mistake(
    "The penalties are twice too large. If you use scikit-learn, its alpha is our lambda/2."
)
def _weights_alpha(X: Array, y: Array, lam: float, w: Array) -> Array:
    return _minimise(X, y, 2 * lam, w)


@lasso_weights.mistake(
    "The penalties are too small by the factor n: is there a sum of squares in place of their mean?"
)
def _weights_without_n(X: Array, y: Array, lam: float, w: Array) -> Array:
    return _minimise(X, y, lam / len(y), w)


@lasso_weights.mistake(
    "The weights are squared. The norm has no square in it: divide column j by w_j and not by its "
    "square."
)
def _weights_squared(X: Array, y: Array, lam: float, w: Array) -> Array:
    return _minimise(X, y, lam, w**2)


# lasso-second-knot


def _two_knots(rng: np.random.Generator) -> Arguments:
    """Draw a problem whose last column is long and pulled away from where the path goes."""
    n, p = int(rng.integers(15, 40)), int(rng.integers(4, 7))
    X = rng.normal(size=(n, p)) * rng.uniform(0.5, 1.2, size=p)
    y = 3 * X[:, 0] - 2 * X[:, -1] + 2 * rng.normal(size=n)
    X[:, -1] = 2 * X[:, -1] + 1.5 * X[:, 0]
    return {"X": X * rng.choice([-1.0, 1.0], size=p), "y": y}


def _candidates(X: Array, y: Array) -> Array:
    """Give the penalties at which the other features would enter, with either sign."""
    j = int(np.argmax(np.abs(X.T @ y)))
    others = np.delete(X, j, axis=1)
    length = X[:, j] @ X[:, j]
    left = 2 / len(y) * others.T @ (y - X[:, j] * (X[:, j] @ y) / length)
    slope = others.T @ X[:, j] * np.sign(X[:, j] @ y) / length
    return np.array([left / (1 - slope), left / (-1 - slope)])


def _below(candidates: Array, limit: float) -> Array:
    """Leave out what is not on the way from the first knot down to zero."""
    return candidates[(candidates > 0) & (candidates < limit)]


@exercise("lasso-second-knot", _two_knots, returns="lambda_1")
def lasso_second_knot(X: Array, y: Array) -> float:
    """Penalty at which the second feature enters."""
    return float(np.max(_below(_candidates(X, y), 2 / len(y) * np.max(np.abs(X.T @ y)))))


@lasso_second_knot.mistake("This is lambda_max, where the first feature enters.")
def _knot_first(X: Array, y: Array) -> float:
    return float(2 / len(y) * np.max(np.abs(X.T @ y)))


@lasso_second_knot.mistake(
    "This is the second largest force at theta = 0. When the first coefficient moves, "
    "the forces on the others move with it."
)
def _knot_second_force(X: Array, y: Array) -> float:
    return float(np.sort(2 / len(y) * np.abs(X.T @ y))[-2])


@lasso_second_knot.mistake(
    "This is the largest force when the first coefficient has its least-squares value, at "
    "lambda = 0. The second feature enters on the way there: use the denominators."
)
def _knot_least_squares(X: Array, y: Array) -> float:
    j = int(np.argmax(np.abs(X.T @ y)))
    residual = y - X[:, j] * (X[:, j] @ y) / (X[:, j] @ X[:, j])
    return float(2 / len(y) * np.max(np.abs(X.T @ residual)))


@lasso_second_knot.mistake(
    "The penalty is too large by the factor n/2: the 2/n is missing in the forces, 2/n X_k^T r."
)
def _knot_without_n(X: Array, y: Array) -> float:
    return lasso_second_knot.reference(X, y) * len(y) / 2


@lasso_second_knot.mistake(
    "Only features that enter with a positive coefficient are looked for: "
    "the force may also reach -lambda."
)
def _knot_positive_only(X: Array, y: Array) -> float:
    limit = 2 / len(y) * np.max(np.abs(X.T @ y))
    return float(np.max(_below(_candidates(X, y)[0], limit), initial=0))


@lasso_second_knot.mistake(
    "One of the candidates lies above lambda_max (X_k^T X_j / X_j^T X_j may be larger than 1). "
    "The path never comes there: take the largest one below lambda_max."
)
def _knot_beyond(X: Array, y: Array) -> float:
    return float(np.max(_candidates(X, y)))


@lasso_second_knot.mistake(
    "The smallest candidate is taken. The path comes down from lambda_max, "
    "so the first event is the largest lambda."
)
def _knot_smallest(X: Array, y: Array) -> float:
    return float(np.min(_below(_candidates(X, y), np.inf)))
