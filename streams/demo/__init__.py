"""The demo: traffic from a foreign client, watched while it is judged, and a report of what came out."""
