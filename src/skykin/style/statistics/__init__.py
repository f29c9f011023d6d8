"""What is summarised of a layer's answers; `Statistic` tells how to add another."""
