"""Time the package at the size of real vocabularies, beside what others use.

``make bench`` runs it in one thread. Every candidate is first checked to give the right answer; then all
candidates of a call are timed in turns, round after round, so that a slow moment of the machine meets
them all. A peer that is not installed is named and left out.
"""

import argparse
import importlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nexttoken import apply_temperature, next_token, sample, softmax, top_k_filter, top_p_filter

SIZES = (48, 50_257, 128_256)
SPREADS = {"peaked": 3.9, "flat": 1.0}  # standard deviation of Gaussian logits
T, K, P = 0.8, 50, 0.9
PEERS = {"SciPy": "scipy.special", "PyTorch": "torch", "Transformers": "transformers", "llama.cpp": "llama_cpp"}

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
    """llama.cpp's chain of samplers over its own array of (id, logit, p), filled anew for every draw.

    In the order that costs it least and gives the same distribution: top-k first, then temperature and top-p.
    """

    ROW = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])

    def __init__(self, api: Any, z: np.ndarray, k: int | None) -> None:
        self.api = api
        self.chain = api.llama_sampler_chain_init(api.llama_sampler_chain_default_params())
        steps = [
            api.llama_sampler_init_temp(T),
            api.llama_sampler_init_top_p(P, 1),
            api.llama_sampler_init_dist(0),
        ]
        if k is not None:
            steps.insert(0, api.llama_sampler_init_top_k(k))
        for step in steps:
            api.llama_sampler_chain_add(self.chain, step)
        self.full = np.zeros(len(z), self.ROW)
        self.full["id"] = np.arange(len(z))
        self.full["logit"] = z
        self.work = np.empty(len(z), self.ROW)

    def __call__(self) -> Any:
        self.work[:] = self.full
        data = self.work.ctypes.data_as(self.api.llama_token_data_p)
        array = self.api.llama_token_data_array(data, len(self.work), -1, False)
        self.api.llama_sampler_apply(self.chain, array)
        return array

    def kept(self) -> np.ndarray:
        array = self()
        mask = np.zeros(len(self.full), bool)
        mask[[array.data[i].id for i in range(array.size)]] = True
        return mask


def agree(ours: np.ndarray, theirs: np.ndarray, z: np.ndarray) -> None:
    """The same tokens, but for neighbours on the border that a float32 sum of the peer decides otherwise."""
    apart = np.flatnonzero(ours != theirs)
    rank = np.argsort(np.argsort(-z, kind="stable"))
    border = np.count_nonzero(ours)
    if not (np.abs(rank[apart] - border) <= 2 + len(z) * 2e-3).all():
        raise AssertionError(f"{len(apart)} tokens differ, ranks {rank[apart][:9]}, border {border}")


def cases(z: np.ndarray, peers: dict[str, Any]) -> Iterator[tuple[str, dict[str, Call]]]:
    """Yield what is timed, a call and those who can do it, after a look at their answers."""
    rng = np.random.default_rng(0)
    probs = softmax(z)
    torch = peers.get("PyTorch")
    engine = peers.get("Transformers")
    tensor = torch.from_numpy(z)[None] if torch else None

    def warped(*steps: Any) -> Any:
        out = tensor
        for step in steps:
            out = step(None, out)
        return out

    found: dict[str, Call] = {"nexttoken": lambda: softmax(z)}
    if "SciPy" in peers:
        found["SciPy"] = lambda: peers["SciPy"].softmax(z)
    if torch:
        found["PyTorch"] = lambda: torch.softmax(tensor, -1)
    exact = softmax(z.astype(np.float64))
    for call in found.values():
        np.testing.assert_allclose(np.ravel(call()), exact, rtol=1e-4)  # a float32 sum of 10^5 terms
    yield "softmax", found

    found = {"nexttoken": lambda: sample(probs, rng)}
    if torch:
        weights = torch.from_numpy(probs)
        found["PyTorch"] = lambda: torch.multinomial(weights, 1)
    yield "sample", found

    for name, ours, step in [
        ("top_k_filter", lambda: top_k_filter(z, K), "TopKLogitsWarper"),
        ("top_p_filter", lambda: top_p_filter(z, P), "TopPLogitsWarper"),
    ]:
        found = {"nexttoken": ours}
        if engine:
            rule = getattr(engine, step)(K if name == "top_k_filter" else P)
            found["Transformers"] = lambda rule=rule: warped(rule)
            agree(np.isfinite(ours()), np.isfinite(warped(rule).numpy()[0]), z)
        yield name, found

    for k in (K, None):
        found = {"nexttoken": lambda k=k: next_token(z, rng, temperature=T, top_k=k, top_p=P)}
        scaled = apply_temperature(z, T)
        kept = np.isfinite(top_p_filter(scaled if k is None else top_k_filter(scaled, k), P))
        if engine:
            steps = [engine.TemperatureLogitsWarper(T), engine.TopPLogitsWarper(P)]
            if k is not None:
                steps.insert(1, engine.TopKLogitsWarper(k))
            found["Transformers"] = lambda steps=steps: torch.multinomial(torch.softmax(warped(*steps), -1), 1)
            agree(kept, np.isfinite(warped(*steps).numpy()[0]), z)
        if "llama.cpp" in peers:
            chain = LlamaChain(peers["llama.cpp"], z, k)
            found["llama.cpp"] = chain
            agree(kept, chain.kept(), z)
        if not kept[found["nexttoken"]()]:
            raise AssertionError("a token was drawn that the filters cut")
        yield f"next_token, T={T}, {'' if k is None else f'k={k}, '}p={P}", found


def measure(found: dict[str, Call], rounds: int, seconds: float) -> dict[str, float]:
    """Time the candidates in turns until rounds or seconds are over: medians in µs of the processor."""
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
    return {name: float(np.median(row)) for name, row in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--rounds", type=int, default=101)
    parser.add_argument("--seconds", type=float, default=5, help="for each call, once 5 rounds are done")
    args = parser.parse_args()
    peers = load()
    print("medians in µs, one thread, float32; in brackets ours as a share of theirs")
    for size in args.sizes:
        for shape, spread in SPREADS.items():
            z = np.random.default_rng(size).normal(0, spread, size).astype(np.float32)
            print(f"\nV = {size:,}, {shape}")
            for label, found in cases(z, peers):
                times = measure(found, args.rounds, args.seconds)
                shares = [f"{name} {us:.0f} ({times['nexttoken'] / us:.3f})" for name, us in times.items()]
                print(f"{label:<28} {times['nexttoken']:>7.0f}  {', '.join(shares[1:])}", flush=True)


if __name__ == "__main__":
    main()
