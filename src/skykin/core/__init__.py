"""Values, shapes and errors that every other part of Skykin shares."""
