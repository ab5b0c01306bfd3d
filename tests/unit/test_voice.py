"""Answers told as they come."""

from hypothesis import given
from hypothesis import strategies as st

from models.generation.stops import before_stop
from models.generation.voice import Voice


@given(pieces=st.lists(st.text("ab ", max_size=6)), stops=st.lists(st.text("ab ", max_size=4), max_size=3))
def test_nothing_that_is_told_is_cut_off_by_a_stop(pieces, stops):
    """However the text is cut into pieces, what is told is how the final text begins, in order and without gaps."""
    told = []
    voice = Voice(lambda at, text: told.append((at, text)), stops)
    text = ""
    for piece in pieces:
        text += piece
        if before_stop(text, stops) is not None:
            break
        voice.say(piece)
    final = before_stop(text, stops)
    heard = "".join(piece for _, piece in told)
    assert (text if final is None else final).startswith(heard)
    assert [at for at, _ in told] == [sum(len(piece) for _, piece in told[:n]) for n in range(len(told))]
    assert len(heard) >= len(text) - sum(map(len, pieces[-1:])) - max(map(len, stops), default=0) or final is not None


@given(text=st.text(max_size=20))
def test_characters_of_several_tokens_are_told_whole(text):
    """Ids that are bytes are told as text, never half a character."""

    def spell(ids):
        return bytes(ids).decode("utf-8", "replace")

    told = []
    voice = Voice(lambda _, piece: told.append(piece))
    ids = list(text.encode("utf-8", "replace"))
    for end in range(1, len(ids) + 1):
        voice.spell(ids[:end], spell)
    assert spell(ids).startswith("".join(told))
    assert "\ufffd" not in "".join(told) or "\ufffd" in text
    assert "".join(told) == spell(ids) or text.endswith("\ufffd")
