"""What Skykin leaves on disk: maps, catalogues, regions, figures, the report."""
