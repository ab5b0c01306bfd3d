"""How asking fails; a request that Weir answered with an error has a reply, and is no failure."""

from schemas.errors import UnavailableError


class UnansweredError(UnavailableError):
    """There is no final reply: the request was not delivered, or nothing waits for its reply any more.

    ``request_id`` names the request.
    """

    def __init__(self, request_id: str, message: str) -> None:
        super().__init__(f"request {request_id}: {message}")
        self.request_id = request_id


class ReplyTimeoutError(UnansweredError, TimeoutError):
    """No final reply came in time. ``held``: a person was going to look at it, and the reply is still to come."""

    def __init__(self, request_id: str, seconds: float, *, held: bool) -> None:
        since = "held, and not decided on" if held else "no reply"
        super().__init__(request_id, f"{since} in {seconds:g} s")
        self.held = held
