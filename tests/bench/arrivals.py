"""The load of those who come when they like, the same in memory and on a broker."""

from statistics import mean

SLOTS = 16
LENGTHS = (12, 24, 36)  # tokens, or words, of an answer
PACE = 0.05  # seconds for each of them
CAPACITY = SLOTS / (mean(LENGTHS) * PACE)  # requests a second
LOADS = (0.5, 0.8, 1.1)
DEADLINE = 3.0
PATIENCE = 30.0  # what the flood's requests wait at most
