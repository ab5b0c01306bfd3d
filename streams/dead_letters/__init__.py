"""What could not be read or stored: listing it, showing it masked, and sending it again."""
