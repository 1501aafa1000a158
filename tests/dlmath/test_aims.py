"""What the trained models were to reach and have reached, against the records as they lie there."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from dlmath.aims import AIMS, FAMILIES, FIRST_JUDGE, Aim, aim_rows, in_nats, measured
from dlmath.datasets import load_digit_baselines
from dlmath.tables import Table
from dlmath.trained import trained_names, trained_record, trained_size

MODELS = Path(__file__).resolve().parents[2] / "data" / "models"

# Where each figure stands in the file: its key, and the factor that makes it the one of the page.
KEYS = {
    ("RBM", "nats"): ("nats_test", 1),
    ("VAE", "nats"): ("importance_bound", -1),
    ("MADE", "nats"): ("nats", 1),
    ("NeuralSplineFlow", "nats"): ("nats", 1),
    ("EnergyModel", "divergence"): ("kl", 1),
}


def on_file(name, measure):
    record = json.loads((MODELS / f"{name}.json").read_text(encoding="utf-8"))
    figures = record["measures"]
    if measure == "ais_deviation":
        return abs(figures["ais"] - figures["exact"]) / figures["ais_error"]
    key, factor = KEYS.get((record["model"], measure), (measure, 1))
    return factor * figures[key]


SHIPPED = [aim for aim in AIMS if aim.model in trained_names()]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("DLMATH_DATA", str(tmp_path))
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


def test_each_shipped_model_stands_in_one_family():
    names = [name for family in FAMILIES.values() for name in family]
    assert len(names) == len(set(names))
    assert trained_names() == sorted(path.stem for path in MODELS.glob("*.npz"))
    assert set(trained_names()) <= set(names)
    assert {aim.model for aim in AIMS} <= set(names)


def test_each_aim_is_one_of_a_figure_that_there_is():
    assert len({(aim.model, aim.measure, aim.over) for aim in AIMS}) == len(AIMS)
    assert len(SHIPPED) >= 18
    for aim in SHIPPED:
        assert aim.measure in measured(aim.model)
    for aim in AIMS:
        limits = [limit for limit in (aim.must, aim.beat) if limit is not None]
        assert limits
        # What is hoped for is harder than what is needed.
        assert limits == sorted(limits, reverse=not aim.more)
        assert len(set(limits)) == len(limits)


@pytest.mark.parametrize("aim", SHIPPED, ids=lambda aim: f"{aim.model} {aim.measure}")
def test_what_is_needed_is_reached(aim):
    figure = on_file(aim.model, aim.measure)
    if aim.over:
        figure /= on_file(aim.over, aim.measure)
    assert aim.value() == pytest.approx(figure, rel=1e-12)
    if aim.must is not None:
        assert figure >= aim.must if aim.more else figure <= aim.must
        assert aim.reaches(aim.must)


def test_the_page_names_what_was_hoped_for_and_missed():
    missed = {
        (aim.model, aim.measure)
        for aim in SHIPPED
        if aim.beat is not None and on_file(aim.model, aim.measure) > aim.beat and not aim.more
    }
    assert missed - {("energy-digits", "fd")} == {
        ("rbm-digits-256", "ais_error"),
        ("vae-digits", "nats"),
        ("made-binary", "nats"),
        ("spline-digits", "nats"),
        ("wgan-digits", "fd"),
        ("ddpm-digits", "fd"),
        ("flow-digits", "memorisation"),
        ("flow-digits-classes", "fd"),
        ("flow-digits-classes", "memorisation"),
    }
    assert missed == {(a.model, a.measure) for a in SHIPPED if a.beat and not a.reaches(a.beat)}


def test_aims_are_missed_by_worse_figures(folder):
    record = {"model": "GAN", "measures": {"fd": 11.0, "classes": 8.5}}
    for name, factor in (("good", 1), ("bad", 3)):
        measures = {key: factor * value for key, value in record["measures"].items()}
        text = json.dumps(record | {"measures": measures})
        (folder / f"{name}.json").write_text(text, encoding="utf-8")
    less, more = Aim("good", "fd", 12, 10), Aim("good", "classes", 8, 9, more=True)
    assert [less.verdict(x) for x in (12, 10, None)] == [
        "≤\u00a012 reached",
        "≤\u00a010 missed",
        "–",
    ]
    assert [more.verdict(x) for x in (8, 9, None)] == ["≥\u00a08 reached", "≥\u00a09 missed", "–"]
    assert Aim("bad", "fd", 2.9, None, more=True, over="good").value() == pytest.approx(3)
    assert not Aim("bad", "fd", 12, None).reaches(12)


def test_rows_hold_the_records_and_their_aims():
    rows = aim_rows("fd", ("wgan-digits", "realnvp-digits"))
    assert rows == [
        (
            "`wgan-digits`",
            f"{on_file('wgan-digits', 'fd'):.3g}",
            "≤\u00a027 reached",
            "≤\u00a012 missed",
        ),
        ("`realnvp-digits`", f"{on_file('realnvp-digits', 'fd'):.3g}", "–", "–"),
    ]
    for aim in SHIPPED:
        if not aim.over:
            [(name, figure, *_)] = aim_rows(aim.measure, (aim.model,))
            assert name == f"`{aim.model}`"
            assert float(figure.strip("≤≈\u00a0")) == pytest.approx(
                on_file(aim.model, aim.measure), rel=5e-3
            )
    # An aim for a ratio of two models is none for the model's own distance.
    assert aim_rows("fd", ("gan-digits-no-r1",))[0][2:] == ("–", "–")
    assert aim_rows("fd", ("not shipped",)) == []
    with pytest.raises(KeyError):
        aim_rows("nats", ("gan-digits",))


def test_likelihoods_say_what_they_are():
    assert in_nats("made-digits")[0].isdigit()
    assert in_nats("rbm-digits-20")[0].isdigit()
    assert in_nats("rbm-digits-64").startswith("≈\u00a0")
    for name in ("vae-binary", "vae-digits", "spline-digits", "realnvp-digits"):
        assert in_nats(name).startswith("≤\u00a0")


def test_the_scales_of_the_two_judges_differ_by_less_than_a_third():
    now = load_digit_baselines().table | {
        "real digits": trained_record("digits-features")["measures"]["floor"]["mean"]
    }
    ratios = [now[name]["fd"] / value for name, value in FIRST_JUDGE.items()]
    assert 0.7 < min(ratios) < 1 < max(ratios) < 1.3


def test_sizes_are_those_of_the_files(folder, monkeypatch):
    (folder / "small.json").write_text('{"script": "data/train_small.py"}', encoding="utf-8")
    with pytest.raises(ValueError, match=r"'python data/train_small.py' makes it"):
        trained_size("small")
    (folder / "small.npz").write_bytes(b"12345")
    assert trained_size("small") == 5
    assert trained_names() == ["small"]
    with pytest.raises(ValueError, match="name must be one of small, got 'large'"):
        trained_record("large")


def test_tables_have_headers_for_every_cell():
    table = Table(("model", "a < b"), {"First": [("`x&y`", "1")], "": [("z", "2")]})
    page = ElementTree.fromstring(table._repr_html_())

    def texts(path):
        return ["".join(element.itertext()) for element in page.iterfind(path)]

    assert texts(".//thead//th[@scope='col']") == ["model", "a < b"]
    assert texts(".//th[@scope='rowgroup']") == ["First"]
    assert texts(".//tbody//th[@scope='row']") == ["x&y", "z"]
    assert texts(".//code") == ["x&y"]
    assert texts(".//td") == ["1", "2"]
    assert len(page.findall(".//tbody")) == 2
    with pytest.raises(ValueError, match="each row must have 2 cells"):
        Table(("model", "b"), {"": [("x",)]})
