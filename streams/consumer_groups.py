"""The names of the consumer groups, from one place: who commits, and who asks how far they are."""

from streams.settings import Settings


def worker_group(settings: Settings) -> str:
    """The group of every agent: Faust's application id."""
    return f"{settings.namespace}.worker"


def store_group(settings: Settings) -> str:
    """The group of the writer to the store."""
    return f"{settings.namespace}.store"


def infer_group(settings: Settings) -> str:
    """The group of the processes that answer."""
    return f"{settings.namespace}.infer"


def settle_group(settings: Settings) -> str:
    """The group of the process that settles, and of those that stand by."""
    return f"{settings.namespace}.settle"
