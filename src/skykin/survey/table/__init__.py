"""Tables: pointings, spectra, objects."""
