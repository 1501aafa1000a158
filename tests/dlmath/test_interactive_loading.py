"""Figures that ask for the weights of networks, and their front end's question."""

import hashlib
import json

import numpy as np
import pytest
from dlmath.interactive import _weights
from dlmath.interactive._bundle import bundle
from dlmath.interactive._weights import LoadsWeights
from dlmath.weights import pack_weights
from numpy.testing import assert_array_equal
from test_interactive import run_js

ALT = "A digit that is asked for, on a page that does not hold the network that draws it."


@pytest.fixture(autouse=True)
def small(tmp_path, monkeypatch):
    """Ship a model of twelve numbers."""
    monkeypatch.setenv("DLMATH_DATA", str(tmp_path))
    header = {"format": 1, "model": "Small", "parameters": {"width": 3}, "n_features": 2}
    path = tmp_path / "models" / "small.npz"
    path.parent.mkdir()
    np.savez_compressed(path, header=np.array(json.dumps(header)), a=np.arange(12.0))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_suffix(".json").write_text(json.dumps({"sha256": digest, "script": "train.py"}))


def figure(**change):
    given = {"weights": ["small"], "still": "<svg/>", "alt": ALT, "height": [400, 400]}
    return LoadsWeights(**{"_esm": bundle("weights.js"), **given, **change})


@pytest.fixture
def sent(monkeypatch):
    messages = []
    monkeypatch.setattr(
        LoadsWeights, "send", lambda _, content, buffers=None: messages.append((content, buffers))
    )
    return messages


def test_a_figure_holds_the_size_and_sends_the_rest_when_asked(sent):
    widget, packed = figure(), pack_weights("small")
    assert widget.assets == {"small": {"key": packed.key, "bytes": 24}}
    assert sent == []
    for content in ({"type": "weights", "name": "small"}, {"type": "other"}, "small"):
        widget._handle_custom_msg(content, [])
    ((message, buffers),) = sent
    assert buffers == [packed.values]
    assert message == {
        "type": "weights",
        "name": "small",
        "layout": packed.layout,
        **packed.header,
    }


def test_a_figure_says_that_it_has_no_such_network(sent):
    figure()._handle_custom_msg({"type": "weights", "name": "large"}, [])
    ((message, buffers),) = sent
    assert buffers is None
    assert message["error"] == "the figure has no such network"


def test_refuses_too_much(monkeypatch):
    monkeypatch.setattr(_weights, "MOST_BYTES", 23)
    with pytest.raises(ValueError, match="weights of 24 bytes are too many"):
        figure()
    for wrong in ("small", []):
        with pytest.raises(ValueError, match="weights must be a sequence of names"):
            figure(weights=wrong)


ASK = """await (async () => {
  const heard = new Set(), asked = [];
  const bytes = new DataView(new Uint16Array(given.bits).buffer);
  const model = {
    on: (name, listen) => heard.add(listen), off: (name, listen) => heard.delete(listen),
    send: (message) => {
      asked.push(message);
      for (const reply of given.replies) for (const listen of [...heard]) listen(reply, [bytes]);
    },
  };
  try {
    const { values, ...about } = await requestWeights(model, "small");
    return { asked, about, values: Array.from(values), listeners: heard.size };
  } catch (error) {
    return { asked, error: error.message, listeners: heard.size };
  }
})()"""


def test_the_front_end_asks_and_reads_the_answer_to_its_question():
    values = np.array([0, -0.0, 1, -1.5, 65504, 6e-8, -6.1e-5, 1 / 3], dtype=np.float16)
    right = {"type": "weights", "name": "small", "layout": [["a", [8], 0]]}
    replies = [{"type": "other", "name": "small"}, {**right, "name": "large"}, right]
    given = {"bits": values.view(np.uint16).tolist(), "replies": replies}
    found = run_js("weights.js", ASK, given)
    assert found["asked"] == [{"type": "weights", "name": "small"}]
    assert found["about"] == right
    assert_array_equal(found["values"], values.astype(float))
    assert found["listeners"] == 0
    given["replies"] = [{**right, "error": "it is gone"}]
    found = run_js("weights.js", ASK, given)
    assert (found["error"], found["listeners"]) == ("it is gone", 0)
