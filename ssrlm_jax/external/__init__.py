"""Programs of others: one file each finds it, runs it, reads its output."""
