"""Continuous batching: rows join and leave a running batch, and nobody waits for anybody's end.

A step admits what there is room for, reads a piece of the prompts that are not read yet, and makes one token for
every row. Where a prompt begins like one that a slot remembers, of now or before, that much is not read again. It knows
nothing of lanes, apps or fairness: what is submitted first is admitted first.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import torch

from models.generation.drawing import draw, random_source
from models.generation.engine import Capacity, Done
from models.generation.generator import Answer, Prompt
from models.generation.language_model import LanguageModel, OpenModel
from models.generation.passes import Passes, Piece
from models.generation.prefixes import Held, Prefixes
from models.generation.recordings import CudaRecorder
from models.generation.rows import Endings, Row, Task, late, unanswered
from models.generation.slots import Shape, SlotCache
from models.generation.voice import Tell, Voice
from schemas.conversation import Message
from schemas.errors import Code

_HELD_BACK: Final = 0.2  # of a GPU's free memory, for what a pass itself takes
_CPU_TOKENS: Final = 32_768  # of a small model each takes some 25 to 50 KB
_PIECE_TOKENS: Final = {"cpu": 512, "cuda": 8_192}  # of prompts that one step reads, so that rows go on meanwhile
_WARM_TICKET: Final = -1
_SMALLEST_PIECE: Final = 64
_PADDING: Final = 64  # tokens; less costs less than a pass of its own
_SHORTEST_SLOT: Final = 2_048  # tokens that a slot holds at least, if the model reads so many
_OUT_OF_MEMORY: Final = "not enough memory"  # in what torch raises for a CPU


@dataclass(slots=True)
class _Joined(Row):
    """A row with its ticket; ``read`` ids are in its slot; it has ``begun`` once it read some itself."""

    ticket: int = 0
    since: float = 0.0
    first: float | None = None
    read: int = 0
    begun: bool = False
    remembered: int = 0

    @property
    def length(self) -> int:
        """Ids so far, of the prompt and the answer."""
        return len(self.task.ids) + len(self.made)

    @property
    def held(self) -> Held:
        """What its slot remembers: the last id made is read by the next pass."""
        ids = [*self.task.ids, *self.made[:-1]] if self.made else self.task.ids[: self.read]
        return Held(self.task.prompt.owner, ids)


@dataclass(slots=True)
class _State:
    """What there is once the model is loaded. A row's place in ``rows`` is its slot."""

    model: LanguageModel
    cache: SlotCache
    passes: Passes
    endings: Endings
    width: int
    rows: list[_Joined] = field(default_factory=list)
    remains: dict[int, Held] = field(default_factory=dict)
    """What slots without a row still remember."""

    def held(self) -> Mapping[int, Held]:
        """What each slot remembers."""
        return self.remains | {slot: row.held for slot, row in enumerate(self.rows) if row.read}


class ContinuousEngine:
    """Up to ``slots`` rows at once, of the model that ``open_model`` loads."""

    kind = "continuous"

    def __init__(self, open_model: OpenModel, slots: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._open = open_model
        self._clock = clock
        self._capacity = Capacity(slots, 0)
        self._state: _State | None = None
        self._waiting: deque[_Joined] = deque()
        self._ended: list[Done] = []
        self._piece_tokens = 0
        self._short_first = False

    @property
    def name(self) -> str:
        return self._open.name

    @property
    def version(self) -> str:
        return self._state.model.version if self._state else self.name

    @property
    def capacity(self) -> Capacity:
        return self._capacity

    def load(self) -> None:
        model = self._open()
        capacity = _capacity(model, self._capacity.slots)
        width = min(model.context, capacity.tokens // capacity.slots)
        self._piece_tokens = _PIECE_TOKENS[model.network.device.type]
        cache = SlotCache(model.network, capacity.slots, width)
        endings = Endings(model.spell, model.ends, self._clock)
        self._state = _State(model, cache, Passes(model.network, cache), endings, width)
        self._capacity = capacity
        if model.network.device.type == "cuda":
            self._state.passes.record(CudaRecorder(model.network.device))
        self._warm()

    def close(self) -> None:
        self._state = None

    def submit(self, ticket: int, prompt: Prompt, tell: Tell | None = None) -> None:
        state = self._loaded
        now = self._clock()
        task = state.model.task(prompt)
        if isinstance(task, Task) and len(task.ids) < state.width:
            fitting = Task(prompt, task.ids, min(task.limit, state.width - len(task.ids)))
            voice = None if tell is None else Voice(tell, prompt.stop)
            self._waiting.append(_Joined(fitting, random_source(prompt), voice, ticket=ticket, since=now))
        elif isinstance(task, Task):
            reason = f"there is memory for {state.width} tokens of one prompt"
            self._ended.append(Done(ticket, Answer(code=Code.CONTEXT_TOO_LONG, reason=reason), 0.0))
        else:
            self._ended.append(Done(ticket, task, self._clock() - now))

    def cancel(self, ticket: int) -> None:
        for row in (*self._loaded.rows, *self._waiting):
            if row.ticket == ticket and row.answer is None:
                row.answer = unanswered(row, Code.CANCELLED, "cancelled in the model")

    @torch.inference_mode()
    def step(self) -> Sequence[Done]:
        self._admit()
        if unread := [slot for slot, row in enumerate(self._loaded.rows) if row.read < len(row.task.ids)]:
            self._read(unread)
        self._leave()
        if any(row.made for row in self._loaded.rows):
            self._extend()
            self._leave()
        ended, self._ended = self._ended, []
        return ended

    @property
    def _loaded(self) -> _State:
        if self._state is None:
            raise RuntimeError("load() comes first")
        return self._state

    def _warm(self) -> None:
        """Go through all kinds of passes once, so that the first prompt does not pay for what is made on first use."""
        text = Message(role="user", content="Hello. " * 20)
        for ticket in range(self._capacity.slots):
            self.submit(_WARM_TICKET - ticket, Prompt((text,), max_tokens=2))
        while self._waiting or self._loaded.rows:
            self.step()
        self._ended.clear()

    def _admit(self) -> None:
        """Let rows join while there is room, in the order in which they came; end those that nobody waits for."""
        rows, now = self._loaded.rows, self._clock()
        for row in (*rows, *self._waiting):
            if row.answer is None and row.task.prompt.until <= now:
                row.answer = late(row)
        for row in [row for row in self._waiting if row.answer is not None]:
            self._waiting.remove(row)
            self._end(row)
        self._leave()
        held = sum(row.task.extent for row in rows)
        while self._waiting and len(rows) < self._capacity.slots:
            held += self._waiting[0].task.extent
            if rows and held > self._capacity.tokens:
                break
            rows.append(self._waiting.popleft())
            slot = len(rows) - 1
            remains = self._loaded.remains
            self._take_over(slot, Prefixes({slot: remains.pop(slot)} if slot in remains else {}))

    def _take_over(self, slot: int, known: Prefixes) -> None:
        """Begin to read after what some slot remembers; the last id is always read, for what follows it."""
        row = self._loaded.rows[slot]
        found = known.longest(Held(row.task.prompt.owner, row.task.ids[:-1]))
        if found is None or found.length <= row.read:
            return
        if found.slot != slot:
            self._loaded.cache.move(found.slot, slot, found.length)
        row.read = row.remembered = found.length

    def _read(self, unread: Sequence[int]) -> None:
        """Read the next piece of some prompts of similar length, as many as one step takes.

        In turns those that came first and those that are soonest read: a long prompt neither waits nor is waited for.
        """
        rows = self._loaded.rows
        if new := [slot for slot in unread if not rows[slot].begun]:
            known = Prefixes(self._loaded.held())
            for slot in new:
                self._take_over(slot, known)
        self._short_first = not self._short_first
        age = [rows[slot].since for slot in unread]
        left = [len(rows[slot].task.ids) - rows[slot].read for slot in unread]
        keys = left if self._short_first else age
        order = [slot for _, slot in sorted(zip(keys, unread, strict=True))]
        pieces: list[Piece] = []
        for slot in order:
            row = rows[slot]
            ids = row.task.ids[row.read : row.read + self._piece_tokens]
            longest = max((len(piece.ids) for piece in pieces), default=len(ids))
            fits = max(longest, len(ids)) * (len(pieces) + 1) <= self._piece_tokens
            if not pieces or (fits and _similar(longest, len(ids))):
                pieces.append(Piece(slot, row.read, ids))
                row.begun = True
        self._read_each(pieces)

    def _read_each(self, pieces: Sequence[Piece]) -> None:
        """Read these; if that fails, in halves, so that a culprit fails alone. Too little memory: less at a time."""
        rows = [self._loaded.rows[piece.slot] for piece in pieces]
        failure = self._attempt(lambda: self._loaded.passes.read(pieces), rows, [piece.end for piece in pieces])
        if failure is None:
            return
        if failure.memory:
            self._piece_tokens = max(_SMALLEST_PIECE, sum(len(piece.ids) for piece in pieces) // 2)
        if len(pieces) > 1:
            middle = len(pieces) // 2
            self._read_each(pieces[:middle])
            self._read_each(pieces[middle:])
        elif not failure.memory or len(pieces[0].ids) <= _SMALLEST_PIECE:  # else the next step reads less of it
            rows[0].answer = unanswered(rows[0], Code.MODEL_FAILED, failure.reason)

    def _extend(self) -> None:
        """One token more for every row whose prompt is read. The others' slots are passed over with any id."""
        slots, size = len(self._loaded.rows), self._capacity.slots
        for start in range(0, slots, size):
            self._extend_each(range(start, min(start + size, slots)))

    def _extend_each(self, slots: range) -> None:
        """Extend these; if that fails, in halves, so that a culprit fails alone. Too little memory: fewer at a time."""
        state = self._loaded
        rows = state.rows[slots.start : slots.stop]
        ids = [row.made[-1] if row.made else 0 for row in rows]
        starts = [row.length - 1 if row.made else row.read for row in rows]
        failure = self._attempt(lambda: state.passes.extend(slots, ids, starts), rows, [row.read for row in rows])
        if failure is None:
            return
        if len(slots) == 1:
            rows[0].answer = unanswered(rows[0], Code.MODEL_FAILED, failure.reason)
            return
        middle = len(slots) // 2
        if failure.memory:
            self._capacity = Capacity(min(self._capacity.slots, middle), self._capacity.tokens)
        self._extend_each(slots[:middle])
        self._extend_each(slots[middle:])

    def _attempt(
        self, run: Callable[[], torch.Tensor], rows: Sequence[_Joined], reads: Sequence[int]
    ) -> "_Failure | None":
        """A pass, and a token from it for each row whose prompt is then read (``reads`` ids of it). What went wrong."""
        whole = [place for place, row in enumerate(rows) if reads[place] == len(row.task.ids) and row.answer is None]
        try:
            scores = run()
            chosen = [rows[place] for place in whole]
            prompts = [row.task.prompt for row in chosen]
            scores = scores if len(whole) == len(rows) else scores[whole]
            tokens = draw(scores, prompts, [row.source for row in chosen]) if chosen else []
        except Exception as error:  # noqa: BLE001 - a model may raise anything; the type only, its text may quote the prompt
            memory = isinstance(error, torch.OutOfMemoryError | MemoryError) or _OUT_OF_MEMORY in str(error)
            return _Failure(type(error).__name__, memory)
        for row, read in zip(rows, reads, strict=True):
            row.read = read
        now = self._clock()
        for row, token in zip(chosen, tokens, strict=True):
            row.first = now if row.first is None else row.first
            self._advance(row, token)
        return None

    def _advance(self, row: _Joined, token: int | None) -> None:
        try:
            self._loaded.endings.advance(row, token)
        except Exception as error:  # noqa: BLE001 - a tokenizer that fails on one answer must not fail all
            row.answer = unanswered(row, Code.MODEL_FAILED, type(error).__name__)

    def _leave(self) -> None:
        """Let the rows go that have ended. The last row takes the place of one that goes."""
        state = self._loaded
        for slot in range(len(state.rows) - 1, -1, -1):
            row = state.rows[slot]
            if row.answer is None:
                continue
            last = state.rows.pop()
            if last is not row:
                state.cache.move(len(state.rows), slot, last.length)
                state.rows[slot] = last
            state.remains[len(state.rows)] = last.held
            self._end(row)

    def _end(self, row: _Joined) -> None:
        answer = row.answer or Answer(code=Code.MODEL_FAILED)
        first = None if row.first is None else row.first - row.since
        self._ended.append(Done(row.ticket, answer, self._clock() - row.since, first, remembered=row.remembered))


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why a pass failed: the type of what was raised, and whether it was memory."""

    reason: str
    memory: bool


def _similar(one: int, other: int) -> bool:
    """Whether padding one to the other costs less than another pass."""
    return max(one, other) <= 2 * min(one, other) + _PADDING


def _capacity(model: LanguageModel, slots: int) -> Capacity:
    """What memory allows: on a GPU most of what is free, on a CPU a fixed number of tokens.

    Every slot holds the same number of tokens: the context, or a share of the memory where that is less.
    """
    network = model.network
    tokens = _CPU_TOKENS
    if network.device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(network.device)
        tokens = int(free * (1 - _HELD_BACK)) // Shape.of(network.config).token_bytes(network.dtype)
    width = min(model.context, max(tokens // slots, _SHORTEST_SLOT))
    slots = max(1, min(slots, tokens // width))
    return Capacity(slots, min(tokens, slots * width))
