"""The formulas: how they are written, what is refused and where, and the font they are set in."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path

import pytest
from bookkit.mathml import MACROS, font
from bookkit.mathml.renderer import FormulaError, Renderer
from bs4 import BeautifulSoup
from fontTools.ttLib import TTFont
from sphinx.errors import ExtensionError

INLINE = (
    r"""
y = f(x) + \varepsilon|X \in \R^{n \times p}|\theta|\hat\theta = (X^\T X)^{-1} X^\T y|n|p|x_i^\T
\norm{y - X\theta}^2|\frac{1}{n}|s^2|\E[Y \mid X]|\sigma_1 \ge \dots \ge \sigma_p > 0|d_j|\lambda
\sum_{i=1}^n r_i^2|\frac{\partial C}{\partial \theta_j}|\kappa(X) = \sigma_1/\sigma_p|\tr H = p
\Var(\hat\theta) = s^2 (X^\T X)^{-1}|\Normal(0, s^2 I)|\sqrt{\bar\alpha_t}|x \mapsto g(x)|h_{ii}
d_j^2/(d_j^2 + n\lambda)|\eta < 1/L|\hat y = X\hat\theta|\boldsymbol\Sigma^{-1}|f'(x)|X^+
""".strip()
    .replace("\n", "|")
    .split("|")
)

CONFIGURATION = """
extensions = ["myst_parser", "sphinx_proof", "sphinx_exercise", "bookkit.theme", "bookkit.mathml"]
myst_enable_extensions = ["dollarmath", "colon_fence"]
html_math_renderer = "mathml"
html_theme = "bookkit"
project = "A small book"
numfig = True
math_numfig = False
"""

GOOD = r"""
# Formulas

See {eq}`eq-text`, {eq}`eq-theorem`, {eq}`eq-proof`, {eq}`eq-exercise` and {eq}`eq-solution`.

$$ a = b $$ (eq-text)

```{math}
:label: eq-directive
b = c
```

$$ \text{without a number} $$

```{prf:theorem} A theorem
:label: theorem-first

Words.

$$ \norm{x}^2 \ge 0 $$ (eq-theorem)
```

```{prf:proof}
Words.

$$ c = d $$ (eq-proof)
```

```{exercise} An exercise
:label: exercise-first

Words.

$$ d = e $$ (eq-exercise)
```

```{solution} exercise-first
:label: exercise-first-solution

Words.

$$
\begin{aligned} e &= f \\ &= g \end{aligned}
$$ (eq-solution)
```
"""

BAD = r"""# Formulas

An unknown command $\unknown$ in the text.

$$ \frac{a}{b $$

A good one, $x$.

\begin{align}
a &= b
\end{align}

$$ \begin{equation} a \end{equation} $$ (eq-numbered-twice)

Code may hold `\begin{align}`.
"""


@pytest.fixture(scope="module")
def renderer():
    renderer = Renderer(MACROS)
    yield renderer
    renderer.close()


def make_book(folder: Path, **pages: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "conf.py").write_text(CONFIGURATION, encoding="utf-8")
    contents = "\n```{toctree}\n" + "\n".join(name for name in pages if name != "index") + "\n```\n"
    for name, text in pages.items():
        page = text + (contents if name == "index" and len(pages) > 1 else "")
        (folder / f"{name}.md").write_text(page, encoding="utf-8")


def build(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sphinx", "-q", *options, str(folder), str(folder / "html")]
    return subprocess.run(command, capture_output=True, text=True, check=False)


# --- One formula ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("latex", "mathml"),
    [
        ("x", "<mi>x</mi>"),
        # The script belongs to the fence, and is set tight.
        (
            "(a)^{-1}",
            '<mo stretchy="false">(</mo><mi>a</mi><msup><mo stretchy="false">)</mo><mrow>'
            '<mo form="prefix" lspace="0" rspace="0">−</mo><mn>1</mn></mrow></msup>',
        ),
        # Relations within scripts have no space around them.
        (
            "x_{i=1}",
            '<msub><mi>x</mi><mrow><mi>i</mi><mo lspace="0" rspace="0">=</mo><mn>1</mn></mrow>'
            "</msub>",
        ),
        ("f''", '<msup><mi>f</mi><mo lspace="0" rspace="0">″</mo></msup>'),
        (r"\d x", '<mpadded><mi mathvariant="normal">d</mi></mpadded><mi>x</mi>'),
        (r"\log x", '<mi>log</mi><mo class="f">\u2061</mo><mi>x</mi>'),
        (r"a = \sum x", '<mi>a</mi><mo>=</mo><mo lspace="0">∑</mo><mi>x</mi>'),
        (r"a \sum x", "<mi>a</mi><mo>∑</mo><mi>x</mi>"),
        (r"a, \dots", '<mi>a</mi><mo>,</mo><mo lspace="0" rspace="0">…</mo>'),
        (
            r"\abs{x}",
            '<mo form="prefix" stretchy="false">|</mo><mi>x</mi>'
            '<mo form="postfix" stretchy="false">|</mo>',
        ),
        (r"\tfrac12", '<mfrac displaystyle="false" scriptlevel="0"><mn>1</mn><mn>2</mn></mfrac>'),
        # Fences that grow keep the row that they enclose.
        (
            r"\left(\frac ab\right)",
            "<mrow><mo>(</mo><mfrac><mi>a</mi><mi>b</mi></mfrac><mo>)</mo></mrow>",
        ),
    ],
)
def test_a_formula_is_written_as(renderer, latex, mathml):
    assert renderer.render(latex, display=False) == f"<math>{mathml}</math>"


def test_a_displayed_formula_says_so(renderer):
    assert renderer.render("x", display=True) == '<math display="block"><mi>x</mi></math>'


def test_aligned_columns_need_no_style_of_their_own(renderer):
    mathml = renderer.render(r"\begin{aligned} a &= b \\ &= c \end{aligned}", display=True)
    assert '<mtable displaystyle="true" class="aligned">' in mathml
    assert mathml.count("<mtd>") == 4
    assert " style=" not in mathml


LONG = r"\hat\theta = (X^\T X)^{-1} X^\T y = \argmin_\theta \norm{y - X\theta}^2 = -a + b"


def ends_of_pieces(math):
    pieces = math.find_all("mrow", recursive=False)
    return "".join(piece.find_all(recursive=False)[-1].get_text() for piece in pieces)


def test_lines_may_break_between_the_pieces_of_a_long_formula_in_the_text(renderer):
    math = BeautifulSoup(renderer.render(LONG, display=False), "lxml").math
    assert math["class"] == ["long"]
    assert ends_of_pieces(math) == "===+"
    whole = BeautifulSoup(renderer.render(LONG, display=True), "lxml").math
    assert math.get_text() == whole.get_text()
    assert not whole.has_attr("class")


def test_lines_break_within_fences_only_where_they_must(renderer):
    enclosed = r"\E[a + b + c + d + e + f + g + h + i + j + k + l]"
    math = BeautifulSoup(renderer.render(enclosed, display=False), "lxml").math
    assert ends_of_pieces(math).startswith("++++")


def test_lines_between_columns_are_kept(renderer):
    mathml = renderer.render(r"\begin{array}{c|c} a & b \end{array}", display=True)
    assert "border-right" in mathml


@pytest.mark.parametrize(
    "latex",
    [
        r"\unknown",
        r"\frac{a",
        r"x_1_2",
        r"a & b",
        r"\href{https://example.org}{x}",
        r"\includegraphics{x}",
        r"\begin{align} a \end{align}",
        r"\begin{equation*} a \end{equation*}",
        r"a \tag{1}",
        r"a \label{eq-a}",
        r"\cancel{x}",
        r"\'e",
        r"\left( a",
        "é",
        "a % b",
    ],
)
def test_what_does_not_parse_is_refused(renderer, latex):
    with pytest.raises(FormulaError) as caught:
        renderer.render(latex, display=True)
    message = str(caught.value)
    assert message
    assert "\n" not in message
    assert renderer.render("x", display=True), "the next formula is rendered all the same"


def test_a_renderer_that_dies_says_why(tmp_path, monkeypatch):
    script = tmp_path / "broken.mjs"
    script.write_text("throw new Error('no temml here');")
    monkeypatch.setattr("bookkit.mathml.renderer.SCRIPT", script)
    with pytest.raises(ExtensionError, match="no temml here"):
        Renderer(MACROS).render("x", display=False)


def test_a_macro_defined_in_a_formula_stays_in_it(renderer):
    renderer.render(r"\def\mine{x} \mine", display=False)
    with pytest.raises(FormulaError, match="mine"):
        renderer.render(r"\mine + 1", display=False)


@pytest.mark.parametrize("macro", MACROS)
def test_each_macro_renders(renderer, macro):
    arguments = len(set(re.findall(r"#\d", MACROS[macro])))
    assert renderer.render(macro + "{x}" * arguments, display=False)


def test_a_formula_has_few_elements(renderer):
    counts = [renderer.render(latex, display=False).count("</") for latex in INLINE]
    assert sum(counts) / len(counts) <= 12


# --- A book ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    folder = tmp_path_factory.mktemp("good")
    make_book(folder, index=GOOD)
    run = build(folder, "-W", "-n")
    assert run.returncode == 0, run.stderr
    return BeautifulSoup((folder / "html" / "index.html").read_text(encoding="utf-8"), "lxml")


def test_equations_are_numbered_in_every_box(good):
    numbers = {
        equation["id"].removeprefix("equation-"): equation.select_one(".eqno").get_text()
        for equation in good.select("div.math[id]")
    }
    assert numbers == {
        "eq-text": "(1)",
        "eq-directive": "(2)",
        "eq-theorem": "(3)",
        "eq-proof": "(4)",
        "eq-exercise": "(5)",
        "eq-solution": "(6)",
    }


def test_references_and_numbers_lead_to_the_equation(good):
    references = [link for link in good.select("p a.reference") if "eq-" in link["href"]]
    assert [link.get_text() for link in references] == ["(1)", "(3)", "(4)", "(5)", "(6)"]
    for link in [*references, *good.select(".eqno")]:
        target = good.find(id=link["href"].removeprefix("#"))
        assert target is not None
        assert target.select_one(".math-scroll > math")


def test_a_formula_without_a_label_has_no_number(good):
    (plain,) = good.select("div.math:not([id])")
    assert plain.select_one(".eqno") is None


def test_formulas_are_for_screen_readers_too(good):
    assert good.find_all("math")
    assert not any(
        element.get("aria-hidden")
        for math in good.find_all("math")
        for element in [math, *math.parents]
    )


def test_the_page_asks_for_the_font(good):
    assert font.ADDRESS in str(good)


def test_bad_formulas_are_named_with_their_place(tmp_path):
    make_book(tmp_path, index=BAD)
    run = build(tmp_path, "-W", "--keep-going")
    assert run.returncode != 0
    places = re.findall(r"index\.md:(\d+): WARNING: (formula '[^' ]*|\\begin\{\w+\})", run.stderr)
    assert sorted(places, key=lambda place: int(place[0])) == [
        ("3", r"formula '\\unknown"),
        ("5", "formula '"),
        ("9", r"\begin{align}"),
        ("13", "formula '"),
    ]
    page = BeautifulSoup((tmp_path / "html" / "index.html").read_text(encoding="utf-8"), "lxml")
    assert not page.select("merror, .temml-error, .katex-error, [style*='color']")
    assert page.find("code", string=r"\unknown")


# --- The font -------------------------------------------------------------------------------


def characters_of(data: bytes) -> set[str]:
    return {chr(code) for code in TTFont(io.BytesIO(data)).getBestCmap()}


def test_the_font_is_cut_to_what_is_used_and_its_larger_forms():
    data = font.cut("𝑥√(")
    assert characters_of(data) == set("𝑥√(")
    file = TTFont(io.BytesIO(data))
    grown = file["MATH"].table.MathVariants.VertGlyphCoverage.glyphs
    assert {file.getBestCmap()[ord(sign)] for sign in "√("} <= set(grown)


def test_the_font_has_the_same_bytes_for_the_same_signs():
    assert font.cut("𝑥√") == font.cut("√𝑥")


def test_the_font_of_a_rich_book_is_light():
    letters = "".join(font.ITALIC_FORMS.values()) + "".join(map(chr, range(0x1D400, 0x1D434)))
    signs = "0123456789+−=×·/<>≤≥≈∼∝∈∑∏∫∂∇√∞→↦∘⊥ℝ𝔼ℙ𝒩ℒ𝖳𝟏()[]{}|‖⟨⟩ˆ˜ˉ′″⋯⋮⋱…,.:!⏟⏞"
    words = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ "
    assert len(font.cut(letters + signs + words)) <= 40_000


def test_fences_are_no_wider_than_their_ink(node_modules):
    """Chromium reserves the width of the widest variant for every stretched sign."""
    original = TTFont(node_modules / "@fontsource/stix-two-math/files" / ORIGINAL)
    book = TTFont(font.SOURCE)
    for sign in "([√":
        surplus = [widest(file, sign) - smallest(file, sign) for file in (original, book)]
        assert surplus[1] < surplus[0] / 1.8


ORIGINAL = "stix-two-math-latin-400-normal.woff2"


def widest(file: TTFont, sign: str) -> int:
    variants = file["MATH"].table.MathVariants
    index = variants.VertGlyphCoverage.glyphs.index(file.getBestCmap()[ord(sign)])
    grown = variants.VertGlyphConstruction[index]
    names = [record.VariantGlyph for record in grown.MathGlyphVariantRecord]
    names += [part.glyph for part in grown.GlyphAssembly.PartRecords]
    return max(file["hmtx"][name][0] for name in names)


def smallest(file: TTFont, sign: str) -> int:
    return file["hmtx"][file.getBestCmap()[ord(sign)]][0]


def test_a_browser_sets_one_letter_in_italics(tmp_path):
    page = tmp_path / "page.html"
    page.write_text(
        "<p>Words</p><math><mi>h</mi><mi>θ</mi><mi>sin</mi><mo>&lt;</mo><mn>2</mn></math>",
        encoding="utf-8",
    )
    assert font.used_characters([page]) == sorted("ℎ𝜃sin<2√")


def test_a_sign_that_the_font_lacks_is_a_warning(tmp_path):
    make_book(tmp_path, index="# Formulas\n\n$\\text{漢}$\n")
    run = build(tmp_path, "-W")
    assert run.returncode != 0
    assert "U+6F22" in run.stderr


def test_an_incremental_build_gives_the_font_of_a_build_from_nothing(tmp_path):
    make_book(tmp_path / "book", index="# One\n\n$x$\n", other="# Two\n\n$y$\n")
    assert build(tmp_path / "book", "-W").returncode == 0
    address = tmp_path / "book" / "html" / font.ADDRESS
    assert characters_of(address.read_bytes()) == set("√𝑥𝑦")

    (tmp_path / "book" / "other.md").write_text("# Two\n\n$y + z$\n", encoding="utf-8")
    assert build(tmp_path / "book", "-W").returncode == 0
    assert characters_of(address.read_bytes()) == set("√𝑥𝑦𝑧+")

    make_book(tmp_path / "again", index="# One\n\n$x$\n", other="# Two\n\n$y + z$\n")
    assert build(tmp_path / "again", "-W").returncode == 0
    assert (tmp_path / "again" / "html" / font.ADDRESS).read_bytes() == address.read_bytes()


def test_an_unchanged_book_keeps_its_font(tmp_path):
    make_book(tmp_path, index="# One\n\n$x$\n")
    build(tmp_path)
    address = tmp_path / "html" / font.ADDRESS
    address.write_bytes(b"kept")
    build(tmp_path)
    assert address.read_bytes() == b"kept"
