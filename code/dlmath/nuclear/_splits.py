"""Ways to set nuclides aside for a test."""

from dataclasses import dataclass
from numbers import Integral

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from dlmath.datasets import EDITIONS, load_nuclear_masses
from dlmath.nuclear._nuclides import index_of_nuclides

TEST_SHARE = 0.2


@dataclass(frozen=True, eq=False)
class Split:
    """Nuclides to train on and nuclides to test on.

    Attributes
    ----------
    name : str
        What the split is, for tables.
    X_train, X_test : ndarray of int of shape (n_nuclides, 2)
        A row [Z, N] for each nuclide.
    y_train, y_test : ndarray of shape (n_nuclides,)
        Binding energies, MeV.
    noise_train, noise_test : ndarray of shape (n_nuclides,)
        Their standard uncertainties, MeV.
    """

    name: str
    X_train: NDArray[np.int_]
    y_train: NDArray[np.float64]
    noise_train: NDArray[np.float64]
    X_test: NDArray[np.int_]
    y_test: NDArray[np.float64]
    noise_test: NDArray[np.float64]


def from_oxygen(masses):
    """Keep the nuclides with at least 8 protons and 8 neutrons, as fits of mass models do.

    Parameters
    ----------
    masses : sklearn.utils.Bunch
        From :func:`dlmath.datasets.load_nuclear_masses`.

    Returns
    -------
    sklearn.utils.Bunch
        With the same fields, and fewer nuclides.
    """
    kept = (masses.Z >= 8) & (masses.N >= 8)
    return Bunch(
        **{
            name: value[kept] if isinstance(value, np.ndarray) else value
            for name, value in masses.items()
        }
    )


def random_splits(masses, n_splits=5, seed=0):
    """Set a fifth of the nuclides aside at random, several times.

    The neighbours of most test nuclides remain in the training set, and the errors of a model are
    much alike for neighbours. So this is a test of interpolation, the easiest that there is.

    Parameters
    ----------
    masses : sklearn.utils.Bunch
        From :func:`dlmath.datasets.load_nuclear_masses`; all its nuclides are used.
    n_splits : int, default=5
    seed : int, default=0

    Returns
    -------
    list of Split
    """
    if not (isinstance(n_splits, Integral) and int(n_splits) >= 1):
        raise ValueError(f"n_splits must be a whole number of 1 or more, got {n_splits!r}")
    rng = np.random.default_rng(seed)
    n = len(masses.Z)
    tests = [rng.permutation(n) < round(TEST_SHARE * n) for _ in range(int(n_splits))]
    return [_split(f"random {k}", masses, test) for k, test in enumerate(tests, start=1)]


def edge_split(masses):
    """Set the two lightest and the two heaviest isotopes of each element aside.

    Parameters
    ----------
    masses : sklearn.utils.Bunch
        From :func:`dlmath.datasets.load_nuclear_masses`. Of an element with up to four isotopes
        all are set aside.

    Returns
    -------
    Split
    """
    test = np.zeros(len(masses.Z), dtype=bool)
    for Z in np.unique(masses.Z):
        isotopes = np.flatnonzero(masses.Z == Z)
        isotopes = isotopes[np.argsort(masses.N[isotopes])]
        test[isotopes[:2]] = test[isotopes[-2:]] = True
    return _split("edges", masses, test)


def time_split(edition):
    """Train on an earlier edition and test on what has been measured since.

    Parameters
    ----------
    edition : {2003, 2012, 2016}
        Training is on the values that were measured then, as they were known then; the test is on
        the nuclides measured only later, with their values of 2020. All have at least 8 protons
        and 8 neutrons.

    Returns
    -------
    Split
    """
    if edition not in EDITIONS[:-1]:
        raise ValueError(f"edition must be one of {EDITIONS[:-1]}, got {edition!r}")
    then = from_oxygen(load_nuclear_masses(edition=edition))
    now = from_oxygen(load_nuclear_masses())
    known = index_of_nuclides(then.Z, then.N)
    nuclides = zip(now.Z.tolist(), now.N.tolist(), strict=True)
    new = np.array([nuclide not in known for nuclide in nuclides])
    everything = np.ones(len(then.Z), dtype=bool)
    return Split(f"since {edition}", *_columns(then, everything), *_columns(now, new))


def _split(name, masses, test):
    return Split(name, *_columns(masses, ~test), *_columns(masses, test))


def _columns(masses, chosen):
    X = np.column_stack([masses.Z, masses.N])
    return X[chosen], masses.binding_energy[chosen], masses.binding_energy_uncertainty[chosen]
