"""A text derived from another, with the way back: every code point knows which ones of the original it stands for."""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Edit:
    """``text`` in place of the code points ``start`` to ``end`` (exclusive)."""

    start: int
    end: int
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Rendering:
    """What a text says once it is undone. Code point i stands for ``begins[i]`` to ``ends[i]`` of the original."""

    text: str = field(repr=False)
    begins: "array[int]" = field(repr=False)
    ends: "array[int]" = field(repr=False)

    @classmethod
    def of(cls, text: str) -> "Rendering":
        """The text as it is."""
        return cls(text, array("l", range(len(text))), array("l", range(1, len(text) + 1)))

    def part(self, start: int, end: int) -> "Rendering":
        """The code points ``start`` to ``end`` by themselves."""
        return Rendering(self.text[start:end], self.begins[start:end], self.ends[start:end])

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """The shortest span of the original that holds all that the code points ``start`` to ``end`` stand for."""
        if start >= end:
            at = self.begins[start] if start < len(self.begins) else (self.ends[-1] if self.ends else 0)
            return at, at
        return min(self.begins[start:end]), max(self.ends[start:end])

    def edited(self, edits: Iterable[Edit]) -> "Rendering":
        """The rendering with edits made; they are in order and do not overlap. Linear in the length of both texts.

        Where as much comes in as goes out, code points stand for each other one by one, else all of them for all.
        """
        pieces: list[str] = []
        begins, ends = array("l"), array("l")
        at = 0
        for edit in edits:
            pieces += (self.text[at : edit.start], edit.text)
            begins += self.begins[at : edit.start]
            ends += self.ends[at : edit.start]
            if len(edit.text) == edit.end - edit.start:
                begins += self.begins[edit.start : edit.end]
                ends += self.ends[edit.start : edit.end]
            elif edit.text:
                first, last = self.origin(edit.start, edit.end)
                begins += array("l", [first]) * len(edit.text)
                ends += array("l", [last]) * len(edit.text)
            at = edit.end
        pieces.append(self.text[at:])
        return Rendering("".join(pieces), begins + self.begins[at:], ends + self.ends[at:])

    def excerpts(self, found: Iterable[Edit]) -> "Rendering":
        """Only the new texts of ``found``, one a line; they may overlap."""
        lines: list[str] = []
        begins, ends = array("l"), array("l")
        for edit in found:
            first, last = self.origin(edit.start, edit.end)
            lines.append(edit.text)
            begins += array("l", [first]) * (len(edit.text) + 1)
            ends += array("l", [last]) * (len(edit.text) + 1)
        return Rendering("\n".join(lines), begins[:-1], ends[:-1])
