"""What a long row allows: the answers of the definitions in ``sampling``, without sorting the vocabulary.

Every shortcut takes one row, and two sentences say why its answer is exact. Where rounding could tip the
decision it returns None, and the definition decides.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .probability import Floats, Indices, softmax

LONG = 4096  # tokens in a row, from which on a shortcut pays
HEAD = 512  # tokens that usually hold the nucleus
BINS, REACH = 4096, 40.0  # of the histogram; e to the -40 is lost in a sum that is 1 or more
STRETCH = 512  # tokens of the line that are measured as one


def by_row(shortcut: Callable[..., Any], definition: Callable[..., Any], z: Floats, *points: Any) -> Any:
    """Take long rows one at a time, each by the shortcut, or by the definition where that returns None."""
    if z.shape[-1] < LONG or not z.size:
        return definition(z, *points)

    def answer(*row: int) -> Any:
        one = [array[row] for array in (z, *points)]
        short = shortcut(*one)
        return definition(*one) if short is None else short

    if z.ndim == 1:
        return answer()
    first = answer(*[0] * (z.ndim - 1))
    out = np.empty(z.shape[:-1] + first.shape, first.dtype)
    for row in np.ndindex(z.shape[:-1]):
        out[row] = answer(*row) if any(row) else first
    return out


def largest(z: Floats, k: int) -> Indices:
    """Return the indices, rising, of the k largest logits and of some more, bans left out.

    Cut the row into equal lines, written below each other: k columns hold a token that reaches the k-th
    largest of the column maxima, so that bound is at most the k-th largest logit of the row. What lies
    below the bound is then neither among the k largest nor level with the last of them.

    Examples
    --------
    >>> largest(np.array([1.0, 3.0, 2.0, 2.0]), 2)
    array([1, 2, 3])
    """
    lines = max(1, min(len(z) // 2048, len(z) // (8 * k)))
    width = len(z) // lines
    table, rest = z[: lines * width].reshape(lines, width), z[lines * width :]
    tops = table.max(axis=0)
    bound = np.finfo(z.dtype).min
    if k <= width:
        bound = max(bound, np.partition(tops, width - k)[width - k])
    columns = np.flatnonzero(tops >= bound)
    line, column = np.nonzero(table[:, columns] >= bound)
    return np.concatenate([line * width + columns[column], lines * width + np.flatnonzero(rest >= bound)])


def top_k(z: Floats, k: int) -> Floats:
    """Return the row with all but the k largest logits banned, of which :func:`largest` holds every one.

    Its indices rise, so a stable sort of the few meets ties in the order in which that of the row does.
    The first k of both sorts are therefore the same tokens.

    Examples
    --------
    >>> top_k(np.array([1.0, 3.0, 2.0, 2.0]), 2)
    array([-inf,   3.,   2., -inf])
    """
    few = largest(z, k)
    kept = few[np.argsort(-z[few], kind="stable")[:k]]
    out = np.full_like(z, -np.inf)
    out[kept] = z[kept]
    return out


def doubt(total: Any, count: int) -> Any:
    """Return how far two float64 sums of ``count`` terms of 0 or more may lie apart, summed in any order."""
    return 2 * (count + 4) * np.finfo(np.float64).eps * total


def nucleus(z: Floats, p: float) -> NDArray[np.bool_] | None:
    """Return which tokens the nucleus of mass p keeps.

    A short sorted head, or else a histogram of the mass over the distance from the maximum, shows a few
    neighbours among which the sum from the top down crosses p: all above them is kept, all below is cut.
    Only these few are sorted and summed, and where a sum comes nearer to p than rounding could move it
    the answer is None.

    Examples
    --------
    >>> nucleus(np.log([0.5, 0.25, 0.125, 0.125]), 0.8)
    array([ True,  True,  True, False])
    """
    if p == 1:
        return z > -np.inf
    with np.errstate(over="ignore"):
        low = np.subtract(z, z.max(), dtype=np.float64)
    mass = np.exp(low)
    total = mass.sum()
    goal, margin = (p - 8 * np.finfo(z.dtype).eps) * total, doubt(total, len(z))
    few, above = largest(z, HEAD), 0.0
    if not mass[few].sum() > goal + margin:
        few, above = crossing(low, mass, goal)
    few = few[np.argsort(-z[few], kind="stable")]
    sums = above + np.cumsum(mass[few])
    if not np.abs(np.append(sums, above or np.inf) - goal).min() > margin or sums[-1] < goal:
        return None
    keep = z > z[few[0]]
    keep[few[: np.searchsorted(sums, goal) + 1]] = True
    return keep


def top_p(z: Floats, p: float) -> Floats | None:
    """Return the row with all but its :func:`nucleus` banned."""
    keep = nucleus(z, p)
    return None if keep is None else np.where(keep, z, -np.inf)


def crossing(low: Floats, mass: Floats, goal: float) -> tuple[Indices, float]:
    """Return the few tokens among which the sum from the top down crosses the goal, and the mass above.

    A bin of the histogram holds an interval of distances, so every token of an earlier bin lies strictly
    above it and every token of a later one strictly below. The bin that crosses is cut into bins again
    until it is short, or holds equals only.
    """
    few, above = np.arange(len(low)), 0.0
    while len(few) > 2 * HEAD:
        with np.errstate(over="ignore", invalid="ignore"):
            far = low[few].max() - low[few]
            span = min(far.max(), REACH)
            if not span > 1e-300:  # equals, or bans
                break
            bins = np.minimum(far * (BINS / span), BINS).astype(np.intp)
        sums = above + np.cumsum(np.bincount(bins, weights=mass[few]))
        crossed = min(int(np.searchsorted(sums, goal)), len(sums) - 1)
        above = float(sums[crossed - 1]) if crossed else above
        few = few[bins == crossed]
    return few, above


def draw(p: Floats, point: float) -> np.intp | None:
    """Return the token into whose piece of the line a point from 0 to 1 falls.

    The line is measured in stretches of many tokens, then token by token in the stretch that holds the
    point, in float64. The ends of a piece differ from those in one long sum by rounding only, and where
    the point lies nearer to an end than that the answer is None.

    Examples
    --------
    >>> draw(np.array([0.5, 0.25, 0.25]), 0.6)
    np.int64(1)
    """
    whole = len(p) // STRETCH * STRETCH
    stretches = p[:whole].reshape(-1, STRETCH).sum(axis=1, dtype=np.float64)
    ends = np.cumsum(np.append(stretches, p[whole:].sum(dtype=np.float64)))
    point = point * ends[-1]
    first = min(int(np.searchsorted(ends, point, side="right")), len(ends) - 1)
    start = first * STRETCH
    inner = np.cumsum(
        np.append(ends[first - 1] if first else 0.0, p[start : start + STRETCH]), dtype=np.float64
    )
    index = np.searchsorted(inner, point, side="right")
    sure = 0 < index < len(inner) and min(point - inner[index - 1], inner[index] - point) > doubt(
        ends[-1], len(p)
    )
    return np.intp(start + index - 1) if sure else None


def survivors(z: Floats, scale: Callable[[Floats], Floats], k: int, p: float) -> tuple[Indices, Floats] | None:
    """Return the tokens that scaling, top-k and top-p leave, with their scaled logits.

    Scaling by a temperature may make logits equal but never changes their order: if the smallest of
    :func:`largest`, or the next below it, ends below the k-th, so does all that was left out. A ban adds
    0 to every sum, so the nucleus of the k left is that of the row.

    Examples
    --------
    >>> survivors(np.array([1.0, 5.0, 4.0, 0.0]), lambda z: z / 2, 2, 0.9)
    (array([1, 2]), array([2.5, 2. ]))
    """
    index = largest(z, k + 8) if k < len(z) else np.arange(len(z))
    row = scale(z[index])
    if k < len(z):
        order = np.argsort(-row, kind="stable")
        last, smallest = row[order[:k][-1]], row[order[-1]]
        if smallest == last > -np.inf:
            below = z.max(where=z < z[index].min(), initial=-np.inf)
            if scale(np.array([z.max(), below]))[1] == last:
                return None
        kept = np.sort(order[:k])
        index, row = index[kept], row[kept]
    keep = nucleus(row, p)
    return None if keep is None else (index[keep], row[keep])


def next_token(z: Floats, point: float, scale: Callable[[Floats], Floats], k: int, p: float) -> np.intp | None:
    """Return the token drawn from the survivors, and from nothing else.

    Those that were cut have pieces of length 0, so the line of the survivors is that of the row. A last
    digit of the softmax may differ, for its sum has fewer terms.

    Examples
    --------
    >>> next_token(np.array([1.0, 5.0, 4.0, 0.0]), 0.5, lambda z: z / 2, 2, 1.0)
    np.int64(1)
    """
    left = survivors(z, scale, k, p)
    drawn = None if left is None else draw(softmax(left[1]), point)
    return None if left is None or drawn is None else left[0][drawn]
