"""The chart of nuclides and the polynomials at its edges, in a browser."""

import numpy as np
import pytest
from built_site import serve
from dlmath.datasets import load_nuclear_masses
from dlmath.nuclear import DufloZuker, PolynomialMass, edge_split, from_oxygen, time_split
from numpy.testing import assert_allclose
from test_widgets import CONF, HEAD, _cell, alive, build, number

CHART_ALT = "The chart of nuclides, orange at the magic numbers and blue in the regions between."
EDGE_ALT = "Isotopes of one element, and a polynomial that leaves them at both of their ends."
CODE = f"""from dlmath.datasets import load_nuclear_masses
from dlmath.interactive import NuclearChart, polynomial_edge
from dlmath.nuclear import edge_split, from_oxygen, time_split
masses = from_oxygen(load_nuclear_masses())
splits = {{"measured by 2003": time_split(2003), "without the edges": edge_split(masses)}}
NuclearChart(masses, splits, alt="{CHART_ALT}")"""
DARK = """:root[data-theme=dark] { --bk-bg: #14171b; --bk-surface: #1d2127; --bk-ink: #e3e1dc;
  --bk-muted: #a2a9b1; color-scheme: dark }
:root[data-theme=dark] body { background: #14171b }"""
CHART, EDGE = "fig-chart", "fig-edge"


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    source = tmp_path_factory.mktemp("nuclear")
    (source / "conf.py").write_text(CONF)
    edge = _cell(EDGE, f'polynomial_edge(masses, element="Rb", alt="{EDGE_ALT}")')
    (source / "index.md").write_text(f"{HEAD}# Chart\n{_cell(CHART, CODE)}\n{edge}")
    assert build(source) == ""
    with serve(source / "_build" / "html") as address:
        yield address


@pytest.fixture
def page(address, visit):
    with visit(f"{address}/index.html", (800, 700)) as heard:
        yield heard.page
    unheard = ("favicon.ico", "Failed to load resource")
    assert [f for f in heard.failures if not any(text in f for text in unheard)] == []


def canvas_of(page):
    return alive(page, CHART).get_by_role("application")


def name(page):
    return page.locator(".dlm-nuclide-name").inner_text().replace("\n", "")


def choose(page, label, option):
    page.get_by_role("combobox", name=label).select_option(option)


def rms(residual):
    return np.sqrt(np.mean(residual**2))


def test_keys_walk_along_the_chains_and_the_nuclide_is_announced(page):
    canvas = canvas_of(page)
    assert name(page) == "132Sn Z = 50, N = 82"
    canvas.focus()
    for key, nuclide in (
        ("ArrowRight", "133Sn"),
        ("ArrowUp", "134Sb"),
        ("ArrowDown", "133Sn"),
        ("Home", "100Sn"),
        ("ArrowLeft", "100Sn"),
        ("End", "135Sn"),
        ("PageDown", "135Sn"),
    ):
        page.keyboard.press(key)
        assert name(page).startswith(nuclide)
    said = page.locator(f"#{CHART} [aria-live=polite]")
    page.wait_for_function("e => e.textContent !== ''", arg=said.element_handle())
    assert said.inner_text().startswith("Sn-135, Z 50, N 85; measured (MeV) 1")


def test_models_are_fitted_to_the_training_set_that_is_chosen(page):
    figure = alive(page, CHART)
    split = time_split(2003)
    choose(page, "Training set", "measured by 2003")
    choose(page, "Model", "Duflo-Zuker, 10 terms")
    model = DufloZuker().fit(split.X_train, split.y_train)
    train = split.y_train - model.predict(split.X_train)
    held = split.y_test - model.predict(split.X_test)
    assert_allclose(number(figure, "RMS in training (MeV)"), rms(train), atol=6e-4)
    assert_allclose(number(figure, "RMS held out (MeV)"), rms(held), atol=6e-4)
    assert number(figure, "held-out nuclides") == len(split.X_test)
    said = figure.locator("[aria-live=polite]")
    page.wait_for_function("e => e.textContent !== ''", arg=said.element_handle())
    assert "parameters 10" in said.inner_text()


def test_pointing_shows_a_nuclide_and_clicking_keeps_it(page):
    box = canvas_of(page).bounding_box()
    middle = (box["x"] + 0.5 * box["width"], box["y"] + 0.52 * box["height"])
    page.mouse.move(*middle)
    page.wait_for_function("!document.querySelector('.dlm-nuclide-name').innerText.includes('Sn')")
    shown = name(page)
    page.mouse.move(box["x"] + 3, box["y"] + box["height"] - 3)
    page.wait_for_function("document.querySelector('.dlm-nuclide-name').innerText.includes('Sn')")
    page.mouse.click(*middle)
    page.mouse.move(box["x"] + 3, box["y"] + box["height"] - 3)
    page.wait_for_timeout(100)
    assert name(page) == shown


def test_tapping_chooses_on_the_chart_and_on_the_chain(address, visit):
    with visit(f"{address}/index.html", (360, 740), has_touch=True) as heard:
        page = heard.page
        box = canvas_of(page).bounding_box()
        page.touchscreen.tap(box["x"] + 0.5 * box["width"], box["y"] + 0.52 * box["height"])
        first = name(page)
        assert "Sn" not in first
        panel = page.locator(f"#{CHART} .dlm-panel")
        panel.scroll_into_view_if_needed()
        box = panel.bounding_box()
        page.touchscreen.tap(box["x"] + 40, box["y"] + 100)
        assert name(page) != first
        assert name(page).split("Z =")[1].split(",")[0] == first.split("Z =")[1].split(",")[0]


def test_the_chart_is_crisp_and_follows_the_theme(address, visit):
    with visit(f"{address}/index.html", (800, 700), device_scale_factor=2) as heard:
        canvas = canvas_of(heard.page)
        sizes = canvas.evaluate("e => [e.width, e.clientWidth, e.height, e.clientHeight]")
        assert sizes[0] == 2 * sizes[1]
        assert sizes[2] == 2 * sizes[3]
        heard.page.add_style_tag(content=DARK)
        light = canvas.evaluate("e => e.toDataURL()")
        heard.page.evaluate("document.documentElement.dataset.theme = 'dark'")
        heard.page.wait_for_timeout(100)
        assert canvas.evaluate("e => e.toDataURL()") != light


def test_colours_and_range_change_the_chart_alone(page):
    canvas = canvas_of(page)
    pictures = {canvas.evaluate("e => e.toDataURL()")}
    span = page.get_by_role("slider", name="Colour range")
    span.focus()
    page.keyboard.press("Home")
    assert span.get_attribute("aria-valuetext") == "± 0.30 MeV"
    pictures.add(canvas.evaluate("e => e.toDataURL()"))
    choose(page, "Training set", "without the edges")
    choose(page, "Colour", "sets")
    assert span.is_disabled()
    pictures.add(canvas.evaluate("e => e.toDataURL()"))
    assert len(pictures) == 3
    choose(page, "Chain", "isotones")
    assert "isotones of N = 82" in page.locator(f"#{CHART} .dlm-panel").inner_text()


@pytest.mark.parametrize("width", [360, 540, 620, 800])
def test_nothing_shifts_and_few_elements_are_made(address, visit, width):
    with visit(f"{address}/index.html", (width, 700), has_touch=width < 500) as heard:
        for label in (CHART, EDGE):
            figure = heard.page.locator(f"#{label} .bk-widget")
            before = figure.bounding_box()["height"]
            alive(heard.page, label)
            heard.page.wait_for_timeout(100)
            assert figure.bounding_box()["height"] == before
            assert figure.locator("*").count() < 300
        assert heard.page.evaluate("document.querySelector('.body').scrollWidth") <= width


def test_polynomials_leave_the_edges_as_dlmath_says(page):
    figure = alive(page, EDGE)
    masses = from_oxygen(load_nuclear_masses())
    split = edge_split(masses)
    for steps, degree in ((0, 8), (2, 10)):
        degrees = figure.get_by_role("slider", name="degree")
        degrees.focus()
        for _ in range(steps):
            page.keyboard.press("ArrowRight")
        model = PolynomialMass(degree=degree).fit(split.X_train, split.y_train)
        inside = rms(split.y_train - model.predict(split.X_train))
        edge = rms(split.y_test - model.predict(split.X_test))
        assert_allclose(number(figure, "RMS inside (MeV)"), inside, atol=6e-3)
        assert_allclose(number(figure, "RMS at the edges (MeV)"), edge, atol=6e-2)
    choose(page, "Element", "Fm")
    assert "neutrons N in Fm" in figure.inner_text()


def test_leaving_the_page_cleans_up(page):
    canvas_of(page)
    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: false }))")
    assert page.locator(".dlm-canvas").count() == 0
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.set_viewport_size({"width": 600, "height": 700})
    page.wait_for_timeout(100)


@pytest.mark.parametrize("width", [360, 800])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_figures(address, visit, node_modules, width, scheme):
    with visit(f"{address}/index.html", (width, 700)) as heard:
        heard.page.add_style_tag(content=DARK)
        heard.page.evaluate("t => (document.documentElement.dataset.theme = t)", scheme)
        for label in (CHART, EDGE):
            alive(heard.page, label)
        heard.page.add_script_tag(path=node_modules / "axe-core" / "axe.min.js")
        results = heard.page.evaluate("axe.run('.bk-widget')")
        faults = [(fault["id"], fault["nodes"][0]["html"]) for fault in results["violations"]]
        assert faults == []
