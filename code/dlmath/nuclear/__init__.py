"""Nuclear masses: liquid drop, Duflo-Zuker formula, closed shells, and honest tests.

Energies are in MeV. Functions take the numbers of protons and neutrons as arrays ``Z`` and ``N``;
the terms of a mass formula are the columns of a design matrix, whose coefficients are energies.
The estimators take them as rows of ``X`` and learn total binding energies.
"""

from dlmath.nuclear._duflo_zuker import (
    DUFLO_ZUKER_COEFFICIENTS,
    DUFLO_ZUKER_NAMES,
    duflo_zuker_terms,
    is_deformed,
)
from dlmath.nuclear._liquid_drop import (
    EXTENDED_LIQUID_DROP_NAMES,
    LIQUID_DROP_NAMES,
    extended_liquid_drop_terms,
    liquid_drop_terms,
)
from dlmath.nuclear._models import DufloZuker, LiquidDrop, PolynomialMass
from dlmath.nuclear._nuclides import (
    MAGIC_NUMBERS,
    distance_to_magic,
    electron_binding_energy,
    neutron_separation_energy,
    nuclide_index,
    promiscuity,
    proton_separation_energy,
    two_neutron_separation_energy,
    two_proton_separation_energy,
    valence_numbers,
)
from dlmath.nuclear._residuals import (
    MASS_FEATURE_NAMES,
    MassProcess,
    ResidualModel,
    mass_features,
    mass_kernel,
)
from dlmath.nuclear._splits import Split, edge_split, from_oxygen, random_splits, time_split

__all__ = [
    "DUFLO_ZUKER_COEFFICIENTS",
    "DUFLO_ZUKER_NAMES",
    "EXTENDED_LIQUID_DROP_NAMES",
    "LIQUID_DROP_NAMES",
    "MAGIC_NUMBERS",
    "MASS_FEATURE_NAMES",
    "DufloZuker",
    "LiquidDrop",
    "MassProcess",
    "PolynomialMass",
    "ResidualModel",
    "Split",
    "distance_to_magic",
    "duflo_zuker_terms",
    "edge_split",
    "electron_binding_energy",
    "extended_liquid_drop_terms",
    "from_oxygen",
    "is_deformed",
    "liquid_drop_terms",
    "mass_features",
    "mass_kernel",
    "neutron_separation_energy",
    "nuclide_index",
    "promiscuity",
    "proton_separation_energy",
    "random_splits",
    "time_split",
    "two_neutron_separation_energy",
    "two_proton_separation_energy",
    "valence_numbers",
]
