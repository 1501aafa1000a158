"""Two samplers of the Boltzmann distribution, each for many lattices at once."""

import numpy as np
from numpy.typing import NDArray

from dlmath._checks import check_count
from dlmath.ising._lattice import (
    Spins,
    check_size,
    check_temperature,
    neighbour_sum,
)

SKIPPED = 0.05
"""Share of the proposals that Metropolis' sweeps leave out, so that any flip may stay undone."""


def _check_lattices(spins: Spins) -> Spins:
    if not isinstance(spins, np.ndarray) or spins.dtype != np.int8 or spins.ndim != 3:
        raise ValueError("spins must be an int8 array of shape (n_chains, size, size).")
    if spins.shape[1] != spins.shape[2] or spins.shape[1] < 2 or not spins.flags.c_contiguous:
        raise ValueError(
            "spins must be a contiguous array of square lattices with size 2 or more, "
            f"got shape {spins.shape}."
        )
    if not (np.abs(spins) == 1).all():
        raise ValueError("spins must be +1 or -1.")
    return spins


def metropolis(spins: Spins, temperature: float, sweeps: int, rng: np.random.Generator) -> Spins:
    """Update every spin ``sweeps`` times by Metropolis' rule, in place.

    A spin is flipped with the probability min(1, exp(-dE/tau)), dE = 2 s (sum of its neighbours).
    Coloured like a chessboard, the white sites have black neighbours only: given the black spins
    the white ones are independent, and to update them all at once is the same as one after the
    other. Each single update satisfies detailed balance and so keeps the Boltzmann distribution;
    therefore their product, a sweep over white and then black sites, keeps it too. The sweep
    itself does not satisfy detailed balance: its time reverse updates black before white.

    One proposal in twenty is left out at random. Without that a flip that costs nothing would
    never be refused, and the chain would not be irreducible: on 4 x 4, 8 x 8, ... sites in diagonal
    stripes two wide every flip costs nothing, and sweeps would turn the stripes over for ever.

    Parameters
    ----------
    spins : ndarray of int8, shape (n_chains, size, size)
        Lattices with an even size, changed in place.
    temperature : float
        k_B T / J.
    sweeps : int
        Number of updates of each spin.
    rng : numpy.random.Generator
        Source of the random numbers.

    Returns
    -------
    spins : ndarray
        The same array.

    Raises
    ------
    ValueError
        If an argument is out of range, or the size odd: the colours would clash at the boundary.
    """
    spins, temperature = _check_lattices(spins), check_temperature(temperature)
    if spins.shape[1] % 2:
        raise ValueError(f"size must be even for a chessboard, got {spins.shape[1]}.")
    for _ in range(check_count("sweeps", sweeps, 0)):
        for colour in (0, 1):
            field = neighbour_sum(spins)
            for row in (0, 1):
                where = np.s_[:, row::2, (row + colour) % 2 :: 2]
                chosen = spins[where]  # a view
                cost = chosen * field[where]  # of the flip, in units of 2
                np.negative(chosen, out=chosen, where=_accept(cost, temperature / 2, rng))
    return spins


def _accept(cost: Spins, temperature: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Decide on flips with the probability (1 - SKIPPED) min(1, exp(-cost/temperature)).

    u < exp(-cost/temperature) for a uniform u means cost < temperature e for the exponential
    number e = -log u. Of those, a share SKIPPED lies below -log(1 - SKIPPED): these proposals are
    left out, and the excess of the others is exponential again.
    """
    bound = rng.standard_exponential(cost.shape, np.float32)
    bound += np.float32(np.log1p(-SKIPPED))
    bound *= np.float32(temperature)
    return (cost <= bound) & (bound >= 0)


def wolff(
    spins: Spins, temperature: float, clusters: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Flip ``clusters`` of Wolff's clusters in each lattice, in place.

    From a random site the cluster grows over bonds between equal spins, each of them taken with
    the probability 1 - exp(-2/tau), and is then flipped. All lattices grow theirs together, shell
    by shell. Spins are flipped as they join, so that a neighbour can join if it now differs.

    Parameters
    ----------
    spins : ndarray of int8, shape (n_chains, size, size)
        Lattices, changed in place.
    temperature : float
        k_B T / J.
    clusters : int
        Number of clusters in each lattice.
    rng : numpy.random.Generator
        Source of the random numbers.

    Returns
    -------
    flipped : ndarray of int64, shape (n_chains,)
        Number of spins flipped in each lattice.

    Raises
    ------
    ValueError
        If an argument is out of range.

    References
    ----------
    U. Wolff, Physical Review Letters 62 (1989) 361.
    """
    spins, temperature = _check_lattices(spins), check_temperature(temperature)
    chains, size, _ = spins.shape
    take = -np.expm1(-2 / temperature)
    sites = np.arange(spins.size).reshape(spins.shape)
    neighbours = [np.roll(sites, shift, axis).ravel() for axis in (1, 2) for shift in (1, -1)]
    flat = spins.reshape(-1)  # a view
    flipped = np.zeros(chains, dtype=np.int64)
    for _ in range(check_count("clusters", clusters, 0)):
        shell = rng.integers(size**2, size=chains) + size**2 * np.arange(chains)
        flat[shell] *= -1
        while shell.size:
            flipped += np.bincount(shell // size**2, minlength=chains)
            joined, new = [], flat[shell]
            # Along one direction different sites have different neighbours: none joins twice.
            for neighbour in neighbours:
                near = neighbour[shell]
                near = near[(flat[near] != new) & (rng.random(near.size, np.float32) < take)]
                flat[near] *= -1
                joined.append(near)
            shell = np.concatenate(joined)
    return flipped


def independent_spins(n: int, size: int, squared_magnetisation: float, seed: int = 0) -> Spins:
    """Draw configurations whose spins know one thing of each other: which way most of them point.

    With a fair sign for each configuration, its spins are independent with the mean m or -m, where
    m is such that <m^2> of the configurations is as wanted:
    N <m^2> = 1 + (N - 1) m^2, {eq}`eq-comparing-generative-models-independent`.

    Parameters
    ----------
    n, size : int
        Number of configurations, and sites along an edge.
    squared_magnetisation : float
        The mean square of the magnetisation per spin, from 1/N to 1.
    seed : int, default=0

    Returns
    -------
    spins : ndarray of int8, shape (n, size, size)

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    n, sites = check_count("n", n, 1), check_size(size) ** 2
    if not 1 / sites <= squared_magnetisation <= 1:
        raise ValueError(
            f"squared_magnetisation must be from 1/N = {1 / sites:.4g} to 1, got "
            f"{squared_magnetisation!r}."
        )
    mean = np.sqrt((sites * squared_magnetisation - 1) / (sites - 1))
    rng = np.random.default_rng(seed)
    sign = rng.choice([-1, 1], (n, 1, 1))
    along = rng.random((n, size, size)) < (1 + mean) / 2
    return (sign * np.where(along, 1, -1)).astype(np.int8)
