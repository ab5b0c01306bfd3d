"""What labels say of all traffic: read from the store, estimated, shown, and stored over time."""
