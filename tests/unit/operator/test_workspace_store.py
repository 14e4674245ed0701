"""The store of Workspaces: by version, whoever brings an object, in whatever order."""

from __future__ import annotations

from typing import Any

import pytest

from guildnet_operator.watch.workspace_store import WorkspaceStore

Json = dict[str, Any]


def made(name: str, version: int, *, uid: str = "one", **spec: Any) -> Json:
    metadata = {"name": name, "namespace": "w", "uid": f"{name}-{uid}", "resourceVersion": str(version)}
    return {"metadata": metadata, "spec": {"image": "example.com/app:1", **spec}}


def listed(store: WorkspaceStore, version: int, *items: Json) -> tuple[list[str], list[str]]:
    names = {item["metadata"]["name"] for item in items}
    return store.put_listed(list(items)), store.end_list(names, version)


def notes(store: WorkspaceStore) -> dict[str, str | None]:
    return {name: item.spec.notes for name, item in store.values.items()}


def test_a_newer_object_replaces_an_older_one_and_never_the_other_way_round():
    store = WorkspaceStore()
    assert store.put(made("a", 9, notes="nine"))
    assert not store.put(made("a", 9, notes="again"))
    assert not store.put(made("a", 8, notes="eight")), "9 is above 8"
    assert store.put(made("a", 10, notes="ten")), "10 is above 9: a number, not a text"
    assert notes(store) == {"a": "ten"}


def test_the_answer_to_our_own_write_stays_until_something_newer_comes():
    store = WorkspaceStore()
    store.put(made("a", 5))
    store.put(made("a", 7, notes="written"))
    assert not store.put(made("a", 6, notes="late event")), "the watch is behind"
    assert not store.put(made("a", 7, notes="its event"))
    assert notes(store) == {"a": "written"}


def test_what_was_deleted_does_not_come_back_with_a_late_event():
    store = WorkspaceStore()
    store.put(made("a", 5))
    assert store.delete(made("a", 9))
    assert not store.put(made("a", 8)), "an event or an answer from before the deletion"
    assert store.values == {}
    assert store.put(made("a", 10, uid="two"))


def test_the_deletion_of_a_predecessor_does_not_take_its_successor():
    store = WorkspaceStore()
    store.put(made("a", 5, uid="one"))
    store.put(made("a", 9, uid="two"))
    assert not store.delete(made("a", 8, uid="one")), "events of two objects may change places"
    assert store.values["a"].uid == "a-two"


def test_a_deletion_missed_while_asleep_is_found_by_the_list():
    store = WorkspaceStore()
    for name in ("a", "b"):
        store.put(made(name, 5))
    assert listed(store, 9, made("a", 5)) == ([], ["b"])
    assert set(store.values) == {"a"}


def test_a_change_missed_while_asleep_is_found_by_the_list():
    store = WorkspaceStore()
    store.put(made("a", 5))
    assert listed(store, 9, made("a", 7, notes="new"), made("b", 8)) == (["a", "b"], [])
    assert notes(store) == {"a": "new", "b": None}


def test_what_happens_while_the_list_is_read_is_not_undone_by_it():
    store = WorkspaceStore()
    for name in ("changed", "deleted"):
        store.put(made(name, 5))
    store.put_listed([made("changed", 5), made("deleted", 5)])
    store.put(made("changed", 11, notes="new"))
    store.put(made("born", 12))
    store.delete(made("deleted", 13))
    store.put_listed([made("deleted", 5)])
    assert store.end_list({"changed", "deleted"}, 9) == []
    assert notes(store) == {"changed": "new", "born": None}


def test_an_event_from_before_the_list_is_no_news():
    store = WorkspaceStore()
    listed(store, 9, made("a", 5))
    assert not store.put(made("gone", 7)), "the list of version 9 does not have it"
    assert not store.delete(made("a", 4)), "a predecessor's"
    assert set(store.values) == {"a"}


def test_after_a_restore_from_a_backup_the_list_counts_although_its_versions_are_lower():
    store = WorkspaceStore()
    listed(store, 90, made("a", 80, notes="later"), made("b", 85))
    store.forget_versions()
    assert listed(store, 40, made("a", 30, notes="earlier")) == (["a"], ["b"])
    assert notes(store) == {"a": "earlier"}
    assert store.put(made("a", 41, notes="after"))


def test_an_object_that_cannot_be_read_is_named_and_left_out_until_it_can():
    store = WorkspaceStore()
    store.put(made("a", 5))
    store.put(made("a", 6, image=7))
    assert store.values == {}
    assert "image" in store.broken["a"]
    store.put(made("a", 7))
    assert set(store.values) == {"a"}
    assert store.broken == {}


@pytest.mark.parametrize("version", ["", "abc", None], ids=["empty", "no number", "none"])
def test_an_object_without_a_version_is_older_than_any(version: str | None):
    store = WorkspaceStore()
    item = made("a", 1)
    item["metadata"]["resourceVersion"] = version
    assert not store.put(item)
