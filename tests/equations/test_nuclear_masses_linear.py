"""The numbered equations of the chapter on nuclear masses."""

import itertools
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy
from dlmath import nuclear
from dlmath.datasets import load_alpha_decays, load_nuclear_masses
from dlmath.linear import OLS
from scipy import constants, integrate, optimize, special
from sklearn import metrics


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
    verify.agree(1e6 * nuclear.electron_binding_energy(Z), fit(Z), rtol=1e-15)
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


# The liquid drop. Lengths in fm and energies in MeV; alpha hbar c from CODATA.

ALPHA_HBAR_C = (
    constants.fine_structure * constants.hbar * constants.c / constants.eV * 1e9
)  # MeV fm


@pytest.mark.verifies(
    "eq-nuclear-masses-linear-radius",
    "eq-nuclear-masses-linear-surface",
    routes=("sympy", "volume and area of a sphere by quadrature"),
)
def test_radius_and_surface(verify):
    """A ball of density n_0 with this radius holds A nucleons; its area yields the surface term."""
    A, n0, tension, av, x = sympy.symbols("A n_0 tau a_v x", positive=True)
    r0 = (3 / (4 * sympy.pi * n0)) ** sympy.Rational(1, 3)
    R = r0 * A ** sympy.Rational(1, 3)
    held = sympy.integrate(n0 * 4 * sympy.pi * x**2, (x, 0, R))
    verify.identical(sympy.Matrix([held]), sympy.Matrix([A]))
    verify.refutes(sympy.Matrix([3 * held]), sympy.Matrix([A]), why="factor 3")
    verify.refutes(sympy.Matrix([held / r0**3]), sympy.Matrix([A]), why="without r_0")
    a_s = 4 * sympy.pi * r0**2 * tension
    energy = sympy.Matrix([av * A - 4 * sympy.pi * R**2 * tension])

    def surface(thirds=2, factor=1):
        return sympy.Matrix([av * A - factor * a_s * A ** sympy.Rational(thirds, 3)])

    verify.identical(energy, surface())
    verify.refutes(energy, surface(factor=-1), why="sign of the surface")
    verify.refutes(energy, surface(thirds=1), why="power 1/3")
    verify.refutes(energy, surface(factor=3), why="factor 3 in a_s")

    # The ball sliced: discs of radius sqrt(R^2 - h^2), and rings on its surface.
    density, mass_number = 0.16, 90
    radius = float(R.subs({A: mass_number, n0: density}))
    inside = integrate.quad(lambda h: np.pi * (radius**2 - h**2), -radius, radius)[0]
    area = integrate.quad(lambda t: 2 * np.pi * radius**2 * np.sin(t), 0, np.pi)[0]
    per_surface = float(a_s.subs({n0: density, tension: 1})) * mass_number ** (2 / 3)
    verify.agree([density * inside, area], [mass_number, per_surface], rtol=1e-14)
    wrong = [density * inside, area / 4]
    verify.refutes(wrong, [mass_number, per_surface], why="area of the disc for that of the sphere")


def distances_in_a_ball(s):
    """Density of the distance s between two independent points of the unit ball."""
    return 3 * s**2 * (1 - 3 * s / 4 + s**3 / 16)


@pytest.mark.verifies(
    "eq-nuclear-masses-linear-coulomb",
    "eq-nuclear-masses-linear-coulomb-pairs",
    routes=("sympy", "the energy of the field", "pairs at all distances", "dlmath.nuclear"),
)
def test_coulomb(verify):
    """Shells, the field's energy and the mean over pairs of points give three fifths."""
    r, R, Z, e, k, A, r0 = sympy.symbols("r R Z e k A r_0", positive=True)  # k = 1/(4 pi eps_0)
    shells = sympy.integrate(k * (Z * e * r**3 / R**3) / r * 3 * Z * e * r**2 / R**3, (r, 0, R))
    text = sympy.Rational(3, 5) * k * Z**2 * e**2 / R
    verify.identical(shells, text)
    verify.refutes(shells, text / 2, why="factor 2")
    verify.refutes(shells, sympy.Rational(5, 6) * text, why="1/2: charge on the surface only")
    verify.refutes(shells, 2 * text, why="each pair twice")
    # Energy of the field: the integral of eps_0 E^2 / 2, in and outside.
    field2 = [(k * Z * e * r / R**3) ** 2, (k * Z * e / r**2) ** 2]
    parts = [
        sympy.integrate(f * 4 * sympy.pi * r**2 / (8 * sympy.pi * k), (r, low, high))
        for f, low, high in zip(field2, (0, R), (R, sympy.oo), strict=True)
    ]
    verify.identical(sum(parts), text)
    verify.refutes(parts[1], text, why="field outside only")
    verify.refutes(2 * sum(parts), text, why="field energy without one half")

    mean, total = (
        integrate.quad(lambda s, power=power: distances_in_a_ball(s) * s**power, 0, 2)[0]
        for power in (-1, 0)
    )
    verify.agree([mean, total], [6 / 5, 1.0], rtol=1e-14)
    verify.refutes([mean / 2, total], [6 / 5, 1.0], why="3/5 for the mean of a pair")
    a_c = sympy.Rational(3, 5) / r0  # In units of alpha hbar c.
    pairs = Z * (Z - 1) / 2 * sympy.Rational(6, 5) / (r0 * A ** sympy.Rational(1, 3))
    verify.identical(pairs, a_c * Z * (Z - 1) / A ** sympy.Rational(1, 3))
    verify.refutes(pairs, a_c * Z**2 / A ** sympy.Rational(1, 3), why="each proton with itself")
    verify.refutes(2 * pairs, a_c * Z * (Z - 1) / A ** sympy.Rational(1, 3), why="ordered pairs")

    # In MeV with r_0 = 1.2 fm, by the sum over pairs and by the column of dlmath.
    z, n = np.array([2, 26, 82, 92]), np.array([2, 30, 126, 146])
    radius = 1.2 * np.cbrt(z + n)
    by_pairs = np.array([sum(range(q)) for q in z]) * mean / radius * ALPHA_HBAR_C
    by_column = -nuclear.liquid_drop_terms(z, n)[:, 2] * 0.6 * ALPHA_HBAR_C / 1.2
    verify.agree(by_column, by_pairs, rtol=1e-14)
    verify.refutes(-by_column, by_pairs, why="sign in the column")
    verify.refutes(by_column * (z + n) ** (2 / 3), by_pairs, why="multiplied by the radius")


@pytest.mark.verifies(
    "eq-nuclear-masses-linear-exchange",
    routes=("quadrature of the exchange hole", "Slater's formula for the electron gas", "sympy"),
)
def test_exchange(verify):
    """The hole lacks one proton; quadrature and Slater's formula give the exchange energy."""

    def hole(x):
        """Share of the pairs missing at the distance x/k, from the density matrix of the gas."""
        return 0.5 * (3 * special.spherical_jn(1, x) / x) ** 2

    # The matrix element between two points is the mean of exp(i q r) over the Fermi sphere.
    x = np.array([0.3, 1.0, 2.7, 6.0])
    means = [
        integrate.quad(lambda q, x=x: 3 * q**2 * np.sinc(q * x / np.pi), 0, 1, epsabs=1e-14)[0]
        for x in x
    ]
    verify.agree(np.square(means) / 2, hole(x), rtol=1e-13, atol=1e-16)
    verify.refutes(np.square(means), hole(x), why="without one half for the spin")
    verify.refutes(np.abs(means) / 2, hole(x), why="not squared")

    # int j_1^2/x = 1/4, and the hole holds one proton: n int hole 4 pi r^2 dr = 1, n = k^3/3pi^2.
    def total(f, upper=4000.0):
        edges = np.arange(0, upper + 1, 2.0)
        nodes, weights = np.polynomial.legendre.leggauss(12)
        at = (edges[:-1, None] + 1 + nodes).ravel()
        return float(np.tile(weights, len(edges) - 1) @ f(at))

    # Beyond the upper end the squares are cos^2, one half on average.
    quarter = total(lambda x: special.spherical_jn(1, x) ** 2 / x)
    held = 4 / (3 * np.pi) * (total(lambda x: hole(x) * x**2) + 9 / 4 / 4000)
    verify.agree([quarter, held], [0.25, 1.0], rtol=3e-7)
    verify.refutes([2 * quarter, held], [0.25, 1.0], why="one half for one quarter")
    verify.refutes([quarter, 2 * held], [0.25, 1.0], why="all pairs and not those of like spin")

    # Energy per volume: the integral, the text's closed form, and Slater's.
    n = 0.07
    k = np.cbrt(3 * np.pi**2 * n)
    integral = total(lambda x: hole(x) * 4 * np.pi * x) / k**2
    per_volume = -0.5 * n**2 * integral
    verify.agree(per_volume, -9 * np.pi / 4 * n**2 / k**2, rtol=3e-7)
    verify.refutes(2 * per_volume, -9 * np.pi / 4 * n**2 / k**2, why="each pair twice")
    slater = -0.75 * np.cbrt(3 / np.pi) * n ** (4 / 3)
    verify.agree(-9 * np.pi / 4 * n**2 / k**2, slater, rtol=1e-14)
    verify.refutes(-9 * np.pi / 2 * n**2 / k**2, slater, why="without spin")

    # Times the volume of the ball, and in units of a_c / A^(1/3).
    Z, R, ahc = sympy.symbols("Z R ahc", positive=True)
    density, volume = 3 * Z / (4 * sympy.pi * R**3), 4 * sympy.pi * R**3 / 3
    wave2 = (3 * sympy.pi**2 * density) ** sympy.Rational(2, 3)
    inserted = -9 * sympy.pi / 4 * density**2 * ahc / wave2 * volume
    number = (3 / (2 * sympy.pi)) ** sympy.Rational(2, 3)
    text = -sympy.Rational(3, 4) * number * ahc * Z ** sympy.Rational(4, 3) / R
    verify.identical(inserted, text)
    verify.refutes(inserted, text * Z ** sympy.Rational(2, 3), why="Z^2 for Z^(4/3)")
    verify.refutes(inserted, -text, why="sign")
    a_c = sympy.Rational(3, 5) * ahc  # Times A^(1/3)/R.
    in_a_c = -sympy.Rational(5, 4) * number * a_c * Z ** sympy.Rational(4, 3) / R
    verify.identical(inserted, in_a_c)
    verify.refutes(inserted, sympy.Rational(3, 5) * in_a_c, why="3/4 for 5/4")
    # The column of dlmath has the sign of a binding energy.
    column = nuclear.extended_liquid_drop_terms([92], [146])[:, 7]
    energy = float(in_a_c.subs({Z: 92, R: 1, ahc: 1})) / np.cbrt(238)
    share = 1.25 * (3 / (2 * np.pi)) ** (2 / 3) * 0.6
    verify.agree(-share * column, [energy], rtol=1e-14)
    verify.refutes(share * column, [energy], why="sign in the column")


@pytest.mark.verifies(
    "eq-nuclear-masses-linear-fermi", routes=("states of a periodic box, counted", "sympy")
)
def test_fermi_energy(verify):
    """A box with as many occupied plane waves as nucleons of one kind has this wave number."""
    n0, r0 = sympy.symbols("n_0 r_0", positive=True)
    k = (3 * sympy.pi**2 * n0 / 2) ** sympy.Rational(1, 3)
    of_r0 = k.subs(n0, 3 / (4 * sympy.pi * r0**3))
    text = (9 * sympy.pi / 8) ** sympy.Rational(1, 3) / r0
    wave_number = sympy.Matrix([of_r0])
    verify.identical(wave_number, sympy.Matrix([text]))
    verify.refutes(2 * wave_number, sympy.Matrix([text]), why="factor 2 in k_F")
    verify.refutes(wave_number * r0, sympy.Matrix([text]), why="without r_0")

    # One kind in a box of side 1: two spins in each point 2 pi (i, j, l) inside the sphere.
    reach = 45
    squares = np.arange(-reach, reach + 1) ** 2
    norms = squares[:, None, None] + squares[:, None] + squares
    radius = 40.5
    number = 2 * np.sum(norms < radius**2)
    wave = 2 * np.pi * radius
    verify.agree(np.cbrt(3 * np.pi**2 * (2 * number) / 2), wave, rtol=2e-4)
    verify.refutes(np.cbrt(3 * np.pi**2 * 2 * number), wave, why="density of both kinds")
    verify.refutes(np.cbrt(6 * np.pi**2 * number), wave, why="one spin state")
    # Mean energy over E_F: three fifths.
    mean = np.mean(norms[norms < radius**2]) / radius**2
    verify.agree(mean, 0.6, rtol=1e-3)
    verify.refutes(mean, 0.5, why="one half for three fifths")

    # In MeV, with r_0 = 1.2 fm, by SI units.
    in_SI = (
        (constants.hbar * (9 * np.pi / 8) ** (1 / 3) / 1.2e-15) ** 2
        / (2 * (constants.m_p + constants.m_n) / 2)
        / constants.eV
        / 1e6
    )
    k_F = np.cbrt(3 * np.pi**2 / 2 * 3 / (4 * np.pi * 1.2**3))
    verify.agree((197.327 * k_F) ** 2 / (2 * 938.92), in_SI, rtol=1e-5)
    verify.refutes((197.327 * k_F) ** 2 / 938.92, in_SI, why="factor 2")


@pytest.mark.verifies(
    "eq-nuclear-masses-linear-asymmetry",
    routes=("sympy", "a Fermi gas of each kind by quadrature"),
)
def test_asymmetry(verify):
    """Two gases filled level by level cost what the bracket says; its series is the text's."""
    zeta, A, E = sympy.symbols("zeta A E_F", positive=True)
    power = sympy.Rational(5, 3)
    bracket = (1 + zeta) ** power + (1 - zeta) ** power
    series = sympy.series(bracket, zeta, 0, 6).removeO()
    text = 2 + sympy.Rational(10, 9) * zeta**2 + sympy.Rational(10, 243) * zeta**4
    verify.identical(series, text)
    verify.refutes(series, text - sympy.Rational(20, 243) * zeta**4, why="sign of the fourth order")
    kinetic = sympy.Rational(3, 10) * E * A * series
    stated = sympy.Rational(3, 5) * E * A + E / 3 * A * zeta**2
    rest = sympy.Rational(1, 27) * zeta**2 * E / 3 * A * zeta**2
    verify.identical(sympy.expand(kinetic), sympy.expand(stated + rest))
    verify.refutes(sympy.expand(kinetic), sympy.expand(stated), why="next term missing")
    wrong = sympy.expand(stated + rest + E / 3 * A * zeta**2)
    verify.refutes(sympy.expand(kinetic), wrong, why="2 E_F / 3")

    # Levels with a density proportional to sqrt(E), filled with each kind up to its number.
    def energy(particles):
        """Kinetic energy in units of E_F, which 100 particles of one kind reach."""
        top = (particles / 100) ** (2 / 3)
        return integrate.quad(lambda e: 150 * np.sqrt(e) * e, 0, top, epsabs=1e-12)[0]

    excess = np.array([0, 20, 44, 80])
    filled = [energy(100 + d / 2) + energy(100 - d / 2) for d in excess]
    share = excess / 200

    def formula(power=5 / 3, factor=0.3):
        return factor * 200 * ((1 + share) ** power + (1 - share) ** power)

    verify.agree(filled, formula(), rtol=1e-10)
    verify.refutes(filled, formula(factor=0.6), why="factor 2")
    verify.refutes(filled, formula(power=2 / 3), why="energy of a nucleon, not of all")
    second = (np.array(filled) - filled[0])[1:]
    verify.agree(second, (200 * share**2 / 3 * (1 + share**2 / 27))[1:], rtol=1e-3)
    verify.refutes(second, (200 * share**2 / 6)[1:], why="E_F / 6")
    verify.refutes(second, (200 * share**2 / 3 * (1 + share**2))[1:], why="next term times 27")


@pytest.mark.verifies(
    "eq-nuclear-masses-linear-pairing",
    "eq-nuclear-masses-linear-liquid-drop",
    routes=("the cases, nuclide by nuclide", "dlmath.nuclear.liquid_drop_terms"),
)
def test_liquid_drop(verify, nuclei):
    """Counting pairs gives delta; the formula in high precision is dlmath's, and fits the data."""
    Z, N = nuclei.Z, nuclei.N
    A = Z + N
    terms = nuclear.liquid_drop_terms(Z, N)
    unpaired = [z % 2 + n % 2 for z, n in zip(Z.tolist(), N.tolist(), strict=True)]
    cases = [{0: 1.0, 1: 0.0, 2: -1.0}[single] for single in unpaired]
    powers = ((-1.0) ** Z + (-1.0) ** N) / 2
    verify.agree(powers, cases)
    verify.refutes((-1.0) ** A, cases, why="the parity of A")
    verify.refutes((-1.0) ** Z * (-1.0) ** N, cases, why="the product of the parities")
    verify.refutes(2 * powers, cases, why="factor 2")
    verify.agree(terms[:, 4] * np.sqrt(A), cases, atol=1e-14)
    verify.refutes(-terms[:, 4] * np.sqrt(A), cases, why="sign")

    mpmath.mp.dps = 30
    a = [15.6, 17.3, 0.7, 22.9, 12.4]
    some = np.arange(0, len(Z), 61)

    def formula(z, n, coulomb=lambda z: z * (z - 1), half=0.5, surface=2):
        number = mpmath.mpf(z + n)
        third = mpmath.cbrt(number)
        delta = {0: 1, 1: 0, 2: -1}[z % 2 + n % 2]
        energy = a[0] * number - a[1] * third**surface - a[2] * coulomb(z) / third
        return float(energy - a[3] * (n - z) ** 2 / number + a[4] * delta / number**half)

    def energies(**wrong):
        return [formula(int(Z[i]), int(N[i]), **wrong) for i in some]

    verify.agree(terms[some] @ a, energies(), rtol=1e-14)
    verify.refutes(terms[some] @ a, energies(coulomb=lambda z: z**2), why="Z^2 for Z(Z-1)")
    verify.refutes(terms[some] @ a, energies(half=0.75), why="A^(3/4) in the pairing")
    verify.refutes(terms[some] @ a, energies(surface=1), why="surface with A^(1/3)")
    verify.refutes(terms[some] @ np.negative(a), energies(), why="all signs")
    verify.refutes(
        terms[some] @ (np.array([1, -1, 1, 1, 1]) * a), energies(), why="sign of the surface"
    )

    # All coefficients come out positive, and the error is 3 MeV, three parts in a thousand.
    B = nuclei.binding_energy
    by_lstsq = np.linalg.lstsq(terms, B, rcond=None)[0]
    drop = nuclear.LiquidDrop().fit(np.column_stack([Z, N]), B)
    verify.agree(drop.coef_, by_lstsq, rtol=1e-11)
    verify.refutes(-drop.coef_, by_lstsq, why="sign of the coefficients")
    error = np.sqrt(np.mean((B - terms @ by_lstsq) ** 2))
    verify.agree([error, error / B.mean()], [3.1, 2.8e-3], rtol=0.02)
    flat = np.linalg.lstsq(terms[:, :3], B, rcond=None)[0]
    worse = np.sqrt(np.mean((B - terms[:, :3] @ flat) ** 2))
    verify.refutes([worse, worse / B.mean()], [3.1, 2.8e-3], why="without asymmetry and pairing")


# What the error bars are worth.


@pytest.fixture(scope="module")
def residual(nuclei):
    """Fit the drop and take what it misses."""
    terms = nuclear.liquid_drop_terms(nuclei.Z, nuclei.N)
    theta = np.linalg.lstsq(terms, nuclei.binding_energy, rcond=None)[0]
    return nuclei.binding_energy - terms @ theta


@pytest.mark.verifies(
    "eq-nuclear-masses-linear-correlation",
    routes=("pairs found in a dictionary", "two charts laid on each other"),
)
def test_correlation_of_residuals(verify, nuclei, residual):
    """Pairs looked up one by one, and a chart shifted against itself, give the same means."""
    Z, N = nuclei.Z, nuclei.N
    at = dict(zip(zip(Z.tolist(), N.tolist(), strict=True), residual.tolist(), strict=True))
    chart = np.full((150, 200), np.nan)
    chart[Z, N] = residual
    steps = [(0, 1), (1, 0), (2, 2), (0, 16), (3, 1)]

    def looked_up(i, j):
        pairs = [e * at[z + i, n + j] for (z, n), e in at.items() if (z + i, n + j) in at]
        return sum(pairs) / len(pairs) / (sum(e**2 for e in at.values()) / len(at))

    def shifted(i, j):
        product = chart[: 150 - i, : 200 - j] * chart[i:, j:]
        return np.nanmean(product) / np.nanmean(chart**2)

    found = [looked_up(i, j) for i, j in steps]
    verify.agree([shifted(i, j) for i, j in steps], found, rtol=1e-13)
    verify.refutes([shifted(j, i) for i, j in steps], found, why="Z and N exchanged")
    sums = [np.nansum(chart[: 150 - i, : 200 - j] * chart[i:, j:]) for i, j in steps]
    verify.refutes(sums / np.nansum(chart**2), found, why="sums for means")
    verify.refutes(
        [shifted(i, j) * np.nanstd(chart) for i, j in steps], found, why="not squared below"
    )
    # Neighbours agree to about nine tenths; far away the sign is the other one.
    verify.agree(found[:2], [0.9, 0.9], atol=0.05)
    verify.refutes(found[1:3], [0.9, 0.9], why="two steps away in both")
    verify.at_most(found[3], 0.0)
    verify.refutes(found[2], 0.0, why="negative nearby")


@pytest.mark.verifies(
    "eq-nuclear-masses-linear-effective", routes=("all signs of the errors", "exact sums")
)
def test_effective_number(verify):
    """The variance of the mean over all sign patterns is s^2/n_eff; patches count as one."""
    rng = np.random.default_rng(2)
    n, s = 9, 0.7
    mixing = rng.normal(size=(n, n))
    mixing /= np.linalg.norm(mixing, axis=1)[:, None]
    c = mixing @ mixing.T
    errors = s * signs(n) @ mixing.T
    variance = np.mean(np.mean(errors, axis=1) ** 2)
    n_eff = n**2 / sum(c[i, j] for i in range(n) for j in range(n))
    verify.agree(variance, s**2 / n_eff, rtol=1e-14)
    verify.refutes(variance, s**2 / n, why="correlations left out")
    verify.refutes(variance, s**2 / n_eff / n, why="factor n")
    verify.refutes(variance, s / n_eff, why="s for its square")
    off_diagonal = s**2 * (c.sum() - n) / n**2
    verify.refutes(variance, off_diagonal, why="without the diagonal")

    patches = np.kron(np.eye(3), np.ones((4, 4)))
    verify.agree([12**2 / patches.sum(), 12**2 / np.eye(12).sum()], [3.0, 12.0], rtol=1e-15)
    verify.refutes([12**2 / patches.sum()] * 2, [3.0, 12.0], why="patches for independent errors")


@pytest.mark.verifies(
    "eq-nuclear-masses-linear-kernel",
    routes=("its Fourier transform by quadrature", "Cholesky factors", "the definition"),
)
def test_kernel_is_positive_definite(verify, nuclei, residual):
    """The transform in the plane is positive, and so are the eigenvalues on the chart."""
    # With the Bessel function J_0: 2 pi int r J_0(k r) exp(-r/l) dr.
    k = np.array([0.0, 0.2, 1.0, 3.0])
    ell = 1.5
    nodes, weights = np.polynomial.legendre.leggauss(20)
    edges = np.arange(0, 80, 0.5)
    r = (edges[:, None] + 0.25 + nodes / 4).ravel()
    w = np.tile(weights / 4, len(edges))
    transform = [2 * np.pi * w @ (r * special.j0(q * r) * np.exp(-r / ell)) for q in k]
    closed = 2 * np.pi * ell**2 / (1 + (k * ell) ** 2) ** 1.5
    verify.agree(transform, closed, rtol=1e-13)
    verify.refutes(transform, 2 * ell / (1 + (k * ell) ** 2), why="transform on a line")
    inverse = [2 * np.pi * w @ (r * special.j0(q * r) * np.exp(-r * ell)) for q in k]
    verify.refutes(inverse, closed, why="l for 1/l")

    Z, N = nuclei.Z[::4], nuclei.N[::4]
    distance = np.hypot(np.subtract.outer(Z, Z), np.subtract.outer(N, N))
    for length in (0.5, 5.0, 50.0):
        c = np.exp(-distance / length)
        pairs = [
            np.exp(-(((Z[i] - Z[j]) ** 2 + (N[i] - N[j]) ** 2) ** 0.5) / length)
            for i, j in ((0, 7), (100, 30), (200, 201))
        ]
        verify.agree([c[0, 7], c[100, 30], c[200, 201]], pairs, rtol=1e-14)
        verify.refutes(
            [c[0, 7] ** 2, c[100, 30] ** 2, c[200, 201] ** 2], pairs, why="factor 2 in l"
        )
        np.linalg.cholesky(c)
        verify.at_most(0.0, np.linalg.eigvalsh(c)[0])
        disc = (distance < max(length, 1.5)).astype(float)
        verify.refutes(0.0, np.linalg.eigvalsh(disc)[0], why="one within a radius, zero beyond")

    # The error bars that follow: eightfold for the four smooth terms, smaller for the pairing.
    Z, N = nuclei.Z, nuclei.N
    X = nuclear.liquid_drop_terms(Z, N)
    c = np.exp(-np.hypot(np.subtract.outer(Z, Z), np.subtract.outer(N, N)) / 5)
    pseudo = np.linalg.pinv(X)
    ratio = np.sqrt(np.diag(pseudo @ c @ pseudo.T) / np.diag(pseudo @ pseudo.T))
    verify.agree(ratio[:4], np.full(4, 8.0), rtol=0.15)
    verify.refutes(ratio[1:], np.full(4, 8.0), why="for the pairing as well")
    verify.at_most(ratio[4], 1.0)
    verify.refutes(ratio[3], 1.0, why="for the asymmetry")


# What the drop knows.


@pytest.mark.verifies(
    "eq-nuclear-masses-linear-parabola",
    "eq-nuclear-masses-linear-valley",
    routes=("sympy", "a search on the mass of dlmath's drop"),
)
def test_valley(verify):
    """In symbols the mass is the parabola; a parabola through dlmath's masses has its bottom."""
    Z, A, aa, ac, D = sympy.symbols("Z A a_a a_c Delta", positive=True)
    third = A ** sympy.Rational(1, 3)

    def mass(Z):
        N = A - Z
        return -Z * D + ac * Z * (Z - 1) / third + aa * (N - Z) ** 2 / A

    bottom = A / 2 * (1 + (D + ac / third) / (4 * aa)) / (1 + ac / (4 * aa) * third**2)
    steepness = ac / third + 4 * aa / A
    (found,) = sympy.solve(sympy.diff(mass(Z), Z), Z)
    verify.identical(found, bottom)
    wrong = A / 2 * (1 - (D + ac / third) / (4 * aa)) / (1 + ac / (4 * aa) * third**2)
    verify.refutes(found, wrong, why="sign of the neutron's surplus")
    wrong = A / 2 * (1 + D / (4 * aa)) / (1 + ac / (4 * aa) * third**2)
    verify.refutes(found, wrong, why="Z^2 for Z(Z-1)")
    wrong = A / 2 * (1 + (D + ac / third) / (4 * aa)) / (1 + ac / (2 * aa) * third**2)
    verify.refutes(found, wrong, why="factor 2")
    above = sympy.expand(mass(Z) - mass(bottom))
    verify.identical(above, sympy.expand(steepness * (Z - bottom) ** 2))
    verify.refutes(above, sympy.expand(2 * steepness * (Z - bottom) ** 2), why="factor 2 in front")
    wrong = sympy.expand((ac / third + aa / A) * (Z - bottom) ** 2)
    verify.refutes(above, wrong, why="(N - Z)^2 with one quarter")

    a = np.array([15.6, 17.3, 0.7, 22.9, 0.0])
    surplus, numbers, bottoms, curvatures = 0.782, (40, 121, 208), [], []
    for number in numbers:
        z = np.arange(number // 3, number // 2)
        energies = -z * surplus - nuclear.liquid_drop_terms(z, number - z) @ a
        curvature, slope, _ = np.polyfit(z - z.mean(), energies, 2)
        bottoms.append(z.mean() - slope / (2 * curvature))
        curvatures.append(curvature)
    values = [{A: n, aa: 22.9, ac: 0.7, D: surplus} for n in numbers]
    verify.agree(bottoms, [float(bottom.subs(v)) for v in values], rtol=1e-13)
    verify.refutes(bottoms, [float(bottom.subs(v | {D: 0})) for v in values], why="no surplus")
    verify.agree(curvatures, [float(steepness.subs(v)) for v in values], rtol=1e-12)
    verify.refutes(
        curvatures, [float(steepness.subs(v | {ac: 0})) for v in values], why="no Coulomb energy"
    )
    # With a_a < 0 the condition fails: a top and no bottom.
    verify.at_most(0.0, float(steepness.subs(values[0])))
    verify.refutes(0.0, float(steepness.subs(values[0] | {aa: -22.9})), why="a_a negative")


@pytest.mark.verifies("eq-nuclear-masses-linear-peak", routes=("sympy", "dlmath's columns"))
def test_peak(verify):
    """The formula is the drop with N = Z; a search finds its top at 2 a_s/a_c."""
    A, av, a_s, ac = sympy.symbols("A a_v a_s a_c", positive=True)
    third = sympy.Rational(1, 3)
    per_nucleon = (av * A - a_s * A ** (2 * third) - ac * (A / 2) ** 2 / A**third) / A
    text = av - a_s * A**-third - ac / 4 * A ** (2 * third)
    verify.identical(per_nucleon, text)
    verify.refutes(per_nucleon, av - a_s * A**-third - ac / 2 * A ** (2 * third), why="factor 2")
    verify.refutes(per_nucleon, av + a_s * A**-third - ac / 4 * A ** (2 * third), why="sign")
    slope = sympy.diff(text, A)
    stated = a_s / 3 * A ** (-4 * third) - ac / 6 * A**-third
    verify.identical(slope, stated)
    verify.refutes(slope, stated + ac / 12 * A**-third, why="1/12 for 1/6")
    top = 2 * a_s / ac
    zero = sympy.zeros(1, 1)
    verify.identical(sympy.Matrix([slope.subs(A, top)]), zero)
    verify.refutes(sympy.Matrix([slope.subs(A, top / 2)]), zero, why="factor 2 at the top")
    verify.refutes(sympy.Matrix([slope.subs(A, 2 * ac / a_s)]), zero, why="inverted")

    z = np.arange(8, 60)
    columns = nuclear.liquid_drop_terms(z, z)
    # Z(Z-1) in the column, Z^2 in the formula.
    energies = columns[:, :3] @ [15.6, 17.3, 0.7] - 0.7 * z / np.cbrt(2 * z)
    at = {av: 15.6, a_s: 17.3, ac: 0.7}
    curve = sympy.lambdify(A, text.subs(at))(2.0 * z)
    verify.agree(energies / (2 * z), curve, rtol=1e-14)
    verify.refutes(columns[:, :3] @ [15.6, 17.3, 0.7] / (2 * z), curve, why="Z(Z-1) for Z^2")
    search = optimize.minimize_scalar(
        lambda n: -15.6 + 17.3 * n ** (-1 / 3) + 0.7 / 4 * n ** (2 / 3), bounds=(10, 200)
    )
    verify.agree(search.x, float(top.subs(at)), rtol=1e-7)
    verify.refutes(search.x, 17.3 / 0.7, why="factor 2, by search")


@pytest.mark.verifies(
    "eq-nuclear-masses-linear-separation",
    "eq-nuclear-masses-linear-gap",
    routes=("differences of mass excesses", "dlmath.nuclear", "the table, looked up"),
)
def test_separation_energies(verify, masses, nuclei):
    """Masses before and after say what a neutron costs; gaps are second differences."""
    D = dict(
        zip(
            zip(nuclei.Z.tolist(), nuclei.N.tolist(), strict=True),
            nuclei.mass_excess.tolist(),
            strict=True,
        )
    )
    D_n = masses.mass_excess[nuclear.nuclide_index(masses, 0, 1)]
    Z, N, B = nuclei.Z, nuclei.N, nuclei.binding_energy
    functions = {1: nuclear.neutron_separation_energy, 2: nuclear.two_neutron_separation_energy}
    for number, function in functions.items():
        by_function = function(Z, N, B)
        has = np.isfinite(by_function)
        by_mass = [D[z, n - number] + number * D_n - D[z, n] for z, n in D if (z, n - number) in D]
        verify.agree(by_function[has], by_mass, atol=1e-11)
        verify.refutes(-by_function[has], by_mass, why="sign")
        verify.refutes(by_function[has] + D_n, by_mass, why="one neutron more")

    at = dict(zip(D, B.tolist(), strict=True))
    S = dict(zip(D, nuclear.two_neutron_separation_energy(Z, N, B).tolist(), strict=True))
    inner = [(z, n) for z, n in D if (z, n - 2) in D and (z, n + 2) in D]
    first = [S[z, n] - S[z, n + 2] for z, n in inner]
    second = [2 * at[z, n] - at[z, n - 2] - at[z, n + 2] for z, n in inner]
    verify.agree(first, second, atol=1e-11)
    verify.refutes(np.negative(first), second, why="sign of the gap")
    verify.refutes(np.array(first) / 2, second, why="factor 2")
    # The closed shells of tin-132 and lead-208 against the median of all gaps.
    gaps = dict(zip(inner, first, strict=True))
    verify.at_most([3 * np.median(first)] * 2, [gaps[50, 82], gaps[82, 126]])
    verify.refutes([3 * np.median(first)] * 2, [gaps[50, 70], gaps[82, 118]], why="open shells")


@pytest.mark.verifies(
    "eq-nuclear-masses-linear-promiscuity",
    "eq-nuclear-masses-linear-extended",
    routes=("counting in integers", "high precision", "dlmath.nuclear"),
)
def test_extended_drop(verify, nuclei):
    """Steps to a closed shell are counted one by one; all seven further terms are dlmath's."""
    magic = {2, 8, 20, 28, 50, 82, 126, 184}

    def steps(number):
        return next(k for k in range(200) if number - k in magic or number + k in magic)

    Z, N = nuclei.Z[::7], nuclei.N[::7]
    nu_p, nu_n = np.array([steps(z) for z in Z]), np.array([steps(n) for n in N])
    verify.agree(nuclear.valence_numbers(Z, N), [nu_p, nu_n])
    verify.refutes(nuclear.valence_numbers(N, Z), [nu_p, nu_n], why="Z and N exchanged")
    P = [
        float(Fraction(int(p * n), int(p + n))) if p + n else 0.0
        for p, n in zip(nu_p, nu_n, strict=True)
    ]
    verify.agree(nuclear.promiscuity(Z, N), P, rtol=1e-15)
    verify.refutes(2 * nuclear.promiscuity(Z, N), P, why="harmonic mean, factor 2")
    verify.refutes(nu_p * nu_n, P, why="product only")
    # Mean number of partners: each bond joins two of the nu_p + nu_n, counted from one side.
    bonds = [sum(1 for _ in itertools.product(range(p), range(n))) for p, n in ((4, 6), (3, 3))]
    verify.agree([bonds[0] / 10, bonds[1] / 6], [4 * 6 / 10, 9 / 6], rtol=1e-15)
    verify.refutes([2 * bonds[0] / 10, 2 * bonds[1] / 6], [4 * 6 / 10, 9 / 6], why="both ends")
    verify.agree(nuclear.promiscuity([82, 50], [126, 82]), np.zeros(2))
    verify.refutes(nuclear.promiscuity([84, 52], [128, 84]), np.zeros(2), why="open shells")

    mpmath.mp.dps = 30
    names = dict(sa=0.9, w=30.0, x=1.3, cu=2.1, b1=0.2, b2=0.7, b3=0.05)
    five = [15.6, 17.3, 0.7, 22.9, 12.4]

    def formula(z, n, p, q, P, flip="", exchange=4, wigner=1, **a):
        a = names | a
        number, w = mpmath.mpf(z + n), abs(n - z)
        third = mpmath.cbrt(number)
        terms = {
            "sa": a["sa"] * w**2 / third**4,
            "w": -a["w"] * w / number**wigner,
            "x": a["x"] * mpmath.cbrt(z) ** exchange / third,
            "cu": a["cu"] * third,
            "b1": -a["b1"] * (p + q),
            "b2": -a["b2"] * P,
            "b3": a["b3"] * P**2,
        }
        return float(sum(-t if name == flip else t for name, t in terms.items()))

    def energies(**wrong):
        rows = zip(Z.tolist(), N.tolist(), nu_p.tolist(), nu_n.tolist(), P, strict=True)
        return [formula(*row, **wrong) for row in rows]

    terms = nuclear.extended_liquid_drop_terms(Z, N)
    by_dlmath = terms[:, 5:] @ list(names.values())
    verify.agree(by_dlmath, energies(), rtol=1e-14, atol=1e-14)
    verify.refutes(by_dlmath, energies(flip="sa"), why="sign of the surface asymmetry")
    verify.refutes(by_dlmath, energies(flip="w"), why="sign of the Wigner term")
    verify.refutes(by_dlmath, energies(flip="x"), why="sign of the exchange")
    verify.refutes(by_dlmath, energies(flip="cu"), why="sign of the curvature")
    verify.refutes(by_dlmath, energies(flip="b1"), why="sign of the valence nucleons")
    verify.refutes(by_dlmath, energies(flip="b2"), why="sign of P")
    verify.refutes(by_dlmath, energies(flip="b3"), why="sign of P^2")
    verify.refutes(by_dlmath, energies(exchange=6), why="Z^2 in the exchange")
    verify.refutes(by_dlmath, energies(wigner=0), why="Wigner term not divided by A")
    verify.agree(terms[:, :5] @ five, nuclear.liquid_drop_terms(Z, N) @ five, rtol=1e-14)
    verify.refutes(terms[:, 5:10] @ five, nuclear.liquid_drop_terms(Z, N) @ five, why="others")

    # All twelve coefficients come out positive, and 1.3 MeV remain.
    X = nuclear.extended_liquid_drop_terms(nuclei.Z, nuclei.N)
    size = np.linalg.norm(X, axis=0)
    theta = np.linalg.lstsq(X / size, nuclei.binding_energy, rcond=None)[0] / size
    verify.at_most(np.zeros(12), theta)
    verify.refutes(np.zeros(12), -theta, why="all coefficients negative")
    error = np.sqrt(np.mean((nuclei.binding_energy - X @ theta) ** 2))
    verify.agree(error, 1.3, atol=0.05)
    short = np.linalg.lstsq(X[:, :9], nuclei.binding_energy, rcond=None)[0]
    without = np.sqrt(np.mean((nuclei.binding_energy - X[:, :9] @ short) ** 2))
    verify.refutes(without, 1.3, why="without the terms of the shells")


# Duflo and Zuker, nuclide by nuclide, from the text alone.


def levels():
    """List the sub-shells j_0, r_0, j_1, r_1, ... with their places."""
    return [(name, q, (q + 1) * (2 if name == "j" else q)) for q in range(9) for name in "jr"]


def fill(number, lifted):
    """Fill the sub-shells in turn and lift some of the last one's nucleons into the next."""
    held, left, last = {}, number, None
    for place, (name, q, size) in enumerate(levels()):
        held[name, q] = min(left, size)
        left -= held[name, q]
        if held[name, q]:
            last = place
    (name, q, _), (after, r, _) = levels()[last], levels()[last + 1]
    in_last = held[name, q]
    held[name, q] -= lifted
    held[after, r] += lifted
    return held, name, q, in_last


def kind(number, lifted, square=2, spread=1.5):
    """Return M, S, T, Q, Q' and q of the neutrons or protons of a nucleus."""
    held, name, q, in_last = fill(number, lifted)
    a = [(held["j", p] + held["r", p]) / ((p + 1) * (p + 2)) ** 0.5 for p in range(9)]
    b = [p / 2 * held["j", p] - held["r", p] for p in range(9)]
    S = sum(
        b[p] / ((p + 1) * (p + 2)) ** spread * ((1 + a[p]) * p**2 + (1 - a[p]) * (4 * p - 5))
        for p in range(9)
    )
    if name == "j":  # The shell is r_(q-1) and j_q, of which r_(q-1) is full.
        places, taken, staying = q * (q + 1) + 2, q * (q - 1) + in_last, q * (q - 1) + in_last
    else:
        places, taken, staying = (q + 1) * (q + 2) + 2, in_last, in_last - lifted
    free = places - taken
    T = taken * free * (taken - free) / places
    prime = staying * (places - 4 - staying) / places**1.5
    return sum(a) ** square, S, T, taken * free / places, prime, q


def duflo_zuker(Z, N, deformed, pairing=1, **wrong):
    """Spell the ten columns of one nuclide out."""
    A, w = Z + N, abs(N - Z)
    zeta = (N - Z) / A
    Rc = A ** (1 / 3) * (1 - zeta**2 / 4)
    Ra = Rc**2 / A ** (1 / 3)
    p, n = (kind(number, 4 if deformed else 0, **wrong) for number in (Z, N))
    if Z % 2 == N % 2:
        delta = (2 - w / A, w / A)[Z % 2]
    else:
        delta = 1 if (Z % 2 == 1) == (Z > N) else 1 - w / A
    x = Z * (Z - 1)
    T = 0 if deformed else p[2] + n[2]
    return [
        (-x + 0.76 * x ** (2 / 3)) / Rc,
        (p[0] + n[0] + p[1] + n[1]) / Ra,
        -(p[0] + n[0]) / Ra**2,
        -w * (w + 2) / (A ** (2 / 3) * Ra),
        w * (w + 2) / (A ** (2 / 3) * Ra**2) - w * (w - 1) / (A * Ra**4),
        T / Ra,
        -T / Ra**2,
        0 if deformed else p[3] * n[3] * 2 ** (p[5] ** 0.5 + n[5] ** 0.5) / Ra,
        p[4] * n[4] / Ra if deformed else 0,
        delta**pairing / Ra,
    ]


@pytest.mark.verifies(
    "eq-nuclear-masses-linear-dz-master",
    "eq-nuclear-masses-linear-dz-quadrupole",
    "eq-nuclear-masses-linear-dz-terms",
    routes=("the text's sums, nuclide by nuclide", "dlmath.nuclear.duflo_zuker_terms", "the data"),
)
def test_duflo_zuker(verify, nuclei):
    """The text's sums are dlmath's columns, and published coefficients miss 2003 by 0.561 MeV."""
    some = slice(None, None, 5)
    pairs = list(zip(nuclei.Z[some].tolist(), nuclei.N[some].tolist(), strict=True))
    for deformed in (False, True):
        columns = nuclear.duflo_zuker_terms(nuclei.Z[some], nuclei.N[some], deformed)
        spelt = [duflo_zuker(z, n, deformed) for z, n in pairs]
        verify.agree(columns, spelt, rtol=1e-13, atol=1e-14)
        other = [duflo_zuker(z, n, not deformed) for z, n in pairs]
        verify.refutes(columns, other, why="the other shape")
        swapped = [duflo_zuker(n, z, deformed) for z, n in pairs]
        verify.refutes(columns, swapped, why="neutrons and protons exchanged")
        wrong = [duflo_zuker(z, n, deformed, square=1) for z, n in pairs]
        verify.refutes(columns, wrong, why="M not squared")
        wrong = [duflo_zuker(z, n, deformed, spread=1.0) for z, n in pairs]
        verify.refutes(columns, wrong, why="Omega for Omega^(3/2)")
        wrong = [duflo_zuker(z, n, deformed, pairing=2) for z, n in pairs]
        verify.refutes(columns, wrong, why="another pairing")

    # Shells: where r_q and the next j end, and nothing of the quadrupole is left.
    ends = np.cumsum([size for *_, size in levels()])[2::2][:6]
    verify.agree(ends, [6, 14, 28, 50, 82, 126])
    verify.refutes(np.cumsum([s for *_, s in levels()])[1::2][:6], [6, 14, 28, 50, 82, 126],
                   why="shells of the oscillator")  # fmt: skip
    closed = [kind(int(end), 0)[2:4] for end in ends]
    verify.agree(closed, np.zeros((6, 2)), atol=1e-12)
    verify.refutes([kind(int(end) + 2, 0)[2:4] for end in ends], np.zeros((6, 2)), why="open")
    # b_q: zero for a full oscillator shell.
    full = np.array([kind(n, 0)[1] for n in (2, 8, 20, 40, 70, 112)])
    verify.agree(full, np.zeros(6), atol=1e-12)
    half = np.array([kind(n, 0)[1] for n in (6, 14, 28, 50, 82, 126)])
    verify.refutes(half, np.zeros(6), why="where j_q is full")
    # M for N = Z is about 0.86 A^(4/3), at the closed shells of a very large nucleus.
    q = np.arange(2000)
    number = np.sum((q + 1) * (q + 2.0))
    master = 2 * np.sum(np.sqrt((q + 1) * (q + 2.0))) ** 2 / (2 * number) ** (4 / 3)
    verify.agree(master, 0.86, atol=0.005)
    verify.refutes(2 * master, 0.86, why="factor 2")

    # The formula as published against the masses of 2003.
    then = nuclear.from_oxygen(load_nuclear_masses(edition=2003))
    a = nuclear.DUFLO_ZUKER_COEFFICIENTS

    def energy(z, n):
        shapes = [False, True] if z > 50 else [False]
        return max(np.dot(duflo_zuker(z, n, shape), a) for shape in shapes)

    rows = zip(then.Z.tolist(), then.N.tolist(), strict=True)
    error = then.binding_energy - [energy(z, n) for z, n in rows]
    verify.agree(np.sqrt(np.mean(error**2)), 0.561, atol=5e-4)
    rows = zip(then.Z.tolist(), then.N.tolist(), strict=True)
    spherical = then.binding_energy - [np.dot(duflo_zuker(z, n, False), a) for z, n in rows]
    verify.refutes(np.sqrt(np.mean(spherical**2)), 0.561, why="all nuclei spherical")


@pytest.mark.verifies(
    "eq-nuclear-masses-linear-dz-choice",
    routes=("the larger of two energies, nuclide by nuclide", "dlmath.nuclear.DufloZuker"),
)
def test_choice_of_the_shape(verify, nuclei):
    """Above fifty protons a prediction is the larger of two energies, else the spherical one."""
    Z, N, B = nuclei.Z, nuclei.N, nuclei.binding_energy
    model = nuclear.DufloZuker(choice="alternating").fit(np.column_stack([Z, N]), B)
    some = np.concatenate([np.arange(5, len(Z), 9), np.flatnonzero((Z == 50) | (Z == 51))])
    predicted = model.predict(np.column_stack([Z, N])[some])

    def larger(first=51, choose=max):
        rows = zip(Z[some].tolist(), N[some].tolist(), strict=True)
        shapes = [(z, n, (False, True) if z >= first else (False,)) for z, n in rows]
        return [
            choose(np.dot(duflo_zuker(z, n, shape), model.coef_) for shape in possible)
            for z, n, possible in shapes
        ]

    verify.agree(predicted, larger(), rtol=1e-13)
    verify.refutes(predicted, larger(choose=min), why="the smaller energy")
    verify.refutes(predicted, larger(first=200), why="always spherical")
    verify.refutes(predicted, larger(first=20), why="lighter nuclei deformed")


@pytest.mark.verifies(
    "eq-nuclear-masses-linear-alternating",
    routes=("the costs before and after, step by step", "scipy's search from the end of the walk"),
)
def test_alternating_choice_and_fit(verify, nuclei):
    """Fits never raise the cost, a choice may; walks are periodic, and one ends in a minimum."""
    Z, N, y = nuclei.Z, nuclei.N, nuclei.binding_energy
    X = [nuclear.duflo_zuker_terms(Z, N, shape) for shape in (False, True)]

    def gamma(theta):
        return (Z > 50) & (X[1] @ theta > X[0] @ theta)

    def F(theta, choice):
        return np.mean((y - np.where(choice, X[1] @ theta, X[0] @ theta)) ** 2)

    def fit(choice):
        return np.linalg.lstsq(np.where(choice[:, None], X[1], X[0]), y, rcond=None)[0]

    starts = [Z > 50, gamma(nuclear.DUFLO_ZUKER_COEFFICIENTS), np.zeros(len(Z), dtype=bool)]
    raised, periods = [], []
    for choice in starts:
        theta, seen = nuclear.DUFLO_ZUKER_COEFFICIENTS, []
        while not any(np.array_equal(choice, old) for old in seen):
            seen.append(choice)
            before, theta = F(theta, choice), fit(choice)
            verify.at_most(F(theta, choice), before, atol=1e-12)
            verify.refutes(F(1.001 * theta, choice), F(theta, choice), why="another theta")
            choice, old = gamma(theta), choice
            raised.append(F(theta, choice) - F(theta, old))
            # Where the prediction rises, the error falls if and only if y is above the mean.
            new, former = (np.where(c, X[1] @ theta, X[0] @ theta) for c in (choice, old))
            rises = new > former
            if rises.any():
                falls = (y - new)[rises] ** 2 < (y - former)[rises] ** 2
                above = y[rises] > (new + former)[rises] / 2
                verify.agree(falls.astype(float), above.astype(float))
                verify.refutes(1.0 - falls, above.astype(float), why="if and only if below")
        periods.append(len(seen) - next(i for i, c in enumerate(seen) if np.array_equal(c, choice)))
        if len(periods) == 1:
            end, final = theta, choice
    verify.agree(periods, [1, 1, 2])
    verify.refutes(periods, [1, 1, 1], why="every walk stops")
    verify.at_most([1e-6], [max(raised)])
    verify.refutes([1e-6], [min(raised)], why="a choice always raises the cost")

    # The end of the first walk: no step in any direction lowers C.
    scale = 1e-7 * np.abs(end)
    C = F(end, gamma(end))
    steps = np.vstack([np.eye(10), -np.eye(10)])
    around = [F(end + scale * e, gamma(end + scale * e)) for e in steps]
    verify.at_most(np.full(20, C), around, atol=1e-13)
    elsewhere = fit(starts[0])
    slope = [F(elsewhere + 1e-4 * e * np.abs(elsewhere), final) for e in steps]
    verify.refutes(np.full(20, F(elsewhere, final)), slope, why="the first fit")


# Polynomials.


@pytest.mark.verifies(
    "eq-nuclear-masses-linear-polynomial",
    routes=("monomials by numpy's lstsq", "counting", "dlmath.nuclear.PolynomialMass"),
)
def test_polynomial(verify, nuclei):
    """All monomials up to the degree span the same functions, and their number is p."""
    rng = np.random.default_rng(3)
    rows = rng.integers(8, 40, (120, 2))
    y = rng.normal(size=120)
    new = rng.integers(5, 45, (10, 2))

    def monomials(points, m, total=True):
        points = points / 20 - 1
        powers = [(i, j) for i in range(m + 1) for j in range(m + 1) if i + j <= m or not total]
        return np.column_stack([points[:, 0] ** i * points[:, 1] ** j for i, j in powers])

    for m in (1, 2, 4):
        p = (m + 1) * (m + 2) // 2
        verify.agree([monomials(rows, m).shape[1]], [p])
        verify.refutes([monomials(rows, m, total=False).shape[1]], [p], why="each degree up to m")
        verify.refutes([m * (m + 1) // 2], [p], why="degree below m")
        model = nuclear.PolynomialMass(degree=m, lam=1e-14).fit(rows, y)
        verify.agree([len(model.coef_) + 1], [p])
        verify.refutes([len(model.coef_)], [p], why="without the constant")
        theta = np.linalg.lstsq(monomials(rows, m), y, rcond=None)[0]
        verify.agree(model.predict(new), monomials(new, m) @ theta, rtol=1e-11, atol=1e-12)
        fewer = np.linalg.lstsq(monomials(rows, m - 1), y, rcond=None)[0]
        verify.refutes(model.predict(new), monomials(new, m - 1) @ fewer, why="a degree less")
        # The features, with T_i = cos(i arccos).
        lower, upper = rows.min(axis=0), rows.max(axis=0)
        angles = np.arccos(np.clip(2 * (rows - lower) / (upper - lower) - 1, -1, 1))
        values = model.ridge_.intercept_ + sum(
            c * np.cos(i * angles[:, 0]) * np.cos(j * angles[:, 1])
            for c, (i, j) in zip(model.coef_, model.powers_, strict=True)
        )
        verify.agree(model.predict(rows), values, atol=1e-14)
        swapped = model.ridge_.intercept_ + sum(
            c * np.cos(j * angles[:, 0]) * np.cos(i * angles[:, 1])
            for c, (i, j) in zip(model.coef_, model.powers_, strict=True)
        )
        verify.refutes(model.predict(rows), swapped, why="Z and N exchanged")


@pytest.mark.verifies(
    "eq-nuclear-masses-linear-chebyshev",
    routes=("linear programming", "the recursion", "hyperbolic cosine"),
)
def test_growth_of_polynomials(verify):
    """Linear programming finds no polynomial that is larger outside than T_m, and finds T_m."""
    grid = np.cos(np.linspace(0, np.pi, 721))
    for m in (1, 3, 6):
        for x in (1.0, 1.05, 1.4, -1.2):
            features = np.polynomial.chebyshev.chebvander(grid, m)
            at = np.polynomial.chebyshev.chebvander(np.array([x]), m)[0]
            best = optimize.linprog(
                -at,
                A_ub=np.vstack([features, -features]),
                b_ub=np.full(2 * len(grid), 2.5),
                bounds=(None, None),
            )
            recursion = [1.0, x]
            for _ in range(m - 1):
                recursion.append(2 * x * recursion[-1] - recursion[-2])
            verify.agree(-best.fun, 2.5 * abs(recursion[m]), rtol=1e-11)
            verify.refutes(-best.fun, abs(recursion[m]), why="without M")
            verify.refutes(-best.fun, 2 * 2.5 * abs(recursion[m]), why="factor 2")
            closed = np.cosh(m * np.arccosh(abs(x)))
            verify.agree(abs(recursion[m]), closed, rtol=1e-14)
            verify.refutes(abs(recursion[m]), np.cosh(m * abs(x)), why="x for arcosh x")
    # Close to the end: the slope m^2, and cosh(m sqrt(2 eps)).
    m, step = 7, 1e-6
    slope = (np.cosh(m * np.arccosh(1 + step)) - 1) / step
    verify.agree([slope, np.cosh(m * np.sqrt(2e-6))], [m**2, np.cosh(m * np.arccosh(1 + step))],
                 rtol=1e-4)  # fmt: skip
    verify.refutes([slope, np.cosh(m * np.sqrt(2e-6))], [m, 1.0], why="slope m")
    # Without the bound on the whole interval the theorem fails: small at the nodes only.
    nodes = np.cos((np.arange(3) + 0.5) * np.pi / 3)
    f = np.poly1d(5 * np.poly(nodes))
    verify.at_most(np.abs(f(nodes)).max(), 1.0)
    verify.at_most(abs(2 * 1.5**2 - 1), np.cosh(2 * np.arccosh(1.5)), atol=1e-12)
    verify.refutes(abs(f(1.5)), np.cosh(3 * np.arccosh(1.5)), why="bounded at three points only")


@pytest.mark.verifies(
    "eq-nuclear-masses-linear-leverage",
    "eq-nuclear-masses-linear-leverage-growth",
    "eq-nuclear-masses-linear-ridge-leverage",
    routes=("a search over theta", "all signs of the errors", "exact fractions", "SVD"),
)
def test_leverage(verify):
    """The largest ratio, the variance from all signs and the matrices agree; bounds hold."""
    rng = np.random.default_rng(4)
    n, m = 9, 3
    z = np.linspace(-1, 1, n) * np.array([1.0, 0.9, 1, 1, 1, 1, 1, 0.8, 1])
    X = np.column_stack([z**k for k in range(m + 1)])
    new = np.array([1.5**k for k in range(m + 1)])
    A = sympy.Matrix([[sympy.Rational(float(v)) for v in row] for row in X])
    x = sympy.Matrix([sympy.Rational(float(v)) for v in new])
    h = float((x.T * (A.T * A).LUsolve(x))[0])
    search = optimize.minimize(
        lambda t: -((new @ t) ** 2) / np.sum((X @ t) ** 2), rng.normal(size=m + 1), tol=1e-14
    )
    verify.agree(-search.fun, h, rtol=1e-10)
    verify.refutes(-search.fun * n, h, why="factor n")
    verify.refutes(np.sqrt(-search.fun), h, why="not squared")
    verify.refutes(new @ X.T @ X @ new, h, why="not inverted")
    estimates = signs(n) @ np.linalg.pinv(X).T @ new
    verify.agree(np.mean(estimates**2), h, rtol=1e-13)
    verify.refutes(np.mean(np.abs(estimates)), h, why="mean size of the error")

    chebyshev = np.cos(m * np.arccos(np.clip(z, -1, 1)))
    bounds = np.array([np.cosh(m * np.arccosh(1.5)) ** 2 / np.sum(chebyshev**2), 0])
    bounds[1] = np.cosh(m * np.arccosh(1.5)) ** 2 / n
    verify.at_most([bounds[0], bounds[1]], [h, bounds[0]])
    verify.refutes([n * bounds[0], bounds[1]], [h, bounds[0]], why="factor n in the bound")
    line = X[:, :2]
    of_line = new[:2] @ np.linalg.solve(line.T @ line, new[:2])
    verify.refutes([bounds[0], bounds[1]], [of_line, bounds[0]], why="no cubic polynomials")
    beyond = np.column_stack([(2 * z) ** k for k in range(m + 1)])
    wide = new @ np.linalg.solve(beyond.T @ beyond, new)
    verify.refutes([bounds[0], bounds[1]], [wide, bounds[0]], why="data outside of [-1, 1]")

    lam, s = 0.02, 0.6
    ridge = np.linalg.solve(X.T @ X + n * lam * np.eye(m + 1), X.T)
    variance = np.mean((s * signs(n) @ ridge.T @ new) ** 2)
    _, d, Vt = np.linalg.svd(X, full_matrices=False)

    def formula(shift=n * lam, power=2):
        return s**2 * np.sum((d / (d**2 + shift)) ** power * (Vt @ new) ** 2)

    verify.agree(variance, formula(), rtol=1e-13)
    verify.refutes(variance, formula(shift=lam), why="factor n beside lambda")
    verify.refutes(variance, formula(power=1), why="filter not squared")
    verify.refutes(variance, s**2 * h, why="no penalty")
    verify.refutes(variance, formula() / s, why="s for its square")
    verify.at_most(variance / s**2, h)
    verify.refutes(formula(shift=-lam) / s**2, h, why="negative penalty")


# How far can you trust it?


@pytest.mark.verifies(
    "eq-nuclear-masses-linear-rms", routes=("exact fractions", "scikit-learn", "numpy")
)
def test_rms(verify):
    """The root of the mean square, by fractions and by scikit-learn, over the test set only."""
    B = [Fraction(v) for v in (100, 205, 311, 398, 512)]
    B_hat = [Fraction(v) for v in (101, 203, 315, 398, 508)]
    mean = sum((u - v) ** 2 for u, v in zip(B, B_hat, strict=True)) / len(B)
    y, f = np.array(B, dtype=float), np.array(B_hat, dtype=float)
    theirs = metrics.root_mean_squared_error(y, f)
    verify.agree(np.sqrt(np.mean((y - f) ** 2)), float(mean) ** 0.5, rtol=1e-15)
    verify.refutes(np.mean((y - f) ** 2), float(mean) ** 0.5, why="without the root")
    verify.agree(theirs, float(mean) ** 0.5, rtol=1e-15)
    verify.refutes(np.std(y - f), float(mean) ** 0.5, why="mean error taken off")
    verify.refutes(np.mean(np.abs(y - f)), float(mean) ** 0.5, why="mean size of the error")
    verify.refutes(np.sqrt(np.sum((y - f) ** 2)), float(mean) ** 0.5, why="factor n")


@pytest.mark.verifies(
    "eq-nuclear-masses-linear-copy", routes=("sympy", "all signs of two errors", "a search")
)
def test_copying(verify):
    """Two correlated errors from all signs leave s^2 (1 - c^2), and no other copy leaves less."""
    c, s, b = sympy.symbols("c s b", real=True)
    remains = sympy.expand(s**2 - 2 * b * c * s**2 + b**2 * s**2)
    (best,) = sympy.solve(sympy.diff(remains, b), b)
    verify.identical(remains.subs(b, best), s**2 * (1 - c**2))
    verify.refutes(remains.subs(b, best), s**2 * (1 - c), why="c for its square")
    verify.refutes(remains.subs(b, 1), s**2 * (1 - c**2), why="copied in full")

    value, size = 0.94, 3.1
    first = size * signs(2)[:, 0]
    second = value * first + size * np.sqrt(1 - value**2) * signs(2)[:, 1]
    left = np.mean((first - value * second) ** 2)
    verify.agree(left, size**2 * (1 - value**2), rtol=1e-14)
    verify.refutes(np.mean((first - second) ** 2), size**2 * (1 - value**2), why="whole copy")
    verify.refutes(np.mean((first + value * second) ** 2), size**2 * (1 - value**2), why="sign")
    search = optimize.minimize_scalar(lambda t: np.mean((first - t * second) ** 2))
    verify.agree([search.x, np.sqrt(left)], [value, 1.06], rtol=5e-3)
    verify.refutes([1.0, np.sqrt(left)], [value, 1.06], why="copied in full, by search")
