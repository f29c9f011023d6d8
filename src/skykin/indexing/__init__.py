"""An index on disk: the style of every cell of a survey, measured once, for any number of queries."""
