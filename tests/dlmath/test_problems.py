"""The three problems of the optimisers: gradients, minima, and bad input."""

import numpy as np
import pytest
from dlmath.linear import OLS
from dlmath.optimizers import Adam, minimize
from dlmath.problems import MassNetwork, Quadratic, Rosenbrock
from scipy.optimize import approx_fprime


@pytest.fixture(scope="module")
def masses():
    return MassNetwork()


def slopes(problem, x):
    """Return central differences of the cost."""
    h = 1e-5 * np.eye(len(x))
    return np.array([(problem.cost(x + e) - problem.cost(x - e)) / 2e-5 for e in h])


@pytest.mark.parametrize("problem", [Quadratic(50, 4), Quadratic(50, 4, seed=2), Rosenbrock(3)])
def test_gradients_and_hessians_are_those_of_the_costs(problem):
    x = problem.start + 0.1 * np.arange(problem.n)
    assert np.allclose(problem.gradient(x), slopes(problem, x), rtol=1e-7, atol=1e-6)
    hessian = np.array(
        [approx_fprime(x, lambda x, j=j: problem.gradient(x)[j], 1e-7) for j in range(problem.n)]
    )
    assert np.allclose(problem.hessian(x), hessian, rtol=1e-4, atol=1e-3)
    assert not np.allclose(2 * problem.hessian(x), hessian, rtol=1e-2)
    assert np.allclose(problem.gradient(problem.minimum), 0)
    assert problem.cost(problem.minimum) == 0


@pytest.mark.parametrize("seed", [None, 5])
def test_a_quadratic_has_the_condition_number_asked_for(seed):
    problem = Quadratic(200, 5, seed=seed)
    assert np.linalg.cond(problem.H) == pytest.approx(200)
    assert np.linalg.eigvalsh(problem.H) == pytest.approx(problem.eigenvalues)
    assert problem.eigenvalues[0] == 1
    # One along each axis, so the cost is half the trace.
    assert problem.cost(problem.start) == pytest.approx(np.trace(problem.H) / 2)
    assert (np.diag(np.diag(problem.H)) == problem.H).all() == (seed is None)


def test_costs_of_many_points_at_once():
    points = np.random.default_rng(0).standard_normal((2, 7, 2))
    for problem in (Quadratic(10, seed=1), Rosenbrock()):
        one_by_one = [[problem.cost(x) for x in row] for row in points]
        assert problem.cost(points[0]) == pytest.approx(one_by_one[0])
        assert problem.cost(points) == pytest.approx(np.array(one_by_one))


def test_rosenbrock_begins_where_he_did():
    assert Rosenbrock().cost(Rosenbrock().start) == pytest.approx(24.2)
    assert Rosenbrock(4).start.tolist() == [-1.2, 1.0, -1.2, 1.0]
    assert np.linalg.cond(Rosenbrock().hessian(np.ones(2))) == pytest.approx(2508, abs=0.1)


def test_the_network_has_the_gradient_of_its_cost(masses):
    along = np.random.default_rng(0).standard_normal(masses.start.size)
    step = 1e-6 * along
    change = masses.cost(masses.start + step) - masses.cost(masses.start - step)
    assert masses.gradient(masses.start) @ along == pytest.approx(change / 2e-6, rel=1e-6)


def test_the_mean_of_the_batches_is_the_gradient(masses):
    draw = masses.batch(200, np.random.default_rng(1))
    exact = masses.gradient(masses.start)
    several = np.array([draw(masses.start) for _ in range(400)])
    error = several.std(axis=0) / np.sqrt(400)
    assert np.mean(np.abs(several.mean(axis=0) - exact) < 2 * error) > 0.9
    whole = masses.batch(len(masses.X), np.random.default_rng(1))
    assert whole(masses.start) == pytest.approx(exact, rel=1e-9, abs=1e-12)


def test_a_cost_of_one_is_that_of_the_drop_alone(masses):
    network = masses.at(np.zeros(masses.start.size))
    assert (network.forward(masses.X) == 0).all()
    assert masses.cost(np.zeros(masses.start.size)) == pytest.approx(1)
    assert masses.error(np.zeros(masses.start.size), test=False) == pytest.approx(masses.scale)
    assert np.mean(masses.X, axis=0) == pytest.approx(np.zeros(16), abs=1e-12)


def test_it_can_be_learned_beyond_a_straight_line(masses):
    line = OLS().fit(masses.X, masses.y)
    found = minimize(masses.gradient, masses.start, Adam(0.02), 200)[-1]
    assert masses.cost(found) < 0.5 * np.mean((line.predict(masses.X) - masses.y) ** 2)
    assert masses.error(found) < 0.6


def test_evaluations_leave_the_start_as_it_was(masses):
    before = masses.start.copy()
    masses.gradient(masses.start + 1)
    masses.at(masses.start).parameters[0][:] = 0
    assert (masses.start == before).all()
    assert masses.cost(before) == pytest.approx(MassNetwork().cost(before))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Quadratic(0.5), "kappa must be at least 1"),
        (lambda: Quadratic("ten"), "kappa must be a positive number"),
        (lambda: Quadratic(10, 1), "n must be an integer of at least 2"),
        (lambda: Rosenbrock(2.0), "n must be an integer"),
        (lambda: Quadratic(10).cost([1.0, 2.0, 3.0]), r"x must hold vectors of 2 numbers"),
        (lambda: Quadratic(10).gradient([1.0, np.inf]), "x contains"),
        (lambda: Rosenbrock().cost(1.0), "x must hold vectors"),
    ],
)
def test_nonsense_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_nonsense_for_the_network_is_refused(masses):
    with pytest.raises(ValueError, match="x must hold vectors of 289 numbers"):
        masses.cost(np.zeros(10))
    with pytest.raises(ValueError, match="x must be one vector"):
        masses.cost(np.zeros((2, 289)))
    with pytest.raises(ValueError, match="size must be at most 1966"):
        masses.batch(5000, np.random.default_rng(0))
    with pytest.raises(ValueError, match="size must be an integer"):
        masses.batch(0, np.random.default_rng(0))
