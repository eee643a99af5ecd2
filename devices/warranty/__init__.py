"""Warranty: what is covered until when, derived from terms and dates and never typed."""
