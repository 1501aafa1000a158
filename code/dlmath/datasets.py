"""Real data, test functions and simulated configurations.

The tables are small CSV files in the folder ``data`` of the project; its ``README.md`` says where
each comes from, under which licence, and which script rebuilds it. A loader compares the file's
SHA-256 with the one written here before it reads a number. To load the files from another folder,
set the environment variable ``DLMATH_DATA`` to its path.
"""

import csv
import hashlib
import io
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn import datasets as _bundled
from sklearn.model_selection import train_test_split
from sklearn.utils import Bunch

from dlmath._checks import check_count
from dlmath.densities import eight_gaussians
from dlmath.ising import metropolis, wolff
from dlmath.ising._lattice import Spins, check_size, check_temperatures

__all__ = [
    "franke",
    "load_alpha_decays",
    "load_digit_baselines",
    "load_digits",
    "load_images",
    "load_mass_predictions",
    "load_mass_results",
    "load_nuclear_masses",
    "load_particle_masses",
    "make_eight_gaussians",
    "make_swiss_roll",
    "make_two_moons",
    "simulate_ising",
]

EDITIONS = (2003, 2012, 2016, 2020)

SHA256 = {
    "alpha_decays.csv": "dd960956c3e3cc59689f1365ae62af400c275aa3e41c7387070074bedf71ec95",
    "digit_baselines.json": "5e52ab99e06da5e36bda97af6fe8b8e27b1e159d68fe5ce9c75a12eb42cb72cc",
    "fashion_images.npz": "d7316b255b2def010aa41cf412ca498188d2ad939811db2384b87ee5a44d503b",
    "nuclear_masses.csv": "ddefa954f774ad91e8d1c066e8010756c342719c7c9fc2e2fa9e56b830bda9f4",
    "nuclear_networks.csv": "21fd71801a00bef2ccad3d097176a30aa06c3c62435bce37a160133dd36c90b8",
    "nuclear_networks.json": "a63d23b290c830027badfd8acc77e40022d14ae6dd47740af07b649c0b2e22ac",
    "particle_masses.csv": "2ab0cf6b73fe9d82eb5ca276e184373e2e54c9119ef61e45ff401600ab22cd40",
}
SCRIPTS = {
    "alpha_decays.csv": "data/build_nuclear_masses.py",
    "digit_baselines.json": "data/train_digits_baselines.py",
    "fashion_images.npz": "data/build_images.py",
    "nuclear_masses.csv": "data/build_nuclear_masses.py",
    "nuclear_networks.csv": "data/train_nuclear_networks.py",
    "nuclear_networks.json": "data/train_nuclear_networks.py",
    "particle_masses.csv": "data/build_particle_masses.py",
}

_AME_NUBASE = """\
Source: AME2020 (W.J. Huang, M. Wang, F.G. Kondev, G. Audi, S. Naimi, Chinese Physics C 45 (2021)
030002; M. Wang, W.J. Huang, F.G. Kondev, G. Audi, S. Naimi, Chinese Physics C 45 (2021) 030003),
its predecessors of 2003, 2012 and 2016, and NUBASE2020 (F.G. Kondev, M. Wang, W.J. Huang,
S. Naimi, G. Audi, Chinese Physics C 45 (2021) 030001). data/README.md has all references."""


_PDG = """\
Source: Particle Data Group, Review of Particle Physics, edition of 2026, as distributed in the
Python package particle 1.1.0 (E. Rodrigues and H. Schreiner, BSD 3-Clause). data/README.md has
all references."""

GARMENTS = (
    "T-shirt",
    "trousers",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "trainer",
    "bag",
    "ankle boot",
)
_FASHION = """\
Source: Fashion-MNIST (H. Xiao, K. Rasul, R. Vollgraf, arXiv:1708.07747, 2017), copyright 2017
Zalando SE, MIT licence; 4,800 of its pictures in 32 levels of grey. data/README.md says how they
were chosen."""


def _data_folder() -> Path:
    """Return the folder of the tables: DLMATH_DATA, the package's, or the source tree's."""
    if "DLMATH_DATA" in os.environ:
        return Path(os.environ["DLMATH_DATA"])
    packaged = Path(__file__).resolve().parent / "data"
    # A checkout without symbolic links (Windows) has a text file in the place of the folder.
    return packaged if packaged.is_dir() else Path(__file__).resolve().parents[2] / "data"


def _read_bytes(name: str) -> bytes:
    """Read a file after comparing its checksum."""
    path = _data_folder() / name
    remedy = (
        f"Rebuild it with 'python {SCRIPTS[name]}' in the project's folder, or set the environment "
        "variable DLMATH_DATA to the folder that holds it."
    )
    if not path.is_file():
        raise FileNotFoundError(
            f"The data file {path} is missing (expected SHA-256 {SHA256[name]}). {remedy}"
        )
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256[name]:
        raise ValueError(
            f"The data file {path} is not the one expected: "
            f"expected SHA-256 {SHA256[name]}, found {found}. {remedy}"
        )
    return content


def _read(name: str) -> str:
    """Read a text after comparing the checksum of its file."""
    return _read_bytes(name).decode()


def _read_table(name: str) -> dict[str, NDArray[np.str_]]:
    """Read a checked table as one array of strings per column."""
    header, *rows = csv.reader(io.StringIO(_read(name)))
    return dict(zip(header, np.array(rows).T, strict=True))


def _floats(column: NDArray[np.str_]) -> NDArray[np.float64]:
    """Convert a column to numbers; an empty field becomes NaN."""
    return np.where(column == "", "nan", column).astype(float)


def load_nuclear_masses(measured_only: bool = True, edition: int = 2020) -> Bunch:
    """Load the masses of atomic nuclei from the Atomic Mass Evaluation (AME).

    The binding energy of the nuclide with Z protons and N neutrons is computed from the mass
    excesses D of the same edition, B = Z D(H) + N D(n) - D(Z, N). It is the energy of the neutral
    *atom*, so it contains the binding of the electrons.

    Parameters
    ----------
    measured_only : bool, default=True
        Leave out the values that the evaluation estimates from the trends of neighbouring nuclei.
    edition : {2003, 2012, 2016, 2020}, default=2020
        The edition whose values to load. Training on an earlier edition and testing on what has
        been measured since is an honest test of a mass model.

    Returns
    -------
    nuclei : sklearn.utils.Bunch
        Arrays of shape (n_nuclides,), ordered by mass number and charge:

        Z, N, A : int
            Numbers of protons, neutrons and nucleons.
        element : str
            Symbol of the element; ``n`` for the neutron.
        binding_energy, binding_energy_uncertainty : float
            Total binding energy and its standard uncertainty, MeV.
        mass_excess, mass_excess_uncertainty : float
            Mass excess of the atom, D = (M - A u) c^2, and its standard uncertainty, MeV.
        measured : bool
            False where the mass is estimated.
        half_life, half_life_uncertainty : float
            Half-life of the ground state from NUBASE2020 (in every edition), seconds; ``inf``
            where stable, NaN where unknown.
        half_life_flag : str
            Empty for a measured half-life, ``#`` estimated, ``<``, ``>`` or ``~`` a limit or an
            approximate value, ``stable``, ``unbound`` or ``unknown``.
        spin_parity : str
            Spin and parity as in NUBASE2020: parentheses mark weak arguments, ``#`` systematics,
            ``*`` a direct measurement.

        and ``edition`` (int) and ``DESCR`` (str).

    Raises
    ------
    ValueError
        If the edition is unknown or the file's checksum is wrong.
    FileNotFoundError
        If the file is missing.

    Notes
    -----
    The uncertainties of B combine those of the three mass excesses as if they were independent.
    The evaluation is a network adjustment, and the errors of neighbouring nuclides correlate.

    Examples
    --------
    >>> from dlmath.datasets import load_nuclear_masses
    >>> nuclei = load_nuclear_masses()
    >>> lead = (nuclei.Z == 82) & (nuclei.N == 126)
    >>> print(f"{nuclei.binding_energy[lead].item():.3f} MeV")
    1636.430 MeV
    """
    if edition not in EDITIONS:
        raise ValueError(f"edition={edition!r} is unknown; the editions are {EDITIONS}.")
    table = _read_table("nuclear_masses.csv")
    present = table[f"mass_excess_{edition}"] != ""
    table = {name: column[present] for name, column in table.items()}
    Z, N = table["Z"].astype(int), table["N"].astype(int)
    excess = _floats(table[f"mass_excess_{edition}"]) / 1e3
    uncertainty = _floats(table[f"mass_excess_uncertainty_{edition}"]) / 1e3
    neutron = (Z == 0) & (N == 1)
    hydrogen = (Z == 1) & (N == 0)
    # The neutron and the hydrogen atom are their own references: their B is zero by definition.
    reference = neutron | hydrogen
    variance = uncertainty**2 + (Z * uncertainty[hydrogen]) ** 2 + (N * uncertainty[neutron]) ** 2
    columns = {
        "Z": Z,
        "N": N,
        "A": table["A"].astype(int),
        "element": table["element"],
        "binding_energy": Z * excess[hydrogen] + N * excess[neutron] - excess,
        "binding_energy_uncertainty": np.where(reference, 0.0, np.sqrt(variance)),
        "mass_excess": excess,
        "mass_excess_uncertainty": uncertainty,
        "measured": table[f"estimated_{edition}"] == "0",
        "half_life": _floats(table["half_life"]),
        "half_life_uncertainty": _floats(table["half_life_uncertainty"]),
        "half_life_flag": table["half_life_flag"],
        "spin_parity": table["spin_parity"],
    }
    if measured_only:
        measured = columns["measured"]
        columns = {name: column[measured] for name, column in columns.items()}
    description = f"Nuclear masses, Atomic Mass Evaluation of {edition}.\n\n{_AME_NUBASE}"
    return Bunch(**columns, edition=edition, DESCR=description)


def load_alpha_decays(measured_only: bool = True) -> Bunch:
    """Load the alpha decays of nuclear ground states.

    The partial half-life is the half-life divided by the share of the decays that go by alpha
    emission, T_alpha = T / b: the half-life the nucleus would have if it had no other way to decay.

    Parameters
    ----------
    measured_only : bool, default=True
        Keep only the nuclides whose decay energy, half-life and alpha branch are all measured, the
        half-life with an uncertainty, and the branch with an uncertainty or as 100 % without a
        competing mode. Otherwise limits, estimates and approximate values come as well, and the
        flags tell which.

    Returns
    -------
    decays : sklearn.utils.Bunch
        Arrays of shape (n_nuclides,), ordered by mass number and charge of the parent:

        Z, N, A : int
            Numbers of protons, neutrons and nucleons of the parent; the daughter has Z - 2.
        element : str
            Symbol of the parent's element.
        Q, Q_uncertainty : float
            Energy released between the ground states of the neutral atoms, MeV, from AME2020
            with the evaluation's own uncertainty, which knows how the two masses correlate.
        half_life, half_life_uncertainty : float
            Half-life from NUBASE2020, seconds.
        branch, branch_uncertainty : float
            Share of alpha decays, between 0 and 1, from NUBASE2020.
        partial_half_life, partial_half_life_uncertainty : float
            T_alpha and its standard uncertainty to first order, seconds.
        Q_measured : bool
            False where the energy is estimated. It may be measured though neither mass is.
        half_life_flag : str
            Empty if measured; ``#``, ``<``, ``>``, ``~`` for an estimate, limits, approximate.
        branch_flag : str
            ``=`` if measured; ``#``, ``<``, ``>``, ``~`` for an estimate, limits, approximate.
        spin_parity : str
            Spin and parity of the parent as in NUBASE2020.
        even_even : bool
            Whether Z and N are both even.

        and ``DESCR`` (str).

    Raises
    ------
    ValueError
        If the file's checksum is wrong.
    FileNotFoundError
        If the file is missing.

    Notes
    -----
    Q belongs to the transition between the ground states, the partial half-life to all alpha
    transitions together. In even-even nuclei most decays go to the ground state; where spin or
    parity change, the favoured transition may lead to an excited state with less energy.

    Uncertainties of the half-lives are symmetric: the evaluators of NUBASE2020 have made
    asymmetric ones so. The first-order uncertainty of T_alpha is rough where it is not small
    against T_alpha.

    The unbound nuclide 8Be (82 as), which falls into two alpha particles, is in the table; all
    other emitters have Z >= 52.

    Examples
    --------
    >>> from dlmath.datasets import load_alpha_decays
    >>> decays = load_alpha_decays()
    >>> thorium = (decays.Z == 90) & (decays.N == 142)
    >>> print(f"{decays.Q[thorium].item():.3f} MeV, {decays.half_life[thorium].item():.2e} s")
    4.082 MeV, 4.42e+17 s
    """
    table = _read_table("alpha_decays.csv")
    names = ("half_life", "half_life_uncertainty", "branch", "branch_uncertainty")
    columns = {
        **{name: table[name].astype(int) for name in ("Z", "N", "A")},
        "element": table["element"],
        "Q": _floats(table["Q"]) / 1e3,
        "Q_uncertainty": _floats(table["Q_uncertainty"]) / 1e3,
        "Q_measured": table["Q_estimated"] == "0",
        **{name: _floats(table[name]) for name in names},
        **{name: table[name] for name in ("half_life_flag", "branch_flag", "spin_parity")},
    }
    time, time_error, branch, branch_error = (columns[name] for name in names)
    partial = time / branch
    columns["partial_half_life"] = partial
    columns["partial_half_life_uncertainty"] = partial * np.hypot(
        time_error / time, branch_error / branch
    )
    columns["even_even"] = (columns["Z"] % 2 == 0) & (columns["N"] % 2 == 0)
    if measured_only:
        measured = (
            columns["Q_measured"]
            & (columns["half_life_flag"] == "")
            & (columns["branch_flag"] == "=")
        )
        columns = {name: column[measured] for name, column in columns.items()}
    return Bunch(**columns, DESCR=f"Alpha decays of nuclear ground states.\n\n{_AME_NUBASE}")


def load_mass_predictions() -> Bunch:
    """Load what networks and Gaussian processes have predicted for nuclides held out.

    Made by ``data/train_nuclear_networks.py`` (``make train``).

    Returns
    -------
    predictions : sklearn.utils.Bunch
        Arrays of shape (n_predictions,):

        split : str
            ``random 1``, ``since 2016``, ``since 2003`` or ``edges``, as the splits of
            `dlmath.nuclear` are named.
        Z, N : int
            The nuclide.

        and dictionaries with such an array, in MeV, for each model:

        error : dict of str to ndarray
            Measured minus predicted binding energy.
        spread : dict of str to ndarray
            What the model says of its error: the spread of an ensemble, the standard deviation of
            a process, for boosted trees the root mean square error in training.

    Raises
    ------
    ValueError
        If the file's checksum is wrong.
    FileNotFoundError
        If the file is missing.
    """
    table = _read_table("nuclear_networks.csv")
    models = [name.removeprefix("error ") for name in table if name.startswith("error ")]
    return Bunch(
        split=table["split"],
        **{name: table[name].astype(int) for name in ("Z", "N")},
        error={name: _floats(table[f"error {name}"]) for name in models},
        spread={name: _floats(table[f"spread {name}"]) for name in models},
        DESCR=f"Predictions for nuclides held out, made by a script from:\n\n{_AME_NUBASE}",
    )


def load_mass_results() -> Bunch:
    """Load the errors and coverages of mass models that take minutes to train.

    Made by ``data/train_nuclear_networks.py`` (``make train``).

    Returns
    -------
    sklearn.utils.Bunch
        ``made``: when, in how many seconds of one core, with which versions. ``table``: for each
        model and split ``train`` and ``test``, root mean square errors in MeV, ``seconds`` and for
        some ``coverage`` at each of ``made["levels"]``. ``calibration``: for each model and split
        under ``judged`` coverage and mean half-width in MeV at each level, from the model's own
        bars (``raw``), from a random calibration set (``conformal``) and from one at the edges
        (``edges``); under ``scores`` the sorted errors in units of
        the bars. And ``DESCR`` (str).

    Raises
    ------
    ValueError
        If the file's checksum is wrong.
    FileNotFoundError
        If the file is missing.
    """
    description = f"Errors and coverages of mass models, made by a script from:\n\n{_AME_NUBASE}"
    return Bunch(**json.loads(_read("nuclear_networks.json")), DESCR=description)


def load_particle_masses() -> Bunch:
    """Load the masses of light hadrons: multiplets of SU(3) and Regge trajectories.

    Returns
    -------
    particles : sklearn.utils.Bunch
        Arrays of shape (n_particles,), multiplet by multiplet:

        pdgid : int
            Number of the particle in the scheme of the Particle Data Group.
        name, latex : str
            Name with the charge, in plain text and in LaTeX.
        multiplet : str
            ``baryon octet``, ``baryon decuplet``, ``pseudoscalar mesons``, ``vector mesons``,
            ``tensor mesons``, ``mesons with J = 3``, ``mesons with J = 4``, ``excited baryons``.
        trajectory : str
            Family of particles whose J grows along a line with the squared mass: ``rho, a``,
            ``omega, f``, ``phi, f'``, ``K*``, ``N``, ``N*``, ``Delta``, ``Lambda``,
            ``Sigma(1385)``; empty for the others. One charge state stands for each multiplet.
        J, isospin : float
            Spin and isospin.
        P, charge, strangeness : int
            Parity, charge in units of e, strangeness (+1 for K+, -1 for Lambda).
        quarks : str
            Quark content; a capital letter is an antiquark.
        mass, mass_upper, mass_lower : float
            Mass and its uncertainties upwards and downwards, MeV.
        mass_uncertainty : float
            Mean of the two, MeV.
        width, width_upper, width_lower : float
            Width and its uncertainties, MeV; NaN where there is none (K0 is no state of one
            lifetime), 0 for the proton.

        and ``DESCR`` (str).

    Raises
    ------
    ValueError
        If the file's checksum is wrong.
    FileNotFoundError
        If the file is missing.

    Notes
    -----
    Of a particle and its antiparticle only one is listed. Where the charge states of a multiplet
    are not told apart, as in Delta(1232), their rows repeat one measured number. The uncertainties
    of broad resonances are estimates that reflect the spread between analyses.

    Examples
    --------
    >>> from dlmath.datasets import load_particle_masses
    >>> particles = load_particle_masses()
    >>> particles.name[particles.multiplet == "baryon octet"].tolist()
    ['p', 'n', 'Lambda', 'Sigma+', 'Sigma0', 'Sigma-', 'Xi0', 'Xi-']
    """
    table = _read_table("particle_masses.csv")
    integers = ("pdgid", "P", "charge", "strangeness")
    texts = ("name", "latex", "multiplet", "trajectory", "quarks")
    numbers = {name: _floats(table[name]) for name in table.keys() - {*integers, *texts}}
    columns = {
        **{name: table[name] for name in texts},
        **{name: table[name].astype(int) for name in integers},
        **numbers,
    }
    columns["mass_uncertainty"] = (columns["mass_upper"] + columns["mass_lower"]) / 2
    return Bunch(**columns, DESCR=f"Masses of light hadrons.\n\n{_PDG}")


def franke(x: ArrayLike, y: ArrayLike) -> NDArray[np.float64]:
    """Evaluate Franke's function, two hills, a dip and a slope on the unit square.

    ::

        f(x, y) =  3/4 exp(-(9x - 2)^2 / 4  - (9y - 2)^2 / 4)
                 + 3/4 exp(-(9x + 1)^2 / 49 - (9y + 1) / 10)
                 + 1/2 exp(-(9x - 7)^2 / 4  - (9y - 3)^2 / 4)
                 - 1/5 exp(-(9x - 4)^2      - (9y - 7)^2)

    Parameters
    ----------
    x, y : array-like
        Coordinates, usually in [0, 1]; their shapes must broadcast. NaN gives NaN.

    Returns
    -------
    f : ndarray
        The values, of the common shape of x and y.

    Raises
    ------
    ValueError
        If x or y is not numeric, or if their shapes do not broadcast.

    References
    ----------
    R. Franke, A critical comparison of some methods for interpolation of scattered data,
    Technical Report NPS-53-79-003, Naval Postgraduate School, Monterey, 1979.
    """
    coordinates = []
    for name, value in (("x", x), ("y", y)):
        try:
            coordinates.append(np.asarray(value, dtype=float))
        except (TypeError, ValueError) as error:
            raise ValueError(f"{name} must be an array of real numbers: {error}") from error
    u, v = (9 * coordinate for coordinate in coordinates)
    try:
        np.broadcast_shapes(u.shape, v.shape)
    except ValueError as error:
        raise ValueError(
            f"x and y must have shapes that broadcast, got {u.shape} and {v.shape}."
        ) from error
    return (
        0.75 * np.exp(-((u - 2) ** 2) / 4 - (v - 2) ** 2 / 4)
        + 0.75 * np.exp(-((u + 1) ** 2) / 49 - (v + 1) / 10)
        + 0.5 * np.exp(-((u - 7) ** 2) / 4 - (v - 3) ** 2 / 4)
        - 0.2 * np.exp(-((u - 4) ** 2) - (v - 7) ** 2)
    )


def load_digits() -> Bunch:
    """Load the handwritten digits of scikit-learn in two halves, one to train and one to judge.

    1797 pictures of 8 by 8 pixels in 17 levels of grey. The halves have the same share of each
    digit and never change; what is chosen (hyperparameters, when to stop) is chosen on the first.

    Returns
    -------
    digits : Bunch
        ``train``, int64 of shape (898, 64), and ``test``, of shape (899, 64): rows of pixels from 0
        (paper) to 16 (ink); ``train_labels`` and ``test_labels``: the digits 0 to 9; ``levels``:
        17.

    References
    ----------
    E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning
    Repository, 1998; the copy of its test set that scikit-learn ships.

    Examples
    --------
    >>> from dlmath.datasets import load_digits
    >>> digits = load_digits()
    >>> digits.train.shape, digits.test.shape, int(digits.train.max())
    ((898, 64), (899, 64), 16)
    """
    X, y = _bundled.load_digits(return_X_y=True)
    train, test, train_labels, test_labels = train_test_split(
        X.astype(np.int64), y, test_size=0.5, stratify=y, random_state=0
    )
    return Bunch(
        train=train, test=test, train_labels=train_labels, test_labels=test_labels, levels=17
    )


def load_images() -> Bunch:
    """Load small pictures of clothes, shoes and bags: a part of Fashion-MNIST.

    4,800 of the 70,000 pictures of 28 by 28 pixels, rounded from 256 to 32 levels of grey. Each of
    the ten classes is there equally often, and the rows go through the classes in turn.

    Returns
    -------
    images : Bunch
        ``train``, int64 of shape (3800, 784), and ``test``, of shape (1000, 784): rows of pixels
        from 0 (background) to 31; ``train_labels`` and ``test_labels``: 0 to 9; ``names``: what
        the labels stand for; ``levels``: 32; ``DESCR``.

    Raises
    ------
    ValueError
        If the file's checksum is wrong.
    FileNotFoundError
        If the file is missing.

    References
    ----------
    H. Xiao, K. Rasul, R. Vollgraf, Fashion-MNIST: a novel image dataset for benchmarking machine
    learning algorithms, arXiv:1708.07747, 2017.

    Examples
    --------
    >>> from dlmath.datasets import load_images
    >>> images = load_images()
    >>> images.train.shape, images.test.shape, images.names[images.test_labels[9]]
    ((3800, 784), (1000, 784), 'ankle boot')
    """
    with np.load(io.BytesIO(_read_bytes("fashion_images.npz")), allow_pickle=False) as file:
        # The file holds differences down the columns, modulo 256.
        pixels = {name: np.cumsum(file[name], axis=1, dtype=np.uint8) for name in file.files}
    rows = {name: array.reshape(len(array), -1).astype(np.int64) for name, array in pixels.items()}
    labels = {f"{name}_labels": np.arange(len(array)) % 10 for name, array in rows.items()}
    return Bunch(**rows, **labels, names=list(GARMENTS), levels=32, DESCR=_FASHION)


def load_digit_baselines() -> Bunch:
    """Load what models without networks get from the judge of digits.

    Made by ``data/train_digits_baselines.py`` (``make train``); the measures are those of
    `dlmath.generative.judge_digits`.

    Returns
    -------
    baselines : Bunch
        ``table``: for each model its measures, and ``nats`` and ``nats_train``, the mean negative
        log-probability of a picture of the test and of the training half (an upper bound, by
        dequantisation, for models of real numbers). ``widths``: the same for copies of the
        training half with noise of several widths. ``copies``: exact copies. ``samples``: for each
        model ten pictures. ``made``: seconds and versions. And ``DESCR`` (str).

    Raises
    ------
    ValueError
        If the file's checksum is wrong.
    FileNotFoundError
        If the file is missing.
    """
    description = (
        "Measures of models of digits without networks.\n\nThe digits are those of scikit-learn: "
        "E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine "
        "Learning Repository, 1998."
    )
    return Bunch(**json.loads(_read("digit_baselines.json")), DESCR=description)


def make_eight_gaussians(n: int, seed: Any = 0) -> NDArray[np.float64]:
    """Draw points from eight Gaussians on a circle of radius 2, standard deviation 0.2.

    Parameters
    ----------
    n : int
        Number of points.
    seed : int or numpy.random.Generator, default=0
        Seed of `numpy.random.default_rng`.

    Returns
    -------
    X : ndarray of shape (n, 2)
        The points; their density is `dlmath.densities.eight_gaussians`.
    """
    return eight_gaussians().sample(n, seed)


def make_two_moons(n: int, seed: int = 0, *, noise: float = 0.08) -> NDArray[np.float64]:
    """Draw points from two interleaving half circles.

    Parameters
    ----------
    n : int
        Number of points, at least 2.
    seed : int, default=0
        Random state of `sklearn.datasets.make_moons`.
    noise : float, default=0.08
        Standard deviation of the noise, in units of the circles' radius.

    Returns
    -------
    X : ndarray of shape (n, 2)
        The points, with zero mean, circles of radius 1.8.
    """
    X, _ = _bundled.make_moons(check_count("n", n, 2), noise=noise, random_state=seed)
    return 1.8 * (X - [0.5, 0.25])


def make_swiss_roll(n: int, seed: int = 0, *, noise: float = 0.4) -> NDArray[np.float64]:
    """Draw points from a spiral in the plane, the section of scikit-learn's Swiss roll.

    Parameters
    ----------
    n : int
        Number of points.
    seed : int, default=0
        Random state of `sklearn.datasets.make_swiss_roll`.
    noise : float, default=0.4
        Standard deviation of the noise, where the spiral reaches from radius 4.7 to 14.1.

    Returns
    -------
    X : ndarray of shape (n, 2)
        The points, divided by 5.5.
    """
    X, _ = _bundled.make_swiss_roll(check_count("n", n), noise=noise, random_state=seed)
    return X[:, [0, 2]] / 5.5


def _relaxation(size: int, temperature: float) -> float:
    """Estimate a number of Metropolis sweeps after which |m| and E are nearly forgotten.

    It grows as the correlation length, which is known exactly, or half the size, to the power 2.17.
    """
    K = 1 / temperature
    rate = np.log(1 / np.tanh(K)) - 2 * K  # 1/length above tau_c; below it is -2 rate
    length = 1 / max(rate, -2 * rate, 2 / size)
    return 5 + 0.3 * length**2.17


def _start(chains: int, size: int, temperature: float, rng: np.random.Generator) -> Spins:
    """Begin with all spins up below the critical temperature, and with random ones above it."""
    if np.sinh(min(2 / temperature, 20)) > 1:
        return np.ones((chains, size, size), dtype=np.int8)
    return rng.choice(np.array([-1, 1], dtype=np.int8), (chains, size, size))


def _clusters_per_sweep(spins: Spins, temperature: float, sweeps: int, rng: Any) -> float:
    """Let lattices relax by clusters; return how many flip as many spins as there are."""
    if sweeps == 0:
        return 1.0
    sites, clusters, flips, count = spins[0].size, 1, 0.0, 0
    for sweep in range(sweeps):
        if sweep == sweeps // 2:
            flips, count = 0.0, 0
        flips += float(wolff(spins, temperature, clusters, rng).mean())
        count += clusters
        clusters = max(1, round(count * sites / flips))
    return count * sites / flips


def simulate_ising(
    n_samples: int,
    size: int,
    temperature: ArrayLike,
    *,
    algorithm: str = "wolff",
    chains: int | None = None,
    burn_in: int | None = None,
    thin: int | None = None,
    seed: int = 0,
) -> Spins:
    """Draw configurations of the two-dimensional Ising model from the Boltzmann distribution.

    A number of Markov chains run side by side, each from its own start: all spins up below the
    critical temperature, random spins above. Each gives samples that are ``thin`` sweeps apart.
    For Wolff's algorithm a sweep is the number of clusters that flip, on average, as many spins as
    there are; it is measured while the chains relax. Every sample is turned over with the
    probability 1/2, which the symmetry allows: Metropolis' chains never do it when they are cold.

    The defaults make samples nearly independent: the integrated autocorrelation time of the energy
    and of the modulus of the magnetisation within a chain is below 0.85 samples in the tests,
    where 1/2 would be independence.

    Parameters
    ----------
    n_samples : int
        Number of samples at each temperature.
    size : int
        Sites along an edge, at least 2; even for Metropolis' algorithm.
    temperature : float or array-like of shape (n_temperatures,)
        k_B T / J, positive.
    algorithm : {"wolff", "metropolis"}, default="wolff"
        The sampler of `dlmath.ising`. Clusters are far better near the critical temperature,
        single flips well above it.
    chains : int, optional
        Number of chains; at most 256, and not more than samples, if not given.
    burn_in : int, optional
        Sweeps before the first sample. If not given 20 for Wolff's algorithm, ten times ``thin``
        for Metropolis'.
    thin : int, optional
        Sweeps between samples, at least 1. If not given 3 for Wolff's algorithm;
        5 + 0.3 l^2.17 for Metropolis', where l is the correlation length or half the size.
    seed : int, default=0
        Seed of `numpy.random.default_rng`.

    Returns
    -------
    spins : ndarray of int8, shape (n_samples, size, size)
        Spins of +1 and -1, the samples of one chain after another. For a vector of temperatures
        the shape is (n_temperatures, n_samples, size, size).

    Raises
    ------
    ValueError
        If an argument is out of range; it is named.

    Examples
    --------
    >>> from dlmath.datasets import simulate_ising
    >>> simulate_ising(100, 8, [1.5, 4.0]).mean(axis=(2, 3)).std(axis=1).round(1).tolist()
    [1.0, 0.3]
    """
    n_samples, size = check_count("n_samples", n_samples, 1), check_size(size)
    temperatures = check_temperatures(temperature)
    if temperatures.ndim > 1 or temperatures.size == 0:
        raise ValueError(f"temperature must be a number or a vector, got {temperature!r}.")
    if algorithm not in ("wolff", "metropolis"):
        raise ValueError(f"algorithm must be 'wolff' or 'metropolis', got {algorithm!r}.")
    if algorithm == "metropolis" and size % 2:
        raise ValueError(f"size must be even for Metropolis' algorithm, got {size}.")
    chains = min(n_samples, 256) if chains is None else check_count("chains", chains, 1)
    thin = None if thin is None else check_count("thin", thin, 1)
    burn_in = None if burn_in is None else check_count("burn_in", burn_in, 0)
    rng = np.random.default_rng(seed)
    steps = -(-n_samples // chains)
    samples = np.empty((temperatures.size, chains, steps, size, size), dtype=np.int8)
    for at, found in zip(temperatures.ravel().tolist(), samples, strict=True):
        spins = _start(chains, size, at, rng)
        if algorithm == "wolff":
            sweep = _clusters_per_sweep(spins, at, 20 if burn_in is None else burn_in, rng)
            between = int(np.ceil((thin or 3) * sweep))
        else:
            between = thin or int(np.ceil(_relaxation(size, at)))
            metropolis(spins, at, 10 * between if burn_in is None else burn_in, rng)
        update: Any = wolff if algorithm == "wolff" else metropolis
        for step in range(steps):
            update(spins, at, between, rng)
            sign = rng.choice(np.array([-1, 1], dtype=np.int8), (chains, 1, 1))
            found[:, step] = sign * spins
    samples = samples.reshape(temperatures.size, chains * steps, size, size)[:, :n_samples]
    return samples[0] if temperatures.ndim == 0 else samples
