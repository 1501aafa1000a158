"""The kernel editor in the page, against SciPy on the same images and kernels."""

import numpy as np
import pytest
from dlmath.convolution import conv2d
from dlmath.interactive import KernelEditor
from dlmath.interactive._convolution import KERNELS, _compute
from numpy.testing import assert_allclose
from scipy import ndimage
from test_interactive import run_js

ALT = "Three squares of pixels: a digit, its edges in two colours, and an empty square."
SIZE = 7


@pytest.fixture
def image():
    return np.random.default_rng(2).normal(size=(SIZE, SIZE)).round(4)


def edit(image, kernel, shift, circular):
    state = {"kernel": list(kernel), "shift": shift, "circular": circular}
    return run_js(
        "kerneleditor.js",
        "editKernel(given.state, given.image)",
        {"state": state, "image": image.tolist()},
    )


@pytest.mark.parametrize("circular", [True, False])
@pytest.mark.parametrize("shift", [[0, 0], [1, 0], [3, 5]])
def test_the_page_computes_what_scipy_computes(image, circular, shift):
    kernel = np.random.default_rng(4).normal(size=(3, 3))
    mode = "wrap" if circular else "constant"
    found = edit(image, kernel.ravel(), shift, circular)
    shifted = np.roll(image, shift, axis=(0, 1))
    output = ndimage.correlate(shifted, kernel, mode=mode)
    moved = np.roll(ndimage.correlate(image, kernel, mode=mode), shift, axis=(0, 1))
    assert_allclose(found["input"], shifted, rtol=1e-14)
    assert_allclose(found["output"], output, rtol=1e-12, atol=1e-13)
    assert_allclose(found["difference"], output - moved, atol=1e-12)
    error = np.linalg.norm(output - moved) / np.linalg.norm(moved)
    assert_allclose(found["error"], error, rtol=1e-9, atol=1e-14)
    assert_allclose(found["sum"], kernel.sum(), rtol=1e-12)
    assert_allclose(found["mean"], output.mean(), rtol=1e-10)
    assert_allclose(found["largest"], max(np.abs(output).max(), np.abs(moved).max()))
    assert (found["error"] < 1e-14) == (circular or shift == [0, 0])
    turned = ndimage.convolve(shifted, kernel, mode=mode)
    assert np.abs(turned - output).max() > 0.1


@pytest.mark.parametrize("circular", [True, False])
def test_the_page_the_layer_and_the_still_agree(image, circular):
    padding = "circular" if circular else "zero"
    pages = run_js(
        "kerneleditor.js",
        "given.kernels.map((kernel) =>"
        "editKernel({ kernel, shift: [2, 1], circular: given.circular }, given.image))",
        {"kernels": list(KERNELS.values()), "image": image.tolist(), "circular": circular},
    )
    for kernel, page in zip(KERNELS.values(), pages, strict=True):
        W = np.reshape(kernel, (3, 3, 1, 1)).astype(float)
        A = np.roll(image, (2, 1), axis=(0, 1))[None, :, :, None]
        layer = conv2d(A, W, np.zeros(1), padding=padding)[0][0, :, :, 0]
        assert_allclose(page["output"], layer, atol=1e-13)
        for name, picture in _compute(image, kernel, (2, 1), circular).items():
            assert_allclose(page[name], picture, atol=1e-13)


def test_the_presets_do_what_their_names_say(image):
    ramp = np.tile(np.arange(float(SIZE)), (SIZE, 1))
    inside = np.s_[1:-1, 1:-1]
    pages = run_js(
        "kerneleditor.js",
        "given.kernels.map((kernel) => correlateImage(given.image, kernel, true))",
        {"kernels": list(KERNELS.values()), "image": ramp.tolist()},
    )
    found = dict(zip(KERNELS, map(np.array, pages), strict=True))
    assert_allclose(found["identity"], ramp)
    assert_allclose(found["blur"][inside], ramp[inside])
    assert_allclose(found["Laplacian"][inside], 0, atol=1e-13)
    assert (found["edge, left to right"][inside] == 8).all()
    moved = np.array(edit(image, KERNELS["shift by one"], [0, 0], True)["output"])
    assert_allclose(moved, np.roll(image, 1, axis=1))


def test_an_empty_image_and_names_of_kernels():
    zeros = np.zeros((SIZE, SIZE))
    found = edit(zeros, KERNELS["Laplacian"], [1, 1], False)
    assert found["error"] == found["largest"] == 0
    same = run_js(
        "kerneleditor.js",
        "[sameKernel(given[0], given[0]), sameKernel(given[0], given[1])]",
        list(KERNELS.values())[:2],
    )
    assert same == [True, False]


def test_the_first_state(image):
    widget = KernelEditor({"a": image, "b": -image}, kernel="blur", shift=(2, 3), alt=ALT)
    assert widget.image == "a"
    assert widget.shift == [2, 3]
    assert widget.circular
    assert_allclose(widget.kernel, 1 / 9)
    assert_allclose(widget.data["images"]["b"], -image)
    again = KernelEditor({"a": image}, kernel="blur", shift=(2, 3), alt=ALT)
    assert again.still == widget.still
    assert widget.still.count("<svg") == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"images": {}}, "images must be a dict"),
        ({"images": {"a": np.zeros((3, 4))}}, "images must be square"),
        ({"images": {"a": np.zeros((2, 2))}}, "images must be square"),
        ({"images": {"a": np.full((4, 4), np.nan)}}, "images contain NaN"),
        ({"images": {"a": np.eye(4), "b": np.eye(5)}}, "images must all have one size"),
        ({"kernel": "sobel"}, "kernel must be one of"),
        ({"shift": (0, 7)}, "shift must be two integers from 0 to 6"),
        ({"shift": (0.5, 0)}, "shift must be two integers"),
        ({"alt": "pixels"}, "alt must say"),
        ({"height": (10, 10)}, "height"),
    ],
)
def test_bad_input_is_named(image, change, words):
    arguments = {"images": {"a": image}, "alt": ALT} | change
    with pytest.raises(ValueError, match=words):
        KernelEditor(**arguments)
