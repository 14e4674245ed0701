"""The running local cluster and a real Chromium, on the host and on the second tailnet device."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from secrets import token_hex

import pytest
import yaml
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from support.chromium import launched, trust
from support.local import RELEASE_NAMESPACE, ROOT, Local, is_up


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What the control plane says of itself, beside every failure: afterwards the cluster is gone."""
    report = yield
    if report.failed and call.when == "call" and is_up():
        report.sections.append(("control plane", _control_plane(Local())))
    return report


def _control_plane(local: Local) -> str:
    asked = [
        ("get", "pods", "--all-namespaces"),
        ("get", "events", "--all-namespaces", "--field-selector", "type=Warning", "--sort-by=.lastTimestamp"),
        *(
            ("-n", RELEASE_NAMESPACE, "logs", f"deploy/guildnet-{component}", "-c", component, "--tail=30")
            for component in ("api", "proxy", "operator")
        ),
    ]
    answers = ((command, local.try_kubectl(*command)) for command in asked)
    return "\n\n".join(f"$ kubectl {' '.join(command)}\n{said.out[-6000:]}{said.err}" for command, said in answers)


@pytest.fixture(scope="session")
def local() -> Local:
    assert is_up(), "the local cluster is not up: run `make up` (or `make test-e2e`, which does)"
    return Local()


@pytest.fixture(scope="session")
def chromium(local: Local, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A Chromium that trusts the test certificate authority the way a person's browser would: by its own store."""
    home = tmp_path_factory.mktemp("home")
    if local.tailnet.ca:
        trust(home, local.tailnet.ca)
    with sync_playwright() as playwright:
        browser = launched(playwright, {"HOME": str(home)})
        yield browser
        browser.close()


def _own(base: str) -> str:
    """A name that no Workspace of a person has."""
    return f"e2e-{base}-{token_hex(3)}"


@pytest.fixture(scope="session")
def lab(local: Local) -> Iterator[str]:
    """The name of a ready workspace like the JupyterLab example, whose own may be in use by a person."""
    name = _own("lab")
    example = yaml.safe_load((ROOT / "examples" / "jupyterlab.yaml").read_text())
    local.apply({**example, "metadata": {**example["metadata"], "name": name}})
    try:
        local.wait_ready(name)
        yield name
    finally:
        local.delete_workspace(name)


@pytest.fixture
def tailnet_browser(chromium: Browser, local: Local, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    """A browser on the second device: every name resolves and every connection leaves through its tailnet node."""
    context = chromium.new_context(proxy={"server": f"socks5://{local.tailnet.socks5}"})
    yield from _watched(context, request)


@pytest.fixture
def host_browser(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    """A browser on this host, before any login."""
    yield from _watched(chromium.new_context(), request)


@pytest.fixture
def logged_in(host_browser: BrowserContext, local: Local) -> Page:
    """A page of a host browser that used the login URL."""
    page = host_browser.new_page()
    page.goto(local.login_url)
    return page


def _watched(context: BrowserContext, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    context.set_default_timeout(30_000)
    yield context
    pictures = ROOT / "test-results" / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    for number, page in enumerate(context.pages):
        page.screenshot(path=pictures / f"{request.node.name}-{number}.png")
    context.close()


@pytest.fixture
def fresh(local: Local) -> Iterator[Callable[[str], str]]:
    """Workspace names of this test alone, deleted when it ends."""
    names: list[str] = []

    def name(base: str) -> str:
        names.append(_own(base))
        return names[-1]

    yield name
    for made in names:
        local.delete_workspace(made)
