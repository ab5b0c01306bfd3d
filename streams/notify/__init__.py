"""From alerts to people: ``weir notify``, and what ``weir alerts`` shows and writes."""
