"""Runs one item of what is measured on a GPU, within eight minutes.

  python benchmarks/gpu.py attention    every back end, head sizes 48, 64, 88
  python benchmarks/gpu.py 650m         the training step: micro-batches, remat, PyTorch
  python benchmarks/gpu.py 150m
  python benchmarks/gpu.py 8m

Each ends by itself, prints one JSON line, and writes benchmarks/results/ as it goes:
the training step after each setting of its sweep, which takes half of the time.
"""

import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
SECONDS = 480
STEP = "train_step.py"
SHORT = f"--seconds={SECONDS}"
ITEMS = {
    "attention": ("attention.py",),
    "650m": (STEP, "--config=configs/650m.py", "--sweep", SHORT),
    "150m": (STEP, "--config=configs/150m.py", "--sweep", SHORT),
    "8m": (STEP, "--config=configs/8m.py", "--sweep", SHORT),
}


def main() -> int:
    """Runs the item named on the command line; returns its exit status."""
    if len(sys.argv) < 2 or sys.argv[1] not in ITEMS:
        print(f"name one of: {', '.join(ITEMS)}", file=sys.stderr)
        return 2
    script, *flags = ITEMS[sys.argv[1]]
    command = [sys.executable, str(HERE / script), *flags, *sys.argv[2:]]
    try:
        return subprocess.run(command, cwd=HERE.parent, timeout=SECONDS).returncode
    except subprocess.TimeoutExpired:
        print(f"stopped after {SECONDS} s; results so far are kept", file=sys.stderr)
        return 124


if __name__ == "__main__":
    sys.exit(main())
