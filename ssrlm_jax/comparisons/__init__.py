"""Methods beside each other: what each predicts of each set, kept; tables and figures.

A method is a folding program, a model, files, or scores of before. Every set is
predicted once by each version of a method; tables are made of what is kept.
"""
