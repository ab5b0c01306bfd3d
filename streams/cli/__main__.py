"""``python -m streams.cli``: the command line where the script ``weir`` is not on the path."""

from streams.cli import main

main()
