"""What went wrong, by likeness: vectors of verdicts' texts, groups of failures, and texts like another."""
