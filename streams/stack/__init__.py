"""The local stack: which processes it has, and the settings of a command that talks to it."""
