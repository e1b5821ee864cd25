"""What may come in, and what is refused: each refusal names the argument, shows it and says what to do.

Logits and probabilities are read as float32 or float64 with the vocabulary contiguous in memory, for then
NumPy adds in pairs, which keeps a float32 sum of 100,000 terms right to its last digits.
"""

import operator
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.floating[Any]]
Indices = NDArray[np.intp]

EXACT = 2**53  # up to here a float64 holds every integer


def as_array(values: ArrayLike, name: str) -> NDArray[Any]:
    """Return the values as an array, which keeps the masks if there are any."""
    try:
        return _stack(values)
    except ValueError as error:
        raise ValueError(f"{name} has rows of different lengths: give one, -inf where there is none") from error
    except (RuntimeError, TypeError) as error:  # a tensor with a gradient, on another device, or of bfloat16
        cure = "give an array of float32 or float64; of a PyTorch tensor, tensor.detach().cpu().float().numpy()"
        raise TypeError(f"{name} cannot be read as an array ({error}): {cure}") from error


def _stack(values: Any) -> NDArray[Any]:
    """Return ``np.asarray``, but with the masks of rows in lists, however deep."""
    if isinstance(values, (list, tuple)):
        rows = [_stack(row) if isinstance(row, (list, tuple)) else row for row in values]
        if any(isinstance(row, np.ma.MaskedArray) for row in rows):
            return np.ma.stack(rows)
    return np.asanyarray(values) if isinstance(values, np.ma.MaskedArray) else np.asarray(values)


def as_floats(values: ArrayLike, name: str, axis: int = -1, masked: float = -np.inf) -> Floats:
    """Return the values as float32 or float64, contiguous along the axis, with ``masked`` under a mask."""
    array = as_array(values, name)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"{name} must hold real numbers, not {array.dtype}: {values!r:.60}")
    if array.ndim == 0 or array.shape[normalize_axis_index(axis, array.ndim)] == 0:
        raise ValueError(f"{name} has shape {array.shape}, no token along axis {axis}: give at least one")
    if array.dtype.kind in "iu":
        seen = np.ma.compressed(array)
        if seen.size and max(int(seen.max()), -int(seen.min())) > EXACT:
            raise ValueError(
                f"{name} holds an integer beyond 2**53, where floats have gaps: subtract the maximum"
            )
    with np.errstate(over="ignore"):  # a long double beyond float64 becomes inf, and is refused as such
        floats = array.astype(np.float32 if array.dtype.char == "f" else np.float64, copy=False)
    if isinstance(floats, np.ma.MaskedArray):
        floats = floats.filled(masked)
    return np.ascontiguousarray(floats.swapaxes(axis, -1)).swapaxes(axis, -1)


def as_finite(values: ArrayLike, name: str) -> Floats:
    """Return the values as floats, all of them finite."""
    array = as_floats(values, name)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds NaN or infinity: give finite numbers")
    return array


def as_logits(logits: ArrayLike, axis: int = -1) -> Floats:
    """Return the logits as floats. The maximum along the axis betrays every row that is refused."""
    z = as_floats(logits, "logits", axis)
    top = z.max(axis=axis)
    if not np.isfinite(top).all():
        cure = {
            "nan": "holds NaN: find the step before this one that made it",
            "inf": "holds +inf: use a large finite number, or -inf to mask the other tokens",
            "-inf": "has a row of -inf only, so every token is masked: leave at least one finite",
        }
        raise ValueError("logits " + cure[str(top[~np.isfinite(top)].flat[0])])
    return z


def as_probabilities(probs: ArrayLike, axis: int = -1) -> Floats:
    """Return the probabilities as floats; they must be 0 or more and sum to 1 within 0.0003."""
    p = as_floats(probs, "probs", axis, masked=0.0)
    if not p.min(initial=0) >= 0:  # NaN is not >= 0 either
        raise ValueError(f"probs holds {p.min()}: probabilities are 0 or more; did you mean softmax(logits)?")
    with np.errstate(over="ignore"):
        total = p.sum(axis=axis)
    off = np.abs(total - 1)
    if not (off <= np.sqrt(np.finfo(np.float32).eps)).all():
        raise ValueError(f"probs sums to {total.flat[off.argmax()]:.6g}, not 1: divide by it, or call softmax")
    return p


def as_indices(values: ArrayLike, name: str, size: int) -> Indices:
    """Return the values as token indices from 0 to size - 1."""
    index = as_array(values, name)
    if index.size == 0:
        index = index.astype(np.intp)  # an empty list has no integers to show
    if index.dtype.kind not in "iu" or np.ma.is_masked(index):
        raise TypeError(f"{name} must hold token indices (integers), not {values!r:.60}: use vocabulary[word]")
    strange = index[(index < 0) | (index >= size)]
    if strange.size:
        raise ValueError(f"{name} holds {strange.flat[0]}, which is not in 0..{size - 1}: use vocabulary[word]")
    return index.astype(np.intp)


def as_number(value: Any, name: str) -> float:
    """Return one real number as a float: what ``float()`` takes, but no text and no truth value."""
    plain = value.item() if hasattr(value, "item") and np.ndim(value) == 0 else value
    if isinstance(plain, bool) or not hasattr(plain, "__float__") or np.ndim(plain) != 0:
        raise TypeError(f"{name} must be one real number, not {value!r:.60}")
    try:
        return float(value)
    except (OverflowError, ValueError) as error:
        raise ValueError(f"{name}={value!r:.60} is no float: {error}") from error


def as_temperature(temperature: Any) -> float:
    """Return a temperature, finite and above 0."""
    t = as_number(temperature, "temperature")
    if not 0 < t < np.inf:
        raise ValueError(f"temperature={temperature!r:.60} must be finite and above 0: at 0 use greedy(logits)")
    return t


def as_whole(value: Any, name: str, least: int, cure: str = "give a larger number") -> int:
    """Return a whole number, not less than the least."""
    if isinstance(value, (bool, np.bool_, np.ndarray)) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be an integer, not {value!r:.60}")
    if operator.index(value) < least:
        raise ValueError(f"{name}={value!r:.60} must be at least {least}: {cure}")
    return operator.index(value)


def as_count(k: Any, name: str) -> int:
    """Return a number of tokens to keep, 1 or more."""
    return as_whole(k, name, 1, f"{name}=1 keeps the most probable token only")


def as_share(p: Any, name: str) -> float:
    """Return a share of the probability, above 0 and at most 1."""
    share = as_number(p, name)
    if not 0 < share <= 1:
        raise ValueError(
            f"{name}={p!r:.60} must be above 0 and at most 1: give a fraction, such as 0.9 for 90 %"
        )
    return share


def as_size(size: Any) -> tuple[int, ...]:
    """Return the shape of what is drawn of each row: () for None, (n,) for n."""
    if size is None:
        return ()
    shape: tuple[Any, ...] = size if isinstance(size, tuple) else (size,)
    for n in shape:
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 0:
            raise ValueError(f"size={size!r} must be a whole number of draws, 0 or more, or a tuple of such")
    return shape


def as_generator(rng: Any) -> np.random.Generator:
    """Return a source of chance."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a numpy Generator, not {rng!r:.60}: use np.random.default_rng(seed)")
    return rng


def check_settings(rng: Any, temperature: Any, top_k: Any, top_p: Any, min_p: Any) -> None:
    """Refuse what the steps of ``next_token`` would refuse, under the names that it gives them."""
    as_generator(rng)
    if as_number(temperature, "temperature") != 0:
        as_temperature(temperature)
    if top_k is not None:
        as_count(top_k, "top_k")
    if top_p is not None:
        as_share(top_p, "top_p")
    if min_p is not None:
        as_share(min_p, "min_p")
