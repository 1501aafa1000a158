"""Checkers for the exercises of the chapter on momentum and stochastic gradients."""

from collections.abc import Callable

import numpy as np

from dlmath.exercises.framework import Arguments, exercise

Array = np.ndarray


def _hessian(rng: np.random.Generator, p: int) -> Array:
    """Draw a positive definite matrix with eigenvalues between 1 and 9."""
    axes = np.linalg.qr(rng.normal(size=(p, p)))[0]
    H = (axes * np.sort(rng.uniform(1, 9, size=p))) @ axes.T
    return (H + H.T) / 2


def _curvature(X: Array) -> Array:
    return 2 * X.T @ X / len(X)


# momentum-heavy-ball


def _rolling(rng: np.random.Generator) -> Arguments:
    p = int(rng.integers(2, 5))
    return {
        "H": _hessian(rng, p),
        "x0": rng.normal(size=p) + 1,
        "eta": rng.uniform(0.05, 0.15),
        "beta": rng.uniform(0.4, 0.8),
        "steps": int(rng.integers(6, 12)),
    }


Move = Callable[[Array, Array], Array]


def _walk(x0: Array, steps: int, move: Move) -> Array:
    """Return the places of a walk; `move` gives the next place from this one and the last."""
    path = [np.array(x0, dtype=float)]
    before = path[0]
    for _ in range(steps):
        x, before = move(path[-1], before), path[-1]
        path.append(x)
    return np.array(path)


def _rolled(H: Array, x0: Array, eta: float, beta: float, steps: int, sign: float = 1.0) -> Array:
    return _walk(x0, steps, lambda x, last: x - eta * H @ x + sign * beta * (x - last))


@exercise("momentum-heavy-ball", _rolling, returns="the path")
def heavy_ball(H: Array, x0: Array, eta: float, beta: float, steps: int) -> Array:
    """Places of the heavy ball on a quadratic cost, from rest."""
    return _rolled(H, x0, eta, beta, steps)


@heavy_ball.mistake(
    "The velocity is an average here, beta v + (1 - beta) g: then the steps are shorter by the "
    "factor 1 - beta. In this book the new gradient is added with the weight 1."
)
def _ball_average(H: Array, x0: Array, eta: float, beta: float, steps: int) -> Array:
    return _rolled(H, x0, eta * (1 - beta), beta, steps)


@heavy_ball.mistake(
    "The sign before beta is wrong: the ball goes on in the direction of its last move, "
    "x_k - x_(k-1)."
)
def _ball_backwards(H: Array, x0: Array, eta: float, beta: float, steps: int) -> Array:
    return _rolled(H, x0, eta, beta, steps, sign=-1.0)


@heavy_ball.mistake("This walks uphill: the sign before the gradient is wrong.")
def _ball_uphill(H: Array, x0: Array, eta: float, beta: float, steps: int) -> Array:
    return _rolled(H, x0, -eta, beta, steps)


@heavy_ball.mistake("This is gradient descent: the momentum has no effect on it.")
def _ball_descent(H: Array, x0: Array, eta: float, beta: float, steps: int) -> Array:
    return _rolled(H, x0, eta, 0.0, steps)


@heavy_ball.mistake(
    "This takes the gradient at the extrapolated point: it is Nesterov's method. The heavy ball "
    "takes the gradient where it stands."
)
def _ball_nesterov(H: Array, x0: Array, eta: float, beta: float, steps: int) -> Array:
    def move(x: Array, last: Array) -> Array:
        y = x + beta * (x - last)
        return y - eta * H @ y

    return _walk(x0, steps, move)


@heavy_ball.mistake(
    "The gradient of x^T H x / 2 is H x: the 2 of the square cancels the 1/2, and here it is left."
)
def _ball_twice(H: Array, x0: Array, eta: float, beta: float, steps: int) -> Array:
    return _rolled(H, x0, 2 * eta, beta, steps)


@heavy_ball.mistake(
    "Every step uses the velocity from before the new gradient is added: update v first and "
    "then x, so that the first step is already one of gradient descent."
)
def _ball_late(H: Array, x0: Array, eta: float, beta: float, steps: int) -> Array:
    path, velocity = [x0], np.zeros_like(x0)
    for _ in range(steps):
        path.append(path[-1] - eta * velocity)
        velocity = beta * velocity + H @ path[-2]
    return np.array(path)


# momentum-radius


def _spectrum(rng: np.random.Generator) -> Arguments:
    h = np.sort(rng.uniform(0.5, 20, size=int(rng.integers(4, 9))))
    # The softest direction is overdamped and sets the radius; the stiffest is beyond the band too.
    h[0] = 0.02 * h[-1]
    return {"h": h, "eta": 2.5 / h[-1], "beta": rng.uniform(0.26, 0.32)}


def _roots(h: Array, eta: float, beta: float, sign: float = 1.0) -> Array:
    middle = (1 + sign * beta - eta * h) / 2
    root = np.emath.sqrt(middle**2 - beta)
    return np.array([middle + root, middle - root])


@exercise("momentum-radius", _spectrum, returns="the radius")
def radius(h: Array, eta: float, beta: float) -> float:
    """Largest modulus of the roots of all directions."""
    return float(np.abs(_roots(h, eta, beta)).max())


@radius.mistake(
    "This is sqrt(beta), the modulus where all directions oscillate. A direction outside the band "
    "has a larger root: compute the roots of each h."
)
def _radius_band(h: Array, eta: float, beta: float) -> float:
    return float(np.sqrt(beta))


@radius.mistake(
    "Only the stiffest direction is looked at. Take the largest modulus over all eigenvalues."
)
def _radius_stiff(h: Array, eta: float, beta: float) -> float:
    return float(np.abs(_roots(h.max(), eta, beta)).max())


@radius.mistake(
    "This is the smallest modulus of the roots; not the slowest direction, which has the largest."
)
def _radius_least(h: Array, eta: float, beta: float) -> float:
    return float(np.abs(_roots(h, eta, beta)).min())


@radius.mistake("This is the radius of gradient descent, with beta = 0.")
def _radius_descent(h: Array, eta: float, beta: float) -> float:
    return float(np.abs(1 - eta * h).max())


@radius.mistake(
    "The sign of beta in the middle term is wrong: the equation is "
    "r^2 - (1 + beta - eta h) r + beta = 0."
)
def _radius_sign(h: Array, eta: float, beta: float) -> float:
    return float(np.abs(_roots(h, eta, beta, sign=-1.0)).max())


@radius.mistake(
    "A factor 2 is missing under the root: the solutions are half of the trace plus or minus "
    "sqrt(half of the trace squared - beta)."
)
def _radius_no_half(h: Array, eta: float, beta: float) -> float:
    trace = 1 + beta - eta * h
    root = np.emath.sqrt(trace**2 - 4 * beta)
    return float(np.abs([trace + root, trace - root]).max())


@radius.mistake(
    "These are the roots for Nesterov's method, where the gradient is taken at the extrapolated "
    "point."
)
def _radius_nesterov(h: Array, eta: float, beta: float) -> float:
    middle, product = (1 + beta) * (1 - eta * h) / 2, beta * (1 - eta * h)
    root = np.emath.sqrt(middle**2 - product)
    return float(np.abs([middle + root, middle - root]).max())


# momentum-points


def _saved(rng: np.random.Generator) -> Arguments:
    """Draw a run of torch's form of Nesterov's method on a quadratic."""
    p, steps = int(rng.integers(2, 5)), int(rng.integers(5, 11))
    H, theta = _hessian(rng, p), [rng.normal(size=p) + 1]
    eta, beta = rng.uniform(0.03, 0.1), rng.uniform(0.5, 0.9)
    velocity = np.zeros(p)
    for _ in range(steps):
        gradient = H @ theta[-1]
        velocity = beta * velocity + gradient
        theta.append(theta[-1] - eta * (gradient + beta * velocity))
    return {"theta": np.array(theta), "eta": eta, "beta": beta}


@exercise("momentum-points", _saved, returns="the points")
def points(theta: Array, eta: float, beta: float) -> Array:
    """Points from which those saved were extrapolated."""
    x = [theta[0]]
    for y in theta[1:]:
        x.append((y + beta * x[-1]) / (1 + beta))
    return np.array(x)


@points.mistake(
    "These are the saved parameters themselves: they are the extrapolated points y_k, not "
    "the points x_k, which lie behind them."
)
def _points_same(theta: Array, eta: float, beta: float) -> Array:
    return theta


@points.mistake(
    "This extrapolates once more: what was saved is y_k, and you want to go back to x_k."
)
def _points_forward(theta: Array, eta: float, beta: float) -> Array:
    return np.vstack([theta[:1], theta[1:] + beta * np.diff(theta, axis=0)])


@points.mistake(
    "The last move is taken from the saved parameters, theta_k - theta_(k-1). In the extrapolation "
    "stands the move of the points themselves, x_k - x_(k-1): solve for one after the other."
)
def _points_of_theta(theta: Array, eta: float, beta: float) -> Array:
    return np.vstack([theta[:1], theta[1:] - beta * np.diff(theta, axis=0)])


@points.mistake("y_k = (1 + beta) x_k - beta x_(k-1): the division by 1 + beta is missing.")
def _points_undivided(theta: Array, eta: float, beta: float) -> Array:
    x = [theta[0]]
    for y in theta[1:]:
        x.append(y + beta * x[-1])
    return np.array(x)


@points.mistake(
    "y_k = (1 + beta) x_k - beta x_(k-1): when it is solved for x_k, the sign before x_(k-1) is "
    "plus, and here it is minus."
)
def _points_sign(theta: Array, eta: float, beta: float) -> Array:
    x = [theta[0]]
    for y in theta[1:]:
        x.append((y - beta * x[-1]) / (1 + beta))
    return np.array(x)


# momentum-cloud


def _fit(rng: np.random.Generator) -> Arguments:
    """Draw a regression whose residuals grow with the features, and a small learning rate."""
    n, p = int(rng.integers(15, 40)), int(rng.integers(2, 4))
    X = rng.normal(size=(n, p)) * rng.uniform(0.5, 1.5, size=p) + 0.4
    y = X @ rng.normal(size=p) + (0.3 + np.abs(X[:, 0])) * rng.normal(size=n)
    L = np.linalg.eigvalsh(_curvature(X))[-1]
    return {"X": X, "y": y, "eta": rng.uniform(0.4, 0.8) / L, "B": int(rng.integers(2, 6))}


def _residuals(X: Array, y: Array) -> Array:
    return y - X @ np.linalg.lstsq(X, y, rcond=None)[0]


def _covariance(X: Array, y: Array) -> Array:
    """Covariance of the gradients of the single samples, at the minimum."""
    g = -2 * _residuals(X, y)[:, np.newaxis] * X
    return g.T @ g / len(y)


def _balance(H: Array, noise: Array, eta: float, second: float = 1.0) -> Array:
    h, V = np.linalg.eigh(H)
    sums = h[:, np.newaxis] + h - second * eta * np.outer(h, h)
    return V @ (eta * (V.T @ noise @ V) / sums) @ V.T


@exercise("momentum-cloud", _fit, returns="the covariance")
def cloud(X: Array, y: Array, eta: float, B: int) -> Array:
    """Stationary covariance of SGD, without the fluctuation of the curvature."""
    return _balance(_curvature(X), _covariance(X, y) / B, eta)


@cloud.mistake("The noise of a batch is Sigma / B: the division by B is missing.")
def _cloud_single(X: Array, y: Array, eta: float, B: int) -> Array:
    return _balance(_curvature(X), _covariance(X, y), eta)


@cloud.mistake(
    "The samples are drawn with replacement here: the factor (n - B)/(n - 1) does not belong to it."
)
def _cloud_finite(X: Array, y: Array, eta: float, B: int) -> Array:
    n = len(y)
    return _balance(_curvature(X), _covariance(X, y) / B * (n - B) / (n - 1), eta)


@cloud.mistake(
    "Sigma is a mean over the samples: the sum of the g_i g_i^T still has to be divided by n."
)
def _cloud_sum(X: Array, y: Array, eta: float, B: int) -> Array:
    return _balance(_curvature(X), _covariance(X, y) * len(y) / B, eta)


@cloud.mistake("The Hessian of the mean squared residual is 2 X^T X / n: the 2 is missing in it.")
def _cloud_half(X: Array, y: Array, eta: float, B: int) -> Array:
    return _balance(_curvature(X) / 2, _covariance(X, y) / B, eta)


@cloud.mistake(
    "The gradient of a squared residual has a factor 2, and the covariance of gradients its "
    "square: the noise is too small by a factor 4."
)
def _cloud_quarter(X: Array, y: Array, eta: float, B: int) -> Array:
    return _balance(_curvature(X), _covariance(X, y) / B / 4, eta)


@cloud.mistake(
    "This holds to first order in eta: in the denominator eta h_i h_j has been left out."
)
def _cloud_first_order(X: Array, y: Array, eta: float, B: int) -> Array:
    return _balance(_curvature(X), _covariance(X, y) / B, eta, second=0.0)


@cloud.mistake("In the denominator the sign before eta h_i h_j is wrong: it is minus.")
def _cloud_sign(X: Array, y: Array, eta: float, B: int) -> Array:
    return _balance(_curvature(X), _covariance(X, y) / B, eta, second=-1.0)


@cloud.mistake(
    "This supposes that the residuals have nothing to do with the features, Sigma = 2 s^2 H. "
    "Take Sigma from the gradients of the samples."
)
def _cloud_round(X: Array, y: Array, eta: float, B: int) -> Array:
    H = _curvature(X)
    return _balance(H, 2 * np.mean(_residuals(X, y) ** 2) * H / B, eta)


# momentum-langevin


def _posterior(rng: np.random.Generator) -> Arguments:
    n, p = int(rng.integers(15, 40)), int(rng.integers(2, 4))
    X, B = rng.normal(size=(n, p)) + 0.4, int(rng.integers(2, 6))
    L = np.linalg.eigvalsh(_curvature(X))[-1]
    eta = rng.uniform(0.4, 0.8) * 2 * B / (n + B) / L
    return {"X": X, "s": rng.uniform(0.5, 1.5), "eta": eta, "B": B}


def _added(X: Array, s: float, eta: float, batch: float, second: float = 1.0) -> Array:
    n, p = X.shape
    H = _curvature(X)
    return 2 * s**2 / n * (2 / eta * np.eye(p) - second * H) - 2 * s**2 * batch * H


@exercise("momentum-langevin", _posterior, returns="the covariance")
def langevin(X: Array, s: float, eta: float, B: int) -> Array:
    """Covariance of the noise that makes the cloud the posterior."""
    return _added(X, s, eta, 1 / B)


@langevin.mistake(
    "This is all the noise that is needed. The batches bring 2 s^2 H / B of it along: subtract it."
)
def _langevin_all(X: Array, s: float, eta: float, B: int) -> Array:
    return _added(X, s, eta, 0.0)


@langevin.mistake(
    "The sign before the noise of the batches is wrong: what they bring along need not be added."
)
def _langevin_sign(X: Array, s: float, eta: float, B: int) -> Array:
    return _added(X, s, eta, -1 / B)


@langevin.mistake(
    "This is right to first order in eta: the term with eta H S H, which gives "
    "- (2 s^2 / n) H, has been left out."
)
def _langevin_first(X: Array, s: float, eta: float, B: int) -> Array:
    return _added(X, s, eta, 1 / B, second=0.0)


@langevin.mistake(
    "The posterior is that of all n samples, s^2 (X^T X)^-1 = (2 s^2 / n) H^-1: a factor n is "
    "missing in what the posterior needs."
)
def _langevin_n(X: Array, s: float, eta: float, B: int) -> Array:
    n, H = len(X), _curvature(X)
    return n * _added(X, s, eta, 0.0) - 2 * s**2 / B * H


@langevin.mistake(
    "The Hessian of the mean squared residual is 2 X^T X / n: the 2 is missing in it."
)
def _langevin_half(X: Array, s: float, eta: float, B: int) -> Array:
    n, p = X.shape
    H = X.T @ X / n
    return 2 * s**2 / n * (2 / eta * np.eye(p) - H) - 2 * s**2 / B * H


@langevin.mistake(
    "This is the covariance of the kick on the parameters, eta^2 A. The noise asked for is added "
    "to the gradient, before it is multiplied by eta."
)
def _langevin_kick(X: Array, s: float, eta: float, B: int) -> Array:
    return eta**2 * _added(X, s, eta, 1 / B)


@langevin.mistake("The noise of a batch is 2 s^2 H / B: the division by B is missing.")
def _langevin_single(X: Array, s: float, eta: float, B: int) -> Array:
    return _added(X, s, eta, 1.0)
