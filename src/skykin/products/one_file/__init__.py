"""One HTML file that shows a map: sky, similarity and targets, without a network."""
