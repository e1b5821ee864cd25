"""From scores to probabilities: softmax, its logarithm, and two numbers that sum a distribution up.

Arrays have shape (..., V): the last axis is the vocabulary, the leading axes are a batch. float32 comes
back as float32; float64, and everything else, as float64. A logit of -inf masks its token. NaN, +inf, no
token at all, or a row with every token masked is a ValueError; what is no real number, a TypeError.
"""

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.floating[Any]]
Indices = NDArray[np.intp]


def as_floats(values: ArrayLike, name: str, axis: int = -1) -> Floats:
    """Return the values as a float32 or float64 array with something along the axis."""
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise ValueError(f"{name} has rows of different lengths: give one, -inf where there is none") from error
    if array.dtype.kind not in "fiu":
        raise TypeError(f"{name} must hold real numbers, not {array.dtype}: {values!r:.60}")
    if array.ndim == 0 or array.shape[normalize_axis_index(axis, array.ndim)] == 0:
        raise ValueError(f"{name} has shape {array.shape}, no token along axis {axis}: give at least one")
    if array.dtype.char == "g":
        with np.errstate(over="ignore"):  # a long double beyond float64 becomes inf, and is refused as such
            array = array.astype(np.float64)
    return array.astype(np.float32 if array.dtype.char == "f" else np.float64, copy=False)


def as_logits(logits: ArrayLike, axis: int = -1) -> tuple[Floats, Floats]:
    """Return the logits as floats, and their maximum along the axis, which betrays every bad row."""
    z = as_floats(logits, "logits", axis)
    top = z.max(axis=axis, keepdims=True)
    if not np.isfinite(top).all():
        cure = {
            "nan": "holds NaN: find the step before this one that made it",
            "inf": "holds +inf: use a large finite number, or -inf to mask the other tokens",
            "-inf": "has a row of -inf only, so every token is masked: leave at least one finite",
        }
        raise ValueError("logits " + cure[str(top[~np.isfinite(top)].flat[0])])
    return z, top


def as_probabilities(probs: ArrayLike, axis: int = -1) -> Floats:
    """Return the probabilities as floats; they must be 0 or more and sum to 1 within 0.0003."""
    p = as_floats(probs, "probs", axis)
    if not p.min(initial=0) >= 0:  # NaN is not >= 0 either
        raise ValueError(f"probs holds {p.min()}: probabilities are 0 or more; did you mean softmax(logits)?")
    wide = None if p.strides[axis] == p.itemsize else np.float64  # along memory, the sum is pairwise
    total = p.sum(axis=axis, dtype=wide)
    if not ((off := np.abs(total - 1)) <= np.sqrt(np.finfo(np.float32).eps)).all():
        raise ValueError(f"probs sums to {total.flat[off.argmax()]:.6g}, not 1: divide by it, or call softmax")
    return p


def shift(logits: ArrayLike, axis: int = -1, out: Floats | None = None) -> Floats:
    """Return the logits minus their maximum, in ``out`` if given: all are at most 0, and at least one is 0."""
    z, top = as_logits(logits, axis)
    with np.errstate(over="ignore"):  # beyond the float range below the maximum is -inf: probability 0
        return np.subtract(z, top, out=out)


def softmax(logits: ArrayLike, axis: int = -1) -> Floats:
    r"""Turn logits into probabilities.

    .. math:: p_i = \frac{e^{z_i}}{\sum_j e^{z_j}} = \frac{e^{z_i - m}}{\sum_j e^{z_j - m}},
              \qquad m = \max_j z_j

    The second form is computed. In exact arithmetic :math:`e^{-m}` cancels; in floats every exponential
    stays in [0, 1] and their sum at 1 or more: nothing overflows, and nothing is divided by 0.
    The name is from Bridle 1989; for the accuracy of this form see Blanchard, Higham and Higham 2021.

    Parameters
    ----------
    logits : array_like, shape (..., V)
        Real scores z, without unit.
    axis : int
        The axis of the vocabulary.

    Returns
    -------
    array, same shape
        In [0, 1], with sum 1 along the axis; 0 for a masked token, equal for equal logits.

    Examples
    --------
    >>> softmax([2.0, 1.0, 0.0]).round(3)
    array([0.665, 0.245, 0.09 ])
    >>> softmax([1000.0, 1000.0, -np.inf])
    array([0.5, 0.5, 0. ])
    """
    z = as_floats(logits, "logits", axis).swapaxes(axis, -1)
    probs = np.empty(z.shape, z.dtype)
    rows, out = z.reshape(-1, z.shape[-1]), probs.reshape(-1, z.shape[-1])
    step = max(1, 2**17 // z.shape[-1])  # so many rows at a time stay in the processor's cache
    for start in range(0, len(rows), step):
        exp = out[start : start + step]
        np.exp(shift(rows[start : start + step], out=exp), out=exp)
        exp *= 1 / np.einsum("ij->i", exp)[:, None]  # exp / exp.sum
    return probs.swapaxes(axis, -1)


def log_softmax(logits: ArrayLike, axis: int = -1) -> Floats:
    r"""Return the logarithm of :func:`softmax`, in nats, without ever taking that of a rounded 0.

    .. math:: \ln p_i = (z_i - m) - \ln \sum_j e^{z_j - m}

    Parameters and shape as in :func:`softmax`; the values are at most 0, -inf for a masked token.

    Examples
    --------
    >>> log_softmax([0.0, -1000.0])
    array([    0., -1000.])
    """
    shifted = shift(logits, axis)
    shifted -= np.log(np.exp(shifted).sum(axis=axis, keepdims=True))
    return shifted


def entropy(probs: ArrayLike, axis: int = -1) -> Floats:
    r"""Return how undecided a distribution is, in nats (Shannon 1948).

    .. math:: H = -\sum_i p_i \ln p_i, \qquad 0 \ln 0 = 0

    Parameters
    ----------
    probs : array_like, shape (..., V)
        Probabilities p, 0 or more, with sum 1 along the axis (within 0.0003), or a ValueError.

    Returns
    -------
    float or array, shape (...)
        From 0 (one token has it all) to ln V (all tokens alike). Divide by ln 2 for bits.

    Examples
    --------
    >>> entropy([0.5, 0.5]) / np.log(2)
    np.float64(1.0)
    """
    p = as_probabilities(probs, axis)
    logs = np.log(p, where=p > 0, out=np.zeros_like(p))
    return np.abs((p * logs).sum(axis=axis))  # no term is positive; abs also spares us -0.0


def cross_entropy(logits: ArrayLike, target: ArrayLike) -> Floats:
    r"""Return the surprise at the token that came: :math:`-\ln p_\text{target}`, in nats.

    Parameters
    ----------
    logits : array_like, shape (..., V)
    target : array_like of int, shape (...)
        Index of the token that came, from 0 to V - 1; anything else is an error.

    Returns
    -------
    float or array, shape (...)
        0 where the target was certain, ln V where all tokens were alike, inf where it was masked.

    Examples
    --------
    >>> cross_entropy([0.0, 0.0], 1).round(4)
    np.float64(0.6931)
    """
    log_p, index = log_softmax(logits), np.asarray(target)
    if index.dtype.kind not in "iu":
        raise TypeError(f"target must hold token indices (integers), not {target!r:.60}")
    if index.shape != log_p.shape[:-1]:
        raise ValueError(f"target has shape {index.shape}, but logits {log_p.shape}: give one index per row")
    if not ((index >= 0) & (index < log_p.shape[-1])).all():
        raise ValueError(f"target {target!r:.60} is not in 0..{log_p.shape[-1] - 1}: give indices of tokens")
    return np.abs(np.take_along_axis(log_p, index[..., None], axis=-1)[..., 0])
