"""What a browser or a program asks of `ssrlm serve`, and what it is answered.

Names of RNAs go out as JSON or within pages that escape them. No path is made of what
is asked: an ID finds a job in memory, and a job has a fixed set of files.
"""

import contextlib
import hmac
import io
import json
import pathlib
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, Any, Literal

import fastapi
import fastapi_offline
import pydantic
from fastapi import exceptions, responses
from starlette import concurrency

from ssrlm_jax import config
from ssrlm_jax.infer import results
from ssrlm_jax.pages import documents, fold_report
from ssrlm_jax.serving import job_store, model_process, submissions

COOKIE = "ssrlm_token"
_LOCAL = {"localhost", "127.0.0.1", "[::1]"}
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_OF_PAGES = {"Content-Security-Policy": "frame-ancestors 'none'"}  # they say the rest
_MOST_LISTED = 100
_NO_JOB = "there is no such job; jobs that ended long ago are removed"
_DOCS = ("/docs", "/openapi.json", "/static-offline-docs")
_SCRIPTS = ("d3.min.js", "state.js", "serve.js")

_Next = Callable[[fastapi.Request], Awaitable[fastapi.Response]]


class FoldRequest(pydantic.BaseModel):
    """RNA to fold, as `ssrlm fold` reads it."""

    model_config = pydantic.ConfigDict(extra="forbid")
    fasta: str
    constraints: str = ""
    reactivities: str = ""
    threshold: Annotated[float, pydantic.Field(gt=0, lt=1)] | None = None
    method: Literal["greedy", "nested", "matching"] | None = None
    max_span: Annotated[int, pydantic.Field(ge=1)] | None = None


class JobState(pydantic.BaseModel):
    """Where a job stands; `place` counts the jobs before it."""

    id: str
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    place: int
    num_records: int
    num_done: int
    problems: list[str]
    created: float
    ended: float | None
    links: dict[str, str]


class Server:
    """The parts of a server that requests meet."""

    def __init__(
        self,
        store: job_store.JobStore,
        process: model_process.ModelProcess,
        limits: config.ServeConfig,
        token: str = "",
    ) -> None:
        """Puts parts together.

        Args:
          store: of jobs.
          process: that runs them; it starts and stops with the application.
          limits: of what is accepted.
          token: "": only requests to this machine's own name are answered.
        """
        self._store, self._process = store, process
        self._limits, self._token = limits, token

    def application(self) -> fastapi.FastAPI:
        """Returns what a server of ASGI runs."""
        made = fastapi_offline.FastAPIOffline(
            title="ssrlm", version="1", redoc_url=None, lifespan=self._lifespan
        )
        made.middleware("http")(self._guarded)
        made.add_exception_handler(exceptions.RequestValidationError, _not_understood)
        made.add_exception_handler(OSError, _no_room)
        made.add_exception_handler(FileNotFoundError, _removed)
        routes: tuple[tuple[str, str, Callable[..., Any], dict[str, Any]], ...] = (
            ("GET", "/", self.page, {"include_in_schema": False}),
            ("POST", "/fold", self.fold, {"status_code": 202}),
            ("GET", "/jobs", self.jobs, {}),
            ("GET", "/jobs/{number}", self.job, {}),
            ("DELETE", "/jobs/{number}", self.delete, {}),
            ("GET", "/jobs/{number}/results", self.results, {}),
            ("GET", "/jobs/{number}/report", self.report, {}),
            ("GET", "/jobs/{number}/files.zip", self.files, {}),
            ("GET", "/health", self.health, {}),
        )
        for method, path, does, more in routes:
            made.add_api_route(path, does, methods=[method], **more)
        return made

    @contextlib.asynccontextmanager
    async def _lifespan(self, _: fastapi.FastAPI) -> AsyncIterator[None]:
        self._process.start()
        yield
        await concurrency.run_in_threadpool(self._process.stop)

    async def _guarded(self, request: fastapi.Request, answer: _Next) -> Any:
        """Answers those who may ask, of no more than is accepted."""
        refused = self._refusal(request)
        if refused is None and request.method == "POST":
            refused = await self._too_large(request)
        response = refused or await answer(request)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        if not request.url.path.startswith(_DOCS):
            response.headers.setdefault(
                "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"
            )
        return response

    def _refusal(self, request: fastapi.Request) -> fastapi.Response | None:
        host, origin = (request.headers.get(name, "") for name in ("host", "origin"))
        if origin and origin.partition("://")[2] != host:
            return _said(400, f"a page of {origin[:80]!r} may not ask here")
        if not self._token:
            name = host if host.endswith("]") else host.rpartition(":")[0] or host
            if name in _LOCAL:
                return None
            return _said(400, f"this server answers as localhost, not as {host[:80]!r}")
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        given = given or request.cookies.get(COOKIE, "")
        asked = request.query_params.get("token", "")
        if asked and hmac.compare_digest(asked.encode(), self._token.encode()):
            back = responses.RedirectResponse("/", status_code=303)
            back.set_cookie(COOKIE, self._token, httponly=True, samesite="strict")
            return back
        if hmac.compare_digest(given.encode(), self._token.encode()):
            return None
        return _said(
            401, "a token is needed: open the address that `ssrlm serve` printed"
        )

    async def _too_large(self, request: fastapi.Request) -> fastapi.Response | None:
        """Reads the body up to the limit; the request keeps what was read."""
        most, held = self._limits.max_bytes, bytearray()
        async for part in request.stream():
            held += part
            if len(held) > most:
                return _said(413, f"more than {most:,} bytes")
        request._body = bytes(held)
        return None

    def page(self) -> responses.HTMLResponse:
        """The page to paste RNA into."""
        page = documents.page(
            "ssrlm",
            documents.asset("serve.html"),
            [("limits", documents.as_json({"max_bytes": self._limits.max_bytes}))],
            scripts=_SCRIPTS,
            network="'self'",
        )
        return responses.HTMLResponse(page, headers=_OF_PAGES)

    def fold(self, request: FoldRequest) -> JobState:
        """Accepts RNA to fold."""
        try:
            found = submissions.checked(
                request.fasta,
                request.constraints,
                request.reactivities,
                self._limits,
                request.max_span or 0,
            )
        except submissions.TooLargeError as error:
            raise fastapi.HTTPException(413, str(error)) from error
        except ValueError as error:
            raise fastapi.HTTPException(400, str(error)) from error
        flags = request.model_dump(
            include={"threshold", "method", "max_span"}, exclude_none=True
        )
        try:
            job = self._store.add(found.texts, flags, found.num_records, found.problems)
        except job_store.QueueFullError as error:
            raise fastapi.HTTPException(429, str(error)) from error
        return self._state(job)

    def jobs(self) -> list[JobState]:
        """The newest jobs, the newest first."""
        return [self._state(job) for job in self._store.newest(_MOST_LISTED)]

    def job(self, number: str) -> JobState:
        """Where a job stands."""
        return self._state(self._found(number))

    def delete(self, number: str) -> dict[str, str]:
        """Cancels a job that waits or runs; removes one that has ended."""
        job = self._found(number)
        if job.ended:
            self._store.remove(job)
            return {"done": "removed"}
        self._process.cancel(job)
        return {"done": "cancelled"}

    def results(self, number: str) -> list[dict[str, Any]]:
        """What `ssrlm fold --format json` writes, of each record."""
        lines = self._file(number, results.JSON_FILE).read_text(encoding="utf-8")
        return [json.loads(line) for line in lines.splitlines()]

    def report(self, number: str) -> responses.HTMLResponse:
        """The page of all records."""
        page = self._file(number, fold_report.FILE).read_bytes()
        return responses.HTMLResponse(page, headers=_OF_PAGES)

    def files(self, number: str) -> responses.Response:
        """All files of a job, packed."""
        folder = self._file(number, fold_report.FILE).parent
        held = io.BytesIO()
        with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as packed:
            for path in sorted(folder.iterdir()):
                packed.write(path, path.name)
        headers = {"Content-Disposition": f'attachment; filename="ssrlm-{number}.zip"'}
        return responses.Response(held.getvalue(), 200, headers, "application/zip")

    def health(self) -> dict[str, bool]:
        """Whether the model is loaded."""
        return {"is_ready": self._process.is_ready}

    def _found(self, number: str) -> job_store.Job:
        try:
            return self._store.get(number)
        except KeyError as error:
            raise fastapi.HTTPException(404, _NO_JOB) from error

    def _file(self, number: str, name: str) -> pathlib.Path:
        job = self._found(number)
        path = self._store.folder(job) / job_store.OUT / name
        if job.state != job_store.DONE or not path.is_file():
            why = "; ".join(job.problems) or "no results"
            raise fastapi.HTTPException(404, f"the job is {job.state}: {why}")
        return path

    def _state(self, job: job_store.Job) -> JobState:
        job = self._store.seen(job)
        is_done = job.state == job_store.DONE
        names = ("report", "results", "files.zip") if is_done else ()
        told = {
            "id": job.id,
            "state": job.state,
            "place": self._store.place(job),
            "num_records": job.num_records,
            "num_done": self._store.num_done(job),
            "problems": job.problems,
            "created": job.created,
            "ended": job.ended or None,
            "links": {name: f"/jobs/{job.id}/{name}" for name in names},
        }
        return JobState.model_validate(told)


def _said(status: int, text: str) -> responses.JSONResponse:
    shown = text.encode("utf-8", "replace").decode()  # without halves of letters
    return responses.JSONResponse({"detail": shown}, status)


def _removed(_: fastapi.Request, error: Exception) -> fastapi.Response:
    del error  # a job that was removed while it was read
    return _said(404, _NO_JOB)


def _not_understood(_: fastapi.Request, error: Exception) -> fastapi.Response:
    """Says in a line what was wrong with a request."""
    (first, *_rest) = error.errors()  # type: ignore[attr-defined]
    place = ".".join(str(part) for part in first["loc"][1:])
    return _said(400, f"{place or 'the request'}: {first['msg']}")


def _no_room(_: fastapi.Request, error: Exception) -> fastapi.Response:
    told = getattr(error, "strerror", None) or "the disk cannot be used"
    return _said(503, f"{told}; tell whoever runs this server")
