"""Make ``BookMath.woff2`` from STIX Two Math: run ``python -m bookkit.mathml.make_font``.

The result is committed, because it changes only when this file does. Next to leaving out what no
formula of the book needs, it mends what makes STIX Two Math look wrong in a browser:

* Chromium reserves for a stretched sign the width of its widest variant, so that gaps open beside
  parentheses and behind roots. Here variants are as wide as their ink, and the largest are dropped
  where pieces can be assembled.
* Wide horizontal braces come in coarse steps. Here the straight piece of a brace is short.
* The accents that stretch are combining characters, and LaTeX's are not: both stretch here, to a
  little less than the width below them.
* Primes stand as high as superscripts, so that as superscripts they stand too high. Here they are
  drawn for that place.
* Fractions in running text spread the lines. Here they are as compact as TeX's.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from pathlib import Path
from typing import Any

from fontTools import subset
from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont

from bookkit import node

SOURCE = node.MODULES / "@fontsource/stix-two-math/files/stix-two-math-latin-400-normal.woff2"
TARGET = Path(__file__).with_name("BookMath.woff2")

RANGES = (
    (0x20, 0x7E),  # ASCII
    (0xA0, 0xFF),  # Latin-1
    (0x2B0, 0x2DF),  # spacing accents
    (0x300, 0x338),  # combining accents
    (0x391, 0x3F6),  # Greek
    (0x2002, 0x2064),  # spaces, dashes, bars, dots, primes, invisible operators
    (0x20D0, 0x20EF),  # combining accents for symbols
    (0x2102, 0x2138),  # letter-like signs
    (0x2190, 0x21FF),  # arrows
    (0x2200, 0x22FF),  # operators and relations
    (0x2308, 0x230B),  # floor and ceiling
    (0x2329, 0x232A),
    (0x239B, 0x23AE),  # pieces of fences
    (0x23B4, 0x23E1),  # horizontal braces
    (0x25A0, 0x25CF),  # squares, triangles, circles
    (0x27C2, 0x27EB),  # the sign of the orthogonal, angle brackets
    (0x27F5, 0x27FC),  # long arrows
    (0x2A00, 0x2A06),  # large operators
    (0x2A7D, 0x2A7E),  # slanted relations
    (0x1D400, 0x1D4CF),  # bold, italic, bold italic, script
    (0x1D504, 0x1D56B),  # Fraktur, double-struck
    (0x1D5A0, 0x1D5D3),  # sans-serif
    (0x1D6A8, 0x1D755),  # Greek: bold, italic, bold italic
    (0x1D7CE, 0x1D7E1),  # digits: bold, double-struck
)

FENCES = "()[]{}⌊⌋⌈⌉⟨⟩"
BRACES = "⏞⏟"
RADICAL = "√"
# The largest variant that is kept of a fence that can be assembled from short pieces.
LARGEST_FENCE = {"(": 8, ")": 8, "[": 8, "]": 8, "⌊": 8, "⌋": 8, "⌈": 8, "⌉": 8}
ACCENTS = {"ˆ": "\u0302", "˜": "\u0303"}
# An accent counts as this much wider than it is.
ACCENT_MARGIN = 300
PRIMES = "′″‴⁗"
PRIME_BOTTOM, PRIME_SCALE = 90, 1.35
BAR, BAR_WIDTH = "ˉ", 0.85
CONSTANTS = {
    "FractionNumeratorShiftUp": 420,
    "FractionDenominatorShiftDown": 345,
    "FractionRuleThickness": 58,
    "RadicalRuleThickness": 62,
}
# How wide the larger radicals are in the original's measure, and how far they reach to the left.
RADICAL_WIDTH, RADICAL_OVERHANG = 0.78, 60
# The straight piece of a brace: its width and how far its neighbours may overlap it.
LINE = (300, 250, 250)


def main() -> None:
    """Write the font."""
    font = TTFont(SOURCE, recalcTimestamp=False)
    keep(font, (chr(code) for first, last in RANGES for code in range(first, last + 1)))
    for sign in FENCES:
        tighten_fence(font, construction(font, sign, "Vert"), LARGEST_FENCE.get(sign))
    tighten_radical(font, construction(font, RADICAL, "Vert"))
    for sign in BRACES:
        shorten_line(font, construction(font, sign, "Horiz"))
    for sign, combining in ACCENTS.items():
        stretch_accent(font, sign, combining)
    for sign in PRIMES:
        lower_prime(font, font.getBestCmap()[ord(sign)])
    squeeze(font, font.getBestCmap()[ord(BAR)], BAR_WIDTH)
    for name, value in CONSTANTS.items():
        getattr(font["MATH"].table.MathConstants, name).Value = value
    rename(font, "Book Math")
    font.flavor = "woff2"
    font.save(TARGET)
    print(f"{TARGET.name}: {TARGET.stat().st_size} bytes, {len(font.getGlyphOrder())} glyphs")


def keep(font: TTFont, characters: Iterable[str]) -> None:
    """Leave out of a font all but these characters and what they grow into."""
    options = subset.Options(hinting=False, notdef_outline=True, glyph_names=True)
    options.drop_tables += ["GPOS", "GSUB", "GDEF"]
    subsetter = subset.Subsetter(options)
    subsetter.populate(text="".join(characters))
    subsetter.subset(font)


def construction(font: TTFont, sign: str, direction: str) -> Any:
    """Return how a sign is stretched."""
    variants = font["MATH"].table.MathVariants
    glyphs = getattr(variants, f"{direction}GlyphCoverage").glyphs
    name = font.getBestCmap()[ord(sign)]
    return getattr(variants, f"{direction}GlyphConstruction")[glyphs.index(name)]


def tighten_fence(font: TTFont, fence: Any, largest: int | None) -> None:
    """Give the variants and pieces of a fence the side bearings of its smallest form."""
    records = fence.MathGlyphVariantRecord[:largest]
    fence.MathGlyphVariantRecord = records
    fence.MathGlyphVariantCount = len(records)
    smallest, *larger = [record.VariantGlyph for record in records]
    left, right = bearings(font, [smallest])
    for name in larger:
        place(font, [name], left, right)
    pieces = assembled(fence)
    if pieces:
        place(font, pieces, left, right)


def tighten_radical(font: TTFont, radical: Any) -> None:
    """Narrow the larger radicals, and let them begin a little further left."""
    larger = [record.VariantGlyph for record in radical.MathGlyphVariantRecord[1:]]
    for name in [*larger, *assembled(radical)]:
        squeeze(font, name, RADICAL_WIDTH)
        move(font, name, -RADICAL_OVERHANG, -RADICAL_OVERHANG)


def shorten_line(font: TTFont, brace: Any) -> None:
    """Shorten the straight piece of a horizontal brace, so that braces come in all widths."""
    lines = [part for part in brace.GlyphAssembly.PartRecords if part.PartFlags]
    for part in lines:
        part.FullAdvance, part.StartConnectorLength, part.EndConnectorLength = LINE
    width = font["hmtx"][lines[0].glyph][0]
    if width > LINE[0]:
        squeeze(font, lines[0].glyph, LINE[0] / width)


def stretch_accent(font: TTFont, sign: str, combining: str) -> None:
    """Give an accent the larger forms of a combining one."""
    variants = font["MATH"].table.MathVariants
    name = font.getBestCmap()[ord(sign)]
    stretched = deepcopy(construction(font, combining, "Horiz"))
    smallest, *larger = stretched.MathGlyphVariantRecord
    smallest.VariantGlyph = name
    for record in larger:
        record.AdvanceMeasurement += ACCENT_MARGIN
    glyphs = [*variants.HorizGlyphCoverage.glyphs, name]
    constructions = [*variants.HorizGlyphConstruction, stretched]
    by_id = sorted(range(len(glyphs)), key=lambda i: font.getGlyphID(glyphs[i]))
    variants.HorizGlyphCoverage.glyphs = [glyphs[i] for i in by_id]
    variants.HorizGlyphConstruction = [constructions[i] for i in by_id]
    variants.HorizGlyphCount = len(glyphs)


def lower_prime(font: TTFont, name: str) -> None:
    """Draw a prime larger, from a little above the baseline."""
    glyph = outline(font, name)
    bottom = glyph.yMin
    glyph.coordinates.translate((0, -bottom))
    glyph.coordinates.scale((PRIME_SCALE, PRIME_SCALE))
    glyph.coordinates.translate((0, PRIME_BOTTOM))
    glyph.coordinates.toInt()
    glyph.recalcBounds(font["glyf"])
    font["hmtx"][name] = (round(font["hmtx"][name][0] * PRIME_SCALE), glyph.xMin)


def assembled(sign: Any) -> list[str]:
    """Return the names of the pieces that a sign is put together from."""
    if not sign.GlyphAssembly:
        return []
    return sorted({part.glyph for part in sign.GlyphAssembly.PartRecords})


def bearings(font: TTFont, names: list[str]) -> tuple[int, int]:
    """Return the empty space left and right of some glyphs laid over each other."""
    glyphs, widths = font["glyf"], font["hmtx"]
    left = min(glyphs[name].xMin for name in names)
    right = min(widths[name][0] - glyphs[name].xMax for name in names)
    return left, right


def place(font: TTFont, names: list[str], left: int, right: int) -> None:
    """Give glyphs that are laid over each other these side bearings."""
    old_left, old_right = bearings(font, names)
    for name in names:
        move(font, name, left - old_left, left - old_left + right - old_right)


def move(font: TTFont, name: str, shift: int, wider: int) -> None:
    """Shift the outline of a glyph, and make its advance wider."""
    glyph = outline(font, name)
    glyph.coordinates.translate((shift, 0))
    glyph.recalcBounds(font["glyf"])
    font["hmtx"][name] = (font["hmtx"][name][0] + wider, glyph.xMin)


def outline(font: TTFont, name: str) -> Any:
    """Return a glyph with an outline of its own, which can be changed."""
    if font["glyf"][name].isComposite():
        recording = DecomposingRecordingPen(font.getGlyphSet())
        font.getGlyphSet()[name].draw(recording)
        pen = TTGlyphPen(None)
        recording.replay(pen)
        font["glyf"][name] = pen.glyph()
    return font["glyf"][name]


def squeeze(font: TTFont, name: str, factor: float) -> None:
    """Scale a glyph horizontally."""
    glyph = outline(font, name)
    glyph.coordinates.scale((factor, 1))
    glyph.coordinates.toInt()
    glyph.recalcBounds(font["glyf"])
    font["hmtx"][name] = (round(font["hmtx"][name][0] * factor), glyph.xMin)


def rename(font: TTFont, family: str) -> None:
    """Name the font as what it is: a font made from another."""
    for record in list(font["name"].names):
        if record.nameID in (1, 4, 6, 16):
            text = family.replace(" ", "") if record.nameID == 6 else family
            font["name"].setName(text, record.nameID, record.platformID, 3, 0x409)


if __name__ == "__main__":
    main()
