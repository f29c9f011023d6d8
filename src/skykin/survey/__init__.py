"""Data on the sky: one file per kind of input, and what turns physical values into colours."""
