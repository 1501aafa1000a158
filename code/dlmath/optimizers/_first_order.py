"""First-order methods: each moves the parameters, in place, against the gradients it is given.

All have one method, ``step(parameters, gradients)``, on lists of arrays of equal shapes, and keep
what they remember between the steps to themselves. Each is its namesake in ``torch.optim``.
"""

from numbers import Real

import numpy as np

from dlmath.linear._validation import check_penalty, check_positive


class Optimizer:
    """What the methods share: the checks, the count of steps, and the memory of each parameter.

    Attributes
    ----------
    eta : float or callable
        Learning rate, or a schedule; it may be set anew between two steps.
    k : int
        Steps that were made.
    """

    # How many arrays of the shape of a parameter the method keeps from step to step.
    _memories = 0

    def __init__(self, eta):
        self.eta = eta if callable(eta) else check_positive(eta, "eta")
        self.reset()

    @property
    def rate(self):
        """Learning rate of the next step."""
        if not callable(self.eta):
            return self.eta
        return check_penalty(self.eta(self.k), f"eta at step {self.k + 1}")

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
        rate = self.rate
        self.k += 1
        for parameter, gradient, memory in zip(parameters, gradients, self._memory, strict=True):
            self._update(rate, parameter, gradient, *memory)

    def _update(self, rate, parameter, gradient, *memory):
        raise NotImplementedError


class GradientDescent(Optimizer):
    """Gradient descent, ``theta <- theta - eta g``: equation ``eq-data-model-cost-step``.

    ``torch.optim.SGD``.

    Parameters
    ----------
    eta : float or callable
        Learning rate, positive, or a schedule of it.
    """

    def _update(self, rate, parameter, gradient, work):
        np.multiply(gradient, rate, out=work)
        parameter -= work


class Momentum(Optimizer):
    """Gradient descent with momentum: ``v <- momentum v + g``, ``theta <- theta - eta v``.

    With a constant rate it is Polyak's heavy ball. ``torch.optim.SGD`` with ``momentum``.

    Parameters
    ----------
    eta : float or callable
        Learning rate, positive, or a schedule of it.
    momentum : float, default=0.9
        Share of the velocity that is kept, in [0, 1).
    """

    _memories = 1

    def __init__(self, eta, momentum=0.9):
        self.momentum = _check_share(momentum, "momentum")
        super().__init__(eta)

    def _update(self, rate, parameter, gradient, velocity, work):
        velocity *= self.momentum
        velocity += gradient
        np.multiply(velocity, rate, out=work)
        parameter -= work


class Nesterov(Momentum):
    """Nesterov's accelerated gradient: as momentum, then ``theta <- theta - eta (g + momentum v)``.

    The parameters are the extrapolated points, at which gradients are taken. ``torch.optim.SGD``
    with ``momentum`` and ``nesterov=True``.

    Parameters
    ----------
    eta : float or callable
        Learning rate, positive, or a schedule of it.
    momentum : float, default=0.9
        Share of the velocity that is kept, in [0, 1).
    """

    def _update(self, rate, parameter, gradient, velocity, work):
        velocity *= self.momentum
        velocity += gradient
        np.multiply(velocity, self.momentum, out=work)
        work += gradient
        work *= rate
        parameter -= work


class AdaGrad(Optimizer):
    """AdaGrad (Duchi, Hazan and Singer 2011): each rate falls with the gradients of its parameter.

    ``G <- G + g^2``, ``theta <- theta - eta g / (sqrt(G) + epsilon)``. ``torch.optim.Adagrad``.

    Parameters
    ----------
    eta : float or callable, default=1e-2
        Learning rate, positive, or a schedule of it.
    epsilon : float, default=1e-10
        Not negative.
    """

    _memories = 1

    def __init__(self, eta=1e-2, epsilon=1e-10):
        self.epsilon = check_penalty(epsilon, "epsilon")
        super().__init__(eta)

    def _update(self, rate, parameter, gradient, squares, work):
        np.multiply(gradient, gradient, out=work)
        squares += work
        _step_in_units_of_root(parameter, gradient, squares, rate, self.epsilon, work)


class RMSprop(Optimizer):
    """RMSprop: steps in units of the gradient's running root mean square.

    ``v <- rho v + (1 - rho) g^2``, ``theta <- theta - eta g / (sqrt(v) + epsilon)``, with v = 0 at
    the start and no correction for it. ``torch.optim.RMSprop``.

    Parameters
    ----------
    eta : float or callable, default=1e-2
        Learning rate, positive, or a schedule of it.
    rho : float, default=0.99
        Share of the running mean that is kept, in [0, 1).
    epsilon : float, default=1e-8
        Not negative.
    """

    _memories = 1

    def __init__(self, eta=1e-2, rho=0.99, epsilon=1e-8):
        self.rho = _check_share(rho, "rho")
        self.epsilon = check_penalty(epsilon, "epsilon")
        super().__init__(eta)

    def _update(self, rate, parameter, gradient, v, work):
        _average(v, gradient, self.rho, work, squared=True)
        _step_in_units_of_root(parameter, gradient, v, rate, self.epsilon, work)


class Adam(Optimizer):
    """Adam (Kingma and Ba 2015): momentum, in units of the gradient's running root mean square.

    ``m`` and ``v`` are running means of g and of its square, divided by ``1 - beta^k``, which
    corrects for their start at zero; the step is ``eta m / (sqrt(v) + epsilon)``. Equations
    ``eq-adaptive-methods-adam`` and ``eq-adaptive-methods-correction``. ``torch.optim.Adam``.

    Parameters
    ----------
    eta : float or callable, default=1e-3
        Learning rate, positive, or a schedule of it.
    beta1, beta2 : float, default=0.9 and 0.999
        Shares of the running means that are kept, in [0, 1).
    epsilon : float, default=1e-8
        Not negative.
    bias_correction : bool, default=True
        False leaves the division by ``1 - beta^k`` out, to see what it is for.
    """

    _memories = 2

    def __init__(self, eta=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8, *, bias_correction=True):
        self.beta1, self.beta2 = _check_share(beta1, "beta1"), _check_share(beta2, "beta2")
        self.epsilon = check_penalty(epsilon, "epsilon")
        self.bias_correction = bool(bias_correction)
        super().__init__(eta)

    def _update(self, rate, parameter, gradient, m, v, *memory):
        work = memory[-1]
        _average(m, gradient, self.beta1, work)
        _average(v, gradient, self.beta2, work, squared=True)
        share1, share2 = 1 - self.beta1**self.k, 1 - self.beta2**self.k
        if not self.bias_correction:
            share1 = share2 = 1.0
        # m / share1 / (sqrt(v / share2) + epsilon), with the numbers gathered in one place.
        root = share2**0.5
        squares = self._squares(v, *memory[:-1])
        rate *= root / share1
        _step_in_units_of_root(parameter, m, squares, rate, self.epsilon * root, work)

    def _squares(self, v, *memory):
        """Return the mean square whose root is the unit of the step."""
        return v


class AMSGrad(Adam):
    """Adam with the largest v so far in the place of v (Reddi, Kale and Kumar 2018).

    ``torch.optim.Adam`` with ``amsgrad=True``. The arguments are Adam's.
    """

    _memories = 3

    def _squares(self, v, *memory):
        (largest,) = memory
        return np.maximum(largest, v, out=largest)


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019).

    All parameters are first multiplied by ``1 - eta weight_decay``, and Adam's step, which knows
    nothing of it, follows: equation ``eq-adaptive-methods-adamw``. ``torch.optim.AdamW``.

    Parameters
    ----------
    eta : float or callable, default=1e-3
        Learning rate, positive, or a schedule of it.
    beta1, beta2, epsilon, bias_correction
        As for :class:`Adam`.
    weight_decay : float, default=0.01
        Not negative. It is not a penalty on the cost.
    """

    def __init__(
        self,
        eta=1e-3,
        beta1=0.9,
        beta2=0.999,
        epsilon=1e-8,
        weight_decay=0.01,
        *,
        bias_correction=True,
    ):
        self.weight_decay = check_penalty(weight_decay, "weight_decay")
        super().__init__(eta, beta1, beta2, epsilon, bias_correction=bias_correction)

    def _update(self, rate, parameter, gradient, *memory):
        parameter *= 1 - rate * self.weight_decay
        super()._update(rate, parameter, gradient, *memory)


def _average(mean, gradient, beta, work, *, squared=False):
    """Move a running mean, in place, towards the gradient or its square."""
    mean *= beta
    if squared:
        np.multiply(gradient, gradient, out=work)
        work *= 1 - beta
    else:
        np.multiply(gradient, 1 - beta, out=work)
    mean += work


def _step_in_units_of_root(parameter, direction, squares, rate, epsilon, work):
    """Subtract ``rate direction / (sqrt(squares) + epsilon)``, in place."""
    np.sqrt(squares, out=work)
    work += epsilon
    np.divide(direction, work, out=work)
    work *= rate
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
