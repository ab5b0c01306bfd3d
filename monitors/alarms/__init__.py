"""Alarms on hourly bins of a bounded signal that page no more often than a stated budget."""
