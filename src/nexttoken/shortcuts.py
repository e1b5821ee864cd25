"""What a long row allows: the answers of the definitions in ``sampling``, without sorting the vocabulary.

Every shortcut takes one row, and two sentences say why its answer is exact. Where rounding could tip the
decision it returns None, and the definition decides.
"""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .probability import Floats, Indices, as_logits

LONG = 4096  # tokens in a row, from which on a shortcut pays
HEAD = 2048  # tokens that usually hold the nucleus, and are soon sorted
BINS, REACH = 4096, 40.0  # of a histogram; e to the -40 is lost in a sum that is 1 or more
BLOCK = 16_384  # tokens that are weighed at a time, so that what is in between stays in the cache
ROUGH = 32 * float(np.finfo(np.float32).eps)  # relative error of a sum of float32 weights, see `head`
STRETCH = 512  # tokens of the line that are measured as one


def keep_by_row(shortcut: Callable[..., Any], definition: Callable[..., Floats], z: Floats) -> Floats:
    """Mask all but what the shortcut returns for a row, or as the definition does where that is None."""
    if z.shape[-1] < LONG:
        as_logits(z)
        return definition(z)
    out = np.empty_like(z)
    for row in product(*map(range, z.shape[:-1])):
        as_logits(z[row])  # refuses a bad row, and leaves a good one in the cache
        kept = shortcut(z[row])
        if kept is None:
            out[row] = definition(z[row])
        else:
            out[row] = -np.inf
            out[row][kept] = z[row][kept]
    return out


def draw_by_row(shortcut: Callable[..., Any], definition: Callable[..., Any], z: Floats, points: Any) -> Any:
    """Draw a token of each long row by the shortcut, or by the definition where that returns None."""
    if z.shape[-1] < LONG:
        return definition(z, points)
    drawn = np.empty(z.shape[:-1], np.intp)
    for row in product(*map(range, z.shape[:-1])):
        short = shortcut(z[row], points[row])
        drawn[row] = definition(z[row], points[row]) if short is None else short
    return drawn[()]


def largest(z: Floats, k: int) -> Indices:
    """Return the indices, rising, of the k largest logits and of some more, masks left out.

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
    bound = np.finfo(z.dtype).min
    if k <= width:
        tops = z[: lines * width].reshape(lines, width).max(axis=0)
        tops.partition(width - k)
        bound = max(bound, tops[width - k])
    return (z >= bound).nonzero()[0]


def top_k(z: Floats, k: int) -> Indices:
    """Return the indices of the k largest logits, sorting no more than :func:`largest` returns.

    Its indices rise, so a stable sort of the few meets ties in the order in which a sort of the row does.
    The first k of both are therefore the same tokens.

    Examples
    --------
    >>> top_k(np.array([1.0, 3.0, 2.0, 2.0]), 2)
    array([1, 2])
    """
    few = largest(z, k)
    return few[(-z[few]).argsort(kind="stable")[:k]]


def weigh(z: Floats, top: Any, dtype: Any) -> Floats:
    """Return e to the power of z - top, both taken in the given type, the difference in no smaller one."""
    with np.errstate(over="ignore"):  # a difference beyond the range of floats is infinite, and weighs 0
        weight = np.subtract(z, top, dtype=np.promote_types(z.dtype, dtype)).astype(dtype, copy=False)
    return np.exp(weight, out=weight)


def doubt(count: int) -> float:
    """Return how far two float64 sums of ``count`` terms, 0 or more, may lie apart, as a share of them."""
    return 2 * (count + 4) * float(np.finfo(np.float64).eps)


def enough(p: float, z: Floats) -> float:
    """Return the share that counts as p: 8 machine epsilons, of the type of the logits, fall short of it."""
    return p - 8 * float(np.finfo(z.dtype).eps)


def histogram(z: Floats, top: Any) -> tuple[NDArray[np.uint16], Floats]:
    """Return how many bins each token lies below the largest logit, and how much mass each bin holds.

    The mass of a token is e to the power of its distance from ``top``, in float64.
    """
    high, bins, mass = z.max(), np.zeros(len(z), np.uint16), np.zeros(BINS + 1)
    step = z.dtype.type(min(float(high) - float(z.min()), REACH) / BINS)
    for start in range(0, len(z), BLOCK):
        part, below = z[start : start + BLOCK], bins[start : start + BLOCK]
        if step > 0:
            with np.errstate(over="ignore"):
                below[:] = np.minimum((high - part) / step, BINS)
        mass += np.bincount(below, weigh(part, top, np.float64), BINS + 1)
    return bins, mass


def nucleus(z: Floats, p: float) -> NDArray[np.bool_] | None:
    """Return which tokens the nucleus of mass p keeps.

    Only those tokens among which the sum from the top down crosses p need to be sorted: those of
    :func:`head`, if they hold p, or else those of the :func:`crossing`. All above are kept and all below
    are cut; where a sum comes nearer to p than rounding could move it, the answer is None.

    Examples
    --------
    >>> nucleus(np.log([0.5, 0.25, 0.125, 0.125]), 0.8)
    array([ True,  True,  True, False])
    """
    if p == 1:
        return z > -np.inf
    top, share, error = z.max(), enough(p, z), doubt(len(z))
    if (last := head(z, top, share)) is None:
        few, above, total = crossing(z, top, share)
        last = border(few, top, share, error, total, above)
    if last is None:
        return None
    level, count = last
    keep = z > level
    keep[(z == level).nonzero()[0][:count]] = True
    return keep


def border(
    z: Floats, top: Any, share: float, error: float, total: float | None = None, above: float = 0.0
) -> tuple[Any, int] | None:
    """Return the lowest logit that is kept, and how many of its equals are, or None if that is in doubt.

    The sum from the top down, which starts at the mass above these tokens, is followed by :func:`reach`.
    Where it ends is the lowest logit, and of its equals the first in the row come first in the sum.

    Examples
    --------
    >>> border(np.array([3.0, 1.0, 3.0, 3.0]), 3.0, 0.5, 1e-9)
    (np.float64(3.0), 2)
    """
    rising = np.sort(z)
    count = reach(rising[::-1], top, share, error, total, above)
    if count is None:
        return None
    level = rising[-count]
    return level, count - len(z) + int(rising.searchsorted(level, side="right"))


def reach(
    falling: Floats, top: Any, share: float, error: float, total: float | None = None, above: float = 0.0
) -> int | None:
    """Return how many logits, from the largest down, it takes to reach a share, or None if that is in doubt.

    The sum, which starts at the mass above them, need only be followed to where it reaches the share of
    the total (by default, of all of them). It does so there and nowhere else, whatever the rounding, if
    no sum comes nearer to that than the error, which is relative to the total.

    Examples
    --------
    >>> reach(np.log([0.5, 0.25, 0.25]), 0.0, 0.6, 1e-9)
    2
    """
    sums = weigh(falling, top, np.float64).cumsum()
    total = float(sums[-1]) if total is None else total
    goal = share * total - above
    count = 1 + int(sums.searchsorted(goal))
    if count > len(sums):
        return None
    before = float(sums[count - 2]) if count > 1 else 0.0
    return count if min(abs(goal - before), float(sums[count - 1]) - goal) > error * total else None


def head(z: Floats, top: Any, share: float) -> tuple[Any, int] | None:
    """Return the :func:`border` if it lies among the largest tokens, None if it does not or may not.

    The total is taken in float32, where it is off by less than 32 epsilons of that type: by ln V / 2 for
    the rounded differences, by 4 for the exponentials, by 13 for the sums in pairs. What part of it is
    enough to rule the largest out is enough.
    """
    few, total = z[largest(z, HEAD)], 0.0
    most = weigh(few, top, np.float64).sum()
    for start in range(0, len(z), BLOCK):
        total += float(weigh(z[start : start + BLOCK], top, np.float32).sum())
        if share * total > most:
            return None
    return border(few, top, share, ROUGH, total)


def crossing(z: Floats, top: Any, share: float) -> tuple[Floats, float, float | None]:
    """Return the few logits among which the sum from the top down crosses a share, the mass above, and all.

    A bin of the histogram holds an interval of logits, so every token of an earlier bin lies above all of
    it, and every token of a later one below. The bin that crosses is cut into bins again until it is
    short, or cannot be cut, for its tokens are equal. A row that is short comes back whole, unweighed: None.
    """
    few, above, size, total = z, 0.0, 0, None
    while HEAD < len(few) != size:
        bins, mass = histogram(few, top)
        sums, total = above + np.cumsum(mass), mass.sum() if total is None else total
        crossed = int(sums.searchsorted(share * total))
        above = float(sums[crossed - 1]) if crossed else above
        size, few = len(few), few[bins == crossed]
    return few, above, total


def top_p(z: Floats, p: float) -> Indices | None:
    """Return the indices of the :func:`nucleus`, which are faster to copy by than a mask."""
    keep = nucleus(z, p)
    return None if keep is None else keep.nonzero()[0]


def kept(z: Floats, weight: Floats, p: float, token: np.intp) -> bool | None:
    """Return whether the nucleus keeps a token of a given weight, e to the power of its logit.

    It does if the mass of what comes before, the larger logits and the equals of lower index, falls short
    of p. Where that mass comes nearer to p than the sums may be off, in the type of the weights, the
    answer is None.

    Examples
    --------
    >>> z = np.log([0.5, 0.25, 0.125, 0.125])
    >>> kept(z, np.exp(z), 0.8, 2), kept(z, np.exp(z), 0.8, 3)
    (True, False)
    """
    before = np.dot(weight, z > z[token]) + np.count_nonzero(z[:token] == z[token]) * weight[token]
    share = before / np.einsum("i->", weight) - p
    return None if abs(share) <= (len(z) + 100) * np.finfo(z.dtype).eps else bool(share < 0)


def draw(p: Floats, point: float) -> np.intp:
    """Return the token into whose piece of the line a point from 0 to 1 falls.

    The line is measured in stretches of many tokens, then token by token in the stretch that holds the
    point, in float64. The ends of a piece differ from those in one long sum by rounding only, and where
    the point lies nearer to an end than that the long sum decides.

    Examples
    --------
    >>> draw(np.array([0.5, 0.25, 0.25]), 0.6)
    np.int64(1)
    """
    whole = len(p) // STRETCH * STRETCH
    if whole:
        stretches = np.einsum("ij->i", p[:whole].reshape(-1, STRETCH), dtype=np.float64)
        ends = np.cumsum(np.append(stretches, p[whole:].sum(dtype=np.float64)))
        place = point * ends[-1]
        first = int(ends.searchsorted(place, side="right"))
        before = ends[first - 1] if first else 0.0
        inner = np.cumsum(np.append(before, p[first * STRETCH : (first + 1) * STRETCH]))
        index = int(inner.searchsorted(place, side="right"))
        if np.abs(inner[index - 1 : index + 1] - place).min() > doubt(len(p)) * ends[-1]:
            return np.intp(first * STRETCH + index - 1)
    ends = p.cumsum(dtype=np.float64)
    return ends.searchsorted(point * ends[-1], side="right")


def finalists(z: Floats, scale: Callable[[Floats], Floats], k: int, p: float) -> tuple[Indices, Floats] | None:
    """Return what scaling, top-k and top-p leave of the row: indices, rising, and scaled logits.

    Division by a temperature may make logits equal but never reverses them: if the smallest of
    :func:`largest`, or the next below it, ends below the k-th, so does all that was left out. Where it
    ends level the answer is None, for then the indices of what was left out count. A mask adds 0 to every
    sum, so the nucleus of the k is that of the row, and :func:`reach` finds it.

    Examples
    --------
    >>> finalists(np.array([1.0, 5.0, 4.0, 0.0]), lambda z: z / 2, 2, 1.0)
    (array([1, 2]), array([2.5, 2. ]))
    """
    index = largest(z, k + 8)
    row = scale(z[index])
    order = (-row).argsort(kind="stable")
    best = order[:k]
    last = row[best[-1]]
    if row[order[-1]] == last > -np.inf:
        below = z.max(where=z < z[index].min(), initial=-np.inf)
        if scale(np.array([z.max(), below]))[1] == last:
            return None
    count = k if p == 1 else reach(row[best], row[best[0]], enough(p, row), doubt(k))
    if count is None:
        return None
    best = np.sort(best[:count])
    return index[best], row[best]


def next_token(
    z: Floats,
    point: float,
    rng: np.random.Generator,
    scale: Callable[[Floats], Floats],
    cut: Callable[[Floats], Floats],
    k: int,
    p: float,
) -> np.intp | None:
    """Return the token drawn from what scaling, top-k and top-p leave.

    A mask adds 0 to every sum, so the line that the finalists are drawn from is that of the row. With top-p
    alone a token is drawn from the whole row and stands if it is kept; if not, a second draw from what is
    kept gives each of these its share of what was lost.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> next_token(np.array([1.0, 5.0, 4.0, 0.0]), 0.5, rng, lambda z: z / 2, np.copy, 2, 1.0)
    np.int64(1)
    """
    if k < len(z):
        as_logits(z)  # refuses a bad row, and leaves a good one in the cache
        if (left := finalists(z, scale, k, p)) is None:
            return None
        index, row = left
        return index[draw(weigh(row, row.max(), row.dtype), point)]
    row, top = as_logits(scale(z))
    weight = weigh(row, top, row.dtype)
    token = draw(weight, point)
    stands = p == 1 or kept(row, weight, p, token)
    if stands is None or not stands:
        keep = nucleus(row, p)
        weight *= cut(row) > -np.inf if keep is None else keep
        token = token if weight[token] else draw(weight, rng.random())
    return token
