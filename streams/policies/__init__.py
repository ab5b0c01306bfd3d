"""The policies in force: from files, and which of them judges an event."""
