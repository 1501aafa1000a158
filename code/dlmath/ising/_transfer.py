"""Exact averages on a torus from the transfer matrix, from row to row."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from dlmath.ising._lattice import check_size, check_temperature
from dlmath.ising._observables import correlation_length

LARGEST_TRANSFERRED = 9


def _rows(size: int) -> NDArray[np.float64]:
    """List all rows of spins, as an array of shape (2**size, size)."""
    return np.where(np.arange(2**size)[:, np.newaxis] >> np.arange(size) & 1, 1.0, -1.0)


def transfer_matrix(size: int, temperature: float) -> NDArray[np.float64]:
    """Give the matrix of the weights that two neighbouring rows of a torus contribute.

    Implements {eq}`eq-comparing-generative-models-transfer`. Its power of the number of rows has
    the partition function as its trace.

    Parameters
    ----------
    size : int
        Sites in a row, from 2 to 9. On two sites both bonds between them count, as in `energy`.
    temperature : float
        k_B T / J.

    Returns
    -------
    T : ndarray of shape (2**size, 2**size)
        Symmetric and positive.

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    size, K = check_size(size, LARGEST_TRANSFERRED), 1 / check_temperature(temperature)
    rows = _rows(size)
    within = np.sum(rows * np.roll(rows, 1, axis=1), axis=1)
    return np.exp(K * (rows @ rows.T + (within[:, np.newaxis] + within) / 2))


def exact_torus(size: int, temperature: float) -> Bunch:
    """Evaluate exact averages of a size x size torus from the transfer matrix.

    Parameters
    ----------
    size, temperature
        As in `transfer_matrix`.

    Returns
    -------
    exact : sklearn.utils.Bunch
        ``log_partition``, and ``energy``, ``squared_magnetisation`` and ``susceptibility`` as in
        `exact_enumeration`; ``correlation``, ndarray of shape (size // 2 + 1,), the products of
        spins at distances 0, 1, ... along the axes; ``length``, the correlation length of
        `observables`.

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    nu, vectors = np.linalg.eigh(transfer_matrix(size, temperature))
    rows, ratio = _rows(size), nu / nu[-1]
    whole = np.sum(ratio**size)

    def average(diagonal: NDArray[np.float64]) -> NDArray[np.float64]:
        """Average the product of one quantity of a row with that of a row at each distance."""
        squares = (vectors.T @ (diagonal[:, np.newaxis] * vectors)) ** 2
        return np.array([ratio ** (size - r) @ squares @ ratio**r for r in range(size)]) / whole

    spin, total = average(rows[:, 0]), average(rows.sum(axis=1))
    waves = np.cos(2 * np.pi * np.arange(size) / size)
    squared = total.sum() / size**3
    return Bunch(
        log_partition=float(size * np.log(nu[-1]) + np.log(whole)),
        energy=float(-2 * spin[1]),
        squared_magnetisation=float(squared),
        susceptibility=float(size**2 * squared / temperature),
        correlation=spin[: size // 2 + 1],
        length=correlation_length(float(total.sum()), float(waves @ total), size),
    )


def magnetisation_law(size: int, temperature: float) -> NDArray[np.float64]:
    """Give the exact law of the number of spins up on a size x size torus.

    The transfer matrix times a phase for each spin up has powers whose traces, at all angles, are
    the law's Fourier transform.

    Parameters
    ----------
    size : int
        Sites along an edge: 4, 6 or 8.
    temperature : float
        k_B T / J.

    Returns
    -------
    p : ndarray of shape (size**2 + 1,)
        Probability of 0, 1, ... spins up.

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    matrix = transfer_matrix(size, temperature)
    if size % 2:
        raise ValueError(f"size must be even, got {size!r}.")
    sites, half = size**2, size**2 // 2
    angles = 2j * np.pi * np.arange(half + 1) / (sites + 1)
    traces = np.zeros(half + 1, dtype=complex)
    top = np.linalg.eigvalsh(matrix)[-1]
    for basis, up in _waves(size):
        block = basis.conj().T @ matrix @ basis / top
        phases = np.exp(angles[:, np.newaxis] * up)
        power = np.linalg.matrix_power(block * phases[:, np.newaxis, :], size // 2)
        traces += np.einsum("kij,kji->k", power, power)
    transform = np.concatenate([traces, np.conj(traces[1:][::-1])])
    law = np.fft.fft(transform).real / (sites + 1)
    return law / law.sum()


def _waves(size: int) -> Iterator[tuple[NDArray[np.complex128], NDArray[np.float64]]]:
    """Give bases of the rows' functions, one for each wave number, and the spins up in each row.

    The matrix commutes with a shift of the rows, so that it does not mix wave numbers.
    """
    states = np.arange(2**size)
    shifted = [(states << shift | states >> (size - shift)) & 2**size - 1 for shift in range(size)]
    first = np.flatnonzero(np.min(shifted, axis=0) == states)
    up = np.bitwise_count(first).astype(float)
    for wave in range(size):
        basis = np.zeros((2**size, len(first)), dtype=complex)
        for shift in range(size):
            factor = np.exp(-2j * np.pi * wave * shift / size)
            np.add.at(basis, (shifted[shift][first], np.arange(len(first))), factor)
        norms = np.linalg.norm(basis, axis=0)
        kept = norms > 0.5
        yield basis[:, kept] / norms[kept], up[kept]
