"""The chapter on full-size vocabularies: every number in its words, and what its checks accept and refuse."""

import json
import re
from fractions import Fraction
from statistics import NormalDist

import numpy as np
import pytest
from conftest import ROOT, cells

import nexttoken
from nexttoken import sample, softmax, top_k_filter, top_p_filter
from nexttoken.exercises import check
from nexttoken.plots import ROW, percent
from nexttoken.shortcuts import LONG

NAME = "08_full_size"
PATH = ROOT / "book" / f"{NAME}.ipynb"
V, SPREAD = 50_257, 3.9
LAST = float(np.nextafter(1, 0))


@pytest.fixture(scope="module")
def z():
    return np.random.default_rng(8).normal(0, SPREAD, V)


@pytest.fixture(scope="module")
def built():
    """What the chapter defines, each cure in the place of what it cures; its explorers are not drawn."""
    names = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nexttoken, "explore", lambda *_, **__: None)
        exec("\n".join(cells(PATH, "code")), names)
    return names


def size(logits, p):
    return int(np.isfinite(top_p_filter(logits, p)).sum())


def agree(tokens, filtered):
    np.testing.assert_array_equal(np.sort(tokens), np.flatnonzero(np.isfinite(filtered)))


def test_puzzle(prose, z):
    words, p = prose(NAME), -np.sort(-softmax(z))
    assert f"That of GPT-2 has {V:,} tokens" in words
    assert "with a standard deviation of 3.9" in words
    assert f"Number 14 has {percent(p[13])}, and each of the others has less" in words
    assert p[13] < p[12]
    assert p[13:].sum() > 0.5
    assert f"The fourteenth bar holds {percent(p[13:].sum())}." in words
    assert p[13:].sum() > p[0]
    assert f"Ours lies {(z.max() - z.mean()) / z.std():.1f} above it" in words


def test_the_row_is_like_those_of_a_real_model(prose, z):
    """The figures for GPT-2 cannot be recomputed here; that the invented row lies within them can."""
    words = prose(NAME)
    assert "Their spread is 3.4 to 4.5, and the largest lies 3.5 to 4.1 spreads above the mean" in words
    assert 3.4 <= z.std() <= 4.5
    assert 3.5 <= (z.max() - z.mean()) / z.std() <= 4.1


def test_the_list_would_be_long(prose):
    metres = V * ROW / 72 * 0.0254  # 72 points to an inch
    assert f"the list would be {metres:.0f} metres long" in prose(NAME)


def test_what_lies_beyond_rank_50(prose, z):
    words, ranked = prose(NAME), -np.sort(-z)
    warm, hot = (softmax(ranked / t)[50:].sum() for t in (1, 2))
    assert f"at $T = 1$, {percent(warm)} lies beyond rank 50, at $T = 2$ it is {percent(hot)}." in words
    assert round(100 * (1 - hot)) == 12
    assert "Of a hundred tokens drawn there, twelve or so are in the chart" in words
    mild, strong = (1 / (1 - beyond) for beyond in (warm, hot))
    assert f"{mild:.1f} times at $T = 1$ and {strong:.1f} times at $T = 2$" in words
    assert softmax(ranked / 2)[1000:].sum() > 0.5
    assert "A thousand bars would not do either: at $T = 2$ more than half" in words
    for t in (0.5, 1, 3):  # on a logarithmic axis the same distance is the same factor
        ratio = softmax(ranked[:50] / t) / softmax(ranked / t)[:50]
        np.testing.assert_allclose(ratio, 1 / softmax(ranked / t)[:50].sum(), rtol=1e-12)  # a few roundings


def test_two_nuclei(prose, z):
    words, fifty = prose(NAME), np.sort(z)[-50:]
    all_1, fifty_1, all_2, fifty_2 = (size(row / t, 0.9) for t in (1, 2) for row in (z, fifty))
    assert f"the true nucleus has {all_1} tokens, that of the chart {fifty_1}" in words
    assert f"At $T = 2$ it is {all_2:,} against {fifty_2}." in words


def test_the_bell_moves(prose, z):
    """The formula is exact for a normal law without end; the row has one, which shows at T = 1."""
    words = prose(NAME)
    assert f"{SPREAD / 2:.2f} at $T = 2$" in words
    assert f"and {SPREAD:.1f} at $T = 1$" in words
    assert (
        f"At $T = 1$ the formula asks for {SPREAD**2:.1f}, and the largest logit of all is {z.max():.1f}"
        in words
    )
    for t in (1.5, 2, 3):
        assert softmax(z / t) @ z == pytest.approx(SPREAD**2 / t, rel=0.06)
    assert softmax(z) @ z < 0.85 * SPREAD**2
    assert f"here {SPREAD / np.sqrt(2 * np.log(V)):.2f}, a very large one freezes" in words
    assert f"{NormalDist().inv_cdf(0.9):.2f} for 0.9" in words


@pytest.mark.parametrize("t", [1.5, 2, 3])
def test_the_bell_counts_the_nucleus(prose, z, t):
    normal = NormalDist()
    assert V * normal.cdf(normal.inv_cdf(0.9) - SPREAD / t) == pytest.approx(size(z / t, 0.9), rel=0.1)
    assert "Within a tenth" in prose(NAME)


def test_floor(prose, built, z):
    words, floor = prose(NAME), built["floor"]
    assert V == 29 * 1733
    assert (z >= floor(z, 50, 1733)).sum() == 50
    assert "A sort of 1,733 numbers instead of 50,257, and the floor lets in just the 50" in words
    totals = {c: c + int((z >= floor(z, 50, c)).sum()) for c in (85, 100, 1000, 10_000)}
    both = {int(c): int(c + let_in) for c, let_in in zip(built["wide"], built["counts"][50], strict=True)}
    fewest = min(both, key=both.get)
    low = f"{fewest} maxima and {both[fewest] - fewest} candidates make {both[fewest]} numbers to sort"
    assert f"{low}, 85 and {totals[85] - 85} make {totals[85]}" in words
    assert sorted(both.values())[1] == totals[85]
    assert totals[100] < totals[1000] < totals[10_000]
    rounded = np.round(z * 16) / 16
    lowest = floor(rounded, 50, 1733)
    assert f"Of the 50 tokens only {(rounded > lowest).sum()} are left" in words


def test_the_matrix_has_32_rows(prose, built, monkeypatch, z):
    seen = []
    monkeypatch.setitem(built, "floor", lambda z, k, columns: seen.append((k, columns)) or np.sort(z)[-k])
    for k in (50, 2000):
        built["quick_top_k"](z, k)
    assert seen == [(50, V // 32), (2000, 2000)]
    assert "The matrix gets 32 rows, few and long, unless $k$ asks for more columns" in prose(NAME)


@pytest.mark.parametrize("k", [1, 2, 50, 1000, 6000])
@pytest.mark.parametrize("kind", ["normal", "rounded", "equal", "rising", "falling", "masked"])
def test_quick_top_k_is_exact(built, kind, k):
    z = np.random.default_rng(1).normal(0, SPREAD, 6007)  # a prime
    rows = {"normal": z, "rounded": np.round(z), "equal": 0 * z, "rising": np.sort(z), "falling": -np.sort(z)}
    row = rows.get(kind, np.where(np.arange(6007) % 3 == 0, z, -np.inf))
    best = built["quick_top_k"](row, k)
    np.testing.assert_array_equal(best, np.argsort(-row, kind="stable")[:k])
    if np.isfinite(row[best]).all():
        agree(best, top_k_filter(row, k))


def test_short_head(prose, built, z):
    words, head_nucleus = prose(NAME), built["head_nucleus"]
    for t in (0.5, 0.7, 1, 1.5, 2, 3):
        agree(head_nucleus(z / t, 0.9), top_p_filter(z / t, 0.9))
    mass = {t: np.cumsum(-np.sort(-softmax(z / t))) for t in (1, 2, 3)}
    assert mass[1][999] >= 0.9
    assert mass[2][3999] < 0.9 <= mass[2][15_999]
    assert mass[3][15_999] < 0.9
    assert "At $T = 2$ the heads of 1,000 and 4,000 fall short, and that of 16,000 does it" in words
    assert "At $T = 3$ all four are sorted, the last of which is the whole row" in words
    assert round(V / 1000) == 50
    assert "one head is enough, a fiftieth of the row" in words


def test_the_softmax_of_a_head_is_wrong_until_the_head_is_all(prose, z):
    ranked = -np.sort(-z)
    found = [1 + int((np.cumsum(softmax(ranked[:head])) < 0.9).sum()) for head in (50, 200, 1000, V)]
    assert sorted(set(found)) == found
    assert found[-1] == size(z, 0.9)
    assert "Four heads, four nuclei, and only the last is right" in prose(NAME)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.75, 0.9])
def test_rejection_is_exact(built, p):
    """Every token of hostile rows is accepted if and only if it is in the nucleus. Dyadic: nothing rounds."""
    rows = [np.full(4, 0.25), np.array([0.125, 0.5, 0.125, 0.25]), np.array([0.25, 0.25, 0.5, 0]), np.ones(1)]
    for q in rows:
        accepted = [built["inside"](q, i, p) for i in range(len(q))]
        with np.errstate(divide="ignore"):
            kept = np.isfinite(top_p_filter(np.log(q), p))
        np.testing.assert_array_equal(np.array(accepted)[q > 0], kept[q > 0])


def test_rejection_needs_few_draws(prose, z):
    words = prose(NAME)
    for t in (0.5, 1, 3):
        mass = softmax(z / t)[np.isfinite(top_p_filter(z / t, 0.9))].sum()
        assert 1 / mass <= 1 / 0.9
    mass = softmax(z)[np.isfinite(top_p_filter(z, 0.9))].sum()
    assert f"it takes about {1 / mass:.1f} draws" in words


def test_equal_tokens_are_all_inside_without_the_cure(prose, built):
    q = np.full(4, 0.25)
    assert [q[q > q[i]].sum() < 0.5 for i in range(4)] == [True] * 4
    assert size(np.log(q), 0.5) == 2
    assert [built["inside"](q, i, 0.5) for i in range(4)] == [True, True, False, False]
    assert "Four equal tokens at $p = 0.5$, and all are inside, where the rule keeps two" in prose(NAME)


def test_the_crack_between_two_sums(prose):
    tenths = np.full(10, 0.1)
    assert tenths.sum() == 1
    assert np.cumsum(tenths)[-1] == LAST
    words = prose(NAME)
    assert "The sum of ten tenths is 1, their running sum ends a hair below" in words
    assert "Token 10 has the probability 0" in words


def test_two_steps(prose, built, z):
    two_steps, q = built["two_steps"], softmax(z)
    block, left = built["find_block"](q, 0.5, 1733)
    assert q[: block * 1733].sum() <= 0.5 < q[: (block + 1) * 1733].sum()
    assert left == pytest.approx(0.5 - q[: block * 1733].sum(), abs=1e-12)  # other sums of the same numbers
    assert two_steps(built["crack"], LAST, 10) == 9
    assert np.flatnonzero(built["crack"])[-1] == 9
    assert "Token 9, the last that has any probability" in prose(NAME)
    points = np.random.default_rng(2).random(300)
    drawn = [two_steps(q, point, 1733) for point in points]
    np.testing.assert_array_equal(drawn, np.searchsorted(np.cumsum(q), points * np.cumsum(q)[-1], side="right"))
    thousand = [two_steps(q, point, 1733) for point in np.random.default_rng(1).random(1000)]
    np.testing.assert_array_equal(thousand, sample(q, np.random.default_rng(1), size=1000))
    assert "Running sums over 29 + 1,733 numbers have replaced one over 50,257" in prose(NAME)


def test_what_is_left_to_sort_does_not_grow(prose, built):
    powers = 2 ** np.arange(10, 19)
    counts = []
    for n in powers:
        row = np.random.default_rng(n).normal(0, SPREAD, n)
        counts.append(100 + int((row >= built["floor"](row, 50, 100)).sum()))
    assert f"between {min(counts)} and {max(counts)} numbers" in prose(NAME)
    assert (powers[0], powers[-1]) == (1024, 262_144)
    assert "whether the row has 1,024 tokens or 262,144" in prose(NAME)


def test_the_dated_times_say_what_the_words_say(prose, built):
    """They are one machine's on one day, and cannot be recomputed; what is said of them can."""
    words, times = prose(NAME), {name: np.array(row) for name, row in built["measured"].items()}
    assert {len(row) for row in times.values()} == {len(built["powers"])}
    assert set(times) == set(built["jobs"])
    assert "one core of a shared server on 25 November 2026" in words
    by_sort, package, read = (times[name] for name in ("by sort", "nexttoken", "read once"))
    assert f"The kink marks {LONG:,} tokens" in words
    place = built["powers"].tolist().index(LONG)
    assert (package[:place] > by_sort[:place]).all()
    assert (package[place:] < by_sort[place:]).all()
    flat = package[place : built["powers"].tolist().index(65_536) + 1]
    assert flat.max() / flat.min() < 1.2
    assert "From there to 65,536 its line is nearly flat" in words
    assert round(by_sort[-1] / package[-1], -2) == 100
    assert "the sort takes about a hundred times as long as the package" in words
    assert f"the package about {package[-1] / read[-1]:.0f} times as long as a glance" in words


def test_a_time_is_for_its_reader_only():
    """A clock gives another output on every run: it is shown live and kept out of the page."""
    clocks = [
        cell["metadata"].get("tags")
        for cell in json.loads(PATH.read_text(encoding="utf-8"))["cells"]
        if cell["cell_type"] == "code" and re.search(r"\b(race|clock|milliseconds)\(", "".join(cell["source"]))
    ]
    assert clocks == [["remove-output"]] * 6


def plain(probs, point):
    ends = np.cumsum(probs)
    return np.searchsorted(ends, point * ends[-1], side="right")


def steps(probs, point, *, columns=None, inside=True, pad=True, offset=True):
    """The two-step draw with its parts to exchange."""
    columns = columns or int(np.ceil(np.sqrt(len(probs))))
    rows = -(-len(probs) // columns) if pad else max(1, len(probs) // columns)
    q = np.zeros(rows * columns)
    q[: len(probs)] = probs[: len(q)]
    blocks = q.reshape(rows, columns)
    starts = np.cumsum([0, *blocks.sum(axis=1)])
    row = np.searchsorted(starts, point * starts[-1], side="right") - 1
    ends = np.cumsum(blocks[row])
    left = point * starts[-1] - starts[row]
    left = min(left, np.nextafter(ends[-1], 0)) if inside else left
    return int(offset * row * columns + np.searchsorted(ends, left, side="right"))


def by_loop(probs, point):
    total, mass = 0.0, float(sum(probs))
    for index, p in enumerate(probs):
        total += p
        if total > point * mass:
            return index


def unscaled(probs, point):
    return int(np.searchsorted(np.cumsum(probs), point, side="right"))


def in_place(probs, point):
    probs /= probs.sum()
    return int(plain(probs, point))


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("full_size.1", 0.08),
        ("full_size.1", np.float32(0.08)),
        ("full_size.1", Fraction(2, 25)),
        ("full_size.2", [1, 2, 9, 10, 3, 4, 8, 11, 5, 6, 7, 12]),
        ("full_size.2", (12, 1, 2, 3, 11, 4, 5, 6, 10, 7, 8, 9)),
        ("full_size.2", np.array([[1, 2, 9.0, 10], [3, 4, 8, 11], [5, 6, 7, 12]])),
        ("full_size.3", plain),
        ("full_size.3", by_loop),
        ("full_size.3", lambda probs, point: np.array([plain(probs, point)])),
        ("full_size.3", steps),
        ("full_size.3", lambda probs, point: steps(probs, point, columns=29)),
        ("full_size.3", lambda probs, point: steps(probs, point, columns=1733)),
        (
            "full_size.3",
            lambda probs, point: steps(probs, point, columns=4, inside=False),
        ),  # four have no crack
    ],
)
def test_right_answers(name, answer):
    assert check(name, answer).right


@pytest.mark.parametrize(
    ("name", "answer", "hint"),
    [
        ("full_size.1", 0.02, "the truth"),
        ("full_size.1", 0.005, "multiplied"),
        ("full_size.1", 0.0267, "what is missing"),
        ("full_size.1", 8, "between 0 and 1"),
        ("full_size.1", 0.25, "divided by what they hold"),
        ("full_size.1", [0.08, 0.08], "one number"),
        ("full_size.2", list(range(1, 13)), "as before"),
        ("full_size.2", [9, 10, 1, 2, 3, 4, 5, 11, 6, 7, 8, 12], "The floor is 10"),
        ("full_size.2", [12] * 12, "each of them once"),
        ("full_size.2", list(range(12)), "from 1 to 12"),
        ("full_size.2", [1, 2, 3], "from 1 to 12"),
        ("full_size.3", [1, 2], "function"),
        ("full_size.3", lambda probs, point: 1, "yours hit"),
        ("full_size.3", lambda probs, point: np.array([plain(probs, point)] * 2), "one index"),
        ("full_size.3", lambda probs, point: float(plain(probs, point)), "one index"),
        ("full_size.3", in_place, "changes the array"),
        ("full_size.3", lambda probs, point: int(np.searchsorted(np.cumsum(probs), point)), "The point 0"),
        ("full_size.3", unscaled, "no token"),
        ("full_size.3", lambda probs, point: min(unscaled(probs, point), len(probs) - 1), "of probability 0"),
        ("full_size.3", lambda probs, point: steps(probs, point, inside=False), "two sums"),
        ("full_size.3", lambda probs, point: steps(probs, point, columns=10, inside=False), "no token"),
        ("full_size.3", lambda probs, point: steps(probs, point, pad=False), "multiple of your columns"),
        ("full_size.3", lambda probs, point: steps(probs, point, offset=False), "lies elsewhere"),
        ("full_size.3", lambda probs, point: int(plain(probs[::-1], point)), "yours hit"),
        ("full_size.3", lambda probs, point: int((probs > point).argmax()), "yours hit"),
        ("full_size.3", lambda probs, point: plain(probs.reshape(-1, 3).ravel(), point), "ValueError"),
    ],
)  # fmt: skip
def test_wrong_answers_get_a_hint(name, answer, hint):
    verdict = check(name, answer)
    assert verdict.right is False
    assert hint in verdict.text
