"""How a language model chooses its next word: logits, softmax, temperature, sampling.

The layers, each of which imports only from those before it: ``checks``, ``probability``, ``sampling``,
``model``, ``transformer``, ``svg``, ``plots``, ``frames``, ``explore``, ``quiz``; and ``exercises``, which
checks what a reader has built.
"""

from . import plots
from .explore import explore
from .model import BigramModel, Vocabulary, count_pairs, generate, load_corpus, tokenize
from .probability import cross_entropy, entropy, log_softmax, softmax
from .quiz import quiz
from .sampling import apply_temperature, greedy, min_p_filter, next_token, sample, top_k_filter, top_p_filter
from .transformer import Transformer, load_rows, load_series, load_walks

__version__ = "0.1.0"

__all__ = [
    "BigramModel",
    "Transformer",
    "Vocabulary",
    "apply_temperature",
    "count_pairs",
    "cross_entropy",
    "entropy",
    "explore",
    "generate",
    "greedy",
    "load_corpus",
    "load_rows",
    "load_series",
    "load_walks",
    "log_softmax",
    "min_p_filter",
    "next_token",
    "plots",
    "quiz",
    "sample",
    "softmax",
    "tokenize",
    "top_k_filter",
    "top_p_filter",
]
