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
from dlmath.optimizers._minimize import minimize
from dlmath.optimizers._schedules import (
    cosine,
    exponential_decay,
    inverse_decay,
    step_decay,
    warm_up,
)

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
    "cosine",
    "exponential_decay",
    "inverse_decay",
    "minimize",
    "step_decay",
    "warm_up",
]
