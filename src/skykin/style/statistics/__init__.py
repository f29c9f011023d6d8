"""What is summarised of a layer's answers."""
