"""Checkers for the exercises of the chapter on stochastic dynamics."""

import numpy as np

from dlmath.exercises.framework import Arguments, exercise

Array = np.ndarray


# stochastic-gibbs


def _sweeps(rng: np.random.Generator) -> Arguments:
    return {
        "x0": rng.normal(size=2) + 1,
        "rho": rng.uniform(0.3, 0.8),
        "noise": rng.normal(size=(int(rng.integers(6, 12)), 2)),
    }


def _swept(x0: Array, rho: float, noise: Array, width: float, newest: bool = True) -> Array:
    chain = np.empty(noise.shape)
    first, second = x0
    for k, (xi1, xi2) in enumerate(noise):
        other = first
        first = rho * second + width * xi1
        second = rho * (first if newest else other) + width * xi2
        chain[k] = first, second
    return chain


@exercise("stochastic-gibbs", _sweeps, returns="the chain")
def gibbs(x0: Array, rho: float, noise: Array) -> Array:
    """States after each sweep over the two coordinates."""
    return _swept(x0, rho, noise, np.sqrt(1 - rho**2))


@gibbs.mistake(
    "Both coordinates are drawn from the old values. The second one needs the new x1: drawn at "
    "once, the two lose their correlation."
)
def _gibbs_parallel(x0: Array, rho: float, noise: Array) -> Array:
    return _swept(x0, rho, noise, np.sqrt(1 - rho**2), newest=False)


@gibbs.mistake(
    "The noise is multiplied by the conditional variance 1 - rho^2. A normal number is multiplied "
    "by the standard deviation, its root."
)
def _gibbs_variance(x0: Array, rho: float, noise: Array) -> Array:
    return _swept(x0, rho, noise, 1 - rho**2)


@gibbs.mistake(
    "The noise has the variance one, as if the other coordinate said nothing: given it, only "
    "1 - rho^2 is left."
)
def _gibbs_full(x0: Array, rho: float, noise: Array) -> Array:
    return _swept(x0, rho, noise, 1.0)


@gibbs.mistake("The sign of rho is wrong: the conditional mean of x1 is rho x2.")
def _gibbs_sign(x0: Array, rho: float, noise: Array) -> Array:
    return _swept(x0, -rho, noise, np.sqrt(1 - rho**2))


# stochastic-mala


def _steps(rng: np.random.Generator) -> Arguments:
    n, d = int(rng.integers(8, 20)), int(rng.integers(2, 5))
    x, eta = rng.normal(size=(n, d)), rng.uniform(0.2, 0.6)
    g_x = x**3 + x
    y = x - eta / 2 * g_x + np.sqrt(eta) * rng.normal(size=(n, d))

    def energy(at: Array) -> Array:
        return np.sum(at**4 / 4 + at**2 / 2, axis=1)

    return {
        "x": x,
        "y": y,
        "E_x": energy(x),
        "E_y": energy(y),
        "g_x": g_x,
        "g_y": y**3 + y,
        "eta": eta,
    }


def _ratio(
    x: Array,
    y: Array,
    E_x: Array,
    E_y: Array,
    g_x: Array,
    g_y: Array,
    eta: float,
    *,
    height: float = 1.0,
    line: float = 0.5,
    squares: float = 0.125,
) -> Array:
    """Sum the three parts of the ratio, each with a weight."""
    trapezium = np.sum((y - x) * (g_x + g_y), axis=1)
    rest = np.sum(g_x**2 - g_y**2, axis=1)
    return height * (E_x - E_y) + line * trapezium + squares * eta * rest


@exercise("stochastic-mala", _steps, returns="the logarithm of the ratio")
def log_ratio(
    x: Array, y: Array, E_x: Array, E_y: Array, g_x: Array, g_y: Array, eta: float
) -> Array:
    """Logarithm of the acceptance ratio of Langevin's step."""
    return _ratio(x, y, E_x, E_y, g_x, g_y, eta)


@log_ratio.mistake(
    "The minimum with zero has been taken already. The exercise asks for the ratio itself."
)
def _ratio_cut(
    x: Array, y: Array, E_x: Array, E_y: Array, g_x: Array, g_y: Array, eta: float
) -> Array:
    return np.minimum(0, _ratio(x, y, E_x, E_y, g_x, g_y, eta))


@log_ratio.mistake(
    "This is the ratio for a symmetric proposal, E(x) - E(y). Langevin's proposal is not "
    "symmetric: r(x | y) over r(y | x) belongs to it."
)
def _ratio_symmetric(
    x: Array, y: Array, E_x: Array, E_y: Array, g_x: Array, g_y: Array, eta: float
) -> Array:
    return E_x - E_y


@log_ratio.mistake(
    "The energies have the wrong sign: the density is exp(-E), so going uphill in E makes the "
    "ratio smaller."
)
def _ratio_uphill(
    x: Array, y: Array, E_x: Array, E_y: Array, g_x: Array, g_y: Array, eta: float
) -> Array:
    return _ratio(x, y, E_x, E_y, g_x, g_y, eta, height=-1.0)


@log_ratio.mistake("The densities of the two proposals are exchanged: the way back is on top.")
def _ratio_exchanged(
    x: Array, y: Array, E_x: Array, E_y: Array, g_x: Array, g_y: Array, eta: float
) -> Array:
    return _ratio(x, y, E_x, E_y, g_x, g_y, eta, line=-0.5, squares=-0.125)


@log_ratio.mistake(
    "The proposals are divided by the wrong variance. The noise of a step has the variance eta, "
    "so the exponent is the square over 2 eta, and not over 4 eta."
)
def _ratio_four(
    x: Array, y: Array, E_x: Array, E_y: Array, g_x: Array, g_y: Array, eta: float
) -> Array:
    return _ratio(x, y, E_x, E_y, g_x, g_y, eta, line=0.25, squares=0.0625)


@log_ratio.mistake("The term with the squares of the gradients is missing, eta/8 times each.")
def _ratio_without_squares(
    x: Array, y: Array, E_x: Array, E_y: Array, g_x: Array, g_y: Array, eta: float
) -> Array:
    return _ratio(x, y, E_x, E_y, g_x, g_y, eta, squares=0.0)


# stochastic-ula


def _bowl(rng: np.random.Generator) -> Arguments:
    p = int(rng.integers(2, 5))
    axes = np.linalg.qr(rng.normal(size=(p, p)))[0]
    H = (axes * np.sort(rng.uniform(0.5, 4, size=p))) @ axes.T
    return {"H": (H + H.T) / 2, "eta": rng.uniform(0.1, 0.4)}


def _cloud(H: Array, share: float) -> Array:
    return np.linalg.inv(H - share * H @ H)


@exercise("stochastic-ula", _bowl, returns="the covariance")
def ula_covariance(H: Array, eta: float) -> Array:
    """Stationary covariance of the unadjusted walk."""
    return _cloud(H, eta / 4)


@ula_covariance.mistake(
    "This is the covariance of the density itself. The finite step makes the walk wider."
)
def _cloud_exact(H: Array, eta: float) -> Array:
    return _cloud(H, 0.0)


@ula_covariance.mistake(
    "eta/2 stands where eta/4 belongs. It is the bias for a step of the length eta along the "
    "gradient with noise of the variance 2 eta; here both are half of that."
)
def _cloud_half(H: Array, eta: float) -> Array:
    return _cloud(H, eta / 2)


@ula_covariance.mistake(
    "The sign of the correction is wrong: the walk is too wide and never too narrow."
)
def _cloud_narrow(H: Array, eta: float) -> Array:
    return _cloud(H, -eta / 4)


@ula_covariance.mistake(
    "The entries of H are squared one by one. The square is a product of matrices: H @ H."
)
def _cloud_entries(H: Array, eta: float) -> Array:
    return np.linalg.inv(H - eta / 4 * H**2)


# stochastic-milstein


def _growth(rng: np.random.Generator) -> Arguments:
    gap = rng.uniform(0.05, 0.2)
    return {
        "S0": rng.uniform(0.5, 2),
        "mu": rng.uniform(0.1, 0.5),
        "s": rng.uniform(0.4, 0.9),
        "gap": gap,
        "increments": np.sqrt(gap) * rng.normal(size=int(rng.integers(6, 12))),
    }


def _grown(
    S0: float, mu: float, s: float, gap: float, increments: Array, weight: float, mean: float
) -> Array:
    """Multiply by Milstein's factor with a weight of its term and of the mean taken off."""
    growth = 1 + mu * gap + s * increments + weight * s**2 * (increments**2 - mean * gap)
    return S0 * np.append(1.0, np.cumprod(growth))


@exercise("stochastic-milstein", _growth, returns="the path")
def milstein(S0: float, mu: float, s: float, gap: float, increments: Array) -> Array:
    """Path of multiplicative noise with Milstein's term."""
    return _grown(S0, mu, s, gap, increments, 0.5, 1.0)


@milstein.mistake("This is the method of Euler and Maruyama: the new term is missing.")
def _grown_euler(S0: float, mu: float, s: float, gap: float, increments: Array) -> Array:
    return _grown(S0, mu, s, gap, increments, 0.0, 1.0)


@milstein.mistake(
    "The mean of the squared increment, Delta, has not been subtracted. Without it the term is "
    "that of Stratonovich's equation, and no longer zero on average."
)
def _grown_stratonovich(S0: float, mu: float, s: float, gap: float, increments: Array) -> Array:
    return _grown(S0, mu, s, gap, increments, 0.5, 0.0)


@milstein.mistake("The new term has lost its 1/2, which comes from the integral of B dB.")
def _grown_twice(S0: float, mu: float, s: float, gap: float, increments: Array) -> Array:
    return _grown(S0, mu, s, gap, increments, 1.0, 1.0)


@milstein.mistake("The sign of the new term is wrong: it is added, not subtracted.")
def _grown_minus(S0: float, mu: float, s: float, gap: float, increments: Array) -> Array:
    return _grown(S0, mu, s, gap, increments, -0.5, 1.0)


@milstein.mistake(
    "The path lacks Ito's correction or has it twice: this is the exact solution on the grid, "
    "not a step of the method."
)
def _grown_exactly(S0: float, mu: float, s: float, gap: float, increments: Array) -> Array:
    steps = (mu - s**2 / 2) * gap + s * increments
    return S0 * np.exp(np.append(0.0, np.cumsum(steps)))


# stochastic-jarzynski


def _pulls(rng: np.random.Generator) -> Arguments:
    n = int(rng.integers(20, 40))
    return {"work": rng.uniform(900, 1100) + rng.uniform(1, 2) * rng.normal(size=n)}


def _jarzynski(work: Array) -> float:
    lowest = work.min()
    return float(lowest - np.log(np.mean(np.exp(lowest - work))))


@exercise("stochastic-jarzynski", _pulls, returns=("Jarzynski's estimate", "the Gaussian estimate"))
def free_energies(work: Array) -> tuple[float, float]:
    """Two estimates of the free energy difference."""
    return _jarzynski(work), float(work.mean() - np.var(work, ddof=1) / 2)


@free_energies.mistake(
    "The weights are summed and not averaged: their sum is n times too large, and the estimate too "
    "low by log n."
)
def _sum_of_weights(work: Array) -> tuple[float, float]:
    first, second = free_energies.reference(work)
    return first - float(np.log(len(work))), second


@free_energies.mistake(
    "The sign in the exponent is wrong: the weights are exp(-W), and the pulls with little work "
    "count most."
)
def _wrong_exponent(work: Array) -> tuple[float, float]:
    return -_jarzynski(-work), free_energies.reference(work)[1]


@free_energies.mistake(
    "The whole variance has been taken off. For a Gaussian the mean of exp(-W) is "
    "exp(-m + V/2): half of it."
)
def _whole_variance(work: Array) -> tuple[float, float]:
    return _jarzynski(work), float(work.mean() - np.var(work, ddof=1))


@free_energies.mistake(
    "Half the variance is added. The sign is wrong: the free energy lies below the mean work."
)
def _variance_added(work: Array) -> tuple[float, float]:
    return _jarzynski(work), float(work.mean() + np.var(work, ddof=1) / 2)


@free_energies.mistake(
    "Jarzynski's estimate is the mean work here, which is an upper bound by the second law and "
    "no estimate of the free energy."
)
def _mean_work(work: Array) -> tuple[float, float]:
    return float(work.mean()), free_energies.reference(work)[1]
