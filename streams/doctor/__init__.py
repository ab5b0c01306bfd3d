"""What Weir needs, looked at from this machine: what is there, what is not, and the command that mends it."""
