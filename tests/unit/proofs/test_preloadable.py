"""What the runner of mutants loads once is never something that loads the module to be changed."""

from __future__ import annotations

from proofs.mutating.worker import preloadable


def test_a_module_is_left_out_where_its_package_imports_the_changed_one():
    # The package's own __init__ imports the pages, and one of them the words of a Workspace's state.
    loaded = ["guildnet.names", "guildnet_proxy.frontdoor.pages.answers", "guildnet_proxy.http.forward"]
    assert preloadable("guildnet.capability", loaded) == ["guildnet.names", "guildnet_proxy.http.forward"]


def test_the_changed_module_its_package_and_all_that_imports_it_are_left_out():
    loaded = ["guildnet", "guildnet.access", "guildnet.capability", "guildnet.names"]
    assert preloadable("guildnet.capability", loaded) == ["guildnet.names"]


def test_a_module_is_left_out_that_imports_a_neighbour_of_the_changed_one_which_their_package_loads():
    # A type of `guildnet.workspace.model` is enough: the package's __init__ loads the ports.
    loaded = ["guildnet.names", "guildnet_api.openapi.events"]
    assert preloadable("guildnet.workspace.ports", loaded) == ["guildnet.names"]
