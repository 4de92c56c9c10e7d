from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.http.blob import Blob, File
from waypost.http.form_data import FormData


def _form():
    return FormData([("a", "1"), ("b", "2"), ("a", "3")])


def test_the_webs_methods():
    form = _form()
    assert form.get("a") == "1"
    assert form.get("c") is None
    assert form.get("c", "x") == "x"
    assert form.get_all("a") == ["1", "3"]
    assert form.get_all("c") == []
    assert form.has("b")
    assert not form.has("c")
    assert form.values() == ["1", "2", "3"]
    assert form.entries() == form.items() == [("a", "1"), ("b", "2"), ("a", "3")]
    form.append("b", "4")
    form.delete("c")
    form.delete("a")
    assert form.entries() == [("b", "2"), ("b", "4")]


def test_set_keeps_the_first_place():
    form = _form()
    form.set("a", "9")
    form.set("c", "8")
    assert form.entries() == [("a", "9"), ("b", "2"), ("c", "8")]


def test_it_is_a_mapping_too():
    form = _form()
    assert (form["a"], list(form), form.keys(), len(form)) == ("1", ["a", "b"], ["a", "b"], 2)
    assert dict(form) == {"a": "1", "b": "2"}
    assert "a" in form
    assert "c" not in form
    form["b"] = "5"
    del form["a"]
    assert form.entries() == [("b", "5")]
    for missing in (lambda: form["a"], lambda: form.__delitem__("a")):
        with pytest.raises(KeyError):
            missing()
    assert form
    assert not FormData()


def test_init_takes_mappings_pairs_and_forms():
    assert FormData({"a": "1"}).entries() == [("a", "1")]
    form = _form()
    copy = FormData(form)
    copy.append("x", "y")
    assert form.entries() == _form().entries()
    assert len(copy) == 3


def test_a_blob_becomes_a_file():
    file = File(["x"], "own.txt", type="text/plain")
    form = FormData({"blob": Blob(["b"], type="a/b"), "file": file})
    form.append("named", file, "new.txt")
    blob, same, renamed = form.files()
    assert (blob.name, blob.type) == ("blob", "a/b")
    assert same is file
    assert (renamed.name, renamed.type, asyncio.run(renamed.text())) == ("new.txt", "text/plain", "x")


@pytest.mark.parametrize("arguments", [("a", 1), ("a", None), ("a", b"x"), ("a", "text", "name.txt")])
def test_what_is_no_value(arguments):
    with pytest.raises(TypeError):
        FormData().append(*arguments)


def test_half_surrogates_are_replaced():
    form = FormData({"a\ud800": "b\udc00"})
    assert form.entries() == [("a\ufffd", "b\ufffd")]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.text(max_size=3))), st.sampled_from("abc"))
def test_delete_and_has_agree(pairs, name):
    form = FormData(pairs)
    assert form.has(name) == (name in dict(pairs)) == (form.get(name) is not None)
    form.delete(name)
    assert name not in form
    assert form.entries() == FormData([pair for pair in pairs if pair[0] != name]).entries()
