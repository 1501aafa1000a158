"""The loop around an optimizer."""

import numpy as np

from dlmath._checks import check_count
from dlmath.linear._validation import check_floats


def minimize(gradient, x0, optimizer, steps):
    """Go downhill for a number of steps, and return all places that were visited.

    Parameters
    ----------
    gradient : callable
        Of an array of the shape of ``x0``; returns one of this shape. It may be random.
    x0 : array-like
        The start; it is copied.
    optimizer : Optimizer
        It is not reset: what it remembers of earlier steps goes on.
    steps : int
        Not negative.

    Returns
    -------
    ndarray of shape (steps + 1, *shape of x0)
        The start first.

    Raises
    ------
    ValueError
        If ``x0`` is not finite, or the gradient has another shape; or at the step, which the error
        names, where the gradient is no longer finite: the learning rate is then too large.

    Examples
    --------
    >>> from dlmath.optimizers import GradientDescent, minimize
    >>> minimize(lambda x: 2 * x, [1.0, -2.0], GradientDescent(0.25), 3).tolist()
    [[1.0, -2.0], [0.5, -1.0], [0.25, -0.5], [0.125, -0.25]]
    """
    x = np.array(check_floats(x0, "x0"))
    steps = check_count("steps", steps, least=0)
    path = np.empty((steps + 1, *x.shape))
    path[0] = x
    for k in range(steps):
        slope = np.asarray(gradient(x), dtype=float)
        if slope.shape != x.shape:
            raise ValueError(f"gradient must return the shape {x.shape} of x0, got {slope.shape}")
        if not np.isfinite(slope).all():
            raise ValueError(
                f"the gradient at step {k + 1} contains NaN or infinity; is eta too large?"
            )
        optimizer.step([x], [slope])
        path[k + 1] = x
    return path
