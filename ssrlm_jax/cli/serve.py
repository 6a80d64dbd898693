"""`ssrlm serve`: a page that folds, on one's own machine."""

import argparse
import dataclasses
import errno
import importlib.util
import ipaddress
import os
import pathlib
import secrets
import socket
import sys

from ssrlm_jax import config, files, locks
from ssrlm_jax.cli import models, reports
from ssrlm_jax.external import programs

TOKEN = "SSRLM_TOKEN"
_FOLDER = "SSRLM_JOBS"
_NEEDED = ("fastapi", "fastapi_offline", "uvicorn")


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of `ssrlm serve`."""
    models.add_argument(parser)
    parser.add_argument("--port", type=int, default=8000, metavar="N")
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on (default: 127.0.0.1, this machine only); any other "
        f"one lets others in who have the token ({TOKEN}, else a new one)",
    )
    parser.add_argument(
        "--jobs",
        type=pathlib.Path,
        metavar="DIR",
        default=os.environ.get(_FOLDER) or "~/.cache/ssrlm-jax/jobs",
        help=f"where jobs are kept (default: {_FOLDER}, else ~/.cache/ssrlm-jax/jobs)",
    )
    for field in dataclasses.fields(config.ServeConfig):
        parser.add_argument(
            f"--{field.name.replace('_', '-')}",
            type=type(field.default),
            default=field.default,
            metavar="N",
            help=f"default: {field.default:,}",
        )
    parser.set_defaults(run=_serve)


def _serve(parsed: argparse.Namespace) -> None:
    names = [field.name for field in dataclasses.fields(config.ServeConfig)]
    limits = config.ServeConfig(**{name: getattr(parsed, name) for name in names})
    if not 0 < parsed.port < 2**16:
        raise ValueError(f"--port={parsed.port} does not lie in 1..{2**16 - 1}")
    directory = models.chosen(parsed).resolve()
    folder = files.expanded(parsed.jobs).absolute()
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise programs.ProgramError(
            f"{', '.join(missing)} not installed: pip install 'ssrlm-jax[serve]'"
        )
    import uvicorn

    from ssrlm_jax.serving import job_store, model_process, web

    complaint = f"another `ssrlm serve` has {folder}; give another one with --jobs DIR"
    with locks.alone(folder / "server.lock", complaint):
        store = job_store.JobStore(folder, limits)
        worker = [sys.executable, "-P", "-m", "ssrlm_jax.cli.serve_worker"]
        worker.append(str(folder))
        process = model_process.ModelProcess([*worker, "-m", str(directory)], store)
        token = "" if _is_local(parsed.host) else _token()
        application = web.Server(store, process, limits, token).application()
        with _listening(parsed.host, parsed.port) as heard:
            _tell(parsed.host, parsed.port, token)
            settings = uvicorn.Config(
                application, log_level="warning", server_header=False
            )
            uvicorn.Server(settings).run(sockets=[heard])


def _listening(host: str, port: int) -> socket.socket:
    """Returns a socket that listens.

    Raises:
      ValueError: the port is taken, or the address is none of this machine.
    """
    try:
        ((family, *_, address), *_) = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        )
        return socket.create_server(address, family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ValueError(
                f"port {port} of {host} is taken; give another one with --port N"
            ) from error
        raise ValueError(
            f"--host={host} --port={port}: nothing can listen there "
            f"({error.strerror or error})"
        ) from error


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _token() -> str:
    return os.environ.get(TOKEN) or secrets.token_urlsafe(24)


def _tell(host: str, port: int, token: str) -> None:
    """Says where the page is, and who can see it."""
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{port}/"
    if not token:
        reports.write(f"{address} (Ctrl-C ends; nothing leaves this machine)\n")
        return
    reports.write(
        f"{address}?token={token}\n"
        "Whoever has this address can fold here and see all jobs. It goes over the "
        "network as it is: put a proxy with HTTPS before it.\n"
    )
