"""Numbers to estimates and alarms. Pure."""
