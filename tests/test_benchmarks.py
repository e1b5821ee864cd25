"""The benchmark runs from end to end, checks its candidates and draws its plot; no time is judged."""

import importlib.util
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).parent.parent / "benchmarks" / "bench.py"


def test_a_short_run(monkeypatch, capsys, tmp_path):
    plot = tmp_path / "bench.svg"
    sizes = ["--sizes", "4500", "5000", "--batches", "1", "2", "--rounds", "1", "--plot", str(plot)]
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), *sizes])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    out = capsys.readouterr().out
    for call in ("softmax", "top_k_filter", "top_p_filter", "sample", "next_token, T=0.8, p=0.9", "read the"):
        assert sum(line.startswith(call) and "nexttoken" in line for line in out.splitlines()) == 8, call
    for name, module in {"SciPy": "scipy", "PyTorch": "torch", "llama.cpp": "llama_cpp"}.items():
        there = importlib.util.find_spec(module) is not None
        assert (f"skipped: {name}" in out) != there
        assert any(f" {name} " in line for line in out.splitlines()[1:]) == there
    assert "</svg>" in plot.read_text(encoding="utf-8")


def test_a_wrong_candidate_is_found():
    """A token kept that stands far below the border; one beside the border may be a matter of rounding."""
    agree = runpy.run_path(str(SCRIPT))["agree"]
    z = -np.arange(1000.0)[None]
    ours = z > -100
    agree(ours, z > -99, z)
    theirs = ours.copy()
    theirs[0, 500] = True
    with pytest.raises(AssertionError, match="1 tokens differ"):
        agree(ours, theirs, z)
