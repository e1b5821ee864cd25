"""From scores to probabilities: softmax, its logarithm, and two numbers that sum a distribution up.

Arrays have shape (..., V): the last axis is the vocabulary, the leading axes are a batch. float32 comes
back as float32; float64, and everything else, as float64. A logit of -inf masks its token, and so does a
``numpy.ma`` mask. NaN, +inf, no token at all, or a row with every token masked is a ValueError; what is no
real number, a TypeError.
"""

import numpy as np
from numpy.typing import ArrayLike

from .checks import Floats, as_indices, as_logits, as_probabilities


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
    z = as_logits(logits, axis)
    with np.errstate(over="ignore"):  # beyond the float range below the maximum is -inf: probability 0
        exp = np.exp(z - z.max(axis=axis, keepdims=True))
    return exp / exp.sum(axis=axis, keepdims=True)


def log_softmax(logits: ArrayLike, axis: int = -1) -> Floats:
    r"""Return the logarithm of :func:`softmax`, in nats, without ever taking that of a rounded 0.

    .. math:: \ln p_i = (z_i - m) - \ln \sum_j e^{z_j - m}

    Parameters and shape as in :func:`softmax`; the values are at most 0, -inf for a masked token.

    Examples
    --------
    >>> log_softmax([0.0, -1000.0])
    array([    0., -1000.])
    """
    z = as_logits(logits, axis)
    with np.errstate(over="ignore"):  # as in softmax
        shifted = z - z.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


def entropy(probs: ArrayLike, axis: int = -1) -> Floats:
    r"""Return how undecided a distribution is, in nats (Shannon 1948).

    .. math:: H = -\sum_i p_i \ln p_i, \qquad 0 \ln 0 = 0

    Parameters
    ----------
    probs : array_like, shape (..., V)
        Probabilities p, 0 or more, with sum 1 along the axis (within 0.0003), or a ValueError.
    axis : int
        The axis of the vocabulary.

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
        Index of the token that came, from 0 to V - 1: another number is a ValueError, what is no integer a
        TypeError.

    Returns
    -------
    float or array, shape (...)
        0 where the target was certain, ln V where all tokens were alike, inf where it was masked.

    Examples
    --------
    >>> cross_entropy([0.0, 0.0], 1).round(4)
    np.float64(0.6931)
    """
    log_p = log_softmax(logits)
    index = as_indices(target, "target", log_p.shape[-1])
    if index.shape != log_p.shape[:-1]:
        raise ValueError(f"target has shape {index.shape}, but logits {log_p.shape}: give one index per row")
    return np.abs(np.take_along_axis(log_p, index[..., None], axis=-1)[..., 0])  # abs as in entropy
