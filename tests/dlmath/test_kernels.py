"""Kernels, kernel ridge regression and Gaussian processes, against scikit-learn and by hand."""

import re
import warnings
from dataclasses import FrozenInstanceError, dataclass

import numpy as np
import pytest
from dlmath.kernels import (
    RBF,
    Constant,
    GaussianProcess,
    Kernel,
    KernelRidge,
    Linear,
    Matern12,
    Matern32,
    Matern52,
    Parity,
    Periodic,
    Polynomial,
    Sum,
    White,
    cholesky,
    condition,
    leave_one_out,
    log_likelihood,
    log_pseudo_likelihood,
    solve_kernel_ridge,
)
from dlmath.linear import Ridge
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process import kernels as theirs
from sklearn.kernel_ridge import KernelRidge as TheirKernelRidge
from sklearn.utils.estimator_checks import parametrize_with_checks

PAIRS = {
    "rbf": (RBF(0.7), theirs.RBF(0.7)),
    "lengths": (RBF((0.7, 1.9)), theirs.RBF([0.7, 1.9])),
    "matern12": (Matern12(0.8), theirs.Matern(0.8, nu=0.5)),
    "matern12, lengths": (Matern12((0.8, 2.5)), theirs.Matern([0.8, 2.5], nu=0.5)),
    "matern32": (Matern32((0.8, 2.5)), theirs.Matern([0.8, 2.5], nu=1.5)),
    "matern52": (Matern52((0.8, 2.5)), theirs.Matern([0.8, 2.5], nu=2.5)),
    "linear": (1.5 * Linear(), 1.5 * theirs.DotProduct(0, "fixed")),
    "sum": (2.0 * RBF(0.7) + White(0.2), 2.0 * theirs.RBF(0.7) + theirs.WhiteKernel(0.2)),
    "nested": (
        2.0 * RBF(0.7) * Matern32(1.5) + 0.5 * (Matern52(2.0) + Linear()) + 0.3,
        2.0 * theirs.RBF(0.7) * theirs.Matern(1.5, nu=1.5)
        + 0.5 * (theirs.Matern(2.0, nu=2.5) + theirs.DotProduct(0, "fixed"))
        + 0.3,
    ),
}
NUCLEAR = (
    2.0 * RBF((3.0, 4.0))
    + 0.5 * Matern32((1.5, 2.0))
    + 0.2 * Parity((0,)) * RBF((5.0, 5.0))
    + 0.2 * Parity((1,)) * RBF((5.0, 6.0))
    + 0.1 * Parity((0, 1)) * RBF((7.0, 5.0))
    + White(0.05)
)
KERNELS = {
    **{name: pair[0] for name, pair in PAIRS.items()},
    "periodic": Periodic(0.9, 2.3),
    "polynomial": Polynomial(3, 0.7),
    "products": Constant(2.0) * White(0.3) + Periodic(1.0, 3.0) * Polynomial(2, 1.5) * RBF(1.0),
}


@pytest.fixture
def points():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 2)), rng.normal(size=40)
    return X, y, rng.normal(size=(7, 2)), rng.uniform(0.05, 0.3, 40)


@pytest.fixture
def chart():
    rng = np.random.default_rng(1)
    Z, N = np.meshgrid(np.arange(50, 56), np.arange(60, 68))
    X = np.column_stack([Z.ravel(), N.ravel()])
    return X, rng.normal(size=len(X))


# The kernels.


@pytest.mark.parametrize("name", PAIRS)
def test_all_of_a_gaussian_process_agrees_with_sklearn(name, points):
    X, y, X_new, noise = points
    kernel, other = PAIRS[name]
    ours = GaussianProcess(kernel, noise=noise, optimise=False).fit(X, y)
    they = GaussianProcessRegressor(other, alpha=noise, optimizer=None).fit(X, y)
    for option in ("return_std", "return_cov"):
        mine, their = (model.predict(X_new, **{option: True}) for model in (ours, they))
        assert_allclose(mine[0], their[0], rtol=1e-10, atol=1e-11)
        assert_allclose(mine[1], their[1], rtol=1e-10, atol=1e-11)
    assert_array_equal(ours.predict(X_new), ours.predict(X_new, return_std=True)[0])
    value, gradient = ours.log_marginal_likelihood(return_gradient=True)
    assert value == ours.log_marginal_likelihood() == ours.log_marginal_likelihood_
    their_value, their_gradient = they.log_marginal_likelihood(
        they.kernel_.theta, eval_gradient=True
    )
    assert_allclose(value, their_value, rtol=1e-12)
    assert_allclose(gradient, their_gradient, rtol=1e-9, atol=1e-10)
    assert_allclose(kernel.theta, other.theta)


@pytest.mark.parametrize("name", KERNELS)
def test_the_pullback_contracts_the_gradient(name, points):
    X = points[0]
    kernel = KERNELS[name]
    rng = np.random.default_rng(5)
    W = rng.normal(size=(len(X), len(X)))
    W += W.T
    K, pullback = kernel.value_and_pullback(X)
    assert_allclose(K, kernel(X), rtol=1e-14)
    gradient = pullback(W)
    assert gradient.shape == kernel.theta.shape == (len(kernel.names),)
    step = 1e-5
    for k, unit in enumerate(np.eye(len(gradient))):
        up, down = (kernel.with_theta(kernel.theta + sign * step * unit) for sign in (1, -1))
        numerical = np.sum(W * (up(X) - down(X))) / (2 * step)
        assert_allclose(gradient[k], numerical, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("name", KERNELS)
def test_kernels_are_symmetric_and_positive_semi_definite(name, points):
    X, _, X_new, _ = points
    kernel = KERNELS[name]
    K = kernel(X)
    assert_array_equal(K, K.T)
    eigenvalues = np.linalg.eigvalsh(K)
    assert eigenvalues[0] > -1e-12 * eigenvalues[-1]
    assert_allclose(kernel.diagonal(X), np.diag(K), rtol=1e-13)
    assert_allclose(kernel(X, X_new), kernel(X_new, X).T, rtol=1e-14)


def test_the_periodic_kernel_of_one_feature_is_sklearns(points):
    X, _, X_new, _ = points
    kernel, other = Periodic(0.9, 2.3), theirs.ExpSineSquared(0.9, 2.3)
    assert_allclose(kernel(X[:, :1], X_new[:, :1]), other(X[:, :1], X_new[:, :1]), rtol=1e-13)
    shifted = X_new + np.array([2.3, -4.6])
    assert_allclose(kernel(X, shifted), kernel(X, X_new), rtol=1e-12)
    # Of several features, theirs is not positive semi-definite and ours is.
    assert np.linalg.eigvalsh(other(X))[0] < -0.1
    assert np.linalg.eigvalsh(kernel(X))[0] > 0


def test_the_polynomial_kernel_is_the_inner_product_of_monomials():
    rng = np.random.default_rng(2)
    X, Z = rng.normal(size=(5, 2)), rng.normal(size=(4, 2))

    def features(points):
        x, y = points.T
        first = [np.sqrt(1.4) * x, np.sqrt(1.4) * y]
        return np.column_stack([np.full(len(x), 0.7), *first, x**2, y**2, np.sqrt(2) * x * y])

    assert_allclose(Polynomial(2, 0.7)(X, Z), features(X) @ features(Z).T, rtol=1e-12)
    assert_array_equal(Linear()(X, Z), X @ Z.T)


def test_parity_tells_odd_from_even():
    X = np.array([[50, 70], [50, 71], [51, 70], [51, 71]])
    assert_array_equal(Parity((0,))(X), np.outer([1, 1, -1, -1], [1, 1, -1, -1]))
    assert_array_equal(Parity((1,))(X), np.outer([1, -1, 1, -1], [1, -1, 1, -1]))
    assert_array_equal(Parity((0, 1))(X), np.outer([1, -1, -1, 1], [1, -1, -1, 1]))
    assert_array_equal(Parity(0)(X[:2], X[2:]), -np.ones((2, 2)))
    assert_array_equal(Parity([1])(X - 60), Parity((1,))(X))


def test_white_noise_is_each_samples_own(points):
    X = points[0]
    assert_array_equal(White(0.3)(X), 0.3 * np.eye(40))
    assert_array_equal(White(0.3)(X, X), np.zeros((40, 40)))


def test_kernels_do_not_change_and_print_themselves():
    kernel = 2.0 * (RBF((1.0, 3.0)) + White(0.5)) * Parity((0,))
    with pytest.raises(FrozenInstanceError):
        kernel.left = RBF()
    assert repr(kernel) == (
        "Constant(variance=2.0) * (RBF(length=(1.0, 3.0)) + White(variance=0.5))"
        " * Parity(columns=(0,))"
    )
    assert kernel.names == ("Constant.variance", "RBF.length[0]", "RBF.length[1]", "White.variance")
    assert_allclose(np.exp(kernel.theta), [2, 1, 3, 0.5])
    other = kernel.with_theta(np.log([4, 5, 6, 7]))
    assert other == 4.0 * (RBF((5.0, 6.0)) + White(7.0)) * Parity((0,)) or np.allclose(
        np.exp(other.theta), [4, 5, 6, 7]
    )
    assert repr(RBF(2.0, length_bounds=None)) == "RBF(length=2.0, length_bounds=None)"
    assert kernel.bounds.shape == (4, 2)
    assert hash(RBF([1.0, 2.0])) == hash(RBF((1.0, 2.0)))


def test_what_is_held_fixed_is_no_hyperparameter(points):
    X = points[0]
    kernel = Constant(2.0, variance_bounds=None) * RBF(0.7) + Periodic(1.0, 3.0, period_bounds=None)
    assert kernel.names == ("RBF.length", "Periodic.length")
    W = np.ones((40, 40))
    free = Constant(2.0) * RBF(0.7) + Periodic(1.0, 3.0)
    pulled = free.value_and_pullback(X)[1](W)
    assert_allclose(kernel.value_and_pullback(X)[1](W), pulled[[1, 2]], rtol=1e-14)
    for fixed in (
        RBF(1.0, None),
        Constant(1.0, None),
        White(1.0, None),
        Polynomial(2, 1.0, None),
        Parity((0,)),
    ):
        assert fixed.names == ()
        assert fixed.bounds.shape == (0, 2)
        assert fixed.value_and_pullback(np.ones((3, 1)))[1](np.ones((3, 3))).shape == (0,)
        assert fixed.with_theta([]) is fixed


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RBF(-1.0), "length must be positive"),
        (lambda: RBF(0.0), "length must be positive"),
        (lambda: RBF(np.nan), "length must be positive and finite"),
        (lambda: RBF((1.0, -2.0)), "length must be positive"),
        (lambda: RBF([]), "length must be positive"),
        (lambda: RBF([[1.0]]), "length must be positive"),
        (lambda: Matern32("long"), "length must be positive"),
        (lambda: RBF(1.0, (2.0, 1.0)), "length_bounds must be None or an increasing pair"),
        (lambda: RBF(1.0, 3.0), "length_bounds must be None or an increasing pair"),
        (lambda: RBF(1.0, (0.0, 1.0)), "length_bounds must be positive"),
        (lambda: White(-0.1), "variance must be positive"),
        (lambda: White((0.1, 0.2)), "variance must be one number"),
        (lambda: Constant((0.1, 0.2)), "variance must be one number"),
        (lambda: Constant(np.inf), "variance must be positive and finite"),
        (lambda: Periodic(period=-1.0), "period must be positive"),
        (lambda: Periodic(length=(1.0, 2.0)), "length must be one number"),
        (lambda: Polynomial(0), "degree must be an integer of at least 1"),
        (lambda: Polynomial(1.5), "degree must be an integer of at least 1"),
        (lambda: Polynomial(2, -1.0), "bias must be positive"),
        (lambda: Polynomial(2, (1.0, 1.0)), "bias must be one number"),
        (lambda: Parity(()), "columns must be numbers of features"),
        (lambda: Parity((-1,)), "columns must be numbers of features"),
        (lambda: -1.0 * RBF(), "variance must be positive"),
        (lambda: Sum(RBF(), 2.0), "right must be a kernel"),
        (lambda: RBF().with_theta([0.0, 1.0]), re.escape("theta must have shape (1,)")),
        (lambda: (RBF() + White()).with_theta([0.0]), re.escape("theta must have shape (2,)")),
        (lambda: RBF((1.0, 2.0))(np.ones((3, 3))), "each of the 3 features of X, got 2"),
        (lambda: RBF()(np.ones(3)), "Expected 2D array"),
        (lambda: RBF()([[np.inf]]), "Input X contains infinity"),
        (lambda: RBF()([[1.0]], [[np.nan]]), "Input Z contains NaN"),
        (lambda: RBF()(np.ones((3, 2)), np.ones((3, 1))), "as many features, got 2 and 1"),
        (lambda: Parity((1,))(np.ones((3, 1))), "columns must be below the 1 features"),
        (lambda: Parity((0,))([[0.5]]), "X must hold whole numbers"),
        (lambda: (RBF((1.0, 2.0)) + White())(np.ones((3, 1))), "features of X"),
    ],
)
def test_bad_kernels_and_samples_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_only_kernels_and_numbers_combine():
    with pytest.raises(TypeError, match="a kernel can be combined with a kernel or a number"):
        RBF() + "white"
    with pytest.raises(TypeError, match="a kernel can be combined"):
        [1.0] * RBF()


# The formulas on a covariance matrix.


def covariance(n=12, seed=0):
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(n, n))
    return A @ A.T / n + 0.3 * np.eye(n), rng.normal(size=n)


def test_conditioning_is_what_the_joint_density_says():
    K, y = covariance()
    known, new = slice(0, 9), slice(9, 12)
    mean, cov = condition(K[known, known], K[new, known], K[new, new], y[known])
    joint, part = stats.multivariate_normal(cov=K), stats.multivariate_normal(cov=K[known, known])
    at = y[new] + 0.5
    density = joint.logpdf(np.append(y[known], at)) - part.logpdf(y[known])
    assert_allclose(stats.multivariate_normal(mean, cov).logpdf(at), density, rtol=1e-10)


def test_the_likelihood_is_scipys():
    K, y = covariance()
    assert_allclose(log_likelihood(K, y), stats.multivariate_normal(cov=K).logpdf(y), rtol=1e-12)


def test_leave_one_out_leaves_one_out():
    K, y = covariance()
    mean, variance = leave_one_out(K, y)
    total = 0.0
    for i in range(len(y)):
        rest = np.arange(len(y)) != i
        m, v = condition(K[np.ix_(rest, rest)], K[[i]][:, rest], K[[i]][:, [i]], y[rest])
        assert_allclose([mean[i], variance[i]], [m[0], v[0, 0]], rtol=1e-10)
        total += stats.norm(m[0], v[0, 0] ** 0.5).logpdf(y[i])
    assert_allclose(log_pseudo_likelihood(K, y), total, rtol=1e-11)


@dataclass(frozen=True)
class Sigmoid(Kernel):
    """What is called the sigmoid kernel, which is not positive semi-definite."""

    def _matrix(self, X, Z):
        return np.tanh(X @ (X if Z is None else Z).T - 1)


def test_the_error_says_how_much_jitter_would_do(points):
    X, y, *_ = points
    line = np.linspace(0, 1, 60)[:, np.newaxis]
    cases = [(RBF(5.0), line, "rounding error beside"), (Sigmoid(), X, "not positive semi-def")]
    for kernel, samples, message in cases:
        data = np.resize(y, len(samples))
        for model in (
            GaussianProcess(kernel, noise=0.0, optimise=False),
            KernelRidge(kernel, 0.0),
        ):
            with pytest.raises(np.linalg.LinAlgError, match=message) as error:
                model.fit(samples, data)
            assert not hasattr(model, "n_features_in_")
            assert not hasattr(model, "kernel_")
            jitter = float(re.search(r"jitter of (\S+) on", str(error.value))[1])
            name = "noise" if isinstance(model, GaussianProcess) else "lam"
            enough = jitter if name == "noise" else jitter / len(data)
            model.set_params(**{name: enough}).fit(samples, data)
        assert str(error.value).startswith("K + n lam I")


def test_cholesky_names_what_is_wrong():
    with pytest.raises(np.linalg.LinAlgError, match="M has entries that are not finite"):
        cholesky(np.array([[np.nan]]), "M")
    with pytest.raises(np.linalg.LinAlgError, match="smallest eigenvalue is -1"):
        cholesky(np.array([[0.0, 1.0], [1.0, 0.0]]))
    with pytest.raises(np.linalg.LinAlgError, match="jitter"):
        cholesky(np.zeros((2, 2)))
    K = np.array([[4.0, 2.0], [2.0, 5.0]])
    assert_array_equal(cholesky(K), [[2, 0], [1, 2]])
    assert_array_equal(K, [[4, 2], [2, 5]])


# Kernel ridge regression.


# Two of scikit-learn's checks need packages or settings that the book does not.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks(
    [
        KernelRidge(),
        KernelRidge(fit_intercept=False),
        GaussianProcess(),
        GaussianProcess(1.0 * Matern52() + White(0.1), n_restarts=1, random_state=0),
    ]
)
@pytest.mark.filterwarnings("ignore:the likelihood pushes against the bounds")
def test_sklearn_conventions(estimator, check):
    check(estimator)


def test_kernel_ridge_agrees_with_sklearn(points):
    X, y, X_new, _ = points
    Y = np.column_stack([y, X[:, 0]])
    for target in (y, Y):
        ours = KernelRidge(RBF(0.7), 0.01, fit_intercept=False).fit(X, target)
        gamma = 1 / (2 * 0.7**2)
        they = TheirKernelRidge(kernel="rbf", gamma=gamma, alpha=40 * 0.01).fit(X, target)
        assert_allclose(ours.predict(X_new), they.predict(X_new), rtol=1e-10)
        assert_allclose(ours.dual_coef_, they.dual_coef_, rtol=1e-10)
        assert_array_equal(ours.intercept_, 0)


def test_with_a_linear_kernel_it_is_ridge(points):
    X, y, X_new, _ = points
    X, X_new = X + 3, X_new + 3
    for intercept in (True, False):
        kernel = KernelRidge(Linear(), 0.1, fit_intercept=intercept).fit(X, y)
        ridge = Ridge(0.1, fit_intercept=intercept).fit(X, y)
        assert_allclose(kernel.predict(X_new), ridge.predict(X_new), rtol=1e-9)
        assert_allclose(kernel.intercept_, ridge.intercept_, atol=1e-12, rtol=1e-9)


def test_the_intercept_is_not_penalised(points):
    X, y, X_new, _ = points
    model = KernelRidge(RBF(0.7), 0.1).fit(X, y)
    shifted = clone(model).fit(X, y + 1000)
    assert_allclose(shifted.predict(X_new), model.predict(X_new) + 1000, rtol=1e-12)
    assert_allclose(model.dual_coef_.sum(), 0, atol=1e-10)
    residual = y - model.predict(X)
    assert_allclose(residual, 40 * 0.1 * model.dual_coef_, rtol=1e-9)


def test_kernel_ridge_minimises_its_cost(points):
    X, y, *_ = points
    K = RBF(0.7)(X)
    alpha = solve_kernel_ridge(K, y, 0.05)

    def cost(a):
        return np.mean((y - K @ a) ** 2) + 0.05 * a @ K @ a

    rng = np.random.default_rng(1)
    for step in 1e-3 * rng.normal(size=(50, 40)):
        assert cost(alpha + step) > cost(alpha) < cost(alpha - step)
    # A quadratic's minimum lies half-way between points of equal height.
    assert_allclose(cost(alpha + step), cost(alpha - step), rtol=1e-9)


# Gaussian processes.


def test_the_optimum_is_sklearns(points):
    X = np.linspace(0, 6, 50)[:, np.newaxis]
    rng = np.random.default_rng(0)
    y = np.sin(2 * X[:, 0]) + 0.2 * rng.standard_normal(50)
    ours = GaussianProcess(1.0 * RBF(0.5) + White(0.1)).fit(X, y)
    they = GaussianProcessRegressor(1.0 * theirs.RBF(0.5) + theirs.WhiteKernel(0.1)).fit(X, y)
    assert_allclose(ours.kernel_.theta, they.kernel_.theta, atol=1e-4)
    assert_allclose(ours.log_marginal_likelihood_, they.log_marginal_likelihood_value_, rtol=1e-9)
    assert_allclose(ours.log_marginal_likelihood(return_gradient=True)[1], 0, atol=1e-3)
    assert ours.kernel == 1.0 * RBF(0.5) + White(0.1)
    # Noise that is known to be there is not found again.
    known = GaussianProcess(1.0 * RBF(0.5) + White(1e-3, (1e-9, 1.0)), noise=np.full(50, 0.01)).fit(
        X, y
    )
    found = ours.kernel_.right.variance
    assert known.kernel_.right.variance + 0.01 == pytest.approx(found, rel=1e-3)


def test_restarts_find_the_better_of_two_optima():
    X = np.linspace(0, 6, 12)[:, np.newaxis]
    rng = np.random.default_rng(3)
    y = np.sin(3 * X[:, 0]) + 0.1 * rng.standard_normal(12)
    kernel = 1.0 * RBF(20.0, (0.05, 100.0)) + White(1.0, (1e-4, 10.0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        once = GaussianProcess(kernel).fit(X, y)
        often = GaussianProcess(kernel, n_restarts=10, random_state=0).fit(X, y)
        again = GaussianProcess(kernel, n_restarts=10, random_state=0).fit(X, y)
    assert often.log_marginal_likelihood_ > once.log_marginal_likelihood_ + 0.5
    assert often.kernel_.right.variance < 0.1 * once.kernel_.right.variance
    assert often.kernel_ == again.kernel_


def test_the_nuclear_kernel_is_fitted_with_known_errors(chart):
    X, y = chart
    noise = np.linspace(0.01, 0.1, len(y))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = GaussianProcess(NUCLEAR, noise=noise).fit(X, y)
    start = GaussianProcess(NUCLEAR, noise=noise, optimise=False).fit(X, y)
    assert model.log_marginal_likelihood_ > start.log_marginal_likelihood_
    value, gradient = start.log_marginal_likelihood(return_gradient=True)
    theta, step = start.kernel_.theta, 1e-5
    numerical = [
        (
            start.log_marginal_likelihood(theta + step * unit)
            - start.log_marginal_likelihood(theta - step * unit)
        )
        / (2 * step)
        for unit in np.eye(len(theta))
    ]
    assert len(theta) == 5 + 10 + 1
    assert_allclose(gradient, numerical, rtol=1e-6, atol=1e-7)
    K = NUCLEAR(X) + np.diag(noise)
    assert_allclose(value, stats.multivariate_normal(cov=K).logpdf(y), rtol=1e-10)


def test_leave_one_out_of_the_estimator(points):
    X, y, _, noise = points
    model = GaussianProcess(1.0 * RBF(0.7) + White(0.1), noise=noise, optimise=False).fit(X, y)
    mean, std = model.leave_one_out()
    for i in (0, 7, 39):
        rest = np.arange(40) != i
        part = GaussianProcess(model.kernel, noise=noise[rest], optimise=False).fit(
            X[rest], y[rest]
        )
        m, s = part.predict(X[[i]], return_std=True)
        assert_allclose([mean[i], std[i] ** 2], [m[0], s[0] ** 2 + noise[i]], rtol=1e-10)


def test_samples_have_the_mean_and_covariance_of_the_process(points):
    X, y, X_new, noise = points
    model = GaussianProcess(RBF(0.7), noise=noise, optimise=False)
    prior = model.sample(X_new, 20_000, random_state=0)
    assert_allclose(np.cov(prior.T), RBF(0.7)(X_new), atol=0.05)
    assert_allclose(prior.mean(axis=0), 0, atol=0.03)
    mean, covariance = model.fit(X, y).predict(X_new, return_cov=True)
    drawn = model.sample(X_new, 20_000, random_state=0)
    assert_allclose(drawn.mean(axis=0), mean, atol=0.03)
    assert_allclose(np.cov(drawn.T), covariance, atol=0.05)
    assert_array_equal(drawn, model.sample(X_new, 20_000, random_state=0))
    assert model.sample(X_new).shape == (1, 7)


def test_the_band_does_not_depend_on_y(points):
    X, y, X_new, noise = points
    models = [GaussianProcess(RBF(0.7), noise=noise, optimise=False).fit(X, t) for t in (y, -9 * y)]
    assert_array_equal(*(model.predict(X_new, return_std=True)[1] for model in models))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"kernel": "rbf"}, "kernel must be a kernel of dlmath.kernels, got 'rbf'"),
        ({"kernel": theirs.RBF()}, "kernel must be a kernel of dlmath.kernels"),
        ({"kernel": RBF((1.0, 1.0, 1.0))}, "length must be one number or one for each"),
        ({"kernel": RBF(1.0, (2.0, 3.0))}, "must begin within its bounds; outside is length"),
        ({"noise": -1.0}, "noise must be a finite number and not negative"),
        ({"noise": np.nan}, "noise must be a finite number and not negative"),
        ({"noise": "much"}, "noise must be a finite number"),
        ({"noise": [0.1, 0.2]}, r"noise must be a number or have shape \(40,\), got \(2,\)"),
        ({"noise": np.full(40, -0.1)}, "noise must not be negative"),
        ({"noise": np.full(40, np.nan)}, "Input noise contains NaN"),
        ({"n_restarts": -1}, "n_restarts must be an integer and not negative"),
        ({"n_restarts": 0.5}, "n_restarts must be an integer"),
    ],
)
def test_bad_parameters_leave_a_fitted_process_as_it_was(parameters, message, points):
    X, y, *_ = points
    model = GaussianProcess(RBF(0.7), noise=0.1, optimise=False).fit(X, y)
    before = dict(model.__dict__)
    with pytest.raises(ValueError, match=message):
        model.set_params(optimise=True, **parameters).fit(X[:, ::-1], -y)
    after = {name: value for name, value in model.__dict__.items() if name.endswith("_")}
    assert all(after[name] is before[name] for name in after)


def test_bad_parameters_leave_a_fitted_kernel_ridge_as_it_was(points):
    X, y, *_ = points
    model = KernelRidge(RBF(0.7), 0.1).fit(X, y)
    kept = model.dual_coef_
    for parameters, message in (
        ({"lam": -1.0}, "lam must be a finite number and not negative"),
        ({"lam": 0.1, "kernel": 3}, "kernel must be a kernel"),
        ({"kernel": RBF((1.0,))}, "length must be one number"),
    ):
        with pytest.raises(ValueError, match=message):
            model.set_params(**parameters).fit(X, y)
        assert model.dual_coef_ is kept


def test_what_predict_cannot_do_is_said(points):
    X, y, *_ = points
    model = GaussianProcess(RBF(0.7), noise=0.1, optimise=False)
    with pytest.raises(NotFittedError):
        model.predict(X)
    model.fit(X, y)
    with pytest.raises(ValueError, match="return_std and return_cov must not both be set"):
        model.predict(X, return_std=True, return_cov=True)
    with pytest.raises(ValueError, match="theta must have shape"):
        model.log_marginal_likelihood([0.0, 0.0])
    with pytest.raises(ValueError, match="n_samples must be an integer"):
        model.sample(X, -1)


def test_a_search_that_ends_at_a_bound_says_so(points):
    X, y, *_ = points
    with pytest.warns(ConvergenceWarning, match="against the bounds of length"):
        GaussianProcess(RBF(0.9, (0.8, 1.0)), noise=1e-3).fit(X, y)


def test_data_that_change_later_do_not_change_the_fit(points):
    X, y, X_new, _ = points
    X, y = X.copy(), y.copy()
    for model in (GaussianProcess(noise=0.1, optimise=False), KernelRidge(RBF(0.7))):
        before = model.fit(X, y).predict(X_new)
        X *= 2
        assert_array_equal(model.predict(X_new), before)
        X /= 2
