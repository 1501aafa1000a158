"""LogisticRegression: the minimum by other routes, separable data, and bad input."""

import warnings
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from dlmath import linear
from dlmath.linear import LogisticRegression, _likelihood
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import linalg, optimize
from scipy.special import expit
from sklearn import linear_model
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import parametrize_with_checks

NAN, INF = np.nan, np.inf
SEVERAL = settings(derandomize=True, deadline=None, max_examples=150, database=None)
NO_MINIMUM = "classes are linearly separable and lam is 0: the cost has no minimum"


@pytest.fixture
def rng():
    return np.random.default_rng(33)


def problem(K, n=60, p=4, seed=0):
    """Draw features off centre and of unlike scales, and classes that overlap."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p))
    y = np.argmax(X @ rng.standard_normal((p, K)) + 2 * rng.gumbel(size=(n, K)), axis=1)
    return X * rng.uniform(0.3, 3, p) + rng.uniform(-3, 3, p), y


def quiet(model, X, y, **more):
    """Fit, and fail at any warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return model.fit(X, y, **more)


# Two of scikit-learn's checks need packages or settings that the book does not.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks(
    [
        LogisticRegression(),
        LogisticRegression(lam=0.01, fit_intercept=False),
        LogisticRegression(solver="gradient-descent"),
    ]
)
def test_is_an_estimator(estimator, check):
    check(estimator)


def agrees(ours, theirs):
    """Compare in the gauge in which the coefficients, and the intercepts, sum to zero."""
    several = len(theirs.classes_) > 2
    shift = theirs.coef_.mean(axis=0) if several else 0
    shift0 = theirs.intercept_.mean() if several else 0
    return np.allclose(ours.coef_, theirs.coef_ - shift, rtol=1e-6, atol=1e-7) and np.allclose(
        ours.intercept_, theirs.intercept_ - shift0, rtol=1e-6, atol=1e-6
    )


def theirs(C, X, y, weight=None, **settings):
    model = linear_model.LogisticRegression(
        C=C, tol=1e-12, solver="newton-cholesky", max_iter=1000, **settings
    )
    return model.fit(X, y, sample_weight=weight)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("lam", [1e-3, 0.1, 3.0])
@pytest.mark.parametrize("K", [2, 3, 5])
def test_C_of_scikit_learn_is_one_over_2_n_lambda(K, lam, fit_intercept):
    X, y = problem(K)
    for weight in (None, np.linspace(0, 2, len(y))):
        n = len(y) if weight is None else weight.sum()
        ours = quiet(
            LogisticRegression(lam, fit_intercept=fit_intercept), X, y, sample_weight=weight
        )

        def at(C, weight=weight):
            return theirs(C, X, y, weight, fit_intercept=fit_intercept)

        right = at(1 / (2 * n * lam))
        assert agrees(ours, right)
        np.testing.assert_allclose(ours.predict_proba(X), right.predict_proba(X), atol=1e-6)
        for wrong in (1 / (n * lam), 1 / (2 * lam), 1 / lam, 1 / (4 * n * lam)):
            assert not agrees(ours, at(wrong))
        if weight is not None:
            assert not agrees(ours, at(1 / (2 * (len(y) + 9) * lam)))


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_two_classes_are_a_softmax_with_twice_the_penalty(fit_intercept):
    X, y = problem(2)
    lam, n = 0.05, len(y)
    model = quiet(LogisticRegression(lam, fit_intercept=fit_intercept), X, y)
    A = np.column_stack([np.ones(n), X]) if fit_intercept else X
    penalised = np.ones(A.shape[1])
    penalised[: int(fit_intercept)] = 0
    one_hot = np.eye(2)[y]

    def softmax_with(lam):
        def cost(flat):
            Theta = flat.reshape(-1, 2)
            penalty = lam * np.sum(penalised @ Theta**2)
            return linear.softmax_cost(A, one_hot, Theta, 0) + penalty

        Theta = optimize.minimize(cost, np.zeros(2 * A.shape[1]), tol=1e-12).x.reshape(-1, 2)
        return (Theta[:, 1] - Theta[:, 0])[int(fit_intercept) :]

    np.testing.assert_allclose(softmax_with(2 * lam), model.coef_[0], rtol=1e-4)
    for wrong in (lam, lam / 2, 4 * lam):
        assert not np.allclose(softmax_with(wrong), model.coef_[0], rtol=1e-3)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("lam", [0.0, 0.01])
@pytest.mark.parametrize("K", [2, 4])
def test_both_solvers_find_the_same_minimum(K, lam, fit_intercept):
    X, y = problem(K, n=120, p=3)
    X = StandardScaler().fit_transform(X) + 0.3
    weight = 1 + np.arange(len(y)) % 3
    newton, descent = (
        quiet(
            LogisticRegression(lam, fit_intercept=fit_intercept, solver=solver),
            X,
            y,
            sample_weight=weight,
        )
        for solver in ("newton", "gradient-descent")
    )
    np.testing.assert_allclose(newton.coef_, descent.coef_, atol=1e-6)
    np.testing.assert_allclose(newton.intercept_, descent.intercept_, atol=1e-6)
    assert newton.n_iter_ <= 8 < descent.n_iter_
    if not fit_intercept:
        np.testing.assert_array_equal(newton.intercept_, np.zeros(1 if K == 2 else K))


@pytest.mark.parametrize("lam", [0.0, 0.02])
def test_formulas_vanish_at_the_minimum(lam):
    X, y = problem(2)
    theta = quiet(LogisticRegression(lam, fit_intercept=False), X, y).coef_[0]
    assert linear.logistic_gradient(X, y, theta, lam) == pytest.approx(np.zeros(4), abs=1e-7)
    X, y = problem(3)
    Theta = quiet(LogisticRegression(lam, fit_intercept=False), X, y).coef_.T
    gradient = linear.softmax_gradient(X, np.eye(3)[y], Theta, lam)
    assert gradient == pytest.approx(np.zeros((4, 3)), abs=1e-7)
    assert Theta.sum(axis=1) == pytest.approx(np.zeros(4), abs=1e-12)


def numerical(function, at, h=1e-5):
    """Differentiate by each entry of an array, by central differences."""
    at = np.asarray(at, dtype=float)
    slopes = []
    for index in np.ndindex(at.shape):
        step = np.zeros(at.shape)
        step[index] = h
        slopes.append((function(at + step) - function(at - step)) / (2 * h))
    return np.reshape(slopes, (*at.shape, *np.shape(slopes[0])))


def test_derivatives_are_those_of_the_costs(rng):
    X, y = problem(2)
    theta = rng.standard_normal(4)
    cost = numerical(lambda t: linear.logistic_cost(X, y, t, 0.3), theta)
    np.testing.assert_allclose(linear.logistic_gradient(X, y, theta, 0.3), cost, atol=1e-8)
    slope = numerical(lambda t: linear.logistic_gradient(X, y, t, 0.3), theta)
    np.testing.assert_allclose(linear.logistic_hessian(X, theta, 0.3), slope, atol=1e-8)
    X, y = problem(3)
    Y, Theta = np.eye(3)[y], rng.standard_normal((4, 3))
    cost = numerical(lambda T: linear.softmax_cost(X, Y, T, 0.3), Theta)
    np.testing.assert_allclose(linear.softmax_gradient(X, Y, Theta, 0.3), cost, atol=1e-8)
    slope = numerical(lambda T: linear.softmax_gradient(X, Y, T, 0.3), Theta)
    np.testing.assert_allclose(linear.softmax_hessian(X, Theta, 0.3), slope, atol=1e-8)


@pytest.mark.parametrize("K", [2, 3])
@pytest.mark.parametrize("intercept", [True, False])
def test_the_solvers_see_the_derivatives_of_their_cost(K, intercept, rng):
    X, y = problem(K)
    kind = _likelihood.TwoClasses if K == 2 else _likelihood.Softmax
    inner = kind(X, y, np.linspace(0.1, 2, len(y)), 0.2, intercept)
    theta = rng.standard_normal(4 * (K - 1))
    point = inner.at(theta)
    slope = numerical(lambda t: inner.at(t).cost, theta)
    np.testing.assert_allclose(point.gradient, slope, atol=1e-8)
    hessian = numerical(lambda t: inner.at(t).gradient, theta)
    np.testing.assert_allclose(inner.hessian(point), hessian, atol=1e-8)
    if K > 2:
        times = [inner.hessian_times(point, e) for e in np.eye(len(theta))]
        np.testing.assert_allclose(times, hessian, atol=1e-8)
    values = np.linalg.eigvalsh(inner.hessian(point))
    L = inner.curvature * np.linalg.norm(np.sqrt(inner.share)[:, np.newaxis] * X, 2) ** 2
    assert values[-1] <= L + 2 * 0.2


def test_conjugate_gradients_take_the_place_of_a_factor(monkeypatch):
    X, y = problem(4, n=200, p=6)
    exact = quiet(LogisticRegression(0.001), X, y)
    monkeypatch.setattr(_likelihood, "LARGEST_FACTOR", 0)
    monkeypatch.setattr(_likelihood.Softmax, "hessian", None)
    rough = quiet(LogisticRegression(0.001), X, y)
    np.testing.assert_allclose(rough.coef_, exact.coef_, atol=1e-6)
    assert rough.n_iter_ >= exact.n_iter_


@pytest.mark.parametrize("load", [load_breast_cancer, load_iris, load_digits])
def test_agrees_on_real_data(load):
    X, y = load(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    ours = quiet(LogisticRegression(1e-3), X, y)
    assert agrees(ours, theirs(1 / (2e-3 * len(y)), X, y))
    assert ours.coef_.shape[0] == (1 if len(set(y)) == 2 else len(set(y)))


def test_labels_of_any_kind():
    X, y = problem(2)
    plain = quiet(LogisticRegression(0.1), X, y)
    for labels in (np.array(["b", "s"]), np.array([False, True]), np.array([-1, 1]), (7.0, 9.0)):
        labels = np.asarray(labels)
        model = quiet(LogisticRegression(0.1), X, labels[y])
        np.testing.assert_array_equal(model.classes_, labels)
        np.testing.assert_array_equal(model.coef_, plain.coef_)
        np.testing.assert_array_equal(model.predict(X), labels[plain.predict(X)])
        assert model.predict(X).dtype == labels.dtype


@pytest.mark.parametrize("K", [2, 3])
def test_scores_and_probabilities(K):
    X, y = problem(K)
    model = quiet(LogisticRegression(0.01), X, y)
    P = model.predict_proba(X)
    assert P.shape == (60, K)
    np.testing.assert_allclose(P.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(np.log(P), model.predict_log_proba(X), rtol=1e-9)
    np.testing.assert_array_equal(model.predict(X), np.argmax(P, axis=1))
    scores = model.decision_function(X)
    if K == 2:
        np.testing.assert_allclose(scores, np.log(P[:, 1] / P[:, 0]), rtol=1e-9)
    else:
        np.testing.assert_allclose(scores - scores.mean(1)[:, None], scores, atol=1e-9)
    far = model.predict_log_proba(1e6 * X)
    assert np.all(np.isfinite(far))
    assert np.min(far) < -1e4
    assert np.all(np.isfinite(model.predict_proba(1e6 * X)))
    # Without a penalty on the intercepts the mean probabilities are the shares of the classes.
    np.testing.assert_allclose(P.mean(axis=0), np.bincount(y) / len(y), atol=1e-8)


def test_weights_are_repetitions():
    for K in (2, 3):
        X, y = problem(K)
        times = np.arange(len(y)) % 3
        weighted = quiet(LogisticRegression(0.1), X, y, sample_weight=times)
        repeated = quiet(LogisticRegression(0.1), X.repeat(times, axis=0), y.repeat(times))
        np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-7)
        np.testing.assert_allclose(weighted.intercept_, repeated.intercept_, rtol=1e-7)
        scaled = quiet(LogisticRegression(0.1), X, y, sample_weight=5.0 * times)
        np.testing.assert_allclose(weighted.coef_, scaled.coef_, rtol=1e-9)


def test_classes_without_weight_do_not_count():
    X, y = problem(3)
    model = quiet(LogisticRegression(0.1), X, y, sample_weight=1.0 * (y != 1))
    alone = quiet(LogisticRegression(0.1), X[y != 1], y[y != 1])
    np.testing.assert_array_equal(model.classes_, [0, 2])
    np.testing.assert_allclose(model.coef_, alone.coef_, rtol=1e-12)


@pytest.mark.parametrize("K", [2, 3])
@pytest.mark.parametrize("lam", [0.0, 0.05])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_dependent_features_share_their_weight(K, lam, fit_intercept):
    """Of the minimisers the shortest; with a penalty it is the only one."""
    X, y = problem(K)
    many = np.column_stack([X, X[:, 0] - X[:, 1], 2 * X[:, 2], np.zeros(60)])
    if fit_intercept:
        many[:, -1] = 1 / 3
    model = LogisticRegression(lam, fit_intercept=fit_intercept)
    if lam == 0:
        with pytest.warns(UserWarning, match="not unique: lam is 0 and the 7 features have rank 4"):
            model.fit(many, y)
        plain = quiet(LogisticRegression(lam, fit_intercept=fit_intercept), X, y)
        np.testing.assert_allclose(model.predict_proba(many), plain.predict_proba(X), atol=1e-7)
    else:
        quiet(model, many, y)
        direct = theirs(1 / (2 * 60 * lam), many, y, fit_intercept=fit_intercept)
        assert agrees(model, direct)
    assert model.coef_[:, -1] == pytest.approx(0, abs=1e-12)
    centred = many - many.mean(axis=0) if fit_intercept else many
    nothing = linalg.null_space(centred[:, :6])
    assert model.coef_[:, :6] @ nothing == pytest.approx(np.zeros((model.coef_.shape[0], 2)))


@pytest.mark.parametrize("K", [2, 3])
def test_more_features_than_samples(K, rng):
    X, y = rng.standard_normal((15, 40)), np.arange(15) % K
    model = quiet(LogisticRegression(0.02), X, y)
    assert agrees(model, theirs(1 / (30 * 0.02), X, y))


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_without_a_penalty_the_unit_does_not_matter(scale):
    for K in (2, 3):
        X, y = problem(K)
        model = quiet(LogisticRegression(0), X, y)
        scaled = quiet(LogisticRegression(0), scale * X, y)
        np.testing.assert_allclose(scaled.coef_ * scale, model.coef_, rtol=1e-6)
        assert scaled.n_iter_ == model.n_iter_


def test_an_offset_of_the_features_does_no_harm():
    X, y = problem(2)
    model, moved = (quiet(LogisticRegression(0.01), X + shift, y) for shift in (0, 1e7))
    np.testing.assert_allclose(moved.coef_, model.coef_, rtol=1e-6)


@pytest.mark.parametrize("K", [2, 3])
@pytest.mark.parametrize("solver", ["newton", "gradient-descent"])
def test_separable_classes_are_told_why_there_is_no_minimum(K, solver, rng):
    X = rng.standard_normal((60, 4))
    y = np.argmax(X[:, :K], axis=1)
    model = LogisticRegression(0, solver=solver)
    with pytest.warns(ConvergenceWarning, match=f"the {K} {NO_MINIMUM}") as caught:
        model.fit(X, y)
    assert "use lam > 0" in str(caught[0].message).lower()
    assert caught[0].filename == __file__
    assert model.score(X, y) == 1
    assert np.all(np.isfinite(model.coef_))
    assert model.n_iter_ < 5000
    quiet(LogisticRegression(1e-4), X, y)


@pytest.mark.parametrize(
    ("X", "y"),
    [
        ([[0], [1], [1], [2]], [0, 0, 1, 1]),
        ([[0], [1], [1], [2]], [0, 1, 0, 1]),
        ([[0, 0], [0, 1], [1, 0.5], [0, 2]], [0, 1, 1, 0]),
        ([[0], [1], [1], [2], [2], [3]], [0, 0, 1, 1, 2, 2]),
        ([[0], [1], [2], [3], [1], [2], [3]], [0, 0, 0, 0, 1, 1, 2]),
    ],
)
@pytest.mark.parametrize("solver", ["newton", "gradient-descent"])
def test_classes_that_touch_are_separable_too(X, y, solver):
    """The gradient becomes small on the way to infinity, and that is not taken for a minimum."""
    model = LogisticRegression(0, solver=solver, max_iter=500)
    with pytest.warns(ConvergenceWarning, match=NO_MINIMUM):
        model.fit(X, y)


def overlap_exactly(rows):
    """Decide in rational numbers whether no direction has all products >= 0 and one > 0.

    Fourier and Motzkin's elimination: one variable after the other leaves a cone, and in the end
    each row is a combination of the first with weights that are not negative. There is no such
    direction exactly if every row takes part in a combination that vanishes.
    """
    p, m = len(rows[0]), len(rows)
    cone = {(tuple(row), frozenset([i])) for i, row in enumerate(rows)}
    for j in range(p):
        zero = {c for c in cone if c[0][j] == 0}
        plus, minus = ([c for c in cone if sign * c[0][j] > 0] for sign in (1, -1))
        for (a, who), (b, whom) in product(plus, minus):
            combined = [x * -b[j] + y * a[j] for x, y in zip(a, b, strict=True)]
            size = max(map(abs, combined)) or 1
            members = who | whom
            if len(members) <= j + 2:
                zero.add((tuple(Fraction(x) / size for x in combined), members))
        cone = zero
    return frozenset().union(*(who for _, who in cone)) == frozenset(range(m))


@st.composite
def integer_problems(draw, K):
    """Draw X and y in small integers: separable or not, with columns that depend on others."""
    n, p = draw(st.integers(K, 8 if K == 2 else 5)), draw(st.integers(1, 3 if K == 2 else 1))
    X = draw(arrays(float, (n, p), elements=st.integers(-2, 2)))
    y = np.r_[np.arange(K), draw(arrays(int, n - K, elements=st.integers(0, K - 1)))]
    return X, y


def differences(X, y, K, fit_intercept):
    """List the rows by which the score of the own class exceeds that of another, K - 1 free."""
    A = np.column_stack([np.ones(len(X)), X]) if fit_intercept else X
    basis = np.eye(K)[:, 1:]
    rows = [
        np.outer(x, basis[label] - basis[other]).ravel()
        for x, label in zip(A, y, strict=True)
        for other in range(K)
        if other != label
    ]
    rows = [[Fraction(int(v)) for v in row] for row in rows if np.any(row)]
    return rows or [[Fraction(0)] * (A.shape[1] * (K - 1))]


@SEVERAL
@given(problem=integer_problems(2), fit_intercept=st.booleans())
def test_whether_there_is_a_minimum_is_decided_as_in_exact_arithmetic(problem, fit_intercept):
    decided(problem, 2, fit_intercept)


@SEVERAL
@given(problem=integer_problems(3), fit_intercept=st.booleans())
def test_the_same_for_three_classes(problem, fit_intercept):
    decided(problem, 3, fit_intercept)


def decided(problem, K, fit_intercept):
    X, y = problem
    exists = overlap_exactly(differences(X, y, K, fit_intercept))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        LogisticRegression(0, fit_intercept=fit_intercept).fit(X, y)
    said = [str(warning.message) for warning in caught]
    assert not any("not converged" in message for message in said)
    assert any(NO_MINIMUM in message for message in said) == (not exists)


@pytest.mark.parametrize("K", [2, 3])
def test_classes_that_overlap_by_little_have_their_minimum(K):
    """One sample of each class lies a little inside the next: the minimum is far out."""
    centres = np.repeat(np.arange(K), 2.0).astype(float)
    X = np.column_stack([np.r_[centres, centres]])[: 2 * K]
    X = np.r_[X, [[0.5 + 1e-4 + k] for k in range(K - 1)], [[0.5 - 1e-4 + k] for k in range(K - 1)]]
    y = np.r_[np.repeat(np.arange(K), 2), np.arange(K - 1), np.arange(1, K)]
    model = quiet(LogisticRegression(0), X, y)
    assert np.abs(model.coef_).max() > 15
    scores = np.column_stack([np.ones(len(y)), X])
    Theta = np.r_[model.intercept_[np.newaxis], model.coef_.T]
    if K == 2:
        gradient = linear.logistic_gradient(scores, y, Theta[:, 0], 0)
    else:
        gradient = linear.softmax_gradient(scores, np.eye(K)[y], Theta, 0)
    assert gradient == pytest.approx(0, abs=1e-7)


def test_a_certificate_of_a_minimum_is_never_given_to_separable_classes(rng):
    """Far out on a separating direction the gradient vanishes; that is not taken for a minimum."""
    X, y = np.array([[1.0, 0], [1, 1], [1, 1], [1, 2]]), np.array([0, 0, 1, 1])
    inner = _likelihood.TwoClasses(X, y, np.ones(4), 0.0, True)
    for length in np.geomspace(0.1, 700, 60):
        assert not inner.has_minimum(inner.at(length * np.array([-1.0, 1.0])))
    X, y = problem(2)
    inner = _likelihood.TwoClasses(X, y, np.ones(60), 0.0, False)
    start = inner.start()
    assert not inner.has_minimum(start) or np.linalg.norm(start.gradient) < 0.1
    theta = quiet(LogisticRegression(0, fit_intercept=False), X, y).coef_[0]
    assert inner.has_minimum(inner.at(theta))


def test_not_enough_steps_are_not_called_separable():
    X, y = problem(2)
    for lam in (0.0, 0.01):
        with pytest.warns(ConvergenceWarning, match=r"not converged: after 1 steps \(max_iter = 1"):
            model = LogisticRegression(lam, max_iter=1).fit(X, y)
        assert model.n_iter_ == 1


def test_newton_goes_its_own_way_and_descent_follows_the_gradient():
    X, y = problem(2)
    path = linear.logistic_newton(X, y, 0.01, 8)
    exact = quiet(LogisticRegression(0.01, fit_intercept=False), X, y).coef_[0]
    np.testing.assert_allclose(path[-1], exact, rtol=1e-6)
    np.testing.assert_array_equal(path[0], np.zeros(4))
    again = linear.logistic_newton(X, y, 0.01, 2, theta=path[3])
    np.testing.assert_allclose(again[1], path[4], rtol=1e-12)
    walk = linear.logistic_descent(X, y, 0.01, 3000)
    np.testing.assert_allclose(walk[-1], exact, atol=1e-4)
    costs = [linear.logistic_cost(X, y, theta, 0.01) for theta in walk[:40]]
    assert np.all(np.diff(costs) < 0)
    step = linear.logistic_descent(X, y, 0.01, 1, theta=walk[5], eta=0.5)
    gradient = linear.logistic_gradient(X, y, walk[5], 0.01)
    np.testing.assert_allclose(step[1], walk[5] - 0.5 * gradient, rtol=1e-12)


def test_a_line_search_saves_newton_where_the_bare_steps_run_away():
    X, y = np.array([[1.0], [-1.0], [10.0]]), np.array([1, 1, 0])
    start = np.array([2.0])
    with pytest.raises(np.linalg.LinAlgError):
        linear.logistic_newton(X, y, 0, 60, theta=-3 * start)
    inner = _likelihood.TwoClasses(X, y, np.ones(3), 0.0, False)
    inner.start = lambda: inner.at(-3 * start)
    fit = _likelihood.newton(inner, 1e-10, 100)
    assert fit.converged
    best = optimize.minimize_scalar(lambda t: linear.logistic_cost(X, y, np.array([t]), 0))
    assert fit.coefficients[0, 0] == pytest.approx(best.x, abs=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_the_maximum_margin_is_that_of_a_support_vector_machine(seed):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((30, 3))
    y = (X @ [1.0, -2.0, 0.5] > 0).astype(int)
    X += 0.3 * np.outer(2 * y - 1, [1.0, -2.0, 0.5])
    theta = linear.maximum_margin(X, y)
    margins = (2 * y - 1) * (X @ theta)
    assert margins.min() == pytest.approx(1, rel=1e-9)
    # theta is a combination of the samples at the margin, with weights that are not negative.
    near = margins < 1 + 1e-8
    weights = optimize.nnls(((2 * y - 1)[:, np.newaxis] * X)[near].T, theta)
    assert weights[1] == pytest.approx(0, abs=1e-9)
    machine = SVC(kernel="linear", C=1e8, tol=1e-10).fit(
        np.r_[X, -X], np.r_[y, 1 - y]
    )  # Mirrored, so that its intercept vanishes.
    np.testing.assert_allclose(machine.coef_[0], theta, rtol=1e-5)
    with pytest.raises(ValueError, match="X and y must be linearly separable"):
        linear.maximum_margin(np.r_[X, X[:1]], np.r_[y, 1 - y[0]])


def test_a_separating_direction_and_its_absence(rng):
    X = rng.standard_normal((40, 3)) * [1, 1e6, 1e-6]
    y = (X @ [1.0, 1e-6, 1e6] > 0).astype(int)
    direction = linear.separating_direction(X, y)
    assert np.all((2 * y - 1) * (X @ direction) >= -1e-9 * np.abs(X @ direction).max())
    assert linear.separating_direction(X, 1 - y) @ direction < 0
    assert linear.separating_direction(*problem(2)) is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"X": [[0.0], [1.0], [NAN]]}, "Input X contains NaN"),
        ({"X": np.array([[0.0], [1.0], [1j]])}, "Complex data not supported"),
        ({"X": [0.0, 1.0, 2.0]}, "Expected 2D array"),
        ({"y": [0.0, 1.0, INF]}, "Input y contains infinity"),
        ({"y": [0.0, 1.0, NAN]}, "Input y contains NaN"),
        ({"y": ["a", "b", None]}, "y must hold labels of classes"),
        ({"y": [0.0, 1.0, 0.5]}, "y must hold labels of classes. Unknown label type: continuous"),
        ({"y": [0, 1, 1j]}, "y|Complex"),
        ({"y": [0, 1]}, "inconsistent numbers of samples"),
        ({"y": [[0, 1], [1, 0], [1, 1]]}, "y should be a 1d array"),
        ({"y": [1, 1, 1]}, "y must have at least two classes .* got one class, "),
        ({"sample_weight": [1.0, 0.0, 0.0]}, "y must have at least two classes .* with weight"),
        ({"sample_weight": [1.0, -1.0, 1.0]}, "sample_weight must not be negative"),
        ({"sample_weight": [0.0, 0.0, 0.0]}, "sample_weight must not sum to zero"),
        ({"sample_weight": [1.0, NAN, 1.0]}, "Input sample_weight contains NaN"),
        ({"sample_weight": [1.0, 1.0]}, r"sample_weight must have shape \(3,\), got \(2,\)"),
    ],
)
def test_bad_input_is_named_and_leaves_the_fit_alone(arguments, message):
    good = {"X": [[0.0, 1.0], [1.0, 0.0], [2.0, 5.0]], "y": [0, 1, 1]}
    fresh, fitted = LogisticRegression(), LogisticRegression().fit(**good)
    settings = set(fresh.get_params())
    before = {name: np.copy(value) for name, value in vars(fitted).items()}
    bad = {"X": [[0.0], [1.0], [2.0]], "y": [0, 1, 1]} | arguments
    for model in (fresh, fitted):
        with pytest.raises(ValueError, match=message):
            model.fit(**bad)
    assert set(vars(fresh)) == settings
    assert set(vars(fitted)) == set(before)
    for name, value in before.items():
        np.testing.assert_array_equal(getattr(fitted, name), value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        *(
            ({"lam": lam}, "lam must be a finite number and not negative")
            for lam in (-1e-9, NAN, INF, "0.1", None, 1j, [1.0])
        ),
        ({"solver": "lbfgs"}, "solver must be one of newton, gradient-descent, got 'lbfgs'"),
        ({"solver": None}, "solver must be one of"),
        ({"solver": ["newton"]}, "solver must be one of"),
        ({"tol": 0}, "tol must be a finite number above zero"),
        ({"tol": NAN}, "tol must be a finite number above zero"),
        ({"max_iter": 0}, "max_iter must be at least 1, got 0"),
        ({"max_iter": 2.5}, "max_iter must be an integer"),
    ],
)
def test_bad_settings_are_named(settings, message):
    X, y = problem(2)
    with pytest.raises(ValueError, match=message):
        LogisticRegression(**settings).fit(X, y)


@pytest.mark.parametrize("walk", [linear.logistic_newton, linear.logistic_descent])
def test_bad_steps_are_named(walk):
    X, y = problem(2)
    with pytest.raises(ValueError, match="steps must be an integer and not negative"):
        walk(X, y, 0.1, -1)
    with pytest.raises(ValueError, match="lam must be a finite number"):
        walk(X, y, -0.1, 1)
    with pytest.raises(ValueError, match="eta must be a finite number above zero"):
        linear.logistic_descent(X, y, 0.1, 1, eta=0.0)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_features_that_say_nothing(fit_intercept):
    y = np.array([0, 1, 1, 2, 2, 2])
    for K in (2, 3):
        labels = np.minimum(y, K - 1)
        for lam in (0.0, 1.0):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model = LogisticRegression(lam, fit_intercept=fit_intercept)
                model.fit(np.zeros((6, 2)), labels)
            share = np.bincount(labels) / 6 if fit_intercept else np.full(K, 1 / K)
            np.testing.assert_allclose(model.predict_proba(np.zeros((1, 2)))[0], share)
            np.testing.assert_array_equal(model.coef_, np.zeros_like(model.coef_))


def test_far_from_the_minimum_nothing_overflows():
    X, y = problem(2)
    theta = 1e5 * np.ones(4)
    assert np.isfinite(linear.logistic_cost(X, y, theta, 0.1))
    assert np.all(np.isfinite(linear.logistic_gradient(X, y, theta, 0.1)))
    assert np.all(np.isfinite(linear.softmax_hessian(X, np.outer(theta, [1, 0, -1]), 0.1)))
    model = quiet(LogisticRegression(1e12), X, y)
    assert np.abs(model.coef_).max() < 1e-10
    np.testing.assert_allclose(expit(model.intercept_[0]), y.mean(), rtol=1e-6)
