"""Checkers for the exercises of the chapter on least squares."""

import numpy as np
from scipy import stats

from dlmath.exercises.framework import Arguments, exercise

Array = np.ndarray


def _regression(rng: np.random.Generator) -> Arguments:
    """Draw a regression problem of random size, with columns of different scales."""
    n, p = int(rng.integers(12, 30)), int(rng.integers(2, 6))
    X = rng.normal(size=(n, p)) * rng.uniform(0.5, 3, size=p) + 0.3
    y = X @ rng.normal(size=p) + rng.normal(size=n)
    return {"X": X, "y": y}


# ols-gradient


def _regression_and_point(rng: np.random.Generator) -> Arguments:
    case = _regression(rng)
    return case | {"theta": rng.normal(size=case["X"].shape[1])}


@exercise("ols-gradient", _regression_and_point, returns="the gradient")
def ols_gradient(X: Array, y: Array, theta: Array) -> Array:
    """Gradient of the cost with its 1/n."""
    return 2 / len(y) * X.T @ (X @ theta - y)


@ols_gradient.mistake(
    "This is the gradient of the sum of squares. The cost of this chapter is their mean: "
    "a factor 1/n is missing."
)
def _gradient_of_the_sum(X: Array, y: Array, theta: Array) -> Array:
    return 2 * X.T @ (X @ theta - y)


@ols_gradient.mistake(
    "The square leaves a factor 2 when it is differentiated, and the cost has no 1/2 to cancel it."
)
def _gradient_without_2(X: Array, y: Array, theta: Array) -> Array:
    return X.T @ (X @ theta - y) / len(y)


@ols_gradient.mistake("Two factors are missing: the 2 from the square and the 1/n of the mean.")
def _gradient_without_factors(X: Array, y: Array, theta: Array) -> Array:
    return X.T @ (X @ theta - y)


@ols_gradient.mistake(
    "The sign is wrong: this vector points downhill. The gradient points uphill, "
    "and X theta - y is what stands behind X^T."
)
def _gradient_downhill(X: Array, y: Array, theta: Array) -> Array:
    return -2 / len(y) * X.T @ (X @ theta - y)


@ols_gradient.mistake(
    "The factor should be 1/n with n the number of samples (rows of X); "
    "here it is the number of features."
)
def _gradient_over_p(X: Array, y: Array, theta: Array) -> Array:
    return 2 / X.shape[1] * X.T @ (X @ theta - y)


# ols-normal-equations


@exercise("ols-normal-equations", _regression, returns="theta")
def ols_normal_equations(X: Array, y: Array) -> Array:
    """Least squares by QR, which is what the normal equations say."""
    Q, R = np.linalg.qr(X)
    return np.linalg.solve(R, Q.T @ y)


@ols_normal_equations.mistake(
    "This is X^T y, the right-hand side alone: the matrix X^T X has still to be divided out."
)
def _right_hand_side(X: Array, y: Array) -> Array:
    return X.T @ y


@ols_normal_equations.mistake(
    "The 1/n stands on both sides of the normal equations and cancels; "
    "here it is on one side only, so theta is too small by the factor n."
)
def _normal_over_n(X: Array, y: Array) -> Array:
    return np.linalg.solve(X.T @ X, X.T @ y) / len(y)


@ols_normal_equations.mistake(
    "The 1/n stands on both sides of the normal equations and cancels; "
    "here it is on one side only, so theta is too large by the factor n."
)
def _normal_times_n(X: Array, y: Array) -> Array:
    return np.linalg.solve(X.T @ X, X.T @ y) * len(y)


@ols_normal_equations.mistake(
    "The sign is wrong: setting the gradient to zero gives X^T X theta = + X^T y."
)
def _normal_negative(X: Array, y: Array) -> Array:
    return -np.linalg.solve(X.T @ X, X.T @ y)


@ols_normal_equations.mistake(
    "This is the fit to centred data. The exercise asks for the coefficients of the columns of X "
    "as they are, with no intercept added."
)
def _normal_centred(X: Array, y: Array) -> Array:
    Xc = X - X.mean(axis=0)
    return np.linalg.solve(Xc.T @ Xc, Xc.T @ (y - y.mean()))


# ols-covariance


@exercise("ols-covariance", _regression, returns="the covariance matrix")
def ols_covariance(X: Array, y: Array) -> Array:
    """Estimate the covariance of the coefficients, with s^2 from n - p degrees of freedom."""
    n, p = X.shape
    residuals = y - X @ ols_normal_equations.reference(X, y)
    return residuals @ residuals / (n - p) * np.linalg.inv(X.T @ X)


@ols_covariance.mistake(
    "The variance of the noise is the sum of squared residuals over n - p, not over n: "
    "the fit has used up p of the n degrees of freedom."
)
def _covariance_over_n(X: Array, y: Array) -> Array:
    n, p = X.shape
    return ols_covariance.reference(X, y) * (n - p) / n


@ols_covariance.mistake(
    "The fit has p parameters, so p degrees of freedom are lost and not one: divide by n - p."
)
def _covariance_over_n_minus_1(X: Array, y: Array) -> Array:
    n, p = X.shape
    return ols_covariance.reference(X, y) * (n - p) / (n - 1)


@ols_covariance.mistake(
    "X has all its columns in it, an intercept would be one of them: "
    "the degrees of freedom are n - p, not n - p - 1."
)
def _covariance_one_too_many(X: Array, y: Array) -> Array:
    n, p = X.shape
    return ols_covariance.reference(X, y) * (n - p) / (n - p - 1)


@ols_covariance.mistake(
    "The inverse is missing: the covariance is s^2 (X^T X)^{-1}. "
    "More data make X^T X larger and the covariance smaller."
)
def _covariance_not_inverted(X: Array, y: Array) -> Array:
    n, p = X.shape
    residuals = y - X @ ols_normal_equations.reference(X, y)
    return residuals @ residuals / (n - p) * X.T @ X


@ols_covariance.mistake(
    "This is (X^T X)^{-1} alone: the variance s^2 of the noise is missing in front of it."
)
def _covariance_without_noise(X: Array, y: Array) -> Array:
    return np.linalg.inv(X.T @ X)


@ols_covariance.mistake(
    "Here s stands in front of (X^T X)^{-1}. A covariance is quadratic in the data: it takes s^2."
)
def _covariance_with_root(X: Array, y: Array) -> Array:
    inverse = np.linalg.inv(X.T @ X)
    return np.sqrt(ols_covariance.reference(X, y)[0, 0] / inverse[0, 0]) * inverse


@ols_covariance.mistake(
    "The variance of the noise comes from the residuals y - X theta, not from the spread of y."
)
def _covariance_from_y(X: Array, y: Array) -> Array:
    n, p = X.shape
    return np.sum((y - y.mean()) ** 2) / (n - p) * np.linalg.inv(X.T @ X)


# ols-weighted


def _measured(rng: np.random.Generator) -> Arguments:
    case = _regression(rng)
    return case | {"s": rng.uniform(0.2, 2.0, size=len(case["y"]))}


def _weighted(X: Array, y: Array, w: Array) -> tuple[Array, Array]:
    """Solve the weighted normal equations; the second part is (X^T W X)^{-1}."""
    inverse = np.linalg.inv(X.T @ (w[:, None] * X))
    return inverse @ X.T @ (w * y), inverse


@exercise("ols-weighted", _measured, returns=("theta", "the covariance matrix"))
def ols_weighted(X: Array, y: Array, s: Array) -> tuple[Array, Array]:
    """Weighted least squares for known standard deviations."""
    return _weighted(X, y, 1 / s**2)


@ols_weighted.mistake(
    "The weights here are 1/s. The likelihood has squares, (y_i - f_i)^2 / s_i^2: "
    "the weights are 1/s^2."
)
def _weights_not_squared(X: Array, y: Array, s: Array) -> tuple[Array, Array]:
    return _weighted(X, y, 1 / s)


@ols_weighted.mistake(
    "The weights are upside down: s^2 gives the worst measurements the most say. Use 1/s^2."
)
def _weights_upside_down(X: Array, y: Array, s: Array) -> tuple[Array, Array]:
    return _weighted(X, y, s**2)


@ols_weighted.mistake(
    "This is the fit without weights: s has not been used, or the weights are all equal."
)
def _weights_ignored(X: Array, y: Array, s: Array) -> tuple[Array, Array]:
    return _weighted(X, y, np.ones_like(s))


@ols_weighted.mistake(
    "The weights stand in X^T W X but are missing in X^T W y: both sides need them."
)
def _weights_on_one_side(X: Array, y: Array, s: Array) -> tuple[Array, Array]:
    inverse = np.linalg.inv(X.T @ (X / s[:, None] ** 2))
    return inverse @ X.T @ y, inverse


@ols_weighted.mistake(
    "theta is right, and its covariance is scaled by chi^2 per degree of freedom. "
    "Here the s_i are known, so the covariance is (X^T W X)^{-1} as it stands."
)
def _covariance_rescaled(X: Array, y: Array, s: Array) -> tuple[Array, Array]:
    theta, inverse = _weighted(X, y, 1 / s**2)
    n, p = X.shape
    return theta, np.sum(((y - X @ theta) / s) ** 2) / (n - p) * inverse


@ols_weighted.mistake(
    "theta is right, and the inverse is missing in the covariance: it is (X^T W X)^{-1}."
)
def _weighted_not_inverted(X: Array, y: Array, s: Array) -> tuple[Array, Array]:
    theta, inverse = _weighted(X, y, 1 / s**2)
    return theta, np.linalg.inv(inverse)


@ols_weighted.mistake(
    "theta is right; its covariance (X^T X)^{-1} has lost the weights: it is (X^T W X)^{-1}."
)
def _weighted_covariance_unweighted(X: Array, y: Array, s: Array) -> tuple[Array, Array]:
    return _weighted(X, y, 1 / s**2)[0], np.linalg.inv(X.T @ X)


# ols-bands


def _regression_and_new_points(rng: np.random.Generator) -> Arguments:
    case = _regression(rng)
    return case | {
        "X_new": rng.normal(size=(7, case["X"].shape[1])),
        "level": rng.uniform(0.6, 0.98),
    }


def _band_parts(X: Array, y: Array, X_new: Array) -> tuple[float, Array, int]:
    """Return s^2, the variance of the fit in units of s^2, and the degrees of freedom."""
    n, p = X.shape
    inverse = np.linalg.inv(X.T @ X)
    residuals = y - X @ inverse @ X.T @ y
    return residuals @ residuals / (n - p), np.sum(X_new @ inverse * X_new, axis=1), n - p


@exercise(
    "ols-bands",
    _regression_and_new_points,
    returns=("the confidence half-width", "the prediction half-width"),
)
def ols_bands(X: Array, y: Array, X_new: Array, level: float) -> tuple[Array, Array]:
    """Half-widths of the two bands."""
    s2, v, dof = _band_parts(X, y, X_new)
    t = stats.t.ppf((1 + level) / 2, dof)
    return t * np.sqrt(s2 * v), t * np.sqrt(s2 * (1 + v))


@ols_bands.mistake(
    "The two bands are exchanged. The band of a new measurement contains its own noise "
    "and is the wider one."
)
def _bands_exchanged(X: Array, y: Array, X_new: Array, level: float) -> tuple[Array, Array]:
    confidence, prediction = ols_bands.reference(X, y, X_new, level)
    return prediction, confidence


@ols_bands.mistake(
    "The quantile is one-sided. To leave (1 - level)/2 on each side, "
    "take Student's t at (1 + level)/2."
)
def _bands_one_sided(X: Array, y: Array, X_new: Array, level: float) -> tuple[Array, Array]:
    s2, v, dof = _band_parts(X, y, X_new)
    t = stats.t.ppf(level, dof)
    return t * np.sqrt(s2 * v), t * np.sqrt(s2 * (1 + v))


@ols_bands.mistake(
    "These are the bands for a known variance. The variance is estimated from the residuals, "
    "so the quantile is Student's t with n - p degrees of freedom, not the normal one."
)
def _bands_normal(X: Array, y: Array, X_new: Array, level: float) -> tuple[Array, Array]:
    s2, v, _ = _band_parts(X, y, X_new)
    z = stats.norm.ppf((1 + level) / 2)
    return z * np.sqrt(s2 * v), z * np.sqrt(s2 * (1 + v))


@ols_bands.mistake(
    "The prediction band misses the new measurement's own noise: "
    "its variance is s^2 (1 + x^T (X^T X)^{-1} x)."
)
def _bands_equal(X: Array, y: Array, X_new: Array, level: float) -> tuple[Array, Array]:
    confidence, _ = ols_bands.reference(X, y, X_new, level)
    return confidence, confidence


@ols_bands.mistake(
    "In the prediction band half-widths are added. Independent errors add in squares: "
    "take the root of the sum of the variances."
)
def _bands_added(X: Array, y: Array, X_new: Array, level: float) -> tuple[Array, Array]:
    s2, v, dof = _band_parts(X, y, X_new)
    t = stats.t.ppf((1 + level) / 2, dof)
    return t * np.sqrt(s2 * v), t * np.sqrt(s2) * (1 + np.sqrt(v))


@ols_bands.mistake(
    "The variance s^2 is computed with n in place of n - p, so both bands are too narrow."
)
def _bands_over_n(X: Array, y: Array, X_new: Array, level: float) -> tuple[Array, Array]:
    confidence, prediction = ols_bands.reference(X, y, X_new, level)
    n, p = X.shape
    return confidence * np.sqrt((n - p) / n), prediction * np.sqrt((n - p) / n)


@ols_bands.mistake(
    "These are one standard deviation wide, whatever the level: "
    "multiply by the quantile of Student's t."
)
def _bands_without_quantile(X: Array, y: Array, X_new: Array, level: float) -> tuple[Array, Array]:
    s2, v, _ = _band_parts(X, y, X_new)
    return np.sqrt(s2 * v), np.sqrt(s2 * (1 + v))


# ols-minimum-norm


def _rank_deficient(rng: np.random.Generator) -> Arguments:
    """Draw a design of known rank, with singular values just above the cut and just below."""
    n, p = int(rng.integers(10, 20)), 6
    U, _ = np.linalg.qr(rng.normal(size=(n, p)))
    V, _ = np.linalg.qr(rng.normal(size=(p, p)))
    d = np.array([3.0, 1.0, 0.4, 2e-3, 7e-4, 1e-5]) * rng.uniform(1, 1.5)
    return {"X": U * d @ V.T, "y": rng.normal(size=n), "rcond": 4e-4}


def _truncated(X: Array, y: Array, cut: float | np.floating) -> Array:
    U, d, Vt = np.linalg.svd(X, full_matrices=False)
    kept = d > cut
    return Vt[kept].T @ (U[:, kept].T @ y / d[kept])


@exercise("ols-minimum-norm", _rank_deficient, returns="theta")
def ols_minimum_norm(X: Array, y: Array, rcond: float) -> Array:
    """Minimum-norm solution on the singular values above rcond times the largest."""
    return _truncated(X, y, rcond * np.linalg.norm(X, 2))


@ols_minimum_norm.mistake(
    "All singular values have been used, also those that are zero but for rounding: "
    "drop those below rcond times the largest."
)
def _minimum_norm_full(X: Array, y: Array, rcond: float) -> Array:
    return _truncated(X, y, 0.0)


@ols_minimum_norm.mistake(
    "Singular values are compared with rcond itself. The cut is relative: "
    "rcond times the largest singular value, or the answer depends on the units of X."
)
def _minimum_norm_absolute(X: Array, y: Array, rcond: float) -> Array:
    return _truncated(X, y, rcond)


@ols_minimum_norm.mistake(
    "It is multiplied by the singular values where it should be divided by them: this is a "
    "truncated X^T y."
)
def _minimum_norm_multiplied(X: Array, y: Array, rcond: float) -> Array:
    U, d, Vt = np.linalg.svd(X, full_matrices=False)
    kept = d > rcond * d[0]
    return Vt[kept].T @ (d[kept] * (U[:, kept].T @ y))


@ols_minimum_norm.mistake(
    "A cut at rcond on the eigenvalues of X^T X is a cut at its root on the singular values: "
    "the eigenvalues are d_j^2, so too much has been dropped."
)
def _minimum_norm_on_eigenvalues(X: Array, y: Array, rcond: float) -> Array:
    return _truncated(X, y, rcond**0.5 * np.linalg.norm(X, 2))


@ols_minimum_norm.mistake("The sign is wrong: theta should make X theta as near to +y as it can.")
def _minimum_norm_negative(X: Array, y: Array, rcond: float) -> Array:
    return -ols_minimum_norm.reference(X, y, rcond)


# ols-gradient-descent-filter


def _descent(rng: np.random.Generator) -> Arguments:
    case = _regression(rng)
    n = len(case["y"])
    largest = np.linalg.norm(case["X"], 2)
    return case | {"eta": rng.uniform(0.1, 0.4) * n / largest**2, "k": int(rng.integers(3, 12))}


def _filtered(X: Array, y: Array, factors: Array) -> Array:
    U, d, Vt = np.linalg.svd(X, full_matrices=False)
    return Vt.T @ (factors / d * (U.T @ y))


@exercise("ols-gradient-descent-filter", _descent, returns="theta after k steps")
def ols_gradient_descent_filter(X: Array, y: Array, eta: float, k: int) -> Array:
    """Iterate of gradient descent from zero in closed form."""
    d = np.linalg.svd(X, compute_uv=False)
    return _filtered(X, y, 1 - (1 - 2 * eta * d**2 / len(y)) ** k)


@ols_gradient_descent_filter.mistake(
    "The 1/n of the cost is missing in the factor: one step multiplies the error by "
    "1 - 2 eta d^2 / n."
)
def _filter_without_n(X: Array, y: Array, eta: float, k: int) -> Array:
    d = np.linalg.svd(X, compute_uv=False)
    return _filtered(X, y, 1 - (1 - 2 * eta * d**2) ** k)


@ols_gradient_descent_filter.mistake(
    "The 2 of the gradient is missing in the factor: one step multiplies the error by "
    "1 - 2 eta d^2 / n."
)
def _filter_without_2(X: Array, y: Array, eta: float, k: int) -> Array:
    d = np.linalg.svd(X, compute_uv=False)
    return _filtered(X, y, 1 - (1 - eta * d**2 / len(y)) ** k)


@ols_gradient_descent_filter.mistake(
    "The error shrinks with d^2, the eigenvalues of X^T X, and not with d."
)
def _filter_with_d(X: Array, y: Array, eta: float, k: int) -> Array:
    d = np.linalg.svd(X, compute_uv=False)
    return _filtered(X, y, 1 - (1 - 2 * eta * d / len(y)) ** k)


@ols_gradient_descent_filter.mistake(
    "This is what is still missing, theta_infinity - theta_k. "
    "The iterate starts at zero and is filtered by 1 - (1 - 2 eta d^2 / n)^k."
)
def _filter_remainder(X: Array, y: Array, eta: float, k: int) -> Array:
    d = np.linalg.svd(X, compute_uv=False)
    return _filtered(X, y, (1 - 2 * eta * d**2 / len(y)) ** k)


@ols_gradient_descent_filter.mistake("This is the iterate after k - 1 steps: one is missing.")
def _filter_one_step_less(X: Array, y: Array, eta: float, k: int) -> Array:
    return ols_gradient_descent_filter.reference(X, y, eta, k - 1)


@ols_gradient_descent_filter.mistake("This is the iterate after k + 1 steps: one too many.")
def _filter_one_step_more(X: Array, y: Array, eta: float, k: int) -> Array:
    return ols_gradient_descent_filter.reference(X, y, eta, k + 1)


@ols_gradient_descent_filter.mistake(
    "This is the least-squares solution, where the iteration ends; "
    "k steps from zero have not arrived there yet."
)
def _filter_converged(X: Array, y: Array, eta: float, k: int) -> Array:
    return _filtered(X, y, np.ones(X.shape[1]))


# gell-mann-okubo

# N, Lambda, Sigma, Xi: hypercharge Y and isospin I.
_HYPERCHARGE = np.array([1.0, 0.0, 0.0, -1.0])
_ISOSPIN = np.array([0.5, 0.0, 1.0, 0.5])
_OCTET = np.column_stack(
    [np.ones(4), _HYPERCHARGE, _ISOSPIN * (_ISOSPIN + 1) - _HYPERCHARGE**2 / 4]
)


def _octet(rng: np.random.Generator) -> Arguments:
    masses = _OCTET @ [1100.0, -190.0, 40.0] + rng.normal(scale=8, size=4)
    return {"masses": masses, "s": rng.uniform(1, 6, size=4)}


def _octet_fit(design: Array, masses: Array, s: Array) -> tuple[Array, float]:
    theta, _ = _weighted(design, masses, 1 / s**2)
    return theta, float(np.sum(((masses - design @ theta) / s) ** 2))


@exercise("gell-mann-okubo", _octet, returns=("theta", "chi2"))
def gell_mann_okubo(masses: Array, s: Array) -> tuple[Array, float]:
    """Three coefficients for four masses, and the chi^2 of the one degree of freedom left."""
    return _octet_fit(_OCTET, masses, s)


@gell_mann_okubo.mistake("theta and chi2 are those of a fit without errors: weight with 1/s^2.")
def _octet_unweighted(masses: Array, s: Array) -> tuple[Array, float]:
    return _octet_fit(_OCTET, masses, np.ones(4))


@gell_mann_okubo.mistake(
    "The weights are 1/s where chi^2 asks for 1/s^2; scale rows by 1/s only if y is scaled too."
)
def _octet_not_squared(masses: Array, s: Array) -> tuple[Array, float]:
    return _octet_fit(_OCTET, masses, np.sqrt(s))


@gell_mann_okubo.mistake(
    "The third column is I(I + 1) without - Y^2/4. The term is what keeps the isospin splitting "
    "from mixing with the hypercharge."
)
def _octet_without_y2(masses: Array, s: Array) -> tuple[Array, float]:
    design = _OCTET.copy()
    design[:, 2] = _ISOSPIN * (_ISOSPIN + 1)
    return _octet_fit(design, masses, s)


@gell_mann_okubo.mistake("The third column has the wrong sign in it: I(I + 1) - Y^2/4.")
def _octet_plus_y2(masses: Array, s: Array) -> tuple[Array, float]:
    design = _OCTET.copy()
    design[:, 2] = _ISOSPIN * (_ISOSPIN + 1) + _HYPERCHARGE**2 / 4
    return _octet_fit(design, masses, s)


@gell_mann_okubo.mistake(
    "The coefficient of the hypercharge has the wrong sign: the nucleon has Y = +1, the Xi Y = -1."
)
def _octet_hypercharge_reversed(masses: Array, s: Array) -> tuple[Array, float]:
    return _octet_fit(_OCTET * [1, -1, 1], masses, s)


@gell_mann_okubo.mistake(
    "theta is right. The residuals in chi2 should be divided by s before they are squared."
)
def _octet_chi2_unweighted(masses: Array, s: Array) -> tuple[Array, float]:
    theta, _ = _octet_fit(_OCTET, masses, s)
    return theta, float(np.sum((masses - _OCTET @ theta) ** 2))


@gell_mann_okubo.mistake(
    "theta is right, and this is chi^2 divided by n = 4. Return chi^2 itself; per degree of "
    "freedom it would be divided by n - p = 1."
)
def _octet_chi2_mean(masses: Array, s: Array) -> tuple[Array, float]:
    theta, chi2 = _octet_fit(_OCTET, masses, s)
    return theta, chi2 / 4


# regge-trajectory


def _trajectory(rng: np.random.Generator) -> Arguments:
    J = np.arange(1, 5)
    m = np.sqrt(-0.5 + 1.1 * J + 0.02 * rng.normal(size=4))
    return {"J": J.astype(float), "m": m, "s": rng.uniform(0.01, 0.05, size=4)}


def _line(x: Array, y: Array, s: Array) -> tuple[Array, Array]:
    return _weighted(np.column_stack([np.ones_like(x), x]), y, 1 / s**2)


def _slope(J: Array, m: Array, s: Array) -> tuple[float, float]:
    """Fit m^2 = a + b J with errors s of m^2, and return 1/b with its error."""
    theta, covariance = _line(J, m**2, s)
    return 1 / theta[1], float(np.sqrt(covariance[1, 1])) / theta[1] ** 2


@exercise("regge-trajectory", _trajectory, returns=("the slope alpha'", "its error"))
def regge_trajectory(J: Array, m: Array, s: Array) -> tuple[float, float]:
    """Slope of the trajectory and its error, by first-order propagation."""
    return _slope(J, m, 2 * m * s)


@regge_trajectory.mistake(
    "The errors s belong to m, and the fit is to m^2: by d(m^2) = 2 m dm its errors are 2 m s."
)
def _regge_error_of_m(J: Array, m: Array, s: Array) -> tuple[float, float]:
    return _slope(J, m, s)


@regge_trajectory.mistake(
    "The errors are those of m^2 but for a factor: d(m^2) = 2 m dm, not m dm."
)
def _regge_error_without_2(J: Array, m: Array, s: Array) -> tuple[float, float]:
    return _slope(J, m, m * s)


@regge_trajectory.mistake("The errors should be 2 m s, by d(m^2) = 2 m dm, and not s^2.")
def _regge_error_squared(J: Array, m: Array, s: Array) -> tuple[float, float]:
    return _slope(J, m, s**2)


@regge_trajectory.mistake(
    "This is b, the slope of m^2 against J. The trajectory's slope alpha' is that of J against "
    "m^2: alpha' = 1/b, with the error s_b / b^2."
)
def _regge_inverse(J: Array, m: Array, s: Array) -> tuple[float, float]:
    theta, covariance = _line(J, m**2, 2 * m * s)
    return float(theta[1]), float(np.sqrt(covariance[1, 1]))


@regge_trajectory.mistake(
    "The slope is right, its error is not: 1/b has the error s_b / b^2, "
    "and s_b alone has not even the right unit."
)
def _regge_error_of_b(J: Array, m: Array, s: Array) -> tuple[float, float]:
    theta, covariance = _line(J, m**2, 2 * m * s)
    return 1 / theta[1], float(np.sqrt(covariance[1, 1]))


@regge_trajectory.mistake(
    "The slope is right. Its error is a variance: the root of the diagonal element is missing."
)
def _regge_variance(J: Array, m: Array, s: Array) -> tuple[float, float]:
    theta, covariance = _line(J, m**2, 2 * m * s)
    return 1 / theta[1], covariance[1, 1] / theta[1] ** 4


@regge_trajectory.mistake("Here m is fitted against J. It is the square m^2 that is linear in J.")
def _regge_not_squared(J: Array, m: Array, s: Array) -> tuple[float, float]:
    return _slope(J, np.sqrt(m), s)


@regge_trajectory.mistake("All four masses have the same weight here: use the errors s.")
def _regge_unweighted(J: Array, m: Array, s: Array) -> tuple[float, float]:
    theta, covariance = _line(J, m**2, np.ones_like(s))
    return 1 / theta[1], float(np.sqrt(covariance[1, 1])) / theta[1] ** 2
