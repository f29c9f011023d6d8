"""HEALPix maps."""
