"""Cut the book's text faces to what a page needs: ``python -m bookkit.theme.make_fonts``.

Source Serif 4 and Source Sans 3 (SIL Open Font License 1.1) come from npm; their reserved name
may not stand on a changed font, so the cut faces are called Bookkit Serif and Bookkit Sans. The
results are committed: a build needs neither npm nor this module for them.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.varLib import instancer

from bookkit import node

FONTS = Path(__file__).parent / "static" / "bookkit" / "fonts"
ASCII = "".join(chr(code) for code in range(0x20, 0x7F))
PUNCTUATION = "\u00a0–—‘’“”…×·−→²³"
LETTERS = "ÅÄÖØÜßàáâãäåæçèéêëíîïñòóôöøúûüýÿ"
SIGNS = "©°±µ†•′″←≈≤≥"


@dataclass(frozen=True)
class Face:
    """A face to cut: where from, which weights, which characters."""

    name: str
    family: str
    source: str
    weights: float | tuple[float, float]
    characters: str


FACES = (
    Face("serif", "Bookkit Serif", "source-serif-4-latin-wght-normal", 400,
         ASCII + PUNCTUATION + LETTERS + SIGNS),
    Face("serif-italic", "Bookkit Serif", "source-serif-4-latin-wght-italic", 400,
         ASCII + PUNCTUATION + "éöüäøåçè"),
    Face("serif-bold", "Bookkit Serif", "source-serif-4-latin-wght-normal", 600,
         ASCII + PUNCTUATION + "éöüäøåçè"),
    Face("sans", "Bookkit Sans", "source-sans-3-latin-wght-normal", (400, 650),
         ASCII + PUNCTUATION + "éöüäøåçè±≤≥≈"),
)  # fmt: skip


def cut(face: Face) -> None:
    """Write one face."""
    package = face.source.split("-latin")[0]
    folder = node.MODULES / "@fontsource-variable" / package
    font = TTFont(folder / "files" / f"{face.source}.woff2", recalcTimestamp=False)
    options = subset.Options(hinting=False, layout_features=["kern", "liga", "ccmp", "tnum"])
    subsetter = subset.Subsetter(options)
    subsetter.populate(text=face.characters)
    subsetter.subset(font)
    instancer.instantiateVariableFont(font, {"wght": face.weights}, inplace=True)
    _rename(font, face.family)
    # Nothing in a browser reads the table of styles, and its names are gone.
    del font["STAT"]
    font.flavor = "woff2"
    font.save(FONTS / f"{face.name}.woff2")
    shutil.copy(folder / "LICENSE", FONTS / f"LICENSE-{package}.txt")


def _rename(font: TTFont, family: str) -> None:
    names = font["name"]
    keep = {0: names.getDebugName(0), 13: names.getDebugName(13), 14: names.getDebugName(14)}
    names.names = []
    new = {1: family, 2: "Regular", 4: family, 6: family.replace(" ", "")}
    if "fvar" in font:
        font["fvar"].instances = []
        new |= {axis.axisNameID: axis.axisTag for axis in font["fvar"].axes}
    for identifier, text in {**keep, **new}.items():
        if text:
            names.setName(text, identifier, 3, 1, 0x409)


if __name__ == "__main__":
    node.ensure(dev=True)
    FONTS.mkdir(parents=True, exist_ok=True)
    for face in FACES:
        cut(face)
