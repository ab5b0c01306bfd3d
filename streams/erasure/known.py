"""The erasures of a command: what the topic ``forgotten`` says at this moment."""

from schemas.topics import FORGOTTEN
from streams.erasure.erasures import Erasures
from streams.erasure.message import read_forgotten
from streams.kafka.topic_reader import TopicReader
from streams.settings import Settings


def known_erasures(settings: Settings) -> Erasures:
    """What is forgotten at this moment.

    Raises:
        UnavailableError: the broker does not answer.
    """
    with TopicReader(settings, (settings.topics.of(FORGOTTEN),)) as reader:
        return Erasures().after(filter(None, map(read_forgotten, reader.read())))
