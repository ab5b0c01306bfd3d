"""What a message of the topic ``forgotten`` says."""

from schemas.codec import Message, decode
from schemas.errors import UnreadableError
from schemas.forgotten import Forgotten
from schemas.topics import FORGOTTEN
from streams.logs import get_logger

logger = get_logger(__name__)


def read_forgotten(message: Message) -> Forgotten | None:
    """The record; None for what somebody else wrote to the topic."""
    if message.value is None:
        return None
    try:
        return decode(message, Forgotten, FORGOTTEN.type_name).record
    except UnreadableError as error:
        logger.error("erasure refused", code=error.code, partition=message.partition, offset=message.offset)  # noqa: TRY400 - a traceback adds nothing
        return None
