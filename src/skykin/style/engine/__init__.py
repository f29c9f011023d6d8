"""The shared engine: many overlapping tiles from one run of the network."""
