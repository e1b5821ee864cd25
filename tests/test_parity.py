"""The same logits through SciPy, PyTorch and Transformers, and through ours: ``pip install .[parity]``.

Where a peer's convention differs from ours, a test says how and asserts it. Where the peers are not
installed these tests are skipped; under ``PARITY=1``, as in ``.ci/run``, that is an error.
"""

import os

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from nexttoken import apply_temperature, log_softmax, min_p_filter, softmax, top_k_filter, top_p_filter

try:
    import scipy.special
    import torch
    from transformers.generation.logits_process import (
        MinPLogitsWarper,
        TemperatureLogitsWarper,
        TopKLogitsWarper,
        TopPLogitsWarper,
    )
except ImportError as missing:
    if os.environ.get("PARITY"):
        raise
    pytest.skip(f"the peers are not installed: {missing}", allow_module_level=True)

MASK = -np.inf
TYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
TEMPERATURES, KS, PS = (0.1, 0.7, 1.0, 2.0), (1, 2, 5, 50), (0.1, 0.5, 0.9, 0.99)


def batches(dtype):
    """2,000 random rows of many shapes and 200 hostile ones; no two logits of a row are equal unless masked."""
    rng = np.random.default_rng(0)
    for size, spread in [(60, 1), (60, 4), (60, 30), (1000, 4), (5000, 0.1), (5000, 4)]:
        count = 600 if size == 60 else 100 if size == 1000 else 50
        z = rng.normal(0, spread, (count, size)).astype(dtype)
        yield z + dtype(-120)  # where real logits lie
        z[rng.random(z.shape) < 0.3] = MASK
        z[:, 0] = rng.normal(0, spread, count)
        yield z
    few = np.full((50, 5000), MASK, dtype)
    few[:, :9] = rng.normal(0, 1, (50, 9))
    yield few
    yield rng.permuted(np.tile(np.linspace(-1e4, 1e4, 60, dtype=dtype), (50, 1)), axis=1)
    yield rng.permuted(np.tile(np.linspace(-1e-3, 1e-3, 60, dtype=dtype), (50, 1)), axis=1)
    yield rng.permuted(np.tile(np.float64(2) ** np.arange(-30, 30), (50, 1)), axis=1).astype(dtype)


def through(step, z):
    """A Transformers step on NumPy logits; its scores are two-dimensional, its first argument unused."""
    return step(None, torch.from_numpy(z.copy())).numpy()


def without_ties(z):
    """The rows whose finite logits are all different: rounding may have made some equal."""
    finite = np.sort(np.where(np.isneginf(z), np.arange(z.shape[1]) * -1e30 - 1e30, z.astype(float)), axis=1)
    return z[(np.diff(finite, axis=1) != 0).all(axis=1)]


@TYPES
def test_softmax_is_that_of_scipy_and_of_pytorch(dtype):
    """To rounding: the exponents reach thousands of eps, and a sum has up to 5,000 terms."""
    tight = {"rtol": 2000 * np.finfo(dtype).eps, "atol": 1e-40 if dtype is np.float32 else 1e-300}
    for z in batches(dtype):
        assert_allclose(softmax(z), scipy.special.softmax(z, axis=-1), **tight)
        assert_allclose(softmax(z), torch.softmax(torch.from_numpy(z), -1).numpy(), **tight)
        ours, theirs = log_softmax(z), torch.log_softmax(torch.from_numpy(z), -1).numpy()
        assert_allclose(ours, theirs, rtol=8 * np.finfo(dtype).eps, atol=100 * np.finfo(dtype).eps)
        assert_allclose(ours, scipy.special.log_softmax(z, axis=-1), rtol=8 * np.finfo(dtype).eps, atol=1e-4)


@TYPES
@pytest.mark.parametrize("t", TEMPERATURES)
def test_temperature_is_that_of_transformers(t, dtype):
    for z in batches(dtype):
        ours, theirs = apply_temperature(z, t), through(TemperatureLogitsWarper(t), z)
        assert_allclose(ours, theirs, rtol=2 * np.finfo(dtype).eps)  # it divides in the type of the logits


@TYPES
@pytest.mark.parametrize("k", KS)
def test_top_k_is_that_of_transformers_where_no_two_logits_are_equal(k, dtype):
    rows = 0
    for z in map(without_ties, batches(dtype)):
        assert_array_equal(top_k_filter(z, k), through(TopKLogitsWarper(k), z))
        rows += len(z)
    assert rows > 2000


@TYPES
@pytest.mark.parametrize("p", PS)
def test_top_p_is_that_of_transformers_but_for_a_token_on_the_border(p, dtype):
    """It sums from the smallest up, in the type of the logits, and drops what is at most 1 - p.

    So it may decide otherwise where our sum, in float64, comes within that rounding of p: the tokens that
    only one of us keeps hold next to nothing beyond the border, and in most rows there are none.
    """
    same = rows = 0
    for z in map(without_ties, batches(dtype)):
        ours, theirs = np.isfinite(top_p_filter(z, p)), np.isfinite(through(TopPLogitsWarper(p), z))
        probs = softmax(z.astype(np.float64))
        ranked = np.take_along_axis(probs, np.argsort(-z, axis=1, kind="stable"), 1)
        sums = np.cumsum(ranked, axis=1)
        for i in np.flatnonzero((ours != theirs).any(axis=1)):
            counts = sorted([ours[i].sum(), theirs[i].sum()])
            between = sums[i, counts[0] - 1 : counts[1] - 1]
            assert_allclose(between, p, rtol=0, atol=1e-5 if dtype is np.float32 else 1e-12)
        same += (ours == theirs).all(axis=1).sum()
        rows += len(z)
    assert rows > 2000
    assert same >= 0.99 * rows


@TYPES
@pytest.mark.parametrize("p", [0.02, 0.1, 0.5])
def test_min_p_is_that_of_transformers_but_for_a_token_on_the_border(p, dtype):
    """It compares rounded probabilities, so it may decide otherwise within their rounding of the border."""
    for z in batches(dtype):
        ours, theirs = np.isfinite(min_p_filter(z, p)), np.isfinite(through(MinPLogitsWarper(p), z))
        distance = z.astype(float) - z.max(axis=1, keepdims=True)
        assert_allclose(
            distance[ours != theirs], np.log(p), rtol=0, atol=1e-5 if dtype is np.float32 else 1e-12
        )
        assert (ours == theirs).all(axis=1).mean() > 0.99


@TYPES
def test_the_chain_gives_the_same_probabilities(dtype):
    """Temperature, top-k, top-p in this order on both sides, then softmax."""
    same = rows = 0
    for z in map(without_ties, batches(dtype)):
        ours = apply_temperature(z, 0.8)
        theirs = through(TemperatureLogitsWarper(0.8), z)
        clear = [
            (without_ties(a[None]).size and without_ties(b[None]).size) > 0
            for a, b in zip(ours, theirs, strict=True)
        ]
        ours, theirs = top_k_filter(ours[clear], 40), through(TopKLogitsWarper(40), theirs[clear])
        ours, theirs = (
            softmax(top_p_filter(ours, 0.9)),
            torch.softmax(torch.from_numpy(through(TopPLogitsWarper(0.9), theirs)), -1).numpy(),
        )
        agree = ((ours > 0) == (theirs > 0)).all(axis=1)
        assert_allclose(ours[agree], theirs[agree], rtol=1e-4 if dtype is np.float32 else 1e-10, atol=1e-30)
        same, rows = same + agree.sum(), rows + len(agree)
    assert rows > 2000
    assert same >= 0.98 * rows


# Where conventions differ


@TYPES
def test_of_equal_logits_we_keep_k_and_transformers_all(dtype):
    """It compares with the k-th largest value, so every tie with it survives; we count from the lower index."""
    z = np.random.default_rng(1).integers(0, 6, (300, 60)).astype(dtype)
    for k in KS:
        ours, theirs = np.isfinite(top_k_filter(z, k)), np.isfinite(through(TopKLogitsWarper(k), z))
        assert_array_equal(ours.sum(axis=1), min(k, 60))
        kth = -np.sort(-z, axis=1)[:, k - 1 : k]
        assert_array_equal(theirs, z >= kth)
        assert_array_equal(theirs[ours], True)


@TYPES
def test_of_equal_logits_top_p_keeps_the_lower_index_and_transformers_as_many(dtype):
    """Its sort is not stable: which of the equals survive is chance, how many is not."""
    z = np.random.default_rng(2).integers(0, 6, (300, 60)).astype(dtype)
    for p in PS:
        ours, theirs = np.isfinite(top_p_filter(z, p)), np.isfinite(through(TopPLogitsWarper(p), z))
        differ = np.abs(ours.sum(axis=1) - theirs.sum(axis=1))
        assert (differ <= 1).all()  # where a sum of equals meets p to the last digit
        assert (differ == 0).mean() > 0.98
        last = np.where(ours, z, np.inf).min(axis=1, keepdims=True)
        assert_array_equal(ours[z > last], True)
        for kept, equal in zip(ours, z == last, strict=True):
            assert (np.diff(kept[equal].astype(int)) <= 0).all()


@TYPES
def test_a_sum_that_meets_p_on_paper_is_reached_here_and_there_as_rounding_has_it(dtype):
    """We allow 8 eps, and 1/2 and 1/4 reach 3/4. It has no tolerance: the logarithms are rounded, so that it
    keeps as many or one more."""
    for probs, p, count in [
        ([0.5, 0.3, 0.2], 0.8, 2),
        ([0.5, 0.25, 0.125, 0.125], 0.75, 2),
        ([0.6, 0.3, 0.1], 0.9, 2),
    ]:
        z = np.log([probs]).astype(dtype)
        assert_array_equal(np.isfinite(top_p_filter(z, p)), [np.arange(len(probs)) < count])
        assert np.isfinite(through(TopPLogitsWarper(p), z)).sum() in (count, count + 1)


def test_p_of_1_bans_nothing_here_and_there():
    z = np.array([[0.0, -50.0, -800.0, MASK]])
    assert_array_equal(top_p_filter(z, 1.0), z)
    assert_array_equal(through(TopPLogitsWarper(1.0), z)[0, :2], z[0, :2])


def test_what_we_refuse_they_let_pass():
    """NaN, +inf and a row of masks are errors here, with a cure; there they become NaN."""
    for row in ([0.0, np.nan], [0.0, np.inf], [MASK, MASK]):
        with pytest.raises(ValueError, match="logits"):
            softmax(row)
        assert torch.softmax(torch.tensor(row), -1).isnan().any()
        with np.errstate(invalid="ignore"):
            assert np.isnan(scipy.special.softmax(row)).any()
    with pytest.raises(ValueError, match="temperature"):
        apply_temperature([0.0, 1.0], 0)
    with pytest.raises(ValueError, match="temperature"):
        TemperatureLogitsWarper(0.0)
