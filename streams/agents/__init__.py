"""Faust agents around the stages: the corrected consumer, the batching producer and the loop between them."""
