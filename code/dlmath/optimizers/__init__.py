"""Methods that go downhill, from gradient descent to BFGS, and schedules of the learning rate."""

from dlmath.optimizers._first_order import (
    AdaGrad,
    Adam,
    AdamW,
    AMSGrad,
    GradientDescent,
    Momentum,
    Nesterov,
    Optimizer,
    RMSprop,
)
from dlmath.optimizers._line_search import wolfe_line_search
from dlmath.optimizers._minimize import minimize
from dlmath.optimizers._newton import damped_newton, gauss_newton, newton
from dlmath.optimizers._quasi_newton import bfgs, lbfgs
from dlmath.optimizers._schedules import (
    cosine,
    exponential_decay,
    inverse_decay,
    step_decay,
    warm_up,
)
from dlmath.optimizers._steepest import backtracking, exact_line_search

__all__ = [
    "AMSGrad",
    "AdaGrad",
    "Adam",
    "AdamW",
    "GradientDescent",
    "Momentum",
    "Nesterov",
    "Optimizer",
    "RMSprop",
    "backtracking",
    "bfgs",
    "cosine",
    "damped_newton",
    "exact_line_search",
    "exponential_decay",
    "gauss_newton",
    "inverse_decay",
    "lbfgs",
    "minimize",
    "newton",
    "step_decay",
    "warm_up",
    "wolfe_line_search",
]
