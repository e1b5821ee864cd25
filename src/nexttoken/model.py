"""The smallest language model that deserves the name: token → embedding → logits.

It reads one token and scores every token that may follow (Bengio et al. 2003, without the hidden layer).
Two matrices hold all it knows, and plain gradient descent finds them.
"""

import difflib
import re
from collections.abc import Callable, Iterable
from importlib.resources import files

import numpy as np
from numpy.typing import ArrayLike

from .probability import Floats, Indices, log_softmax, softmax

END = "."


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

    >>> tokenize("The fox, cat and dog sleep.")
    ['the', 'fox', 'cat', 'and', 'dog', 'sleep', '.']
    """
    if not isinstance(text, str):
        raise TypeError(f"text must be a string, not {text!r:.60}")
    return re.findall(r"[^\W\d_]+|\.", text.lower())


class Vocabulary:
    """The tokens a model knows, each once, numbered from 0 in alphabetical order.

    >>> vocabulary = Vocabulary(["fox", "dog", "fox"])
    >>> len(vocabulary), vocabulary["fox"], vocabulary.tokens
    (2, 1, ['dog', 'fox'])
    """

    def __init__(self, tokens: Iterable[str]) -> None:
        self.tokens = sorted(set(tokens))
        if not self.tokens:
            raise ValueError("tokens is empty: a vocabulary needs at least one token")
        self._index = {token: i for i, token in enumerate(self.tokens)}

    def __len__(self) -> int:
        return len(self.tokens)

    def __getitem__(self, token: str) -> int:
        """Return the index of a token; the error for an unknown one names the nearest known."""
        if token not in self.tokens:
            near = difflib.get_close_matches(str(token).lower(), self.tokens, n=3, cutoff=0)
            raise UnknownToken(f"{token!r} is not in the vocabulary; the nearest tokens are {', '.join(near)}")
        return self._index[token]

    def encode(self, text: str) -> Indices:
        """Return the indices of the tokens of a text, shape (number of tokens,)."""
        return np.array([self[token] for token in tokenize(text)], dtype=np.intp)

    def decode(self, indices: ArrayLike) -> str:
        """Return the tokens with spaces between them; a full stop stands close to its word."""
        return " ".join(self.tokens[i] for i in np.ravel(indices)).replace(f" {END}", END)


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
        U; column j is what the model looks for when it scores token j as the next one.

    Examples
    --------
    >>> model = BigramModel.train(load_corpus())
    >>> best = np.argsort(-model.logits(model.vocabulary["fox"]))[:3]
    >>> model.vocabulary.decode(best)
    'jumps cat dog'
    """

    def __init__(self, vocabulary: Vocabulary, embedding: Floats, output: Floats) -> None:
        (size, *dim), shape = np.shape(embedding), np.shape(output)
        if len(dim) != 1 or shape != (dim[0], size) or size != len(vocabulary):
            found = f"embedding has shape {np.shape(embedding)} and output {shape}"
            raise ValueError(f"{found}: give (V, d) and (d, V), where V is {len(vocabulary)} tokens")
        self.vocabulary, self.embedding, self.output = vocabulary, embedding, output

    def logits(self, token: ArrayLike) -> Floats:
        """Return one logit per token that may follow: shape (...) of indices in, (..., V) out."""
        index, size = np.asarray(token), len(self.vocabulary)
        if index.dtype.kind not in "iu":
            raise TypeError(f"token must be an index, not {token!r:.60}: use vocabulary[word]")
        if not ((index >= 0) & (index < size)).all():
            raise ValueError(f"token={token!r:.60} is no index below {size}: use vocabulary[word]")
        return self.embedding[index] @ self.output

    def loss_and_gradients(self, counts: ArrayLike) -> tuple[float, Floats, Floats]:
        r"""Return the mean cross-entropy of a text, in nats a token, and its gradient for each matrix.

        A pair of tokens (i, j) pulls the logits of row i by :math:`p_i - y`, where y is 1 at j and 0
        elsewhere. Over N pairs, of which :math:`n_i` start at i and go on in shares :math:`y_i`:

        .. math:: \frac{\partial L}{\partial z_i} = \frac{n_i}{N} (p_i - y_i), \quad
                  \frac{\partial L}{\partial e_i} = \frac{\partial L}{\partial z_i} U^\top, \quad
                  \frac{\partial L}{\partial U} = \sum_i e_i^\top \frac{\partial L}{\partial z_i}

        ``counts`` is what :func:`count_pairs` returns; the gradients have the shapes of their matrices.
        """
        counts = np.asarray(counts)
        z = self.embedding @ self.output
        error = (counts.sum(axis=1, keepdims=True) * softmax(z) - counts) / counts.sum()
        loss = -(counts * log_softmax(z)).sum() / counts.sum()
        return float(loss), error @ self.output.T, self.embedding.T @ error

    @classmethod
    def train(
        cls, corpus: Iterable[str], *, dim: int = 8, steps: int = 500, learning_rate: float = 2.0, seed: int = 0
    ) -> "BigramModel":
        """Fit both matrices to the pairs of neighbours in a list of sentences by gradient descent.

        ``dim`` is d, ``steps`` how many steps to go down the gradient, ``learning_rate`` how long each is, and
        ``seed`` that of the small random numbers to start from. Same seed, same model.
        """
        if isinstance(corpus, str):
            raise TypeError(f"corpus must be a list of sentences, not one string: {corpus!r:.60}")
        text = f"{END} {' '.join(corpus)}"  # each sentence begins after the full stop of the one before
        vocabulary, rng = Vocabulary(tokenize(text)), np.random.default_rng(seed)
        counts, shape = count_pairs(vocabulary, text), (len(vocabulary), dim)
        model = cls(vocabulary, rng.normal(0, 0.1, shape), rng.normal(0, 0.1, shape[::-1]))
        for _ in range(steps):
            _, embedding_gradient, output_gradient = model.loss_and_gradients(counts)
            model.embedding -= learning_rate * embedding_gradient
            model.output -= learning_rate * output_gradient
        return model


def generate(
    model: BigramModel, prompt: str, choose: Callable[[Floats], int | Indices], max_tokens: int = 12
) -> str:
    """Walk from a prompt, one token at a time, until a full stop or ``max_tokens`` new tokens.

    ``prompt`` has one known word or more, of which the model reads the last. ``choose`` takes logits of
    shape (V,) and returns an index: `greedy`, or ``lambda z: next_token(z, rng, top_k=3)``.

    >>> model = BigramModel.train(load_corpus())
    >>> generate(model, "fox", lambda z: z.argmax(), max_tokens=2)
    'fox jumps over'
    """
    walk = list(model.vocabulary.encode(prompt))
    if not walk:
        raise ValueError(f"prompt={prompt!r} holds no word: start with a token, such as 'fox'")
    if not max_tokens >= 0:
        raise ValueError(f"max_tokens={max_tokens!r} must be 0 or more")
    for _ in range(max_tokens):
        walk.append(int(choose(model.logits(walk[-1]))))
        if model.vocabulary.tokens[walk[-1]] == END:
            break
    return model.vocabulary.decode(walk)
