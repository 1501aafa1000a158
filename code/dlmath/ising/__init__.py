"""The Ising model on the square lattice: exact results, two samplers and their error bars.

Spins are +1 or -1 on ``size`` x ``size`` sites with periodic boundaries; energies are in units of
the coupling J, temperatures in units of J/k_B (k_B T = tau J). Arrays of configurations have the
shape (..., size, size).
"""

from dlmath.ising._errors import (
    autocorrelation,
    integrated_autocorrelation_time,
    mean_and_error,
)
from dlmath.ising._exact import (
    CRITICAL_TEMPERATURE,
    all_states,
    exact_enumeration,
    finite_lattice,
    onsager_energy,
    onsager_log_partition,
    onsager_specific_heat,
    spontaneous_magnetisation,
)
from dlmath.ising._lattice import energy, magnetisation, neighbour_sum, pair_products
from dlmath.ising._observables import (
    correlation_length,
    jackknife,
    observables,
    pack_spins,
    thermometer,
    unpack_spins,
)
from dlmath.ising._samplers import independent_spins, metropolis, wolff
from dlmath.ising._transfer import exact_torus, magnetisation_law, transfer_matrix

__all__ = [
    "CRITICAL_TEMPERATURE",
    "all_states",
    "autocorrelation",
    "correlation_length",
    "energy",
    "exact_enumeration",
    "exact_torus",
    "finite_lattice",
    "independent_spins",
    "integrated_autocorrelation_time",
    "jackknife",
    "magnetisation",
    "magnetisation_law",
    "mean_and_error",
    "metropolis",
    "neighbour_sum",
    "observables",
    "onsager_energy",
    "onsager_log_partition",
    "onsager_specific_heat",
    "pack_spins",
    "pair_products",
    "spontaneous_magnetisation",
    "thermometer",
    "transfer_matrix",
    "unpack_spins",
    "wolff",
]
