"""First-order methods: each moves the parameters, in place, against the gradients it is given.

All have one method, ``step(parameters, gradients)``, on lists of arrays of equal shapes, and keep
what they remember between the steps to themselves. Each is its namesake in ``torch.optim``.
"""

from numbers import Real

import numpy as np

from dlmath.linear._validation import check_penalty, check_positive


class Optimizer:
    """What the methods share: the checks, the count of steps, and the memory of each parameter."""

    # How many arrays of the shape of a parameter the method keeps from step to step.
    _memories = 0

    def __init__(self, eta):
        self.eta = check_positive(eta, "eta")
        self.reset()

    def reset(self):
        """Forget all earlier steps."""
        self.k = 0
        self._memory = None

    def step(self, parameters, gradients):
        """Make one step.

        Parameters
        ----------
        parameters : list of ndarray
            Of floats; changed in place.
        gradients : list of ndarray
            As many, of the same shapes, finite.

        Raises
        ------
        ValueError
            On parameters that are not arrays of floats, gradients of other shapes or not finite,
            or parameters of other shapes than at the step before; nothing is changed then.
        """
        _check_step(parameters, gradients)
        self._advance(parameters, gradients)

    def _advance(self, parameters, gradients):
        """Make one step with gradients that are known to fit and to be finite."""
        if self._memory is None:
            # One array more than the method remembers, to compute in.
            self._memory = [
                [np.zeros_like(parameter) for _ in range(self._memories + 1)]
                for parameter in parameters
            ]
        elif [m[0].shape for m in self._memory] != [p.shape for p in parameters]:
            raise ValueError("parameters have other shapes than at the last step; reset() first")
        self.k += 1
        for parameter, gradient, memory in zip(parameters, gradients, self._memory, strict=True):
            self._update(parameter, gradient, *memory)

    def _update(self, parameter, gradient, *memory):
        raise NotImplementedError


class GradientDescent(Optimizer):
    """Gradient descent, ``theta - eta g``: equation ``eq-data-model-cost-step``.

    Parameters
    ----------
    eta : float
        Learning rate, positive.
    """

    def _update(self, parameter, gradient, work):
        np.multiply(gradient, self.eta, out=work)
        parameter -= work


class Momentum(Optimizer):
    """Gradient descent with momentum: ``v <- momentum v + g``, ``theta <- theta - eta v``.

    ``torch.optim.SGD`` with ``momentum``.

    Parameters
    ----------
    eta : float
        Learning rate, positive.
    momentum : float, default=0.9
        Share of the velocity that is kept, in [0, 1).
    """

    _memories = 1

    def __init__(self, eta, momentum=0.9):
        self.momentum = _check_share(momentum, "momentum")
        super().__init__(eta)

    def _update(self, parameter, gradient, velocity, work):
        velocity *= self.momentum
        velocity += gradient
        np.multiply(velocity, self.eta, out=work)
        parameter -= work


class Adam(Optimizer):
    """Adam (Kingma and Ba 2015): steps in units of the gradient's running root mean square.

    ``m`` and ``v`` are running means of g and of its square, divided by ``1 - beta^k``, which
    corrects for their start at zero; the step is ``eta m / (sqrt(v) + epsilon)``.

    Parameters
    ----------
    eta : float, default=1e-3
        Learning rate, positive.
    beta1, beta2 : float, default=0.9 and 0.999
        Shares of the running means that are kept, in [0, 1).
    epsilon : float, default=1e-8
        Not negative.
    """

    _memories = 2

    def __init__(self, eta=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8):
        self.beta1, self.beta2 = _check_share(beta1, "beta1"), _check_share(beta2, "beta2")
        self.epsilon = check_penalty(epsilon, "epsilon")
        super().__init__(eta)

    def _update(self, parameter, gradient, m, v, work):
        m *= self.beta1
        np.multiply(gradient, 1 - self.beta1, out=work)
        m += work
        v *= self.beta2
        np.multiply(gradient, gradient, out=work)
        work *= 1 - self.beta2
        v += work
        # sqrt(v / c) + epsilon = (sqrt(v) + epsilon sqrt(c)) / sqrt(c), with one pass less.
        root = (1 - self.beta2**self.k) ** 0.5
        np.sqrt(v, out=work)
        work += self.epsilon * root
        np.divide(m, work, out=work)
        work *= self.eta * root / (1 - self.beta1**self.k)
        parameter -= work


def _check_share(value, name):
    if not (isinstance(value, Real) and 0 <= float(value) < 1):
        raise ValueError(f"{name} must lie in [0, 1), got {value!r}")
    return float(value)


def _check_step(parameters, gradients):
    if len(parameters) != len(gradients):
        raise ValueError(f"there are {len(parameters)} parameters, but {len(gradients)} gradients")
    for i, (parameter, gradient) in enumerate(zip(parameters, gradients, strict=True)):
        if not isinstance(parameter, np.ndarray) or parameter.dtype.kind != "f":
            kind = getattr(parameter, "dtype", type(parameter).__name__)
            raise ValueError(f"parameters[{i}] must be an array of floats, got {kind}")
        if np.shape(gradient) != parameter.shape:
            raise ValueError(
                f"gradients[{i}] has shape {np.shape(gradient)}, its parameter {parameter.shape}"
            )
        if not np.isfinite(gradient).all():
            raise ValueError(f"gradients[{i}] contains NaN or infinity")
