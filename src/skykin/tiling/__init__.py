"""Where tiles lie on the sphere, and the pictures cut there."""
