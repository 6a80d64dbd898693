"""Where a corpus is made: who works there, what is taken for made, what is left."""

import dataclasses
import errno
import importlib.util
import pathlib
import shutil

import pytest
import test_build_corpus

from ssrlm_jax import config
from ssrlm_jax.data import rows
from ssrlm_jax.prepare.corpus import build_corpus, standardise

SETTINGS = test_build_corpus.SETTINGS


@pytest.fixture
def files(tmp_path: pathlib.Path) -> dict[str, list[str]]:
    """A file of 20 records."""
    lines = [f">r{n}\n{'ACGU'[n % 4] * (n + 1)}GCAU\n" for n in range(20)]
    (tmp_path / "other.fa").write_text("".join(lines))
    return {"other": [str(tmp_path / "other.fa")]}


def test_two_commands_do_not_work_in_one_place(tmp_path, files):
    work = tmp_path / "work"
    work.mkdir()
    with (
        build_corpus._alone(work),
        pytest.raises(ValueError, match="another command works"),
    ):
        build_corpus.build(tmp_path / "corpus", SETTINGS, **files, work=work)


def test_two_commands_do_not_make_one_corpus(tmp_path, files):
    """Each has a directory of work, but both would write to one unfinished corpus."""
    out = tmp_path / "corpus"
    with (
        build_corpus._alone_for(out),
        pytest.raises(ValueError, match="another command makes .*corpus; wait for it"),
    ):
        build_corpus.build(out, SETTINGS, **files, work=tmp_path / "other")
    build_corpus.build(out, SETTINGS, **files)
    assert not list(tmp_path.glob("*.lock"))


def test_a_damaged_corpus_does_not_pass_as_made_and_the_advice_works(tmp_path, files):
    out = tmp_path / "corpus"
    manifest = build_corpus.build(out, SETTINGS, **files)
    shard = out / manifest.shards[0].path
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(data)
    with pytest.raises(ValueError, match=f"other hash.*, or remove {out} and give"):
        build_corpus.build(out, SETTINGS, **files)
    shutil.rmtree(out)
    assert build_corpus.build(out, SETTINGS, **files).shards == manifest.shards


def test_an_error_that_is_not_of_the_disk_says_nothing_of_it(
    tmp_path, files, monkeypatch
):
    def fail(task):
        raise PermissionError(errno.EACCES, "Permission denied", "ncrna.tsv")

    monkeypatch.setattr(standardise, "standardise", fail)
    with pytest.raises(OSError, match="Permission denied: 'ncrna.tsv'$"):
        build_corpus.build(tmp_path / "corpus", SETTINGS, **files)


def test_ray_that_is_missing_is_told_before_any_work(tmp_path, files):
    if importlib.util.find_spec("ray"):
        pytest.skip("ray is installed")
    chosen = config.ExecutorConfig(kind="ray")
    settings = dataclasses.replace(SETTINGS, executor=chosen)
    with pytest.raises(ImportError, match="executor.kind='ray' needs"):
        build_corpus.build(tmp_path / "corpus", settings, **files)
    assert not (tmp_path / "corpus.work").exists()


def test_work_is_removed_if_not_kept(tmp_path, files):
    settings = dataclasses.replace(SETTINGS, keep_work=False)
    build_corpus.build(tmp_path / "corpus", settings, **files)
    assert not (tmp_path / "corpus.work").exists()


def test_shards_of_an_interrupted_run_are_not_taken_for_those_of_another(
    tmp_path, files, monkeypatch
):
    """Two corpora share a place of work; the first is stopped after packing."""
    work = tmp_path / "work"

    def stop(*given: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(rows, "write_manifest", stop)
    with pytest.raises(KeyboardInterrupt):
        build_corpus.build(tmp_path / "one", SETTINGS, **files, work=work)
    monkeypatch.undo()
    two = build_corpus.build(tmp_path / "two", SETTINGS, **files, work=work)
    assert rows.open_corpus(tmp_path / "two", with_hashes=True) == two
