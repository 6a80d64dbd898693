"""Weights of published models -> model directories; one file for each family."""
