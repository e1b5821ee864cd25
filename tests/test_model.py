"""Corpus, vocabulary, bigram model, generation: worked examples, laws, extremes, refusals, a reference."""

import math
import re
import time
import unicodedata
from collections import Counter
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from nexttoken import (
    BigramModel,
    Vocabulary,
    count_pairs,
    cross_entropy,
    generate,
    greedy,
    load_corpus,
    log_softmax,
    next_token,
    softmax,
    tokenize,
)

pytestmark = pytest.mark.filterwarnings("error")
law = settings(deadline=None, derandomize=True)

WORDS = ["a", "cat", "dog", "fox", "jumps", "the"]
SMALL = ["The fox jumps.", "The cat jumps.", "A dog sees the fox."]


@pytest.fixture(scope="module")
def pairs(model):
    """How often each token follows each other one in the corpus, counted with the standard library only."""
    tokens = re.findall(r"[a-z]+|\.", "." + "".join(load_corpus()).lower())
    counted = Counter(pairwise(tokens))
    names = model.vocabulary.tokens
    return np.array([[counted[first, second] for second in names] for first in names])


@st.composite
def models(draw):
    """A model of few words with random matrices, and counts of pairs, some words without a follower."""
    size, rng = len(WORDS), np.random.default_rng(draw(st.integers(0, 2**32)))
    dim = draw(st.integers(1, 4))
    model = BigramModel(Vocabulary(WORDS), rng.normal(size=(size, dim)), rng.normal(size=(dim, size)))
    counts = rng.poisson(draw(st.sampled_from([0.3, 3])), (size, size))
    counts[0, 1] += 1
    return model, counts


# Worked examples


def test_after_fox_come_jumps_cat_dog(model, fox):
    p = softmax(fox)
    best = np.argsort(-p)[:3]
    assert [model.vocabulary.tokens[i] for i in best] == ["jumps", "cat", "dog"]
    assert (np.diff(p[best]) < -0.05).all()  # apart enough to be seen in a bar chart
    assert p[best].sum() > 0.5


def test_the_order_after_fox_is_that_of_the_counts(model, fox, pairs):
    followers = pairs[model.vocabulary["fox"]]
    assert_array_equal(np.argsort(-fox)[:3], np.argsort(-followers, kind="stable")[:3])
    shares = followers / followers.sum()
    assert_allclose(softmax(fox), shares, rtol=0, atol=0.02)  # 500 steps in 8 dimensions come this near


def test_another_corpus_teaches_another_order():
    """Nothing is typed in: where foxes sleep most and jump least, the model says so."""
    other = BigramModel.train(["The fox sleeps."] * 5 + ["The fox runs."] * 3 + ["The fox jumps."])
    best = np.argsort(-other.logits(other.vocabulary["fox"]))[:3]
    assert [other.vocabulary.tokens[i] for i in best] == ["sleeps", "runs", "jumps"]


def test_greedy_falls_into_a_loop(model):
    text = generate(model, "fox", greedy, max_tokens=40)
    assert text.startswith("fox jumps over the fox jumps over the fox jumps")
    assert text == " ".join((["fox", "jumps", "over", "the"] * 11)[:41])


def test_tokens_of_a_sentence():
    assert tokenize("The fox, cat and dog sleep.") == ["the", "fox", "cat", "and", "dog", "sleep", "."]
    assert tokenize("A fox.A cat!  3 dogs\n") == ["a", "fox", ".", "a", "cat", "dogs"]
    assert tokenize("") == []


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("A naïve fox.", ["a", "naïve", "fox", "."]),
        ("Cafés, e\u0301t\u00e9", ["cafés", "été"]),
        ("हिन्दी में", ["हिन्दी", "में"]),  # vowel signs and the virama are marks
        ("İstanbul", ["i\u0307stanbul"]),  # its small letter is i with a dot of its own
        ("q\u0307\u0323 x", ["q\u0323\u0307", "x"]),  # a letter that exists only in pieces, in the one order
        ("می\u200cخواهم", ["می\u200cخواهم"]),  # a joiner inside a word
        ("\u0301a 3\u0301 .\u0301b", ["a", ".", "b"]),  # a mark without a letter goes with what it stands on
        ("x² straße", ["x²", "straße"]),
    ],
)
def test_marks_stay_with_their_letters_in_every_normal_form(text, tokens):
    for form in ("NFC", "NFD"):
        assert tokenize(unicodedata.normalize(form, text)) == tokens
        assert tokenize(unicodedata.normalize(form, " ".join(tokens))) == tokens


def test_pairs_of_a_sentence():
    assert_array_equal(count_pairs(Vocabulary("ab"), "a b a b b"), [[0, 2], [1, 1]])
    assert_array_equal(count_pairs(Vocabulary("abc"), "c a"), [[0, 0, 0], [0, 0, 0], [1, 0, 0]])


# The corpus


def test_the_corpus_is_299_distinct_sentences_of_words_and_commas():
    corpus = load_corpus()
    assert len(corpus) == len(set(corpus)) == 299
    for sentence in corpus:
        assert re.fullmatch(r"(A|An|The)( [a-z]+,?)* [a-z]+\.", sentence), sentence


def test_words_follow_a_or_an_as_they_should():
    """ "an" before a vowel, "a" before a consonant; no exceptions such as "hour" are in the corpus."""
    for sentence in load_corpus():
        for article, letter in re.findall(r"\b(an?) (\w)", sentence.lower()):
            assert (article == "an") == (letter in "aeiou"), sentence


def test_the_corpus_is_the_same_list_each_time_and_ours_to_change():
    first = load_corpus()
    first.clear()
    assert len(load_corpus()) == 299


# Laws


@law
@given(st.lists(st.sampled_from([*WORDS, "."]), max_size=8), st.permutations([*WORDS, ".", "fox"]))
def test_vocabulary_numbers_its_tokens_in_order_and_back(words, tokens):
    vocabulary = Vocabulary(tokens)
    assert vocabulary.tokens == sorted({*WORDS, "."})
    assert len(vocabulary) == 7
    assert [vocabulary[token] for token in vocabulary.tokens] == list(range(7))
    indices = vocabulary.encode(" ".join(words))
    assert indices.dtype == np.intp
    assert indices.shape == (len(words),)
    assert [vocabulary.tokens[i] for i in indices] == words
    assert tokenize(vocabulary.decode(indices)) == words
    assert " ." not in vocabulary.decode(indices)


def test_decode_puts_the_full_stop_close_and_takes_one_index_or_many():
    vocabulary = Vocabulary([*WORDS, "."])
    assert vocabulary.decode(vocabulary.encode("The fox, the DOG.")) == "the fox the dog."
    assert vocabulary.decode(vocabulary["fox"]) == "fox"
    assert vocabulary.decode([]) == ""


def test_a_vocabulary_is_a_container_of_its_tokens():
    vocabulary = Vocabulary(["fox", "dog", "fox"])
    assert list(vocabulary) == [token for token in vocabulary] == ["dog", "fox"]  # noqa: C416
    assert "fox" in vocabulary
    for stranger in ("cat", "Fox", "", 0, None, ["fox"]):
        assert stranger not in vocabulary


def test_a_token_is_looked_up_and_not_searched_for():
    """A scan of the list would compare hundreds of tokens."""

    class Counted(str):
        compared = 0
        __hash__ = str.__hash__

        def __eq__(self, other):
            Counted.compared += 1
            return str.__eq__(self, other)

    vocabulary = Vocabulary(Counted(i) for i in range(1000))
    Counted.compared = 0
    assert vocabulary.tokens[vocabulary["777"]] == "777"
    assert Counted.compared < 10


def test_every_word_of_the_corpus_is_known_and_no_other(model):
    assert set(model.vocabulary.tokens) == set(tokenize(" ".join(load_corpus())))


def test_counts_add_up_to_the_pairs_of_the_text(model, pairs):
    text = ". " + " ".join(load_corpus())
    assert_array_equal(count_pairs(model.vocabulary, text), pairs)
    assert pairs.sum() == len(tokenize(text)) - 1


@law
@given(models(), st.data())
def test_logits_are_a_row_times_the_output_matrix(made, data):
    model, _ = made
    index = np.array(data.draw(st.lists(st.lists(st.integers(0, 5), min_size=2, max_size=2), min_size=1)))
    z = model.logits(index)
    assert z.shape == (*index.shape, 6)
    for where in np.ndindex(index.shape):
        expected = [model.embedding[index[where]] @ model.output[:, j] for j in range(6)]
        assert_allclose(z[where], expected, rtol=0, atol=1e-14)  # at most four products of a few units
        assert_allclose(model.logits(index[where]), z[where], rtol=0, atol=1e-14)  # another order of sums


@law
@given(models())
def test_loss_is_the_mean_surprise_over_all_pairs(made):
    model, counts = made
    tokens, targets = np.nonzero(counts)
    times = counts[tokens, targets]
    surprise = cross_entropy(model.logits(np.repeat(tokens, times)), np.repeat(targets, times))
    assert_allclose(model.loss_and_gradients(counts)[0], surprise.mean(), rtol=1e-13)  # about a hundred terms


@law
@given(models())
def test_gradient_against_finite_differences_in_both_matrices(made):
    model, counts = made
    loss, *gradients = model.loss_and_gradients(counts)
    assert isinstance(loss, float)
    h = 1e-5
    for matrix, gradient in zip((model.embedding, model.output), gradients, strict=True):
        measured = np.empty_like(matrix)
        for place in np.ndindex(matrix.shape):
            old = matrix[place]
            matrix[place] = old + h
            above = model.loss_and_gradients(counts)[0]
            matrix[place] = old - h
            below = model.loss_and_gradients(counts)[0]
            matrix[place] = old
            measured[place] = (above - below) / (2 * h)
        # central differences are off by h^2 = 1e-10 times a third derivative of a few tens at most,
        # and by eps / h = 2e-11 for each of a few roundings
        assert_allclose(gradient, measured, rtol=0, atol=1e-8)


@law
@given(models())
def test_gradient_is_the_sum_of_p_minus_y_pair_by_pair(made):
    model, counts = made
    for_embedding, for_output = np.zeros_like(model.embedding), np.zeros_like(model.output)
    for i, j in np.argwhere(counts):
        error = (softmax(model.logits(i)) - np.eye(6)[j]) * counts[i, j] / counts.sum()
        for_embedding[i] += model.output @ error
        for_output += np.outer(model.embedding[i], error)
    before = counts.copy(), model.embedding.copy(), model.output.copy()
    _, *gradients = model.loss_and_gradients(counts)
    assert_allclose(gradients[0], for_embedding, rtol=0, atol=1e-13)  # about a hundred terms below 10
    assert_allclose(gradients[1], for_output, rtol=0, atol=1e-13)
    for now, then in zip((counts, model.embedding, model.output), before, strict=True):
        assert_array_equal(now, then)


def test_training_twice_gives_the_same_model_and_another_seed_another(model):
    again = BigramModel.train(load_corpus(), dim=8, steps=500, learning_rate=2.0, seed=0)  # as by default
    other = BigramModel.train(load_corpus(), seed=1)
    assert_array_equal(again.embedding, model.embedding)
    assert_array_equal(again.output, model.output)
    assert again.vocabulary.tokens == other.vocabulary.tokens == model.vocabulary.tokens
    assert (other.embedding != model.embedding).any()


def test_training_leaves_the_global_source_of_chance_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    BigramModel.train(SMALL, steps=2)
    assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_training_starts_from_small_random_numbers_around_0():
    """Of 384 numbers of spread 0.1, the mean errs by 0.005 and the spread by 0.004: four times that pass."""
    start = BigramModel.train(load_corpus(), steps=0)
    for matrix in (start.embedding, start.output):
        assert abs(matrix.mean()) < 0.02
        assert abs(matrix.std() - 0.1) < 0.015


def test_a_step_goes_down_the_gradient_by_the_rate():
    start, moved = (BigramModel.train(SMALL, steps=n, learning_rate=0.5) for n in (0, 1))
    counts = count_pairs(start.vocabulary, ". " + " ".join(SMALL))
    _, for_embedding, for_output = start.loss_and_gradients(counts)
    assert_allclose(moved.embedding, start.embedding - 0.5 * for_embedding, rtol=1e-14)  # one rounding or two
    assert_allclose(moved.output, start.output - 0.5 * for_output, rtol=1e-14)


@pytest.mark.parametrize("seed", range(3))
def test_training_lowers_the_loss_to_near_the_entropy_of_the_counts(pairs, seed):
    """No model of pairs does better than their shares: the floor. Ours starts at ln V and ends close to it."""
    shares = pairs / np.maximum(pairs.sum(axis=1, keepdims=True), 1)
    floor = -(pairs * np.log(shares, where=pairs > 0, out=np.zeros_like(shares))).sum() / pairs.sum()
    corpus = load_corpus()
    trained = [BigramModel.train(corpus, steps=n, seed=seed) for n in (0, 1, 20, 100, 500)]
    losses = [model.loss_and_gradients(pairs)[0] for model in trained]
    assert_allclose(losses[0], math.log(len(pairs)), rtol=0, atol=0.01)  # logits are about 0.03 at the start
    assert (np.diff(losses) < 0).all()
    assert floor < losses[-1] < floor + 0.06


def test_training_takes_under_two_seconds():
    start = time.process_time()
    BigramModel.train(load_corpus())
    assert time.process_time() - start < 2


def test_a_learning_rate_may_be_any_number():
    models = [
        BigramModel.train(SMALL, steps=2, learning_rate=rate) for rate in (0.5, Decimal("0.5"), np.array(0.5))
    ]
    for model in models:
        assert_array_equal(model.embedding, models[0].embedding)


def test_shapes_follow_dim():
    model = BigramModel.train(SMALL, dim=3, steps=1)
    size = len(model.vocabulary)
    assert model.embedding.shape == (size, 3)
    assert model.output.shape == (3, size)
    assert model.embedding.dtype == model.output.dtype == np.float64
    assert BigramModel.train(load_corpus(), steps=0).embedding.shape == (48, 8)


def test_each_sentence_begins_after_the_full_stop():
    """Trained long on few sentences, the model knows how they begin: "the" two times in three.

    Without the full stop before the first sentence it would be one in two.
    """
    model = BigramModel.train(SMALL, steps=3000)
    p = softmax(model.logits(model.vocabulary["."]))
    assert_allclose(p[model.vocabulary["the"]], 2 / 3, atol=0.05)  # gradient descent is still on its way
    assert_allclose(p[model.vocabulary["a"]], 1 / 3, atol=0.05)


def test_a_model_given_lists_is_the_model_given_arrays():
    embedding, output = [[1, 2], [3, 4]], [[0.5, -1.0], [0.0, 2.0]]
    vocabulary, counts = Vocabulary("ab"), [[1, 2], [3, 4]]
    model = BigramModel(vocabulary, embedding, output)
    same = BigramModel(vocabulary, np.array(embedding), np.array(output))
    assert_array_equal(model.logits(1), same.logits(1))
    assert model.loss_and_gradients(counts)[0] == same.loss_and_gradients(np.array(counts))[0]
    assert model.embedding.dtype == model.output.dtype == np.float64


@pytest.mark.parametrize(
    ("given", "kept"),
    [(np.float32, np.float32), (np.float64, np.float64), (np.float16, np.float64), (int, np.float64)],
)
def test_a_model_keeps_the_float_types_that_softmax_keeps(given, kept):
    model = BigramModel(Vocabulary("ab"), np.ones((2, 1), given), np.ones((1, 2), given))
    assert model.embedding.dtype == model.output.dtype == model.logits(0).dtype == kept


# Generation


def test_generate_stops_at_the_full_stop(model):
    stop, jumps = model.vocabulary["."], model.vocabulary["jumps"]
    script = iter([jumps, jumps, stop, jumps])
    assert generate(model, "fox", lambda z: next(script)) == "fox jumps jumps."
    assert next(script) == jumps


@pytest.mark.parametrize("count", [0, 1, 2, 12, 30])
def test_generate_stops_at_max_tokens(model, count):
    jumps = model.vocabulary["jumps"]
    assert generate(model, "the fox", lambda z: jumps, count) == "the fox" + " jumps" * count
    assert generate(model, "the fox", lambda z: jumps, max_tokens=count) == "the fox" + " jumps" * count


def test_generate_takes_twelve_tokens_by_default(model):
    assert len(tokenize(generate(model, "fox", greedy))) == 1 + 12


def test_generate_hands_the_logits_of_the_last_token_to_choose(model):
    seen, script = [], iter(model.vocabulary.encode("dog sees the"))
    generate(model, "The old fox", lambda z: (seen.append(z.copy()), next(script))[1], max_tokens=3)
    read = model.logits(model.vocabulary.encode("fox dog sees"))
    assert_allclose(seen, read, rtol=0, atol=1e-13)  # a batch may be multiplied in another order
    assert seen[0].shape == (len(model.vocabulary),)


def test_generate_takes_any_rule_that_gives_an_index(model):
    rng = np.random.default_rng(0)
    rules = [greedy, np.argmax, lambda z: int(z.argmax()), lambda z: next_token(z, rng, temperature=0)]
    assert len({generate(model, "fox", rule) for rule in rules}) == 1
    for text in (generate(model, "fox", lambda z: next_token(z, rng, top_k=3, top_p=0.9)) for _ in range(20)):
        assert text.startswith("fox ")
        assert text.endswith(".") or len(tokenize(text)) == 13
        assert text.count(".") <= 1
    assert generate(model, "fox", lambda z: next_token(z, np.random.default_rng(3))) == generate(
        model, "fox", lambda z: next_token(z, np.random.default_rng(3))
    )


# Extremes


def test_a_model_of_one_word():
    model = BigramModel(Vocabulary(["."]), np.ones((1, 1)), np.ones((1, 1)))
    loss, *gradients = model.loss_and_gradients([[7]])
    assert loss == 0
    assert_array_equal(np.ravel(gradients), [0, 0])
    assert generate(model, ".", greedy) == ".."


def test_logits_of_no_tokens_and_of_many(model):
    assert model.logits(np.zeros(0, int)).shape == (0, 48)
    assert model.logits(np.zeros((2, 3), np.uint8)).shape == (2, 3, 48)
    assert_allclose(model.logits([3]), [model.logits(3)], rtol=0, atol=1e-13)  # another order of sums


def test_loss_with_enormous_logits():
    model = BigramModel(Vocabulary("ab"), np.array([[1e4], [-1e4]]), np.array([[1.0, -1.0]]))
    loss, *gradients = model.loss_and_gradients([[0, 1], [0, 3]])
    assert loss == 20_000 / 4
    assert np.isfinite(gradients[0]).all()
    assert np.isfinite(gradients[1]).all()


# Refusals


@pytest.mark.parametrize(
    ("word", "near"), [("foks", "fox"), ("jump", "jumps"), ("doog", "dog"), ("Fox", "fox"), ("JUMPS", "jumps")]
)
def test_an_unknown_word_names_the_nearest(model, word, near):
    with pytest.raises(
        KeyError, match=rf"'{word}' is not in the vocabulary; the nearest .*are {near}, \w+, \w+$"
    ):
        model.vocabulary[word]


def test_an_unknown_word_names_the_nearest_wherever_it_comes(model):
    for call in (
        lambda: model.vocabulary.encode("the foks"),
        lambda: generate(model, "The foks", greedy),
        lambda: count_pairs(model.vocabulary, "the foks"),
    ):
        with pytest.raises(KeyError, match=r"'foks' is not in the vocabulary; the nearest .*are fox"):
            call()
    for word in ("zzz", "", 3, None, ["fox"], {"fox": 1}):
        with pytest.raises(KeyError, match=r"is not in the vocabulary; the nearest .*are \w+, \w+, \w+"):
            model.vocabulary[word]


@pytest.mark.parametrize("prompt", ["", "  ", "3!"])
def test_a_prompt_without_a_word_is_refused(model, prompt):
    with pytest.raises(ValueError, match=rf"prompt='{prompt}' holds no word: .*'fox'"):
        generate(model, prompt, greedy)


def test_a_negative_number_of_tokens_is_refused(model):
    with pytest.raises(ValueError, match=r"max_tokens=-1 must be at least 0"):
        generate(model, "fox", greedy, -1)


@pytest.mark.parametrize("count", [-0.5, 2.0, float("nan"), "3", True, None, np.array([3])])
def test_a_number_of_tokens_that_is_not_whole_is_refused(model, count):
    with pytest.raises(TypeError, match=r"max_tokens must be an integer"):
        generate(model, "fox", greedy, count)


@pytest.mark.parametrize("token", ["fox", 1.0, True, [0.5], None])
def test_a_token_that_is_no_index_is_refused(model, token):
    with pytest.raises(TypeError, match=r"^token must hold token indices .*: use vocabulary\[word\]"):
        model.logits(token)
    with pytest.raises(TypeError, match=r"^indices must hold token indices .*: use vocabulary\[word\]"):
        model.vocabulary.decode(token)


@pytest.mark.parametrize("chosen", [2.0, 2.7, np.float64(3), "3", None, True, [3], np.array([3]), 1 + 0j])
def test_a_chooser_that_returns_no_index_is_refused(model, chosen):
    with pytest.raises(TypeError, match=r"^choose\(logits\).* must (hold token indices|be one index)"):
        generate(model, "fox", lambda z: chosen)


@pytest.mark.parametrize("chosen", [-1, 48, np.int64(-48), 10**6])
def test_a_chooser_that_returns_another_number_is_refused(model, chosen):
    with pytest.raises(ValueError, match=r"^choose\(logits\) .* is not in 0\.\.47"):
        generate(model, "fox", lambda z: chosen)


def test_other_refusals():
    with pytest.raises(TypeError, match=r"text must be a string, not 3"):
        tokenize(3)
    with pytest.raises(ValueError, match=r"^tokens is empty: .*at least one"):
        Vocabulary([])
    for tokens, stranger in ((["a", 1], 1), ([["a"]], r"\['a'\]"), ([None], None)):
        with pytest.raises(TypeError, match=rf"^tokens must be strings, not {stranger}"):
            Vocabulary(tokens)
    with pytest.raises(ValueError, match=r"text='a' holds no pair.*: .*two words"):
        count_pairs(Vocabulary("ab"), "a")
    with pytest.raises(ValueError, match=r"holds no pair.*: .*two words"):
        BigramModel.train([])


@pytest.mark.parametrize("token", [-1, 48, [0, 1000]])
def test_an_index_out_of_range_is_refused(model, token):
    with pytest.raises(ValueError, match=r"^token .* is not in 0\.\.47: use vocabulary\[word\]"):
        model.logits(token)
    with pytest.raises(ValueError, match=r"^indices .* is not in 0\.\.47: use vocabulary\[word\]"):
        model.vocabulary.decode(token)


def test_one_string_is_no_corpus():
    with pytest.raises(TypeError, match="corpus must be a list of sentences, not one string: 'a fox"):
        BigramModel.train("a fox.")


def test_letters_beyond_ascii_are_letters():
    assert tokenize("Füchse schlafen.") == ["füchse", "schlafen", "."]


@pytest.mark.parametrize(
    ("embedding", "output", "words"),
    [
        ((2, 3), (2, 3), r"embedding has shape \(2, 3\) and output \(2, 3\): give \(V, d\) and \(d, V\)"),
        ((2, 3), (4, 2), r"embedding has shape \(2, 3\) and output \(4, 2\): give"),
        ((2,), (2,), r"embedding has shape \(2,\) and output \(2,\): give"),
        ((3, 1), (1, 3), r"embedding has shape \(3, 1\) .*2 tokens"),
    ],
)
def test_matrices_that_do_not_fit_are_refused(embedding, output, words):
    with pytest.raises(ValueError, match=words):
        BigramModel(Vocabulary("ab"), np.zeros(embedding), np.zeros(output))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_matrices_that_are_not_finite_are_refused(bad):
    spoilt = [[1.0, bad], [0.0, 2.0]]
    with pytest.raises(ValueError, match=r"^embedding holds NaN or infinity: give finite"):
        BigramModel(Vocabulary("ab"), spoilt, np.eye(2))
    with pytest.raises(ValueError, match=r"^output holds NaN or infinity: give finite"):
        BigramModel(Vocabulary("ab"), np.eye(2), spoilt)


def test_a_model_of_other_things_is_refused():
    with pytest.raises(TypeError, match=r"^vocabulary must be a Vocabulary, not 'ab': use Vocabulary"):
        BigramModel("ab", np.eye(2), np.eye(2))
    with pytest.raises(TypeError, match=r"^embedding must hold real numbers"):
        BigramModel(Vocabulary("ab"), [["1", "2"], ["3", "4"]], np.eye(2))


@pytest.mark.parametrize(
    ("counts", "error", "words"),
    [
        ([[0, 0], [0, 0]], ValueError, "holds no pair: .*two tokens"),
        ([[1, -1], [0, 2]], ValueError, r"holds -1\.0: .*0 times or more"),
        ([[1, np.nan], [0, 2]], ValueError, "holds NaN or infinity"),
        ([[1, np.inf], [0, 2]], ValueError, "holds NaN or infinity"),
        ([1, 2], ValueError, r"has shape \(2,\): give \(2, 2\), as count_pairs does"),
        (np.ones((3, 3)), ValueError, r"has shape \(3, 3\): give \(2, 2\)"),
        (np.ones((2, 1)), ValueError, r"has shape \(2, 1\): give \(2, 2\)"),  # would be broadcast
        ([["a", "b"], ["c", "d"]], TypeError, "must hold real numbers"),
    ],
)
def test_counts_that_count_nothing_are_refused(counts, error, words):
    model = BigramModel(Vocabulary("ab"), np.eye(2), np.eye(2))
    with pytest.raises(error, match=f"^counts {words}"):
        model.loss_and_gradients(counts)


@pytest.mark.parametrize(
    ("name", "value", "error", "words"),
    [
        ("dim", 0, ValueError, "must be at least 1"),
        ("dim", -1, ValueError, "must be at least 1"),
        ("dim", 2.5, TypeError, "must be an integer"),
        ("steps", -1, ValueError, "must be at least 0"),
        ("steps", 2.5, TypeError, "must be an integer"),
        ("steps", True, TypeError, "must be an integer"),
        ("seed", -1, ValueError, "must be at least 0"),
        ("seed", None, TypeError, "must be an integer"),  # no seed, another model each time
        ("learning_rate", "x", TypeError, "must be one real number"),
        ("learning_rate", -0.5, ValueError, "must be finite and 0 or more"),
        ("learning_rate", np.nan, ValueError, "must be finite and 0 or more"),
        ("learning_rate", np.inf, ValueError, "must be finite and 0 or more"),
    ],
)
def test_training_by_numbers_out_of_range_is_refused(name, value, error, words):
    with pytest.raises(error, match=f"^{name}.* {words}"):
        BigramModel.train(SMALL, **{name: value})


def test_training_that_leaves_the_floats_names_the_cure():
    with pytest.raises(ValueError, match=r"too large for floats: .*smaller learning_rate"):
        BigramModel.train(SMALL, learning_rate=1e300)


# Agreement with a reference


def test_the_trained_model_agrees_with_training_pair_by_pair():
    """Twenty steps on a small corpus with plain loops and lists, one pair after the other."""
    tokens = re.findall(r"[a-z]+|\.", ". " + " ".join(SMALL).lower())
    names = sorted(set(tokens))
    ids = [names.index(token) for token in tokens]
    size, dim = len(names), 8
    start = BigramModel.train(SMALL, steps=0)
    e, u = start.embedding.tolist(), start.output.tolist()
    for _ in range(20):
        de, du = [[0.0] * dim for _ in range(size)], [[0.0] * size for _ in range(dim)]
        for i, target in pairwise(ids):
            z = [sum(e[i][d] * u[d][j] for d in range(dim)) for j in range(size)]
            total = sum(map(math.exp, z))
            for j in range(size):
                error = (math.exp(z[j]) / total - (j == target)) / (len(ids) - 1)
                for d in range(dim):
                    de[i][d] += error * u[d][j]
                    du[d][j] += error * e[i][d]
        e = [[x - 2 * dx for x, dx in zip(*rows, strict=True)] for rows in zip(e, de, strict=True)]
        u = [[x - 2 * dx for x, dx in zip(*rows, strict=True)] for rows in zip(u, du, strict=True)]
    model = BigramModel.train(SMALL, steps=20)
    assert model.vocabulary.tokens == names
    assert_allclose(model.embedding, e, rtol=0, atol=1e-13)  # twenty steps, each of a few hundred roundings
    assert_allclose(model.output, u, rtol=0, atol=1e-13)
    assert_allclose(
        log_softmax(model.embedding @ model.output), log_softmax(np.array(e) @ u), rtol=0, atol=1e-12
    )


def test_a_pair_that_never_comes_counts_nothing_however_surprising():
    vocabulary = Vocabulary("abcd")
    model = BigramModel(vocabulary, [[1e154, 0.0]] * 4, [[1e154, -1e154, 1, 1], [0.0] * 4])
    counts = np.zeros((4, 4))
    counts[0, 0] = 1
    assert model.loss_and_gradients(counts)[0] == 0
    with pytest.raises(ValueError, match=r"^counts sums to infinity"):
        model.loss_and_gradients(np.full((4, 4), 1e308))


def test_a_token_is_found_in_either_normal_form():
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    for vocabulary in (Vocabulary([composed]), Vocabulary([decomposed])):
        assert composed in vocabulary
        assert decomposed in vocabulary
        assert vocabulary[composed] == vocabulary[decomposed] == vocabulary.encode(decomposed)[0] == 0
