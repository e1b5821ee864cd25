"""Time the package at the size of real vocabularies, beside what others use.

``make bench`` runs it in one thread. Every candidate is first checked to give the right answer; then all
candidates of a call are timed in turns, round after round, so that a slow moment of the machine meets
them all. A peer that is not installed is named and left out. The output is a table, and a plot as SVG.
"""

import argparse
import importlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nexttoken import apply_temperature, next_token, plots, sample, softmax, top_k_filter, top_p_filter

SIZES = (50_257, 128_256, 262_144)
SPREADS = {"peaked": 3.9, "flat": 1.0}  # standard deviation of Gaussian logits; 3.9 is GPT-2's
T, K, P = 0.8, 50, 0.9
PEERS = {
    "SciPy": "scipy.special",
    "PyTorch": "torch",
    "Transformers": "transformers",
    "llama.cpp": "llama_cpp",
}

Call = Callable[[], Any]


def load() -> dict[str, Any]:
    """Return the peers that are here, and say which are not."""
    here = {}
    for name, module in PEERS.items():
        try:
            here[name] = importlib.import_module(module)
        except ImportError as error:
            print(f"skipped: {name}, for {error}")
    if "PyTorch" in here:
        here["PyTorch"].set_num_threads(1)
    else:
        here.pop("Transformers", None)
    if "Transformers" in here:
        here["Transformers"] = importlib.import_module("transformers.generation.logits_process")
    return here


class LlamaChain:
    """llama.cpp's chain of samplers over its own array of (id, logit, p), filled anew for every row.

    In the order that costs it least and gives the same distribution: top-k first, then temperature and top-p.
    """

    ROW = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])

    def __init__(self, api: Any, z: np.ndarray, k: int | None, p: float) -> None:
        self.api = api
        self.chain = api.llama_sampler_chain_init(api.llama_sampler_chain_default_params())
        first = [] if k is None else [api.llama_sampler_init_top_k(k)]
        for step in [
            *first,
            api.llama_sampler_init_temp(T),
            api.llama_sampler_init_top_p(p, 1),
            api.llama_sampler_init_dist(0),
        ]:
            api.llama_sampler_chain_add(self.chain, step)
        self.full = np.zeros(z.shape, self.ROW)
        self.full["id"], self.full["logit"] = np.arange(z.shape[-1]), z
        self.work = np.empty(z.shape[-1], self.ROW)

    def draw(self, row: int) -> tuple[int, set[int]]:
        """Return the token drawn and all that could have been."""
        array = self.apply(row)
        kept = {array.data[i].id for i in range(array.size)}
        return array.data[array.selected].id, kept

    def apply(self, row: int) -> Any:
        self.work[:] = self.full[row]
        data = self.work.ctypes.data_as(self.api.llama_token_data_p)
        array = self.api.llama_token_data_array(data, len(self.work), -1, False)
        self.api.llama_sampler_apply(self.chain, array)
        return array

    def __call__(self) -> list[int]:
        arrays = (self.apply(row) for row in range(len(self.full)))
        return [array.data[array.selected].id for array in arrays]

    def __del__(self) -> None:
        self.api.llama_sampler_free(self.chain)


def agree(kept: np.ndarray, reference: np.ndarray, z: np.ndarray) -> None:
    """The same tokens, but for neighbours on the border that a float32 sum of the peer decides otherwise."""
    for ours, theirs, row in zip(kept, reference, z, strict=True):
        apart = np.flatnonzero(ours != theirs)
        order = np.argsort(-row, kind="stable")
        rank = np.empty(len(row), int)
        rank[order] = np.arange(len(row))
        border = np.count_nonzero(ours)
        if not (np.abs(rank[apart] - border) <= 2 + len(row) * 2e-3).all():
            raise AssertionError(f"{len(apart)} tokens differ, ranks {rank[apart][:9]}, border {border}")


def cases(z: np.ndarray, peers: dict[str, Any]) -> Iterator[tuple[str, dict[str, Call]]]:
    """Yield each call with its candidates, all of which have been checked."""
    rng, none = np.random.default_rng(0), None
    torch, engine, llama = peers.get("PyTorch"), peers.get("Transformers"), peers.get("llama.cpp")
    tensor = none if torch is None else torch.from_numpy(z)
    probs = softmax(z)

    found: dict[str, Call] = {"nexttoken": lambda: softmax(z)}
    if "SciPy" in peers:
        found["SciPy"] = lambda: peers["SciPy"].softmax(z, axis=-1)
    if torch:
        found["PyTorch"] = lambda: torch.softmax(tensor, -1)
    exact = softmax(z.astype(np.float64))
    for call in found.values():
        np.testing.assert_allclose(np.asarray(call()), exact, rtol=1e-4)  # a float32 sum of 10^5 terms
    yield "softmax", found

    def warped(*steps: Any) -> Any:
        out = tensor
        for step in steps:
            out = step(none, out)
        return out

    found = {"nexttoken": lambda: top_k_filter(z, K)}
    if engine:
        top_k = engine.TopKLogitsWarper(K)
        found["Transformers"] = lambda: warped(top_k)
        np.testing.assert_array_equal(found["nexttoken"](), found["Transformers"]())  # Gaussian: no ties
    yield "top_k_filter", found

    found = {"nexttoken": lambda: top_p_filter(z, P)}
    if engine:
        top_p = engine.TopPLogitsWarper(P)
        found["Transformers"] = lambda: warped(top_p)
        agree(np.isfinite(found["nexttoken"]()), np.isfinite(found["Transformers"]().numpy()), z)
    yield "top_p_filter", found

    found = {"nexttoken": lambda: sample(probs, rng)}
    if torch:
        weights = torch.from_numpy(probs)
        found["PyTorch"] = lambda: torch.multinomial(weights, 1)
    for call in found.values():
        if not (np.take_along_axis(probs, np.asarray(call()).reshape(-1, 1), -1) > 0).all():
            raise AssertionError("a token of probability 0 was drawn")
    yield "sample", found

    for k in (K, none):
        found = {"nexttoken": lambda k=k: next_token(z, rng, temperature=T, top_k=k, top_p=P)}
        composed = apply_temperature(z, T)
        composed = top_p_filter(composed if k is none else top_k_filter(composed, k), P)
        kept = np.isfinite(composed)
        if engine:
            steps = [engine.TemperatureLogitsWarper(T), *([] if k is none else [engine.TopKLogitsWarper(k)])]
            steps += [engine.TopPLogitsWarper(P)]
            found["Transformers"] = lambda steps=steps: torch.multinomial(torch.softmax(warped(*steps), -1), 1)
            agree(kept, np.isfinite(warped(*steps).numpy()), z)
        if llama:
            chain = found["llama.cpp"] = LlamaChain(llama, z, k, P)
            theirs = np.zeros_like(kept)
            for row in range(len(z)):
                theirs[row, list(chain.draw(row)[1])] = True
            agree(kept, theirs, z)
        if not np.take_along_axis(kept, found["nexttoken"]().reshape(-1, 1), -1).all():
            raise AssertionError("a token was drawn that the filters cut")
        yield f"next_token, T={T}, {'' if k is none else f'k={k}, '}p={P}", found

    yield "read the logits once", {"nexttoken": lambda: z.max(axis=-1)}


def measure(found: dict[str, Call], rounds: int, seconds: float) -> dict[str, np.ndarray]:
    """Time the candidates in turns until rounds or seconds are over, in µs of the processor, not of waiting."""
    times: dict[str, list[float]] = {name: [] for name in found}
    end = time.perf_counter() + seconds
    for done in range(rounds):
        if done >= 5 and time.perf_counter() > end:
            break
        for name, call in found.items():
            call()  # so that the next finds the caches as its own kind leaves them
            start = time.process_time()
            call()
            times[name].append(1e6 * (time.process_time() - start))
    return {name: np.array(row) for name, row in times.items()}


def report(label: str, times: dict[str, np.ndarray]) -> None:
    """Print a line for each candidate: median, quartiles, and the ratio of ours to it, with its quartiles."""
    ours = times["nexttoken"]
    for name, theirs in times.items():
        low, middle, high = np.percentile(theirs, [25, 50, 75])
        line = f"{label:<36} {name:<13} {middle:>10.0f} {f'{low:.0f}..{high:.0f}':>19}"
        if name != "nexttoken":
            spread = np.percentile(ours / theirs, [25, 75])
            line += f" {np.median(ours) / middle:>8.3f} {f'{spread[0]:.3f}..{spread[1]:.3f}':>15}"
        print(line, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--batches", type=int, nargs="+", default=(1, 32))
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    parser.add_argument("--rounds", type=int, default=101)
    parser.add_argument("--seconds", type=float, default=5, help="for each call, once 5 rounds are done")
    parser.add_argument("--plot", help="where to write the plot, for peaked logits of batch 1")
    args = parser.parse_args()
    peers = load()
    if args.dtype == "float64":
        peers.pop("llama.cpp", None)  # it knows float32 only
    heads = ["median", "quartiles", "ours/it", "quartiles"]
    print(f"{'µs, one thread, ' + args.dtype:<50} {heads[0]:>10} {heads[1]:>19} {heads[2]:>8} {heads[3]:>15}")
    lines: dict[str, list[float]] = {}
    for size in args.sizes:
        for batch in args.batches:
            for shape, spread in SPREADS.items():
                z = np.random.default_rng(size).normal(0, spread, (batch, size)).astype(args.dtype)
                print(f"\nV = {size:,}, batch {batch}, {shape}")
                for label, found in cases(z, peers):
                    times = measure(found, args.rounds, args.seconds)
                    report(label, times)
                    if batch == 1 and shape == "peaked":
                        lines.setdefault(label.replace(f", T={T}", ""), []).append(
                            np.median(times["nexttoken"])
                        )
    if args.plot:
        picture = plots.curves(
            args.sizes, lines, x_label="tokens in the vocabulary", y_label="µs", log=True, log_y=True
        )
        picture.savefig(args.plot)
        print(f"\nThe plot is in {args.plot}.")


if __name__ == "__main__":
    main()
