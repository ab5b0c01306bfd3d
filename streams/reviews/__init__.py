"""What waits for a person: listing it, showing it masked, and deciding. For the command line and any other console."""
