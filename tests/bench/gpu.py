"""What the engine does on a GPU: ``python -m tests.bench.gpu OUT.json [REQUESTS]``. On a CPU it runs, too, slowly.

Every part is written down as soon as it is measured, and one that fails does not keep the others from it.
"""

import dataclasses
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from transformers import GenerationConfig

from models.generation.batches import BatchEngine
from models.generation.continuous import ContinuousEngine
from models.generation.language_model import ModelFile
from models.generation.sources import FolderSource
from models.generation.transformers_generator import TransformersGenerator
from tests.bench import load
from tests.bench.memory import through_memory


class Bench:
    def __init__(self, folder: Path, out: Path, count: int) -> None:
        self._out = out
        self._asked = load.prompts(count, seed=1)
        self._file = ModelFile(FolderSource(folder))
        self._found: dict[str, object] = {"torch": torch.__version__, "requests": count}
        self._slots = 128 if torch.cuda.is_available() else 8
        self._capacity = 0.0

    def note(self, name: str, measure: Callable[[], object]) -> None:
        start = time.perf_counter()
        try:
            self._found[name] = measure()
        except Exception as error:  # noqa: BLE001 - the other parts are to be measured all the same
            self._found[name] = f"{type(error).__name__}: {error}"[:400]
        print(name, self._found[name], f"[{time.perf_counter() - start:.1f} s]", flush=True)  # noqa: T201 - a program to be watched
        self._out.write_text(json.dumps(self._found, indent=2))

    def run(self) -> None:
        if torch.cuda.is_available():
            self._found["card"] = torch.cuda.get_device_name()
        engine = ContinuousEngine(load.Endless(self._file), self._slots)
        self.note("load and warm up, s", lambda: self._seconds(engine.load))
        self.note("capacity", lambda: dataclasses.asdict(engine.capacity))
        self.note("recordings", lambda: len(getattr(engine._state.passes._recordings, "_made", ())))
        self.note("same as unrecorded", lambda: self._same(engine))
        self.note("memory after load, MB", self._memory)
        self.note("continuous, tokens/s", lambda: self._rate(engine))
        self.note("continuous again, tokens/s", lambda: self._rate(engine))
        self.note("through the loop in memory, tokens/s", lambda: self._loop(engine))
        self.note("through the loop again, tokens/s", lambda: self._loop(engine))
        self.note("one at a time, tokens/s", lambda: load.rate(lambda: load.one_by_one(engine, self._asked[:12])))
        for share in (0.5, 0.8, 1.1):
            self.note(f"open loop at {share:.0%}", lambda share=share: self._open(engine, share))
        self.note("memory, MB", self._memory)
        engine._state.passes._recordings = None
        self.note("continuous without recordings, tokens/s", lambda: self._rate(engine, 0.5))
        self.note(
            "one at a time without recordings", lambda: load.rate(lambda: load.one_by_one(engine, self._asked[:4]))
        )
        engine.close()
        self._free()
        self.note("static, tokens/s", self._static)
        self.note("memory, static, MB", self._memory)
        self._free()
        self.note("transformers' own continuous batching, tokens/s", lambda: self._manager(0.5))

    def _seconds(self, work: Callable[[], None]) -> float:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    def _rate(self, engine, share: float = 1.0) -> float:
        asked = self._asked[: int(len(self._asked) * share)]
        found = load.rate(lambda: load.at_once(engine, asked))
        self._capacity = max(self._capacity, found)
        return found

    def _loop(self, engine) -> dict[str, float]:
        start = time.perf_counter()
        made = sum(through_memory(engine, self._asked))
        found = made / (time.perf_counter() - start)
        return {"tokens/s": found, "of the engine": found / self._capacity}

    def _open(self, engine, share: float) -> dict[str, float]:
        mean = sum(prompt.max_tokens for prompt in self._asked) / len(self._asked)
        per_second = share * self._capacity / mean
        count = int(per_second * (12 if torch.cuda.is_available() else 20))
        asked = load.prompts(count, seed=5)
        opened = load.open_loop(engine, asked, per_second, deadline=5.0)
        return {"requests/s": per_second, **dataclasses.asdict(opened)}

    def _same(self, engine) -> float:
        """The share of answers that are the same with recordings and without."""
        asked = load.prompts(24, seed=9, mix=load.Mix(tokens=(24,)))
        first = {each.ticket: each.answer.text for each in load.at_once(engine, asked)}
        kept, engine._state.passes._recordings = engine._state.passes._recordings, None
        second = {each.ticket: each.answer.text for each in load.at_once(engine, asked)}
        engine._state.passes._recordings = kept
        return sum(first[n] == second[n] for n in first) / len(first)

    def _static(self) -> float:
        static = BatchEngine(TransformersGenerator(load.Endless(self._file)), self._slots)
        static.load()
        load.at_once(static, self._asked[:2])
        return self._rate(static, 0.5)

    def _manager(self, share: float) -> float:
        model = self._file()
        asked = self._asked[: int(len(self._asked) * share)]
        network = model.network
        network.set_attn_implementation("paged|sdpa")
        config = GenerationConfig(max_new_tokens=256, eos_token_id=-1, pad_token_id=0, do_sample=False)
        manager = network.init_continuous_batching(generation_config=config)
        manager.start()
        try:
            manager.add_request(model.task(asked[0]).ids, max_new_tokens=8)
            while manager.get_result(timeout=1) is None:
                pass
            start = time.perf_counter()
            for prompt in asked:
                manager.add_request(model.task(prompt).ids, max_new_tokens=prompt.max_tokens)
            left, made, end = len(asked), 0, start + 60
            while left and time.perf_counter() < end:
                result = manager.get_result(timeout=1)
                if result is not None:
                    left -= 1
                    made += len(result.generated_tokens)
            return made / (time.perf_counter() - start)
        finally:
            manager.stop(block=False)

    def _memory(self) -> dict[str, int]:
        if not torch.cuda.is_available():
            return {}
        peak, now = torch.cuda.max_memory_reserved(), torch.cuda.memory_allocated()
        return {"reserved at most": peak // 2**20, "allocated": now // 2**20}

    def _free(self) -> None:
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()


if __name__ == "__main__":
    folder, out, *count = sys.argv[1:]
    Bench(Path(folder), Path(out), int(count[0]) if count else 768).run()
