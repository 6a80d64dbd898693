"""What is run from a command line and ends: one file a job, which puts parts together.

Each module holds a function and `COMMAND`, which says how it is called; `ssrlm NAME`
and launch/ call it. Nothing but these and benchmarks imports a job.
"""
