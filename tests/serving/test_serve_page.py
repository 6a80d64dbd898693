"""The page of `ssrlm serve` in a real browser; the model process is a stand-in."""

import os
import pathlib
import sys
import threading
import time

import browser
import pytest
import test_web

from ssrlm_jax.serving import job_store, model_process

uvicorn = pytest.importorskip("uvicorn", reason="the extra [serve] is not installed")

HERE = pathlib.Path(__file__).parent
MARKUP = "<b>bold</b>"


@pytest.fixture(scope="module")
def chromium():
    with browser.started() as one:
        yield one


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Runs a server; returns where."""
    from ssrlm_jax.serving import web

    folder = tmp_path_factory.mktemp("served") / "jobs"
    paths = os.pathsep.join([str(test_web.ROOT), os.environ.get("PYTHONPATH", "")])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", paths)
        store = job_store.JobStore(folder, test_web.LIMITS)
        command = [sys.executable, str(HERE / "standing_process.py"), str(folder)]
        process = model_process.ModelProcess(command, store)
        application = web.Server(store, process, test_web.LIMITS).application()
        settings = uvicorn.Config(application, port=0, log_level="error")
        server = uvicorn.Server(settings)
        running = threading.Thread(target=server.run)
        running.start()
        while not server.started:
            time.sleep(0.02)
        (port,) = {one.getsockname()[1] for one in server.servers[0].sockets}
        yield f"http://127.0.0.1:{port}/"
        server.should_exit = True
        running.join()


@pytest.fixture
def visit(chromium, address):
    one = browser.Visit(chromium, address)
    yield one
    one.close()
    assert [url for url in one.requests if not url.startswith((address, "data:"))] == []


def _rows(visit):
    return visit.page.locator("#jobs tr")


def test_what_is_pasted_is_folded_and_shown(visit, address):
    visit.page.fill("#fasta", f">{MARKUP}\nGGGAAACCC\n")
    visit.page.click("#fold")
    visit.page.wait_for_url("**/report")
    assert visit.text("p") == "a page"
    visit.page.goto(address)
    _rows(visit).first.get_by_text("done").wait_for()
    assert visit.problems == []


def test_a_file_is_dropped(visit):
    visit.page.evaluate(
        """() => {
          const held = new DataTransfer();
          held.items.add(new File([">a\\nGGGAAACCC\\n"], "my.fa"));
          const told = {bubbles: true, cancelable: true, dataTransfer: held};
          document.getElementById("fasta").dispatchEvent(new DragEvent("drop", told));
        }"""
    )
    browser.expect(visit.page.locator("#fasta")).to_have_value(">a\nGGGAAACCC\n")


def test_bad_input_is_told_in_a_line_and_a_name_is_text(visit):
    visit.page.fill("#fasta", f">{MARKUP}\nGG-AA\n")
    visit.page.click("#fold")
    browser.expect(visit.page.get_by_role("alert")).to_contain_text(
        f"record 1 ({MARKUP}): position 3: '-' is a gap"
    )
    assert visit.page.locator("#told b").count() == 0


def test_a_job_is_cancelled_by_keys(visit):
    visit.page.fill("#fasta", ">wait\nGGGAAACCC\n")
    visit.page.locator("#fold").press("Enter")
    end = _rows(visit).first.get_by_role("button", name="cancel")
    end.wait_for()
    end.press("Enter")
    _rows(visit).first.get_by_text("cancelled").wait_for()
    browser.expect(visit.page.locator("#told")).to_have_text("cancelled")


def test_nothing_serious_stands_in_the_way_of_anyone(visit):
    visit.page.click("summary")
    assert visit.violations() == []


def test_the_page_of_the_interface_needs_no_network(visit, address):
    visit.page.goto(f"{address}docs")
    visit.page.get_by_text("/fold", exact=True).wait_for()


def test_a_phone_scrolls_down_only(chromium, address):
    one = browser.Visit(chromium, address, is_phone=True)
    assert one.page.evaluate("document.documentElement.scrollWidth") <= 390
    one.close()
