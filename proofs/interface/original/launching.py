"""The launch form: presets, any image, simple defaults, and the rest on demand."""

from __future__ import annotations

import re
from typing import Final

from playwright.sync_api import Locator, expect

from proofs.interface.original.visit import PREFIX, SHELL, Feature, Visit

LAB: Final = "JupyterLab"
WRITES: Final = (
    "cd /dev/shm; echo first-generation > index.html; httpd -p 9000 -h /dev/shm; httpd -p 8080 -h /dev/shm; "
    "i=0; while true; do i=$((i+1)); echo line $i; echo ERROR number $i; sleep 1; done"
)


def labelled(visit: Visit, name: str) -> Locator:
    return visit.page.get_by_label(name, exact=True)


def launch(visit: Visit) -> str:
    """Press Launch; the name of what was made."""
    visit.page.get_by_role("button", name="Launch", exact=True).click()
    visit.page.wait_for_url(re.compile("/w/[^/]+/timeline"))
    return visit.page.url.split("/w/")[1].split("/")[0]


def old_address(visit: Visit) -> None:
    visit.goto("/launch")
    expect(visit.page).to_have_url(re.compile("/new$"))
    expect(visit.page.get_by_role("heading", name="New workspace")).to_be_visible()


def presets(visit: Visit) -> None:
    visit.goto("/")
    visit.page.get_by_role("link", name="New", exact=True).click()
    cards = visit.page.get_by_role("group", name="What to run")
    for preset in visit.ask("/api/images"):
        expect(cards.get_by_text(preset["label"], exact=True)).to_be_visible()


def from_preset(visit: Visit) -> None:
    """Nothing is chosen but the preset, and a name by which the proof knows it again."""
    visit.goto("/new")
    visit.page.get_by_text(LAB, exact=True).click()
    labelled(visit, "Name").fill(f"{PREFIX}-lab")
    visit.lab = launch(visit)
    image = next(preset["image"] for preset in visit.ask("/api/images") if preset["label"] == LAB)
    assert visit.spec(visit.lab)["image"] == image


def goes_live(visit: Visit) -> None:
    """What was launched is shown as it starts, and then as it runs, without a press."""
    visit.goto(f"/w/{visit.lab}/timeline")
    visit.page.evaluate("window.sameDocument = true")
    expect(visit.page.locator(".workspace-title")).to_contain_text("Running")
    expect(visit.page.get_by_role("heading", level=2, name=re.compile("^It runs"))).to_be_visible()
    assert visit.page.evaluate("window.sameDocument"), "the page was loaded anew"


def image_defaults(visit: Visit) -> None:
    """Ports of a known image are filled in, where it is typed and not a preset."""
    image = visit.spec(visit.lab)["image"]
    known = visit.ask(f"/api/image-defaults?image={image}")
    visit.goto("/new?image=")
    visit.page.get_by_text("Environment, ports, command").click()
    labelled(visit, "Image").fill(image)
    labelled(visit, "Image").press("Tab")
    ports = ", ".join(str(port["port"]) for port in known["ports"])
    expect(visit.page.get_by_role("group", name="Ports")).to_contain_text(f"Left out: {ports}.")


def simple_defaults(visit: Visit) -> None:
    """An image and a name, and nothing else is asked for."""
    visit.goto(f"/new?image={SHELL}")
    expect(visit.page.locator("details.new-advanced")).not_to_have_attribute("open", "")
    labelled(visit, "Name").fill(f"{PREFIX}-plain")
    plain = launch(visit)
    spec = visit.spec(plain)
    assert spec["image"] == SHELL
    assert "env" not in spec
    assert "command" not in spec


def advanced(visit: Visit) -> None:
    visit.goto("/new?image=")
    for name in ("Command", "Arguments", "Notes"):
        expect(labelled(visit, name)).to_be_hidden()
    visit.page.get_by_text("Environment, ports, command").click()
    for name in ("Command", "Arguments", "Notes"):
        expect(labelled(visit, name)).to_be_visible()


def any_image(visit: Visit) -> None:
    """With everything that can be said of it; what became of each is asked by the features below."""
    page = visit.page
    visit.goto("/new")
    page.get_by_text("Any image", exact=True).click()
    labelled(visit, "Image").fill(SHELL)
    labelled(visit, "Name").fill(f"{PREFIX} Tool")
    labelled(visit, "CPU").fill("100m")
    labelled(visit, "Memory").fill("64Mi")
    page.get_by_text("Environment, ports, command").click()
    page.get_by_role("button", name="Variable", exact=True).click()
    labelled(visit, "Name of variable 1").fill("GREETING")
    labelled(visit, "Value of GREETING").fill("hello")
    page.get_by_role("button", name="Variable", exact=True).click()
    for number, (port, name) in enumerate((("8080", "http"), ("9000", "extra")), start=1):
        page.get_by_role("button", name="Port", exact=True).click()
        labelled(visit, f"Number of port {number}").fill(port)
        labelled(visit, f"Name of port {port}").fill(name)
    labelled(visit, "Command").fill("sh")
    labelled(visit, "Arguments").fill(f"-c\n{WRITES}")
    page.get_by_role("button", name="Label", exact=True).click()
    labelled(visit, "Key of label 1").fill("team")
    labelled(visit, "Value of team").fill("proof")
    visit.tool = launch(visit)
    assert visit.spec(visit.tool)["image"] == SHELL


def environment(visit: Visit) -> None:
    """The row that was left blank is dropped."""
    assert visit.spec(visit.tool)["env"] == [{"name": "GREETING", "value": "hello"}]


def ports(visit: Visit) -> None:
    found = [(port["containerPort"], port["name"]) for port in visit.spec(visit.tool)["ports"]]
    assert found == [(8080, "http"), (9000, "extra")], found


def command(visit: Visit) -> None:
    spec = visit.spec(visit.tool)
    assert (spec["command"], spec["args"]) == (["sh"], ["-c", WRITES])


def resources(visit: Visit) -> None:
    found = visit.spec(visit.tool)["resources"]
    assert {"cpu": "100m", "memory": "64Mi"} in found.values(), found


def labels(visit: Visit) -> None:
    found = visit.local.get("workspace", visit.tool)["metadata"]["labels"]
    assert found["team"] == "proof", found


def generated_name(visit: Visit) -> None:
    """Another of the same image and name is a workspace of its own."""
    visit.goto(f"/w/{visit.tool}/timeline")
    visit.page.get_by_role("button", name=f"More about {visit.tool}").click()
    visit.page.get_by_role("menuitem", name="Launch again like this").click()
    expect(labelled(visit, "Name")).to_have_value(f"{PREFIX}-tool")
    again = launch(visit)
    for name in (visit.tool, again):
        assert re.fullmatch(f"{PREFIX}-tool-[0-9a-f]{{5}}", name), name
    assert again != visit.tool


def refused(visit: Visit) -> None:
    """What is wrong is told at its field, and nothing is made."""
    before = visit.made()
    visit.goto("/new?image=")
    labelled(visit, "Image").fill(SHELL)
    labelled(visit, "Memory").fill("lots")
    visit.page.get_by_role("button", name="Launch", exact=True).click()
    expect(labelled(visit, "Memory")).to_have_attribute("aria-invalid", "true")
    expect(labelled(visit, "Memory")).to_be_focused()
    assert visit.made() == before


FEATURES: Final = (
    Feature("the address of the launch form", "/launch leads to /new", old_address),
    Feature("presets that the server offers", "New, the cards", presets),
    Feature("a launch from a preset by one press", "a card, Launch", from_preset),
    Feature("pending turns into running by itself", "the timeline of what was launched", goes_live),
    Feature("ports of a known image are suggested", "New, any image, below Ports", image_defaults),
    Feature("an image alone is enough", "New, any image", simple_defaults),
    Feature("advanced options on demand", "New, what is folded", advanced),
    Feature("any image can be launched", "New, the card Any image", any_image),
    Feature("environment, blank rows dropped", "New, Variable", environment),
    Feature("ports to expose, with names", "New, Port", ports),
    Feature("command and arguments", "New, Command and Arguments", command),
    Feature("CPU and memory", "New, the sliders and their fields", resources),
    Feature("labels", "New, Label", labels),
    Feature("several of one image, each with a name of its own", "More, Launch again like this", generated_name),
    Feature("bad input is told", "New, at its field", refused),
)
