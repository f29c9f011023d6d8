"""How significant a score is: the matched null, p and q, surrogates."""
