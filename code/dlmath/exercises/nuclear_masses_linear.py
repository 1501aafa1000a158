"""Checkers for the exercises of the chapter on nuclear masses by linear models."""

from collections.abc import Callable

import numpy as np

from dlmath.exercises.framework import Arguments, exercise

Array = np.ndarray


def _nuclides(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    """Draw numbers of protons and neutrons, all four pairs of parities among them."""
    Z = rng.integers(8, 100, size=n)
    N = Z + rng.integers(1, 50, size=n)
    Z[:4], N[:4] = Z[0] + [0, 0, 1, 1], N[0] + [0, 1, 0, 1]
    return Z, N


# masses-binding-energy


def _mass_table(rng: np.random.Generator) -> Arguments:
    Z, N = _nuclides(rng, int(rng.integers(6, 12)))
    return {
        "Z": Z,
        "N": N,
        "excess": rng.uniform(-90e3, 90e3, size=len(Z)),
        "hydrogen": rng.uniform(7200, 7400),
        "neutron": rng.uniform(8000, 8150),
    }


@exercise("masses-binding-energy", _mass_table, returns="the binding energy per nucleon")
def masses_binding_energy(
    Z: Array, N: Array, excess: Array, hydrogen: float, neutron: float
) -> Array:
    """Energy missing from the atom, per nucleon, from keV to MeV."""
    return (Z * hydrogen + N * neutron - excess) / (Z + N) / 1000


@masses_binding_energy.mistake(
    "This is the binding energy of the whole nucleus in MeV. Divide by the number of nucleons."
)
def _binding_whole(Z: Array, N: Array, excess: Array, hydrogen: float, neutron: float) -> Array:
    return (Z * hydrogen + N * neutron - excess) / 1000


@masses_binding_energy.mistake("The mass excesses are in keV; the answer should be in MeV.")
def _binding_in_keV(Z: Array, N: Array, excess: Array, hydrogen: float, neutron: float) -> Array:
    return (Z * hydrogen + N * neutron - excess) / (Z + N)


@masses_binding_energy.mistake(
    "The sign is wrong: a bound atom is lighter than its parts, and the binding energy is "
    "positive. Its own mass excess is subtracted from those of the parts."
)
def _binding_negative(Z: Array, N: Array, excess: Array, hydrogen: float, neutron: float) -> Array:
    return (excess - Z * hydrogen - N * neutron) / (Z + N) / 1000


@masses_binding_energy.mistake(
    "The atom's mass excess is added. What is missing is the masses of the parts less that of "
    "the whole."
)
def _binding_added(Z: Array, N: Array, excess: Array, hydrogen: float, neutron: float) -> Array:
    return (Z * hydrogen + N * neutron + excess) / (Z + N) / 1000


@masses_binding_energy.mistake(
    "Hydrogen and neutron are exchanged: the Z protons come as hydrogen atoms, electrons included."
)
def _binding_exchanged(Z: Array, N: Array, excess: Array, hydrogen: float, neutron: float) -> Array:
    return (Z * neutron + N * hydrogen - excess) / (Z + N) / 1000


@masses_binding_energy.mistake(
    "This is the mass excess per nucleon, with a minus sign. It measures from carbon-12; the "
    "binding energy measures from Z hydrogen atoms and N neutrons."
)
def _binding_from_carbon(
    Z: Array, N: Array, excess: Array, hydrogen: float, neutron: float
) -> Array:
    return -excess / (Z + N) / 1000


# masses-liquid-drop


def _chart(rng: np.random.Generator) -> Arguments:
    Z, N = _nuclides(rng, int(rng.integers(6, 12)))
    return {"Z": Z, "N": N}


def _drop(
    Z: Array,
    N: Array,
    pairs: Array | None = None,
    signs: tuple[int, ...] = (1, -1, -1, -1, 1),
    surface: float = 2 / 3,
    asymmetry: float = 1,
    parity: Array | None = None,
    pairing: float = 1 / 2,
) -> Array:
    """Return the five columns, each in the form that is asked for or in a mistaken one."""
    A = Z + N
    pairs = Z * (Z - 1) if pairs is None else pairs
    parity = 1 - Z % 2 - N % 2 if parity is None else parity
    columns = [
        A,
        A**surface,
        pairs / np.cbrt(A),
        (N - Z) ** 2 / A**asymmetry,
        parity / A**pairing,
    ]
    return np.column_stack(columns) * signs


@exercise("masses-liquid-drop", _chart, returns="the design matrix")
def masses_liquid_drop(Z: Array, N: Array) -> Array:
    """Volume, surface, Coulomb, asymmetry and pairing, with the signs of the formula."""
    return _drop(Z, N)


@masses_liquid_drop.mistake(
    "Surface, Coulomb energy and asymmetry lower the binding energy: with the signs of the "
    "formula these three columns are negative."
)
def _drop_without_signs(Z: Array, N: Array) -> Array:
    return _drop(Z, N, signs=(1, 1, 1, 1, 1))


@masses_liquid_drop.mistake(
    "The Coulomb column has Z^2, which lets each proton repel itself: Z (Z - 1) / 2 are the pairs."
)
def _drop_self_repulsion(Z: Array, N: Array) -> Array:
    return _drop(Z, N, pairs=Z**2)


@masses_liquid_drop.mistake(
    "The Coulomb column has the number of pairs, Z (Z - 1) / 2. In the formula the 1/2 belongs to "
    "the coefficient: the column is Z (Z - 1) / A^(1/3)."
)
def _drop_half_the_coulomb(Z: Array, N: Array) -> Array:
    return _drop(Z, N, pairs=Z * (Z - 1) / 2)


@masses_liquid_drop.mistake(
    "The surface grows like the square of the radius, which grows like A^(1/3): the column is "
    "A^(2/3), not A^(1/3)."
)
def _drop_radius(Z: Array, N: Array) -> Array:
    return _drop(Z, N, surface=1 / 3)


@masses_liquid_drop.mistake(
    "The pairing is positive where Z and N are odd. Even numbers are paired: +1 where both are "
    "even, -1 where both are odd."
)
def _drop_pairing_reversed(Z: Array, N: Array) -> Array:
    return _drop(Z, N, signs=(1, -1, -1, -1, -1))


@masses_liquid_drop.mistake(
    "The pairing depends on the parity of A alone, so that it cannot tell nuclei with even Z and "
    "N from those with odd ones."
)
def _drop_parity_of_A(Z: Array, N: Array) -> Array:
    return _drop(Z, N, parity=1 - (Z + N) % 2)


@masses_liquid_drop.mistake(
    "The pairing is +2 or -2 where both numbers are even or odd: the 1/2 in front of "
    "(-1)^Z + (-1)^N is missing."
)
def _drop_pairing_twice(Z: Array, N: Array) -> Array:
    return _drop(Z, N, parity=2 * (1 - Z % 2 - N % 2))


@masses_liquid_drop.mistake("The pairing column should be divided by the root of A.")
def _drop_pairing_undivided(Z: Array, N: Array) -> Array:
    return _drop(Z, N, pairing=0)


@masses_liquid_drop.mistake("The asymmetry column should be divided by A, not by A^2.")
def _drop_asymmetry_squared(Z: Array, N: Array) -> Array:
    return _drop(Z, N, asymmetry=2)


@masses_liquid_drop.mistake("The asymmetry column should be divided by A.")
def _drop_asymmetry_undivided(Z: Array, N: Array) -> Array:
    return _drop(Z, N, asymmetry=0)


# masses-network


def _network(rng: np.random.Generator) -> Arguments:
    """Draw a chain of masses that begins at the reference, and more links between them."""
    k = int(rng.integers(3, 6))
    chain = np.column_stack([np.arange(k), np.arange(k) - 1])
    more = np.array([(i, j) for i in range(k) for j in range(-1, i - 1)])
    # The last mass has a link to the reference too, always.
    more = np.vstack([[k - 1, -1], rng.permutation(more[:-1])[: int(rng.integers(1, len(more)))]])
    swapped = (rng.uniform(size=len(more)) < 0.5) & (more[:, 1] >= 0)
    more[swapped] = more[swapped][:, ::-1]
    links = np.vstack([chain, more])
    masses = rng.uniform(-5, 5, size=k + 1)
    masses[-1] = 0.0
    s = rng.uniform(0.1, 1.0, size=len(links))
    values = masses[links[:, 0]] - masses[links[:, 1]] + s * rng.normal(size=len(links))
    return {"links": links, "values": values, "s": s}


def _design(links: Array, second: float = -1.0) -> Array:
    """Return a row with 1 at the first mass and `second` at the second, if that is a mass."""
    # The reference, -1, is a last column that is taken off again.
    rows = np.zeros((len(links), links.max() + 2))
    places = np.arange(len(links))
    rows[places, links[:, 0]] = 1.0
    rows[places, links[:, 1]] = second
    return rows[:, :-1]


def _adjusted(design: Array, values: Array, w: Array) -> tuple[Array, Array]:
    covariance = np.linalg.inv(design.T @ (w[:, None] * design))
    return covariance @ design.T @ (w * values), covariance


@exercise("masses-network", _network, returns=("the masses", "their covariance matrix"))
def masses_network(links: Array, values: Array, s: Array) -> tuple[Array, Array]:
    """Weighted least squares on a design of differences."""
    return _adjusted(_design(links), values, 1 / s**2)


@masses_network.mistake(
    "The rows of the design matrix have +1 twice: m_i - m_j needs a -1 at j. Sums of masses have "
    "been adjusted."
)
def _network_of_sums(links: Array, values: Array, s: Array) -> tuple[Array, Array]:
    return _adjusted(_design(links, 1.0), values, 1 / s**2)


@masses_network.mistake(
    "All links have the same weight here. Their errors s are known: the weights are 1/s^2."
)
def _network_unweighted(links: Array, values: Array, s: Array) -> tuple[Array, Array]:
    return _adjusted(_design(links), values, np.ones_like(s))


@masses_network.mistake("The weights here are 1/s. The chi^2 to be minimised has 1/s^2.")
def _network_root_weights(links: Array, values: Array, s: Array) -> tuple[Array, Array]:
    return _adjusted(_design(links), values, 1 / s)


@masses_network.mistake(
    "j = -1 is not a mass but the reference. As an index of an array -1 is the last element, so "
    "the -1 of these rows has gone to the last mass."
)
def _network_last_mass(links: Array, values: Array, s: Array) -> tuple[Array, Array]:
    rows = np.zeros((len(links), links.max() + 1))
    places = np.arange(len(links))
    rows[places, links[:, 0]] = 1.0
    rows[places, links[:, 1]] = -1.0
    return _adjusted(rows, values, 1 / s**2)


@masses_network.mistake(
    "The masses are right; their covariance is scaled by chi^2 per degree of freedom. The s are "
    "known, so it is (X^T W X)^{-1} as it stands."
)
def _network_rescaled(links: Array, values: Array, s: Array) -> tuple[Array, Array]:
    masses, covariance = masses_network.reference(links, values, s)
    residuals = (values - _design(links) @ masses) / s
    return masses, residuals @ residuals / (len(values) - len(masses)) * covariance


@masses_network.mistake("The masses are right, and the covariance is that of links of error 1.")
def _network_unit_errors(links: Array, values: Array, s: Array) -> tuple[Array, Array]:
    design = _design(links)
    return masses_network.reference(links, values, s)[0], np.linalg.inv(design.T @ design)


@masses_network.mistake("The masses are right, and the inverse is missing: this is X^T W X.")
def _network_not_inverted(links: Array, values: Array, s: Array) -> tuple[Array, Array]:
    masses, covariance = masses_network.reference(links, values, s)
    return masses, np.linalg.inv(covariance)


# masses-leverage


def _design_and_new_rows(rng: np.random.Generator) -> Arguments:
    n, p = int(rng.integers(12, 30)), int(rng.integers(2, 6))
    X = rng.normal(size=(n, p)) * rng.uniform(0.5, 3, size=p) + 0.3
    return {"X": X, "X_new": 3 * rng.normal(size=(int(rng.integers(4, 9)), p))}


@exercise("masses-leverage", _design_and_new_rows, returns="the leverages")
def masses_leverage(X: Array, X_new: Array) -> Array:
    """Squared length of the new rows in the metric of the data."""
    return np.sum(X_new @ np.linalg.inv(X.T @ X) * X_new, axis=1)


@masses_leverage.mistake(
    "This is x^T (X^T X) x: the inverse is missing. Where there are many data, X^T X is large and "
    "the leverage is small."
)
def _leverage_not_inverted(X: Array, X_new: Array) -> Array:
    return np.sum(X_new @ (X.T @ X) * X_new, axis=1)


@masses_leverage.mistake(
    "This is the root of the leverage: the standard error in units of s. The leverage is the "
    "variance."
)
def _leverage_root(X: Array, X_new: Array) -> Array:
    return np.sqrt(masses_leverage.reference(X, X_new))


@masses_leverage.mistake(
    "This is 1 + h(x), the variance of a new observation. The leverage is the variance of the fit "
    "alone."
)
def _leverage_of_observation(X: Array, X_new: Array) -> Array:
    return 1 + masses_leverage.reference(X, X_new)


@masses_leverage.mistake(
    "The new rows have been divided by their own X_new^T X_new. The matrix in the middle belongs "
    "to the data that were fitted, X."
)
def _leverage_of_new(X: Array, X_new: Array) -> Array:
    return np.sum(X_new @ np.linalg.pinv(X_new.T @ X_new) * X_new, axis=1)


@masses_leverage.mistake(
    "X has been centred, and the exercise takes its columns as they are: an intercept would be one "
    "of them."
)
def _leverage_centred(X: Array, X_new: Array) -> Array:
    centred, new = X - X.mean(axis=0), X_new - X.mean(axis=0)
    return np.sum(new @ np.linalg.inv(centred.T @ centred) * new, axis=1)


@masses_leverage.mistake("These are x^T (X^T X / n)^{-1} x, too large by the factor n.")
def _leverage_with_mean(X: Array, X_new: Array) -> Array:
    return len(X) * masses_leverage.reference(X, X_new)


# masses-alternating

Rule = Callable[[Array, Array, Array], Array]


def _bind_more(spherical: Array, deformed: Array, y: Array) -> Array:
    return deformed > spherical


def _walk(
    X_s: Array, X_d: Array, y: Array, deformed: Array, steps: int, rule: Rule = _bind_more
) -> tuple[Array, Array]:
    """Fit and choose in turns; return the last coefficients and the last choice."""
    theta = np.zeros(X_s.shape[1])
    for _ in range(steps):
        theta = np.linalg.lstsq(np.where(deformed[:, None], X_d, X_s), y, rcond=None)[0]
        deformed = rule(X_s @ theta, X_d @ theta, y)
    return theta, deformed


def _two_shapes(rng: np.random.Generator) -> Arguments:
    """Draw a problem on which the choice still changes after the last of the steps."""
    while True:
        n, p, steps = int(rng.integers(40, 60)), 4, int(rng.integers(2, 4))
        X_s = rng.normal(size=(n, p))
        X_d = X_s + rng.normal(size=(n, p))
        theta = rng.uniform(1, 3, size=p)
        y = np.maximum(X_s @ theta, X_d @ theta) + 0.3 * rng.normal(size=n)
        start = rng.uniform(size=n) < 0.5
        last, next_one = (_walk(X_s, X_d, y, start, k)[1] for k in (steps, steps + 1))
        if not np.array_equal(last, next_one):
            return {"X_s": X_s, "X_d": X_d, "y": y, "deformed": start, "steps": steps}


@exercise("masses-alternating", _two_shapes, returns=("theta", "the choice"))
def masses_alternating(
    X_s: Array, X_d: Array, y: Array, deformed: Array, steps: int
) -> tuple[Array, Array]:
    """Fit with the choice, choose with the fit."""
    return _walk(X_s, X_d, y, deformed, steps)


@masses_alternating.mistake(
    "This is one fit and one choice. Fit again with the new choice, `steps` times in all."
)
def _alternating_once(
    X_s: Array, X_d: Array, y: Array, deformed: Array, steps: int
) -> tuple[Array, Array]:
    return _walk(X_s, X_d, y, deformed, 1)


@masses_alternating.mistake(
    "The choice takes the smaller of the two energies. A nucleus has the shape that binds it more "
    "strongly: the larger one."
)
def _alternating_weaker(
    X_s: Array, X_d: Array, y: Array, deformed: Array, steps: int
) -> tuple[Array, Array]:
    return _walk(X_s, X_d, y, deformed, steps, lambda s, d, y: d < s)


@masses_alternating.mistake(
    "The choice takes the shape whose prediction is nearer to y. That lowers the cost at every "
    "step, and it cannot be done for a nucleus that is not measured: choose the larger energy."
)
def _alternating_nearer(
    X_s: Array, X_d: Array, y: Array, deformed: Array, steps: int
) -> tuple[Array, Array]:
    return _walk(X_s, X_d, y, deformed, steps, lambda s, d, y: np.abs(y - d) < np.abs(y - s))


@masses_alternating.mistake(
    "The rows are exchanged: where `deformed` is True the fit takes the row of X_d."
)
def _alternating_exchanged(
    X_s: Array, X_d: Array, y: Array, deformed: Array, steps: int
) -> tuple[Array, Array]:
    theta, spherical = _walk(X_d, X_s, y, deformed, steps, lambda d, s, y: d > s)
    return theta, spherical


@masses_alternating.mistake(
    "theta has been fitted once more after the last choice. Each step is a fit and then a choice, "
    "and nothing comes after the last one."
)
def _alternating_fit_again(
    X_s: Array, X_d: Array, y: Array, deformed: Array, steps: int
) -> tuple[Array, Array]:
    theta, _ = _walk(X_s, X_d, y, deformed, steps + 1)
    return theta, _walk(X_s, X_d, y, deformed, steps)[1]


@masses_alternating.mistake(
    "theta is right. The choice is that of the fit before: choose once more, with the last theta."
)
def _alternating_old_choice(
    X_s: Array, X_d: Array, y: Array, deformed: Array, steps: int
) -> tuple[Array, Array]:
    theta, _ = _walk(X_s, X_d, y, deformed, steps)
    return theta, _walk(X_s, X_d, y, deformed, steps - 1)[1]


@masses_alternating.mistake(
    "theta is right, and True stands for spherical in the choice: it should mean deformed."
)
def _alternating_spherical(
    X_s: Array, X_d: Array, y: Array, deformed: Array, steps: int
) -> tuple[Array, Array]:
    theta, choice = _walk(X_s, X_d, y, deformed, steps)
    return theta, ~choice
