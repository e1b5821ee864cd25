"""The layers of the package: what each may import, how its code reads, and what every public name says."""

import ast
import inspect
import re
import sys
from pathlib import Path

import pytest

import nexttoken

HOME = Path(nexttoken.__file__).parent
LAYERS = ["checks", "probability", "sampling", "model", "transformer"]
LAYERS += ["svg", "plots", "frames", "explore", "quiz"]
FORMULAS = ["probability", "sampling"]
NUMBERS = ["checks", *FORMULAS, "model"]
FRONT = HOME / "__init__.py"
FILES = [FRONT, *sorted({*HOME.glob("**/*.py")} - {FRONT})]
OUTSIDE = {
    **{layer: {"numpy"} for layer in NUMBERS},
    "transformer": {"numpy", "gguf"},
    **{layer: {"numpy", "matplotlib"} for layer in ("svg", "plots")},
    **{layer: {"numpy", "matplotlib", "ipywidgets"} for layer in ("frames", "explore")},
    "quiz": {"numpy", "ipywidgets"},
    "exercises": {"numpy"},
}


def imported(source, package):
    """Return the dotted names that a file of ``package`` imports, wherever in the file it does so.

    ``from . import svg`` may name a module or what a module holds, so both readings of each name count.
    """
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
            module = ".".join([*base, *filter(None, [node.module])])
            names |= {f"{module}.{alias.name}" for alias in node.names}
    return names


def strangers(source, layer):
    """Return what a file imports that its layer may not use."""
    package = "nexttoken.exercises" if layer == "exercises" else "nexttoken"
    near = {*NUMBERS, "exercises"} if layer == "exercises" else set(LAYERS[: LAYERS.index(layer)])
    found = set()
    for name in imported(source, package):
        first, *rest = name.split(".")
        if first == "nexttoken":
            if not rest or rest[0] not in near:
                found.add(name)
        elif first not in OUTSIDE[layer] and first not in sys.stdlib_module_names:
            found.add(name)
    return found


def layer_of(file):
    return file.relative_to(HOME).with_suffix("").parts[0]


def calls(tree):
    return {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


def test_there_is_no_layer_without_a_name():
    layers = {layer_of(file) for file in FILES}
    assert layers == {*LAYERS, "exercises", "__init__"}


@pytest.mark.parametrize("file", FILES[1:], ids=lambda file: str(file.relative_to(HOME)))
def test_a_file_imports_only_from_layers_to_its_left(file):
    """All but ``__init__``, which imports every layer."""
    assert strangers(file.read_text(encoding="utf-8"), layer_of(file)) == set()


@pytest.mark.parametrize(
    ("source", "layer", "found"),
    [
        ("from .sampling import greedy", "probability", {"nexttoken.sampling.greedy"}),
        ("from . import model", "sampling", {"nexttoken.model"}),
        ("from .sampling import sample", "checks", {"nexttoken.sampling.sample"}),
        ("from nexttoken import softmax", "sampling", {"nexttoken.softmax"}),
        ("import nexttoken", "model", {"nexttoken"}),
        ("import nexttoken.plots as p", "model", {"nexttoken.plots"}),
        ("def f():\n    from .explore import explore", "frames", {"nexttoken.explore.explore"}),
        ("import matplotlib.pyplot as plt", "model", {"matplotlib.pyplot"}),
        ("if True:\n    import scipy.special, os", "probability", {"scipy.special"}),
        ("from ipywidgets import Widget", "plots", {"ipywidgets.Widget"}),
        ("from ..plots import bars", "exercises", {"nexttoken.plots.bars"}),
        ("from .probability import softmax", "probability", {"nexttoken.probability.softmax"}),
        ("from .. import conftest", "exercises", {"nexttoken.conftest"}),
        ("from .probability import softmax\nimport re\nimport numpy as np", "sampling", set()),
        ("from . import probability\nfrom nexttoken.svg import alt", "plots", set()),
        ("from matplotlib.figure import Figure\nimport ipywidgets", "frames", set()),
        ("from . import exercise\nfrom ..model import generate", "exercises", set()),
    ],
)
def test_the_reader_of_imports_sees_what_is_wrong(source, layer, found):
    assert strangers(source, layer) == found


@pytest.mark.parametrize("layer", FORMULAS)
def test_a_formula_reads_straight_down(layer):
    """A public body has at most ten lines after its docstring, and nothing that a chapter would not write."""
    source = (HOME / f"{layer}.py").read_text(encoding="utf-8")
    tree = ast.parse(source)
    for f in tree.body:
        if isinstance(f, ast.FunctionDef) and not f.name.startswith("_"):
            assert f.end_lineno - f.body[0].end_lineno <= 10, f.name
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Lambda)]
    assert {name.split(".")[-1] for name in calls(tree)} & {"partial", "reshape", "swapaxes", "einsum"} == set()


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(HOME)))
def test_one_step_a_line(file):
    """No conditional inside another, no text times a truth value, no two results unpacked to save a line."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        line = getattr(node, "lineno", None)
        if isinstance(node, ast.IfExp):
            assert not [part for part in ast.walk(node) if isinstance(part, ast.IfExp) and part is not node], (
                line
            )
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            texts = [
                side for side in (node.left, node.right) if isinstance(side, (ast.JoinedStr, ast.Constant))
            ]
            assert not [text for text in texts if isinstance(getattr(text, "value", ""), str)], line
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple):
            assert not isinstance(node.value, ast.Tuple), line


@pytest.mark.parametrize("layer", [*LAYERS, "exercises/__init__"])
def test_every_file_says_what_it_is_for(layer):
    assert ast.get_docstring(ast.parse((HOME / f"{layer}.py").read_text(encoding="utf-8")))


@pytest.mark.parametrize("layer", [*NUMBERS, "transformer", "svg", "plots"])
def test_numbers_in_numbers_out(layer):
    """Nothing is printed, no file is opened, nothing draws from a global source; no user meets an assert."""
    tree = ast.parse((HOME / f"{layer}.py").read_text(encoding="utf-8"))
    assert calls(tree) & {"print", "input", "open", "exec", "eval"} == set()
    chance = {
        name.split(".random.", 1)[1] for name in calls(tree) if name.startswith(("np.random.", "numpy.random."))
    }
    assert chance <= {"default_rng"}
    assert not [node for node in ast.walk(tree) if isinstance(node, (ast.Assert, ast.Global))]


def test_only_the_corpus_the_weights_and_the_recording_are_read_from_a_file():
    expected = {"model": {"load_corpus"}, "transformer": {"load", "_recorded"}}
    for layer in [*NUMBERS, "transformer"]:
        tree = ast.parse((HOME / f"{layer}.py").read_text(encoding="utf-8"))
        readers = {
            f.name
            for f in ast.walk(tree)
            if isinstance(f, ast.FunctionDef) and any(re.search("read_|load|Reader", name) for name in calls(f))
        }
        assert readers == expected.get(layer, set())


def test_public_names_are_sorted_distinct_and_there():
    names = nexttoken.__all__
    assert names == sorted(set(names))
    for name in names:
        assert hasattr(nexttoken, name), name
    promised = {
        *("softmax", "log_softmax", "entropy", "apply_temperature", "top_k_filter", "top_p_filter"),
        *(
            "min_p_filter",
            "greedy",
            "sample",
            "next_token",
            "Vocabulary",
            "BigramModel",
            "generate",
            "plots",
            "explore",
            "Transformer",
            "load_rows",
        ),
    }
    assert promised <= set(names)


@pytest.mark.parametrize("name", nexttoken.__all__)
def test_every_public_name_has_a_docstring_with_an_example(name):
    """A module's examples are those of its functions; here, that each of them is described."""
    thing = getattr(nexttoken, name)
    if inspect.ismodule(thing):
        functions = [
            f for f in vars(thing).values() if inspect.isfunction(f) and f.__module__ == thing.__name__
        ]
        for f in functions:
            if not f.__name__.startswith("_"):
                assert inspect.getdoc(f), f.__name__
        assert inspect.getdoc(thing)
    else:
        assert ">>> " in inspect.getdoc(thing)


@pytest.mark.parametrize("name", ["BigramModel", "Transformer", "Vocabulary"])
def test_every_public_method_has_a_docstring(name):
    cls = getattr(nexttoken, name)
    for method in vars(cls).values():
        f = getattr(method, "__func__", method)
        if inspect.isfunction(f) and not f.__name__.startswith("_"):
            assert f.__doc__, f.__name__


def test_signatures_are_those_that_were_promised():
    promised = {
        "softmax": "(logits, axis=-1)",
        "log_softmax": "(logits, axis=-1)",
        "entropy": "(probs, axis=-1)",
        "apply_temperature": "(logits, temperature)",
        "top_k_filter": "(logits, k)",
        "top_p_filter": "(logits, p)",
        "min_p_filter": "(logits, p)",
        "greedy": "(logits)",
        "sample": "(probs, rng, size=None)",
        "next_token": "(logits, rng, *, temperature=1.0, top_k=None, top_p=None, min_p=None)",
    }
    for name, text in promised.items():
        signature = inspect.signature(getattr(nexttoken, name))
        bare = [p.replace(annotation=inspect.Parameter.empty) for p in signature.parameters.values()]
        assert str(inspect.Signature(bare)) == text, name
