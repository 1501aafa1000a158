"""The mass formula of Duflo and Zuker with ten terms."""

from typing import NamedTuple

import numpy as np

from dlmath.nuclear._nuclides import check_nuclides

DUFLO_ZUKER_NAMES = (
    "Coulomb",
    "master",
    "master, surface",
    "asymmetry",
    "asymmetry, surface",
    "three-body valence",
    "three-body valence, surface",
    "spherical quadrupole",
    "deformed quadrupole",
    "pairing",
)
DUFLO_ZUKER_COEFFICIENTS = np.array(
    [0.7043, 17.7418, 16.2562, 37.5562, 53.9017, 0.4711, 2.1307, 0.0210, 40.5356, 6.0632]
)
DUFLO_ZUKER_COEFFICIENTS.flags.writeable = False

PROMOTED = 4
LAST_SPHERICAL_Z = 50


def duflo_zuker_terms(Z, N, deformed):
    """Ten terms of the binding energy after Duflo and Zuker.

    Neutrons and protons fill sub-shells in turn. Of the oscillator shell with quantum number p,
    which has D_p = (p+1)(p+2) places, the level of the largest spin, j_p with 2(p+1) places, is
    pushed down by the spin-orbit force; the rest, r_p, has p(p+1). The order is j_0, r_0, j_1,
    r_1, ..., and the shells that one sees, r_p with the intruder j_(p+1), close at 6, 14, 28, 50,
    82, 126. In a deformed nucleus four neutrons and four protons are promoted from the sub-shell
    that is being filled to the next one.

    With t = |N - Z|, the charge radius R_c = A^(1/3) (1 - (t/2A)^2), the measure of size
    rho = R_c^2 / A^(1/3), the amplitude a_p = n_p / sqrt(D_p) of n_p nucleons in shell p, its
    splitting s_p = n(j_p) p/2 - n(r_p), and n of D places taken in the shell that is being filled,
    the terms are:

    1. Coulomb, with the exchange of protons: (-x + 0.76 x^(2/3)) / R_c, where x = Z (Z - 1);
    2. master and spin-orbit, (M + S) / rho, both added up for neutrons and protons.
       M = (sum of a_p)^2 grows like A^(4/3), and so yields the volume energy, and has the closed
       shells of the oscillator; S, the sum of
       s_p [(1 + a_p) p^2 + (1 - a_p) (4p - 5)] / D_p^(3/2), moves them to the numbers above;
    3. the surface's part of the master term: -M / rho^2;
    4. asymmetry: -t (t+2) / (A^(2/3) rho), where t (t+2) = 4 T (T+1) for the isospin T = t/2;
    5. its surface's part, with a Wigner term: t (t+2) / (A^(2/3) rho^2) + t (1-t) / (A rho^4);
    6. in spherical nuclei, a three-body force in the open shells, for neutrons and protons:
       n (D-n) (2n-D) / (D rho);
    7. its surface's part: the sixth term times -1/rho;
    8. in spherical nuclei, the attraction of open shells: the product of n (D-n) / D for neutrons
       and protons, times 2^(sqrt(p_n) + sqrt(p_p)) / rho;
    9. in deformed nuclei, its counterpart: the product of n' (D-n'-4) / D^(3/2), over rho, where
       n' of D places are taken by nucleons that were not promoted;
    10. pairing: 2 - t/A where both numbers are even, t/A where both are odd; in a nucleus of odd A
        it is 1 if the odd nucleon is of the kind that is in excess, and 1 - t/A if not; over rho.

    Parameters
    ----------
    Z, N : array-like of int
        Numbers of protons and neutrons; their shapes must broadcast.
    deformed : bool or array-like of bool
        Which nuclei to take as deformed; broadcast against Z and N.

    Returns
    -------
    ndarray of shape (..., 10)
        For Z and N of shape (n_nuclides,) the design matrix, in the order of
        ``DUFLO_ZUKER_NAMES``. The binding energy is its product with coefficients in MeV.

    Notes
    -----
    The general formula is that of [1]_; the version with ten terms was circulated by its authors
    as a computer program in 1996, and [2]_ explains it. With its published coefficients,
    ``DUFLO_ZUKER_COEFFICIENTS``, and the choice of :func:`is_deformed`, it misses the measured
    binding energies of the edition of 2003 by 0.561 MeV (root mean square, Z and N of 8 or more).

    References
    ----------
    .. [1] J. Duflo, A.P. Zuker, Physical Review C 52 (1995) R23.
    .. [2] J. Mendoza-Temis, J.G. Hirsch, A.P. Zuker, The anatomy of the simplest Duflo-Zuker mass
       formula, arXiv:0912.0882 (2009).
    """
    Z, N = check_nuclides(Z, N)
    deformed = _check_deformed(deformed, Z.shape)
    A, t = Z + N, np.abs(N - Z)
    charge_radius = np.cbrt(A) * (1 - (t / A) ** 2 / 4)
    rho = charge_radius**2 / np.cbrt(A)

    neutrons, protons = _fill(N, deformed), _fill(Z, deformed)
    master = neutrons.master + protons.master
    spin_orbit = neutrons.spin_orbit + protons.spin_orbit
    three_body = np.where(deformed, 0, neutrons.three_body + protons.three_body)
    product = neutrons.quadrupole * protons.quadrupole
    growth = 2 ** (np.sqrt(neutrons.p) + np.sqrt(protons.p))
    sizes = np.sqrt(neutrons.places * protons.places)
    pairs = Z * (Z - 1)
    asymmetry = t * (t + 2) / np.cbrt(A) ** 2
    over_rho = np.stack(
        [
            (-pairs + 0.76 * pairs ** (2 / 3)) * rho / charge_radius,
            master + spin_orbit,
            -master / rho,
            -asymmetry,
            asymmetry / rho + t * (1 - t) / (A * rho**3),
            three_body,
            -three_body / rho,
            np.where(deformed, 0, product * growth),
            np.where(deformed, product / sizes, 0),
            _pairing(Z, N),
        ],
        axis=-1,
    )
    return over_rho / rho[..., np.newaxis]


def is_deformed(Z, N, coefficients=DUFLO_ZUKER_COEFFICIENTS):
    """Which nuclei the formula of Duflo and Zuker takes as deformed.

    Those with more than 50 protons that have more binding energy deformed than spherical.

    Parameters
    ----------
    Z, N : array-like of int
        Numbers of protons and neutrons; their shapes must broadcast.
    coefficients : array-like of shape (10,), optional
        Of :func:`duflo_zuker_terms`; by default the published ones.

    Returns
    -------
    ndarray of bool
    """
    coefficients = np.asarray(coefficients, dtype=float)
    if coefficients.shape != (10,):
        raise ValueError(f"coefficients must have shape (10,), got {coefficients.shape}")
    spherical, deformed = duflo_zuker_terms(Z, N, False), duflo_zuker_terms(Z, N, True)
    return prefer_deformed(Z, spherical @ coefficients, deformed @ coefficients)


def prefer_deformed(Z, spherical_energy, deformed_energy):
    """Choose the shape with more binding energy, the deformed one only beyond Z = 50."""
    return (np.asarray(Z) > LAST_SPHERICAL_Z) & (deformed_energy > spherical_energy)


class _Fluid(NamedTuple):
    """What the terms need of the neutrons, or of the protons, of nuclei."""

    master: np.ndarray
    spin_orbit: np.ndarray
    p: np.ndarray  # Of the sub-shell that is being filled.
    places: np.ndarray  # D of the open shell.
    quadrupole: np.ndarray
    three_body: np.ndarray


def _fill(number, deformed):
    """Let neutrons, or protons, fill the sub-shells j_0, r_0, j_1, r_1, ..."""
    promoted = np.where(deformed, PROMOTED, 0)
    # The shells up to p without r_p hold more than (p+1)^3/3, and r_p is left for the promoted.
    shells = np.arange(int(np.cbrt(3 * number.max(initial=0))) + 1)
    capacity = np.stack([2 * (shells + 1), shells * (shells + 1)], axis=-1).ravel()
    filled = np.cumsum(capacity)
    last = np.searchsorted(filled, number)
    taken = np.clip(number[..., np.newaxis] - (filled - capacity), 0, capacity)
    step = np.arange(len(filled)) - last[..., np.newaxis]
    taken = taken + promoted[..., np.newaxis] * np.select([step == 0, step == 1], [-1, 1], 0)
    in_last = number - (filled - capacity)[last]
    return _Fluid(*_master_and_spin_orbit(taken), *_open_shell(last, in_last, promoted))


def _master_and_spin_orbit(taken):
    """Sum over the oscillator shells what their sub-shells j_p and r_p hold."""
    j, r = taken[..., ::2], taken[..., 1::2]
    p = np.arange(j.shape[-1])
    D = (p + 1) * (p + 2)
    amplitude = (j + r) / np.sqrt(D)
    # Zero for a closed oscillator shell, whose levels are split about their mean.
    splitting = p / 2 * j - r
    weight = (1 + amplitude) * p**2 + (1 - amplitude) * (4 * p - 5)
    return np.sum(amplitude, axis=-1) ** 2, np.sum(splitting * weight / D**1.5, axis=-1)


def _open_shell(last, in_last, promoted):
    """Tell particles from holes in the shell of r_p and the intruder j_(p+1)."""
    is_intruder = last % 2 == 0
    p = last // 2
    below = p - is_intruder
    places = (below + 1) * (below + 2) + 2
    n = np.where(is_intruder, below * (below + 1) + in_last, in_last - promoted)
    quadrupole = n * (places - n - promoted) / places
    return p, places, quadrupole, quadrupole * (2 * n - places)


def _pairing(Z, N):
    excess = np.abs(N - Z) / (Z + N)
    scarce = np.where(N > Z, Z, N)
    odd_A = np.where(scarce % 2 == 1, 1 - excess, 1)
    return np.select([(Z % 2 == 0) & (N % 2 == 0), Z % 2 + N % 2 == 2], [2 - excess, excess], odd_A)


def _check_deformed(deformed, shape):
    deformed = np.asarray(deformed)
    if deformed.dtype != bool:
        raise ValueError(f"deformed must be True, False or an array of them, got {deformed.dtype}")
    try:
        return np.broadcast_to(deformed, shape)
    except ValueError:
        raise ValueError(f"deformed must have shape {shape}, got {deformed.shape}") from None
