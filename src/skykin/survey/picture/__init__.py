"""Pictures: PNG, JPEG and TIFF files."""
