"""Workers say what this process says, bit for bit; and what happens where one ends."""

import concurrent.futures
import functools
import itertools
import os
import pathlib
import signal

import numpy as np
import pytest
import stand_ins

from ssrlm_jax.external import cores, energies, evidence, programs, vienna_workers
from ssrlm_jax.rna import probabilities

RNA = pytest.importorskip("RNA", reason="ViennaRNA is not installed")
NAMES = ("vienna", "andronescu", "langdon")
LONG = stand_ins.TRNA * 2


@pytest.fixture(autouse=True)
def few_cores(monkeypatch):
    """Has RNA of 100 nucleotides be worth a worker, and two cores be there."""
    monkeypatch.setattr(vienna_workers, "UNIT", 100)
    monkeypatch.setattr(vienna_workers, "LEAST_MORE", vienna_workers.LEAST)
    monkeypatch.setattr(cores, "count", lambda: 2)


@pytest.fixture
def no_crew(monkeypatch):
    """Has no worker be there yet."""
    made = []

    class Crew(vienna_workers._Crew):
        def __init__(self):
            super().__init__()
            made.append(self)

    monkeypatch.setattr(vienna_workers, "_Crew", Crew)
    fresh = functools.cache(vienna_workers._crew.__wrapped__)
    monkeypatch.setattr(vienna_workers, "_crew", fresh)
    yield
    for one in made:
        one.end()


def _alone(monkeypatch, source, *given):
    with monkeypatch.context() as patch:
        patch.setattr(vienna_workers, "are_useful", lambda _: False)
        return source(*given)


def _counted(monkeypatch):
    """Returns how many tasks workers got, a number for each call."""
    counts, run = [], vienna_workers.run
    monkeypatch.setattr(
        vienna_workers, "run", lambda tasks: counts.append(len(tasks)) or run(tasks)
    )
    return counts


def _check_equal(found, expected):
    for ours, theirs in zip(found, expected, strict=True):
        for listed, wanted in zip(ours, theirs, strict=True):
            for column, values in zip(listed, wanted, strict=True):
                np.testing.assert_array_equal(column, values)
                assert column.dtype == values.dtype


def test_workers_say_the_same_bit_for_bit(monkeypatch, tmp_path):
    counts = _counted(monkeypatch)
    for source in (
        energies.Energies(names=NAMES, folder=str(tmp_path)),
        energies.Energies(names=NAMES, longest=80, window=60, span=40),  # in windows
    ):
        given = [LONG, stand_ins.TRNA, LONG + "A"]
        found = source(given)
        assert counts.pop() == 9  # three RNAs, three sets of parameters
        _check_equal(found, _alone(monkeypatch, source, given))
    energies.Energies(names=NAMES, folder=str(tmp_path))(given)
    assert not counts  # what is kept is not computed


def test_workers_are_told_what_is_known(monkeypatch):
    counts = _counted(monkeypatch)
    source = energies.Energies(names=NAMES)
    reactivity_L = np.linspace(0, 1.5, len(LONG), dtype=np.float32)
    known = evidence.Evidence(reactivity_L=reactivity_L)
    found = source([LONG], [known])
    assert counts == [3]
    _check_equal(found, _alone(monkeypatch, source, [LONG], [known]))
    assert not np.array_equal(found[0][0].probability, source([LONG])[0][0].probability)


def _ended():
    os.kill(os.getpid(), signal.SIGKILL)


def _refused():
    raise ValueError("not this one")


def _listed():
    return probabilities.from_pairs([(1, 9, 0.5)])


def test_a_worker_that_ends_is_told_and_another_one_takes_its_place():
    with pytest.raises(programs.ProgramError, match="ended while it folded"):
        vienna_workers.run([_ended, _listed])
    assert [one.i.tolist() for one in vienna_workers.run([_listed] * 4)] == [[0]] * 4


def test_the_error_of_a_task_is_raised():
    with pytest.raises(ValueError, match="^not this one$"):
        vienna_workers.run([_listed, _refused])


def test_where_the_library_is_set_otherwise_no_worker_is_asked(monkeypatch):
    here = os.getpid()
    task = functools.partial(_process)
    assert here not in vienna_workers.run([task, task])
    RNA.params_load_RNA_Andronescu2007()
    try:
        assert vienna_workers.run([task, task]) == [here, here]
    finally:
        RNA.params_load_RNA_Turner2004()
    monkeypatch.setattr(RNA.cvar, "dangles", 0)
    assert vienna_workers.run([task, task]) == [here, here]


def _process():
    return os.getpid()


def test_one_task_one_core_and_a_worker_itself_need_no_workers(monkeypatch):
    assert vienna_workers.are_useful([200, 200])
    assert not vienna_workers.are_useful([1_000])
    with monkeypatch.context() as patch:
        patch.setenv("SSRLM_VIENNA_WORKER", "1")
        assert not vienna_workers.are_useful([200, 200])
    monkeypatch.setattr(cores, "count", lambda: 1)
    assert not vienna_workers.are_useful([200, 200])


@pytest.mark.usefixtures("no_crew")
def test_little_work_starts_no_workers_but_is_done_by_those_there_are(monkeypatch):
    monkeypatch.setattr(vienna_workers, "LEAST_MORE", 0.5)
    assert not vienna_workers.are_useful([90, 90])
    assert vienna_workers.are_useful([90, 90, 90])
    assert vienna_workers.are_useful([50] * 20)
    vienna_workers.run([_process, _process])
    assert vienna_workers.are_useful([90, 90])
    assert not vienna_workers.are_useful([30, 30])


@pytest.mark.usefixtures("no_crew")
def test_threads_share_one_crew():
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        found = [*pool.map(vienna_workers.run, [[_process] * 2] * 4)]
    assert len(set(itertools.chain.from_iterable(found))) <= 3


@pytest.mark.usefixtures("no_crew")
def test_a_file_of_the_users_is_no_library_of_a_worker(monkeypatch, tmp_path):
    (tmp_path / "queue.py").write_text("raise ValueError('not this one')\n")
    monkeypatch.chdir(tmp_path)
    assert os.getpid() not in vienna_workers.run([_process, _process])


@pytest.mark.usefixtures("no_crew")
def test_where_no_worker_starts_this_process_folds(monkeypatch, caplog):
    monkeypatch.setattr(vienna_workers.sys, "executable", str(pathlib.Path("no/one")))
    assert vienna_workers.run([_process, _process]) == [os.getpid()] * 2
    assert "no other can be started" in caplog.text


def test_an_error_of_a_task_ends_no_worker():
    before = set(vienna_workers.run([_process] * 3))
    with pytest.raises(ValueError, match="^not this one$"):
        vienna_workers.run([_refused, _listed])
    for process in before:
        os.kill(process, 0)  # an error, where there is none


@pytest.mark.parametrize("is_kept", [False, True])
def test_many_rnas_are_shared_among_workers(monkeypatch, tmp_path, is_kept):
    counts = _counted(monkeypatch)
    folder = str(tmp_path) if is_kept else ""
    source = energies.Energies(names=NAMES, longest=75, folder=folder)
    given = [(stand_ins.TRNA * 2)[place : place + 60 + place] for place in range(24)]
    given += given[:2]  # twice, and folded once
    found = source([*given, ""])
    assert counts == [3 * 8]  # parts of each set of parameters
    _check_equal(found, _alone(monkeypatch, source, [*given, ""]))
    assert source(given[::-1])[0][0].i.tolist() == found[1][0].i.tolist()
    assert len(counts) == (1 if is_kept else 2)
