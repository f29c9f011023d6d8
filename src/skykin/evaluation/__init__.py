"""What a score is worth: catalogues, baselines, controls."""
