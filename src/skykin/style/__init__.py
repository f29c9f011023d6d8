"""How the style of a picture is measured."""
