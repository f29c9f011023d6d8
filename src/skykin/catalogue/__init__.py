"""What is known on the sky: regions, lists of objects, names, a user's tables."""
