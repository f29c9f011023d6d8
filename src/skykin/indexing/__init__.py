"""An index on disk: the style of every cell of a survey, measured once and asked as often as one likes."""
