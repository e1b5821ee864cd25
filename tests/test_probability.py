"""softmax, log_softmax, entropy and cross_entropy: worked examples, laws, extremes, refusals, reference."""

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest
from conftest import REFUSED_PROBABILITIES
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.testing import assert_allclose, assert_array_equal

from nexttoken import cross_entropy, entropy, log_softmax, softmax
from nexttoken.checks import as_floats

pytestmark = pytest.mark.filterwarnings("error")
law = settings(deadline=None, derandomize=True)

EPS = np.finfo(np.float64).eps
BOTH = pytest.mark.parametrize("function", [softmax, log_softmax])
FLOATS = st.sampled_from([np.float32, np.float64])


@st.composite
def logits(draw, shape=None, dtype=FLOATS, bound=20):
    """Logits on a grid of 1/64, so that differences are exact and ties common; some are masked."""
    shape = array_shapes(max_dims=3, max_side=6) if shape is None else shape
    steps = draw(arrays(np.int64, shape, elements=st.integers(-64 * bound, 64 * bound) | st.integers(0, 2)))
    masked = draw(arrays(bool, steps.shape, elements=st.sampled_from([False, False, True])))
    masked[masked.all(axis=-1), 0] = False
    return np.where(masked, -np.inf, steps / 64).astype(draw(dtype))


def rounding(z):
    """How far a right softmax may be off, as a part of the value: a rounding for each term of the sum,
    and for the exponent one that grows with it (Blanchard, Higham and Higham 2021)."""
    z = np.asarray(z)
    finite = z[np.isfinite(z)]
    eps = np.finfo(np.float32 if z.dtype == np.float32 else np.float64).eps
    return (z.shape[-1] + np.ptp(finite) + 4) * eps if finite.size else eps


# The worked example


def test_three_logits():
    e = math.e
    expected = np.array([e**2, e, 1]) / (e**2 + e + 1)
    assert_allclose(softmax([2.0, 1.0, 0.0]), expected, rtol=4 * EPS)  # an exponential, a sum, a quotient
    assert_array_equal(softmax([2.0, 1.0, 0.0]).round(3), [0.665, 0.245, 0.09])
    assert_allclose(log_softmax([2.0, 1.0, 0.0]), np.log(expected), rtol=4 * EPS)


def test_log_probabilities_are_logits():
    p = np.array([1 / 2, 1 / 4, 1 / 8, 1 / 8])
    assert_allclose(softmax(np.log(p)), p, rtol=8 * EPS)  # the logarithms are rounded too
    assert_allclose(log_softmax(np.log(p)), np.log(p), rtol=8 * EPS)


def test_entropy_of_dyadic_probabilities_is_exact_in_bits():
    bits = entropy([1 / 2, 1 / 4, 1 / 8, 1 / 8]) / np.log(2)
    assert_allclose(bits, 1.75, rtol=4 * EPS)  # ln 2 is rounded


def test_surprise_at_each_of_four_tokens():
    z = np.log([1 / 2, 1 / 4, 1 / 8, 1 / 8])
    surprise = cross_entropy(np.tile(z, (4, 1)), [0, 1, 2, 3])
    assert_allclose(surprise / np.log(2), [1, 2, 3, 3], rtol=8 * EPS)  # as the logarithms


def test_gpt2_logits_do_not_underflow():
    """Real logits lie between about -180 and -89, where a naive float32 softmax is 0/0."""
    z = np.linspace(-180, -89, 1000, dtype=np.float32)
    assert np.exp(z, dtype=np.float32).sum(dtype=np.float32) < 1e-37
    assert_allclose(softmax(z).sum(), 1, rtol=1e-6)  # float32 sums of 1000 terms
    assert_allclose(softmax(z), softmax(z.astype(float)), rtol=2e-5)  # 100 * eps: exponents reach -91


# Laws


@law
@given(logits())
def test_probabilities_are_from_0_to_1_and_sum_to_1(z):
    p = softmax(z)
    assert p.shape == z.shape
    assert ((p >= 0) & (p <= 1)).all()
    total = p.sum(axis=-1, dtype=np.float64)
    assert_allclose(total, 1, rtol=(z.shape[-1] + 2) * np.finfo(z.dtype).eps)  # a rounding for each term


@law
@given(logits())
def test_only_banned_tokens_have_probability_0(z):
    assert_array_equal(softmax(z) == 0, np.isneginf(z))  # e^-40 is far above the smallest float32
    assert_array_equal(np.isneginf(log_softmax(z)), np.isneginf(z))


@law
@given(logits(), st.integers(-1000, 1000))
def test_shift_changes_nothing(z, c):
    """On the grid z + c is exact, so the results are equal to the last bit."""
    assert_array_equal(softmax(z + z.dtype.type(c)), softmax(z))
    assert_array_equal(log_softmax(z + z.dtype.type(c)), log_softmax(z))


@law
@given(logits())
def test_order_and_ties_are_kept(z):
    a, b = z[..., :, None], z[..., None, :]
    for function in (softmax, log_softmax):
        y = function(z)
        assert_array_equal(y[..., :, None] > y[..., None, :], a > b)


@law
@given(logits(dtype=st.just(np.float64)))
def test_differences_of_logits_are_logarithms_of_ratios(z):
    finite = np.where(np.isneginf(z), 0, z)
    p = softmax(finite)
    ratios = np.log(p[..., :, None] / p[..., None, :])
    gaps = finite[..., :, None] - finite[..., None, :]
    assert_allclose(ratios, gaps, rtol=0, atol=4 * rounding(finite))  # relative errors of two probabilities


@law
@given(logits())
def test_log_softmax_is_the_logarithm_of_softmax(z):
    assert (log_softmax(z) <= 0).all()
    assert_allclose(np.exp(log_softmax(z)), softmax(z), rtol=4 * rounding(z))  # e^x turns absolute to relative
    again = log_softmax(log_softmax(z))
    assert_allclose(again, log_softmax(z), rtol=0, atol=4 * rounding(z))  # logits that are normalised already


@law
@given(logits(shape=st.tuples(*[st.integers(1, 4)] * 3)))
def test_batch_equals_row_by_row(z):
    rows = np.ndindex(z.shape[:-1])
    p, logs = softmax(z), log_softmax(z)
    for row in rows:
        assert_allclose(p[row], softmax(z[row]), rtol=2 * rounding(z))  # the order of a sum may differ
        assert_allclose(logs[row], log_softmax(z[row]), rtol=0, atol=2 * rounding(z))
        assert_allclose(entropy(p)[row], entropy(p[row]), rtol=0, atol=8 * rounding(z))
        assert_allclose(
            cross_entropy(z, np.zeros(z.shape[:-1], int))[row], -log_softmax(z[row])[0], atol=2 * rounding(z)
        )


@law
@given(logits(shape=st.tuples(*[st.integers(1, 4)] * 3)), st.integers(-3, 2))
def test_another_axis_is_the_last_axis_moved(z, axis):
    moved = np.moveaxis(z, -1, axis)
    p = softmax(moved, axis=axis)
    assert p.shape == moved.shape
    assert_allclose(np.moveaxis(p, axis, -1), softmax(z), rtol=2 * rounding(z))  # the order of a sum may differ
    logs = np.moveaxis(log_softmax(moved, axis=axis), axis, -1)
    assert_allclose(logs, log_softmax(z), rtol=0, atol=2 * rounding(z))
    assert_allclose(entropy(p, axis=axis), entropy(softmax(z)), rtol=0, atol=8 * rounding(z))


@pytest.mark.parametrize("shape", [(3, 131_073), (3, 50_000), (3, 5, 20_001), (1, 30_000, 7)])
def test_a_large_batch_is_its_rows(shape):
    """Of the last row too, and a bad one is found."""
    z = np.random.default_rng(0).normal(0, 3.9, shape)
    p, first, last = softmax(z), np.unravel_index(0, shape[:-1]), tuple(n - 1 for n in shape[:-1])
    assert_allclose(p.sum(axis=-1), 1, rtol=1e-13)
    for row in (first, last):
        assert_allclose(p[row], softmax(z[row]), rtol=1e-13)
    assert_allclose(softmax(np.moveaxis(z, -1, 0), axis=0), np.moveaxis(p, -1, 0), rtol=1e-13)
    z[last][-1] = np.nan
    with pytest.raises(ValueError, match="logits holds NaN"):
        softmax(z)


@law
@given(logits(), st.data())
def test_permuted_tokens_have_permuted_probabilities(z, data):
    order = data.draw(st.permutations(range(z.shape[-1])))
    p = softmax(z)
    assert_allclose(softmax(z[..., order]), p[..., order], rtol=2 * rounding(z))  # the order of a sum differs
    assert_allclose(entropy(p[..., order]), entropy(p), rtol=0, atol=8 * rounding(z))


@law
@given(logits())
def test_entropy_lies_between_0_and_that_of_equal_tokens(z):
    h = entropy(softmax(z))
    assert h.shape == z.shape[:-1]
    assert (h >= 0).all()
    allowed = np.isfinite(z).sum(axis=-1)
    assert (h <= np.log(allowed) + 8 * rounding(z)).all()


@law
@given(logits(shape=st.tuples(st.just(2), st.integers(1, 6)), dtype=st.just(np.float64)))
def test_entropies_of_independent_choices_add(z):
    p, q = softmax(z)
    joint = np.outer(p, q).ravel()
    assert_allclose(entropy(joint), entropy(p) + entropy(q), rtol=0, atol=1e-13)  # 36 terms below 1, and eps


@law
@given(logits(dtype=st.just(np.float64)))
def test_expected_surprise_is_the_entropy(z):
    p = softmax(z)
    targets = np.broadcast_to(np.arange(z.shape[-1]), z.shape)
    surprise = cross_entropy(np.broadcast_to(z[..., None, :], z.shape + z.shape[-1:]), targets)
    product = np.multiply(p, surprise, where=p > 0, out=np.zeros_like(p))
    assert_allclose(product.sum(axis=-1), entropy(p), rtol=0, atol=1e-13)  # six terms below 1, exponents to 40


@law
@given(arrays(float, st.integers(1, 6), elements=st.floats(-3, 3)), st.data())
def test_gradient_of_cross_entropy_is_p_minus_y(z, data):
    target = data.draw(st.integers(0, len(z) - 1))
    h = 1e-5
    steps = h * np.eye(len(z))
    targets = np.full(len(z), target)
    measured = (cross_entropy(z + steps, targets) - cross_entropy(z - steps, targets)) / (2 * h)
    # central differences are off by h^2 = 1e-10, and by eps / h = 2e-11 for each rounding
    assert_allclose(measured, softmax(z) - np.eye(len(z))[target], rtol=0, atol=1e-9)


@law
@given(logits())
def test_float32_stays_float32_and_float64_float64(z):
    assert softmax(z).dtype == log_softmax(z).dtype == z.dtype
    assert entropy(softmax(z)).dtype == cross_entropy(z, np.zeros(z.shape[:-1], int)).dtype == z.dtype


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_are_read_where_they_lie(dtype):
    z = np.zeros(3, dtype)
    assert np.shares_memory(as_floats(z, "logits"), z)


@BOTH
@pytest.mark.parametrize("dtype", [np.float16, np.int8, np.uint8, np.int32, np.int64, np.uint64, np.longdouble])
def test_every_other_type_becomes_float64(function, dtype):
    z = [3, 1, 2]
    assert function(np.array(z, dtype)).dtype == np.float64
    assert_array_equal(function(np.array(z, dtype)), function(np.array(z, float)))


@BOTH
def test_lists_tuples_views_and_read_only_arrays_are_logits_too(function):
    z = np.array([[3.0, 0, 1, 0, 2], [3, 0, 1, 0, 2]])
    z.flags.writeable = False
    expected = function(np.array([3.0, 1.0, 2.0]))
    assert_array_equal(function([3, 1, 2]), expected)
    assert_array_equal(function((3.0, 1.0, 2.0)), expected)
    assert_array_equal(function(z[0, ::2]), expected)
    assert_array_equal(function(z[:, ::2]), [expected, expected])


@law
@given(logits())
def test_the_input_is_left_alone(z):
    before = z.copy()
    p = softmax(z)
    q = p.copy()
    entropy(p), log_softmax(z), cross_entropy(z, np.zeros(z.shape[:-1], int))
    assert_array_equal(z, before)
    assert_array_equal(p, q)
    assert not np.shares_memory(p, z)


# Extremes


@BOTH
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_largest_finite_logits(function, dtype):
    big = np.finfo(dtype).max
    top, bottom = (1, 0) if function is softmax else (0, -np.inf)
    half = 0.5 if function is softmax else -np.log(dtype(2))
    assert_array_equal(function(np.array([big, -big], dtype)), [top, bottom])
    assert_array_equal(function(np.array([-big, -big], dtype)), np.full(2, half, dtype))
    assert_array_equal(function(np.array([big, big, -big, -np.inf], dtype)), [half, half, bottom, bottom])


@BOTH
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("c", [-1000, 1000, 1e30, -1e30])
def test_equal_logits_share_equally_however_large(function, dtype, c):
    p = function(np.full(4, c, dtype))
    assert_array_equal(p, np.full(4, 0.25 if function is softmax else np.log(dtype(0.25)), dtype))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_thousand_is_not_too_much(dtype):
    assert_array_equal(softmax(np.array([1000, -1000], dtype)), [1, 0])
    assert_array_equal(log_softmax(np.array([1000, -1000], dtype)), [0, -2000])
    z = np.array([1000, 999, 998], dtype)
    assert_allclose(softmax(z), softmax([2.0, 1.0, 0.0]), rtol=8 * np.finfo(dtype).eps)
    assert_array_equal(softmax(z), softmax(z - dtype(2000)))


def test_tiny_and_subnormal_logits_are_equal_to_rounding():
    assert_array_equal(softmax([5e-324, -5e-324, 1e-310, 0]), [0.25] * 4)
    assert_array_equal(entropy([1.0, 5e-324]), 744 * 5e-324)  # -ln 5e-324 is 744.4, and 5e-324 the only step


@pytest.mark.parametrize("z", [0.0, 5.0, -1e308, 1e308, 1e-320])
def test_one_token_has_it_all(z):
    assert_array_equal(softmax([z]), [1])
    assert_array_equal(log_softmax([z]), [0])
    assert_array_equal(softmax([z, -np.inf]), [1, 0])
    assert entropy([1.0]) == 0
    assert cross_entropy([z], 0) == 0


def test_entropy_of_certainty_is_plain_0_and_of_equal_tokens_ln_V():
    assert not np.signbit(entropy([[1.0, 0.0], [0.0, 1.0]])).any()
    assert_array_equal(entropy(np.eye(3)), [0, 0, 0])
    assert_allclose(entropy(np.full(50_257, 1 / 50_257)), np.log(50_257), rtol=1e-13)  # pairwise sum
    assert_allclose(entropy(np.full(1000, 1 / 1000, np.float32)), np.log(1000), rtol=1e-5)  # float32


def test_surprise_at_a_banned_token_is_infinite():
    assert cross_entropy([0.0, -np.inf], 1) == np.inf
    assert_array_equal(cross_entropy([0.0, -1000.0], 1), 1000)  # where softmax is a rounded 0


@BOTH
@pytest.mark.parametrize("shape", [(0, 3), (2, 0, 3), (0, 0, 1)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_empty_batch_stays_empty(function, shape, dtype):
    out = function(np.zeros(shape, dtype))
    assert out.shape == shape
    assert out.dtype == dtype
    assert entropy(np.zeros(shape, dtype)).shape == shape[:-1]
    assert cross_entropy(np.zeros(shape, dtype), np.zeros(shape[:-1], int)).shape == shape[:-1]


def test_a_whole_vocabulary_in_float32():
    """50,257 Gaussian logits with the spread of GPT-2's."""
    z = np.random.default_rng(0).normal(0, 3.9, 50_257).astype(np.float32)
    exact = softmax(z.astype(float))
    assert_allclose(softmax(z).sum(dtype=float), 1, rtol=1e-5)  # pairwise float32 sum
    assert_allclose(softmax(z), exact, rtol=1e-5)  # exponents to 32, times eps, and that sum
    assert_allclose(entropy(softmax(z)), entropy(exact), rtol=1e-5)


# Refusals


@BOTH
@pytest.mark.parametrize(
    ("bad", "error", "words"),
    [
        ([0.0, np.nan], ValueError, r"logits holds NaN: \w+"),
        ([[0.0, 1.0], [np.nan, -np.inf]], ValueError, r"logits holds NaN: \w+"),
        ([-np.inf, np.nan], ValueError, r"logits holds NaN: \w+"),
        ([0.0, np.inf], ValueError, r"logits.*\+inf.*: \w+"),
        ([[0.0, 1.0], [np.inf, -np.inf]], ValueError, r"logits.*\+inf.*: \w+"),
        (np.array([1, np.inf], np.float32), ValueError, r"logits.*\+inf.*: \w+"),
        ([-np.inf, -np.inf], ValueError, r"logits has a row of -inf only, .*masked: \w+"),
        (
            [[0.0, 1.0], [-np.inf, -np.inf]],
            ValueError,
            r"logits has a row of -inf only, .*masked: \w+",
        ),
        ([], ValueError, r"logits.*\(0,\).*: \w+"),
        (np.zeros((2, 0)), ValueError, r"logits.*\(2, 0\).*: \w+"),
        (3.0, ValueError, r"logits.*shape \(\).*: \w+"),
        (["a", "b"], TypeError, r"logits.*real numbers.*\['a', 'b'\]"),
        ([1j], TypeError, r"logits.*real numbers.*1j"),
        (None, TypeError, r"logits.*real numbers.*None"),
        ("fox", TypeError, r"logits.*real numbers.*fox"),
    ],
)
def test_refused_logits(function, bad, error, words):
    with pytest.raises(error, match=f"^{words}"):
        function(bad)
    with pytest.raises(error, match=f"^{words}"):
        cross_entropy(bad, 0)


@BOTH
def test_an_empty_vocabulary_along_another_axis_is_refused(function):
    with pytest.raises(ValueError, match=r"logits.*\(0, 3\).*axis 0"):
        function(np.zeros((0, 3)), axis=0)
    with pytest.raises(ValueError, match=r"logits.*every token.*masked"):
        function([[0.0, -np.inf], [0.0, -np.inf]], axis=0)
    with pytest.raises(ValueError, match=r"probs.*\(0, 3\).*axis 0"):
        entropy(np.zeros((0, 3)), axis=0)
    assert_array_equal(
        function([[0.0, -np.inf], [-np.inf, 0.0]], axis=0), function([[0, -np.inf], [-np.inf, 0]])
    )


@pytest.mark.parametrize(("bad", "error", "words"), REFUSED_PROBABILITIES)
def test_refused_probabilities(bad, error, words):
    with pytest.raises(error, match=f"^{words}"):
        entropy(bad)


def test_sums_may_be_off_as_float32_sums_are():
    assert_allclose(entropy([0.5, 0.5002]), np.log(2), rtol=1e-3)
    entropy([0.5, 0.50034])  # the root of float32's epsilon is 0.000345
    with pytest.raises(ValueError, match="probs"):
        entropy([0.5, 0.50035])


def test_float32_sums_across_memory_do_not_drift():
    """Term after term, a million float32 add up to 1.009; nothing is refused for the way it lies in memory."""
    p = np.full((1_000_000, 2), 1e-6, np.float32)
    assert p[:, 0].cumsum()[-1] > 1.005
    assert entropy(p, axis=0).shape == (2,)


@pytest.mark.parametrize(
    ("target", "error", "words"),
    [
        (2, ValueError, r"target.*2.*0\.\.1: \w+"),
        (-1, ValueError, r"target.*-1.*0\.\.1: \w+"),
        ([0], ValueError, r"target.*\(1,\).*: \w+"),
        (1.0, TypeError, r"target.*integers.*1\.0"),
        ("fox", TypeError, r"target.*integers.*fox"),
        (True, TypeError, r"target.*integers.*True"),
    ],
)
def test_refused_targets(target, error, words):
    with pytest.raises(error, match=f"^{words}"):
        cross_entropy([0.0, 1.0], target)


# Agreement with a reference: the plain formula in 60 decimal digits


def exact(z):
    """Return softmax, log_softmax and entropy of one row from the definitions, without a shift."""
    with localcontext(prec=60) as context:
        context.Emin, context.Emax = -(10**9), 10**9
        e = [Decimal(0) if v == -np.inf else Decimal(float(v)).exp() for v in z]
        p = [v / sum(e) for v in e]
        logs = [v.ln() if v else Decimal("-inf") for v in p]
        h = -sum(v * log for v, log in zip(p, logs, strict=True) if v)
        return np.array(p, float), np.array(logs, float), float(h)


@law
@given(arrays(float, st.integers(1, 8), elements=st.floats(-700, 700) | st.floats(-2, 2)))
def test_agrees_with_60_digits(z):
    p, logs, h = exact(z)
    assert_allclose(softmax(z), p, rtol=2 * rounding(z), atol=1e-320)  # subnormals have fewer digits
    assert_allclose(
        log_softmax(z), logs, rtol=4 * EPS, atol=2 * len(z) * EPS
    )  # a rounded gap; the sum's logarithm
    assert_allclose(entropy(softmax(z)), h, rtol=1e-12, atol=1e-14)  # exponents to 1400, times 4 eps


@law
@given(arrays(np.float32, st.integers(1, 8), elements=st.floats(-80, 80, width=32)))
def test_float32_agrees_with_60_digits(z):
    p, logs, _ = exact(z)
    assert_allclose(softmax(z), p, rtol=2 * rounding(z), atol=1e-43)  # subnormals have fewer digits
    assert_allclose(log_softmax(z), logs, rtol=1e-6, atol=2e-6)  # 8 eps; 16 eps near 0


# What NumPy alone would let pass, or refuse without naming the argument


def test_big_endian_float32_is_float32_all_the_same():
    assert softmax(np.array([1, 2], dtype=">f4")).dtype == np.float32


def test_rows_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="logits has rows of different lengths"):
        softmax([[1, 2], [1]])


@pytest.mark.parametrize("function", [softmax, log_softmax])
def test_an_axis_that_is_not_there_is_refused(function):
    with pytest.raises(ValueError, match="axis 5 is out of bounds"):
        function([1.0, 2.0], axis=5)


def test_an_empty_batch_along_another_axis_is_no_error():
    assert softmax(np.zeros((3, 0)), axis=0).shape == (3, 0)


def test_a_long_double_beyond_the_range_is_refused_as_infinite():
    with pytest.raises(ValueError, match="logits holds"):
        softmax(np.array(["1", "1e400"], dtype=np.longdouble))


def test_no_surprise_is_a_positive_zero():
    assert not np.signbit(cross_entropy([5.0], 0))
