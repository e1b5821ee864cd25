"""What comes in: masks, memory layouts, large integers, foreign numbers; and the words of every refusal."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from nexttoken import (
    apply_temperature,
    cross_entropy,
    entropy,
    greedy,
    log_softmax,
    min_p_filter,
    next_token,
    sample,
    softmax,
    top_k_filter,
    top_p_filter,
)

pytestmark = pytest.mark.filterwarnings("error")
MASK = -np.inf


def rng():
    return np.random.default_rng(0)


TAKE_LOGITS = {
    "softmax": softmax,
    "log_softmax": log_softmax,
    "cross_entropy": lambda z: cross_entropy(z, greedy(z)),
    "apply_temperature": lambda z: apply_temperature(z, 2),
    "top_k_filter": lambda z: top_k_filter(z, 2),
    "top_p_filter": lambda z: top_p_filter(z, 0.5),
    "min_p_filter": lambda z: min_p_filter(z, 0.5),
    "greedy": greedy,
    "next_token": lambda z: next_token(z, rng()),
    "next_token, greedy": lambda z: next_token(z, rng(), temperature=0),
}
EACH = pytest.mark.parametrize("call", TAKE_LOGITS.values(), ids=TAKE_LOGITS)


# A numpy.ma mask


@EACH
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int64, np.uint8])
def test_a_masked_logit_is_minus_infinity(call, dtype):
    z = np.ma.array(np.array([[1, 9, 2], [3, 1, 2]], dtype), mask=[[0, 1, 0], [0, 0, 1]])
    plain = np.array([[1, MASK, 2], [3, 1, MASK]], np.float32 if dtype is np.float32 else float)
    assert_array_equal(call(z), call(plain))
    assert_array_equal(call(z[0]), call(plain[0]))
    assert_array_equal(call(list(z)), call(list(plain)))
    assert not np.ma.isMaskedArray(call(z))


@EACH
def test_what_lies_under_a_mask_is_never_looked_at(call):
    z = np.ma.array([1.0, np.nan, 2.0, np.inf], mask=[0, 1, 0, 1])
    assert_array_equal(call(z), call([1.0, MASK, 2.0, MASK]))
    integers = np.ma.array([1, 2**60, 2], mask=[0, 1, 0])
    assert_array_equal(call(integers), call([1.0, MASK, 2.0]))
    assert_array_equal(call([1.0, np.ma.masked, 2.0]), call([1.0, MASK, 2.0]))
    assert_array_equal(call(np.ma.array([1.0, 2.0])), call([1.0, 2.0]))


@EACH
@pytest.mark.parametrize("dtype", [int, float])
def test_a_row_that_is_all_masked_is_refused(call, dtype):
    with pytest.raises(ValueError, match=r"^logits has a row of -inf only"):
        call(np.ma.array(np.zeros(2, dtype), mask=True))


def test_a_masked_probability_is_0():
    p = np.ma.array([0.25, 0.5, 0.75], mask=[0, 1, 0])
    assert_array_equal(entropy(p), entropy([0.25, 0.0, 0.75]))
    assert set(sample(p, rng(), size=100)) == {0, 2}
    with pytest.raises(ValueError, match=r"^probs sums to 0\.75"):
        sample(np.ma.array([0.25, 0.25, 0.5], mask=[0, 1, 0]), rng())


def test_a_masked_target_is_refused():
    with pytest.raises(TypeError, match=r"^target must hold token indices"):
        cross_entropy(np.zeros((2, 3)), np.ma.array([0, 1], mask=[0, 1]))


# Memory


def layouts(z):
    """The same two rows laid out in memory in every other way."""
    wide = np.zeros((2, 2 * z.shape[1]), z.dtype)
    wide[:, ::2] = z
    return {
        "Fortran order": np.asfortranarray(z),
        "every other": wide[:, ::2],
        "backwards": np.ascontiguousarray(z[:, ::-1])[:, ::-1],
        "one row twice": np.broadcast_to(z[0], z.shape),
    }


@pytest.mark.parametrize("size", [1000, 50_257, 262_144])
@pytest.mark.parametrize("spread", [1.0, 3.9])
def test_float32_is_as_right_in_every_layout_as_in_c_order(size, spread):
    """To 4 epsilons, of a probability relative to it, of a logarithm or an entropy relative to 1 or more."""
    z = np.random.default_rng(0).normal(0, spread, (2, size)).astype(np.float32)
    eps = np.finfo(np.float32).eps
    for name, laid in layouts(z).items():
        rows = np.ascontiguousarray(laid)
        p = softmax(rows)
        logs = log_softmax(rows)
        tight = {"rtol": 4 * eps, "err_msg": name}
        assert_allclose(softmax(laid), p, **tight)
        assert_allclose(softmax(laid.T, axis=0).T, p, **tight)
        assert_allclose(log_softmax(laid), logs, **tight)
        assert_allclose(log_softmax(laid.T, axis=0).T, logs, **tight)
        assert_allclose(entropy(layouts(p)[name]), entropy(p), **tight)
        assert_allclose(entropy(layouts(p)[name].T, axis=0), entropy(p), **tight)
        assert_allclose(cross_entropy(laid, [0, 1]), cross_entropy(rows, [0, 1]), **tight)


@pytest.mark.parametrize("rule", [lambda z: top_k_filter(z, 5), lambda z: top_p_filter(z, 0.9), softmax])
def test_the_rules_do_not_see_the_layout(rule):
    z = np.random.default_rng(0).normal(0, 3.9, (2, 5000)).astype(np.float32)
    for name, laid in layouts(z).items():
        assert_allclose(rule(laid), rule(np.ascontiguousarray(laid)), rtol=1e-6, err_msg=name)


# Integers that a float64 does not hold


@EACH
@pytest.mark.parametrize(
    "z", [[2**53, 2**53 + 1], [-(2**53) - 1, -(2**53)], np.array([2**63, 2**63 + 1], np.uint64), [-(2**63), 0]]
)
def test_integers_that_would_be_rounded_together_are_refused(call, z):
    with pytest.raises(ValueError, match=r"^logits holds an integer beyond 2\*\*53, .*: subtract the maximum"):
        call(z)


def test_the_cure_for_large_integers_works():
    z = np.array([2**53, 2**53, 2**53 + 1])
    assert greedy(z - z.max()) == 2
    assert_allclose(cross_entropy(z - z.max(), 2), np.log(1 + 2 / np.e), rtol=1e-15)
    assert greedy([2**53 - 1, 2**53]) == 1
    assert greedy([-(2**53), -(2**53) + 1]) == 1


# Numbers of other kinds


class Tensor:
    """As a tensor of PyTorch says no: one that requires a gradient, or one of bfloat16."""

    ndim = 1

    def __init__(self, error):
        self.error = error

    def __array__(self, dtype=None, copy=None):
        raise self.error


@EACH
@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("Can't call numpy() on Tensor that requires grad."),
        TypeError("Got unsupported ScalarType BFloat16"),
        TypeError("can't convert cuda:0 device type tensor to numpy."),
    ],
)
def test_a_tensor_that_is_no_array_is_refused_with_the_cure(call, error):
    z = Tensor(error)
    z.shape = (3,)
    with pytest.raises(
        TypeError, match=r"^logits cannot be read .*: .*float32.*detach\(\)\.cpu\(\)\.float\(\)"
    ):
        call(z)


class Scalar:
    """A scalar of another library: it has a value, and ``float()`` takes it."""

    ndim = 0

    def __init__(self, value):
        self.value = value

    def item(self):
        return self.value

    def __float__(self):
        return float(self.value)


@pytest.mark.parametrize("make", [Decimal, Fraction, np.float32, np.float64, np.float16, np.array, Scalar])
def test_a_number_is_what_float_takes(make):
    z, half = [3.0, 2.0, 1.0], make(0.5)
    assert_array_equal(apply_temperature(z, half), apply_temperature(z, 0.5))
    assert_array_equal(top_p_filter(z, half), top_p_filter(z, 0.5))
    assert_array_equal(min_p_filter(z, half), min_p_filter(z, 0.5))
    assert next_token(z, rng(), temperature=half, top_p=half, min_p=half) == 0


@pytest.mark.parametrize(
    "bad", [True, np.True_, Scalar(True), "0.5", b"0.5", np.str_("0.5"), np.array("0.5"), 1j]
)
def test_text_and_truth_are_no_numbers(bad):
    for call in (apply_temperature, top_p_filter, min_p_filter):
        with pytest.raises(TypeError, match=r"must be one real number, not"):
            call([1.0, 2.0], bad)


@pytest.mark.parametrize("bad", [np.array([0.5]), [0.5], [[0.5], [0.5, 0.5]], {}])
def test_several_numbers_are_not_one(bad):
    with pytest.raises(TypeError, match=r"^temperature must be one real number, not"):
        apply_temperature([1.0, 2.0], bad)


@pytest.mark.parametrize("huge", [10**400, Fraction(10**400), Decimal("sNaN")])
def test_a_number_that_float_refuses_is_refused_by_name(huge):
    with pytest.raises(ValueError, match=r"^temperature=.* is no float"):
        apply_temperature([1.0, 2.0], huge)
    with pytest.raises(ValueError, match=r"^top_p=.* is no float"):
        next_token([1.0, 2.0], rng(), top_p=huge)


def test_no_targets_of_no_rows():
    """An empty list is float64 to NumPy; here it is simply empty."""
    out = cross_entropy(np.zeros((0, 5)), [])
    assert out.shape == (0,)
    assert cross_entropy(np.zeros((2, 0, 5)), np.zeros((2, 0))).shape == (2, 0)


@pytest.mark.parametrize("k", [np.int8(2), np.uint64(2), 2])
def test_a_k_of_any_integer_type(k):
    assert_array_equal(top_k_filter([1.0, 3.0, 2.0], k), [MASK, 3, 2])


@EACH
def test_a_mask_is_seen_however_deep_in_lists_it_lies(call):
    row = np.ma.array([1.0, 9.0, 2.0], mask=[0, 1, 0])
    assert_array_equal(call([[row]]), call([[[1.0, MASK, 2.0]]]))
    assert_array_equal(
        call([[1.0, np.ma.masked, 2.0], [1.0, 2.0, 3.0]]), call([[1.0, MASK, 2.0], [1.0, 2.0, 3.0]])
    )
    with pytest.raises(ValueError, match=r"^logits has rows of different lengths"):
        call([row, np.ma.array([1.0])])


@pytest.mark.parametrize("tiny", [Fraction(1, 10**400), Decimal("1e-400"), np.longdouble("1e-4000")])
def test_a_temperature_that_is_0_as_a_float_is_0(tiny):
    assert next_token([1.0, 2.0], rng(), temperature=tiny) == 1
    with pytest.raises(ValueError, match=r"^temperature=.{1,70} must be finite and above 0"):
        apply_temperature([1.0, 2.0], tiny)


def test_probabilities_that_sum_to_infinity_are_refused_without_a_warning():
    for call in (entropy, lambda p: sample(p, rng())):
        with pytest.raises(ValueError, match=r"^probs sums to inf"):
            call(np.float32([3e38] * 2))
