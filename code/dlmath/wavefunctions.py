"""Wave functions as energy models: the transverse-field Ising chain and its variational states.

The chain has N spins on a ring and the Hamiltonian H = -sum_i Z_i Z_{i+1} - h sum_i X_i, in units
of the coupling. States are numbered as in `dlmath.boltzmann.all_bits`: row k of `spin_states` has
the spins of basis state k, which are +1 where the binary digit is 1.
"""

from collections.abc import Callable
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.utils import Bunch

from dlmath._checks import check_above_zero, check_count
from dlmath.boltzmann import all_bits

__all__ = [
    "RBMWaveFunction",
    "exact_averages",
    "free_fermion_energy",
    "ground_state",
    "local_energies",
    "observables",
    "sample_spins",
    "sampled_averages",
    "spin_states",
    "stochastic_reconfiguration",
    "transverse_field_ising",
]

Array = NDArray[np.float64]
LARGEST = 16


def _check_chain(n_spins: int, field: float) -> tuple[int, float]:
    count = check_count("n_spins", n_spins, 3)
    if count > LARGEST:
        raise ValueError(f"n_spins must be at most {LARGEST}, got {n_spins}")
    return count, _check_field(field)


def _check_field(field: float) -> float:
    if not 0 <= field < np.inf:
        raise ValueError(f"field must be a number that is not negative, got {field!r}")
    return float(field)


def spin_states(n_spins: int) -> Array:
    """List all states of n spins +1 and -1, an array of shape (2**n_spins, n_spins)."""
    return 2 * all_bits(n_spins) - 1


def transverse_field_ising(n_spins: int, field: float) -> sparse.csr_array:
    """Return the Hamiltonian of the ring as a sparse matrix.

    Equation ``eq-energy-models-chain``.

    Parameters
    ----------
    n_spins : int
        Spins, 3 to 16.
    field : float
        Transverse field h, not negative.

    Returns
    -------
    H : scipy.sparse.csr_array of shape (2**n_spins, 2**n_spins)
        Real and symmetric.

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    n, h = _check_chain(n_spins, field)
    S, states = spin_states(n), np.arange(2**n)
    flipped = states[:, np.newaxis] ^ (1 << np.arange(n))  # state k with one spin turned
    rows = np.repeat(states, n)
    values = np.full(rows.size, -h)
    turned = sparse.coo_array((values, (rows, flipped.ravel())), shape=(2**n, 2**n))
    bonds = -np.sum(S * np.roll(S, -1, axis=1), axis=1)
    return sparse.csr_array(turned + sparse.diags_array(bonds))


def ground_state(n_spins: int, field: float) -> Bunch:
    """Diagonalise the chain for its lowest state.

    Parameters
    ----------
    n_spins : int
        Spins, 3 to 16.
    field : float
        Transverse field h, above zero.

    Returns
    -------
    ground : sklearn.utils.Bunch
        ``energy`` and ``psi``, of shape (2**n_spins,), normalised and positive.

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    H = transverse_field_ising(n_spins, check_above_zero("field", field))
    start = np.full(H.shape[0], 1.0)
    values, vectors = sparse.linalg.eigsh(H, k=1, which="SA", v0=start, tol=1e-13)
    return Bunch(energy=float(values[0]), psi=np.abs(vectors[:, 0]))


def free_fermion_energy(n_spins: int, field: float) -> float:
    """Return the ground-state energy of the ring from its map to free fermions.

    The sum of -sqrt(1 + h^2 - 2 h cos k) over the momenta k = (2 m + 1) pi / N
    (``eq-energy-models-pfeuty``).

    Parameters
    ----------
    n_spins : int
        Spins; here any number from 3.
    field : float
        Transverse field h, not negative.

    Returns
    -------
    energy : float
        In units of the coupling.
    """
    n, h = check_count("n_spins", n_spins, 3), _check_field(field)
    k = (2 * np.arange(n) + 1) * np.pi / n
    return float(-np.sqrt(1 + h**2 - 2 * h * np.cos(k)).sum())


class RBMWaveFunction:
    """A restricted Boltzmann machine with real parameters as a positive wave function.

    log psi(s) = a.s + sum_j log(2 cosh(b_j + (W^T s)_j)), ``eq-energy-models-rbm``.

    Parameters
    ----------
    a, b : array-like of shapes (n_spins,) and (hidden,)
        Biases.
    W : array-like of shape (n_spins, hidden)
        Couplings.

    Attributes
    ----------
    a, b, W : ndarray
        As given.
    theta : ndarray of shape (n_spins + hidden + n_spins * hidden,)
        All parameters: a, b, and W row by row.

    Raises
    ------
    ValueError
        If shapes do not fit, or a number is not finite.
    """

    def __init__(self, a: ArrayLike, b: ArrayLike, W: ArrayLike) -> None:
        self.a, self.b, self.W = (np.array(values, dtype=float) for values in (a, b, W))
        shapes = [v.shape for v in (self.a, self.b, self.W)]
        if self.W.ndim != 2 or shapes[:2] != [(k,) for k in self.W.shape]:
            raise ValueError(f"a, b and W must have shapes (n,), (m,) and (n, m), got {shapes}")
        if not np.isfinite(self.theta).all():
            raise ValueError("a, b and W must be finite")

    @classmethod
    def random(cls, n_spins: int, hidden: int, seed: int = 0, scale: float = 0.05) -> Self:
        """Draw small couplings and no biases, with `numpy.random.default_rng(seed)`."""
        n, m = check_count("n_spins", n_spins), check_count("hidden", hidden)
        W = check_above_zero("scale", scale) * np.random.default_rng(seed).normal(size=(n, m))
        return cls(np.zeros(n), np.zeros(m), W)

    @property
    def theta(self) -> Array:
        """All parameters in one vector."""
        return np.concatenate([self.a, self.b, self.W.ravel()])

    def moved(self, step: ArrayLike) -> Self:
        """Return the wave function with the parameters ``theta + step``."""
        n, m = self.W.shape
        a, b, W = np.split(self.theta + np.asarray(step, dtype=float), [n, n + m])
        return type(self)(a, b, W.reshape(n, m))

    def log_psi(self, S: ArrayLike) -> Array:
        """Return log psi of each row of spins, of shape (n_states,)."""
        spins = self._check(S)
        field = spins @ self.W + self.b
        return spins @ self.a + np.logaddexp(field, -field).sum(axis=1)

    def log_derivatives(self, S: ArrayLike) -> Array:
        """Return the derivatives of log psi by the parameters, of shape (n_states, n_parameters).

        Equation ``eq-energy-models-derivatives``.
        """
        spins = self._check(S)
        slopes = np.tanh(spins @ self.W + self.b)
        products = spins[:, :, np.newaxis] * slopes[:, np.newaxis, :]
        return np.hstack([spins, slopes, products.reshape(len(spins), -1)])

    def _check(self, S: ArrayLike) -> Array:
        spins = np.asarray(S, dtype=float)
        if spins.ndim != 2 or spins.shape[1] != len(self.a) or not (np.abs(spins) == 1).all():
            raise ValueError(f"S must hold +1 and -1 in rows of {len(self.a)} spins")
        return spins


def local_energies(log_psi: Callable[[Array], Array], S: ArrayLike, field: float) -> Array:
    """Return the local energy (H psi)(s) / psi(s) of each row of spins.

    Equation ``eq-energy-models-local``: one ratio of wave functions for each spin that H turns.

    Parameters
    ----------
    log_psi : callable
        Maps rows of spins to the logarithms of a positive wave function.
    S : array-like of shape (n_states, n_spins)
        Spins.
    field : float
        Transverse field h.

    Returns
    -------
    energies : ndarray of shape (n_states,)
    """
    spins, h = np.asarray(S, dtype=float), _check_field(field)
    energies = -np.sum(spins * np.roll(spins, -1, axis=1), axis=1)
    here = log_psi(spins)
    for i in range(spins.shape[1]):
        turned = spins.copy()
        turned[:, i] *= -1
        energies -= h * np.exp(log_psi(turned) - here)
    return energies


def _averages(energies: Array, O: Array, weights: Array) -> Bunch:  # noqa: E741
    """Form the mean energy, its variance, the force and the metric, with given weights."""
    energy = weights @ energies
    away, centred = energies - energy, O - weights @ O
    return Bunch(
        energy=float(energy),
        variance=float(weights @ away**2),
        force=centred.T @ (weights * away),
        metric=(centred.T * weights) @ centred,
    )


def exact_averages(wave: RBMWaveFunction, field: float) -> Bunch:
    """Average over all states of the chain.

    Parameters
    ----------
    wave : RBMWaveFunction
        The wave function, of at most 16 spins.
    field : float
        Transverse field h.

    Returns
    -------
    averages : sklearn.utils.Bunch
        ``energy`` and ``variance`` of the local energy; ``force``, its covariance with the
        derivatives of log psi, half the gradient of the energy (``eq-energy-models-force``);
        ``metric``, the covariance of those derivatives (S of ``eq-energy-models-reconfiguration``).
    """
    n, h = _check_chain(len(wave.a), field)
    S = spin_states(n)
    logs = 2 * wave.log_psi(S)
    weights = np.exp(logs - logs.max())
    return _averages(
        local_energies(wave.log_psi, S, h), wave.log_derivatives(S), weights / weights.sum()
    )


def sample_spins(
    wave: RBMWaveFunction, S: ArrayLike, sweeps: int, rng: np.random.Generator
) -> Array:
    """Move chains by Metropolis' rule with the law psi(s)^2.

    Parameters
    ----------
    wave : RBMWaveFunction
        The wave function.
    S : array-like of shape (n_chains, n_spins)
        Where the chains begin.
    sweeps : int
        Sweeps; in each, every spin is offered a turn once, one after the other.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    S : ndarray of shape (n_chains, n_spins)
        Where they end.
    """
    spins = wave._check(S).copy()
    field = spins @ wave.W + wave.b
    for _ in range(check_count("sweeps", sweeps, 0)):
        for i in range(spins.shape[1]):
            change = -2 * spins[:, i, np.newaxis] * wave.W[i]
            after = field + change
            ratio = np.logaddexp(after, -after).sum(axis=1) - np.logaddexp(field, -field).sum(
                axis=1
            )
            ratio -= 2 * spins[:, i] * wave.a[i]
            turn = np.log(rng.random(len(spins))) < 2 * ratio
            field = np.where(turn[:, np.newaxis], after, field)
            spins[turn, i] *= -1
    return spins


def sampled_averages(wave: RBMWaveFunction, S: ArrayLike, field: float) -> Bunch:
    """Estimate the averages of `exact_averages` from samples of psi^2.

    Parameters
    ----------
    wave : RBMWaveFunction
        The wave function.
    S : array-like of shape (n_samples, n_spins)
        Samples, at least 2.
    field : float
        Transverse field h.

    Returns
    -------
    averages : sklearn.utils.Bunch
        As of `exact_averages`, and ``error``, the standard error of the energy if the samples are
        independent.
    """
    spins = wave._check(S)
    energies = local_energies(wave.log_psi, spins, field)
    found = _averages(energies, wave.log_derivatives(spins), np.full(len(spins), 1 / len(spins)))
    found.error = float(energies.std(ddof=1) / np.sqrt(len(spins)))
    return found


def stochastic_reconfiguration(
    wave: RBMWaveFunction,
    field: float,
    *,
    steps: int = 200,
    eta: float = 0.1,
    shift: float = 1e-4,
    chains: int | None = None,
    sweeps: int = 2,
    seed: int = 0,
) -> Bunch:
    """Minimise the energy along the natural gradient.

    Each step is theta - eta (metric + shift)^{-1} force, ``eq-energy-models-reconfiguration``.

    Parameters
    ----------
    wave : RBMWaveFunction
        Where to begin.
    field : float
        Transverse field h.
    steps : int, default=200
        Number of steps.
    eta : float, default=0.1
        Step, a time along the imaginary axis.
    shift : float, default=1e-4
        Added to the metric's diagonal.
    chains : int, optional
        Number of Markov chains whose states give the averages; all states of the chain if None.
    sweeps : int, default=2
        Sweeps of the chains between two steps.
    seed : int, default=0
        Of the chains.

    Returns
    -------
    result : sklearn.utils.Bunch
        ``wave``; ``energies``, the energy (estimate) before each step; ``variances``.

    Raises
    ------
    ValueError
        If an argument is out of range.
    FloatingPointError
        If the energy is not finite; the step is named.
    """
    check_count("steps", steps)
    check_above_zero("eta", eta)
    check_above_zero("shift", shift)
    rng, history = np.random.default_rng(seed), []
    if chains is not None:
        start = rng.choice([-1.0, 1.0], (check_count("chains", chains, 2), len(wave.a)))
        S = sample_spins(wave, start, 20, rng)
    for k in range(steps):
        if chains is None:
            found = exact_averages(wave, field)
        else:
            S = sample_spins(wave, S, sweeps, rng)
            found = sampled_averages(wave, S, field)
        if not np.isfinite(found.energy):
            raise FloatingPointError(f"the energy is not finite in step {k}: take a smaller eta")
        history.append((found.energy, found.variance))
        metric = found.metric + shift * np.eye(len(found.force))
        wave = wave.moved(-eta * np.linalg.solve(metric, found.force))
    energies, variances = np.transpose(history)
    return Bunch(wave=wave, energies=energies, variances=variances)


def observables(psi: ArrayLike) -> Bunch:
    """Return averages in a state of the chain that is given by all its amplitudes.

    Parameters
    ----------
    psi : array-like of shape (2**n_spins,)
        Real amplitudes; they are normalised here.

    Returns
    -------
    averages : sklearn.utils.Bunch
        ``transverse``, the mean of X; ``order``, the root of the mean square of the magnetisation
        along Z; ``correlations``, the means of Z_i Z_{i+r} over the ring for r = 0, ..., N/2.
    """
    amplitudes = np.asarray(psi, dtype=float)
    n = int(amplitudes.size).bit_length() - 1
    if amplitudes.ndim != 1 or amplitudes.size != 2**n or n < 3:
        raise ValueError(f"psi must have 2^n entries with n >= 3, got shape {amplitudes.shape}")
    amplitudes = amplitudes / np.linalg.norm(amplitudes)
    S, weights, states = spin_states(n), amplitudes**2, np.arange(2**n)
    turned = [amplitudes @ amplitudes[states ^ (1 << i)] for i in range(n)]
    correlations = [
        weights @ np.mean(S * np.roll(S, -r, axis=1), axis=1) for r in range(n // 2 + 1)
    ]
    return Bunch(
        transverse=float(np.mean(turned)),
        order=float(np.sqrt(weights @ S.mean(axis=1) ** 2)),
        correlations=np.array(correlations),
    )
