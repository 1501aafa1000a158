"""Kernels, kernel ridge regression and Gaussian processes.

Why kernels of its own, where scikit-learn has some? Because the chapter derives them, and because
of the gradients. scikit-learn's kernels return the derivatives of K by all hyperparameters as one
array of shape (n, n, p). The gradient of the log marginal likelihood needs only the contraction of
each with one matrix, and a kernel here returns a function that does that, as in reverse-mode
automatic differentiation (``value_and_pullback``). It takes the memory of a few matrices for any p,
and p matrix products become one. Predictions, standard deviations, likelihoods and gradients agree
with scikit-learn's to rounding.

Kernels are small immutable objects with positive hyperparameters, composed by ``+`` and ``*``;
searches run in the logarithms of the hyperparameters. Samples are the rows of ``X``.
"""

from dlmath.kernels._covariance import (
    cholesky,
    condition,
    leave_one_out,
    log_likelihood,
    log_pseudo_likelihood,
)
from dlmath.kernels._gaussian_process import GaussianProcess
from dlmath.kernels._kernels import (
    RBF,
    Constant,
    Kernel,
    Linear,
    Matern12,
    Matern32,
    Matern52,
    Parity,
    Periodic,
    Polynomial,
    Product,
    Sum,
    White,
)
from dlmath.kernels._ridge import KernelRidge, solve_kernel_ridge

__all__ = [
    "RBF",
    "Constant",
    "GaussianProcess",
    "Kernel",
    "KernelRidge",
    "Linear",
    "Matern12",
    "Matern32",
    "Matern52",
    "Parity",
    "Periodic",
    "Polynomial",
    "Product",
    "Sum",
    "White",
    "cholesky",
    "condition",
    "leave_one_out",
    "log_likelihood",
    "log_pseudo_likelihood",
    "solve_kernel_ridge",
]
