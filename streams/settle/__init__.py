"""One final reply to every request, whoever answers first: a pure state machine and the loop around it."""
