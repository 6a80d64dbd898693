import os
import pathlib
import signal
import subprocess
import sys
import textwrap

import full_disk
import pytest
import test_cli_embed
import test_cli_fold

from ssrlm_jax import cli

HERE = pathlib.Path(__file__).parent
CTRL_C = "os.kill(os.getpid(), signal.SIGINT)"
INTERRUPTED = (130, "ssrlm: interrupted\n")
START = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # jobs of a shell ignore it
"""

model, loaded = test_cli_embed.model, test_cli_fold.loaded  # fixtures


def _run(code, *arguments, **settings):
    """Returns the exit status and standard error of a script."""
    done = subprocess.run(
        [sys.executable, "-c", START + code, *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE.parent), str(HERE)])},
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=60,
        **settings,
    )
    return done.returncode, done.stderr


def _guarded(body, **settings):
    """Returns what `_run` does of a command of these lines."""
    lines = textwrap.indent(textwrap.dedent(body), "    ")
    code = "import gc, time\nfrom ssrlm_jax.cli import endings\n"
    return _run(f"{code}def command():{lines}\nendings.guarded(command)", **settings)


def test_ctrl_c_ends_a_command_in_one_line(model):
    code = f"""
from ssrlm_jax import cli
from ssrlm_jax.cli import info
info.describe = lambda _: {CTRL_C}
cli.main()
"""
    assert _run(code, "info", model) == INTERRUPTED


def test_a_command_of_a_program_returns_when_it_is_stopped():
    code = f"""
from ssrlm_jax import cli
from ssrlm_jax.cli import info
info.describe = lambda _: {CTRL_C}
assert cli.main(["info", "x"]) == 130
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
print("going on", file=sys.stderr)
"""
    assert _run(code) == (0, "ssrlm: interrupted\ngoing on\n")


def test_a_closed_standard_output_is_no_error(model):
    code = "from ssrlm_jax import cli\nsys.exit(cli.main())"
    command = 'exec "$0" -c "$1" info "$2" >&-'
    done = subprocess.run(
        ["bash", "-c", command, sys.executable, f"import sys\n{code}", str(model)],
        env=os.environ | {"PYTHONPATH": str(HERE.parent)},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_ctrl_c_leaves_nothing_unfinished(tmp_path):
    code = f"""
import pathlib
import numpy as np
from ssrlm_jax.cli import endings
from ssrlm_jax.infer import results
def embed():
    with results.Embeddings(pathlib.Path(sys.argv[1])) as file:
        file.add("a", np.zeros((2, 2)))
        {CTRL_C}
endings.guarded(embed)
"""
    assert _run(code, tmp_path / "x.npz") == INTERRUPTED
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_waits_for_an_import(tmp_path):
    (tmp_path / "slow.py").write_text(
        f"import os, signal, time\n{CTRL_C}\ntime.sleep(0.2)\nprint('loaded')"
    )
    out = tmp_path / "out"
    with out.open("w") as file:
        ended = _guarded(
            f"""
            sys.path.insert(0, {str(tmp_path)!r})
            import slow
            time.sleep(30)
            """,
            stdout=file,
        )
    assert ended == INTERRUPTED
    assert out.read_text() == "loaded\n"


def test_ctrl_c_waits_for_a_callback_that_would_lose_it():
    ended = _guarded(
        f"""
        def _xla_gc_callback(phase, _):
            {CTRL_C}
        gc.callbacks.append(_xla_gc_callback)
        gc.collect()  # asks it twice
        gc.callbacks.clear()
        try:
            time.sleep(30)
        finally:
            time.sleep(0.2)  # and the second does not cut short what is put away
        """
    )
    assert ended == INTERRUPTED


def test_ctrl_c_that_a_library_takes_for_an_error_is_ctrl_c():
    ended = _guarded(
        f"""
        try:
            {CTRL_C}
        except KeyboardInterrupt:
            raise ImportError("not Ctrl-C") from None
        """
    )
    assert ended == INTERRUPTED


def test_a_second_ctrl_c_ends_at_once():
    ended = _guarded(
        f"""
        try:
            {CTRL_C}
        finally:
            {CTRL_C}
            print("still there", file=sys.stderr)
        """
    )
    assert ended == (-signal.SIGINT, "")


def test_a_job_in_the_background_goes_on():
    code = f"""
from ssrlm_jax.cli import endings
signal.signal(signal.SIGINT, signal.SIG_IGN)
sys.exit(endings.guarded(lambda: {CTRL_C} or 0))
"""
    assert _run(code) == (0, "")


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_a_closed_pipe_ends_every_command_without_a_word(model, flags):
    reads, writes = os.pipe()
    os.close(reads)
    code = "from ssrlm_jax import cli\nsys.exit(cli.main())"
    with os.fdopen(writes, "w") as file:
        assert _run(code, "info", model, *flags, stdout=file) == (141, "")


def test_standard_output_on_a_full_disk_is_one_line(model):
    code = "from ssrlm_jax import cli\nsys.exit(cli.main())"
    with open("/dev/full", "w") as file:
        status, told = _run(code, "info", model, stdout=file)
    assert (status, told) == (1, "ssrlm info: No space left on device\n")


def test_what_is_not_on_the_disk_is_not_reported_as_done(
    loaded, model, tmp_path, capsys
):
    (tmp_path / "my.fa").write_text("".join(f">{n}\nGGGAAACCC\n" for n in range(999)))
    run = ["embed", str(tmp_path / "my.fa"), "-o", str(tmp_path / "out" / "x.npz")]
    with full_disk.after(8192):
        assert cli.main(run) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "x.npz cannot be written (File too large); make room" in line
    assert list((tmp_path / "out").iterdir()) == []
