"""The figure of the first page, alone on a page, in a browser: play, pause, drag in two panels."""

import json

import numpy as np
import pytest
from built_site import serve
from dlmath.interactive import fit_and_cloud
from dlmath.interactive._bundle import style
from numpy.testing import assert_allclose

ALT = "Five points along a bowl, twice: with a parabola through them, and in a cloud of grains."
N = 5
PAGE = """<!doctype html>
<html lang="en"><head><title>Two machines</title><link rel="icon" href="data:,">
<style>body {{ background: #fdfcfa; margin: 0 }} {style}</style></head>
<body><main><h1>Two machines</h1><div id="figure"></div></main>
<script type="module">
import figure from "./figure.js";
const state = {state};
const model = {{
  get: (name) => state[name], set: (name, value) => {{ state[name] = value; }},
  on() {{}}, off() {{}}, save_changes: () => {{ window.saved = state.params; }},
}};
figure.render({{ model, el: document.getElementById("figure") }});
</script></body></html>
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("first")
    widget = fit_and_cloud([-2, -1, 0, 1, 2], [1.5, -0.2, -1, 0.3, 1.4], alt=ALT)
    names = ("data", "controls", "params", "alt", "height")
    state = json.dumps({name: getattr(widget, name) for name in names})
    (folder / "figure.js").write_text(widget._esm)
    (folder / "index.html").write_text(PAGE.format(style=style(), state=state))
    with serve(folder) as address:
        yield f"{address}/index.html"


def progress(page):
    return float(page.locator(".dlm-slider input").last.input_value())


def test_the_player_plays_and_pauses_and_goes_on(address, visit):
    with visit(address, size=(900, 900)) as heard:
        page = heard.page
        assert progress(page) == 100
        page.get_by_role("button", name="Denoise").click()
        page.wait_for_function("document.querySelectorAll('.dlm-slider input')[2].value > 10")
        page.get_by_role("button", name="Pause").click()
        at = progress(page)
        assert 10 < at < 100
        page.wait_for_timeout(300)
        assert progress(page) == at
        assert page.evaluate("saved.progress") == pytest.approx(at, abs=1)
        page.get_by_role("button", name="Denoise").click()
        page.wait_for_function(f"document.querySelectorAll('.dlm-slider input')[2].value > {at}")
        page.locator(".dlm-slider input").first.press("ArrowRight")
        at = progress(page)
        page.wait_for_timeout(300)
        assert progress(page) == at < 100
        assert page.get_by_role("button").inner_text() == "Denoise"
        assert heard.failures == []


def test_nothing_moves_for_a_reader_who_wants_calm(address, visit):
    with visit(address, size=(900, 900), reduced_motion="reduce") as heard:
        button = heard.page.get_by_role("button", name="Denoise")
        button.click()
        assert progress(heard.page) == 0
        button.click()
        assert progress(heard.page) == 100


def test_a_point_is_dragged_in_both_panels_and_met_once_by_the_keys(address, visit):
    with visit(address, size=(900, 900)) as heard:
        page = heard.page
        dots = page.locator(".dlm-point")
        assert dots.count() == 2 * N
        assert page.locator("svg [role=slider]").count() == N

        def centre(index):
            box = dots.nth(index).bounding_box()
            return np.array([box["x"] + box["width"] / 2, box["y"] + box["height"] / 2])

        for held, other in ((N + 1, 1), (2, N + 2)):
            begin, there = centre(held), centre(other)
            end = begin + np.array([20, 40])
            page.mouse.move(*begin)
            page.mouse.down()
            page.mouse.move(*end, steps=4)
            page.mouse.up()
            assert_allclose(centre(held), end, atol=0.2)
            assert np.linalg.norm(centre(other) - there) > 20
        assert page.evaluate("saved.point3")[1] < -1
        assert heard.failures == []


@pytest.mark.parametrize("width", [360, 900])
def test_axe_finds_nothing_in_the_figure(address, visit, node_modules, width):
    with visit(address, size=(width, 900)) as heard:
        heard.page.add_script_tag(path=node_modules / "axe-core" / "axe.min.js")
        results = heard.page.evaluate("axe.run()")
        assert [fault["id"] for fault in results["violations"]] == []
        assert heard.page.evaluate("document.documentElement.scrollWidth") <= width
