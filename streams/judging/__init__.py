"""The stages that judge: screen reads requests, judge reads completions, observe reads interactions."""
