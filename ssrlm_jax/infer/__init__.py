"""Models at work: sequences in, structures, files and pictures out; no training."""
