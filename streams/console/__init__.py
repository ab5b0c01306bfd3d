"""A browser console for reviewers, on this machine: one page over the operations of ``streams.reviews``."""
