"""What is known exactly: enumeration, Kaufman's finite lattices, Onsager's infinite one."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import integrate, special
from sklearn.utils import Bunch

from dlmath.ising._lattice import (
    Spins,
    check_size,
    check_temperature,
    check_temperatures,
    energy,
    magnetisation,
)

CRITICAL_TEMPERATURE = 2 / np.log(1 + np.sqrt(2))
"""Where sinh(2/tau) = 1: 2.269 in units of J/k_B (Kramers and Wannier, Onsager)."""

LARGEST_ENUMERATED = 4


def all_states(size: int) -> Spins:
    """List all configurations of a small lattice.

    Parameters
    ----------
    size : int
        Sites along an edge, from 2 to 4 (65,536 states).

    Returns
    -------
    spins : ndarray of int8, shape (2**size**2, size, size)
        State k has the binary digits of k, from the lowest, as its spins: 1 is +1, 0 is -1.

    Raises
    ------
    ValueError
        If the size is out of range.
    """
    sites = check_size(size, LARGEST_ENUMERATED) ** 2
    bits = np.arange(2**sites)[:, np.newaxis] >> np.arange(sites) & 1
    return (2 * bits - 1).astype(np.int8).reshape(-1, size, size)


def exact_enumeration(size: int, temperature: float) -> Bunch:
    """Sum over all states of a small lattice.

    Parameters
    ----------
    size : int
        Sites along an edge, from 2 to 4.
    temperature : float
        k_B T / J.

    Returns
    -------
    exact : sklearn.utils.Bunch
        log_partition : float
            Logarithm of the partition function.
        energy, specific_heat : float
            <E>/N and (<E^2> - <E>^2)/(N tau^2), in units of J and k_B.
        abs_magnetisation, squared_magnetisation : float
            <|m|> and <m^2>.
        susceptibility : float
            N <m^2>/tau, the response of the magnetisation to a field. <m> is zero by symmetry.

    Raises
    ------
    ValueError
        If size or temperature is out of range.
    """
    temperature = check_temperature(temperature)
    spins = all_states(size)
    total, m = energy(spins), magnetisation(spins)
    log_partition = special.logsumexp(-total / temperature)
    p = np.exp(-total / temperature - log_partition)
    mean, sites = p @ total, size**2
    return Bunch(
        log_partition=float(log_partition),
        energy=float(mean / sites),
        specific_heat=float(p @ (total - mean) ** 2 / (sites * temperature**2)),
        abs_magnetisation=float(p @ np.abs(m)),
        squared_magnetisation=float(p @ m**2),
        susceptibility=float(sites * (p @ m**2) / temperature),
    )


def _modes(size: int, K: float) -> tuple[NDArray[np.float64], ...]:
    """Give gamma_r of Kaufman's formula for r = 0 to 2 size - 1, with two derivatives by K."""
    sinh, cosh = np.sinh(2 * K), np.cosh(2 * K)
    angles = np.pi * np.arange(1, 2 * size) / size
    gamma = np.arccosh(cosh**2 / sinh - np.cos(angles))
    slope = 2 * cosh * (1 - sinh**-2)
    bend = 4 * sinh * (1 - sinh**-2) + 8 * cosh**2 / sinh**3
    first = slope / np.sinh(gamma)
    second = (bend - np.cosh(gamma) * first**2) / np.sinh(gamma)
    return (
        np.append(2 * K + np.log(np.tanh(K)), gamma),
        np.append(2 + 2 / sinh, first),
        np.append(-4 * cosh / sinh**2, second),
    )


def finite_lattice(size: int, temperature: float) -> Bunch:
    """Evaluate the exact thermodynamics of a size x size lattice by Kaufman's formula.

    With K = 1/tau the partition function is (2 sinh 2K)^(N/2)/2 times the sum of four products of
    2 cosh(size gamma_r / 2) and of 2 sinh(size gamma_r / 2) over odd and over even r, where
    cosh gamma_r = cosh(2K)^2/sinh(2K) - cos(pi r/size) and gamma_0 = 2K + log tanh K.

    Parameters
    ----------
    size : int
        Sites along an edge, at least 2.
    temperature : float
        k_B T / J, from about 0.02.

    Returns
    -------
    exact : sklearn.utils.Bunch
        ``log_partition``, and ``energy`` and ``specific_heat`` per spin, as in
        `exact_enumeration`.

    Raises
    ------
    ValueError
        If size or temperature is out of range.

    References
    ----------
    B. Kaufman, Physical Review 76 (1949) 1232.
    """
    size, K = check_size(size), 1 / check_temperature(temperature)
    sites, two_k = size**2, 2 / temperature
    x, dx, d2x = (size / 2 * values for values in _modes(size, K))
    # Odd products, and even ones without r = 0: each as logarithm, log-derivative, its derivative.
    logs, slopes, bends = [], [], []
    for modes in (np.s_[1::2], np.s_[2::2]):
        y, dy, d2y = x[modes], dx[modes], d2x[modes]
        for sign, ratio in ((1, np.tanh(y)), (-1, 1 / np.tanh(y))):
            logs.append(np.sum(y + np.log1p(sign * np.exp(-2 * y))))
            slopes.append(np.sum(ratio * dy))
            bends.append(np.sum(ratio * d2y + (1 - ratio**2) * dy**2))
    # The factors of r = 0, with two derivatives, over exp|x_0|: 2 sinh x_0 passes through zero.
    cosh, sinh = 1 + np.exp(-2 * abs(x[0])), -np.sign(x[0]) * np.expm1(-2 * abs(x[0]))
    factors = np.array([1, 1, cosh, sinh])
    d_factors = np.array([0, 0, sinh, cosh]) * dx[0]
    d2_factors = factors * [0, 0, 1, 1] * dx[0] ** 2 + np.array([0, 0, sinh, cosh]) * d2x[0]
    exponents = np.add(logs, [0, 0, abs(x[0]), abs(x[0])])
    weights = np.exp(exponents - exponents.max())
    log_sum = exponents.max() + np.log(weights @ factors)
    weights /= weights @ factors
    slope = weights @ (factors * slopes + d_factors)
    second = np.square(slopes) + bends
    bend = weights @ (factors * second + 2 * d_factors * slopes + d2_factors)
    return Bunch(
        log_partition=float(sites / 2 * np.log(2 * np.sinh(two_k)) - np.log(2) + log_sum),
        energy=float(-1 / np.tanh(two_k) - slope / sites),
        specific_heat=float(K**2 * ((bend - slope**2) / sites - 2 / np.sinh(two_k) ** 2)),
    )


def _complementary(K: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give k' = 2 tanh(2K)^2 - 1, the signed complement of Onsager's modulus; 0 at tau_c."""
    return 2 * np.tanh(2 * K) ** 2 - 1


def onsager_energy(temperature: Any) -> NDArray[np.float64]:
    """Energy per spin of the infinite lattice.

    With K = 1/tau and k' = 2 tanh(2K)^2 - 1 it is -coth(2K) (1 + (2/pi) k' F), where F is the
    complete elliptic integral of the first kind of the modulus k, k^2 = 1 - k'^2. (SciPy takes
    m = k^2 in ``ellipk``, or 1 - m = k'^2 in ``ellipkm1``, which is exact near tau_c.)

    Parameters
    ----------
    temperature : float or array-like
        k_B T / J.

    Returns
    -------
    u : ndarray of the shape of temperature
        In units of J, between -2 and 0.

    Raises
    ------
    ValueError
        If a temperature is not positive.

    References
    ----------
    L. Onsager, Physical Review 65 (1944) 117.
    """
    K = 1 / check_temperatures(temperature)
    k = _complementary(K)
    # k' F tends to 0 with k', and F itself to infinity.
    F = special.ellipkm1(np.maximum(k**2, 1e-300))
    return -1 / np.tanh(2 * K) * (1 + 2 / np.pi * k * F)


def onsager_specific_heat(temperature: Any) -> NDArray[np.float64]:
    """Specific heat per spin of the infinite lattice, infinite at the critical temperature.

    With the symbols of `onsager_energy` and the elliptic integral G of the second kind it is
    (2/pi) (K coth 2K)^2 (2F - 2G - (1 - k')(pi/2 + k' F)).

    Parameters
    ----------
    temperature : float or array-like
        k_B T / J.

    Returns
    -------
    c : ndarray of the shape of temperature
        In units of k_B.

    Raises
    ------
    ValueError
        If a temperature is not positive.
    """
    K = 1 / check_temperatures(temperature)
    k = _complementary(K)
    with np.errstate(divide="ignore"):
        F = special.ellipkm1(k**2)
    G = special.ellipe(1 - k**2)
    kF = k * np.where(np.isinf(F), 0, F)
    return 2 / np.pi * (K / np.tanh(2 * K)) ** 2 * (2 * F - 2 * G - (1 - k) * (np.pi / 2 + kF))


def onsager_log_partition(temperature: float) -> float:
    """Logarithm of the partition function per spin of the infinite lattice, -f/tau.

    It is log(2 sinh 2K)/2 plus half the mean over angles w of gamma(w) with
    cosh gamma = cosh(2K)^2/sinh(2K) - cos w.

    Parameters
    ----------
    temperature : float
        k_B T / J.

    Returns
    -------
    log_partition : float
        log(Z)/N in the limit of many spins N.

    Raises
    ------
    ValueError
        If the temperature is not positive.
    """
    K = 1 / check_temperature(temperature)
    level = np.cosh(2 * K) ** 2 / np.sinh(2 * K)
    area, _ = integrate.quad(
        lambda angle: np.arccosh(np.maximum(level - np.cos(angle), 1)), 0, np.pi, epsabs=1e-12
    )
    return float(np.log(2 * np.sinh(2 * K)) / 2 + area / (2 * np.pi))


def spontaneous_magnetisation(temperature: Any) -> NDArray[np.float64]:
    """Magnetisation per spin of the infinite lattice, (1 - sinh(2/tau)^-4)^(1/8) below tau_c.

    Parameters
    ----------
    temperature : float or array-like
        k_B T / J.

    Returns
    -------
    m : ndarray of the shape of temperature
        Zero at and above the critical temperature.

    Raises
    ------
    ValueError
        If a temperature is not positive.

    References
    ----------
    C.N. Yang, Physical Review 85 (1952) 808.
    """
    K = 1 / check_temperatures(temperature)
    # Below tau = 0.1 the power is 0 to all digits; sinh would overflow at last.
    power = np.sinh(np.minimum(2 * K, 20.0)) ** -4
    return np.where(power < 1, np.maximum(1 - power, 0), 0.0) ** 0.125
