"""Sweeps: a chain of jobs for each cell of a table, and the table at the end.

Nothing is trained or scored by code of this folder: jobs are commands of `ssrlm`, run
as processes. It says which, in what order, where their results lie, and what came out.
"""
