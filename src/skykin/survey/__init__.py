"""Data on the sky: the formats that are read, surveys made of surveys, and values shown as colours."""
