"""The benchmark runs from end to end and checks its candidates; no time is judged."""

import importlib.util
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).parent.parent / "benchmarks" / "bench.py"


def test_a_short_run(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), "--sizes", "60", "5000", "--rounds", "1"])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    out = capsys.readouterr().out
    for call in ("softmax", "top_k_filter", "top_p_filter", "sample", "next_token, T=0.8, p=0.9"):
        assert sum(line.startswith(call) for line in out.splitlines()) == 4, call
    for name, module in {"SciPy": "scipy", "PyTorch": "torch", "llama.cpp": "llama_cpp"}.items():
        there = importlib.util.find_spec(module) is not None
        assert (f"skipped: {name}" in out) != there
        assert (f" {name} " in out.split("\n\n", 1)[1]) == there


def test_a_wrong_candidate_is_found():
    """A token kept that stands far below the border; one beside the border may be a matter of rounding."""
    agree = runpy.run_path(str(SCRIPT))["agree"]
    z = -np.arange(1000.0)
    ours = z > -100
    agree(ours, z > -99, z)
    theirs = ours.copy()
    theirs[500] = True
    with pytest.raises(AssertionError, match="1 tokens differ"):
        agree(ours, theirs, z)
