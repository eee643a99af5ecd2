"""What a customer is asked about an alert, when, and what the answer does."""
