import threading

import pytest

from streams.kafka.topic_descriptions import TopicDescriber, description_of
from streams.settings import Settings

pytestmark = pytest.mark.kafka


def test_a_topic_that_is_being_made_is_waited_for(bootstrap, namespace, new_topic):
    """Who asks a moment too early has its answer all the same; who asks for what never comes is told so."""
    describer = TopicDescriber(Settings(kafka_bootstrap=bootstrap, namespace=namespace.prefix))
    name = f"{namespace.prefix}.events"
    assert description_of(describer, name, seconds=0) is None
    making = threading.Timer(0.5, new_topic)
    making.start()
    assert description_of(describer, name, seconds=60).partitions == 1
    making.join()
