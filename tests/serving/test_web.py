"""The server as a program meets it; the model process is a stand-in."""

import io
import os
import pathlib
import sys
import time
import zipfile

import pytest
import standing_process

from ssrlm_jax import config
from ssrlm_jax.serving import job_store, model_process

pytest.importorskip("fastapi_offline", reason="the extra [serve] is not installed")
testclient = pytest.importorskip("fastapi.testclient", reason="httpx is missing")

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]
LIMITS = config.ServeConfig(
    max_length=50, max_records=3, max_bytes=2_000, max_queue=2, keep_jobs=3
)
MARKUP = "<script>alert(1)</script>"


@pytest.fixture
def served(tmp_path, monkeypatch):
    """Returns what starts a server on the same folder, as often as one likes."""
    from ssrlm_jax.serving import web

    paths = os.environ.get("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), paths]))
    folder = tmp_path / "jobs"
    command = [sys.executable, str(HERE / "standing_process.py"), str(folder)]

    def start(token="", limits=LIMITS):
        store = job_store.JobStore(folder, limits)
        process = model_process.ModelProcess(command, store)
        application = web.Server(store, process, limits, token).application()
        return testclient.TestClient(application, base_url="http://localhost:8000")

    return start


def _ended(client, number):
    for _ in range(400):
        told = client.get(f"/jobs/{number}").json()
        if told["ended"]:
            return told
        time.sleep(0.05)
    raise AssertionError(f"the job has not ended: {told}")


def _fold(client, fasta, **more):
    return client.post("/fold", json={"fasta": fasta} | more)


def test_a_job_is_accepted_done_and_its_results_are_linked(served):
    with served() as client:
        answer = _fold(client, f">{MARKUP}\nGGGAAACCC\n>b\nGG-\n")
        assert answer.status_code == 202
        told = _ended(client, answer.json()["id"])
        assert (told["state"], told["num_records"], told["num_done"]) == ("done", 1, 2)
        assert len(told["problems"]) == 1
        assert told["problems"][0].startswith("input.fa:3: record 2 (b): position 3")
        assert client.get(told["links"]["results"]).json()[0] == {"name": MARKUP}
        report = client.get(told["links"]["report"])
        assert report.text == standing_process.PAGE
        assert report.headers["content-type"] == "text/html; charset=utf-8"
        data = client.get(told["links"]["files.zip"]).content
        packed = zipfile.ZipFile(io.BytesIO(data))
        assert packed.namelist() == ["predictions.jsonl", "report.html"]
        assert client.get("/jobs").json()[0]["id"] == told["id"]
        assert client.delete(f"/jobs/{told['id']}").json() == {"done": "removed"}
        assert client.get(f"/jobs/{told['id']}").status_code == 404


@pytest.mark.parametrize(
    ("status", "given", "told"),
    [
        (400, {"fasta": ""}, "nothing to fold: paste FASTA"),
        (400, {"fasta": ">a\nGG-\n"}, "input.fa:1: record 1 (a): position 3: '-'"),
        (400, {"fasta": "12 34"}, "input.fa:1: not FASTA"),
        (400, {"fasta": "GGGAAACCC", "threshold": 2}, "threshold: Input should be"),
        (400, {"fasta": "GGGAAACCC", "out": "/etc"}, "out: Extra inputs are not"),
        (400, {"fasta": "GGGAAACCC", "constraints": "(((..."}, "constraints.txt"),
        (400, {"fasta": "GGGAAACCC", "constraints": "....."}, "5 characters of cons"),
        (400, {"fasta": "GGGAAACCC", "constraints": ">x\n((...))"}, "x: no such RNA"),
        (400, {"fasta": "GGGAAACCC", "reactivities": "10 0.5"}, "position 10; the seq"),
        (400, {"fasta": ">a\nGGG&CCC\n", "reactivities": "1 1"}, "a: two strands; evi"),
        (
            400,
            {"fasta": "GGGAAACCC", "constraints": "(.......)", "max_span": 5},
            "sequence: constraints.txt",
        ),
        (
            400,
            {"fasta": ">a\nGGGAAA\n>b\nGGGAAA\n", "reactivities": "1 0.5"},
            "b: reactivities.txt:1: it names no RNA, and was used for another record",
        ),
        (400, {}, "fasta: Field required"),
        (413, {"fasta": f">a\n{'G' * 51}\n"}, "a has 51 nucleotides; up to 50 are"),
        (413, {"fasta": ">a\nGGG\n" * 4}, "more than 3 records"),
        (413, {"fasta": "G" * 3_000}, "more than 2,000 bytes"),
    ],
)
def test_what_cannot_be_folded_is_refused_in_a_line(served, status, given, told):
    with served() as client:
        answer = client.post("/fold", json=given)
    assert answer.status_code == status
    detail = answer.json()["detail"]
    assert told in detail
    assert "\n" not in detail
    assert "/tmp" not in detail


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff\xfe", b"[]", b'{"fasta": 1}']
    + [rb'{"fasta": "\ud800"}', rb'{"\ud800": 1}', b'{"fasta": "A", "threshold": NaN}'],
)
def test_a_damaged_request_is_a_bad_one(served, body):
    with served() as client:
        headers = {"content-type": "application/json"}
        assert client.post("/fold", content=body, headers=headers).status_code == 400


@pytest.mark.parametrize(
    "path", ["/jobs/%2e%2e", "/jobs/..%2f..%2fetc/report", "/jobs/x/report", "/etc"]
)
def test_no_path_is_read_through_the_server(served, path):
    with served() as client:
        assert client.get(path).status_code in (404, 405)


def test_a_full_queue_says_so_and_what_waits_is_cancelled(served):
    with served() as client:
        running = _fold(client, ">wait\nGGGAAACCC\n").json()["id"]
        for _ in range(200):
            if client.get(f"/jobs/{running}").json()["state"] == "running":
                break
            time.sleep(0.05)
        waiting = [_fold(client, ">a\nGGGAAACCC\n").json() for _ in range(2)]
        assert [one["place"] for one in waiting] == [0, 1]
        answer = _fold(client, ">a\nGGGAAACCC\n")
        assert answer.status_code == 429
        assert "2 jobs wait already" in answer.json()["detail"]
        for number in (waiting[0]["id"], running):
            assert client.delete(f"/jobs/{number}").json() == {"done": "cancelled"}
            assert _ended(client, number)["state"] == "cancelled"
        assert _ended(client, waiting[1]["id"])["state"] == "done"


def test_a_job_in_which_the_model_process_ends_fails_and_the_next_is_done(served):
    with served() as client:
        bad = _fold(client, ">crash\nGGGAAACCC\n").json()["id"]
        good = _fold(client, ">a\nGGGAAACCC\n").json()["id"]
        told = _ended(client, bad)
        assert told["state"] == "failed"
        assert told["problems"] == ["the model process ended twice in this job"]
        answer = client.get(f"/jobs/{bad}/results")
        assert answer.status_code == 404
        why = "the job is failed: the model process ended twice in this job"
        assert answer.json() == {"detail": why}
        assert _ended(client, good)["state"] == "done"


def test_a_restart_loses_no_job(served):
    with served() as client:
        done = _fold(client, ">a\nGGGAAACCC\n").json()["id"]
        _ended(client, done)
        running = _fold(client, ">wait\nGGGAAACCC\n").json()["id"]
        waiting = _fold(client, ">a\nGGGAAACCC\n").json()["id"]
    with served() as client:
        assert client.get(f"/jobs/{done}").json()["state"] == "done"
        assert client.get(f"/jobs/{running}").json()["ended"] is None
        client.delete(f"/jobs/{running}")
        assert _ended(client, waiting)["state"] == "done"


def test_the_oldest_jobs_that_have_ended_go_first(served):
    with served() as client:
        numbers = []
        for _ in range(5):
            numbers.append(_fold(client, ">a\nGGGAAACCC\n").json()["id"])
            _ended(client, numbers[-1])
        kept = {one["id"] for one in client.get("/jobs").json()}
    assert kept == set(numbers[-4:])  # three, and the one that was handed in last


def test_other_hosts_are_refused_without_a_token(served):
    with served() as client:
        headers = {"host": "rebound.example:8000"}
        assert client.get("/jobs", headers=headers).status_code == 400


def test_a_page_of_another_origin_is_refused(served):
    with served() as client:
        headers = {"origin": "http://evil.example"}
        answer = client.post("/fold", json={"fasta": "GGGAAACCC"}, headers=headers)
        assert answer.status_code == 400
        headers = {"origin": "http://localhost:8000"}
        answer = client.post("/fold", json={"fasta": "GGGAAACCC"}, headers=headers)
        assert answer.status_code == 202


def test_a_token_lets_in_and_nothing_else_does(served):
    with served(token="s3cret") as client:
        assert client.get("/").status_code == 401
        assert client.get("/?token=wrong").status_code == 401
        headers = {"authorization": "Bearer s3cret"}
        assert client.get("/jobs", headers=headers).status_code == 200
        assert client.get("/?token=s3cret").status_code == 200  # a cookie, and back
        assert client.get("/jobs").status_code == 200


def test_pages_need_no_network_and_are_framed_by_none(served):
    with served() as client:
        page = client.get("/")
        assert "connect-src 'self'" in page.text
        assert page.headers["x-frame-options"] == "DENY"
        docs = client.get("/docs").text
        assert "/static-offline-docs/" in docs
        assert "cdn." not in docs
        assert "/fold" in client.get("/openapi.json").json()["paths"]
