"""The smallest language model that deserves the name: token → embedding → logits.

It reads one token and scores every token that may follow (Bengio et al. 2003, without the hidden layer).
Two matrices hold all it knows, and plain gradient descent finds them.
"""

import difflib
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from importlib.resources import files
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from .checks import Floats, Indices, as_finite, as_indices, as_number, as_whole
from .probability import log_softmax, softmax

END = "."
JOINERS = "\u200c\u200d"  # invisible: how the letters on both sides are drawn


class UnknownToken(KeyError, ValueError):
    """A token that the vocabulary does not hold."""

    def __str__(self) -> str:
        return str(self.args[0])


def load_corpus() -> list[str]:
    """Return the sentences that the book's model learns from.

    >>> load_corpus()[0]
    'A brown cat sleeps on an old fence.'
    """
    return files("nexttoken").joinpath("corpus.txt").read_text(encoding="utf-8").splitlines()


def tokenize(text: str) -> list[str]:
    """Split a text into lower-case words and full stops; all else, commas too, is dropped.

    Accents and vowel signs belong to the letter before them, and the two ways to write "é", as one
    character or as two, come out as one (Unicode's normal form C).

    >>> tokenize("The fox, cat and dog sleep.")
    ['the', 'fox', 'cat', 'and', 'dog', 'sleep', '.']
    """
    if not isinstance(text, str):
        raise TypeError(f"text must be a string, not {text!r:.60}")
    text = unicodedata.normalize("NFC", text).lower()
    marks = "".join({c for c in text if unicodedata.category(c).startswith("M")})
    return re.findall(rf"(?:[^\W\d_][{JOINERS}{marks}]*)+|\.", text)


class Vocabulary:
    """The tokens a model knows, each once, numbered from 0 in alphabetical order (in Unicode's normal form C).

    >>> vocabulary = Vocabulary(["fox", "dog", "fox"])
    >>> len(vocabulary), vocabulary["fox"], vocabulary.tokens
    (2, 1, ['dog', 'fox'])
    """

    def __init__(self, tokens: Iterable[str]) -> None:
        tokens = list(tokens)
        for token in tokens:
            if not isinstance(token, str):
                raise TypeError(f"tokens must be strings, not {token!r:.60}")
        self.tokens = sorted({unicodedata.normalize("NFC", token) for token in tokens})
        if not self.tokens:
            raise ValueError("tokens is empty: a vocabulary needs at least one token")
        self._index = {token: i for i, token in enumerate(self.tokens)}

    def __len__(self) -> int:
        return len(self.tokens)

    def __iter__(self) -> Iterator[str]:
        return iter(self.tokens)

    def __contains__(self, token: object) -> bool:
        return isinstance(token, str) and unicodedata.normalize("NFC", token) in self._index

    def __getitem__(self, token: str) -> int:
        """Return the index of a token; the error for an unknown one names the nearest known."""
        if token not in self:
            near = difflib.get_close_matches(str(token).lower(), self.tokens, n=3, cutoff=0)
            known = f"the nearest tokens are {', '.join(near)}"
            raise UnknownToken(f"{token!r:.60} is not in the vocabulary; {known}")
        return self._index[unicodedata.normalize("NFC", token)]

    def encode(self, text: str) -> Indices:
        """Return the indices of the tokens of a text, shape (number of tokens,)."""
        return np.array([self[token] for token in tokenize(text)], dtype=np.intp)

    def decode(self, indices: ArrayLike) -> str:
        """Return the tokens with spaces between them; a full stop stands close to its word.

        ``indices`` is one index or an array of them, each from 0 to V - 1, or it is an error.
        """
        found = as_indices(indices, "indices", len(self))
        return " ".join(self.tokens[i] for i in found.flat).replace(f" {END}", END)


def count_pairs(vocabulary: Vocabulary, text: str) -> Floats:
    """Return how often token j came right after token i in a text, shape (V, V).

    >>> count_pairs(Vocabulary("ab"), "a b a b b")
    array([[0., 2.],
           [1., 1.]])
    """
    indices = vocabulary.encode(text)
    if len(indices) < 2:
        raise ValueError(f"text={text!r:.60} holds no pair of tokens: give at least two words")
    counts = np.zeros((len(vocabulary), len(vocabulary)))
    np.add.at(counts, (indices[:-1], indices[1:]), 1)
    return counts


class BigramModel:
    r"""Scores the next token from the present one: :math:`z = e_\text{token} U`.

    Parameters
    ----------
    vocabulary : Vocabulary of V tokens
    embedding : array, shape (V, d)
        Row i, :math:`e_i`, is what the model knows of token i when it is the one just read.
    output : array, shape (d, V)
        U; column j is what the model looks for when it scores token j as the next one. Both matrices are
        finite; float32 stays, all else becomes float64.

    Examples
    --------
    >>> model = BigramModel.train(load_corpus())
    >>> best = np.argsort(-model.logits(model.vocabulary["fox"]))[:3]
    >>> model.vocabulary.decode(best)
    'jumps cat dog'
    """

    def __init__(self, vocabulary: Vocabulary, embedding: ArrayLike, output: ArrayLike) -> None:
        if not isinstance(vocabulary, Vocabulary):
            raise TypeError(f"vocabulary must be a Vocabulary, not {vocabulary!r:.60}: use Vocabulary(tokens)")
        self.vocabulary = vocabulary
        self.embedding = as_finite(embedding, "embedding")
        self.output = as_finite(output, "output")
        shape = self.embedding.shape
        if len(shape) != 2 or shape[0] != len(vocabulary) or self.output.shape != shape[::-1]:
            found = f"embedding has shape {shape} and output {self.output.shape}"
            raise ValueError(f"{found}: give (V, d) and (d, V), where V is {len(vocabulary)} tokens")

    @property
    def tokens(self) -> list[str]:
        """The V tokens of the vocabulary."""
        return self.vocabulary.tokens

    @property
    def ends(self) -> frozenset[int]:
        """The index at which a walk ends, that of the full stop, if the vocabulary has one."""
        return frozenset(i for i, token in enumerate(self.tokens) if token == END)

    def encode(self, text: str) -> Indices:
        """Return the indices of the tokens of a text, as :meth:`Vocabulary.encode` does."""
        return self.vocabulary.encode(text)

    def decode(self, indices: ArrayLike) -> str:
        """Return the text of tokens, as :meth:`Vocabulary.decode` does."""
        return self.vocabulary.decode(indices)

    def logits(self, token: ArrayLike, cache: list[Any] | None = None) -> Floats:
        """Return one logit per token that may follow: shape (...) of indices in, (..., V) out.

        Each looks at its own token alone, so there is nothing to keep in a ``cache``.
        """
        return self.embedding[as_indices(token, "token", len(self.vocabulary))] @ self.output

    def loss_and_gradients(self, counts: ArrayLike) -> tuple[float, Floats, Floats]:
        r"""Return the mean cross-entropy of a text, in nats a token, and its gradient for each matrix.

        A pair of tokens (i, j) pulls the logits of row i by :math:`p_i - y`, where y is 1 at j and 0
        elsewhere. Over N pairs, of which :math:`n_i` start at i and go on in shares :math:`y_i`:

        .. math:: \frac{\partial L}{\partial z_i} = \frac{n_i}{N} (p_i - y_i), \quad
                  \frac{\partial L}{\partial e_i} = \frac{\partial L}{\partial z_i} U^\top, \quad
                  \frac{\partial L}{\partial U} = \sum_i e_i^\top \frac{\partial L}{\partial z_i}

        ``counts`` is what :func:`count_pairs` returns, and holds one pair at least; the gradients have the
        shapes of their matrices.
        """
        counts = as_finite(counts, "counts")
        size = len(self.vocabulary)
        if counts.shape != (size, size):
            raise ValueError(f"counts has shape {counts.shape}: give {(size, size)}, as count_pairs does")
        if counts.min() < 0:
            raise ValueError(f"counts holds {counts.min()}: a pair comes 0 times or more")
        with np.errstate(over="ignore"):
            total = counts.sum()
        if total == np.inf:
            raise ValueError("counts sums to infinity: divide by a constant first")
        if total == 0:
            raise ValueError("counts holds no pair: count those of a text of two tokens or more")
        with np.errstate(over="ignore", invalid="ignore"):
            z = self.embedding @ self.output
        if not np.isfinite(z).all():
            raise ValueError("embedding @ output is too large for floats: train with a smaller learning_rate")
        error = (counts.sum(axis=1, keepdims=True) * softmax(z) - counts) / total
        seen = counts > 0  # where a pair never comes, even an infinite surprise counts nothing
        loss = -(counts[seen] * log_softmax(z)[seen]).sum() / total
        return float(loss), error @ self.output.T, self.embedding.T @ error

    @classmethod
    def train(
        cls, corpus: Iterable[str], *, dim: int = 8, steps: int = 500, learning_rate: float = 2.0, seed: int = 0
    ) -> "BigramModel":
        """Fit both matrices to the pairs of neighbours in a list of sentences by gradient descent.

        ``dim`` is d, 1 or more; ``steps`` how many steps to go down the gradient, ``learning_rate`` how long
        each is, and ``seed`` that of the small random numbers to start from, each of them 0 or more. Same
        seed, same model.
        """
        if isinstance(corpus, str):
            raise TypeError(f"corpus must be a list of sentences, not one string: {corpus!r:.60}")
        learning_rate = as_number(learning_rate, "learning_rate")
        if not 0 <= learning_rate < np.inf:
            raise ValueError(f"learning_rate={learning_rate!r} must be finite and 0 or more")
        text = f"{END} {' '.join(corpus)}"  # each sentence begins after the full stop of the one before
        vocabulary = Vocabulary(tokenize(text))
        counts = count_pairs(vocabulary, text)
        shape = (len(vocabulary), as_whole(dim, "dim", 1))
        rng = np.random.default_rng(as_whole(seed, "seed", 0))
        model = cls(vocabulary, rng.normal(0, 0.1, shape), rng.normal(0, 0.1, shape[::-1]))
        for _ in range(as_whole(steps, "steps", 0)):
            _, embedding_gradient, output_gradient = model.loss_and_gradients(counts)
            model.embedding -= learning_rate * embedding_gradient
            model.output -= learning_rate * output_gradient
        return model


class LanguageModel(Protocol):
    """What :func:`generate` asks of a model: texts to indices and back, logits, and where texts end."""

    @property
    def tokens(self) -> list[str]: ...
    @property
    def ends(self) -> frozenset[int]: ...
    def encode(self, text: str) -> Indices: ...
    def decode(self, indices: ArrayLike) -> str: ...
    def logits(self, indices: ArrayLike, /, cache: list[Any] | None = None) -> Floats: ...


def generate(
    model: LanguageModel, prompt: str, choose: Callable[[Floats], int | Indices], max_tokens: int = 12
) -> str:
    """Walk from a prompt, one token at a time, until a token that ends texts or ``max_tokens`` new tokens.

    ``model`` is a :class:`BigramModel`, which reads the last word of the prompt and ends at a full stop, or a
    :class:`nexttoken.transformer.Transformer`. ``choose`` takes logits of shape (V,) and returns one index
    from 0 to V - 1, or it is an error: `greedy`, or ``lambda z: next_token(z, rng, top_k=3)``.

    >>> model = BigramModel.train(load_corpus())
    >>> generate(model, "fox", lambda z: z.argmax(), max_tokens=2)
    'fox jumps over'
    """
    walk = list(model.encode(prompt))
    if not walk:
        raise ValueError(f"prompt={prompt!r} holds no word: start with a token, such as 'fox'")
    new = walk  # what the model has not read yet
    cache: list[Any] = []  # what it keeps of the rest
    for _ in range(as_whole(max_tokens, "max_tokens", 0)):
        z = model.logits(new, cache)[-1]
        chosen = as_indices(choose(z), "choose(logits)", len(model.tokens))
        if chosen.ndim != 0:
            raise TypeError(f"choose(logits)={chosen!r:.60} must be one index, not an array of them")
        new = [int(chosen)]
        walk = walk + new
        if walk[-1] in model.ends:
            break
    return model.decode(walk)
