import hashlib
import http.server
import json
import re
import socket
import threading

import pytest

from ssrlm_jax.prepare.download import public_sources, transfer

CONTENT = bytes(range(256)) * 4000


class Server:
    """A server on loopback; what it does next is set on it.

    Attributes:
      files: by path.
      breaks: of each answer to come, after how many bytes of body it ends.
      statuses: of the answers to come, where not 200.
      asked: Range header of each request; "" without.
    """

    def __init__(self):
        self.files = {"/one.gz": CONTENT}
        self.breaks, self.statuses, self.asked = [], [], []
        self.knows_ranges = self.knows_if_range = True
        self.has_length, self.kind, self.version = True, "application/gzip", '"v1"'
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                outer.answer(self)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.block_on_close = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def answer(self, request):
        wanted = request.headers.get("Range", "")
        self.asked.append(wanted)
        body = self.files.get(request.path)
        status = self.statuses.pop(0) if self.statuses else 200
        if body is None or status != 200:
            request.send_error(404 if body is None else status)
            return
        start = 0
        is_same = request.headers.get("If-Range") == self.version
        if wanted and self.knows_ranges and (is_same or not self.knows_if_range):
            start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1])
            status = 206 if start < len(body) else 416
        request.send_response(status)
        if status == 416:
            request.send_header("Content-Range", f"bytes */{len(body)}")
            body, start = b"", 0
        if status == 206:
            place = f"bytes {start}-{len(body) - 1}/{len(body)}"
            request.send_header("Content-Range", place)
        if self.version:
            request.send_header("ETag", self.version)
        request.send_header("Content-Type", self.kind)
        if self.has_length:
            request.send_header("Content-Length", str(len(body) - start))
        request.end_headers()
        end = self.breaks.pop(0) if self.breaks else None
        request.wfile.write(body[start:][:end])


@pytest.fixture
def server():
    one = Server()
    yield one
    one.close()


@pytest.fixture
def waits():
    return []


def _fetch(server, folder, waits, **more):
    file = public_sources.File(url=f"{server.url}/one.gz", name="one.gz", **more)
    return transfer.fetch(file, folder, wait=waits.append)


def test_a_file_is_fetched_once(server, tmp_path, waits):
    path = _fetch(server, tmp_path / "new", waits)
    assert path.read_bytes() == CONTENT
    assert _fetch(server, tmp_path / "new", waits) == path
    assert server.asked == [""]
    assert [one.name for one in path.parent.iterdir()] == ["one.gz"]
    assert waits == []


def test_a_broken_connection_goes_on_where_it_ended(server, tmp_path, waits):
    server.breaks = [300_000, 400_000]
    assert _fetch(server, tmp_path, waits).read_bytes() == CONTENT
    assert server.asked == ["", "bytes=300000-", "bytes=700000-"]
    assert waits == [1.0, 1.0]


def test_another_call_goes_on_where_the_first_ended(server, tmp_path, waits):
    server.breaks = [300_000] + [0] * transfer.NUM_TRIES
    with pytest.raises(ValueError, match=r"ended at byte 300,000.*300,000 bytes are k"):
        _fetch(server, tmp_path, waits)
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0]
    assert not (tmp_path / "one.gz").exists()
    server.breaks, server.asked = [], []
    assert _fetch(server, tmp_path, waits).read_bytes() == CONTENT
    assert server.asked == ["bytes=300000-"]


def test_without_ranges_all_is_fetched_again(server, tmp_path, waits):
    server.knows_ranges, server.breaks = False, [300_000]
    assert _fetch(server, tmp_path, waits).read_bytes() == CONTENT
    assert server.asked == ["", "bytes=300000-"]


def test_without_a_version_nothing_is_glued(server, tmp_path, waits):
    server.version, server.breaks = "", [300_000]
    assert _fetch(server, tmp_path, waits).read_bytes() == CONTENT
    assert server.asked == ["", ""]


@pytest.mark.parametrize("knows_if_range", [True, False])
def test_a_file_that_changed_between_tries_is_not_glued(
    server, tmp_path, waits, knows_if_range
):
    server.knows_if_range = knows_if_range
    server.breaks = [300_000] + [0] * transfer.NUM_TRIES
    with pytest.raises(ValueError, match="the same command goes on"):
        _fetch(server, tmp_path, waits)
    server.breaks, server.version = [], '"v2"'
    server.files["/one.gz"] = CONTENT[::-1]
    assert _fetch(server, tmp_path, waits).read_bytes() == CONTENT[::-1]


def test_what_was_whole_but_not_renamed_is_kept(server, tmp_path, waits):
    (tmp_path / "one.gz.unfinished").write_bytes(CONTENT)
    (tmp_path / "one.gz.unfinished.version").write_text('"v1"')
    assert _fetch(server, tmp_path, waits).read_bytes() == CONTENT
    assert server.asked == [f"bytes={len(CONTENT)}-"]


def test_more_than_the_server_has_is_thrown_away(server, tmp_path, waits):
    (tmp_path / "one.gz.unfinished").write_bytes(CONTENT + b"more")
    (tmp_path / "one.gz.unfinished.version").write_text('"v1"')
    assert _fetch(server, tmp_path, waits).read_bytes() == CONTENT


def test_an_unknown_length_is_fetched_to_the_end(server, tmp_path, waits):
    server.has_length = False
    assert _fetch(server, tmp_path, waits).read_bytes() == CONTENT


def test_an_empty_file_is_a_file(server, tmp_path, waits):
    server.files["/one.gz"] = b""
    assert _fetch(server, tmp_path, waits).read_bytes() == b""


def test_the_published_checksum_is_asked_for(server, tmp_path, waits):
    right = hashlib.md5(CONTENT).hexdigest()
    assert _fetch(server, tmp_path / "right", waits, md5=right).exists()
    with pytest.raises(ValueError, match=f"md5 {'0' * 32} expected, found {right}"):
        _fetch(server, tmp_path / "wrong", waits, md5="0" * 32)
    assert not any((tmp_path / "wrong").glob("one.gz*d"))
    assert not (tmp_path / "wrong/one.gz").exists()


def test_a_missing_file_is_not_tried_again(server, tmp_path, waits):
    file = public_sources.File(url=f"{server.url}/two.gz", name="two.gz")
    with pytest.raises(transfer.MissingError, match=r"two.gz: the server says 404 Not"):
        transfer.fetch(file, tmp_path, wait=waits.append)
    assert len(server.asked) == 1
    assert waits == []


def test_an_overloaded_server_is_asked_again(server, tmp_path, waits):
    server.statuses = [503, 429]
    assert _fetch(server, tmp_path, waits).read_bytes() == CONTENT
    assert waits == [1.0, 2.0]


def test_a_web_page_is_not_the_file(server, tmp_path, waits):
    server.kind = "text/html; charset=utf-8"
    with pytest.raises(transfer.MissingError, match="a web page came instead"):
        _fetch(server, tmp_path, waits)
    assert not (tmp_path / "one.gz").exists()


def test_offline_is_one_line(tmp_path, waits):
    with socket.socket() as held:  # bound, not listening: connections are refused
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}/one.gz"
        with pytest.raises(ValueError, match=r"no connection \(Connection ref") as told:
            transfer.fetch(
                public_sources.File(url=url, name="one.gz"), tmp_path, wait=waits.append
            )
    assert len(waits) == transfer.NUM_TRIES - 1
    assert "\n" not in str(told.value)


def test_a_full_disk_is_said_and_not_tried_again(server, tmp_path, waits):
    (tmp_path / "one.gz.unfinished").symlink_to("/dev/full")
    with pytest.raises(ValueError, match="the disk is full; what is there is kept"):
        _fetch(server, tmp_path, waits)
    assert waits == []


def test_too_little_room_is_said_before_anything_comes(
    server, tmp_path, waits, monkeypatch
):
    room = type("Usage", (), {"free": 1000})
    monkeypatch.setattr(transfer.shutil, "disk_usage", lambda path: room)
    with pytest.raises(ValueError, match="1,024,000 bytes are to come, 1,000 are free"):
        _fetch(server, tmp_path, waits)
    assert (tmp_path / "one.gz.unfinished").read_bytes() == b""


def test_progress_is_told_from_where_it_goes_on(server, tmp_path, waits):
    told = []
    server.breaks = [300_000]
    file = public_sources.File(url=f"{server.url}/one.gz", name="one.gz")
    transfer.fetch(
        file,
        tmp_path,
        wait=waits.append,
        report=lambda name, done, total: told.append((name, done, total)),
    )
    assert told[0] == ("one.gz", 0, len(CONTENT))
    assert ("one.gz", 300_000, len(CONTENT)) in told
    assert told[-1] == ("one.gz", len(CONTENT), len(CONTENT))


def _source(server, **more):
    return public_sources.Source(
        about="", licence="", citation="", each=f"{server.url}/{{id}}.gz", **more
    )


def test_a_missing_entry_does_not_stop_the_others(server, tmp_path, waits):
    server.files["/two.gz"] = b"2"
    source = _source(server, entry=r"\w+")
    entries = ["one", "none", "two"]
    found, missing = transfer.fetch_source(source, entries, tmp_path, wait=waits.append)
    assert found == 2
    assert [one.split(": ")[1] for one in missing] == ["the server says 404 Not Found"]
    assert (tmp_path / "two.gz").read_bytes() == b"2"


@pytest.mark.parametrize("hits", [["one", "two"], [{"identifier": "one"}]])
def test_entries_come_from_a_search_where_none_are_named(server, tmp_path, waits, hits):
    server.kind = "application/json"
    server.files["/two.gz"] = b"2"
    server.files["/search"] = json.dumps({"result_set": hits}).encode()
    search = public_sources.File(url=f"{server.url}/search", name="entries.json")
    source = _source(server, entry=r"\w+", entries=search)
    found, missing = transfer.fetch_source(source, [], tmp_path, wait=waits.append)
    assert (found, missing) == (len(hits), [])
    assert (tmp_path / "one.gz").read_bytes() == CONTENT
