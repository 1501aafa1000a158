"""Points to drag: the figure of the penalty balls, alone on a page, in a browser."""

import json
from itertools import pairwise

import numpy as np
import pytest
from built_site import serve
from dlmath.interactive import penalty_balls
from dlmath.interactive._bundle import style
from numpy.testing import assert_allclose
from scipy.optimize import minimize_scalar

ALT = "Ellipses around a minimum and a square on its corner, which the bold ellipse touches."
MINIMUM = np.array([1.2, 0.4])
STEP = 2 * 1.9 / 50

# What anywidget asks of the page around a figure.
PAGE = """<!doctype html>
<html lang="en"><head><title>A point to drag</title><link rel="icon" href="data:,">
<style>body {{ background: #fdfcfa; margin: 0 }} {style}</style></head>
<body><main><h1>A point to drag</h1><div id="figure"></div></main>
<script type="module">
import figure from "./figure.js";
const state = {state};
window.saved = [];
const model = {{
  get: (name) => state[name], set: (name, value) => {{ state[name] = value; }},
  on() {{}}, off() {{}}, save_changes: () => saved.push(state.params.minimum),
}};
figure.render({{ model, el: document.getElementById("figure") }});
</script></body></html>
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("point")
    widget = penalty_balls(minimum=MINIMUM, correlation=0.5, rho=0.8, ball="L2 (ridge)", alt=ALT)
    names = ("data", "controls", "params", "alt", "height")
    state = json.dumps({name: getattr(widget, name) for name in names})
    (folder / "figure.js").write_text(widget._esm)
    (folder / "index.html").write_text(PAGE.format(style=style(), state=state))
    with serve(folder) as address:
        yield f"{address}/index.html"


@pytest.fixture
def page(address, visit):
    with visit(address, size=(800, 700)) as heard:
        yield heard.page
        assert heard.failures == []


def centre(page):
    box = page.locator(".dlm-point").bounding_box()
    return np.array([box["x"] + box["width"] / 2, box["y"] + box["height"] / 2])


def point(page):
    return page.evaluate("saved[saved.length - 1]")


def numbers(page):
    """Give the two coefficients that are shown."""
    shown = page.locator(".dlm-readouts dd").all_inner_texts()[:2]
    return [float(text.replace("−", "-")) for text in shown]


def on_the_circle(minimum):
    """Minimise the cost on the circle of radius 0.8 over its angle."""

    def theta(angle):
        return 0.8 * np.array([np.cos(angle), np.sin(angle)])

    def cost(angle):
        u, v = theta(angle) - minimum
        return u * u + u * v + v * v

    starts = np.linspace(0, 2 * np.pi, 13)
    found = [minimize_scalar(cost, bounds=pair) for pair in pairwise(starts)]
    return theta(min(found, key=lambda best: best.fun).x)


def test_a_point_follows_the_pointer(page):
    assert_allclose(numbers(page), on_the_circle(MINIMUM), atol=6e-4)
    begin, shift = centre(page), np.array([-60, 90])
    page.mouse.move(*begin + 3)
    page.mouse.down()
    page.mouse.move(*(begin + 3 + shift), steps=5)
    assert page.evaluate("saved.length") == 0
    page.mouse.up()
    assert_allclose(centre(page), begin + shift, atol=0.1)
    moved = point(page)
    assert moved[0] < MINIMUM[0] - 0.5
    assert moved[1] < MINIMUM[1] - 0.5
    assert_allclose(numbers(page), on_the_circle(moved), atol=6e-4)


def test_a_point_moves_by_keyboard_and_says_where_it_is(page):
    handle = page.get_by_role("slider", name="Least-squares solution")
    handle.focus()
    for key in ("ArrowLeft", "ArrowLeft", "ArrowUp", "PageDown", "ArrowRight"):
        page.keyboard.press(key)
    moved = MINIMUM + STEP * np.array([-1, -4])
    assert_allclose(point(page), moved)
    assert_allclose(numbers(page), on_the_circle(moved), atol=6e-4)
    assert handle.get_attribute("aria-valuetext") == "1.12, 0.0960"
    said = page.locator("[aria-live=polite]")
    page.wait_for_function("e => e.textContent !== ''", arg=said.element_handle())
    assert said.inner_text().startswith("θ₁ 0.")


def test_a_point_stays_within_its_bounds(page):
    begin = centre(page)
    page.mouse.move(*begin)
    page.mouse.down()
    page.mouse.move(900, -50, steps=4)
    page.mouse.up()
    assert_allclose(point(page), [1.9, 1.9])
    page.get_by_role("slider", name="Least-squares solution").focus()
    page.keyboard.press("ArrowUp")
    assert_allclose(point(page), [1.9, 1.9])


def test_a_finger_can_move_a_point(address, visit):
    with visit(address, size=(360, 740), has_touch=True, is_mobile=True) as heard:
        page = heard.page
        page.locator(".dlm-point").scroll_into_view_if_needed()
        scrolled = page.evaluate("scrollY")
        x, y = centre(page)
        session = page.context.new_cdp_session(page)
        for kind, places in (
            ("touchStart", [{"x": x, "y": y}]),
            ("touchMove", [{"x": x - 20, "y": y + 30}]),
            ("touchMove", [{"x": x - 40, "y": y + 60}]),
            ("touchEnd", []),
        ):
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})
        assert_allclose(centre(page), [x - 40, y + 60], atol=0.1)
        assert page.evaluate("scrollY") == scrolled
        assert heard.failures == []


@pytest.mark.parametrize("width", [360, 800])
def test_axe_finds_nothing_in_the_figure(address, visit, node_modules, width):
    with visit(address, size=(width, 900)) as heard:
        heard.page.add_script_tag(path=node_modules / "axe-core" / "axe.min.js")
        results = heard.page.evaluate("axe.run()")
        assert [fault["id"] for fault in results["violations"]] == []
        assert heard.page.evaluate("document.documentElement.scrollWidth") <= width
