"""ClickHouse: migrations, the writer and the ledger."""
