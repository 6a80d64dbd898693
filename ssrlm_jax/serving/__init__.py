"""`ssrlm serve`: jobs on disk, one model process, and what a browser asks for."""
