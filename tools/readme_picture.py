"""Make the moving picture of the README: drag points of the first page's figure, denoise, film it.

Run ``python tools/readme_picture.py`` after ``make book``; it needs Chromium.
"""

import io
import math
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "_build" / "html" / "index.html"
PICTURE = ROOT / "docs" / "drag.webp"
SET = "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')); }"
FRAMES_OF_DENOISING = 20
FRAMES_PER_DRAG = 11
MILLISECONDS = 120
LIMIT = 400_000
MARGIN = 12


def moves(page: Page) -> Iterator[None]:
    """Walk from noise to new points, then pull two; yield whenever there is something to see."""
    progress = page.locator("figure .dlm-slider input").last
    for frame in range(FRAMES_OF_DENOISING + 1):
        # Set without the focus, whose ring would be filmed.
        progress.evaluate(SET, 100 * frame / FRAMES_OF_DENOISING)
        yield
    points = page.locator("figure .dlm-point")
    for index, height in ((3, -90), (7, 80)):
        box = points.nth(index).bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        for frame in range(FRAMES_PER_DRAG + 1):
            page.mouse.move(x, y + height * math.sin(math.pi * frame / FRAMES_PER_DRAG) ** 2)
            yield
        page.mouse.up()


def film() -> list[Image.Image]:
    """Return the frames, of the figure without its caption."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None or not PAGE.exists():
        sys.exit("This needs Chromium and a built book: run 'make book' first.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 760, "height": 1100}, color_scheme="light")
        page.goto(PAGE.as_uri())
        figure = page.locator("figure .bk-widget").first
        figure.scroll_into_view_if_needed()
        page.locator("figure .dlm-point").first.wait_for()
        box = figure.bounding_box()
        assert box is not None
        clip = {
            "x": box["x"] - MARGIN,
            "y": box["y"] - MARGIN,
            "width": box["width"] + 2 * MARGIN,
            "height": box["height"] + 2 * MARGIN,
        }
        frames = [
            Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB") for _ in moves(page)
        ]
        browser.close()
    return frames


def main() -> None:
    """Write the picture."""
    first, *others = film()
    PICTURE.parent.mkdir(exist_ok=True)
    first.save(
        PICTURE,
        save_all=True,
        append_images=others,
        duration=MILLISECONDS,
        loop=0,
        quality=25,
        method=6,
    )
    size = PICTURE.stat().st_size
    print(f"{PICTURE.relative_to(ROOT)}: {len(others) + 1} frames, {size / 1000:.0f} kB")
    if size > LIMIT:
        sys.exit(f"The picture is larger than {LIMIT / 1000:.0f} kB.")


if __name__ == "__main__":
    main()
