"""Mass models as estimators: X holds a row [Z, N] for each nuclide, y the binding energies."""

import warnings
from numbers import Integral

import numpy as np
from numpy.polynomial.chebyshev import chebvander
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from dlmath.linear import OLS, Ridge
from dlmath.nuclear._duflo_zuker import (
    LAST_SPHERICAL_Z,
    duflo_zuker_terms,
    is_deformed,
    prefer_deformed,
)
from dlmath.nuclear._liquid_drop import extended_liquid_drop_terms, liquid_drop_terms
from dlmath.nuclear._nuclides import check_nuclides


class LiquidDrop(RegressorMixin, BaseEstimator):
    """The liquid drop, fitted by least squares.

    Parameters
    ----------
    extended : bool, default=False
        Whether to take the twelve terms of :func:`extended_liquid_drop_terms` rather than the five
        of :func:`liquid_drop_terms`.

    Attributes
    ----------
    coef_ : ndarray of shape (5,) or (12,)
        In MeV, in the order of ``LIQUID_DROP_NAMES`` or ``EXTENDED_LIQUID_DROP_NAMES``.
    ols_ : dlmath.linear.OLS
        The fit on the terms, which knows the uncertainties.

    Notes
    -----
    The mass models of this module keep scikit-learn's conventions (``fit``, ``predict``,
    ``score``, ``get_params``, cloning), but their input is two whole numbers, so that the checks
    which scikit-learn does with arbitrary features do not apply.

    Examples
    --------
    >>> import numpy as np
    >>> from dlmath.datasets import load_nuclear_masses
    >>> from dlmath.nuclear import LiquidDrop, from_oxygen
    >>> masses = from_oxygen(load_nuclear_masses())
    >>> X = np.column_stack([masses.Z, masses.N])
    >>> LiquidDrop().fit(X, masses.binding_energy).coef_.round(1).tolist()
    [15.6, 17.3, 0.7, 22.9, 12.4]
    """

    def __init__(self, *, extended=False):
        self.extended = extended

    def fit(self, X, y):
        """Fit the coefficients.

        Parameters
        ----------
        X : array-like of shape (n_nuclides, 2)
            Numbers of protons and neutrons.
        y : array-like of shape (n_nuclides,)
            Binding energies, MeV.

        Returns
        -------
        LiquidDrop
            The fitted estimator itself.
        """
        terms = self._terms(X)
        self.ols_ = OLS(fit_intercept=False).fit(terms, check_energies(y, len(terms)))
        self.coef_ = self.ols_.coef_
        return self

    def predict(self, X):
        """Predict binding energies.

        Parameters
        ----------
        X : array-like of shape (n_nuclides, 2)

        Returns
        -------
        ndarray of shape (n_nuclides,)
            In MeV.
        """
        check_is_fitted(self)
        return self.ols_.predict(self._terms(X))

    def _terms(self, X):
        terms = extended_liquid_drop_terms if self.extended else liquid_drop_terms
        return terms(*check_rows(X))


class DufloZuker(RegressorMixin, BaseEstimator):
    """The ten terms of Duflo and Zuker, fitted by least squares.

    The formula is linear once each nucleus is spherical or deformed. What it is, the formula says
    with its coefficients: the shape with more binding.

    Parameters
    ----------
    choice : {"published", "alternating"}, default="published"
        Where the choice comes from. ``"published"``: from the published coefficients. They were
        fitted to masses that may be in a test set, which is a mild leak. ``"alternating"``: from
        the model's own. At first all nuclei beyond Z = 50 are deformed; then fit and choice take
        turns until a choice comes back.

    Attributes
    ----------
    coef_ : ndarray of shape (10,)
        In MeV, in the order of ``DUFLO_ZUKER_NAMES``.
    ols_ : dlmath.linear.OLS
        The fit on the terms.
    n_iter_ : int
        Number of fits.

    Notes
    -----
    Alternating choice and fit is no descent: the choice makes the binding larger, not the error
    smaller. It need not end in a choice that reproduces itself; if choices come in a cycle, a
    ``ConvergenceWarning`` says so and the fit with the smallest error of those made is kept. Nor is
    the end independent of the start. Were all nuclei spherical at first, the coefficient of the
    deformed nuclei would be zero, and nearly all would remain spherical.
    """

    def __init__(self, *, choice="published"):
        self.choice = choice

    def fit(self, X, y):
        """Fit the coefficients.

        Parameters
        ----------
        X : array-like of shape (n_nuclides, 2)
            Numbers of protons and neutrons.
        y : array-like of shape (n_nuclides,)
            Binding energies, MeV.

        Returns
        -------
        DufloZuker
            The fitted estimator itself.
        """
        if self.choice not in ("published", "alternating"):
            raise ValueError(f'choice must be "published" or "alternating", got {self.choice!r}')
        Z, N = check_rows(X)
        y = check_energies(y, len(Z))
        if self.choice == "published":
            terms = duflo_zuker_terms(Z, N, is_deformed(Z, N))
            self.ols_, self.n_iter_ = OLS(fit_intercept=False).fit(terms, y), 1
        else:
            self.ols_, self.n_iter_ = _alternate(Z, N, y)
        self.coef_ = self.ols_.coef_
        return self

    def predict(self, X):
        """Predict binding energies.

        Parameters
        ----------
        X : array-like of shape (n_nuclides, 2)

        Returns
        -------
        ndarray of shape (n_nuclides,)
            In MeV.
        """
        check_is_fitted(self)
        Z, N = check_rows(X)
        return self.ols_.predict(duflo_zuker_terms(Z, N, self.is_deformed(X)))

    def is_deformed(self, X):
        """Which nuclei the fitted model takes as deformed.

        Parameters
        ----------
        X : array-like of shape (n_nuclides, 2)

        Returns
        -------
        ndarray of bool of shape (n_nuclides,)
        """
        check_is_fitted(self)
        Z, N = check_rows(X)
        return is_deformed(Z, N) if self.choice == "published" else is_deformed(Z, N, self.coef_)


def _alternate(Z, N, y):
    """Fit, choose, and fit again, until a choice comes back."""
    spherical, deformed = duflo_zuker_terms(Z, N, False), duflo_zuker_terms(Z, N, True)
    choice = Z > LAST_SPHERICAL_Z
    choices: list = []
    fits: list = []
    while not any(np.array_equal(choice, earlier) for earlier in choices):
        choices.append(choice)
        terms = np.where(choice[:, np.newaxis], deformed, spherical)
        fits.append(OLS(fit_intercept=False).fit(terms, y))
        choice = prefer_deformed(Z, fits[-1].predict(spherical), fits[-1].predict(deformed))
    if not np.array_equal(choice, choices[-1]):
        message = "the choice between spherical and deformed goes round in a cycle"
        warnings.warn(message, ConvergenceWarning, stacklevel=3)
        return min(fits, key=lambda fit: fit.chi2_), len(fits)
    return fits[-1], len(fits)


class PolynomialMass(RegressorMixin, BaseEstimator):
    """Ridge regression on the polynomials in Z and N: a model that knows no physics.

    The features are the products T_i(u) T_j(v) of Chebyshev polynomials with i + j up to the
    degree, where u and v are Z and N scaled to [-1, 1] over the training set. The constant is the
    intercept, which is not penalised.

    Parameters
    ----------
    degree : int, default=8
    lam : float, default=1e-10
        Penalty, as in :class:`dlmath.linear.Ridge`.

    Attributes
    ----------
    coef_ : ndarray of shape ((degree + 1) (degree + 2) / 2 - 1,)
        In MeV.
    powers_ : ndarray of int of the same length and two columns
        The i and j of each feature.
    ridge_ : dlmath.linear.Ridge
        The fit on the features.
    lower_, upper_ : ndarray of shape (2,)
        Smallest and largest Z and N of the training set.
    """

    def __init__(self, *, degree=8, lam=1e-10):
        self.degree = degree
        self.lam = lam

    def fit(self, X, y):
        """Fit the coefficients.

        Parameters
        ----------
        X : array-like of shape (n_nuclides, 2)
            Numbers of protons and neutrons.
        y : array-like of shape (n_nuclides,)
            Binding energies, MeV.

        Returns
        -------
        PolynomialMass
            The fitted estimator itself.
        """
        if not (isinstance(self.degree, Integral) and int(self.degree) >= 1):
            raise ValueError(f"degree must be a whole number of 1 or more, got {self.degree!r}")
        X = np.column_stack(check_rows(X))
        y = check_energies(y, len(X))
        lower, upper = X.min(axis=0), X.max(axis=0)
        if np.any(lower == upper):
            raise ValueError("X must hold two different Z and two different N to scale them")
        powers = np.array(
            [(i, k - i) for k in range(1, int(self.degree) + 1) for i in range(k + 1)]
        )
        self.ridge_ = Ridge(self.lam).fit(_chebyshev_products(X, lower, upper, powers), y)
        self.lower_, self.upper_, self.powers_ = lower, upper, powers
        self.coef_ = self.ridge_.coef_
        return self

    def predict(self, X):
        """Predict binding energies.

        Parameters
        ----------
        X : array-like of shape (n_nuclides, 2)

        Returns
        -------
        ndarray of shape (n_nuclides,)
            In MeV.
        """
        check_is_fitted(self)
        X = np.column_stack(check_rows(X))
        return self.ridge_.predict(_chebyshev_products(X, self.lower_, self.upper_, self.powers_))


def _chebyshev_products(X, lower, upper, powers):
    scaled = 2 * (X - lower) / (upper - lower) - 1
    values = chebvander(scaled, powers.max())
    return values[:, 0, powers[:, 0]] * values[:, 1, powers[:, 1]]


def check_rows(X):
    """Return the columns Z and N of an array of shape (n_nuclides, 2)."""
    X = np.asarray(X)
    if X.ndim != 2 or X.shape[1] != 2:
        raise ValueError(f"X must have a row [Z, N] for each nuclide, got shape {X.shape}")
    return check_nuclides(*X.T)


def check_energies(y, n):
    """Return the binding energies of n nuclides as an array, or say what is wrong with them."""
    y = np.asarray(y, dtype=float)
    if y.shape != (n,):
        raise ValueError(f"y must hold a number for each row of X, shape ({n},), got {y.shape}")
    return y
