"""The process that watches: verdicts into bins, bins into evidence, evidence into alerts."""
