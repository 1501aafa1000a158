"""The mathematical font, cut to the signs that the book uses.

What is in use is read from the pages as they were written, all of them, so that a build that
rewrites only one page gives the same font as a build from nothing.
"""

from __future__ import annotations

import hashlib
import html
import io
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont
from sphinx.application import Sphinx
from sphinx.util import logging

SOURCE = Path(__file__).with_name("BookMath.woff2")
ADDRESS = "_static/bookkit/fonts/math.woff2"
FORMULA = re.compile(r"<math.*?</math>", re.DOTALL)
ITALIC = re.compile(r"<mi>([^<]|&\w+;)</mi>")
TAG = re.compile(r"<[^>]*>")
# The sign of <msqrt>, which no text holds.
ALWAYS = "√"
# Signs that are said, not shown.
INVISIBLE = {"\u2061", "\u2062", "\u2063", "\u2064", "\n"}

# A browser sets an <mi> of one letter in the letter's mathematical italic form. Two blocks of
# Unicode hold these forms, all but the one of h.
ITALIC_FORMS = {"h": "\u210e"} | {
    chr(int(unicodedata.decomposition(chr(code)).split()[1], 16)): chr(code)
    for code in (*range(0x1D434, 0x1D468), *range(0x1D6E2, 0x1D71C))
    if unicodedata.decomposition(chr(code))
}

logger = logging.getLogger(__name__)


def write(app: Sphinx, exception: Exception | None) -> None:
    """Write the font of the pages in the output folder, unless it is already there."""
    if exception is not None or app.builder.format != "html":
        return
    characters = "".join(used_characters(Path(app.outdir).rglob("*.html")))
    font = Path(app.outdir, ADDRESS)
    record = Path(app.doctreedir, "math-font.txt")
    made_of = hashlib.sha256(SOURCE.read_bytes()).hexdigest() + characters
    if font.exists() and record.exists() and record.read_text(encoding="utf-8") == made_of:
        return
    font.parent.mkdir(parents=True, exist_ok=True)
    font.write_bytes(cut(characters))
    record.write_text(made_of, encoding="utf-8")


def used_characters(pages: Iterable[Path]) -> list[str]:
    """Return the characters that the formulas of some pages are set in, sorted."""
    formulas: set[str] = set()
    for page in pages:
        formulas.update(FORMULA.findall(page.read_text(encoding="utf-8")))
    used = set(ALWAYS)
    for formula in formulas:
        letters = (html.unescape(letter) for letter in ITALIC.findall(formula))
        used.update(ITALIC_FORMS.get(letter, letter) for letter in letters)
        used.update(html.unescape(TAG.sub("", ITALIC.sub("", formula))))
    return sorted(used - INVISIBLE)


def cut(characters: str) -> bytes:
    """Return the font with these characters and all that they grow into, as WOFF2."""
    font = TTFont(SOURCE, recalcTimestamp=False)
    missing = sorted(set(characters) - {chr(code) for code in font.getBestCmap()})
    if missing:
        logger.warning(
            "the mathematical font has no %s: add it to bookkit/mathml/make_font.py",
            " ".join(f"{sign} (U+{ord(sign):04X})" for sign in missing),
            type="bookkit",
            subtype="formula",
        )
    options = subset.Options(hinting=False, notdef_outline=True, bidi_closure=False)
    subsetter = subset.Subsetter(options)
    subsetter.populate(text=characters)
    subsetter.subset(font)
    font.flavor = "woff2"
    buffer = io.BytesIO()
    font.save(buffer)
    return buffer.getvalue()
