"""What a process of ours is made of: a health page, a watchdog, an end at a signal."""
