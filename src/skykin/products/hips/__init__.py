"""HiPS, a survey as tiles of HEALPix cells of ever finer order: single tiles, and whole folders."""
