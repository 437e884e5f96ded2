"""Invented people, reports and work, to look at and to try things on. None of it exists in production."""
