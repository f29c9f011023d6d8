"""How well a score finds known objects, beside simpler rankings and chance: arrays in, numbers out."""
