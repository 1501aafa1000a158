"""The terms of the liquid drop, with and without shells."""

import numpy as np

from dlmath.nuclear._nuclides import check_nuclides, promiscuity, valence_numbers

LIQUID_DROP_NAMES = ("volume", "surface", "Coulomb", "asymmetry", "pairing")
EXTENDED_LIQUID_DROP_NAMES = (
    *LIQUID_DROP_NAMES,
    "surface asymmetry",
    "Wigner",
    "Coulomb exchange",
    "curvature",
    "valence nucleons",
    "promiscuity",
    "promiscuity squared",
)


def liquid_drop_terms(Z, N):
    """Five terms of the binding energy of a charged drop, after von Weizsaecker and Bethe.

    The binding energy is their sum with coefficients in MeV, and the signs stand in the terms, so
    that all five coefficients are positive:

    * volume, A: each nucleon is bound to its neighbours;
    * surface, -A^(2/3): those at the surface have fewer;
    * Coulomb, -Z (Z - 1) / A^(1/3): Z (Z - 1) / 2 pairs of protons repel each other in a ball whose
      radius grows with A^(1/3);
    * asymmetry, -(N - Z)^2 / A: by Pauli's principle an excess of one kind fills higher levels;
    * pairing, +1, 0 or -1 over sqrt(A), where both numbers are even, A is odd, or both are odd.

    Parameters
    ----------
    Z, N : array-like of int
        Numbers of protons and neutrons; their shapes must broadcast.

    Returns
    -------
    ndarray of shape (..., 5)
        For Z and N of shape (n_nuclides,) the design matrix, in the order of
        ``LIQUID_DROP_NAMES``.
    """
    Z, N = check_nuclides(Z, N)
    A = Z + N
    both_even_or_both_odd = 1 - Z % 2 - N % 2
    return np.stack(
        [
            A,
            -(A ** (2 / 3)),
            -Z * (Z - 1) / np.cbrt(A),
            -((N - Z) ** 2) / A,
            both_even_or_both_odd / np.sqrt(A),
        ],
        axis=-1,
    )


def extended_liquid_drop_terms(Z, N):
    """Twelve terms: the drop's five, four refinements of it, and three for the shells.

    * surface asymmetry, (N - Z)^2 / A^(4/3): at the surface, an excess of one kind costs less;
    * Wigner, -|N - Z| / A: nuclei with N = Z have more binding than their neighbours;
    * Coulomb exchange, Z^(4/3) / A^(1/3): Pauli's principle keeps protons apart;
    * curvature, A^(1/3): the next order, after the surface, of a sharply curved drop;
    * valence nucleons, -(nu_p + nu_n): binding is lost with each step away from closed shells;
    * promiscuity, -P: and the more so where the shells of both kinds are open;
    * promiscuity squared, P^2: until there are so many that the nucleus deforms and wins it back.

    All twelve coefficients come out positive in a fit to the measured masses.

    Refinements of the drop as in [1]_ and [2]_, P as in [3]_.

    Parameters
    ----------
    Z, N : array-like of int
        Numbers of protons and neutrons; their shapes must broadcast.

    Returns
    -------
    ndarray of shape (..., 12)
        For Z and N of shape (n_nuclides,) the design matrix, in the order of
        ``EXTENDED_LIQUID_DROP_NAMES``.

    References
    ----------
    .. [1] G. Royer, Nuclear Physics A 807 (2008) 105.
    .. [2] M.W. Kirson, Nuclear Physics A 798 (2008) 29.
    .. [3] R.F. Casten, D.S. Brenner, P.E. Haustein, Physical Review Letters 58 (1987) 658.
    """
    Z, N = check_nuclides(Z, N)
    A = Z + N
    P = promiscuity(Z, N)
    extra = [
        (N - Z) ** 2 / A ** (4 / 3),
        -np.abs(N - Z) / A,
        Z ** (4 / 3) / np.cbrt(A),
        np.cbrt(A),
        -np.add(*valence_numbers(Z, N)),
        -P,
        P**2,
    ]
    return np.concatenate([liquid_drop_terms(Z, N), np.stack(extra, axis=-1)], axis=-1)
