"""The shortcuts of long rows against the definitions: same kept sets, same draws, on hostile rows too."""

from functools import partial
from itertools import product

import numpy as np
import pytest
from conftest import chi_square_tail
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from nexttoken import (
    apply_temperature,
    next_token,
    sample,
    sampling,
    shortcuts,
    softmax,
    top_k_filter,
    top_p_filter,
)

pytestmark = pytest.mark.filterwarnings("error")
law = settings(deadline=None, derandomize=True)

MASK, V = -np.inf, 5000
TYPES = [np.float32, np.float64]
FLOATS = st.sampled_from(TYPES)


def hostile(dtype):
    """Rows of V tokens that a shortcut might trip over."""
    rng = np.random.default_rng(1)
    bulk, largest, tiny = rng.normal(0, 3.9, V), np.finfo(dtype).max, np.finfo(dtype).smallest_subnormal
    few, single, half = np.full(V, MASK), np.full(V, MASK), np.zeros(V)
    few[rng.choice(V, 30, replace=False)] = rng.normal(size=30)
    single[17], half[0] = 0, np.log(V)
    rows = {
        "like a model": bulk,
        "flat": rng.normal(0, 0.01, V),
        "all equal": np.full(V, 3.0),
        "two values": rng.integers(0, 2, V),
        "whole numbers": bulk.round(),
        "16 bits": np.float32(bulk).view(np.uint32) & 0xFFFF0000,
        "far from 0": bulk / 1000 + 1e6,
        "few allowed": few,
        "one allowed": single,
        "half masked": np.where(rng.random(V) < 0.5, MASK, bulk),
        "half in one": half,
        "thirty powers": rng.choice([1e30, -1e30, 0], V),
        "the largest": rng.choice([largest, -largest, 0], V),
        "subnormal": rng.integers(0, 50, V) * tiny,
        "heavy tails": rng.standard_cauchy(V),
        "powers of two": -(2.0 ** rng.integers(-100, 100, V)),
        "rising": np.arange(V) / 100,
        "falling": -np.arange(V) / 1000,
    }
    rows["16 bits"] = rows["16 bits"].view(np.float32)
    return {name: np.asarray(row, dtype) for name, row in rows.items()}


ROWS = {f"{name}, {dtype.__name__}": row for dtype in TYPES for name, row in hostile(dtype).items()}
EACH_ROW = pytest.mark.parametrize("z", ROWS.values(), ids=ROWS)
SHARES = [1e-300, 1e-9, 0.1, 0.5, 0.75, 0.9, 0.99, 0.999999, 1 - 1e-15, 1]


@st.composite
def rows(draw):
    """Short rows on a coarse grid, with ties and masks, never all masked: the shortcuts take any length."""
    steps = draw(arrays(np.int64, st.integers(1, 40), elements=st.integers(-40, 40) | st.integers(0, 2)))
    masked = draw(arrays(bool, len(steps), elements=st.sampled_from([False, False, True])))
    masked[0] &= not masked.all()
    return np.where(masked, MASK, steps / 4).astype(draw(FLOATS))


def same(found, z, expected):
    """``found``, a mask or indices, holds what the definition leaves of z."""
    out = np.full_like(z, MASK)
    out[found] = z[found]
    assert_array_equal(out, expected)


# The k largest


@EACH_ROW
@pytest.mark.parametrize("k", [1, 2, 50, 600, 2500, V - 1, V, 10**20])
def test_top_k_is_the_definition(z, k):
    assert_array_equal(top_k_filter(z, k), sampling._top_k(z, k))
    few = shortcuts.largest(z, k)
    assert (np.diff(few) > 0).all()
    assert np.isin(np.flatnonzero(np.isfinite(sampling._top_k(z, k))), few).all()


@law
@given(rows(), st.integers(1, 45))
def test_top_k_is_the_definition_in_short_rows_too(z, k):
    same(shortcuts.top_k(z, k), z, sampling._top_k(z, k))


@pytest.mark.parametrize("size", [2048, 2049, 4095, 4096, 8191, 16_383, 50_257])
def test_the_last_line_of_the_table_may_be_incomplete(size):
    """The largest stand at the very end, where no whole line of the table reaches."""
    z = np.arange(size, dtype=np.float32)
    for k in (1, 3, 200):
        assert_array_equal(shortcuts.top_k(z, k), size - 1 - np.arange(k))
        assert_array_equal(shortcuts.largest(np.zeros(size), k), np.arange(size))  # all level with the k-th


def test_the_head_is_short_where_the_row_is_random():
    """Of 262,144 random tokens, 50 wanted: the bound lets through k (1 + k / 2 columns), about 51."""
    z = np.random.default_rng(0).normal(size=262_144)
    assert 50 <= len(shortcuts.largest(z, 50)) < 60
    assert 5000 <= len(shortcuts.largest(z, 5000)) < 6000


# The nucleus


@EACH_ROW
@pytest.mark.parametrize("p", SHARES)
def test_top_p_is_the_definition(z, p):
    expected = sampling._top_p(z, p)
    assert_array_equal(top_p_filter(z, p), expected)
    keep = shortcuts.nucleus(z, p)
    if keep is not None:
        same(keep, z, expected)


@law
@given(rows(), st.floats(0.01, 1))
def test_the_nucleus_is_the_definition_in_short_rows_too(z, p):
    keep = shortcuts.nucleus(z, p)
    if keep is not None:
        same(keep, z, sampling._top_p(z, p))


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("spread", [1e-6, 0.01, 1, 3.9, 20])
def test_the_nucleus_answers_where_nothing_is_in_doubt(spread, dtype):
    """Random rows do not come near p: the shortcut must not hide behind the definition."""
    z = np.random.default_rng(2).normal(0, spread, 20_000).astype(dtype)
    for p in (0.1, 0.5, 0.9, 0.99):
        same(shortcuts.nucleus(z, p), z, sampling._top_p(z, p))
        assert_array_equal(shortcuts.top_p(z, p), np.flatnonzero(shortcuts.nucleus(z, p)))


@pytest.mark.parametrize("dtype", TYPES)
def test_a_sum_that_meets_p_within_rounding_is_left_to_the_definition(dtype):
    """Of n equal tokens the first m hold m / n, which is p less the tolerance to the last digit."""
    z, eps = np.zeros(8192, dtype), float(np.finfo(dtype).eps)
    for m in (1, 100, 4096):
        assert shortcuts.nucleus(z, m / 8192 + 8 * eps) is None
        assert np.isfinite(top_p_filter(z, m / 8192 + 8 * eps)).sum() == m
        assert np.isfinite(top_p_filter(z, (m + 0.5) / 8192)).sum() == m + 1


def test_at_1_the_nucleus_is_all_but_the_bans():
    assert_array_equal(shortcuts.nucleus(np.array([0.0, MASK, -800.0]), 1), [True, False, True])


def test_doubt_is_no_less_than_the_rounding_of_two_sums():
    """A sum of n terms has n - 1 roundings, each of half an epsilon of the total at most."""
    for n in (1, 2, 1000):
        assert shortcuts.doubt(n) >= (n - 1) * np.finfo(float).eps >= 0


@pytest.mark.parametrize("error", [-1e-13, 1e-13])
def test_a_bin_that_ends_at_p_within_rounding_is_left_to_the_definition(error):
    z = np.repeat([0.0, -1.0], 3000)
    assert shortcuts.nucleus(z, 1 / (1 + np.exp(-1)) + 8 * np.finfo(float).eps + error) is None


def test_the_head_is_weighed_in_float64():
    """Where its float32 sum is too large, p lies between the two: the head does not hold it."""
    tried = 0
    for seed in range(20):
        z = np.random.default_rng(seed).normal(0, 0.01, V).astype(np.float32)
        weight = shortcuts.weigh(z, z.max(), np.float32)
        head = weight[shortcuts.largest(z, shortcuts.HEAD)]
        share = np.array([head.sum(dtype=float), head.sum()], float) / weight.sum(dtype=float)
        tried += share[1] > share[0]
        keep = shortcuts.nucleus(z, share.mean() + 8 * float(np.finfo(np.float32).eps))
        same(keep, z, sampling._top_p(z, share.mean() + 8 * float(np.finfo(np.float32).eps)))
    assert tried


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("spread", [0, 0.01, 1, 3.9, 20])
@pytest.mark.parametrize("shift", [0, 1 / 3, 1e5])
def test_a_total_in_float32_is_as_near_as_it_is_said_to_be(spread, shift, dtype):
    """The sum that `head` takes, against float64 from the same logits; a third of a million tokens."""
    z = (np.random.default_rng(24).normal(0, spread, 350_000) + shift).astype(dtype)
    z[0] = z.max() + dtype(7.7)
    parts = [shortcuts.weigh(z[i : i + 16_384], z.max(), np.float32) for i in range(0, len(z), 16_384)]
    assert {part.dtype for part in parts} == {np.dtype(np.float32)}
    total = sum(float(part.sum()) for part in parts)
    assert_allclose(total, shortcuts.weigh(z, z.max(), np.float64).sum(), rtol=shortcuts.ROUGH / 2)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("rank", [1, 10, 300, 1500])
def test_a_border_too_near_for_a_float32_total_is_found_in_float64(rank, dtype):
    """p is a hundred-millionth more or less than the sum down to a rank, which float32 cannot tell apart."""
    z = np.random.default_rng(25).normal(0, 3.9, 20_000).astype(dtype)
    sums = np.sort(softmax(z.astype(float)))[::-1].cumsum()
    for off, count in ((-1e-8, rank), (1e-8, rank + 1)):
        p = sums[rank - 1] + 8 * float(np.finfo(dtype).eps) + off
        assert shortcuts.head(z, z.max(), p - 8 * float(np.finfo(dtype).eps)) is None
        assert shortcuts.nucleus(z, p).sum() == count
        same(shortcuts.nucleus(z, p), z, sampling._top_p(z, p))


def test_the_head_answers_alone_where_it_holds_p(monkeypatch):
    """The 2,048 largest of 20,000 hold half of the mass where it is peaked; where not, that is soon seen."""
    z, found = np.random.default_rng(26).normal(0, 3.9, 20_000), []
    monkeypatch.setattr(shortcuts, "crossing", lambda *a: found.append(a))
    same(shortcuts.nucleus(z, 0.5), z, sampling._top_p(z, 0.5))
    assert not found
    monkeypatch.setattr(shortcuts, "border", lambda *a: found.append(a))
    assert shortcuts.head(z / 100, z.max() / 100, 0.5) is None
    assert not found


@pytest.mark.parametrize(("dtype", "p"), [(np.float32, 1e-300), (np.float32, 1e-9), (np.float64, 1e-9)])
@pytest.mark.parametrize("size", [100, 5000])
def test_a_tiny_p_keeps_the_top_token_and_needs_no_definition(size, dtype, p):
    z = np.random.default_rng(27).normal(0, 3.9, size).astype(dtype)
    assert_array_equal(shortcuts.nucleus(z, p).nonzero()[0], [z.argmax()])


def test_a_border_counts_equals_and_starts_at_the_mass_above():
    z = np.array([0.0, MASK, 0.0, -1.0, 0.0])
    assert shortcuts.border(z, 0.0, 0.1, 1e-9) == (0, 1)
    assert shortcuts.border(z, 0.0, 0.5, 1e-9) == (0, 2)
    assert shortcuts.border(z, 0.0, 0.99, 1e-9) == (-1, 1)
    assert shortcuts.border(z, 0.0, 0.5, 1e-9, 10.0) is None  # these five do not hold 5
    assert shortcuts.border(z, 0.0, 0.5, 1e-9, 10.0, 3.5) == (0, 2)
    met = [(5.0, 1e-9), (3.0, 1e-9)]
    for above, error in [*met, *((above, 0.05) for above in (2.4, 2.6, 3.5, 4.4, 4.6))]:  # 0.5 from 5, or less
        assert shortcuts.border(z, 0.0, 0.5, error, 10.0, above) is None


def test_a_crowded_bin_is_cut_into_bins_again():
    """One far token stretches the bins so that all others share one."""
    z = np.random.default_rng(3).normal(0, 1e-3, 30_000)
    z[7] = -39
    same(shortcuts.nucleus(z, 0.5), z, sampling._top_p(z, 0.5))


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("spread", [1e-4, 0.1, 3.9, 30])
def test_bins_are_equal_steps_down_from_the_largest_and_hold_all_mass(spread, dtype):
    """4,096 steps of the range, or of 40 where that is less, and what lies below in one more.

    Where a token lies on an edge, rounding may put it on either side."""
    z = np.random.default_rng(4).normal(0, spread, 40_000).astype(dtype)
    bins, mass = shortcuts.histogram(z, z.max())
    far = (z.max() - z).astype(float)
    expected = np.minimum(far / min(far.max(), 40) * 4096, 4096)
    slack = expected * 8 * np.finfo(dtype).eps  # a difference, a quotient and a product
    assert ((expected - slack < bins + 1.0) & (bins <= expected + slack)).all()
    weights = np.exp(z.astype(float) - float(z.max()))
    assert_allclose(mass, np.bincount(bins, weights, 4097), rtol=1e-12)  # sums of 40,000 terms
    assert (mass.shape, mass.dtype) == ((4097,), np.float64)


def test_the_mass_of_a_bin_is_measured_from_the_top_that_is_given():
    _, mass = shortcuts.histogram(np.zeros(10), 1.0)
    assert_allclose(mass[:2], [10 / np.e, 0], rtol=1e-15)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("spread", [0.01, 1.0, 3.9])
def test_the_tokens_of_the_crossing_are_few_and_the_goal_lies_among_them(spread, p):
    """One bin of 4,097 holds at most 2,048 of 100,000 random tokens; it is that of the first histogram."""
    z = np.random.default_rng(18).normal(0, spread, 100_000)
    weights = np.exp(z - z.max())
    goal = p * weights.sum()
    few, above, total = shortcuts.crossing(z, z.max(), p)
    assert 0 < len(few) <= shortcuts.HEAD
    assert above < goal <= above + np.exp(few - z.max()).sum()
    assert_allclose(above, weights[z > few.max()].sum(), rtol=1e-11)  # sums of 100,000 terms
    assert_allclose(total, weights.sum(), rtol=1e-11)
    bins, _ = shortcuts.histogram(z, z.max())
    assert_array_equal(few, z[bins == bins[z == few[0]]])


def test_a_logit_on_the_edge_of_a_bin_is_in_one_bin_only():
    """4,097 values one bin apart, each ten times: the crossing is one of them."""
    z = -(np.arange(40_970) % 4097) / 128
    few, _, _ = shortcuts.crossing(z, 0.0, 0.5)
    assert_array_equal(few, np.full(10, few[0]))


def test_a_bin_of_equals_cannot_be_cut():
    z = np.append(np.zeros(5000), -1.0)
    few, above, total = shortcuts.crossing(z, 0.0, 0.5)
    assert_array_equal(few, np.zeros(5000))
    assert (above, total) == (0, 5000 + np.exp(-1))


def test_a_row_that_the_shortcut_answers_is_not_given_to_the_definition():
    z, asked = np.zeros((2, 5000)), []
    assert_array_equal(shortcuts.draw_by_row(lambda *_: 7, lambda *_: asked.append(1), z, np.zeros(2)), [7, 7])
    assert_array_equal(
        shortcuts.keep_by_row(lambda _: [7], lambda _: asked.append(1), z)[:, 6:8], [[MASK, 0]] * 2
    )
    assert not asked


@pytest.mark.parametrize("shape", [(5000,), (1, 5000), (3, 5000)])
def test_a_row_that_the_shortcut_leaves_is_given_to_the_definition(shape):
    z, points = np.random.default_rng(19).normal(size=shape), np.random.default_rng(20).random(shape[:-1])
    asked = []

    def undecided(row, *_):
        asked.append(row.shape)

    assert_array_equal(shortcuts.keep_by_row(undecided, lambda row: row + 1, z), z + 1)
    drawn = shortcuts.draw_by_row(undecided, lambda row, point: int(100 * point), z, points)
    assert_array_equal(drawn, np.floor(100 * points))
    assert asked == [(5000,)] * (2 * z.size // 5000)


@law
@given(rows(), st.floats(0.01, 0.999))
def test_one_token_is_kept_as_the_nucleus_keeps_it(z, p):
    keep = np.isfinite(sampling._top_p(z, p))
    weight = np.exp(z - z.max())
    for token in np.flatnonzero(weight):
        assert shortcuts.kept(z, weight, p, token) in (None, keep[token])


def test_only_a_token_at_the_border_is_in_doubt():
    z = np.log([0.5, 0.3, 0.2])
    assert [shortcuts.kept(z, np.exp(z), 0.5, i) for i in range(3)] == [True, None, False]
    assert [shortcuts.kept(z, np.exp(z), 0.502, i) for i in range(3)] == [True, True, False]
    equal = np.zeros(4)
    assert [shortcuts.kept(equal, np.exp(equal), 0.6, i) for i in range(4)] == [True, True, True, False]


# The draw


@EACH_ROW
def test_a_point_falls_into_the_piece_of_the_definition(z):
    p = softmax(z)
    for point in [0.0, 1e-300, 0.1, 0.25, 0.5, 0.75, 1 - 2**-53, *np.random.default_rng(5).random(50)]:
        assert shortcuts.draw(p, point) == sampling._draw(p, point)


@pytest.mark.parametrize("size", [1, 2, 511, 512, 513, 1024, 5000])
def test_ends_of_pieces_and_of_stretches(size):
    """Equal pieces of a power of two: every end is exact, and belongs to the piece that begins there."""
    p = np.full(size, 2.0**-13)
    for index in {0, size // 2, size - 1, min(511, size - 1), min(512, size - 1)}:
        assert shortcuts.draw(p, index / size) == sampling._draw(p, index / size)
        assert shortcuts.draw(p, (index + 0.5) / size) == index


@pytest.mark.parametrize("seed", range(5))
def test_a_light_head_before_a_heavy_last_stretch(seed):
    """The two ways to add up round the ends of pieces differently, by more than the head would allow."""
    rng = np.random.default_rng(seed)
    ends = np.cumsum(p := np.concatenate([1e-6 * rng.random(4096), rng.random(500)]))
    for point in ends[4096:-1] / ends[-1]:
        for near in (point, np.nextafter(point, 0), np.nextafter(point, 1)):
            assert shortcuts.draw(p, near) == sampling._draw(p, near)


def test_sample_draws_from_long_rows_what_one_long_sum_gives():
    p = softmax(np.random.default_rng(6).normal(0, 3.9, (3, 50_257)).astype(np.float32))
    points = np.random.default_rng(7).random(3)
    assert_array_equal(sample(p, np.random.default_rng(7)), sampling._draw(p, points))
    assert sample(p[0], np.random.default_rng(7)) == sampling._draw(p[0], points[0])
    assert_array_equal(sample(p[0], np.random.default_rng(7), size=3), sampling._draw(p[0], points))


def test_a_draw_adds_up_stretches_and_not_the_row(monkeypatch):
    """Every token in turn is hit in the middle of its piece."""
    lengths, cumsum = [], np.cumsum
    monkeypatch.setattr(np, "cumsum", lambda a, **b: (lengths.append(len(a)), cumsum(a, **b))[1])
    p = np.full(V, 1 / V)
    assert [shortcuts.draw(p, (i + 0.5) / V) for i in range(V)] == list(range(V))
    assert max(lengths) <= shortcuts.STRETCH + 1


@pytest.mark.parametrize("light", [0, 1024])
def test_a_point_at_the_end_of_a_piece_is_left_to_the_long_sum(light):
    """There the last digit of a sum decides, and stretches that weigh nothing do not make it surer."""
    p = np.random.default_rng(22).random(V)
    p[:light] = 1e-300
    ends = np.cumsum(p)
    for point in np.maximum(ends / ends[-1] - 2**-53, 0):
        assert shortcuts.draw(p, point) == sampling._draw(p, point)


# The next token


def compose(z, t, k, p):
    return sampling._top_p(sampling._top_k(sampling._scale(z, t), k), p)


@EACH_ROW
@pytest.mark.parametrize("t", [1e-300, 0.1, 0.8, 1.0, 7.0, 1e30, 1e300])
def test_finalists_are_the_definition(z, t):
    for k, p in product((1, 50, 600), (1, 0.9, 0.3, 1e-9)):
        found = shortcuts.finalists(z, partial(sampling._scale, t=t), k, p)
        if found is not None:
            out = np.full_like(z, MASK)
            out[found[0]] = found[1]
            assert_array_equal(out, compose(z, t, k, p))
            assert (np.diff(found[0]) > 0).all()


@pytest.mark.parametrize("dtype", TYPES)
def test_finalists_answer_where_nothing_is_in_doubt(dtype):
    z = np.random.default_rng(8).normal(0, 3.9, 20_000).astype(dtype)
    for row in (z, z.round(), np.zeros_like(z)):
        for t in (1e-300, 0.5, 0.8, 1.0, 3.0):
            for p in (1, 0.83):
                assert shortcuts.finalists(row, partial(sampling._scale, t=t), 50, p) is not None


@EACH_ROW
def test_next_token_draws_only_what_the_filters_leave(z):
    for t, k, p in [
        (0.8, 50, 0.9),
        (0.8, None, 0.9),
        (0.8, None, 0.3),
        (1.0, 600, None),
        (1e-300, 9, 0.5),
        (7, None, 0.99),
    ]:
        kept = softmax(compose(z, t, k or V, p or 1)) > 0
        for seed in range(5):
            token = next_token(z, np.random.default_rng(seed), temperature=t, top_k=k, top_p=p)
            assert kept[token]


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(("k", "p"), [(50, 0.9), (50, None), (None, None), (1000, 0.5)])
def test_same_seed_same_token_as_composing(k, p, dtype):
    """One uniform number on one line. The ends of float32 pieces move by 1e-6 at most, so that of 500
    draws among at most 1,000 pieces less than one in a thousand tests would see another token."""
    z = np.random.default_rng(9).normal(0, 3.9, (500, 5000)).astype(dtype)
    expected = sample(softmax(compose(z, 0.8, k or 5000, p or 1)), np.random.default_rng(10))
    assert_array_equal(next_token(z, np.random.default_rng(10), temperature=0.8, top_k=k, top_p=p), expected)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(
    ("t", "k", "p"),
    [
        (0.8, 50, 0.9),
        (0.8, None, 0.9),
        (1.0, None, 0.5),
        (1.3, None, 0.05),
        (1.0, 3, None),
        (0.5, None, None),
        (1, 2000, 0.7),
    ],
)
def test_draws_from_long_rows_follow_the_composed_distribution(t, k, p, dtype):
    """6,000 draws each, in 20 groups of tokens of about equal mass: a right sampler fails for one seed in
    a million, the 14 settings together for 14."""
    rng = np.random.default_rng(11)
    z = np.round(rng.normal(0, 2, 4096) * 8).astype(dtype) / 8  # with ties
    probs = softmax(compose(z, t, k or 4096, p or 1)).astype(float)
    draws = next_token(np.broadcast_to(z, (6_000, 4096)), rng, temperature=t, top_k=k, top_p=p)
    assert (probs[draws] > 0).all()
    group = np.minimum(20 * (np.cumsum(probs) - probs / 2) / probs.sum(), 19).astype(int)
    expected = np.bincount(group, probs / probs.sum() * len(draws), 20)
    counts = np.bincount(group[draws], minlength=20)
    large = expected >= 100
    assert counts[~large & (expected == 0)].sum() == 0
    x = ((counts - expected)[large] ** 2 / expected[large]).sum()
    assert chi_square_tail(x, max(1, large.sum() - 1)) > 1e-6


def test_logits_that_heat_makes_equal_are_chosen_by_their_index():
    """In float32, 4,999 / 1e300 is 0: the first fifty are then the largest."""
    z = np.arange(V, dtype=np.float32)
    assert shortcuts.finalists(z, partial(sampling._scale, t=1e300), 50, 1) is None
    draws = [next_token(z, np.random.default_rng(n), temperature=1e300, top_k=50) for n in range(30)]
    assert max(draws) < 50


def test_the_nucleus_is_asked_for_only_where_a_token_does_not_stand(monkeypatch):
    z, calls, nucleus = np.random.default_rng(23).normal(0, 3.9, V), [], shortcuts.nucleus
    stands = np.isfinite(sampling._top_p(z, 0.9))
    first = [shortcuts.draw(softmax(z), np.random.default_rng(n).random()) for n in range(60)]
    monkeypatch.setattr(shortcuts, "nucleus", lambda *a: (calls.append(a), nucleus(*a))[1])
    for n in range(60):
        next_token(z, np.random.default_rng(n), top_p=0.9)
    assert len(calls) == np.count_nonzero(~stands[first]) > 0


def test_a_token_in_doubt_that_is_kept_is_not_drawn_again():
    """Before the third token come 0.8, nearer to p than a float32 sum may be off; all three are kept."""
    z = np.full(V, MASK, np.float32)
    z[:3] = np.log([0.5, 0.3, 0.2])
    assert shortcuts.kept(z, np.exp(z), 0.8002, 2) is None
    for n in range(30):
        token = shortcuts.draw(np.exp(z), np.random.default_rng(n).random())
        assert next_token(z, np.random.default_rng(n), top_p=0.8002) == token


def test_the_definitions_are_asked_below_4096_tokens_only(monkeypatch):
    """From there on no definition is wanted where nothing is in doubt, at any temperature."""
    z, calls = np.random.default_rng(21).normal(0, 3.9, 4096), []
    for name in ("_top_k", "_top_p", "_draw"):
        definition = getattr(sampling, name)
        monkeypatch.setattr(sampling, name, lambda *a, f=definition, **b: (calls.append(f), f(*a, **b))[1])
    rules = [
        lambda row: top_k_filter(row, 50),
        lambda row: top_p_filter(row, 0.9),
        lambda row: sample(softmax(row), np.random.default_rng(0)),
        lambda row: next_token(row, np.random.default_rng(0), top_k=50, top_p=0.9),
        lambda row: next_token(row, np.random.default_rng(0), temperature=0.8, top_k=50),
        lambda row: [next_token(row, np.random.default_rng(n), top_p=0.5) for n in range(9)],
    ]
    for rule in rules:
        rule(z)
        assert not calls
        rule(z[1:])
        assert calls
        calls.clear()


# Shapes and layouts


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", [(V,), (1, V), (2, 3, V), (0, V), (2, 0, V)])
def test_batches_are_their_rows(shape, dtype):
    z = np.random.default_rng(12).normal(0, 3.9, shape).astype(dtype)
    top_k, top_p, points = (
        top_k_filter(z, 50),
        top_p_filter(z, 0.9),
        np.random.default_rng(13).random(shape[:-1]),
    )
    drawn = next_token(z, np.random.default_rng(13), top_k=50)
    sampled = sample(softmax(z), np.random.default_rng(13))
    assert (top_k.shape, top_k.dtype, top_p.shape, top_p.dtype) == (shape, dtype) * 2
    assert np.shape(drawn) == np.shape(sampled) == shape[:-1]
    assert np.asarray(drawn).dtype == np.asarray(sampled).dtype == np.intp
    for row in np.ndindex(shape[:-1]):
        assert_array_equal(top_k[row], sampling._top_k(z[row], 50))
        assert_array_equal(top_p[row], sampling._top_p(z[row], 0.9))
        assert np.asarray(drawn)[row] == sampling._draw(softmax(top_k[row]), points[row])


@pytest.mark.parametrize("dtype", TYPES)
def test_layout_in_memory_does_not_matter(dtype):
    z = np.random.default_rng(14).normal(0, 3.9, (3, V)).astype(dtype)
    for other in (
        np.asfortranarray(z),
        np.repeat(z, 2, axis=-1)[:, ::2],
        z[:, ::-1].copy()[:, ::-1],
        z.astype(z.dtype.newbyteorder()),
    ):
        assert_array_equal(top_k_filter(other, 50), top_k_filter(z, 50))
        assert_array_equal(top_p_filter(other, 0.9), top_p_filter(z, 0.9))
        for settings_ in ({"top_k": 50, "top_p": 0.9}, {"top_k": 5}):
            a, b = (next_token(x, np.random.default_rng(15), **settings_) for x in (other, z))
            assert_array_equal(a, b)


def test_long_rows_are_left_alone():
    z = np.random.default_rng(16).normal(size=(2, V))
    before = z.copy()
    z.flags.writeable = False
    for out in (
        top_k_filter(z, 50),
        top_k_filter(z, V),
        top_p_filter(z, 0.5),
        top_p_filter(z, 1),
        apply_temperature(z, 2),
    ):
        assert not np.shares_memory(out, z)
    for settings_ in ({}, {"top_k": 50}, {"top_p": 0.5}, {"top_p": 0.01}):
        next_token(z, np.random.default_rng(0), **settings_)
    assert_array_equal(z, before)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_bad_logit_is_found_in_a_long_row(bad):
    z = np.zeros((2, V))
    z[1, 4321] = bad
    for function in (
        lambda: top_k_filter(z, 5),
        lambda: top_p_filter(z, 0.5),
        lambda: next_token(z, np.random.default_rng(0), top_k=5),
    ):
        with pytest.raises(ValueError, match="logits"):
            function()
    z[1] = MASK
    with pytest.raises(ValueError, match="every token is masked"):
        top_p_filter(z, 0.5)


@pytest.mark.parametrize("size", [shortcuts.LONG - 1, shortcuts.LONG])
def test_nothing_jumps_where_the_shortcuts_begin(size):
    z = np.random.default_rng(17).normal(0, 3.9, size)
    assert np.isfinite(top_k_filter(z, 50)).sum() == 50
    same(np.isfinite(top_p_filter(z, 0.9)), z, sampling._top_p(z, 0.9))
