"""What is known of a request without its text: its deadline, and whom a cancel is about."""
