"""Choosing the next token: rules that map logits to logits, and the draw.

A rule masks a token by setting its logit to -inf; softmax then gives it probability 0 and shares the
rest out again. Only `sample` is random, and it takes rng. Shapes and errors of logits and probs are
those of :mod:`nexttoken.probability`; any other bad argument is a ValueError or a TypeError.
"""

import operator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import shortcuts
from .probability import Floats, Indices, as_floats, as_logits, as_probabilities, shift, softmax


def _number(value: Any, name: str) -> float:
    if (number := np.asarray(value)).ndim != 0 or number.dtype.kind not in "fiu":
        raise TypeError(f"{name} must be one real number, not {value!r:.60}")
    return float(value)


def _generator(rng: Any) -> np.random.Generator:
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a numpy Generator, not {rng!r:.60}: use np.random.default_rng(seed)")
    return rng


def _degrees(temperature: Any) -> float:
    if not 0 < _number(temperature, "temperature") < np.inf:
        raise ValueError(f"temperature={temperature!r} must be finite and above 0: at 0 use greedy(logits)")
    return float(temperature)


def _count(k: Any) -> int:
    if isinstance(k, (bool, np.bool_, np.ndarray)) or not hasattr(k, "__index__"):
        raise TypeError(f"k must be an integer, not {k!r:.60}")
    if not operator.index(k) >= 1:
        raise ValueError(f"k={k!r} must be at least 1: k=1 keeps the most probable token only")
    return operator.index(k)


def _share(p: Any) -> float:
    if not 0 < _number(p, "p") <= 1:
        raise ValueError(f"p={p!r} must be above 0 and at most 1: 1 keeps all, a tiny p the top token only")
    return float(p)


def _keep_first(z: Floats, order: Indices, count: ArrayLike) -> Floats:
    """Mask all but the first ``count`` tokens of each row, in the given order."""
    rank = order.argsort(axis=-1)  # the inverse of an order says where each token stands in it
    return np.where(rank < np.asarray(count)[..., None], z, -np.inf)


def _top_k(z: Floats, k: int) -> Floats:
    return z.copy() if k >= z.shape[-1] else _keep_first(z, np.argsort(-z, axis=-1, kind="stable"), k)


def _top_p(z: Floats, p: float) -> Floats:
    if p == 1:
        return z.copy()
    order = np.argsort(-z, axis=-1, kind="stable")
    probs = np.take_along_axis(softmax(z.astype(np.float64)), order, axis=-1)
    short = np.cumsum(probs, axis=-1) < p - 8 * float(np.finfo(z.dtype).eps)
    return _keep_first(z, order, 1 + short.sum(axis=-1))  # those that fall short, and the one that does not


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
        The scaled logits: same order, same ties, same masks.

    Examples
    --------
    >>> apply_temperature([2.0, 1.0, -np.inf], 0.5)
    array([  4.,   2., -inf])
    """
    (z, top), t = as_logits(logits), _degrees(temperature)
    if not np.isfinite(_divide(top, t)).all():
        raise ValueError(f"{temperature=} is too small for {z.dtype}: subtract the maximum, or use greedy")
    return _divide(z, t)


def _divide(z: Floats, t: float) -> Floats:
    """Return z / T, divided in float64 where float32 would round T to 0 or to infinity, or coarsely."""
    with np.errstate(over="ignore"):
        return np.divide(z, t, out=np.empty_like(z), dtype=z.dtype if 1e-30 < t < 1e30 else np.float64)


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
        The logits, -inf for what is cut. Exactly k survive: of equal logits, those of lower index. (A
        threshold rule, as many engines have it, keeps every tie.)

    Examples
    --------
    >>> top_k_filter([1.0, 3.0, 2.0, 2.0], 2)
    array([-inf,   3.,   2., -inf])
    """
    z, k = as_floats(logits, "logits"), _count(k)
    return shortcuts.keep_by_row(lambda row: shortcuts.top_k(row, k), lambda rows: _top_k(rows, k), z)


def top_p_filter(logits: ArrayLike, p: float) -> Floats:
    r"""Keep the nucleus: the smallest set of tokens whose probability is at least p (Holtzman et al. 2020).

    Tokens are taken from the most probable down, ties towards the lower index, until their mass reaches
    p. The mass is summed in float64, and within 8 machine epsilons (of the logits' float type) of p
    counts as reached, so that .5 + .3 reaches .8 as on paper.

    Parameters
    ----------
    logits : array_like, shape (..., V)
    p : float
        Above 0 and at most 1. However small it is, one token survives; at 1 every token does whose
        probability is not 0, which is all but those masked already.

    Returns
    -------
    array, same shape
        The logits, -inf for what is cut.

    Examples
    --------
    >>> top_p_filter(np.log([0.5, 0.25, 0.125, 0.125]), 0.75).round(2)
    array([-0.69, -1.39,  -inf,  -inf])
    """
    z, p = as_floats(logits, "logits"), _share(p)
    return shortcuts.keep_by_row(lambda row: shortcuts.top_p(row, p), lambda rows: _top_p(rows, p), z)


def greedy(logits: ArrayLike) -> Indices:
    """Return the index of the largest logit of each row, shape (...); of equal logits, the lowest index.

    Examples
    --------
    >>> greedy([0.5, 2.0, 2.0])
    np.int64(1)
    """
    return as_logits(logits)[0].argmax(axis=-1)


def sample(probs: ArrayLike, rng: np.random.Generator, size: int | tuple[int, ...] | None = None) -> Indices:
    r"""Draw token indices from a distribution.

    A uniform number in [0, 1) is a point on a line cut into pieces of length :math:`p_i`; the draw is the
    piece it falls into. A piece of length 0 is never hit. The line is measured in float64.

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
    shape: tuple[Any, ...] = () if size is None else tuple(size) if isinstance(size, tuple) else (size,)
    if not all(isinstance(n, (int, np.integer)) and n >= 0 for n in shape):
        raise ValueError(f"size={size!r} must be a whole number of draws, 0 or more, or a tuple of such")
    points = _generator(rng).random(shape + p.shape[:-1])
    return _draw(p, points) if shape else shortcuts.draw_by_row(shortcuts.draw, _draw, p, points)


def _draw(p: Floats, points: Any) -> Indices:
    """Return the token whose piece of the line holds each point; the line is stretched to length 1."""
    drawn = np.empty(np.shape(points), dtype=np.intp)
    for row in np.ndindex(p.shape[:-1]):
        ends = np.cumsum(p[row], dtype=np.float64)
        drawn[..., *row] = np.searchsorted(ends, np.asarray(points)[..., *row] * ends[-1], side="right")
    return drawn[()]


def next_token(
    logits: ArrayLike,
    rng: np.random.Generator,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
) -> Indices:
    """Choose one token per row, shape (...): temperature, then top-k, then top-p, then a draw.

    The draw has exactly the distribution that composing the filters gives; with top-p alone, from 4,096
    tokens on, a seed may give another token. The arguments are those of :func:`sample` and of the filters,
    None for no filter, and a temperature of 0 or more: at 0 it is :func:`greedy`, and ``rng`` rests.

    Examples
    --------
    >>> next_token([1.0, 5.0, 2.0], np.random.default_rng(0), temperature=0)
    np.int64(1)
    """
    z, t, rng = as_floats(logits, "logits"), _number(temperature, "temperature"), _generator(rng)
    k, p = z.shape[-1] if top_k is None else _count(top_k), 1.0 if top_p is None else _share(top_p)
    if t == 0:
        return greedy(z)
    scale, cut = partial(_scale, t=_degrees(temperature)), partial(_top_p, p=p)
    return shortcuts.draw_by_row(
        lambda row, point: shortcuts.next_token(row, point, rng, scale, cut, k, p),
        lambda rows, points: _draw(softmax(cut(_top_k(scale(as_logits(rows)[0]), k))), points),
        z,
        rng.random(z.shape[:-1]),
    )


def _scale(z: Floats, t: float) -> Floats:
    """Divide by a temperature so small, if need be, that the top would overflow: it moves to 0 first."""
    scaled = _divide(z, t)
    lost = np.isinf(scaled.max(axis=-1, keepdims=True))
    return _divide(np.where(lost, shift(z), z), t) if lost.any() else scaled
