"""The generated part of ``docs/``: ``python -m streams.documents docs``. Each page has a file here."""
