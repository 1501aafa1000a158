"""Schedules of the learning rate: functions of the number of steps that were made before.

An optimizer takes such a function in the place of a number. Any function of your own will do that
returns a finite number, not negative.
"""

import math

from dlmath._checks import check_count
from dlmath.linear._validation import check_penalty, check_positive


def step_decay(eta, factor, every):
    """Multiply the rate by ``factor`` after ``every`` so many steps.

    ``torch.optim.lr_scheduler.StepLR``.

    Parameters
    ----------
    eta : float
        Rate at the start, positive.
    factor : float
        In (0, 1].
    every : int
        At least 1.

    Returns
    -------
    callable
        Of the number of steps made before, an integer from 0.
    """
    eta, factor = check_positive(eta, "eta"), _check_factor(factor)
    every = check_count("every", every)
    return lambda k: eta * factor ** (k // every)


def exponential_decay(eta, factor):
    """Multiply the rate by ``factor`` after every step.

    ``torch.optim.lr_scheduler.ExponentialLR``.

    Parameters
    ----------
    eta : float
        Rate at the start, positive.
    factor : float
        In (0, 1].

    Returns
    -------
    callable
        Of the number of steps made before, an integer from 0.
    """
    return step_decay(eta, factor, 1)


def inverse_decay(eta, decay):
    """Divide the rate by ``1 + decay k``: its sum diverges, that of its squares does not.

    Parameters
    ----------
    eta : float
        Rate at the start, positive.
    decay : float
        Not negative.

    Returns
    -------
    callable
        Of the number of steps made before, an integer from 0.
    """
    eta, decay = check_positive(eta, "eta"), check_penalty(decay, "decay")
    return lambda k: eta / (1 + decay * k)


def cosine(eta, steps, least=0.0):
    """Lower the rate from ``eta`` to ``least`` along half a period of the cosine, and stay there.

    ``torch.optim.lr_scheduler.CosineAnnealingLR``, up to the last step.

    Parameters
    ----------
    eta : float
        Rate at the start, positive.
    steps : int
        After how many steps the lowest rate is reached; at least 1.
    least : float, default=0.0
        The lowest rate, not negative and at most ``eta``.

    Returns
    -------
    callable
        Of the number of steps made before, an integer from 0.
    """
    eta, least = check_positive(eta, "eta"), check_penalty(least, "least")
    if least > eta:
        raise ValueError(f"least must be at most eta = {eta}, got {least}")
    steps = check_count("steps", steps)
    return lambda k: least + (eta - least) * (1 + math.cos(math.pi * min(k / steps, 1))) / 2


def warm_up(eta, steps):
    """Let the rate rise in equal parts over the first steps: the k-th is that share k / steps.

    Parameters
    ----------
    eta : float or callable
        The rate from then on: a number, or a schedule, which is followed from its start.
    steps : int
        Length of the rise, at least 1.

    Returns
    -------
    callable
        Of the number of steps made before, an integer from 0.
    """
    schedule = eta if callable(eta) else step_decay(eta, 1.0, 1)
    steps = check_count("steps", steps)
    return lambda k: min((k + 1) / steps, 1) * schedule(k)


def _check_factor(factor):
    if check_positive(factor, "factor") > 1:
        raise ValueError(f"factor must be at most 1, got {factor}")
    return float(factor)
