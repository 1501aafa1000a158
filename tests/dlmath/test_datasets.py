"""The tables, their loaders, the scripts that rebuild them, and Franke's function."""

import hashlib
import importlib
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import sympy as sp
from dlmath import datasets, nuclear
from dlmath.calibration import conformal_quantile
from dlmath.datasets import (
    franke,
    load_alpha_decays,
    load_digit_baselines,
    load_images,
    load_mass_predictions,
    load_mass_results,
    load_nuclear_masses,
    load_particle_masses,
)

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "tests" / "data" / "evaluations"
LOADERS = {
    "fashion_images.npz": load_images,
    "nuclear_masses.csv": load_nuclear_masses,
    "alpha_decays.csv": load_alpha_decays,
    "nuclear_networks.csv": load_mass_predictions,
    "nuclear_networks.json": load_mass_results,
    "particle_masses.csv": load_particle_masses,
    "digit_baselines.json": load_digit_baselines,
}


@pytest.fixture
def builder(monkeypatch):
    """Import the script that rebuilds the nuclear tables."""
    monkeypatch.syspath_prepend(str(ROOT / "data"))
    return importlib.import_module("build_nuclear_masses")


@pytest.fixture
def rebuilt(builder, tmp_path, monkeypatch):
    """Build the tables from a sample of original lines, and let the loaders read them."""
    builder.build({name: (SAMPLE / name).read_text() for name in builder.FILES}, tmp_path)
    monkeypatch.setenv("DLMATH_DATA", str(tmp_path))
    for name in ("nuclear_masses.csv", "alpha_decays.csv"):
        digest = hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
        monkeypatch.setitem(datasets.SHA256, name, digest)
    return tmp_path


def nuclides(bunch, lightest=8):
    return {
        (z, n)
        for z, n in zip(bunch.Z.tolist(), bunch.N.tolist(), strict=True)
        if z >= lightest and n >= lightest
    }


def row(bunch, element, mass_number):
    (index,) = np.flatnonzero((bunch.element == element) & (mass_number == bunch.A))
    return {name: column[index] for name, column in bunch.items() if np.ndim(column)}


def test_the_evaluation_of_2020_has_its_published_size():
    everything, measured = load_nuclear_masses(measured_only=False), load_nuclear_masses()
    assert len(everything.Z) == 3558
    assert len(measured.Z) == 2550
    assert measured.measured.all()
    assert not everything.measured.all()
    assert len(nuclides(measured)) == 2457


@pytest.mark.parametrize(("edition", "new"), [(2003, 322), (2016, 71)])
def test_nuclides_measured_only_since(edition, new):
    assert (
        len(nuclides(load_nuclear_masses()) - nuclides(load_nuclear_masses(edition=edition))) == new
    )


@pytest.mark.parametrize(
    ("element", "mass_number", "energy"),
    [("He", 4, 28.2957), ("O", 16, 127.6193), ("Fe", 56, 492.260), ("Pb", 208, 1636.430)],
)
def test_binding_energies(element, mass_number, energy):
    digits = 4 if energy < 200 else 3
    assert (
        round(row(load_nuclear_masses(), element, mass_number)["binding_energy"], digits) == energy
    )


@pytest.mark.parametrize("edition", datasets.EDITIONS)
def test_the_columns_are_consistent(edition):
    nuclei = load_nuclear_masses(measured_only=False, edition=edition)
    np.testing.assert_array_equal(nuclei.A, nuclei.Z + nuclei.N)
    assert len(nuclides(nuclei, lightest=0)) == len(nuclei.A)
    assert np.isfinite(nuclei.binding_energy).all()
    assert (nuclei.mass_excess_uncertainty >= 0).all()
    for nucleon in (row(nuclei, "n", 1), row(nuclei, "H", 1)):
        assert nucleon["binding_energy"] == 0
        assert nucleon["binding_energy_uncertainty"] == 0


def test_the_binding_energy_is_the_one_that_the_evaluation_prints():
    nuclei = load_nuclear_masses()
    for line in (SAMPLE / "2020/mass.mas20").read_text().splitlines()[3:]:
        if "#" in line[28:78] or int(line[14:19]) == 1:
            continue
        found = row(nuclei, line[20:23].strip(), int(line[14:19]))
        mass_number = found["A"]
        # The evaluation rounds the energy per nucleon to 1e-4 keV, its uncertainty likewise.
        assert found["binding_energy"] * 1e3 == pytest.approx(
            mass_number * float(line[54:67]), abs=1.1e-4 * mass_number
        )
        assert found["binding_energy_uncertainty"] * 1e3 == pytest.approx(
            mass_number * float(line[68:78]), abs=1.1e-4 * mass_number
        )


def test_an_unknown_edition_is_refused():
    with pytest.raises(ValueError, match=r"edition=2021 .*2003, 2012, 2016, 2020"):
        load_nuclear_masses(edition=2021)


@pytest.mark.parametrize(
    ("element", "mass_number", "half_life", "uncertainty", "flag"),
    [
        ("n", 1, 609.8, 0.6, ""),
        ("Be", 8, 81.9e-18, 3.7e-18, ""),
        ("Cd", 104, 57.7 * 60, 60.0, ""),
        ("Th", 232, 14.0e9 * 31556926, 0.1e9 * 31556926, ""),
        ("Bi", 209, 20.1e18 * 31556926, 0.8e18 * 31556926, ""),
        ("Pb", 208, np.inf, np.nan, "stable"),
        ("B", 18, 26e-9, np.nan, "<"),
        ("Te", 104, 4e-9, np.nan, "<"),
        ("F", 31, 2e-3, np.nan, "#"),
        ("Fr", 206, 16.0, np.nan, "~"),
    ],
)
def test_half_lives_against_the_original_lines(element, mass_number, half_life, uncertainty, flag):
    found = row(load_nuclear_masses(measured_only=False), element, mass_number)
    assert found["half_life"] == pytest.approx(half_life, rel=1e-14)
    assert found["half_life_uncertainty"] == pytest.approx(uncertainty, rel=1e-14, nan_ok=True)
    assert found["half_life_flag"] == flag


@pytest.mark.parametrize(
    ("element", "mass_number", "branch", "uncertainty", "flag"),
    [
        ("Po", 212, 1.0, 0.0, "="),
        ("U", 228, 0.975, 0.014, "="),
        ("Xe", 111, 0.104, 0.019, "="),
        ("Eu", 148, 9.4e-9, 2.8e-9, "="),
        ("I", 108, 0.995, 0.0021, "~"),
        ("Pm", 145, 2.8e-9, np.nan, "~"),
        ("Cs", 112, 0.0026, np.nan, "<"),
        ("Tl", 182, 0.0049, np.nan, ">"),
        ("I", 113, 3.310e-7, np.nan, "#"),
    ],
)
def test_alpha_branches_against_the_original_lines(element, mass_number, branch, uncertainty, flag):
    found = row(load_alpha_decays(measured_only=False), element, mass_number)
    assert found["branch"] == pytest.approx(branch, rel=1e-14)
    assert found["branch_uncertainty"] == pytest.approx(uncertainty, rel=1e-14, nan_ok=True)
    assert found["branch_flag"] == flag


def test_alpha_energies_are_differences_of_masses_where_all_masses_are_measured():
    nuclei, decays = load_nuclear_masses(), load_alpha_decays(measured_only=False)
    keys = zip(nuclei.Z.tolist(), nuclei.N.tolist(), strict=True)
    excess = dict(zip(keys, nuclei.mass_excess, strict=True))
    compared = [
        (q, excess[z, n] - excess[z - 2, n - 2] - excess[2, 2])
        for z, n, q in zip(decays.Z.tolist(), decays.N.tolist(), decays.Q, strict=True)
        if (z, n) in excess and (z - 2, n - 2) in excess
    ]
    assert len(compared) > 500
    evaluated, difference = np.array(compared).T
    # The table of masses is printed to 1 eV.
    np.testing.assert_allclose(evaluated, difference, rtol=0, atol=2e-6)


def test_the_uncertainty_of_alpha_energies_knows_the_correlation_of_the_masses():
    nuclei, radium = load_nuclear_masses(), row(load_alpha_decays(), "Ra", 226)
    parent, daughter = row(nuclei, "Ra", 226), row(nuclei, "Rn", 222)
    independent = np.hypot(parent["mass_excess_uncertainty"], daughter["mass_excess_uncertainty"])
    assert radium["Q_uncertainty"] < 0.2 * independent


def test_measured_alpha_decays_span_thirty_decades():
    decays = load_alpha_decays()
    assert len(decays.Z) == 469
    assert decays.even_even.sum() == 148
    heavy = decays.even_even & (decays.Z >= 52)
    decades = np.log10(decays.partial_half_life[heavy])
    assert heavy.sum() == 147
    assert np.ptp(decades) > 30
    for name, column in decays.items():
        if np.ndim(column) and column.dtype.kind == "f":
            assert np.isfinite(column).all(), name
    assert (decays.Q > 0).all()
    assert (decays.branch <= 1).all()


def test_the_partial_half_life():
    uranium = row(load_alpha_decays(), "U", 228)
    assert uranium["partial_half_life"] == pytest.approx(546 / 0.975, rel=1e-14)
    relative = np.hypot(12 / 546, 0.014 / 0.975)
    assert uranium["partial_half_life_uncertainty"] == pytest.approx(546 / 0.975 * relative)
    assert uranium["even_even"]


def test_unmeasured_decays_are_told_by_their_flags():
    everything, measured = load_alpha_decays(measured_only=False), load_alpha_decays()
    kept = (
        everything.Q_measured & (everything.half_life_flag == "") & (everything.branch_flag == "=")
    )
    assert kept.sum() == len(measured.Z) < len(everything.Z) == 701
    assert set(everything.branch_flag) == {"=", "~", "<", ">", "#"}


def test_the_tables_are_rebuilt_from_a_sample_of_original_lines(rebuilt):
    for name in ("nuclear_masses.csv", "alpha_decays.csv"):
        header, *rows = (rebuilt / name).read_text().splitlines()
        shipped_header, *shipped = (ROOT / "data" / name).read_text().splitlines()
        assert header == shipped_header
        assert len(rows) > 10
        assert set(rows) <= set(shipped)
    assert len(load_nuclear_masses(measured_only=False).Z) == 27
    # Energetically possible, but never seen: no row.
    assert not (load_alpha_decays(measured_only=False).element == "Rf").any()


def test_alpha_decay_without_intensity_is_left_out(builder):
    for modes in ("A ?", "B-=100;A=0", "p=?;A= ?", "B-=100;B-A=100", "IS=100"):
        assert builder.parse_alpha_branch(modes) == ("", "", "")


def test_the_rebuilding_refuses_what_it_does_not_know(builder, tmp_path):
    with pytest.raises(ValueError, match=r"alpha branch 'A=5 \+2-1' is in no known form"):
        builder.parse_alpha_branch("B-=95;A=5 +2-1")
    with pytest.raises(ValueError, match="half-life '5!' is in no known form"):
        builder.parse_half_life("5!", "s", "1")
    original = tmp_path / "mass16.txt"
    original.write_text("not the evaluation")
    with pytest.raises(ValueError, match=r"mass16.txt: expected MD5 238ea38\w+, found \w{32}"):
        builder.read_checked(original, builder.FILES["2016/mass16.txt"])


@pytest.mark.parametrize("name", LOADERS)
def test_a_missing_file_is_named_with_its_remedy(name, tmp_path, monkeypatch):
    monkeypatch.setenv("DLMATH_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError) as error:
        LOADERS[name]()
    for part in (str(tmp_path / name), datasets.SHA256[name], datasets.SCRIPTS[name]):
        assert part in str(error.value)


@pytest.mark.parametrize("name", LOADERS)
def test_a_changed_file_is_refused_with_both_checksums(name, tmp_path, monkeypatch):
    content = (ROOT / "data" / name).read_bytes().replace(b"7", b"8", 1)
    (tmp_path / name).write_bytes(content)
    monkeypatch.setenv("DLMATH_DATA", str(tmp_path))
    with pytest.raises(ValueError, match="is not the one expected") as error:
        LOADERS[name]()
    found = hashlib.sha256(content).hexdigest()
    for part in (str(tmp_path / name), datasets.SHA256[name], found, datasets.SCRIPTS[name]):
        assert part in str(error.value)


def test_the_data_are_found_in_a_package_without_its_source_tree(tmp_path, monkeypatch):
    package = tmp_path / "dlmath"
    shutil.copytree(ROOT / "data", package / "data", ignore=shutil.ignore_patterns("*.py"))
    monkeypatch.setattr(datasets, "__file__", str(package / "datasets.py"))
    assert datasets._data_folder() == package / "data"
    assert len(load_particle_masses().name) == 56


def test_the_data_are_found_in_a_checkout_without_symbolic_links(tmp_path, monkeypatch):
    package = tmp_path / "code" / "dlmath"
    package.mkdir(parents=True)
    (package / "data").write_text("../../data")
    monkeypatch.setattr(datasets, "__file__", str(package / "datasets.py"))
    assert datasets._data_folder() == tmp_path / "data"


def test_files_constants_and_readme_agree():
    readme = (ROOT / "data" / "README.md").read_text()
    printed = dict(re.findall(r"^SHA-256 of `(\S+)`: `([0-9a-f]{64})`$", readme, re.MULTILINE))
    paths = [path for kind in ("csv", "json", "npz") for path in (ROOT / "data").glob(f"*.{kind}")]
    files = {path.name: path.read_bytes() for path in paths}
    actual = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    assert printed == datasets.SHA256 == actual
    assert datasets.SCRIPTS.keys() == LOADERS.keys() == actual.keys()
    for name, content in files.items():
        assert len(content) <= (1_300_000 if name.endswith(".npz") else 500_000)
        columns = content.decode().splitlines()[0].split(",") if name.endswith(".csv") else []
        for column in columns:
            stem = re.sub("_(2003|2012|2016|2020)$", "_YEAR", column)
            stem = re.sub("^(error|spread) .*", r"\1 MODEL", stem)
            assert f"`{stem}`" in readme, f"{name}: {column}"
    for script in datasets.SCRIPTS.values():
        assert (ROOT / script).is_file()
        assert f"`{script}`" in readme


@pytest.mark.parametrize("loader", LOADERS.values())
def test_descriptions_name_the_source(loader):
    sources = "AME2020.*NUBASE2020|Particle Data Group|Alpaydin|Zalando"
    assert re.search(sources, loader().DESCR, re.DOTALL)


def test_particles_against_the_review():
    particles = load_particle_masses()
    (proton,) = np.flatnonzero(particles.name == "p")
    (omega,) = np.flatnonzero(particles.name == "Omega-")
    (delta,) = np.flatnonzero(particles.name == "Delta(1232)++")
    assert particles.mass[proton] == 938.27208943
    assert particles.mass_uncertainty[proton] == 2.9e-7
    assert (particles.mass[omega], particles.mass_uncertainty[omega]) == (1672.45, 0.29)
    assert (particles.strangeness[omega], particles.charge[omega]) == (-3, -1)
    assert (particles.J[delta], particles.isospin[delta], particles.charge[delta]) == (1.5, 1.5, 2)
    assert (particles.mass_upper > 0).all()
    assert np.isnan(particles.width).sum() == 1


def test_multiplets_have_their_quantum_numbers():
    particles = load_particle_masses()
    expected = {
        "baryon octet": (8, 0.5, 1),
        "baryon decuplet": (10, 1.5, 1),
        "pseudoscalar mesons": (6, 0, -1),
        "vector mesons": (6, 1, -1),
        "tensor mesons": (6, 2, 1),
        "mesons with J = 3": (6, 3, -1),
        "mesons with J = 4": (5, 4, 1),
    }
    for multiplet, (size, spin, parity) in expected.items():
        chosen = particles.multiplet == multiplet
        assert chosen.sum() == size
        assert set(particles.J[chosen]) == {spin}
        assert set(particles.P[chosen]) == {parity}
    baryons = np.char.startswith(particles.multiplet, "baryon")
    for quarks, strangeness, charge in zip(
        *(particles[name][baryons] for name in ("quarks", "strangeness", "charge")), strict=True
    ):
        assert strangeness == -quarks.count("s")
        assert charge == sum(2 if quark == "u" else -1 for quark in quarks) / 3
    # Gell-Mann and Nishijima: Q = I_3 + (B + S)/2, so 2 I has the parity of B + S.
    number = np.where(particles.J % 1 == 0.5, 1, 0)
    np.testing.assert_array_equal(2 * particles.isospin % 2, (number + particles.strangeness) % 2)


def test_trajectories_rise_with_unit_slope_per_squared_gev():
    particles = load_particle_masses()
    for family in set(particles.trajectory) - {""}:
        chosen = particles.trajectory == family
        assert chosen.sum() >= 2
        assert (np.diff(particles.J[chosen]) > 0).all()
        slope = np.polyfit(particles.mass[chosen] ** 2 / 1e6, particles.J[chosen], 1)[0]
        assert 0.8 < slope < 1.05


def test_franke_against_exact_arithmetic():
    x, y = sp.symbols("x y")
    hills = sp.Rational(3, 4) * sp.exp(-((9 * x - 2) ** 2 + (9 * y - 2) ** 2) / 4)
    slope = sp.Rational(3, 4) * sp.exp(-((9 * x + 1) ** 2) / 49 - (9 * y + 1) / 10)
    hill = sp.exp(-((9 * x - 7) ** 2 + (9 * y - 3) ** 2) / 4) / 2
    dip = sp.exp(-((9 * x - 4) ** 2) - (9 * y - 7) ** 2) / 5
    exact = hills + slope + hill - dip
    for point in [(0, 0), (1, 0), (sp.Rational(2, 9), sp.Rational(2, 9)), (0.3, 0.8), (1, 1)]:
        value = float(exact.subs({x: point[0], y: point[1]}).evalf(30))
        assert franke(float(point[0]), float(point[1])) == pytest.approx(value, rel=1e-14)


def test_franke_broadcasts():
    x, y = np.linspace(0, 1, 3), np.linspace(0, 1, 4)
    surface = franke(x, y[:, np.newaxis])
    assert surface.shape == (4, 3)
    assert surface[3, 1] == franke(x[1], y[3])
    assert franke([0.5], 0.5).shape == (1,)
    assert np.isnan(franke(np.nan, 0.5))


def test_franke_refuses_wrong_shapes_and_types():
    with pytest.raises(ValueError, match=r"broadcast, got \(3,\) and \(2,\)"):
        franke(np.zeros(3), np.zeros(2))
    with pytest.raises(ValueError, match="y must be an array of real numbers"):
        franke(0.5, "half")
    with pytest.raises(ValueError, match="x must be an array of real numbers"):
        franke([1j], 0.5)


def test_predictions_belong_to_the_splits_and_to_the_table():
    """What was stored of the nuclides held out gives the stored errors and coverages."""
    held, results = load_mass_predictions(), load_mass_results()
    nuclei = nuclear.from_oxygen(load_nuclear_masses())
    splits = {
        "random 1": nuclear.random_splits(nuclei)[0],
        "since 2016": nuclear.time_split(2016),
        "since 2003": nuclear.time_split(2003),
        "edges": nuclear.edge_split(nuclei),
    }
    assert list(dict.fromkeys(held.split.tolist())) == list(splits)
    for name, split in splits.items():
        rows = held.split == name
        found = np.column_stack([held.Z[rows], held.N[rows]])
        np.testing.assert_array_equal(found, split.X_test)
        for model, error in held.error.items():
            stored = results["table"][model][name]
            rms = np.sqrt(np.mean(error[rows] ** 2))
            assert rms == pytest.approx(stored["test"], rel=2e-3)
            bars = np.hypot(held.spread[model][rows], split.noise_test)
            inside = np.mean(np.abs(error[rows]) <= 1.959964 * bars)
            # Rounding to the keV may move a nuclide or two over the edge.
            assert inside == pytest.approx(stored["coverage"][1], abs=3 / rows.sum())


def test_stored_coverages_are_those_of_the_stored_scores():
    for model, splits in load_mass_results()["calibration"].items():
        for name, found in splits.items():
            scores = {kind: np.array(values) for kind, values in found["scores"].items()}
            for kind, sample, test in (
                ("conformal", "calibration", "proper"),
                ("edges", "edges", "test"),
            ):
                for level, (share, width) in zip((0.68, 0.95), found["judged"][kind], strict=True):
                    q = conformal_quantile(scores[sample], level)
                    n = len(scores[test])
                    assert np.mean(scores[test] <= q) == pytest.approx(share, abs=1.5 / n)
                    bar = found["bars"][test]
                    assert q * bar == pytest.approx(width, rel=2e-3), (model, name)


def test_the_targets_of_the_learned_models_are_met():
    """A rebuild that does much worse has something wrong."""
    table = load_mass_results()["table"]
    at_random = {
        model: np.mean([split["test"] for name, split in splits.items() if "random" in name])
        for model, splits in table.items()
    }
    assert at_random["drop + process"] < 0.25
    assert min(at_random["Duflo-Zuker + process"], at_random["Duflo-Zuker + 5 networks"]) < 0.2
    assert table["Duflo-Zuker + process"]["since 2016"]["test"] < 0.25
