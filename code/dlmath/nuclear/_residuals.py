"""What learns the residuals of a mass formula: features, a wrapper, and a Gaussian process."""

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.utils.validation import check_is_fitted

from dlmath.kernels import RBF, GaussianProcess, Matern32, Parity, White
from dlmath.linear._validation import check_count
from dlmath.nuclear._models import DufloZuker, check_energies, check_rows
from dlmath.nuclear._nuclides import MAGIC_NUMBERS, distance_to_magic, promiscuity

MASS_FEATURE_NAMES = (
    "Z",
    "N",
    "cube root of A",
    "(N - Z) / A",
    "Z odd",
    "N odd",
    "Z from magic",
    "N from magic",
    "|Z from magic|",
    "|N from magic|",
    "promiscuity",
    "shell of Z",
    "shell of N",
    "filling of Z",
    "filling of N",
    "Z from stability",
)
# a_c / (4 a_a) of a drop, rounded: where the valley is, not fitted to any training set.
BEND = 0.0077
BLOCK = 6


def mass_features(Z, N):
    """Sixteen numbers that a nuclear physicist would ask of a nuclide.

    The two numbers, the size and the asymmetry; the parities; the distances to the nearest magic
    numbers, with sign and without; the promiscuity factor; the indices of the open shells and the
    shares of them that are filled (equation ``eq-nuclear-masses-networks-shell``); and the distance
    from the bottom of the valley (``eq-nuclear-masses-networks-valley``). Nothing in them is fitted
    to masses.

    Parameters
    ----------
    Z, N : array-like of int
        Numbers of protons and neutrons; their shapes must broadcast.

    Returns
    -------
    ndarray of shape (..., 16)
        In the order of ``MASS_FEATURE_NAMES``.
    """
    Z, N = np.broadcast_arrays(np.asarray(Z), np.asarray(N))
    P = promiscuity(Z, N)
    Z, N = Z.astype(int), N.astype(int)
    A = Z + N
    from_magic = [distance_to_magic(number) for number in (Z, N)]
    shells, fillings = zip(*(_shell(number) for number in (Z, N)), strict=True)
    return np.stack(
        [
            *(Z, N, np.cbrt(A), (N - Z) / A, Z % 2, N % 2),
            *from_magic,
            *np.abs(from_magic),
            P,
            *shells,
            *fillings,
            Z - A / 2 / (1 + BEND * np.cbrt(A) ** 2),
        ],
        axis=-1,
    )


def _shell(number):
    """Return the index of the shell that is open, and the share of its places that are taken."""
    closures = np.array((0, *MAGIC_NUMBERS))
    index = np.minimum(np.searchsorted(closures, number, side="right"), len(closures) - 1)
    below, above = closures[index - 1], closures[index]
    return index, (number - below) / (above - below)


class ResidualModel(RegressorMixin, BaseEstimator):
    """A mass formula, and a learner for what it leaves over.

    Equation ``eq-nuclear-masses-networks-residual``. Both parts are fitted to the same training
    set, the formula first.

    Parameters
    ----------
    base : estimator, optional
        The formula; ``DufloZuker()`` if not given.
    learner : estimator
        Any regressor of scikit-learn's kind. Scale its inputs in a pipeline if it wants that.
    features : {"physics", "numbers"}, default="physics"
        What the learner sees: the 16 features of :func:`mass_features`, or Z and N alone.

    Attributes
    ----------
    base_, learner_ : estimators
        As fitted.

    Notes
    -----
    The input X holds a row [Z, N] for each nuclide; y are total binding energies in MeV.
    """

    def __init__(self, base=None, learner=None, *, features="physics"):
        self.base = base
        self.learner = learner
        self.features = features

    def fit(self, X, y):
        """Fit the formula, and the learner to its residuals.

        Parameters
        ----------
        X : array-like of shape (n_nuclides, 2)
            Numbers of protons and neutrons.
        y : array-like of shape (n_nuclides,)
            Binding energies, MeV.

        Returns
        -------
        ResidualModel
            The fitted estimator itself.
        """
        if self.learner is None:
            raise ValueError("learner must be a regressor")
        features = self._features(X)
        y = check_energies(y, len(features))
        base = clone(DufloZuker() if self.base is None else self.base).fit(X, y)
        self.learner_ = clone(self.learner).fit(features, y - base.predict(X))
        self.base_ = base
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
        return self.base_.predict(X) + self.learner_.predict(self._features(X))

    def _features(self, X):
        if self.features not in ("physics", "numbers"):
            raise ValueError(f'features must be "physics" or "numbers", got {self.features!r}')
        Z, N = check_rows(X)
        if self.features == "physics":
            return mass_features(Z, N)
        return np.column_stack([Z, N]).astype(float)


def mass_kernel(variance=1.0, *, jitter=0.01):
    """Covariance of the residuals of a mass formula, a function of Z and N.

    Equation ``eq-nuclear-masses-networks-kernel``: a smooth and a rougher part, which do not know
    of parities, and three parts that change sign with that of Z, of N and of both; each
    contribution has its own variance. What each nuclide has for itself is the jitter.

    Parameters
    ----------
    variance : float, default=1.0
        Mean square of the residuals, MeV^2: the scale at which a search begins.
    jitter : float, default=0.01
        MeV^2, at the beginning.

    Returns
    -------
    dlmath.kernels.Kernel
        With 13 hyperparameters to be fitted.

    Examples
    --------
    >>> from dlmath.nuclear import mass_kernel
    >>> mass_kernel(2.0)([[50, 70], [50, 71]]).round(3).tolist()
    [[2.79, 2.488], [2.488, 2.79]]
    """
    return (
        variance * RBF((10.0, 10.0), (1.0, 100.0))
        + 0.3 * variance * Matern32((4.0, 4.0), (1.0, 100.0))
        + 0.03 * variance * Parity((0,)) * RBF(10.0, (1.0, 100.0))
        + 0.03 * variance * Parity((1,)) * RBF(10.0, (1.0, 100.0))
        + 0.03 * variance * Parity((0, 1)) * RBF(10.0, (1.0, 100.0))
        + White(jitter, (1e-4, 10.0))
    )


class MassProcess(RegressorMixin, BaseEstimator):
    """A mass formula, and a Gaussian process for what it leaves over.

    The hyperparameters maximise the marginal likelihood of some hundreds of nuclides, which are
    taken in blocks of 6 x 6 on the chart so that neighbours stay together. All nuclides of the
    training set then serve in one exact solution. Uncertainties of the measurements are added to
    the diagonal, squared.

    Parameters
    ----------
    base : estimator, optional
        The formula; ``DufloZuker()`` if not given.
    kernel : Kernel, optional
        If given it is used as it is. If not, :func:`mass_kernel` is fitted.
    n_evidence : int, default=600
        How many nuclides choose the hyperparameters.
    random_state : int, default=0
        For the choice of the blocks.

    Attributes
    ----------
    base_ : estimator
        As fitted.
    process_ : dlmath.kernels.GaussianProcess
        Of the residuals, in MeV.
    """

    def __init__(self, base=None, kernel=None, *, n_evidence=600, random_state=0):
        self.base = base
        self.kernel = kernel
        self.n_evidence = n_evidence
        self.random_state = random_state

    def fit(self, X, y, noise=0.0):
        """Fit the formula, choose the hyperparameters, and condition on the residuals.

        Parameters
        ----------
        X : array-like of shape (n_nuclides, 2)
            Numbers of protons and neutrons.
        y : array-like of shape (n_nuclides,)
            Binding energies, MeV.
        noise : float or array-like of shape (n_nuclides,), default=0.0
            Their standard uncertainties, MeV.

        Returns
        -------
        MassProcess
            The fitted estimator itself.
        """
        count = check_count(self.n_evidence, "n_evidence")
        Z, N = check_rows(X)
        X = np.column_stack([Z, N])
        y = check_energies(y, len(X))
        variances = np.broadcast_to(np.asarray(noise, dtype=float) ** 2, y.shape)
        base = clone(DufloZuker() if self.base is None else self.base).fit(X, y)
        left = y - base.predict(X)
        kernel = self.kernel
        if kernel is None:
            chosen = _in_blocks(X, count, self.random_state)
            search = GaussianProcess(mass_kernel(np.mean(left**2)), noise=variances[chosen])
            kernel = search.fit(X[chosen], left[chosen]).kernel_
        process = GaussianProcess(kernel, noise=variances, optimise=False).fit(X, left)
        self.base_, self.process_ = base, process
        return self

    def predict(self, X, *, return_std=False, return_cov=False):
        """Predict binding energies, with standard deviations or covariances on request.

        Parameters
        ----------
        X : array-like of shape (n_nuclides, 2)
        return_std, return_cov : bool, default=False
            One of the two.

        Returns
        -------
        mean : ndarray of shape (n_nuclides,)
            In MeV.
        std : ndarray of shape (n_nuclides,)
            With ``return_std``; of the energy, without errors of a measurement to come.
        covariance : ndarray of shape (n_nuclides, n_nuclides)
            With ``return_cov``, MeV^2.
        """
        check_is_fitted(self)
        X = np.column_stack(check_rows(X))
        found = self.process_.predict(X, return_std=return_std, return_cov=return_cov)
        if not (return_std or return_cov):
            return self.base_.predict(X) + found
        mean, uncertainty = found
        return self.base_.predict(X) + mean, uncertainty


def _in_blocks(X, count, random_state):
    """Choose about ``count`` rows: whole blocks of the chart, in random order, the last cut off."""
    _, block = np.unique(X // BLOCK, axis=0, return_inverse=True)
    order = np.random.default_rng(random_state).permutation(block.max() + 1)
    return np.argsort(order[block.ravel()], kind="stable")[:count]
