"""Surveys made of other surveys."""
