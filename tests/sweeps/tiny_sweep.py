"""A tiny sweep of jobs that take half a second each: subsets of a table, scored."""

import pathlib

from ssrlm_jax.sweeps import chains, job_graph

NAMES = ("a", "b", "c", "d")
SEQUENCE, TRUE, HALF, NONE = "GGGAAACCC", "(((...)))", "(.......)", "........."


def write_tables(folder: pathlib.Path) -> None:
    """Writes known structures of four RNAs, and two sets of predictions."""
    lines = ["id\tsequence\tdotbracket", *(f"{n}\t{SEQUENCE}\t{TRUE}" for n in NAMES)]
    (folder / "truth.tsv").write_text("\n".join(lines) + "\n")
    for name, found in (
        ("good", (TRUE, TRUE, TRUE, HALF)),
        ("bad", (HALF, TRUE, NONE, HALF)),
    ):
        (folder / name / "model").mkdir(parents=True)
        for rna, dots in zip(NAMES, found, strict=True):
            (folder / name / "model" / f"{rna}.dbn").write_text(
                f">{rna}\n{SEQUENCE}\n{dots}\n"
            )


def tiny(folder: pathlib.Path) -> chains.Sweep:
    """Returns a sweep of two cells: one subset for both, one each, and scores."""

    def chain(cell):
        yield chains.Step(
            name="all",
            command="subset",
            flags={"table": str(folder / "truth.tsv"), "keep": "*"},
        )
        yield chains.Step(
            name="some",
            command="subset",
            flags={
                "table": chains.Output("all", "table"),
                "keep": f"[{'abcd'[: cell['upto']]}]",
            },
        )
        yield chains.Step(
            name="scores",
            command="evaluate",
            config="evaluate",
            settings={"truth": chains.Output("some", "table"), "programs": ""},
            flags={"predictions": str(folder / str(cell["method"]) / "model")},
        )

    return chains.Sweep(
        axes={"method": ("bad", "good"), "upto": (4,)},
        chain=chain,
        measures=(chains.Measure(name="F1", step="scores", column="f1"),),
        compared="method",
        paper={("good", 4, "F1"): 0.9},
    )


def job(command, **about):
    """Returns a job that nothing comes before."""
    given = {"name": f"{command}-0", "step": command} | about
    nothing = {"config": "", "settings": {}, "flags": {}, "resolved": {}}
    return job_graph.Job(
        command=command, parents=(), key="0", decided_by={}, **nothing, **given
    )
