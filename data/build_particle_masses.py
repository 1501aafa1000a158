"""Rebuild ``particle_masses.csv`` from the tables of the Particle Data Group.

Usage: ``python data/build_particle_masses.py``. The wheel of ``particle`` 1.1.0 is fetched from the
package index; its file ``particle2026.csv`` holds the masses and widths of the 2026 edition of the
*Review of Particle Physics* (MeV) beside the quantum numbers. The MD5 of that file is checked, and
the table comes out the same, byte for byte, on every run.

The spin J is the last digit 2J + 1 of the number that the Particle Data Group gives each particle.
In the source a charge counts in thirds and -1 stands for a mass or width without a value; parity
5 is 'undefined', which no particle of this table has. Strangeness is the number of strange
antiquarks less that of strange quarks (in the source a capital letter is an antiquark).
"""

import csv
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from sources import DATA, download, read_checked, write_table

REQUIREMENT = "particle==1.1.0"
SOURCE = "particle/data/particle2026.csv"
MD5 = "cf643d7e0640642cef01ad118a62e256"

# The members of each multiplet of SU(3), one of each pair of particle and antiparticle; of the
# excited baryons only those of the trajectories below.
MULTIPLETS = {
    "baryon octet": (2212, 2112, 3122, 3222, 3212, 3112, 3322, 3312),
    "baryon decuplet": (2224, 2214, 2114, 1114, 3224, 3214, 3114, 3324, 3314, 3334),
    "pseudoscalar mesons": (111, 211, 321, 311, 221, 331),
    "vector mesons": (113, 213, 323, 313, 223, 333),
    "tensor mesons": (115, 215, 325, 315, 225, 335),
    "mesons with J = 3": (117, 217, 327, 317, 227, 337),
    "mesons with J = 4": (119, 219, 329, 319, 229),
    "excited baryons": (12216, 2124, 2128, 2228, 3124, 3126, 3128, 3226, 3228),
}
# Families near a line of J against the squared mass, in one charge state, ordered by J.
TRAJECTORIES = {
    "rho, a": (113, 115, 117, 119),
    "omega, f": (223, 225, 227, 229),
    "phi, f'": (333, 335, 337),
    "K*": (313, 315, 317, 319),
    "N": (2212, 12216),
    "N*": (2124, 2128),
    "Delta": (2224, 2228),
    "Lambda": (3122, 3124, 3126, 3128),
    "Sigma(1385)": (3224, 3226, 3228),
}
WIDTHS = ("Width", "WidthUpper", "WidthLower")
HEADER = [
    *("pdgid", "name", "multiplet", "trajectory", "J", "P", "isospin", "charge", "strangeness"),
    *("quarks", "mass", "mass_upper", "mass_lower", "width", "width_upper", "width_lower", "latex"),
]


def fraction(text: str) -> float:
    """Convert '3/2' or '1' to a number."""
    numerator, _, denominator = text.partition("/")
    return int(numerator) / int(denominator or 1)


def display_name(particle: dict[str, str], charge: int) -> str:
    """Add the charge to a name, except where the name alone says it."""
    alone = particle["Name"] in ("p", "n") or (particle["I"] == "0" and charge == 0)
    sign = "" if alone else {-1: "-", 0: "0", 1: "+", 2: "++"}[charge]
    return particle["Name"] + sign


def rows(lines: Iterable[str]) -> Iterator[list[object]]:
    """Yield the rows of the table, multiplet by multiplet, from the lines of the source."""
    particles = {
        int(particle["ID"]): particle
        for particle in csv.DictReader(line for line in lines if not line.startswith("#"))
    }
    trajectory = {pdgid: name for name, members in TRAJECTORIES.items() for pdgid in members}
    for multiplet, members in MULTIPLETS.items():
        for pdgid in members:
            particle = particles[pdgid]
            charge = int(particle["Charge"]) // 3
            quarks = particle["Quarks"].replace("sqrt", "")
            yield [
                pdgid,
                display_name(particle, charge),
                multiplet,
                trajectory.get(pdgid, ""),
                (pdgid % 10 - 1) / 2,
                int(particle["P"]),
                fraction(particle["I"]),
                charge,
                quarks.count("S") - quarks.count("s"),
                particle["Quarks"],
                *(particle[name] for name in ("Mass", "MassUpper", "MassLower")),
                *("" if particle[name] == "-1" else particle[name] for name in WIDTHS),
                particle["Latex"],
            ]


def main() -> None:
    """Fetch the wheel, check the file of particles, and write the table."""
    with tempfile.TemporaryDirectory() as temporary:
        archive = download(REQUIREMENT, Path(temporary))
        with zipfile.ZipFile(archive) as wheel:
            text = read_checked(Path(wheel.extract(SOURCE, temporary)), MD5)
    write_table(DATA / "particle_masses.csv", HEADER, rows(text.splitlines()))


if __name__ == "__main__":
    main()
