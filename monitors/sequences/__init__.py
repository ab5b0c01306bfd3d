"""Intervals that hold at every look: whoever stops when the figure looks good is still told the truth."""
