"""The real model through Transformers, llama.cpp and tokenizers, and through ours: ``make real``.

It needs the weights and an environment of its own, so that it runs under ``REAL=1`` alone. Where an engine
differs from ours, a test says how and asserts it.
"""

import hashlib
import os
import random
import sys
import tomllib
import unicodedata
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, chi_square_tail
from numpy.testing import assert_allclose, assert_array_equal
from test_transformer import tiny

from nexttoken import (
    Transformer,
    apply_temperature,
    load_rows,
    load_series,
    load_walks,
    log_softmax,
    min_p_filter,
    next_token,
    softmax,
    top_k_filter,
    top_p_filter,
    transformer,
)

if not os.environ.get("REAL"):
    pytest.skip("make real runs these, with the weights", allow_module_level=True)

import gguf
import tokenizers
import torch
import transformers
import xllamacpp
from transformers.generation import logits_process as steps

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
FILE = transformer.find_weights()
PROMPTS = [
    *load_rows(),
    "1, 2, 3, 4, ",
    "I like tea. I like tea. I like tea. I like",
    "She opened the box and saw",
    "The weather today is",
]
TEXTS = tomllib.loads((ROOT / "tools" / "texts.toml").read_text(encoding="utf-8"))
KINDS = {"peaked": "The capital of France is", "middling": "The cat sat on the", "flat": "The"}
SETTINGS = [
    {"temperature": 1.0, "top_p": 0.9},
    {"temperature": 0.7, "top_k": 40},
    {"temperature": 1.5, "top_k": 200, "top_p": 0.95},
    {"temperature": 1.2, "min_p": 0.05},
]


@pytest.fixture(scope="module")
def model():
    torch.set_num_threads(1)
    return Transformer.load()


@pytest.fixture(scope="module")
def theirs():
    load = transformers.AutoModelForCausalLM.from_pretrained
    return load(FILE.parent, gguf_file=FILE.name, dtype=torch.float32).eval()


@pytest.fixture(scope="module")
def exact(tmp_path_factory):
    """llama.cpp on the same weights written out in float32."""
    path = tmp_path_factory.mktemp("weights") / "f32.gguf"
    reader = gguf.GGUFReader(FILE)
    writer = gguf.GGUFWriter(path, "llama")
    for name, field in reader.fields.items():
        if not name.startswith("GGUF.") and name not in ("general.architecture", "general.file_type"):
            inner = field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
            writer.add_key_value(name, field.contents(), field.types[0], inner)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, gguf.dequantize(tensor.data, tensor.tensor_type))
    written(writer)
    return engine(path, xllamacpp.ggml_type.GGML_TYPE_F32)


def written(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def told(capsys, line):
    """Say a measured number, which pytest would keep to itself."""
    with capsys.disabled():
        print(f"\n{line}")


def engine(path, kind=None):
    """Return a function from a prompt and settings to what llama.cpp answers, one entry a token.

    As it comes it keeps keys and values in 16 bits, and its flash attention rounds: with ``kind`` it does not.
    """
    params = xllamacpp.CommonParams()
    params.model.path, params.n_ctx, params.n_parallel, params.warmup = str(path), 1024, 1, False
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.verbosity = -1
    if kind is not None:
        params.cache_type_k = params.cache_type_v = kind
        params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    server = xllamacpp.Server(params)

    def ask(prompt, **settings):
        order = {"samplers": ["temperature", "top_k", "top_p", "min_p"], "top_k": 0, "top_p": 1.0, "min_p": 0.0}
        prompt = prompt if isinstance(prompt, str) else prompt.tolist()
        asked = {"prompt": prompt, "n_predict": 1, "n_probs": 1, "temperature": 1.0}
        answer = server.handle_completions(asked | order | settings)
        logprobs = answer["choices"][0]["logprobs"]
        return [] if logprobs is None else logprobs["content"]  # a token that ends the text is not told

    return ask


# The recording


def test_the_recording_is_of_these_weights():
    about, _, tokens = transformer._recorded()
    assert hashlib.sha256(FILE.read_bytes()).hexdigest() == about["weights"]["sha256"]
    assert list(tokens) == Transformer.load().tokens


def test_rows_are_computed_again(model):
    """On another processor to 2e-4, and half a step of float16."""
    for prompt, row in load_rows().items():
        z = model.logits(model.encode(prompt))[-1].astype(np.float64)
        off = np.abs(z - z.max() - row.logits)
        assert (off <= 2e-4 + np.spacing(np.abs(row.logits).astype(np.float16)).astype(float) / 2).all()
        assert row.top == pytest.approx(z.max(), abs=2e-4)


@pytest.mark.parametrize("key", TEXTS)
def test_series_are_computed_again(model, key):
    one, indices = load_series()[key], model.encode(TEXTS[key]["text"].strip())
    logs = log_softmax(model.logits(indices[:-1]).astype(np.float64))
    came = np.take_along_axis(logs, indices[1:, None], axis=1)
    at_1 = list(one.temperatures).index(1)
    assert_allclose(np.log(one.probability[at_1]), came[:, 0], rtol=0, atol=5e-4)
    assert (one.rank == 1 + (logs > came).sum(axis=1)).mean() > 0.98  # near ties may change places


def test_each_greedy_token_of_a_walk_is_still_the_first_or_ties_with_it(model):
    greedy = [walk for walk in load_walks() if walk.setting["temperature"] == 0 and walk.seed == 0]
    assert len(greedy) == 8
    for walk in greedy:
        prompt = model.encode(walk.prompt)
        came = [model.tokens.index(token) for token in walk.tokens]
        if model.decode(came) != "".join(walk.tokens):
            continue  # a half character: its string does not say which token it was
        z = model.logits([*prompt, *came[:-1]])[len(prompt) - 1 :]
        assert (z.max(axis=1) - z[np.arange(len(came)), came] <= 1e-3).all()


# The pass


def test_logits_are_those_of_transformers(model, theirs, capsys):
    """In float32 on both sides: after a prompt to 2e-4, where the logits reach 38.

    After the first token, whose numbers inside are by far the largest, its logits were found up to 5.5e-4 from
    those of the pass in float64, and ours up to 1.2e-4.
    """
    last = every = 0.0
    for prompt in PROMPTS:
        indices = model.encode(prompt)
        ours = model.logits(indices)
        with torch.no_grad():
            other = theirs(torch.from_numpy(indices)[None]).logits[0].numpy()
        assert_array_equal(np.argsort(-ours[-1])[:20], np.argsort(-other[-1])[:20])
        last = max(last, np.abs(ours - other)[-1].max())
        every = max(every, np.abs(ours - other).max())
    told(
        capsys,
        f"Transformers: |Δz| at most {last:.1e} after {len(PROMPTS)} prompts, {every:.1e} after any token",
    )
    assert last <= 2e-4
    assert every <= 1e-3


def test_a_long_text_gives_the_logits_of_transformers(model, theirs, capsys):
    """Places up to 300; to 5e-4, for rounding adds up over the places."""
    indices = model.encode(TEXTS["alice"]["text"].strip())
    with torch.no_grad():
        other = theirs(torch.from_numpy(indices)[None]).logits[0].numpy()
    ours = model.logits(indices)
    told(capsys, f"Transformers: |Δz| at most {np.abs(ours - other)[1:].max():.1e} after {len(indices)} tokens")
    assert_allclose(ours[1:], other[1:], rtol=0, atol=5e-4)


def first_twenty(ask, indices):
    return {entry["id"]: entry["logprob"] for entry in ask(indices, n_probs=20)[0]["top_logprobs"]}


def farthest(model, ask):
    """The largest |Δ ln p| of the first twenty tokens after each prompt, and how often they are the same."""
    worst, same = 0.0, 0
    for prompt in PROMPTS:
        indices = model.encode(prompt)
        ours, others = log_softmax(model.logits(indices)[-1].astype(np.float64)), first_twenty(ask, indices)
        worst = max(worst, *(abs(ours[i] - log) for i, log in others.items()))
        same += {*others} == {*np.argsort(-ours)[:20].tolist()}
    return worst, same


def test_llama_cpp_agrees_on_the_weights_in_float32(model, exact, capsys):
    worst, same = farthest(model, exact)
    told(capsys, f"llama.cpp, all in float32: |Δ ln p| at most {worst:.1e}, the first 20 the same {same} times")
    assert worst <= 1e-3
    assert same == len(PROMPTS)


def test_llama_cpp_on_the_file_itself_computes_in_8_bits(model, capsys):
    """It rounds what it multiplies the 4-bit weights with: so greedy differs from engine to engine."""
    worst, same = farthest(model, engine(FILE))
    told(capsys, f"llama.cpp, as it comes: |Δ ln p| up to {worst:.2f}, the first 20 the same {same} times")
    assert 0.05 < worst < 2
    assert same < len(PROMPTS)


def test_greedy_text_of_llama_cpp_on_the_same_weights_is_ours(model, exact):
    for prompt in list(KINDS.values()):
        indices = model.encode(prompt)
        came = [entry["id"] for entry in exact(indices, temperature=0.0, n_predict=40)]
        z = model.logits([*indices, *came[:-1]])[len(indices) - 1 :]
        assert (z.max(axis=1) - z[np.arange(len(came)), came] <= 1e-2).all()


# The tokenizer


@pytest.fixture(scope="module")
def reference():
    """The tokenizer of the model as Hugging Face defines it: digits one by one, then byte-level BPE."""
    facts = {name: field.contents() for name, field in gguf.GGUFReader(FILE).fields.items()}
    merges = [tuple(merge.split(" ")) for merge in facts["tokenizer.ggml.merges"]]
    vocabulary = {token: i for i, token in enumerate(facts["tokenizer.ggml.tokens"])}
    made = tokenizers.Tokenizer(tokenizers.models.BPE(vocab=vocabulary, merges=merges))
    before = tokenizers.pre_tokenizers
    made.pre_tokenizer = before.Sequence(
        [before.Digits(individual_digits=True), before.ByteLevel(add_prefix_space=False)]
    )
    return made


def mixed_texts():
    """A megabyte: code and prose of the standard library, this book, and every letter of Unicode, seeded."""
    rng = random.Random(0)
    known = [
        chr(i)
        for i in range(sys.maxunicode + 1)
        if unicodedata.category(chr(i)) not in ("Cc", "Cn", "Cs", "Co")
    ]
    spaces = [" ", "  ", "\n", "\t", "\r\n", "\u00a0", "\u2003", "'s", "'", "7", "a", "Z", "_", "-", "²"]
    for _ in range(2000):
        yield "".join(rng.choice(known if rng.random() < 0.5 else spaces) for _ in range(100))
    files = [*sorted((ROOT / "book").glob("*.ipynb")), *sorted(ROOT.glob("*.md"))]
    files += sorted(Path(os.__file__).parent.glob("[a-m]*.py"))
    for file in files:
        yield file.read_text(encoding="utf-8")


def test_the_tokenizer_is_that_of_hugging_face(model, reference, capsys):
    size = tokens = apart = 0
    for text in mixed_texts():
        try:
            ours = model.encode(text)[1:].tolist()
        except ValueError:  # a byte without a token: theirs leaves it out without a word
            apart += 1
            continue
        assert ours == reference.encode(text, add_special_tokens=False).ids
        assert model.decode(ours) == text
        size, tokens = size + len(text.encode()), tokens + len(ours)
        if size > 1_500_000:
            break
    told(capsys, f"tokenizers: the same on {tokens:,} tokens, {size:,} bytes; {apart} texts held unknown bytes")
    assert size > 1_000_000


def test_a_byte_without_a_token_is_an_error_here_and_left_out_there(model, reference):
    assert reference.encode("a\x04b", add_special_tokens=False).ids == [
        *model.encode("a")[1:],
        *model.encode("b")[1:],
    ]
    with pytest.raises(ValueError, match="take it out"):
        model.encode("a\x04b")


def test_llama_cpp_cuts_texts_as_we_do(model, exact):
    """Given a text, it answers as it does given our indices; it puts no token first."""
    for text in [*PROMPTS, TEXTS["alice"]["text"], "In  2025, it's 17 % – naïve Привет 東京 m² ½\n\n  x"]:
        by_text, by_indices = first_twenty(exact, text), first_twenty(exact, model.encode(text)[1:])
        assert by_text == pytest.approx(by_indices, abs=1e-3)


# The draw, on real rows


def kept(z, setting):
    """Our rules, one after the other: float64, the probabilities that a draw has."""
    z = apply_temperature(z.astype(np.float64), setting["temperature"])
    z = top_k_filter(z, setting["top_k"]) if "top_k" in setting else z
    z = top_p_filter(z, setting["top_p"]) if "top_p" in setting else z
    z = min_p_filter(z, setting["min_p"]) if "min_p" in setting else z
    return softmax(z)


def same_source(ours, others, p):
    """How often two lists of draws from one distribution would differ by this much or more (chi-square).

    Tokens of which fewer than ten are to be expected in the shorter list are counted together.
    """
    common = np.flatnonzero(p * min(len(ours), len(others)) >= 10)
    tables = []
    for draws in (ours, others):
        counts = Counter(draws)
        row = [counts[i] for i in common.tolist()]
        tables.append([*row, len(draws) - sum(row)])
    table = np.array(tables, dtype=float)
    table = table[:, table.sum(axis=0) > 0]
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    return chi_square_tail(((table - expected) ** 2 / expected).sum(), table.shape[1] - 1)


def our_draws(z, setting, count):
    rng = np.random.default_rng(0)
    return [int(i) for _ in range(count // 100) for i in next_token(np.tile(z, (100, 1)), rng, **setting)]


SAMPLED = pytest.mark.parametrize("setting", SETTINGS, ids=str)
ON_ROWS = pytest.mark.parametrize("kind", KINDS)


@SAMPLED
@ON_ROWS
def test_draws_are_those_of_transformers(model, kind, setting):
    """10,000 on each side: its warpers, its multinomial. Were seeds new, each would fail 1 run in 10,000."""
    z = model.logits(model.encode(KINDS[kind]))[-1]
    scores = torch.from_numpy(z)[None]
    scores = steps.TemperatureLogitsWarper(setting["temperature"])(None, scores)
    scores = steps.TopKLogitsWarper(setting["top_k"])(None, scores) if "top_k" in setting else scores
    scores = steps.TopPLogitsWarper(setting["top_p"])(None, scores) if "top_p" in setting else scores
    scores = steps.MinPLogitsWarper(setting["min_p"])(None, scores) if "min_p" in setting else scores
    others = torch.softmax(scores, -1)
    p = kept(z, setting)
    differ = np.flatnonzero((p > 0) != (others[0].numpy() > 0))
    assert len(differ) <= 1  # it sums from the other end, in float32: a token at the border
    assert_allclose(np.delete(p, differ), np.delete(others[0].numpy(), differ), rtol=2e-4, atol=1e-8)
    drawn = torch.multinomial(others, 10_000, replacement=True, generator=torch.Generator().manual_seed(0))
    assert same_source(our_draws(z, setting, 10_000), drawn[0].tolist(), p) > 1e-4


@SAMPLED
@ON_ROWS
def test_draws_are_those_of_llama_cpp(model, exact, kind, setting):
    """10,000 of ours, 400 of its whole passes. Were seeds new, each would fail 1 run in 10,000.

    And what it says that it drew from: as many tokens as we keep, with our probabilities, to its rounding.
    """
    indices = model.encode(KINDS[kind])
    z = model.logits(indices)[-1]
    p = kept(z, setting)
    (answer,) = exact(indices, n_probs=30_000, post_sampling_probs=True, **setting)
    given = {entry["id"]: entry["prob"] for entry in answer["top_probs"] if entry["prob"] > 0}
    both = [i for i in given if p[i] > 0]
    assert abs(len(given) - np.count_nonzero(p)) <= 1 + np.count_nonzero(p) // 500
    assert len(both) >= len(given) - 1 - len(given) // 500
    assert_allclose([given[i] for i in both], p[both], rtol=0.02)
    answers = [exact(indices, seed=seed, **setting) for seed in range(1, 401)]
    others = [answer[0]["id"] if answer else min(model.ends) for answer in answers]
    assert same_source(our_draws(z, setting, 10_000), others, p) > 1e-4


def test_a_wrong_setting_would_be_noticed(model):
    """The same judge on draws at T = 1.1 for T = 1: it must be sure."""
    z = model.logits(model.encode(KINDS["middling"]))[-1]
    right, wrong = ({"temperature": t, "top_p": 0.9} for t in (1.0, 1.1))
    assert same_source(our_draws(z, right, 10_000), our_draws(z, wrong, 10_000), kept(z, right)) < 1e-9


# The reader


def test_a_small_file_is_read_through_the_real_reader(tmp_path):
    facts, weights = tiny()
    writer = gguf.GGUFWriter(tmp_path / "tiny.gguf", facts["general.architecture"])
    for name, value in facts.items():
        if name == "general.architecture":
            continue
        if isinstance(value, list):
            writer.add_array(name, value or ["a a"])
        elif isinstance(value, str):
            writer.add_string(name, value)
        elif isinstance(value, int):
            writer.add_uint32(name, value)
        else:
            writer.add_float32(name, value)
    for name, array in weights.items():
        writer.add_tensor(f"{name}.weight", array)
    written(writer)
    ours, read = Transformer(facts, weights), Transformer.load(tmp_path / "tiny.gguf")
    assert_array_equal(read.logits([0, 5, 9]), ours.logits([0, 5, 9]))
    assert read.tokens == ours.tokens
