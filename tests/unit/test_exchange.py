from guards.exchange import Exchange
from guards.guard import Side
from schemas.conversation import Message, Request

MESSAGES = (
    Message(role="system", content="Be brief."),
    Message(role="user", content="Who are you?"),
    Message(role="assistant", content="A clerk."),
    Message(role="user", content="What is open today?"),
)


def passages(exchange):
    return [(side.side, placed.passage) for side in exchange.sides() for placed in side.placed]


def test_a_response_knows_what_it_answers():
    """A response's passage has its question, its context and the whole conversation, the system's words included."""
    request = Request(app="a", messages=MESSAGES, context=("Open on Mondays.",))
    [(side, passage)] = passages(Exchange.answering(request, "The shop."))
    assert (side, passage.question, passage.context) == (Side.RESPONSE, "What is open today?", ("Open on Mondays.",))
    assert passage.conversation == MESSAGES


def test_a_response_alone():
    """A response without a prompt has no companions."""
    [(_, passage)] = passages(Exchange(response="The shop."))
    assert (passage.question, passage.context, passage.conversation) == (None, (), ())


def test_what_is_no_response_has_no_companions():
    """Messages of the prompt and context passages are read for themselves."""
    read = passages(Exchange(prompt=MESSAGES, context=("Open on Mondays.",)))
    assert [side for side, _ in read] == [Side.PROMPT] * 4 + [Side.CONTEXT]
    assert all((p.question, p.context, p.conversation) == (None, (), ()) for _, p in read)


def test_a_passage_shows_no_text():
    """The repr of a passage holds nothing that anybody wrote."""
    shown = repr(passages(Exchange(prompt=MESSAGES, response="The shop.", context=("Open on Mondays.",))))
    assert not any(word in shown for word in ("brief", "clerk", "shop", "Monday", "today"))
