"""Choosing the next token: rules that map logits to logits, and the draw.

A rule masks a token by setting its logit to -inf; softmax then gives it probability 0 and renormalises what
is left. Only `sample` is random, and so is `next_token`, which composes them all; both take rng. Shapes and
errors of logits and probs are those of :mod:`nexttoken.probability`; any other bad argument is a ValueError
or a TypeError that names it.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .checks import (
    Floats,
    Indices,
    as_count,
    as_generator,
    as_logits,
    as_number,
    as_probabilities,
    as_share,
    as_size,
    as_temperature,
    check_settings,
)
from .probability import softmax


def apply_temperature(logits: ArrayLike, temperature: float) -> Floats:
    r"""Divide the logits by a temperature: below 1 sharpens the distribution, above 1 flattens it.

    .. math:: z'_i = z_i / T, \qquad \ln\frac{p'_i}{p'_j} = \frac{z_i - z_j}{T}

    After Ackley, Hinton and Sejnowski 1985.

    Parameters
    ----------
    logits : array_like, shape (..., V)
    temperature : float
        T, finite and above 0, and not so small that the largest logit leaves the range of floats. 1
        changes nothing; the limit at 0 is :func:`greedy`.

    Returns
    -------
    array, same shape
        The scaled logits, in the same order; what leaves the range of floats below is masked.

    Examples
    --------
    >>> apply_temperature([2.0, 1.0, -np.inf], 0.5)
    array([  4.,   2., -inf])
    """
    z = as_logits(logits)
    scaled = _divide(z, as_temperature(temperature))
    if not np.isfinite(scaled.max(axis=-1)).all():
        raise ValueError(f"{temperature=} is too small for {z.dtype}: subtract the maximum, or use greedy")
    return scaled


def _divide(z: Floats, t: float) -> Floats:
    """Return z / T in the type of z, by way of float64: float32 would round a very small T to 0."""
    with np.errstate(over="ignore"):
        return (z / np.float64(t)).astype(z.dtype, copy=False)


def _keep(z: Floats, level: Floats, count: Any) -> Floats:
    """Mask all but ``count`` logits of each row, down to ``level``; of its equals the first stay."""
    kept = z >= level
    surplus = kept.sum(axis=-1) - count
    for row in np.ndindex(surplus.shape):
        if surplus[row] > 0:
            equals = np.flatnonzero(z[row] == level[row])
            kept[row][equals[-surplus[row] :]] = False
    return np.where(kept, z, -np.inf)


def top_k_filter(logits: ArrayLike, k: int) -> Floats:
    """Keep the k largest logits of each row and mask the others (Fan, Lewis and Dauphin 2018).

    Parameters
    ----------
    logits : array_like, shape (..., V)
    k : int
        1 or more. V or more keeps all.

    Returns
    -------
    array, same shape
        The logits, -inf for what is cut; softmax renormalises the rest. Exactly k survive: of equal
        logits, those of lower index. (A threshold rule, as many engines have it, keeps every tie.)

    Examples
    --------
    >>> top_k_filter([1.0, 3.0, 2.0, 2.0], 2)
    array([-inf,   3.,   2., -inf])
    """
    z = as_logits(logits)
    k = min(as_count(k, "k"), z.shape[-1])
    level = np.partition(z, -k, axis=-1)[..., -k, None]  # the k-th largest
    return _keep(z, level, k)


def _slack(z: Floats) -> float:
    """Return how far short of a border still counts as on it: the rounding of the logits themselves."""
    return 8 * float(np.finfo(z.dtype).eps)


def top_p_filter(logits: ArrayLike, p: float) -> Floats:
    r"""Keep the nucleus: the smallest set of tokens whose probability is at least p (Holtzman et al. 2020).

    Tokens are taken from the most probable down, ties towards the lower index, until their mass reaches
    p. The mass is summed in float64. It counts as reached within 8 machine epsilons of the logits' float
    type (float32 or float64) plus one of float64 for each token that is not masked, the error of the sum
    itself, so that .5 + .3 reaches .8, and 99 of 110 equal tokens .9, as on paper.

    Parameters
    ----------
    logits : array_like, shape (..., V)
    p : float
        Above 0 and at most 1. However small it is, one token survives; at 1 every token does whose
        probability is not 0, which is all but those masked already.

    Returns
    -------
    array, same shape
        The logits, -inf for what is cut; softmax renormalises the rest.

    Examples
    --------
    >>> top_p_filter(np.log([0.5, 0.25, 0.125, 0.125]), 0.75).round(2)
    array([-0.69, -1.39,  -inf,  -inf])
    """
    z = as_logits(logits)
    p = as_share(p, "p")
    if p == 1:
        return z.copy()
    ranked = np.sort(z, axis=-1)[..., ::-1]
    mass = np.cumsum(softmax(ranked.astype(np.float64)), axis=-1)
    slack = _slack(z) + (z > -np.inf).sum(axis=-1, keepdims=True) * np.finfo(np.float64).eps
    count = 1 + (mass < p - slack).sum(axis=-1)  # those that fall short, and the one that does not
    level = np.take_along_axis(ranked, count[..., None] - 1, axis=-1)
    return _keep(z, level, count)


def min_p_filter(logits: ArrayLike, p: float) -> Floats:
    r"""Keep the tokens that have at least p times the largest probability (Nguyen et al. 2025).

    .. math:: z_i - \max_j z_j \ge \ln p

    This says the same of the logits, and needs no sum. It is computed in float64. A logit that is 8 machine
    epsilons (of the logits' float type) short of it counts as reaching it.

    Parameters
    ----------
    logits : array_like, shape (..., V)
    p : float
        Above 0 and at most 1, which keeps the largest logit and all its equals.

    Returns
    -------
    array, same shape
        The logits, -inf for what is cut; softmax renormalises the rest.

    Examples
    --------
    >>> min_p_filter(np.log([0.5, 0.25, 0.125, 0.125]), 0.5).round(2)
    array([-0.69, -1.39,  -inf,  -inf])
    """
    z = as_logits(logits)
    p = as_share(p, "p")
    with np.errstate(over="ignore"):  # as in softmax
        distance = z.astype(np.float64) - z.max(axis=-1, keepdims=True)
    slack = _slack(z) if p < 1 else 0  # at 1 a token ties with the largest, or it does not
    reached = distance >= np.log(p) - slack
    return np.where(reached, z, -np.inf)


def greedy(logits: ArrayLike) -> Indices:
    """Return the index of the largest logit of each row, shape (...); of equal logits, the lowest index.

    Examples
    --------
    >>> greedy([0.5, 2.0, 2.0])
    np.int64(1)
    """
    return as_logits(logits).argmax(axis=-1)


def sample(probs: ArrayLike, rng: np.random.Generator, size: int | tuple[int, ...] | None = None) -> Indices:
    r"""Draw token indices from a distribution, by inverse-CDF sampling.

    A uniform number in [0, 1) is a point on a line cut into pieces of length :math:`p_i`; the draw is the
    piece it falls into. A piece of length 0 is never hit. The line is measured in float64, and stretched
    to length 1.

    Parameters
    ----------
    probs : array_like, shape (..., V)
        Probabilities with sum 1 in each row (within 0.0003).
    rng : numpy.random.Generator
        The source of chance, e.g. ``np.random.default_rng(0)``. Same seed, same draws.
    size : int or tuple of int, optional
        How many draws of each row; by default one, without an axis of its own.

    Returns
    -------
    int or array of int, shape ``size + (...)``

    Examples
    --------
    >>> sample([0.0, 1.0, 0.0], np.random.default_rng(0), size=4)
    array([1, 1, 1, 1])
    """
    p = as_probabilities(probs)
    shape = as_size(size) + p.shape[:-1]
    points = np.asarray(as_generator(rng).random(shape))
    drawn = np.empty(shape, np.intp)
    for row in np.ndindex(p.shape[:-1]):
        ends = np.cumsum(p[row], dtype=np.float64)
        drawn[..., *row] = np.searchsorted(ends, points[..., *row] * ends[-1], side="right")
    return drawn[()]


def next_token(
    logits: ArrayLike,
    rng: np.random.Generator,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
) -> Indices:
    """Choose one token per row, shape (...): temperature, then top-k, top-p and min-p, then a draw.

    The draw has exactly the distribution that composing the filters gives. The arguments are those of
    :func:`sample` and of the filters, None for no filter, and a temperature of 0 or more: at 0 it is
    :func:`greedy`, and ``rng`` is not used. No temperature is too small.

    Examples
    --------
    >>> next_token([1.0, 5.0, 2.0], np.random.default_rng(0), temperature=0)
    np.int64(1)
    >>> next_token(np.log([0.5, 0.3, 0.2]), np.random.default_rng(0), temperature=0.7, top_k=2, top_p=0.9)
    np.int64(0)
    """
    z = as_logits(logits)
    check_settings(rng, temperature, top_k, top_p, min_p)
    t = as_number(temperature, "temperature")
    if t == 0:
        return greedy(z)
    drawn = np.empty(z.shape[:-1], np.intp)
    for row in np.ndindex(drawn.shape):
        drawn[row] = _choose(z[row], rng, t, top_k, top_p, min_p)
    return drawn[()]


def _choose(
    z: Floats, rng: np.random.Generator, t: float, top_k: int | None, top_p: float | None, min_p: float | None
) -> Indices:
    """Return a token of one row. What a rule masks is left behind, and costs the next rule nothing."""
    z = _scale(z, t)
    tokens = np.arange(len(z))
    rules: list[Any] = [(top_k_filter, top_k), (top_p_filter, top_p), (min_p_filter, min_p)]
    for rule, setting in rules:
        if setting is not None:
            z = rule(z, setting)
            kept = z > -np.inf
            tokens = tokens[kept]
            z = z[kept]
    return tokens[sample(softmax(z), rng)]


def _scale(z: Floats, t: float) -> Floats:
    """Return z / T; where a tiny T would carry the largest logit out of range, it is moved to 0 first."""
    scaled = _divide(z, t)
    if np.isfinite(scaled.max()):
        return scaled
    with np.errstate(over="ignore"):
        return _divide(z - z.max(), t)
