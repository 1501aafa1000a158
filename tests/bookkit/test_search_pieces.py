"""The index of the search in pieces: all of it is there, and the first of them stays small."""

import json

import pytest
from bookkit.theme.search import CHARACTERS, FIRST, in_pieces


def an_index(words: int) -> dict:
    """Return an index of as many words, on two pages."""
    terms = {f"{'abcdefghij'[k % 10]}word{k}": [0, 1] if k % 3 else k % 2 for k in range(words)}
    return {
        "docnames": ["ridge", "verified-ridge"],
        "titles": ["Ridge", "Tests of ridge"],
        "terms": terms,
        "titleterms": {"ridg": [0, 1]},
        "alltitles": {
            "Ridge": [[0, None]],
            "Equation of 1 line": [[0, "line"]],
            "Equation (5.1)": [[1, "verified-eq-ridge"]],
        },
    }


def read(script: str):
    """Return the JSON that a script hands over."""
    start = min(script.index(bracket) for bracket in "[{" if bracket in script)
    return json.loads(script[start:].removesuffix(")"))


def words(scripts: dict[str, str]) -> dict:
    """Join the pieces again, each of which must begin with the word that stands for it."""
    joined = {}
    for first, name in read(scripts[FIRST])["pieces"]:
        piece = read(scripts[name])
        assert scripts[name].startswith("Object.assign(Search._index.terms,{")
        assert min(piece) == first
        assert not joined or max(joined) < first
        joined |= piece
    return joined


@pytest.mark.parametrize("count", [0, 1, 10, 3000])
def test_the_pieces_hold_every_word_once(count):
    index = an_index(count)
    scripts = in_pieces(index)
    first = read(scripts[FIRST])
    assert words(scripts) == index["terms"]
    assert scripts[first["words"]].startswith("Search._index.words=[")
    assert read(scripts[first["words"]]) == sorted(index["terms"])
    assert first["terms"] == {}
    assert {key: first[key] for key in ("docnames", "titles", "titleterms")} == {
        key: index[key] for key in ("docnames", "titles", "titleterms")
    }
    named = {FIRST, first["words"], first["equations"], *(name for _, name in first["pieces"])}
    assert named == scripts.keys()


def test_the_numbers_of_equations_stand_apart():
    index = an_index(5)
    scripts = in_pieces(index)
    first = read(scripts[FIRST])
    apart = read(scripts[first["equations"]])
    assert scripts[first["equations"]].startswith("Object.assign(Search._index.alltitles,{")
    assert list(apart) == ["Equation (5.1)"]
    assert apart | first["alltitles"] == index["alltitles"]


def test_more_words_make_more_pieces_of_the_same_size():
    few, many = in_pieces(an_index(1500)), in_pieces(an_index(6000))
    pieces = {size: read(scripts[FIRST])["pieces"] for size, scripts in ((1, few), (4, many))}
    assert len(pieces[1]) > 2
    assert len(pieces[4]) >= 4 * (len(pieces[1]) - 1)
    for scripts in (few, many):
        for _, name in read(scripts[FIRST])["pieces"]:
            assert len(scripts[name]) < CHARACTERS + 100
    # A name and a first word for each piece, and nothing for each word.
    growth = (len(many[FIRST]) - len(few[FIRST])) / (len(pieces[4]) - len(pieces[1]))
    assert growth < 40


def test_a_piece_with_other_content_has_another_name():
    index = an_index(10)
    changed = index | {"terms": index["terms"] | {"aword0": [1, 2]}}
    old, new = in_pieces(index), in_pieces(changed)
    assert len(new.keys() - old.keys()) == 1
    assert all(old[name] == new[name] for name in old.keys() & new.keys() - {FIRST})


def test_words_stand_in_the_order_of_javascript():
    """There a letter of mathematics, which takes two units, comes before a ligature."""
    index = an_index(3000)
    index["terms"] |= {"\ufb01n": 0, "\U0001d49cn": 1}
    scripts = in_pieces(index)
    last = read(scripts[read(scripts[FIRST])["pieces"][-1][1]])
    assert {"\ufb01n", "\U0001d49cn"} <= last.keys()
    index["terms"] = {"\ufb01n": 0, "\U0001d49cn": 1}
    scripts = in_pieces(index)
    assert read(scripts[FIRST])["pieces"][0][0] == "\U0001d49cn"


def test_a_word_is_filed_where_the_script_looks():
    """Its stem in small letters, also where that is a stop word; stop words are never asked for."""
    index = an_index(0)
    index["terms"] = {"Ising": 1, "ising": [0, 3], "The": [0, 1, 2], "being": 2, "ridg": [0, 1]}
    index["titleterms"] = {"Ising": 3, "Not": 1}
    scripts = in_pieces(index)
    assert words(scripts) == {"is": [0, 1, 3], "be": 2, "ridg": [0, 1]}
    assert read(scripts[FIRST])["titleterms"] == {"is": 3}


def test_a_word_that_has_left_the_book_is_left_out():
    index = an_index(10)
    assert words(in_pieces(index | {"terms": index["terms"] | {"gone": []}})) == index["terms"]
