"""The vault as a process finds it configured."""

from streams.logs import get_logger
from streams.settings import Settings
from streams.vault.keeper import Keeper
from streams.vault.key_source import read_master_key
from streams.vault.topic_keeper import TopicKeeper

logger = get_logger(__name__)


def open_vault(settings: Settings) -> Keeper | None:
    """The keeper; None, with a warning, where no master key is configured.

    Raises:
        ConfigError: ``VAULT_KEY``: a master key is configured that cannot be used.
    """
    master = read_master_key(settings)
    if master is None:
        logger.warning("no vault: texts are not kept, placeholders are not restored", setting="WEIR_VAULT_KEY")
        return None
    logger.info("vault opens", master_key=master.id)
    return TopicKeeper(master, settings.topics)
