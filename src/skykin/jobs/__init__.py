"""The whole job: one file per verb; the only folder that knows every stage."""
