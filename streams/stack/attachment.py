"""Settings of a command that talks to a running system: what is configured, else the local stack's own."""

from streams.local.state import read_state
from streams.settings import Settings, load_settings
from streams.vault.key_source import KEY_FILE


def attached_settings() -> Settings:
    """The settings, with addresses and the vault's key of the local stack of ``WEIR_HOME`` where none are configured.

    The local stack takes other ports than the usual ones where those are taken, so a command has to look.
    """
    settings = load_settings()
    state = read_state(settings.home)
    if state is None:
        return settings
    found = {
        "kafka_bootstrap": settings.kafka_bootstrap or state.bootstrap,
        "clickhouse_url": settings.clickhouse_url or state.clickhouse_url,
        "namespace": state.namespace,
        "database": state.database,
    }
    key_file = settings.home / KEY_FILE
    if settings.vault_key is None and settings.vault_key_file is None and key_file.exists():
        return settings.model_copy(update={**found, "vault_key_file": key_file})
    return settings.model_copy(update=found)
