"""Claiming: an appliance becomes the customer's who has its secret, or stands before it."""
