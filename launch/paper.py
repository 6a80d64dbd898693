"""Runs `ssrlm paper` from a clone; --help says more."""

import sys

from ssrlm_jax import cli

if __name__ == "__main__":
    sys.exit(cli.launch("paper"))
