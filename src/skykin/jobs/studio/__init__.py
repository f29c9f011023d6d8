"""The studio makes pictures of what a person names, and puts them into files."""
