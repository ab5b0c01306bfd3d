"""Which verdicts people read: strata, probabilities, and the plans that keep the load within a day's budget."""
