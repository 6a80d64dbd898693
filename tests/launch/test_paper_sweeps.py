"""Fig. 3 of `ssrlm paper`, of the reports of sweeps, in all forms."""

import json
import shutil

from ssrlm_jax import cli


def test_the_report_of_a_sweep_is_a_part_of_its_figure(tmp_path, capsys):
    out = tmp_path / "out"
    folds = tmp_path / "folds"
    given = [f"--out={out}", f"--config.folds={folds}"]
    assert cli.main(["paper", "fig3", *given]) == 1
    assert (
        f"config.folds={folds}: there is no {folds}/report.md; `ssrlm sweep --rep"
        in (capsys.readouterr().err)
    )
    folds.mkdir()
    (folds / "report.md").write_text("fold 0 has 0.5\n\n![scores](scores.png)\n")
    (folds / "scores.png").write_bytes(b"a picture")
    (folds / "report.tex").write_text("% of folds\n")
    (folds / "report.csv").write_text("line,measure,value\nfold0,F1,0.5\n")
    for text, told in (('{"lines": [{}]}', "'scores'"), ("{", "Expecting property")):
        (folds / "report.json").write_text(text)
        assert cli.main(["paper", "fig3", *given]) == 1
        said = capsys.readouterr().err
        assert f"{folds}/report.json: no report of a sweep ({told}" in said
    lines = [{"scores": {"F1": {"mean": [f1, 0, 1]}}} for f1 in (0.5, 0.7, 0.9)]
    (folds / "report.json").write_text(json.dumps({"lines": lines}))
    same = tmp_path / "other" / "folds"  # a sweep of the same name
    shutil.copytree(folds, same)
    both = [*given, f"--config.sweep={same}"]
    assert cli.main(["paper", "fig3", *both]) == 0
    title, other = (
        "Fig. 3a: F1 on ten folds of unseen Rfam families of the PDB",
        "Fig. 3b",
    )
    assert (out / "fig3.csv").read_text().splitlines() == [
        "sweep,line,measure,value,low,high",
        f"{title},fold0,F1,0.5,,",
        f"{title},mean over them,F1,0.700000,0.500000,0.900000",
        f"{other},fold0,F1,0.5,,",
    ]
    latex = (out / "fig3.tex").read_text()
    assert latex.count("% of folds\n") == 2
    assert r"F1 & 3 & 0.700 (0.500-0.900) \\" in latex
    sweeps = json.loads((out / "fig3.json").read_text())["sweeps"]
    assert sweeps[other]["lines"] == sweeps[title]["lines"] == lines
    assert sweeps[title]["mean over them"][0]["values"] == {
        "mean over them": [0.7, 0.5, 0.9]
    }
    assert cli.main(["paper", "fig3", "--report", *given]) == 0
    text = (out / "fig3.md").read_text()
    assert "![scores](fig3_scores.png)" in text
    assert (out / "fig3_scores.png").read_bytes() == b"a picture"
    assert "fold 0 has 0.5" in text
    assert "| F1 | 3 | 0.700 (0.500-0.900) |" in text
    assert "| Fig. 3a: F1 on ten folds" not in text  # it is not missing any more
    assert "| Fig. 3b | no sweep is named by config.sweep |" in text
