"""What a network is asked for, and how x_0 follows from its answer."""

from typing import Any

PARAMETRISATIONS = ("x0", "epsilon", "v")


def _check_kind(kind: Any) -> str:
    if kind not in PARAMETRISATIONS:
        raise ValueError(f"kind must be one of {', '.join(PARAMETRISATIONS)}, got {kind!r}")
    return str(kind)


def target(kind: str, x0: Any, noise: Any, gamma: Any, sigma: Any) -> Any:
    """Return what a network with a parametrisation is trained to say.

    Parameters
    ----------
    kind : {"x0", "epsilon", "v"}
        The data, the noise, or v = gamma eps - sigma x_0.
    x0, noise : array or tensor
        Of equal shapes.
    gamma, sigma : number, array or tensor
        Amplitudes, broadcast against them.

    Returns
    -------
    target : array or tensor
        Of the shape of ``x0``.
    """
    kind = _check_kind(kind)
    if kind == "x0":
        return x0
    return noise if kind == "epsilon" else gamma * noise - sigma * x0


def denoised(kind: str, output: Any, x: Any, gamma: Any, sigma: Any) -> Any:
    """Return the estimate of x_0 that an answer amounts to.

    Equation ``eq-denoising-diffusion-conversions``. From epsilon, errors are multiplied by sigma /
    gamma, which has no bound as gamma goes to zero.

    Parameters
    ----------
    kind : {"x0", "epsilon", "v"}
        The parametrisation.
    output, x : array or tensor
        Answer of the network, and the state that it was asked about.
    gamma, sigma : number, array or tensor
        Amplitudes, broadcast against them.

    Returns
    -------
    x0 : array or tensor
    """
    kind = _check_kind(kind)
    if kind == "x0":
        return output
    if kind == "epsilon":
        return (x - sigma * output) / gamma
    return (gamma * x - sigma * output) / (gamma**2 + sigma**2)


def edm_scaling(sigma: Any, sd: float) -> tuple[Any, Any, Any]:
    """Scale inputs and outputs of a network so that both have variance one at each noise level.

    The denoiser is ``c_skip x + c_out F(c_in x)`` for x = x_0 + sigma eps and data of standard
    deviation ``sd``; equation ``eq-denoising-diffusion-scaling`` (Karras et al. 2022).

    Parameters
    ----------
    sigma : number, array or tensor
        Noise level relative to the data, sigma_t / gamma_t.
    sd : float
        Standard deviation of the data.

    Returns
    -------
    c_skip, c_out, c_in : of the type of ``sigma``
    """
    square = sigma**2 + sd**2
    root = square**0.5
    return sd**2 / square, sigma * sd / root, 1 / root
