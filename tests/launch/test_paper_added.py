"""A method of files, added to a table by `ssrlm paper --add`."""

import json

import pytest
import ten_rnas
import test_paper_command


def test_a_method_of_files_is_added_and_stays(tmp_path):
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    for n, letters in enumerate(ten_rnas.SEQUENCES[:5]):
        text = f">r{n}\n{letters}\n{ten_rnas.KNOWN}\n"
        (theirs / f"r{n}.dbn").write_text(text)
    ten_rnas.write(tmp_path)
    given = ["--add=mine", f"--predictions={theirs}"]
    assert test_paper_command.call(tmp_path, *given, "--methods=mine,inner") == 0
    assert set(test_paper_command.rows(tmp_path)) == {"mine", "inner"}
    found = test_paper_command.rows(tmp_path)["mine"]
    assert found["values"]["F1"][0] == 0.5  # five are right, five are missing
    assert found["failed"]["r5"] == f"none in {theirs}"
    assert found["shared"]["equal"] is None
    for one in theirs.iterdir():
        one.unlink()
    assert test_paper_command.call(tmp_path, "--methods=mine,right") == 0
    assert test_paper_command.rows(tmp_path)["mine"]["values"]["F1"][0] == 0.5


def test_a_method_is_added_beside_what_is_kept(tmp_path):
    ten_rnas.write(tmp_path)
    (tmp_path / "mine.dbn").write_text(
        f">r0\n{ten_rnas.SEQUENCES[0]}\n{ten_rnas.KNOWN}\n"
    )
    assert test_paper_command.call(tmp_path, "--methods=inner") == 0
    assert (
        test_paper_command.call(
            tmp_path, "--add=mine", f"--predictions={tmp_path}/mine.dbn"
        )
        == 0
    )
    found = test_paper_command.rows(tmp_path)
    assert found["mine"]["values"]["F1"][0] == pytest.approx(0.1)
    assert found["inner"]["values"]["recall"] == [0.5, 0.5, 0.5]
    assert "10 RNAs are not predicted yet" in found["right"]["reason"]
    assert ten_rnas.calls(tmp_path, "right") == []


@pytest.mark.parametrize("named", ["inner", "mine"])
def test_what_is_added_stands_beside_the_methods_that_are_named(named, tmp_path):
    ten_rnas.write(tmp_path)
    (tmp_path / "mine.dbn").write_text(
        f">r0\n{ten_rnas.SEQUENCES[0]}\n{ten_rnas.KNOWN}\n"
    )
    given = ["--add=mine", f"--predictions={tmp_path}/mine.dbn", f"--methods={named}"]
    assert test_paper_command.call(tmp_path, *given) == 0
    assert set(test_paper_command.rows(tmp_path)) == {"mine", named}


def test_a_method_that_runs_here_keeps_its_name(tmp_path, capsys):
    ten_rnas.write(tmp_path)
    (tmp_path / "mine.dbn").write_text(
        f">r0\n{ten_rnas.SEQUENCES[0]}\n{ten_rnas.KNOWN}\n"
    )
    for name, told in (("inner", "Inner"), ("vienna", "ViennaRNA, least free energy")):
        given = [f"--add={name}", f"--predictions={tmp_path}/mine.dbn"]
        assert test_paper_command.call(tmp_path, *given) == 1
        assert f"--add={name}: that is {told}, which runs" in capsys.readouterr().err
    assert not (tmp_path / "out" / "added").exists()
    (tmp_path / "inner").unlink()  # its predictions may come from elsewhere
    given = ["--add=inner", f"--predictions={tmp_path}/mine.dbn"]
    assert test_paper_command.call(tmp_path, *given) == 0
    found = test_paper_command.rows(tmp_path)["inner"]
    assert found["values"]["F1"][0] == pytest.approx(0.1)


def write_probabilities(folder, of_pairs, of_others):
    folder.mkdir()
    for n, letters in enumerate(ten_rnas.SEQUENCES):
        (folder / f"r{n}.dbn").write_text(f">r{n}\n{letters}\n{ten_rnas.KNOWN}\n")
        paired = {(i, 13 - i) for i in range(4)}
        rows = [
            [
                of_pairs if (min(i, j), max(i, j)) in paired else of_others
                for j in range(14)
            ]
            for i in range(14)
        ]
        text = "\n".join("\t".join(map(str, row)) for row in rows)
        (folder / f"r{n}.prob").write_text(f"{text}\n")


def test_other_probabilities_of_the_same_pairs_are_scored_anew(tmp_path):
    ten_rnas.write(tmp_path)
    found = []
    for name, numbers in (("good", (0.9, 0.1)), ("bad", (0.1, 0.9))):
        write_probabilities(tmp_path / name, *numbers)
        given = ["--add=mine", f"--predictions={tmp_path / name}"]
        assert test_paper_command.call(tmp_path, *given) == 0
        found.append(test_paper_command.rows(tmp_path)["mine"])
    assert found[0]["values"]["AUPRC"][0] == 1.0
    # The four right ones come last, together: four of all 14 * 13 / 2 pairs are right.
    assert found[1]["values"]["AUPRC"][0] == pytest.approx(4 / 91, abs=1e-6)
    assert found[1]["about"]["predictions"] == f"{tmp_path}/bad"


def test_what_was_added_of_another_set_of_this_name_is_no_score(tmp_path):
    ten_rnas.write(tmp_path)
    (tmp_path / "mine.dbn").write_text(
        f">r0\n{ten_rnas.SEQUENCES[0]}\n{ten_rnas.KNOWN}\n"
    )
    given = ["--add=mine", f"--predictions={tmp_path}/mine.dbn"]
    assert test_paper_command.call(tmp_path, *given) == 0
    path = tmp_path / "ten.tsv"
    path.write_text(path.read_text().replace(ten_rnas.SEQUENCES[4], "GGGGUUUUUUCCCC"))
    assert test_paper_command.call(tmp_path, "--methods=mine") == 0
    reason = test_paper_command.rows(tmp_path)["mine"]["reason"]
    assert "added/mine/Ten has nothing of 1 of 10 RNAs" in reason


def test_predictions_of_another_set_do_not_replace_those_of_this_one(tmp_path, capsys):
    ten_rnas.write(tmp_path)
    whole = [
        f">r{n}\n{one}\n{ten_rnas.KNOWN}\n" for n, one in enumerate(ten_rnas.SEQUENCES)
    ]
    (tmp_path / "whole.dbn").write_text("".join(whole))
    given = ["--add=mine", "--methods=inner", f"--predictions={tmp_path}/whole.dbn"]
    assert test_paper_command.call(tmp_path, *given) == 0
    others = [f">x{n}\nGGGA{'A' * n}ACCC\n.{'.' * n}.......\n" for n in range(3)]
    (tmp_path / "others.dbn").write_text(whole[0] + "".join(others))
    given[2] = f"--predictions={tmp_path}/others.dbn"
    assert test_paper_command.call(tmp_path, *given) == 1
    told = "has 1 of its 10 RNAs, and most of it is of others: put them into"
    assert told in capsys.readouterr().err
    assert test_paper_command.call(tmp_path, "--kept") == 0
    found = test_paper_command.rows(tmp_path)
    assert found["mine"]["values"]["F1"] == [1.0, 1.0, 1.0]
    assert "10 RNAs are not predicted yet" in found["right"]["reason"]
    (tmp_path / "asked" / "Ten").mkdir(parents=True)
    (tmp_path / "others.dbn").rename(tmp_path / "asked" / "Ten" / "others.dbn")
    given[2] = f"--predictions={tmp_path}/asked"
    assert test_paper_command.call(tmp_path, *given) == 0
    found = test_paper_command.rows(tmp_path)["mine"]
    assert found["values"]["F1"][0] == pytest.approx(0.1)


def test_files_of_no_rna_of_a_set_add_nothing(tmp_path, capsys):
    ten_rnas.write(tmp_path)
    (tmp_path / "x.dbn").write_text(">x\nGGGAAACCC\n(((...)))\n")
    assert (
        test_paper_command.call(
            tmp_path, "--add=mine", f"--predictions={tmp_path}/x.dbn"
        )
        == 1
    )
    assert "no prediction of an RNA of Ten" in capsys.readouterr().err
    assert not (tmp_path / "out" / "added").exists()


def test_a_method_says_what_it_is(tmp_path):
    ten_rnas.write(tmp_path)
    (tmp_path / "mine.dbn").write_text(
        f">r0\n{ten_rnas.SEQUENCES[0]}\n{ten_rnas.KNOWN}\n"
    )
    about = {"title": "Mine, $2_nd", "licence": "MIT", "trained": "ten RNAs | of mine"}
    (tmp_path / "about.json").write_text(json.dumps(about))
    given = ["--add=mine", f"--predictions={tmp_path}/mine.dbn"]
    says = f"--about={tmp_path}/about.json"
    assert test_paper_command.call(tmp_path, *given, says) == 0
    assert test_paper_command.call(tmp_path, *given) == 0  # what was told stays
    found = test_paper_command.rows(tmp_path)["mine"]
    assert {name: found[name] for name in about} == about
    assert found["rule"] == "?"
    text = (tmp_path / "out" / "two.md").read_text()
    assert "| Mine, $2_nd | " in text
    assert "ten RNAs \\| of mine |" in text


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        (
            "mine",
            "[]",
            "a JSON object of lines of text is expected, with some of title, we",
        ),
        ("mine", "{", "a JSON object of lines of text is expected"),
        ("mine", '{"license": "MIT"}', "found 'license': 'MIT'"),
        ("mine", '{"licence": 3}', "found 'licence': 3"),
        ("mine", '{"title": ""}', "found 'title': ''"),
        ("mine", '{"title": "a\\n\\nb"}', "found 'title'"),
    ],
)
def test_what_says_nothing_of_a_method_adds_none(name, text, told, tmp_path, capsys):
    ten_rnas.write(tmp_path)
    path = tmp_path / "about.json"
    path.write_text(text)
    given = [f"--add={name}", f"--predictions={tmp_path}", f"--about={path}"]
    assert test_paper_command.call(tmp_path, *given) == 1
    said = capsys.readouterr().err
    assert f"{path}: " in said
    assert told in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "title", "told"),
    [
        ("ufold", "Mine", "--about: what ufold is, is known; give what is added anot"),
        ("right", "Mine", "--about: what right is, is known"),
        ("mine", "Inner", "--about: 'Inner' is the title of another method"),
    ],
)
def test_what_is_known_of_others_stays(name, title, told, tmp_path, capsys):
    ten_rnas.write(tmp_path)
    (tmp_path / "about.json").write_text(json.dumps({"title": title}))
    (tmp_path / "mine.dbn").write_text(
        f">r0\n{ten_rnas.SEQUENCES[0]}\n{ten_rnas.KNOWN}\n"
    )
    given = [f"--add={name}", f"--predictions={tmp_path}/mine.dbn"]
    says = f"--about={tmp_path}/about.json"
    assert test_paper_command.call(tmp_path, *given, says) == 1
    assert told in capsys.readouterr().err
    assert not (tmp_path / "out" / "added").exists()


def test_a_prediction_is_not_lost_to_an_rna_of_the_same_letters(tmp_path):
    ten_rnas.write(tmp_path, count=11)
    with (tmp_path / "ten.tsv").open("a") as file:
        file.write(f"copy\t{ten_rnas.SEQUENCES[0]}\t{ten_rnas.KNOWN}\n")
    known = f"r0\t{ten_rnas.KNOWN}\nr1\t(((.......)))\n"
    (tmp_path / "mine.tsv").write_text(f"id\tdotbracket\n{known}")
    given = ["--add=mine", f"--predictions={tmp_path}/mine.tsv"]
    assert test_paper_command.call(tmp_path, *given) == 0
    found = test_paper_command.rows(tmp_path)["mine"]
    # Both of the same letters are right; what was refused says why.
    assert found["values"]["F1"][0] == pytest.approx(2 / 11)
    assert list(found["failed"]) == [f"r{n}" for n in range(1, 10)]
    assert "none in" in found["failed"]["r2"]
    assert "13 nt there" in found["failed"]["r1"]


def test_what_others_published_stands_in_the_rows_of_its_methods(tmp_path, capsys):
    theirs, mine = tmp_path / "theirs", tmp_path / "mine"
    for folder in (theirs, mine):
        folder.mkdir()
        ten_rnas.write(folder)
    assert test_paper_command.call(theirs, "--methods=inner") == 0
    given = ["--write=Ten", "--methods=inner"]
    assert test_paper_command.call(theirs, *given) == 0
    capsys.readouterr()
    published = f"--published={theirs}/out/sets"
    assert test_paper_command.call(mine, published) == 0
    found = test_paper_command.rows(mine)
    assert found["inner"]["values"]["F1"] == [0.666667] * 3
    assert found["inner"]["licence"] == "none"  # it is the method that is known
    assert "10 RNAs are not predicted yet" in found["right"]["reason"]
    assert ten_rnas.calls(mine, "inner") == ten_rnas.calls(mine, "right") == []
    assert test_paper_command.call(mine, f"--published={tmp_path}/none") == 1
    assert "none: no SET/METHOD.tsv.xz is there" in capsys.readouterr().err


def test_what_was_published_of_some_rnas_is_no_row(tmp_path, caplog):
    ten_rnas.write(tmp_path)
    place = tmp_path / "theirs" / "Ten"
    place.mkdir(parents=True)
    (place / "inner.tsv").write_text(f"id\tdotbracket\nr0\t{ten_rnas.KNOWN}\n")
    published = f"--published={tmp_path}/theirs"
    assert test_paper_command.call(tmp_path, published) == 0
    assert "inner.tsv: 9 of 10 RNAs are missing; left out" in caplog.text
    assert test_paper_command.rows(tmp_path)["inner"]["reason"]
