"""Pictures: what they say to those who do not see them, and that both themes show them."""

import re
import tomllib
from pathlib import Path

import pytest
from book_pages import soup
from bookkit.theme import palette
from bookkit.theme.pictures import darken, svg_size
from bs4 import BeautifulSoup, Tag
from built_site import ROOT, Site

MINIMUM_ALT = 40
MINIMUM_CONTRAST = 3
STYLE = (ROOT / "code" / "dlmath" / "book.mplstyle").read_text(encoding="utf-8")
HEX = re.compile(r"#[0-9a-fA-F]{6}")
STROKE = re.compile(r"(?<![-\w])stroke: (#[0-9a-fA-F]{6})")
OPACITY = re.compile(r"(?<![-\w])(?:stroke-)?opacity: ([0-9.]+)")
# Lines of a grid lie in the groups of their ticks, and may be fainter than what is drawn. The cells
# of a map, strokes side by side, show a value by their colour.
NO_LINES = re.compile(r"[xy]tick_\d+|cells_\d+")


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def pictures(site: Site) -> list[tuple[str, Tag]]:
    """Return each picture of the text with its page."""
    return [
        (name, img) for name in site.pages() for img in soup(site.html / name).select("main img")
    ]


def alt_faults(img: Tag) -> list[str]:
    alt = img.get("alt", "").strip()
    figure = img.find_parent("figure")
    caption = figure.find("figcaption").get_text(" ", strip=True) if figure else ""
    faults = []
    if len(alt) < MINIMUM_ALT:
        faults.append(f"{len(alt)} characters")
    if alt and alt.rstrip(".") in caption:
        faults.append("repeats the caption")
    return faults


def test_every_picture_says_what_is_seen(any_site: Site):
    found = pictures(any_site)
    assert found
    faults = {f"{page}: {img['src']}": alt_faults(img) for page, img in found}
    assert {place: fault for place, fault in faults.items() if fault} == {}


@pytest.mark.parametrize(
    ("alt", "caption", "fault"),
    [
        ("", "A caption.", "0 characters"),
        ("A curve.", "A caption.", "8 characters"),
        (
            "Two curves that rise and then fall again, side by side.",
            "Fig. 1 Two curves that rise and then fall again, side by side. #",
            "repeats the caption",
        ),
    ],
)
def test_poor_texts_are_faults(alt, caption, fault):
    page = f'<figure><img alt="{alt}" src="x.svg"><figcaption>{caption}</figcaption></figure>'
    assert fault in alt_faults(BeautifulSoup(page, "lxml").img)


def test_pictures_hold_their_place_and_wait_until_they_are_seen(any_site: Site):
    for page, img in pictures(any_site):
        assert int(img["width"]) > 0, (page, img["src"])
        assert int(img["height"]) > 0, (page, img["src"])
    for name in any_site.pages():
        images = soup(any_site.html / name).select("main img:not([loading=lazy])")
        eager = [img["src"] for img in images]
        assert len(eager) <= 1, name


def test_every_drawing_has_its_twin(any_site: Site):
    for page, img in pictures(any_site):
        if not img["src"].endswith(".svg"):
            continue
        twin = img.find_next_sibling("img") if "only-light" in img["class"] else None
        if "only-dark" in img["class"]:
            continue
        assert twin is not None, page
        assert twin["src"] == img["src"].removesuffix(".svg") + "-dark.svg", page
        assert twin["alt"] == img["alt"]
        assert ((any_site.html / page).parent / twin["src"]).is_file(), page


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_lines_stand_out_from_their_ground(any_site: Site, theme):
    ground = palette()["background"][theme]
    drawings = [
        path
        for path in sorted((any_site.html / "_images").glob("*.svg"))
        if path.name.endswith("-dark.svg") == (theme == "dark")
    ]
    assert drawings
    faint = {path.name: faint_lines(path.read_text(encoding="utf-8"), ground) for path in drawings}
    assert {name: lines for name, lines in faint.items() if lines} == {}


def blend(colour: str, ground: str, opacity: float) -> str:
    pairs = [(int(colour[i : i + 2], 16), int(ground[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(opacity * a + (1 - opacity) * b):02x}" for a, b in pairs)


def faint_lines(svg: str, ground: str) -> set[str]:
    """Return the colours of lines, grids apart, whose contrast with the ground is too low."""
    faint = set()
    for element in BeautifulSoup(svg, "xml").select("[style]"):
        stroke = STROKE.search(element["style"])
        if stroke is None or element.find_parent(id=NO_LINES):
            continue
        opacity = OPACITY.search(element["style"])
        seen = blend(stroke[1], ground, float(opacity[1]) if opacity else 1.0)
        if contrast(seen, ground) < MINIMUM_CONTRAST:
            faint.add(seen)
    return faint


@pytest.mark.parametrize(
    ("drawing", "faint"),
    [
        ('<path style="fill: none; stroke: #cccccc; stroke-width: 2"/>', {"#cccccc"}),
        ('<path style="stroke: #000000; stroke-opacity: 0.2"/>', {"#cccccc"}),
        ('<g id="xtick_1"><path style="stroke: #cccccc"/></g>', set()),
        ('<g id="cells_1"><path style="stroke: #cccccc"/></g>', set()),
        ('<path style="stroke: #000000"/>', set()),
    ],
)
def test_faint_lines_are_found_and_grids_are_not(drawing, faint):
    assert faint_lines(f"<svg>{drawing}</svg>", "#ffffff") == faint


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_colour_of_the_palette_is_seen_on_its_ground(theme):
    colours = palette()
    for role in set(colours) - {"background", "surface"}:
        for ground in ("background", "surface"):
            ratio = contrast(colours[role][theme], colours[ground][theme])
            least = 4.5 if role in {"ink", "muted"} else MINIMUM_CONTRAST
            assert ratio >= least, (role, ground, ratio)


def test_the_style_of_the_figures_uses_the_palette():
    light = {both["light"].removeprefix("#") for both in palette().values()}
    used = set(re.findall(r'(?::\s*|")([0-9a-f]{6})\b', STYLE))
    assert used <= light
    cycle = re.search(r'cycler\("color", (\[.*\])\)', STYLE)
    assert cycle is not None
    order = [f"c{i}" for i in range(1, 7)]
    assert re.findall("[0-9a-f]{6}", cycle[1]) == [palette()[c]["light"][1:] for c in order]


def test_the_stylesheet_has_the_palette(any_site: Site):
    css = (any_site.html / "_static" / "bookkit" / "book.css").read_text(encoding="utf-8")
    names = {"background": "bg"}
    for role, both in palette().items():
        for colour in both.values():
            assert f"--bk-{names.get(role, role)}:{colour};" in css


def test_darken_exchanges_the_colours_and_nothing_else():
    colours = palette()
    svg = (
        '<svg width="72pt" height="36pt"><path id="a#1d2125x" style="stroke: #1F5FC9"/>'
        '<path style="fill: #123456"/><g style="fill: #000000"/></svg>'
    )
    dark = darken(svg)
    assert f"stroke: {colours['c1']['dark']}" in dark
    assert "fill: #123456" in dark
    assert f'<g style="fill: {colours["ink"]["dark"]}"/>' in dark
    assert dark.startswith(f'<svg width="72pt" height="36pt" fill="{colours["ink"]["dark"]}">')
    assert svg_size(svg) == (96, 48)
    assert svg_size("<svg viewBox='0 0 1 1'>") is None


def test_the_palette_file_is_complete():
    text = Path(ROOT / "code" / "dlmath" / "palette.toml").read_text(encoding="utf-8")
    for role, both in tomllib.loads(text).items():
        assert set(both) == {"light", "dark"}, role
        assert all(HEX.fullmatch(colour) for colour in both.values()), role
