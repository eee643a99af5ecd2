"""Customers, their households, and what each of a household may do."""
