"""Records, topics, policies, the codec and errors: the contracts. No I/O."""
