"""What is said of single nuclides: closed shells, separation energies, places in the table."""

import numpy as np

MAGIC_NUMBERS = (2, 8, 20, 28, 50, 82, 126, 184)

# No nucleus comes near it; it keeps slips of the pen from filling the memory.
LARGEST = 1000


def distance_to_magic(numbers):
    """Distance to the nearest magic number, negative below it.

    Parameters
    ----------
    numbers : array-like of int
        Numbers of protons or of neutrons, 0 or more.

    Returns
    -------
    ndarray of int, of the shape of ``numbers``
        The lower of two magic numbers counts where both are as near. Above 184, the last one
        known, all numbers are counted from there.

    Examples
    --------
    >>> from dlmath.nuclear import distance_to_magic
    >>> distance_to_magic([50, 51, 66, 67, 81]).tolist()
    [0, 1, 16, -15, -1]
    """
    numbers = check_numbers(numbers, "numbers")
    distances = numbers[..., np.newaxis] - np.array(MAGIC_NUMBERS)
    nearest = np.argmin(np.abs(distances), axis=-1, keepdims=True)
    return np.take_along_axis(distances, nearest, axis=-1)[..., 0]


def valence_numbers(Z, N):
    """Count valence protons and neutrons: particles above, or holes below, a closed shell.

    Parameters
    ----------
    Z, N : array-like of int
        Numbers of protons and neutrons; their shapes must broadcast.

    Returns
    -------
    nu_p, nu_n : ndarray of int
        Distance of Z and of N to the nearest magic number, without its sign.
    """
    Z, N = check_nuclides(Z, N)
    return np.abs(distance_to_magic(Z)), np.abs(distance_to_magic(N))


def promiscuity(Z, N):
    """Mean number of interactions of a valence nucleon with those of the other kind.

    P = nu_p nu_n / (nu_p + nu_n), which is zero where a shell is closed, and large where the shells
    of both kinds are open and nuclei deformed [1]_.

    Parameters
    ----------
    Z, N : array-like of int
        Numbers of protons and neutrons; their shapes must broadcast.

    Returns
    -------
    ndarray of float

    References
    ----------
    .. [1] R.F. Casten, D.S. Brenner, P.E. Haustein, Physical Review Letters 58 (1987) 658.
    """
    nu_p, nu_n = valence_numbers(Z, N)
    # One of the two is zero where their sum is: nothing is lost by dividing by 1 there.
    return nu_p * nu_n / np.maximum(nu_p + nu_n, 1)


def electron_binding_energy(Z):
    """Binding energy of the electrons of a neutral atom, from a fit to calculated energies.

    B_el = 14.4381 Z^2.39 + 1.55468e-6 Z^5.35 eV, as in [1]_ and [2]_. A binding
    energy computed from atomic masses, B = Z M(H) + N m_n - M(Z, N), exceeds that of the nucleus by
    B_el(Z) less the binding of Z hydrogen atoms, Z times 13.6 eV.

    Parameters
    ----------
    Z : array-like of int
        Numbers of protons.

    Returns
    -------
    ndarray of float, of the shape of ``Z``
        In MeV.

    References
    ----------
    .. [1] D. Lunney, J.M. Pearson, C. Thibault, Reviews of Modern Physics 75 (2003) 1021.
    .. [2] M. Wang, W.J. Huang, F.G. Kondev, G. Audi, S. Naimi, Chinese Physics C 45 (2021) 030003.

    Examples
    --------
    >>> from dlmath.nuclear import electron_binding_energy
    >>> print(f"iron {electron_binding_energy(26):.3f} MeV")
    iron 0.035 MeV
    """
    Z = check_numbers(Z, "Z").astype(float)
    return (14.4381 * Z**2.39 + 1.55468e-6 * Z**5.35) / 1e6


def neutron_separation_energy(Z, N, binding_energy):
    """Energy that takes the last neutron off: S_n = B(Z, N) - B(Z, N - 1).

    Parameters
    ----------
    Z, N : array-like of int, of shape (n_nuclides,)
        Numbers of protons and neutrons; no nuclide may come twice.
    binding_energy : array-like of shape (n_nuclides,)
        Total binding energies.

    Returns
    -------
    ndarray of shape (n_nuclides,)
        In the units of ``binding_energy``; NaN where the lighter nuclide is not among those given.
    """
    return _separation_energy(Z, N, binding_energy, protons=0, neutrons=1)


def proton_separation_energy(Z, N, binding_energy):
    """Energy that takes the last proton off: S_p = B(Z, N) - B(Z - 1, N).

    Parameters
    ----------
    Z, N : array-like of int, of shape (n_nuclides,)
        Numbers of protons and neutrons; no nuclide may come twice.
    binding_energy : array-like of shape (n_nuclides,)
        Total binding energies.

    Returns
    -------
    ndarray of shape (n_nuclides,)
        In the units of ``binding_energy``; NaN where the lighter nuclide is not among those given.
    """
    return _separation_energy(Z, N, binding_energy, protons=1, neutrons=0)


def two_neutron_separation_energy(Z, N, binding_energy):
    """Energy that takes the last two neutrons off: S_2n = B(Z, N) - B(Z, N - 2).

    Without the zigzag of pairing, so that the drop behind a magic number stands out.

    Parameters
    ----------
    Z, N : array-like of int, of shape (n_nuclides,)
        Numbers of protons and neutrons; no nuclide may come twice.
    binding_energy : array-like of shape (n_nuclides,)
        Total binding energies.

    Returns
    -------
    ndarray of shape (n_nuclides,)
        In the units of ``binding_energy``; NaN where the lighter nuclide is not among those given.
    """
    return _separation_energy(Z, N, binding_energy, protons=0, neutrons=2)


def two_proton_separation_energy(Z, N, binding_energy):
    """Energy that takes the last two protons off: S_2p = B(Z, N) - B(Z - 2, N).

    Parameters
    ----------
    Z, N : array-like of int, of shape (n_nuclides,)
        Numbers of protons and neutrons; no nuclide may come twice.
    binding_energy : array-like of shape (n_nuclides,)
        Total binding energies.

    Returns
    -------
    ndarray of shape (n_nuclides,)
        In the units of ``binding_energy``; NaN where the lighter nuclide is not among those given.
    """
    return _separation_energy(Z, N, binding_energy, protons=2, neutrons=0)


def _separation_energy(Z, N, binding_energy, protons, neutrons):
    Z, N = (np.atleast_1d(number) for number in check_nuclides(Z, N))
    B = np.atleast_1d(np.asarray(binding_energy, dtype=float))
    if not (Z.ndim == 1 and Z.shape == N.shape == B.shape):
        raise ValueError(
            "Z, N and binding_energy must be lists of one length, got the shapes "
            f"{Z.shape}, {N.shape} and {B.shape}"
        )
    index_of_nuclides(Z, N)
    # The margin of two holds the lighter neighbours that would have a negative number.
    chart = np.full((Z.max(initial=0) + 3, N.max(initial=0) + 3), np.nan)
    chart[Z + 2, N + 2] = B
    return B - chart[Z + 2 - protons, N + 2 - neutrons]


def nuclide_index(masses, Z, N):
    """Find nuclides in a table of masses.

    Parameters
    ----------
    masses : sklearn.utils.Bunch
        From :func:`dlmath.datasets.load_nuclear_masses`.
    Z, N : int or array-like of int
        Numbers of protons and neutrons; their shapes must broadcast.

    Returns
    -------
    int or ndarray of int
        Where the nuclides stand in the arrays of ``masses``.

    Raises
    ------
    ValueError
        That names the first nuclide which the table does not have.
    """
    Z, N = check_nuclides(Z, N)
    place = index_of_nuclides(masses.Z, masses.N)
    wanted = list(zip(Z.ravel().tolist(), N.ravel().tolist(), strict=True))
    for z, n in wanted:
        if (z, n) not in place:
            symbols = masses.element[z == masses.Z]
            name = f", {symbols[0]}-{z + n}," if len(symbols) else ""
            raise ValueError(f"the nuclide with Z = {z} and N = {n}{name} is not in the table")
    return np.array([place[nuclide] for nuclide in wanted], dtype=int).reshape(Z.shape)[()]


def index_of_nuclides(Z, N):
    """Return the dictionary from (Z, N) to the place in the arrays; no nuclide may come twice."""
    nuclides = zip(np.asarray(Z).tolist(), np.asarray(N).tolist(), strict=True)
    place: dict[tuple[int, int], int] = {}
    for i, nuclide in enumerate(nuclides):
        if place.setdefault(nuclide, i) != i:
            raise ValueError(f"the nuclide with Z = {nuclide[0]} and N = {nuclide[1]} comes twice")
    return place


def check_nuclides(Z, N):
    """Return Z and N as arrays of integers of one shape; they must broadcast, and not both be 0."""
    Z, N = check_numbers(Z, "Z"), check_numbers(N, "N")
    try:
        Z, N = np.broadcast_arrays(Z, N)
    except ValueError:
        raise ValueError(
            f"Z and N must have shapes that broadcast, got {Z.shape} and {N.shape}"
        ) from None
    if np.any(Z + N == 0):
        raise ValueError("Z and N must not both be 0")
    return Z, N


def check_numbers(values, name):
    """Return numbers of nucleons as an array of integers, or say what is wrong with them."""
    try:
        values = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must hold whole numbers, got {values!r}") from error
    wrong = ~((values >= 0) & (values <= LARGEST) & (values == np.round(values)))
    if np.any(wrong):
        raise ValueError(
            f"{name} must hold whole numbers from 0 to {LARGEST}, got {values[wrong][0]:g}"
        )
    return values.astype(int)
