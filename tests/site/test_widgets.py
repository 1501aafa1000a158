"""The figures to move, in the pages of a small book: from a server, from disk, in a browser."""

import gzip
import json
import math
import re
import shutil
import subprocess
import sys
from contextlib import ExitStack
from xml.etree import ElementTree

import numpy as np
import pytest
from built_site import serve
from dlmath.weights import pack_weights
from numpy.testing import assert_allclose

COUNT_SHIFTS = """
window.shifts = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.shifts += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""
CONF = """
extensions = ["myst_nb", "bookkit.widgets"]
html_theme = "basic"
html_title = "A small book"
numfig = True
nb_execution_mode = "cache"
nb_execution_timeout = 300
exclude_patterns = ["_build"]
"""
HEAD = """---
jupytext:
  text_representation: {extension: .md, format_name: myst, format_version: 0.13}
kernelspec: {name: python3, display_name: Python 3}
---
"""
ALT = "Eight points with error bars, a straight line through them and its narrow band."
CELL = """
```{{code-cell}} ipython3
:mystnb:
:  figure: {{name: {name}, caption: "{caption}"}}
{code}
```
"""
GAP = '<div style="height: 3000px"></div>\n'
X = np.arange(1.0, 9.0)
SIGMA = np.array([0.3, 0.5, 0.3, 0.8, 0.4, 0.3, 1.2, 0.5])
Y = np.array([1.8, 2.8, 3.2, 2.75, 4.9, 5.3, 5.25, 6.9])

PROBE = '''
import anywidget, traitlets

class Probe(anywidget.AnyWidget):
    """Writes down all that the host gives it."""
    _esm = """
export default () => ({
  initialize({ model }) {
    model.set("starts", model.get("starts") + 1);
    return () => { document.body.dataset.initializeEnded = "yes"; };
  },
  render({ model, el, signal }) {
    if (model.get("fails")) throw new Error("the probe was told to fail");
    const seen = [], begin = model.get("number");
    const first = () => seen.push("first"), second = (_, value) => seen.push(value);
    model.on("change:number", first);
    model.on("change:number change", second);
    model.set("number", 7);
    model.set("number", 7);
    model.off("change:number", first);
    model.set("number", 8);
    model.off();
    model.set("number", 9);
    model.save_changes();
    model.send({});
    const bytes = new Uint8Array(model.get("data").buffer);
    const nested = model.get("table").rows[1].bytes.getUint8(0);
    el.className += " probe";
    el.textContent = JSON.stringify({
      starts: model.get("starts"), alt: model.get("alt"), bytes: [...bytes], nested, begin, seen,
      hidden: model.get("still") ?? null, aborted: signal.aborted,
    });
    return () => { document.body.dataset.renderEnded = String(signal.aborted); };
  },
});
"""
    _css = ".probe { outline: 3px solid rgb(1, 2, 3); }"
    still = traitlets.Unicode("<svg xmlns='http://www.w3.org/2000/svg'/>").tag(sync=True)
    alt = traitlets.Unicode("A probe that writes down what the host gives it.").tag(sync=True)
    data = traitlets.Bytes(bytes([1, 2, 250])).tag(sync=True)
    table = traitlets.Dict({"rows": [1, {"bytes": b"*"}]}).tag(sync=True)
    number = traitlets.Int(0).tag(sync=True)
    starts = traitlets.Int(0).tag(sync=True)
    fails = traitlets.Bool(False).tag(sync=True)
'''

ASKER = '''
from dlmath.interactive._bundle import bundle
from dlmath.interactive._weights import LoadsWeights

class Asker(LoadsWeights):
    """Asks for the weights of networks when its button is pressed, and writes down what it gets."""
    _esm = bundle("weights.js") + """
export default {
  render({ model, el }) {
    const { root, controls } = makeFrame(el, model);
    const after = html("button", { class: "dlm-button" }, "Next");
    const { row } = weightsLoader(model, (all) => {
      const seen = ({ values, layout, model, n_features: n }) =>
        [model, n, layout.at(-1), [...values.slice(0, 5)]];
      root.dataset.found = JSON.stringify(
        Object.fromEntries(Object.entries(all).map(([name, weights]) => [name, seen(weights)])));
      return after;
    }, model.get("what"));
    controls.append(row, after);
  },
};
"""
    what = traitlets.Unicode("the network").tag(sync=True)

def asker(names, **more):
    more |= {"alt": "A button that asks for the weights of a network.", "height": [200, 200]}
    return Asker(weights=names, still="<svg xmlns='http://www.w3.org/2000/svg'/>", **more)
'''


def _cell(name, code, caption="What to see in this figure."):
    return CELL.format(name=name, code=code, caption=caption)


def _pages():
    values = ", ".join(f"{name}={array.tolist()}" for name, array in zip("xy", (X, Y), strict=True))
    drag = (
        f"from dlmath.interactive import *\nDragFit({values}, sigma={SIGMA.tolist()}, alt='{ALT}')"
    )
    wave = "[0.1, 0.9, 0.8, -0.3, -1.0, -0.6, 0.2]"
    descent = f"gradient_descent_filter([0, 1, 2, 3, 4, 5, 6], {wave}, 4, alt='{ALT}')"
    project = f"projection([-1, 0.2, 1.4], [1.2, 0.4, 1.9], alt='{ALT}')"
    scatter = (
        "ScatterFit(['a'] * 4 + ['b'] * 4, {'first': [1, 2, 3, 4, 5, 6, 7, 8], "
        "'second': [8, 1, 7, 2, 6, 3, 5, 4]}, [1, 2, 2, 4, 6, 5, 7, 7], "
        f"names=[f'p{{i}}' for i in range(8)], ylabel='y', alt='{ALT}')"
    )
    refer = "See {numref}`fig-drag`.\n"
    return {
        "index": "# Book\n\n```{toctree}\nmoving\nprobe\nasking\nplain\nshort\nstill\nstock\n```\n",
        "moving": HEAD
        + "# Moving\n\n"
        + refer
        + _cell("fig-drag", drag)
        + GAP
        + _cell("fig-descent", descent)
        + _cell("fig-projection", project)
        + _cell("fig-scatter", scatter),
        "probe": f"{HEAD}# Probe\n"
        + f"```{{code-cell}} ipython3\n:tags: [remove-cell]\n{PROBE}\n```\n"
        + _cell("fig-probe", "probe = Probe()\nprobe")
        + _cell("fig-again", "probe")
        + _cell("fig-failing", "Probe(fails=True)"),
        "asking": f"{HEAD}# Asking\n"
        + f"```{{code-cell}} ipython3\n:tags: [remove-cell]\n{PROBE}\n{ASKER}\n```\n"
        + _cell("fig-one", "asker(['vae-plane'])")
        + _cell("fig-two", "asker(['vae-plane', 'spline-eight'], what='both networks')"),
        "plain": "# Plain\n\nNothing moves here.\n",
        "short": f"{HEAD}# Short\n```{{code-cell}} ipython3\n:tags: [remove-cell]\n{PROBE}\n```\n"
        + _cell("fig-short", "Probe(alt='A probe.')"),
        "still": f"{HEAD}# Still\n```{{code-cell}} ipython3\n:tags: [remove-cell]\n{PROBE}\n```\n"
        + _cell("fig-still", "Probe(still='')"),
        "stock": f"{HEAD}# Stock\n"
        + _cell("fig-stock", "import ipywidgets\nipywidgets.IntSlider()"),
    }


def build(source):
    """Build the book (again) and give the warnings."""
    out = source / "_build"
    command = [sys.executable, "-m", "sphinx", "-q", "-n", "--no-color", "-d", out / "doctrees"]
    done = subprocess.run(
        [*command, source, out / "html"], capture_output=True, text=True, check=True
    )
    return "".join(line for line in done.stderr.splitlines(True) if "IPKernelApp" not in line)


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    source = tmp_path_factory.mktemp("book")
    (source / "conf.py").write_text(CONF)
    for name, text in _pages().items():
        (source / f"{name}.md").write_text(text)
    return source, build(source)


@pytest.fixture(scope="module")
def html(book):
    return book[0] / "_build" / "html"


@pytest.fixture(scope="module")
def address(html):
    with serve(html) as address:
        yield address


@pytest.fixture
def open_page(visit):
    """Open an address in a fresh window; whatever fails there fails the test."""
    visits = []
    with ExitStack() as stack:

        def go(url, size=(800, 700), expected="nothing", **options):
            # The first page is only the place where the observer of shifts can be put.
            heard = stack.enter_context(visit("about:blank", size, **options))
            visits.append((heard, expected))
            heard.page.add_init_script(COUNT_SHIFTS)
            heard.page.goto(url)
            return heard.page

        yield go
    for heard, expected in visits:
        unheard = (expected, "favicon.ico", "Failed to load resource")
        assert [f for f in heard.failures if not any(text in f for text in unheard)] == []


@pytest.fixture(params=["server", "disk"])
def site_url(request, html):
    if request.param == "disk":
        return html.as_uri()
    return request.getfixturevalue("address")


def state_of(html, name):
    text = (html / f"{name}.html").read_text()
    (block,) = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', text)
    return json.loads(block)


def alive(page, label):
    """Scroll a figure into view and wait until it lives."""
    figure = page.locator(f"#{label} .bk-widget")
    figure.scroll_into_view_if_needed()
    page.locator(f"#{label} .bk-on").wait_for()
    return figure


def number(figure, name):
    text = figure.locator(".dlm-readouts div", has=figure.page.get_by_text(name, exact=True))
    return float(text.locator("dd").inner_text().replace("−", "-").split(" ")[0])


def chi_squared(y, sigma):
    theta = np.polyfit(X, y, 1, w=1 / sigma)
    return np.sum(((y - np.polyval(theta, X)) / sigma) ** 2)


def centres(figure):
    """Give the centres of the points as drawn, in pixels of the window."""
    boxes = figure.locator(".dlm-point").evaluate_all(
        "all => all.map((e) => { const b = e.getBoundingClientRect();"
        " return [b.x + b.width / 2, b.y + b.height / 2]; })"
    )
    return np.array(boxes)


def test_warnings_name_the_page_and_nothing_else_is_warned_of(book):
    warnings = book[1].strip().splitlines()
    own = [line for line in warnings if "WARNING" in line]
    assert len(own) == 3, warnings
    assert "short: the widget Probe needs an alt text of 40 characters" in own[0]
    assert "still: the widget Probe has no still picture" in own[1]
    assert "stock: the widget IntSliderModel of @jupyter-widgets/controls is no anywidget" in own[2]


def test_the_page_holds_a_compact_state_and_no_plumbing(html):
    text = (html / "moving.html").read_text()
    assert "application/vnd.jupyter" not in text
    assert "https://" not in re.sub(r"<a .*?</a>", "", text)
    entries = state_of(html, "moving")
    assert sorted(entries) == ["w1", "w2", "w3", "w4"]
    assert entries["w1"]["state"]["sigma"] == SIGMA.tolist()
    for entry in entries.values():
        assert not {"_esm", "_css", "still", "alt", "layout"} & set(entry["state"])


def test_each_part_of_a_module_is_written_once(html):
    entries = state_of(html, "moving")
    keys = {key for entry in entries.values() for key in entry["parts"]}
    assert len(keys) == 5
    others = {
        key
        for page in ("probe", "asking")
        for entry in state_of(html, page).values()
        for key in entry["parts"]
    }
    assert {path.name for path in (html / "_static").glob("esm-*")} == {
        f"esm-{key}.js" for key in keys | others
    }


def test_weights_are_files_of_their_own_and_the_page_names_them(html):
    entries = state_of(html, "asking")
    names = ("vae-plane", "spline-eight")
    packed = {name: pack_weights(name) for name in names}
    keys = {name: {"key": p.key, "bytes": len(p.values)} for name, p in packed.items()}
    assert entries["w1"]["state"]["assets"] == {"vae-plane": keys["vae-plane"]}
    assert entries["w2"]["state"]["assets"] == keys
    assert {path.name for path in (html / "_static").glob("weights-*")} == {
        f"weights-{p.key}.js" for p in packed.values()
    }
    # In half precision, and nothing of it in the page.
    assert (html / "asking.html").stat().st_size < 20_000
    for p in packed.values():
        file = html / "_static" / f"weights-{p.key}.js"
        assert len(gzip.compress(file.read_bytes())) < 1.05 * len(p.values) + 1000


def test_host_only_where_something_moves(html):
    assert "bookkit-widgets" in (html / "moving.html").read_text()
    assert "bookkit-widgets" not in (html / "plain.html").read_text()


def test_stills_are_pictures_with_alt_text_in_numbered_figures(html):
    text = (html / "moving.html").read_text()
    stills = re.findall(r'<div class="bk-still"><img alt="([^"]*)"[^>]*src="([^"]*)"', text)
    assert [alt for alt, _ in stills] == [ALT] * 4
    for _, source in stills:
        assert ElementTree.parse(html / source).getroot().tag.endswith("svg")
    assert re.search(r'href="#fig-drag".*?Fig. 1', text)


def test_a_second_build_from_nothing_gives_the_same_page(book, html, tmp_path):
    for name in ("conf.py", "index.md", "probe.md"):
        shutil.copy(book[0] / name, tmp_path)
    index = tmp_path / "index.md"
    index.write_text("# Book\n\n```{toctree}\nprobe\n```\n")
    assert build(tmp_path) == ""
    again = tmp_path / "_build" / "html"
    assert state_of(again, "probe") == state_of(html, "probe")
    first = {path.name: path.read_bytes() for path in (again / "_static").glob("esm-*")}
    assert first
    index.write_text(index.read_text() + "\nOne more sentence.\n")
    assert build(tmp_path) == ""
    assert {path.name: path.read_bytes() for path in (again / "_static").glob("esm-*")} == first
    (tmp_path / "probe.md").write_text("# Probe\n\nNothing moves here any more.\n")
    assert build(tmp_path) == ""
    assert "bookkit-widgets" not in (again / "probe.html").read_text()
    assert not list((again / "_static").glob("esm-*"))


def test_figures_wait_until_they_are_seen(open_page, site_url):
    page = open_page(f"{site_url}/moving.html")
    page.locator("#fig-drag .bk-on").wait_for()
    assert page.locator("#fig-drag img").is_hidden()
    assert page.locator(".bk-on").count() == 1
    assert page.locator("#fig-scatter .bk-still img").count() == 1
    assert page.evaluate("document.querySelectorAll('script[src*=esm]').length") == 2
    alive(page, "fig-scatter")
    assert page.locator("#fig-scatter img").is_hidden()


@pytest.mark.parametrize("width", [360, 620, 800])
def test_nothing_shifts_when_figures_come_alive(open_page, address, width):
    page = open_page(f"{address}/moving.html", size=(width, 700))
    for label in ("fig-drag", "fig-descent", "fig-projection", "fig-scatter"):
        figure = page.locator(f"#{label} .bk-widget")
        before = figure.bounding_box()["height"]
        alive(page, label)
        page.wait_for_timeout(100)
        assert figure.bounding_box()["height"] == before
    assert page.evaluate("window.shifts") == 0
    assert page.evaluate("document.querySelector('.body').scrollWidth") <= width


def test_dragging_a_point_changes_chi_squared_as_numpy_says(open_page, site_url):
    page = open_page(f"{site_url}/moving.html")
    figure = alive(page, "fig-drag")
    assert_allclose(number(figure, "χ²"), chi_squared(Y, SIGMA), rtol=1e-3)
    px, py = centres(figure)[2]
    page.mouse.move(px, py)
    page.mouse.down()
    page.mouse.move(px, py - 37, steps=4)
    page.mouse.up()
    handle = figure.get_by_role("slider", name="Point 3 of 8")
    moved = Y.copy()
    moved[2] = float(handle.get_attribute("aria-valuenow"))
    assert moved[2] > Y[2] + 0.2
    assert_allclose(number(figure, "χ²"), chi_squared(moved, SIGMA), rtol=1e-3)
    figure.get_by_role("button", name="Reset").click()
    assert_allclose(number(figure, "χ²"), chi_squared(Y, SIGMA), rtol=1e-3)


def test_dragging_the_end_of_an_error_bar_changes_its_length(open_page, address):
    page = open_page(f"{address}/moving.html")
    figure = alive(page, "fig-drag")
    places = centres(figure)
    pixels = (places[0, 1] - places[7, 1]) / (Y[7] - Y[0])
    px, py = places[3]
    end = py - pixels * SIGMA[3]
    page.mouse.move(px, end)
    page.mouse.down()
    page.mouse.move(px, end - 20, steps=3)
    page.mouse.up()
    longer = SIGMA.copy()
    longer[3] += 20 / pixels
    assert_allclose(number(figure, "χ²"), chi_squared(Y, longer), rtol=2e-3)
    assert_allclose(centres(figure), places, atol=0.01)


def test_points_move_by_keyboard_and_the_change_is_announced(open_page, address, html):
    page = open_page(f"{address}/moving.html")
    figure = alive(page, "fig-drag")
    low, high = state_of(html, "moving")["w1"]["state"]["ylim"]
    handle = figure.get_by_role("slider", name="Point 5 of 8")
    handle.focus()
    for key in ("ArrowUp", "ArrowUp", "PageDown", "+", "+", "-"):
        page.keyboard.press(key)
    moved, longer = Y.copy(), SIGMA.copy()
    moved[4] += (2 - 5) * (high - low) / 50
    longer[4] *= 1.1
    assert_allclose(float(handle.get_attribute("aria-valuenow")), moved[4])
    expected = chi_squared(moved, longer)
    assert_allclose(number(figure, "χ²"), expected, rtol=1e-3)
    assert handle.evaluate("e => e === document.activeElement")
    said = figure.locator("[aria-live=polite]")
    page.wait_for_function("e => e.textContent !== ''", arg=said.element_handle())
    assert said.inner_text().startswith(f"Chi squared {expected:.3g}")


def test_without_weights_the_line_is_that_of_polyfit(open_page, address):
    page = open_page(f"{address}/moving.html")
    figure = alive(page, "fig-drag")
    figure.get_by_label("Equal weights").check()
    intercept = np.polyfit(X, Y, 1)[1]
    assert math.isclose(number(figure, "θ₀"), intercept, abs_tol=0.006)
    figure.get_by_label("Degree").select_option("2")
    assert math.isclose(number(figure, "θ₂"), np.polyfit(X, Y, 2)[0], abs_tol=0.0006)


def test_sliders_move_the_computed_figures(open_page, address):
    page = open_page(f"{address}/moving.html", reduced_motion="reduce")
    figure = alive(page, "fig-projection")
    assert abs(number(figure, "1ᵀr")) > 0.1
    figure.get_by_role("button", name="Least squares").click()
    assert number(figure, "1ᵀr") == number(figure, "xᵀr") == 0
    figure.get_by_label("slope").focus()
    page.keyboard.press("ArrowRight")
    assert number(figure, "xᵀr") != 0
    figure = alive(page, "fig-descent")
    before = number(figure, "C(θₖ)")
    steps = figure.get_by_label("steps k")
    steps.focus()
    page.keyboard.press("End")
    assert steps.get_attribute("aria-valuetext") == "100000"
    assert number(figure, "C(θₖ)") < before


def test_solving_moves_smoothly_where_motion_is_welcome(open_page, address):
    page = open_page(f"{address}/moving.html", reduced_motion="no-preference")
    figure = alive(page, "fig-projection")
    slope = figure.get_by_label("slope")
    begin = float(slope.input_value())
    figure.get_by_role("button", name="Least squares").click()
    assert math.isclose(float(slope.input_value()), begin, abs_tol=0.2)
    page.wait_for_timeout(900)
    assert number(figure, "xᵀr") == 0


def test_groups_and_axes_of_the_scatter(open_page, address):
    page = open_page(f"{address}/moving.html")
    figure = alive(page, "fig-scatter")
    y = np.array([1, 2, 2, 4, 6, 5, 7, 7.0])
    assert_allclose(number(figure, "slope"), np.polyfit(np.arange(8), y, 1)[0], atol=0.01)
    figure.get_by_label("Group").focus()
    page.keyboard.press("ArrowRight")
    assert number(figure, "points") == 4
    assert_allclose(number(figure, "slope"), np.polyfit(np.arange(4), y[:4], 1)[0], atol=0.01)
    figure.get_by_label("Horizontal axis").select_option("second")
    expected = np.polyfit([8, 1, 7, 2], y[:4], 1)[0]
    assert_allclose(number(figure, "slope"), expected, atol=0.001)
    plot = figure.get_by_role("slider", name="Points of the plot")
    plot.focus()
    page.keyboard.press("End")
    assert plot.get_attribute("aria-valuetext") == "p0: second 8.000, y 1.000"


def test_the_host_keeps_the_contract_of_anywidget(open_page, site_url):
    page = open_page(f"{site_url}/probe.html", expected="the probe was told to fail")
    first = json.loads(alive(page, "fig-probe").locator(".probe").inner_text())
    second = json.loads(alive(page, "fig-again").locator(".probe").inner_text())
    assert first == {
        "starts": 1,
        "alt": "A probe that writes down what the host gives it.",
        "bytes": [1, 2, 250],
        "nested": 42,
        "begin": 0,
        "seen": ["first", 7, None, 8, None],
        "hidden": None,
        "aborted": False,
    }
    # Two views have one model.
    assert (second["starts"], second["begin"]) == (1, 9)
    outline = page.locator("#fig-probe .probe").evaluate("e => getComputedStyle(e).outlineColor")
    assert outline == "rgb(1, 2, 3)"
    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    assert page.evaluate("document.body.dataset.renderEnded") is None
    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: false }))")
    assert page.evaluate("document.body.dataset.renderEnded") == "true"
    assert page.evaluate("document.body.dataset.initializeEnded") == "yes"


def asked_for(page):
    return page.evaluate(
        "[...document.querySelectorAll('script[src*=weights-]')].map((s) => s.src.split('/').pop())"
    )


def found(page, label):
    """Wait until a figure has its weights, and give what it wrote down of them."""
    root = page.locator(f"#{label} [data-found]")
    root.wait_for()
    return json.loads(root.get_attribute("data-found"))


def written_down(name):
    packed = pack_weights(name)
    values = np.frombuffer(packed.values, "<f2")[:5].astype(float)
    header = packed.header
    return [header["model"], header["n_features"], packed.layout[-1], values.tolist()]


def test_weights_come_when_they_are_asked_for_and_not_before(open_page, site_url):
    page = open_page(f"{site_url}/asking.html")
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    alive(page, "fig-one")
    figure = alive(page, "fig-two")
    page.wait_for_timeout(300)
    assert asked_for(page) == []
    assert not any("weights-" in url for url in requests)
    sizes = {name: len(pack_weights(name).values) for name in ("vae-plane", "spline-eight")}
    button = figure.get_by_role("button", name="Load both networks")
    assert button.inner_text() == f"Load both networks, {math.ceil(sum(sizes.values()) / 1000)} kB"
    button.focus()
    page.keyboard.press("Enter")
    assert found(page, "fig-two") == {name: written_down(name) for name in sizes}
    status = figure.get_by_role("status")
    assert status.inner_text() == f"Loaded: {sum(sizes.values()) // 2:,} numbers."
    assert button.is_hidden()
    # Who came with the keyboard goes on with it.
    assert page.evaluate("document.activeElement.textContent") == "Next"
    assert len([url for url in requests if "weights-" in url]) == 2
    page.locator("#fig-one").get_by_role("button", name="Load").click()
    assert found(page, "fig-one") == {"vae-plane": written_down("vae-plane")}
    assert len([url for url in requests if "weights-" in url]) == 2


def test_weights_that_do_not_come_are_said_in_words_and_can_be_asked_for_again(open_page, address):
    page = open_page(f"{address}/asking.html", expected="weights-")
    figure = alive(page, "fig-one")
    page.route("**/weights-*.js", lambda route: route.abort())
    button = figure.get_by_role("button", name="Load the network")
    button.click()
    key = pack_weights("vae-plane").key
    said = figure.get_by_text(f"the file weights-{key}.js could not be loaded")
    said.wait_for()
    assert said.get_attribute("role") == "status"
    assert button.is_visible()
    page.unroute("**/weights-*.js")
    button.click()
    assert found(page, "fig-one") == {"vae-plane": written_down("vae-plane")}


def test_a_failing_figure_says_so_and_keeps_its_picture(open_page, address):
    page = open_page(f"{address}/probe.html", expected="the probe was told to fail")
    page.locator("#fig-failing").scroll_into_view_if_needed()
    message = page.locator("#fig-failing .bk-widget-error")
    message.wait_for()
    assert "the probe was told to fail" in message.inner_text()
    assert page.locator("#fig-failing img").is_visible()


def test_print_and_readers_without_scripts_get_the_still(open_page, address):
    page = open_page(f"{address}/moving.html")
    alive(page, "fig-drag")
    page.emulate_media(media="print")
    assert page.locator("#fig-drag img").is_visible()
    assert page.locator("#fig-drag .bk-live").is_hidden()
    page = open_page(f"{address}/moving.html", java_script_enabled=False)
    assert page.locator("#fig-drag img").is_visible()


@pytest.mark.parametrize("width", [360, 800])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("moving", ("fig-drag", "fig-descent", "fig-projection", "fig-scatter")),
        ("asking", ("fig-one",)),
    ],
)
def test_axe_finds_nothing_in_the_figures(
    open_page, address, node_modules, width, scheme, name, labels
):
    page = open_page(f"{address}/{name}.html", size=(width, 700))
    if scheme == "dark":
        page.add_style_tag(
            content=":root { --bk-bg: #14171b; --bk-surface: #1d2127; --bk-ink: #e3e1dc;"
            " --bk-muted: #a2a9b1; color-scheme: dark } body, .body { background: #14171b }"
        )
    for label in labels:
        alive(page, label)
    page.add_script_tag(path=node_modules / "axe-core" / "axe.min.js")
    results = page.evaluate("axe.run('.bk-widget')")
    faults = [(fault["id"], fault["nodes"][0]["html"]) for fault in results["violations"]]
    assert faults == []
