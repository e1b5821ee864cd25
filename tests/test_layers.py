"""The rooms of the house: what each may import, how large the heart is, and what every public name says."""

import ast
import importlib
import inspect
import sys
from pathlib import Path

import pytest

import nexttoken

HOME = Path(nexttoken.__file__).parent
LADDER = ["probability", "shortcuts", "sampling", "model", "svg", "plots", "frames", "explore", "quiz"]
HEART = ["probability", "sampling", "model"]
FRONT_DOOR = HOME / "__init__.py"
FILES = [FRONT_DOOR, *sorted({*HOME.glob("**/*.py")} - {FRONT_DOOR})]
OUTSIDE = {
    **{room: {"numpy"} for room in (*HEART, "shortcuts")},
    **{room: {"numpy", "matplotlib"} for room in ("svg", "plots")},
    **{room: {"numpy", "matplotlib", "ipywidgets"} for room in ("frames", "explore")},
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


def strangers(source, room):
    """Return what a file imports that its room may not use."""
    package = "nexttoken.exercises" if room == "exercises" else "nexttoken"
    near = {*HEART, "exercises"} if room == "exercises" else set(LADDER[: LADDER.index(room)])
    found = set()
    for name in imported(source, package):
        first, *rest = name.split(".")
        if first == "nexttoken":
            if not rest or rest[0] not in near:
                found.add(name)
        elif first not in OUTSIDE[room] and first not in sys.stdlib_module_names:
            found.add(name)
    return found


def room_of(file):
    return file.relative_to(HOME).with_suffix("").parts[0]


def calls(tree):
    return {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


def test_there_is_no_room_without_a_name():
    rooms = {room_of(file) for file in FILES}
    assert rooms == {*LADDER, "exercises", "__init__"}


@pytest.mark.parametrize("file", FILES[1:], ids=lambda file: str(file.relative_to(HOME)))
def test_a_file_imports_only_from_rooms_to_its_left(file):
    """All but the front door, ``__init__``, which opens to every room."""
    assert strangers(file.read_text(encoding="utf-8"), room_of(file)) == set()


@pytest.mark.parametrize(
    ("source", "room", "found"),
    [
        ("from .sampling import greedy", "probability", {"nexttoken.sampling.greedy"}),
        ("from . import model", "sampling", {"nexttoken.model"}),
        ("from .sampling import sample", "shortcuts", {"nexttoken.sampling.sample"}),
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
def test_the_reader_of_imports_sees_what_is_wrong(source, room, found):
    assert strangers(source, room) == found


def test_the_heart_can_be_read_in_one_sitting():
    """Lines with something on them, docstrings and comments too."""
    lines = [
        line for room in HEART for line in (HOME / f"{room}.py").read_text("utf-8").splitlines() if line.strip()
    ]
    assert len(lines) < 480


@pytest.mark.parametrize("room", [*LADDER, "exercises/__init__"])
def test_every_file_says_what_it_is_for(room):
    assert ast.get_docstring(ast.parse((HOME / f"{room}.py").read_text(encoding="utf-8")))


@pytest.mark.parametrize("room", [*HEART, "shortcuts", "svg", "plots"])
def test_numbers_in_numbers_out(room):
    """Nothing is printed, no file is opened, nothing draws from a global source; no user meets an assert."""
    tree = ast.parse((HOME / f"{room}.py").read_text(encoding="utf-8"))
    assert calls(tree) & {"print", "input", "open", "exec", "eval"} == set()
    chance = {
        name.split(".random.", 1)[1] for name in calls(tree) if name.startswith(("np.random.", "numpy.random."))
    }
    assert chance <= {"default_rng"}
    assert not [node for node in ast.walk(tree) if isinstance(node, (ast.Assert, ast.Global))]


def test_only_the_corpus_is_read_from_a_file():
    for room in HEART:
        tree = ast.parse((HOME / f"{room}.py").read_text(encoding="utf-8"))
        readers = {
            f.name
            for f in ast.walk(tree)
            if isinstance(f, ast.FunctionDef) and any("read_" in name or "load" in name for name in calls(f))
        }
        assert readers == ({"load_corpus"} if room == "model" else set())


def test_public_names_are_sorted_distinct_and_there():
    names = nexttoken.__all__
    assert names == sorted(set(names))
    for name in names:
        assert hasattr(nexttoken, name), name
    promised = {
        *("softmax", "log_softmax", "entropy", "apply_temperature", "top_k_filter", "top_p_filter"),
        *("greedy", "sample", "next_token", "Vocabulary", "BigramModel", "generate", "plots", "explore"),
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


@pytest.mark.parametrize("name", ["BigramModel", "Vocabulary"])
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
        "greedy": "(logits)",
        "sample": "(probs, rng, size=None)",
        "next_token": "(logits, rng, *, temperature=1.0, top_k=None, top_p=None)",
    }
    for name, text in promised.items():
        signature = inspect.signature(getattr(nexttoken, name))
        bare = [p.replace(annotation=inspect.Parameter.empty) for p in signature.parameters.values()]
        assert str(inspect.Signature(bare)) == text, name


def test_all_rooms_can_be_entered():
    for room in [*LADDER, "exercises"]:
        importlib.import_module(f"nexttoken.{room}")
