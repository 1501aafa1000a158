"""What a set of configurations says of itself: observables, their errors, and a thermometer."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize
from sklearn.utils import Bunch

from dlmath._checks import check_count
from dlmath.ising._lattice import (
    Spins,
    check_size,
    check_spins,
    check_temperature,
    energy,
    magnetisation,
    neighbour_sum,
    pair_products,
)

BLOCKS = 32
# Inverse temperatures in units of 1/J between which the thermometer can read.
COLDEST, HOTTEST = 20.0, -20.0


def thermometer(spins: Any) -> float:
    """Read the inverse temperature off configurations, without being told it.

    Implements {eq}`eq-comparing-generative-models-thermometer`: the K at which the mean over sites
    of h (s - tanh(K h)) vanishes, where h is the sum of the four neighbours of the spin s.

    Parameters
    ----------
    spins : array-like of shape (n_samples, size, size)
        Configurations of +1 and -1.

    Returns
    -------
    K : float
        J/(k_B T); infinite if no spin is against the majority of its neighbours, minus infinite if
        all of them are.

    Raises
    ------
    ValueError
        If the spins are not +1 and -1 on square lattices, or every spin has two neighbours of
        each kind.
    """
    spins = check_spins(spins)
    field = neighbour_sum(spins)
    strengths = np.array([2.0, 4.0])
    counts = np.array([np.sum(np.abs(field) == h) for h in strengths])
    along = np.array([np.sum((spins * np.sign(field))[np.abs(field) == h]) for h in strengths])
    if not counts.sum():
        raise ValueError("spins: every spin has as many neighbours up as down; nothing can be read")

    def excess(K: float) -> float:
        return float(strengths @ (along - counts * np.tanh(K * strengths)))

    if excess(COLDEST) >= 0:
        return np.inf
    if excess(HOTTEST) <= 0:
        return -np.inf
    return float(optimize.brentq(excess, HOTTEST, COLDEST, xtol=1e-13))


def observables(spins: Any, temperature: float) -> Bunch:
    """Average what physics looks at over configurations.

    Parameters
    ----------
    spins : array-like of shape (n_samples, size, size)
        Configurations of +1 and -1.
    temperature : float
        k_B T / J, which enters the specific heat and the susceptibility.

    Returns
    -------
    means : sklearn.utils.Bunch of ndarrays
        energy, specific_heat, abs_magnetisation, susceptibility : of shape ()
            As in `exact_enumeration`.
        up : of shape ()
            Share of the configurations with more spins up than down; ties count one half.
        correlation : of shape (size // 2 + 1,)
            Mean products of spins at distances 0, 1, ... along the axes.
        length : of shape ()
            Correlation length {eq}`eq-comparing-generative-models-length` from the two smallest
            wave numbers, in lattice spacings; 0 if there is no correlation.
        thermometer : of shape ()
            The inverse temperature that `thermometer` reads.

    Raises
    ------
    ValueError
        If the spins are not +1 and -1, or the temperature not positive.
    """
    spins, temperature = check_spins(spins), check_temperature(temperature)
    if spins.ndim != 3 or len(spins) < 2:
        raise ValueError(f"spins must hold at least 2 configurations, got shape {spins.shape}.")
    size = spins.shape[1]
    total, m = energy(spins), magnetisation(spins)
    products = [pair_products(spins, r).mean() for r in range(1, size // 2 + 1)]
    return Bunch(
        energy=np.mean(total) / size**2,
        specific_heat=np.var(total) / (size**2 * temperature**2),
        abs_magnetisation=np.mean(np.abs(m)),
        susceptibility=size**2 * np.mean(m**2) / temperature,
        up=np.mean(np.sign(m) + 1) / 2,
        correlation=np.array([1.0, *products]),
        length=correlation_length(size**2 * np.mean(m**2), _first_wave(spins), size),
        thermometer=np.float64(thermometer(spins)),
    )


def _first_wave(spins: Spins) -> float:
    """Give the structure factor at the smallest wave number that is not zero, along both axes."""
    size = spins.shape[-1]
    wave = np.exp(2j * np.pi * np.arange(size) / size)
    along = [np.abs(spins.sum(axis=axis, dtype=float) @ wave) ** 2 for axis in (1, 2)]
    return float(np.mean(along)) / size**2


def correlation_length(uniform: float, first: float, size: int) -> float:
    """Second-moment correlation length from the structure factor.

    Parameters
    ----------
    uniform, first : float
        Structure factor at the wave numbers 0 and 2 pi / size.
    size : int
        Sites along an edge.

    Returns
    -------
    length : float
        In lattice spacings; 0 if ``uniform`` is not above ``first``, infinite if ``first`` is 0.
    """
    if first <= 0:
        return np.inf
    return float(np.sqrt(max(uniform / first - 1, 0.0)) / (2 * np.sin(np.pi / check_size(size))))


def jackknife(spins: Any, temperature: float, blocks: int = BLOCKS) -> Bunch:
    """Observables and their standard errors, from leaving out one block of samples at a time.

    Consecutive samples stand in one block, so that the errors are right for a Markov chain too if
    a block is much longer than its autocorrelation time.

    Parameters
    ----------
    spins : array-like of shape (n_samples, size, size)
        Configurations, in the order in which they were made.
    temperature : float
        k_B T / J.
    blocks : int, default=32
        Number of blocks; samples at the end that do not fill one are not used for the errors.

    Returns
    -------
    found : sklearn.utils.Bunch of ndarrays
        For each of `observables` an array whose first entry is the value and whose second is its
        error: of shape (2,), or (2, size // 2 + 1).

    Raises
    ------
    ValueError
        If there are fewer than two samples a block, or an argument is out of range.
    """
    spins = check_spins(spins)
    blocks = check_count("blocks", blocks, 2)
    length = len(spins) // blocks
    if length < 2:
        raise ValueError(f"spins must hold at least {2 * blocks} configurations, got {len(spins)}.")
    used, whole = spins[: length * blocks], observables(spins, temperature)
    keep = np.ones(len(used), dtype=bool)
    without = []
    for start in range(0, len(used), length):
        keep[start : start + length] = False
        without.append(observables(used[keep], temperature))
        keep[start : start + length] = True
    return Bunch(
        **{
            name: np.array([value, _spread([part[name] for part in without])])
            for name, value in whole.items()
        }
    )


def _spread(parts: list[Any]) -> NDArray[np.float64]:
    """Give the standard error from values that each lack one block."""
    values = np.array(parts, dtype=float)
    if not np.isfinite(values).all():
        return np.full(values.shape[1:], np.inf)
    return np.sqrt((len(values) - 1) * np.var(values, axis=0))


def pack_spins(spins: Any) -> str:
    """Write configurations as hexadecimal digits, one bit a spin, for a record or a page.

    Parameters
    ----------
    spins : array-like of shape (n_samples, size, size)
        Configurations of +1 and -1; the number of spins in all must be a multiple of 8.

    Returns
    -------
    text : str
        Two digits for eight spins in the order of the array, from the highest bit; 1 is +1.
    """
    spins = check_spins(spins)
    if spins.size % 8:
        raise ValueError(f"spins must have a multiple of 8 entries, got {spins.size}.")
    return np.packbits(spins.ravel() > 0).tobytes().hex()


def unpack_spins(text: str, size: int) -> Spins:
    """Read what `pack_spins` wrote, as an array of shape (n_samples, size, size)."""
    size = check_size(size)
    bits = np.unpackbits(np.frombuffer(bytes.fromhex(text), dtype=np.uint8))
    if bits.size % size**2:
        raise ValueError(f"text must hold lattices of {size**2} spins, got {bits.size} bits.")
    return (2 * bits.astype(np.int8) - 1).reshape(-1, size, size)
