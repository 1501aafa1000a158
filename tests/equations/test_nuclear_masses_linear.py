"""The numbered equations of the chapter on nuclear masses."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
import sympy
from dlmath import nuclear
from dlmath.datasets import load_alpha_decays, load_nuclear_masses
from dlmath.linear import OLS
from scipy import constants


@pytest.fixture(scope="module")
def masses():
    """Load the measured nuclides."""
    return load_nuclear_masses()


@pytest.fixture(scope="module")
def nuclei(masses):
    """Load those with at least 8 protons and 8 neutrons."""
    return nuclear.from_oxygen(masses)


def floats(matrix):
    """Turn a sympy matrix of numbers into an array; a column becomes a vector."""
    return np.array(matrix.tolist(), dtype=float).squeeze()


def signs(n):
    """List all vectors of n errors of plus or minus one: an exact noise of unit variance."""
    return np.array(list(itertools.product([-1.0, 1.0], repeat=n)))


# What a mass table is. Z, N, the mass of the bare nucleus in u, and the energy in eV that takes all
# electrons off the atom, for the light atoms.

BARE = {
    "neutron": (0, 1, 0.0),
    "proton": (1, 0, 13.598),
    "deuteron": (1, 1, 13.602),
    "triton": (1, 2, 13.603),
    "helion": (2, 1, 79.0),
    "alpha particle": (2, 2, 79.005),
}
Z_BARE, N_BARE = np.array([[z, n] for z, n, _ in BARE.values()]).T
U = constants.value("atomic mass constant energy equivalent in MeV")
BARE_MASSES = np.array([constants.value(f"{name} mass in u") for name in BARE])
ELECTRON = constants.value("electron mass in u")
IONISATION = np.array([energy for *_, energy in BARE.values()]) / 1e6 / U
ATOMS = BARE_MASSES + Z_BARE * ELECTRON - IONISATION


@pytest.mark.verifies(
    "eq-nuclear-masses-linear-mass-excess", routes=("the table", "masses of bare nuclei in CODATA")
)
def test_mass_excess(verify, masses):
    """The table has what follows from CODATA's masses of the light nuclei and electrons, in u."""
    table = masses.mass_excess[nuclear.nuclide_index(masses, Z_BARE, N_BARE)]
    A = Z_BARE + N_BARE
    verify.agree((ATOMS - A) * U, table, atol=2e-6)
    verify.refutes(ATOMS * U, table, why="the nucleons' u not subtracted")
    verify.refutes((A - ATOMS) * U, table, why="sign")
    verify.refutes((BARE_MASSES - A) * U, table, why="of the nucleus, without electrons")
    verify.refutes((ATOMS - A) * U / A, table, why="per nucleon")
    verify.refutes((ATOMS + IONISATION - A) * U, table, why="electrons not bound")
    carbon = masses.mass_excess[nuclear.nuclide_index(masses, [6], [6])]
    verify.agree(carbon, np.zeros(1), atol=1e-12)
    verify.refutes(carbon + U, np.zeros(1), why="a twelfth of another nuclide for u")


@pytest.mark.verifies(
    "eq-nuclear-masses-linear-binding", routes=("sympy", "CODATA", "the table's binding energies")
)
def test_binding(verify, masses):
    """The units cancel in symbols; light atoms by CODATA and the whole table agree."""
    Z, N, MH, mn, M, u = sympy.symbols("Z N M_H m_n M u")
    by_excess = Z * (MH - u) + N * (mn - u) - (M - (Z + N) * u)
    verify.identical(by_excess, Z * MH + N * mn - M)
    verify.refutes(by_excess + u, Z * MH + N * mn - M, why="one u too many")

    table = masses.binding_energy[nuclear.nuclide_index(masses, Z_BARE, N_BARE)]
    hydrogen, neutron = ATOMS[1], ATOMS[0]
    missing = (Z_BARE * hydrogen + N_BARE * neutron - ATOMS) * U
    verify.agree(missing, table, atol=3e-6)
    verify.refutes(-missing, table, why="sign")
    bare = (Z_BARE * BARE_MASSES[1] + N_BARE * neutron - ATOMS) * U
    verify.refutes(bare, table, why="protons for hydrogen atoms")
    verify.refutes(missing / (Z_BARE + N_BARE), table, why="per nucleon")

    D = masses.mass_excess
    D_H, D_n = D[nuclear.nuclide_index(masses, [1, 0], [0, 1])]
    verify.agree(masses.Z * D_H + masses.N * D_n - D, masses.binding_energy, atol=1e-9)
    wrong = masses.N * D_H + masses.Z * D_n - D
    verify.refutes(wrong, masses.binding_energy, why="hydrogen and neutron exchanged")


@pytest.mark.verifies(
    "eq-nuclear-masses-linear-electrons", routes=("sympy", "CODATA with ionisation energies")
)
def test_electrons(verify, masses):
    """The electrons' masses cancel in symbols; helium's two binding energies differ as stated."""
    Z, N, mp, mn, me, Mnuc, BelZ, Bel1 = sympy.symbols("Z N m_p m_n m_e M_nuc B_Z B_1")
    atom, hydrogen = Mnuc + Z * me - BelZ, mp + me - Bel1
    B, B_nuc = Z * hydrogen + N * mn - atom, Z * mp + N * mn - Mnuc
    verify.identical(B, B_nuc + BelZ - Z * Bel1)
    verify.refutes(B, B_nuc - BelZ + Z * Bel1, why="sign")
    verify.refutes(B, B_nuc + BelZ - Bel1, why="one hydrogen atom for Z")
    verify.refutes(B, B_nuc + BelZ, why="hydrogen's electron forgotten")
    verify.refutes(B, B_nuc + BelZ - Z * Bel1 + Z * me, why="masses of the electrons")

    # In eV, for the three isotopes of two nucleons or more, and both of helium.
    table = masses.binding_energy[nuclear.nuclide_index(masses, Z_BARE, N_BARE)]
    nuclear_part = (Z_BARE * BARE_MASSES[1] + N_BARE * BARE_MASSES[0] - BARE_MASSES) * U
    electronic = (IONISATION - Z_BARE * IONISATION[1]) * U
    verify.agree(nuclear_part + electronic, table, atol=3e-6)
    verify.refutes(nuclear_part, table, why="electrons left out")
    verify.refutes(nuclear_part - electronic, table, why="sign, for helium")


def electrons_of_heavy_atoms(Z):
    """Energy of the electrons by Thomas and Fermi, Scott and Schwinger, with relativity, in eV.

    Three terms of the expansion in 1/Z^(1/3), and by how much Dirac's levels of hydrogen-like ions
    are below Bohr's, summed over all shells. Leaving the screening out of the latter makes it too
    large by a few parts in a hundred of the whole.
    """
    hartree = constants.value("Hartree energy in eV")
    without = 0.768745 * Z ** (7 / 3) - Z**2 / 2 + 0.269900 * Z ** (5 / 3)
    alpha = constants.fine_structure
    added = 0.0
    for n in range(1, 200):
        k = np.arange(1, n + 1)  # j + 1/2
        gamma = np.sqrt(k**2 - (Z * alpha) ** 2)
        level = 1 / np.sqrt(1 + (Z * alpha / (n - k + gamma)) ** 2)
        states = np.where(k == n, 2 * k, 4 * k)
        added += states @ ((1 - level) / alpha**2 - Z**2 / (2 * n**2))
    return hartree * (without + added)


@pytest.mark.verifies(
    "eq-nuclear-masses-linear-electron-energy",
    routes=(
        "sums of ionisation energies",
        "Thomas-Fermi with corrections",
        "dlmath.nuclear.electron_binding_energy",
    ),
)
def test_energy_of_the_electrons(verify):
    """The fit is dlmath's, near measured light atoms, and to 6 % near a theory of heavy ones."""

    def fit(Z, first=14.4381, power=2.39, second=1.55468e-6):
        Z = np.asarray(Z, dtype=float)
        return first * Z**power + second * Z**5.35

    Z = np.arange(1, 119)
    verify.agree(1e6 * nuclear.electron_binding_energy(Z), fit(Z), rtol=1e-14)
    verify.refutes(1e3 * nuclear.electron_binding_energy(Z), fit(Z), why="keV for eV")
    # Carbon, nitrogen and neon, ionised step by step.
    steps = {
        6: [11.260, 24.383, 47.888, 64.494, 392.09, 489.99],
        7: [14.534, 29.601, 47.449, 77.474, 97.890, 552.07, 667.05],
        10: [21.565, 40.963, 63.42, 97.19, 126.25, 157.93, 207.27, 239.10, 1195.8, 1362.2],
    }
    verify.agree(fit(list(steps)), [sum(energies) for energies in steps.values()], rtol=0.03)
    sums = [sum(energies) for energies in steps.values()]
    verify.refutes(fit(list(steps), power=7 / 3), sums, why="the power of Thomas and Fermi")
    verify.refutes(2 * fit(list(steps)), sums, why="factor 2")
    heavy = np.array([50, 70, 92])
    theory = [electrons_of_heavy_atoms(z) for z in heavy]
    verify.agree(fit(heavy), theory, rtol=0.06)
    verify.refutes(fit(heavy, second=0), theory, why="without the second term")
    verify.refutes(fit(heavy, second=-1.55468e-6), theory, why="sign of the second term")
    verify.refutes(fit(heavy, second=1.55468e-5), theory, why="factor 10")


# The network of measurements.


@pytest.mark.verifies(
    "eq-nuclear-masses-linear-network",
    "eq-nuclear-masses-linear-network-covariance",
    "eq-nuclear-masses-linear-network-correlation",
    routes=("sympy", "all signs of the errors", "dlmath.linear.OLS"),
)
def test_smallest_network(verify):
    """The normal matrix, its inverse and the correlation, in symbols and from all the errors."""
    w1, w2, w12 = sympy.symbols("w1 w2 w12", positive=True)
    links = sympy.Matrix([[1, 0], [0, 1], [1, -1]])
    W = sympy.diag(w1, w2, w12)
    normal = sympy.Matrix([[w1 + w12, -w12], [-w12, w2 + w12]])
    verify.identical(links.T * W * links, normal)
    other = sympy.Matrix([[1, 0], [0, 1], [1, 1]])
    verify.refutes(other.T * W * other, normal, why="the sum of the masses for the difference")
    text = sympy.Matrix([[w2 + w12, w12], [w12, w1 + w12]]) / (w1 * w2 + w12 * (w1 + w2))
    verify.identical(normal.inv(), text)
    verify.refutes(normal.inv(), text.subs({w1: w2, w2: w1}, simultaneous=True), why="exchanged")
    verify.refutes(normal, text, why="not inverted")
    verify.refutes(
        normal.inv(),
        text.multiply_elementwise(sympy.Matrix([[1, -1], [-1, 1]])),
        why="sign of the covariance",
    )
    s = np.array([0.5, 1.25, 0.8])
    weights = 1 / s**2
    X = floats(links)
    estimates = np.array(
        [np.linalg.lstsq(X / s[:, None], e, rcond=None)[0] for e in signs(3)]
    )  # In units of s the errors are the signs.
    averaged = estimates.T @ estimates / len(estimates)
    at = dict(zip((w1, w2, w12), weights, strict=True))
    formula = floats(text.subs(at))
    verify.agree(averaged, formula, rtol=1e-14)
    verify.refutes(averaged, np.linalg.inv(X.T @ X), why="weights forgotten")
    verify.refutes(averaged, np.linalg.inv(X.T @ np.diag(s**-1) @ X), why="weights 1/s")
    ends = w12 / sympy.sqrt((w1 + w12) * (w2 + w12))
    correlation = averaged[0, 1] / np.sqrt(averaged[0, 0] * averaged[1, 1])
    verify.agree(correlation, float(ends.subs(at)), rtol=1e-14)
    verify.refutes(correlation**2, float(ends.subs(at)), why="square root forgotten")
    verify.refutes(-correlation, float(ends.subs(at)), why="sign of the correlation")
    limits = [sympy.limit(ends, w12, 0), sympy.limit(ends, w12, sympy.oo)]
    equal = ends.subs({w1: 1, w2: 1, w12: 1})
    verify.agree([float(value) for value in (*limits, equal)], [0.0, 1.0, 0.5], rtol=1e-15)
    verify.refutes([float(value) for value in (*limits, equal**2)], [0.0, 1.0, 0.5], why="1/4")
    ols = OLS(fit_intercept=False).fit(X, np.zeros(3), noise=s)
    verify.agree(ols.covariance_, formula, rtol=1e-14)
    verify.refutes(np.diag(np.diag(ols.covariance_)), formula, why="independent errors")
    verify.at_most(np.diag(formula), 0.999 / weights[:2])
    verify.refutes(2 * np.diag(formula), 0.999 / weights[:2], why="the variances become larger")


def network(links, weights, k):
    """Build G - Lambda and its parts in fractions from (i, j, weight), where j = -1 is direct."""
    G, Lam = [Fraction(0)] * k, sympy.zeros(k, k)
    for (i, j), w in zip(links, weights, strict=True):
        G[i] += w
        if j >= 0:
            G[j] += w
            Lam[i, j] += w
            Lam[j, i] += w
    return sympy.diag(*G), Lam


@pytest.mark.verifies(
    "eq-nuclear-masses-linear-network-series",
    routes=("exact inverse of the normal matrix", "the sum over walks", "dlmath.linear.OLS"),
)
def test_network_series(verify):
    """In random networks the sum over walks gives the covariance, and signs are as stated."""
    rng = np.random.default_rng(0)
    for _ in range(4):
        k = 5
        # Two parts, {0, 1, 2} and {3, 4}, that only the reference connects.
        links = [(0, -1), (0, 1), (1, 2), (2, 0), (2, 0), (3, -1), (3, 4), (4, 3)]
        weights = [sympy.Integer(w) for w in rng.integers(1, 9, len(links))]
        X = sympy.zeros(len(links), k)
        for row, (i, j) in enumerate(links):
            X[row, i] = 1
            if j >= 0:
                X[row, j] = -1
        G, Lam = network(links, weights, k)
        normal = X.T * sympy.diag(*weights) * X
        verify.identical(normal, G - Lam)
        verify.refutes(normal, G + Lam, why="sign of the links")
        covariance = floats(normal.inv())

        root = np.diag(np.diag(floats(G)) ** -0.5)
        S = root @ floats(Lam) @ root
        assert np.abs(np.linalg.eigvalsh(S)).max() < 1
        terms = [np.eye(k)]
        for _ in range(3000):
            terms.append(terms[-1] @ S)
        series = root @ np.sum(terms, axis=0) @ root
        verify.agree(series, covariance, rtol=1e-13, atol=1e-15)
        verify.refutes(root @ np.sum(terms[1:], axis=0) @ root, covariance, why="first term left")
        verify.refutes(np.sum(terms, axis=0), covariance, why="without G on both sides")
        alternating = root @ np.linalg.inv(np.eye(k) + S) @ root
        verify.refutes(alternating, covariance, why="alternating signs")
        ols = OLS(fit_intercept=False).fit(
            floats(X), np.zeros(len(links)), noise=floats(sympy.Matrix(weights)) ** -0.5
        )
        verify.agree(ols.covariance_, covariance, rtol=1e-13, atol=1e-15)
        verify.refutes(
            ols.covariance_ / (len(links) - k), covariance, why="divided by degrees of freedom"
        )

        # Positive where a chain avoids the reference, zero where only the reference connects.
        part = np.array([0, 0, 0, 1, 1])
        connected = np.equal.outer(part, part)
        verify.agree(np.sign(covariance).round(), connected.astype(float))
        verify.refutes(np.ones((k, k)), connected.astype(float), why="positive everywhere")

    # A measurement of a sum of two masses breaks the rule.
    summed = np.array([[1.0, 0], [0, 1], [1, 1]])
    links = np.array([[1.0, 0], [0, 1], [1, -1]])
    lowest = [np.linalg.inv(design.T @ design).min() for design in (links, summed)]
    verify.at_most(0.0, lowest[0])
    verify.refutes(0.0, lowest[1], why="a sum of masses among the measurements")


@pytest.mark.verifies(
    "eq-nuclear-masses-linear-network-measured",
    routes=("covariances of a known network", "the table's three uncertainties"),
)
def test_correlation_from_three_uncertainties(verify, masses):
    """From three error bars of an adjusted network its correlation returns; the table agrees."""
    rng = np.random.default_rng(1)
    X = np.array([[1.0, 0, 0], [1, -1, 0], [0, 1, -1], [0, 0, 1], [1, 0, -1]])
    for _ in range(5):
        ols = OLS(fit_intercept=False).fit(X, np.zeros(5), noise=rng.uniform(0.2, 3, 5))
        C = ols.covariance_
        s_p, s_d = np.sqrt(C[0, 0]), np.sqrt(C[1, 1])
        difference = np.array([1.0, -1, 0])
        s_Q2 = difference @ C @ difference
        c = C[0, 1] / (s_p * s_d)
        verify.agree((s_p**2 + s_d**2 - s_Q2) / (2 * s_p * s_d), c, rtol=1e-14, atol=1e-15)
        verify.refutes((s_Q2 - s_p**2 - s_d**2) / (2 * s_p * s_d), c, why="sign")
        verify.refutes((s_p**2 + s_d**2 - s_Q2) / (s_p * s_d), c, why="factor 2")
        verify.refutes((s_p**2 + s_d**2 - s_Q2) / 2, c, why="covariance for correlation")

    # The uncertainties of the table, in keV, by a loop over dictionaries.
    error = dict(
        zip(
            zip(masses.Z.tolist(), masses.N.tolist(), strict=True),
            1e3 * masses.mass_excess_uncertainty,
            strict=True,
        )
    )
    excess = dict(zip(error, masses.mass_excess, strict=True))
    decays = load_alpha_decays(measured_only=False)
    found, released, stated = [], [], []
    for z, n, Q, s_Q, known in zip(
        decays.Z, decays.N, decays.Q, decays.Q_uncertainty, decays.Q_measured, strict=True
    ):
        if known and z > 4 and {(z, n), (z - 2, n - 2)} <= set(error):
            p, d = error[z, n], error[z - 2, n - 2]
            found.append((p**2 + d**2 - (1e3 * s_Q) ** 2) / (2 * p * d))
            released.append(excess[z, n] - excess[z - 2, n - 2] - excess[2, 2])
            stated.append(Q)
    verify.agree(released, stated, atol=1e-5)
    verify.refutes(np.negative(released), stated, why="sign of the energy released")
    verify.at_most(-0.05 * np.ones(len(found)), found)
    verify.refutes(-0.05 * np.ones(len(found)), np.negative(found), why="negative correlations")
    verify.at_most(0.87, np.median(found))
    verify.refutes(0.87, np.quantile(found, 0.25), why="three quarters of them above 0.87")
