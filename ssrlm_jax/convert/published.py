"""Where published weights lie, and what their publishers say of the files.

Zenodo and Hugging Face tell length and checksum of each file; nothing of this stands
here, so that it cannot go stale.
"""

import hashlib
import json
import os
import pathlib
import urllib.error
import urllib.request
from collections.abc import Iterable
from types import ModuleType
from typing import NamedTuple

from ssrlm_jax import types
from ssrlm_jax.convert import sources

ZENODO = "https://zenodo.org"
RECORDS = {"rinalmo": "15043668"}  # on Zenodo
REPOSITORIES = {  # on Hugging Face; what stands for `{}` is the name
    "rnafm": "cuhkaih/rnafm",
    "rhofold": "cuhkaih/rhofold",
    "aidorna": "genbio-ai/AIDO.RNA-{}",
}
DEFAULTS = {
    "rinalmo": "rinalmo_giga_pretrained.pt",
    "rnafm": "RNA-FM_pretrained.pth",
    "rhofold": "rhofold_pretrained_params.pt",
    "aidorna": "1.6B",
}
ELSEWHERE = {
    "ernierna": "its authors give weights on Google Drive only, see "
    "github.com/Bruce-ywj/ERNIE-RNA",
    "ssrlm": "no weights of SSR-LM were published",
}
_TIMEOUT = 30.0  # seconds without an answer


class Remote(NamedTuple):
    """A file at its publisher.

    Attributes:
      name: of the file.
      size: bytes.
      checksum: with its kind, such as "md5:..."; "": none is told.
      url: of the file, or the repository on Hugging Face.
      repository: on Hugging Face; "": elsewhere.
      beside: names of further files that belong to it.
      licence: as the publisher states it; "": it does not here.
      revision: on Hugging Face, which length and checksum are of.
    """

    name: str
    size: int
    checksum: str
    url: str
    repository: str = ""
    beside: tuple[str, ...] = ()
    licence: str = ""
    revision: str | None = None


def find(family: str, name: str | None) -> Remote:
    """Asks the publisher of a family for a file.

    Args:
      family: as in `ssrlm convert FAMILY`.
      name: of a file of the publisher, of a size ("aidorna"), or OWNER/REPOSITORY on
        Hugging Face; None: the usual one.

    Raises:
      ValueError: the publisher cannot be reached, or has no such file.
    """
    if name and "/" in name:
        return _on_hub(name, None)
    if family in RECORDS:
        return _on_zenodo(RECORDS[family], name or DEFAULTS[family])
    if family not in REPOSITORIES:
        raise ValueError(f"{ELSEWHERE[family]}; download the file and name it")
    name = name or DEFAULTS[family]
    repository = REPOSITORIES[family]
    if "{}" in repository:
        return _on_hub(repository.format(name), None)
    return _on_hub(repository, name)


def _on_zenodo(record: str, name: str) -> Remote:
    answer = _asked(f"{ZENODO}/api/records/{record}")
    try:
        files = {file["key"]: file for file in answer["files"]}
    except (KeyError, TypeError) as error:
        raise ValueError(f"record {record} of Zenodo lists no files") from error
    if name not in files:
        raise ValueError(f"{name!r} is not one of {', '.join(sorted(files))}")
    file = files[name]
    return Remote(name, file["size"], file["checksum"], file["links"]["self"])


def _asked(url: str) -> types.Json:
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT) as response:
            return json.load(response)
    except (OSError, urllib.error.URLError, ValueError) as error:
        raise ValueError(
            f"{url} cannot be reached ({error}); without a connection, download the "
            "file elsewhere and name it"
        ) from error


def _on_hub(repository: str, name: str | None) -> Remote:
    hub = _hub()
    try:
        about = hub.HfApi(endpoint=_endpoint()).model_info(
            repository, files_metadata=True, timeout=_TIMEOUT
        )
    except Exception as error:  # of many kinds, of the library and of its transport
        first = str(error).strip().splitlines() or [type(error).__name__]
        raise ValueError(
            f"{repository} on Hugging Face cannot be reached ({first[0]}); without a "
            "connection, download the file elsewhere and name it"
        ) from error
    files = {file.rfilename: file for file in about.siblings}
    accepted = (name,) if name else sources.WEIGHT_FILES
    found = next((one for one in accepted if one in files), None)
    if found is None and any(f"{one}.index.json" in files for one in accepted):
        raise ValueError(
            f"{repository} on Hugging Face is in parts; download it with `hf download "
            f"{repository} --local-dir DIR` and convert DIR"
        )
    if found is None:
        raise ValueError(
            f"{repository} on Hugging Face has none of {', '.join(accepted)}, it has "
            f"{', '.join(sorted(files))}"
        )
    file = files[found]
    checksum = f"sha256:{file.lfs.sha256}" if file.lfs else ""
    return Remote(
        found,
        file.size or 0,
        checksum,
        f"{_endpoint() or 'https://huggingface.co'}/{repository}",
        repository,
        tuple({sources.SETTINGS_FILE} & files.keys()),
        _licence(about.tags or ()),
        about.sha,
    )


def _licence(tags: Iterable[str]) -> str:
    found = next((tag for tag in tags if tag.startswith("license:")), "")
    name = found.removeprefix("license:")
    return "" if name in ("other", "unknown") else name


def from_hub(remote: Remote) -> pathlib.Path:
    """Downloads a file and what belongs to it into the cache of huggingface_hub.

    Raises:
      ValueError: the connection broke (the same command goes on), or the file has
        another checksum than its publisher says.
    """
    hub = _hub()
    try:
        *_, path = (
            hub.hf_hub_download(
                remote.repository, name, revision=remote.revision, endpoint=_endpoint()
            )
            for name in (*remote.beside, remote.name)
        )
    except Exception as error:
        first = str(error).strip().splitlines() or [type(error).__name__]
        raise ValueError(
            f"{remote.url}: {first[0]}; the same command goes on"
        ) from error
    check(pathlib.Path(path), remote)
    return pathlib.Path(path)


def check(path: pathlib.Path, remote: Remote) -> None:
    """Raises a ValueError unless a file has the checksum that its publisher says."""
    kind, _, expected = remote.checksum.partition(":")
    if not expected:
        return
    with path.open("rb") as file:
        found = hashlib.file_digest(file, kind).hexdigest()
    if found != expected:
        raise ValueError(
            f"{path}: {kind} {expected} expected, found {found}; remove the file, the "
            "same command fetches it again"
        )


def _endpoint() -> str | None:
    return os.environ.get("HF_ENDPOINT")


def _hub() -> ModuleType:
    try:
        import huggingface_hub
    except ImportError as error:
        raise ValueError(
            "Hugging Face is read with huggingface_hub: pip install 'ssrlm-jax[hub]'"
        ) from error
    return huggingface_hub
