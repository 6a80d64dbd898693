"""Pages that a browser shows without a network: reports, and what they are made of."""
