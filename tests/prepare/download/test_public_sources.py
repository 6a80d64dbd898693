import json
import re
import urllib.parse

import pytest

from ssrlm_jax.prepare.download import public_sources

FILES = [file for one in public_sources.SOURCES.values() for file in one.files]


def test_every_file_has_an_address_and_a_name_of_its_own():
    addresses = [file.url for file in FILES]
    assert all(re.fullmatch(r"https://[\w.-]+/\S+", url) for url in addresses)
    assert len(set(addresses)) == len(addresses)
    for one in public_sources.SOURCES.values():
        names = [file.name for file in one.files]
        assert len(set(names)) == len(names)
        assert all(re.fullmatch(r"[\w.-]+", name) for name in names)
        assert one.files or one.each


def test_checksums_are_of_their_kind():
    given = [file.md5 for file in FILES if file.md5]
    assert given
    assert all(re.fullmatch("[0-9a-f]{32}", md5) for md5 in given)


def test_an_entry_has_a_file():
    found = public_sources.entry_file(public_sources.SOURCES["rfam"], "RF00005")
    assert found.name == "RF00005.fa.gz"
    assert found.url.endswith("/Rfam/CURRENT/fasta_files/RF00005.fa.gz")
    assert (
        public_sources.entry_file(public_sources.SOURCES["pdb"], "1ehz").name
        == "1ehz.cif.gz"
    )


@pytest.mark.parametrize("entry", ["RF5", "../../RF00005", "RF00005/x", ""])
def test_what_is_no_id_is_refused(entry):
    with pytest.raises(ValueError, match=re.escape(f"id {entry!r} does not match")):
        public_sources.entry_file(public_sources.SOURCES["rfam"], entry)


def test_a_source_without_entries_says_so():
    with pytest.raises(ValueError, match="'1EHZ': the files of this source go by no"):
        public_sources.entry_file(public_sources.SOURCES["bprna"], "1EHZ")


def test_ids_come_by_commas_and_from_files(tmp_path):
    path = tmp_path / "ids.txt"
    path.write_text("1EHZ\n4TNA, 1FFK\n")
    assert public_sources.ids(["1Y26,1EHZ", str(path)]) == [
        "1Y26",
        "1EHZ",
        "4TNA",
        "1FFK",
    ]
    path.write_text("\n")
    with pytest.raises(ValueError, match="ids.txt: a file of ids is expected"):
        public_sources.ids([str(path)])


def test_the_search_asks_for_entries_with_rna():
    url = public_sources.SOURCES["pdb"].entries.url
    query = json.loads(
        urllib.parse.parse_qs(urllib.parse.urlparse(url).query)["json"][0]
    )
    asked = query["query"]["parameters"]
    assert asked["attribute"] == "rcsb_entry_info.polymer_entity_count_RNA"
    assert (asked["operator"], asked["value"]) == ("greater", 0)
    assert query["request_options"]["return_all_hits"] is True


@pytest.mark.parametrize("text", ["<html>", "[]", "{}", '{"result_set": [1, 2.5, {}]}'])
def test_another_answer_than_the_searchs_is_refused(tmp_path, text):
    (tmp_path / "entries.json").write_text(text)
    with pytest.raises(ValueError, match=r"entries.json: not an answer of RCSB's"):
        public_sources.found_entries(tmp_path / "entries.json")
    (tmp_path / "entries.json").write_text('{"result_set": []}')
    with pytest.raises(ValueError, match="found no entry"):
        public_sources.found_entries(tmp_path / "entries.json")
