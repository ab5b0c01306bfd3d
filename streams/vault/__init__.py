"""Raw text kept encrypted, one data key a subject, and what may be undone with it."""
