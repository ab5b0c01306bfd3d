"""``weir top``: what a running system does at this moment, from its metrics pages."""
