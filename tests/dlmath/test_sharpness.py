"""Products with the Hessian, and its largest eigenvalue, from gradients alone."""

import numpy as np
import pytest
from dlmath.problems import Quadratic, Rosenbrock
from dlmath.sharpness import hessian_vector_product, sharpness
from numpy.testing import assert_allclose


def test_product_with_the_hessian_of_rosenbrock():
    problem = Rosenbrock(5)
    rng = np.random.default_rng(0)
    x, v = rng.normal(size=5), rng.normal(size=5)
    product = hessian_vector_product(problem.gradient, x, v)
    assert_allclose(product, problem.hessian(x) @ v, rtol=1e-5)
    # The length of v does not decide how far the gradient is moved.
    long = hessian_vector_product(problem.gradient, x, 1e6 * v)
    assert_allclose(long, 1e6 * product, rtol=1e-6)


def test_product_with_nothing_is_nothing():
    assert_allclose(hessian_vector_product(lambda x: x, np.ones(3), np.zeros(3)), 0)


def test_sharpness_of_a_rotated_quadratic():
    problem = Quadratic(50.0, 12, seed=3)
    value, vector = sharpness(problem.gradient, problem.start)
    assert_allclose(value, 50, rtol=1e-6)
    assert_allclose(problem.H @ vector, 50 * vector, atol=1e-4)
    assert_allclose(np.linalg.norm(vector), 1)


def test_the_largest_and_not_the_largest_in_size():
    H = np.diag([-9.0, 1.0, 2.0])
    value, vector = sharpness(lambda x: H @ x, np.ones(3))
    assert_allclose(value, 2, rtol=1e-6)
    assert_allclose(np.abs(vector), [0, 0, 1], atol=1e-4)


def test_a_good_start_is_used():
    problem, calls = Quadratic(20.0, 30, seed=1), []

    def gradient(x):
        calls.append(1)
        return problem.gradient(x)

    value, vector = sharpness(gradient, problem.start)
    first = len(calls)
    calls.clear()
    again, _ = sharpness(gradient, problem.start, start=vector, memory=6, tol=1e-3)
    assert_allclose(again, value, rtol=1e-3)
    assert len(calls) < first / 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sharpness(lambda x: x, [1.0]), "x must have at least two entries"),
        (lambda: sharpness(lambda x: x, np.ones((2, 2))), "x must be a vector, got shape"),
        (lambda: sharpness(lambda x: x, [1.0, np.inf]), "x contains NaN or infinity"),
        (lambda: sharpness(lambda x: x, np.ones(3), start=np.ones(2)), "start must be a vector of"),
        (lambda: hessian_vector_product(lambda x: x, np.ones(2), np.ones(3)), "v must be a vector"),
        (
            lambda: hessian_vector_product(lambda x: x, np.ones(2), np.ones(2), step=0),
            "step must be a positive number",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
