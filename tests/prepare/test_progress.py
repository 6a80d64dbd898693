import io

import pytest
import rich.console

from ssrlm_jax.prepare import progress


def _console(is_terminal):
    return rich.console.Console(
        file=io.StringIO(), force_terminal=is_terminal, width=99
    )


@pytest.mark.parametrize("is_terminal", [True, False])
def test_progress_is_shown(is_terminal):
    console = _console(is_terminal)
    with progress.Stages(console) as display:
        for done in range(4):
            display("read", done, 3)
    text = console.file.getvalue()
    assert "reading files" in text
    if not is_terminal:
        assert text == "reading files: 0 of 3\nreading files: 3 of 3\n"


@pytest.mark.parametrize("is_terminal", [True, False])
def test_files_that_are_fetched_are_shown(is_terminal):
    console = _console(is_terminal)
    with progress.Downloads(console) as display:
        display("a [b].gz", 0, None)
        display("a [b].gz", 500, 2_000)
        display("a [b].gz", 2_000, 2_000)
    text = console.file.getvalue()
    assert "a [b].gz" in text
    if not is_terminal:
        assert text == "a [b].gz: 2,000 bytes\n"
