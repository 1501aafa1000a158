"""What the trained models were to reach, set down before the training, and what they have reached.

Nothing is computed here: the figures are those of the records (`dlmath.trained`), under names that
are the same for all models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dlmath.trained import trained_names, trained_record

__all__ = ["AIMS", "FAMILIES", "FIRST_JUDGE", "Aim", "aim_rows", "in_nats", "measured"]

#: Where each model that comes with the book belongs.
FAMILIES = {
    "Reader of digits, the judge": ("digits-features",),
    "Boltzmann machines": ("rbm-digits-20", "rbm-digits-64", "rbm-digits-256"),
    "Energy networks": ("energy-eight", "energy-digits"),
    "Variational autoencoders": ("vae-plane", "vae-digits", "vae-binary", "vae-unregularised"),
    "Autoregressive models": ("made-digits", "made-binary"),
    "Flows": ("realnvp-eight", "spline-eight", "realnvp-digits", "spline-digits", "flow-lattice"),
    "Adversarial networks": (
        "gan-eight",
        "gan-eight-no-r1",
        "gan-eight-collapse",
        "gan-digits",
        "gan-digits-no-r1",
        "wgan-digits",
    ),
    "Denoising models of digits": (
        "ddpm-digits",
        "ddpm-digits-epsilon",
        "edm-digits",
        "edm-digits-residual",
        "flow-digits",
        "flow-digits-classes",
        "flow-digits-residual",
    ),
    "Denoising models of points and spins": (
        "ddpm-eight",
        "flow-eight",
        "flow-eight-straight",
        "flow-ising",
    ),
    "Reader of clothes, the judge": ("images-features",),
    "Guided flows of clothes": ("flow-images", "latent-images"),
}

#: Frechet distances by the first version of the judge, with which the aims were set.
FIRST_JUDGE = {"real digits": 1.86, "Gaussian mixture, 20 full": 15.7, "copies, noise 0.15": 7.0}


@dataclass(frozen=True)
class Aim:
    """What one figure of a model was to reach.

    Attributes
    ----------
    model, measure : str
        The name of the model, and that of the figure in `measured`.
    must : float or None
        What a careful first version should reach, or None.
    beat : float or None
        What would be a success, or None.
    more : bool, default=False
        Whether larger figures are better.
    over : str, default=""
        Another model, by whose figure that of the model is divided.
    """

    model: str
    measure: str
    must: float | None
    beat: float | None
    more: bool = False
    over: str = ""

    def value(self) -> float:
        """Return the figure from the record, divided by that of the other model if there is one."""
        own = measured(self.model)[self.measure]
        return own / measured(self.over)[self.measure] if self.over else own

    def reaches(self, limit: float) -> bool:
        """Return whether the figure is at least as good as a limit."""
        return self.value() >= limit if self.more else self.value() <= limit

    def verdict(self, limit: float | None) -> str:
        """Write a limit, and whether it is reached."""
        if limit is None:
            return "–"
        sign = "≥" if self.more else "≤"
        return f"{sign}\u00a0{limit:g} {'reached' if self.reaches(limit) else 'missed'}"


AIMS = (
    Aim("rbm-digits-20", "nats", must=18.7, beat=None),
    Aim("rbm-digits-20", "ais_deviation", must=3.0, beat=None),
    Aim("rbm-digits-64", "nats", must=17.8, beat=17.4),
    Aim("rbm-digits-64", "ais_error", must=None, beat=0.01),
    Aim("rbm-digits-256", "nats", must=None, beat=17.4),
    Aim("rbm-digits-256", "ais_error", must=None, beat=0.01),
    Aim("energy-eight", "divergence", must=0.65, beat=0.2),
    Aim("energy-digits", "fd", must=27.0, beat=12.0),
    Aim("vae-digits", "nats", must=89.0, beat=85.0),
    Aim("vae-digits", "fd_means", must=None, beat=30.0),
    Aim("vae-binary", "nats", must=17.6, beat=17.3),
    Aim("made-digits", "nats", must=95.0, beat=88.0),
    Aim("made-binary", "nats", must=18.0, beat=17.3),
    Aim("spline-digits", "nats", must=88.0, beat=85.0),
    Aim("spline-eight", "divergence", must=0.05, beat=0.02),
    Aim("gan-digits", "fd", must=10.0, beat=6.0),
    Aim("gan-digits", "classes", must=9.9, beat=None, more=True),
    Aim("gan-digits", "precision", must=None, beat=0.8, more=True),
    Aim("gan-digits-no-r1", "fd", must=4.0, beat=None, more=True, over="gan-digits"),
    Aim("wgan-digits", "fd", must=27.0, beat=12.0),
    Aim("ddpm-digits", "fd", must=10.0, beat=3.0),
    Aim("edm-digits", "fd", must=None, beat=3.0),
    Aim("edm-digits-residual", "fd", must=9.0, beat=None),
    Aim("flow-digits", "fd", must=5.0, beat=None),
    Aim("flow-digits", "memorisation", must=0.65, beat=0.57),
    Aim("flow-digits-classes", "fd", must=3.0, beat=2.2),
    Aim("flow-digits-classes", "memorisation", must=0.65, beat=0.57),
)


def measured(name: str) -> dict[str, float]:
    """Return the single figures of a shipped model, under names that are the same for all.

    Parameters
    ----------
    name : str
        Name of the model.

    Returns
    -------
    figures : dict of floats
        Those of the record that are one number, and of these under a common name

        nats
            Minus the mean log-probability of a held-out picture, or a bound above it.
        divergence
            Kullback-Leibler divergence of the model from the eight Gaussians, in nats.
        fd
            Frechet distance of samples.
        ais_deviation
            How far annealed importance sampling is from the exact log Z, in its standard errors.

    Raises
    ------
    ValueError
        If no such model is shipped.
    """
    found: dict[str, Any] = trained_record(name)["measures"]
    common = {"nats_test": "nats", "kl": "divergence", "fd_samples": "fd"}
    figures = {common.get(k, k): float(v) for k, v in found.items() if isinstance(v, float | int)}
    if "importance_bound" in figures:
        figures["nats"] = -figures["importance_bound"]
    if "exact" in figures:
        figures["ais_deviation"] = abs(figures["ais"] - figures["exact"]) / figures["ais_error"]
    return figures


def in_nats(name: str) -> str:
    """Write the held-out likelihood of a model of digits, and say what kind of figure it is.

    Parameters
    ----------
    name : str
        Name of a model whose record has one.

    Returns
    -------
    text : str
        Nats a picture with two digits: exact; ``≈``, with an estimated partition function; ``≤``,
        a bound.

    Raises
    ------
    KeyError
        If there is no such figure in the record.
    """
    figures = measured(name)
    if "ais" in figures:
        sign = "" if "exact" in figures else "≈\u00a0"
    else:
        sign = "" if trained_record(name)["model"] == "MADE" else "≤\u00a0"
    return f"{sign}{figures['nats']:.2f}"


def aim_rows(measure: str, names: Sequence[str]) -> list[tuple[str, str, str, str]]:
    """Return rows of a table: figures of models beside their aims.

    Parameters
    ----------
    measure : str
        Name of a figure in `measured`.
    names : sequence of str
        Models that have it, with aims or without. Those that are not shipped are left out.

    Returns
    -------
    rows : list of tuples of four str
        Name of the model between backquotes, its figure, ``must`` and ``beat`` with verdicts.

    Raises
    ------
    KeyError
        If a model has no such figure.
    """
    rows = []
    for name in [name for name in names if name in trained_names()]:
        aims = {aim.model: aim for aim in AIMS if aim.measure == measure and not aim.over}
        aim = aims.get(name, Aim(name, measure, None, None))
        figure = in_nats(name) if measure == "nats" else f"{aim.value():.3g}"
        rows.append((f"`{name}`", figure, aim.verdict(aim.must), aim.verdict(aim.beat)))
    return rows
