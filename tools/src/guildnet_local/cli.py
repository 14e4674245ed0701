"""The command line: `python -m guildnet_local COMMAND`. Prints what a command answers on stdout, the rest on stderr."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from guildnet_local import down, existing_cluster, images, kind, more_images, own_image, publish, status, up
from guildnet_local.build import programs
from guildnet_local.build.pins import UpstreamError
from guildnet_local.cluster import tailnet
from guildnet_local.cluster.kubectl import Kubectl
from guildnet_local.develop.session import Session
from guildnet_local.existing_cluster import Target
from guildnet_local.images import ImageError
from guildnet_local.machine.journal import Journal
from guildnet_local.machine.lock import Owner, held, other_checkout
from guildnet_local.machine.steps import StepError
from guildnet_local.plan import PARTS, WITHOUT_RELEASE
from guildnet_local.release.helm import Helm
from guildnet_local.settings import ADMIN_ACCOUNT, NO_CLUSTER, TOKEN_AUDIENCE, LocalError, Settings, load

Command = Callable[["Request"], int]


def say(text: object, end: str = "\n") -> None:
    print(text, end=end, flush=True)


def complain(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Request:
    """One call: the parsed arguments, the settings, and which cluster is meant."""

    def __init__(self, arguments: argparse.Namespace, environ: Mapping[str, str]) -> None:
        self.arguments = arguments
        self.environ = environ
        self.settings: Settings = load(environ)
        self.target: Target = existing_cluster.parse_target(arguments.cluster or environ.get("CLUSTER", ""))

    def kubectl(self) -> Kubectl:
        return existing_cluster.kubectl_of(self.settings, self.target, complain)

    def local_only(self, what: str) -> None:
        if self.target.context:
            raise LocalError(f"`{what}` is of the local cluster; context {self.target.context} is a cluster of yours")


def bring_up(request: Request) -> int:
    if request.target.kind:
        kind.up(request.settings, request.target, say)
        return 0
    if request.target.context:
        existing_cluster.up(request.settings, request.target, request.environ, say)
        return 0
    run = up.Up(request.settings, say, request.arguments.only)
    run.run()
    run.clock.say("done")
    for line in what_next(request):
        say(line)
    return 0


def what_next(request: Request) -> Iterator[str]:
    """What a person does now; the last line is the address to open, which logs them in."""
    later = "   (its first call compiles it)" if programs.missing(("kubectl",)) else ""
    yield f"  kubectl:  {shim('kubectl')} get workspaces --all-namespaces{later}"
    if request.arguments.only in WITHOUT_RELEASE:
        yield "  take it down:  make down"
        yield f"The cluster is up: {request.settings.api_url}"
        return
    yield f"  on the tailnet:  {tailnet.url()} from its second device (`make tailnet` says how)"
    yield "  take it down:  make down"
    yield f"GuildNet is up: {login_url(request)}"


def shim(name: str) -> str:
    """The command of this environment, as short as it can be typed here."""
    path, here = Path(sys.prefix) / "bin" / name, Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def take_down(request: Request) -> int:
    if request.target.kind:
        kind.down(say)
        return 0
    if request.target.context:
        existing_cluster.down(request.target, say)
        return 0
    settings = request.settings
    if os.geteuid() != 0:
        raise LocalError("the local cluster was made by root: run `sudo make down`")
    with held(settings.lock, up.holder(settings, "down"), complain):
        owner = Owner.read(up.owner_file(settings))
        if owner is not None and owner.checkout != str(settings.checkout) and not request.arguments.other:
            raise LocalError(other_checkout(owner))
        if not settings.state.exists() and not settings.run.exists():
            say("no local cluster: nothing to remove")
            return 0
        down.remove(settings, Journal(settings.journal), say)
    say("the local cluster is gone; programs and images stay in the cache")
    return 0


def show_status(request: Request) -> int:
    if request.target.context:
        say(request.kubectl()("get", "deployments,pods,workspaces.guildnet.io", "--all-namespaces",
                              "--selector=app.kubernetes.io/part-of=guildnet"), end="")  # fmt: skip
        return 0
    if not request.arguments.quiet:
        for line in status.describe(request.settings, request.kubectl):
            say(line)
    if status.is_up(request.settings):
        return 0
    return 1 if status.is_there(request.settings) else NO_CLUSTER


def logs(request: Request) -> int:
    request.local_only("logs")
    chosen = request.arguments
    if chosen.component:
        return status.follow_log(
            request.settings, chosen.component, request.kubectl, follow=chosen.follow, lines=chosen.lines or 200
        )
    for line in status.last_lines(request.settings, chosen.lines or 10):
        say(line)
    return 0


def _token(request: Request) -> str:
    return existing_cluster.token_of(request.kubectl(), TOKEN_AUDIENCE, ADMIN_ACCOUNT)


def login_url(request: Request) -> str:
    return f"{request.settings.origin}/login?token={_token(request)}"


def url(request: Request) -> int:
    say(login_url(request))
    return 0


def token(request: Request) -> int:
    say(_token(request))
    return 0


def kubeconfig(request: Request) -> int:
    request.local_only("kubeconfig")
    if not request.settings.kubeconfig.exists():
        raise LocalError("no local cluster runs: `make up` makes one")
    say(request.settings.kubeconfig)
    return 0


def show_tailnet(request: Request) -> int:
    request.local_only("tailnet")
    settings = request.settings
    if not tailnet.root_certificate(settings.tailnet).exists():
        raise LocalError("the test tailnet does not run: `make up` makes one")
    say(existing_cluster.one_line(tailnet.browse(settings.tailnet, f"127.0.0.1:{settings.ports.socks}")))
    return 0


def values(request: Request) -> int:
    request.local_only("values")
    file = request.settings.config / "values.yaml"
    if not file.exists():
        raise LocalError("GuildNet is not installed on the local cluster: run `make up`")
    say(file.read_text(), end="")
    return 0


def add_images(request: Request) -> int:
    request.local_only("image")
    for ref in more_images.add(request.settings, request.kubectl(), request.arguments.names, complain):
        say(ref)
    return 0


def push_images(request: Request) -> int:
    for line in publish.what_next(
        publish.publish(request.settings, request.environ, complain), request.settings.checkout
    ):
        say(line)
    return 0


def load_image(request: Request) -> int:
    request.local_only("load")
    say(own_image.load(request.settings, request.environ, complain))
    return 0


def develop(request: Request) -> int:
    request.local_only("dev")
    Session(request.settings, request.kubectl(), complain).run()
    return 0


def run_kubectl(request: Request) -> int:
    kubectl = request.kubectl()
    return _become(kubectl.command(*request.arguments.rest), kubectl.environment)


def run_helm(request: Request) -> int:
    kubectl = request.kubectl()
    program = programs.ensure(("helm",), report=complain)["helm"]
    return _become(Helm(program, kubectl).anywhere(*request.arguments.rest), kubectl.environment)


def _become(command: list[str], environment: Mapping[str, str]) -> int:
    """Become the program: its terminal, its signals, its exit status."""
    sys.stdout.flush()
    os.execve(command[0], command, dict(environment))  # noqa: S606  no shell is wanted


# Commands behind which everything is the program's own, options too.
PASSED_ON: Mapping[str, Command] = {"kubectl": run_kubectl, "helm": run_helm}


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="guildnet_local",
        description="The local cluster and test tailnet of GuildNet.",
        epilog="Environment: CLUSTER, GUILDNET_PORT, GUILDNET_API_PORT, GUILDNET_SOCKS_PORT, REGISTRY, TAG, IMAGES, "
        "IMAGE, LOAD_AS, VALUES, "
        "REGISTRY_USER, REGISTRY_PASSWORD, REGISTRY_PLAIN_HTTP=1 (http without TLS), "
        "GUILDNET_AUDIT=1 (keep an audit log of the API server), GUILDNET_IMAGE_STORE=memory|disk.",
    )
    top.add_argument("--cluster", default="", help="`bare` (the default), `kind` or `context:NAME`; also as CLUSTER")
    verbs = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def verb(name: str, run: Command, text: str) -> argparse.ArgumentParser:
        made = verbs.add_parser(name, help=text, description=text)
        made.set_defaults(run=run)
        return made

    verb("up", bring_up, "bring the cluster up, or what is missing of it").add_argument(
        "--only", choices=PARTS, default="all",
        help="stop after the bare cluster, after its test tailnet, or after the chart, without the example workspace",
    )  # fmt: skip
    verb("down", take_down, "remove everything that `up` made").add_argument(
        "--other", action="store_true", help="also when it is the cluster of another checkout"
    )
    verb("status", show_status, "what runs; exit status 1: not whole, 3: there is none").add_argument(
        "--quiet", action="store_true", help="print nothing"
    )
    made = verb("logs", logs, "the logs of programs and components")
    made.add_argument("component", nargs="?", default="", help="one of them; without: the end of every program's log")
    made.add_argument("-f", "--follow", action="store_true", help="go on as lines come")
    made.add_argument("-n", "--lines", type=int, default=0, help="how many lines")
    verb("url", url, "the login URL usable on this host")
    verb("token", token, "a bearer token with full rights on the install, good for a day")
    verb("kubeconfig", kubeconfig, "the path of an admin kubeconfig usable on this host")
    verb("tailnet", show_tailnet, "one line of JSON: the second device of the test tailnet")
    verb("values", values, "the chart's values on this cluster, as YAML")
    verb("image", add_images, "build images that `up` does not need and import them").add_argument(
        "names", nargs="+", metavar="NAME", help=f"one of {', '.join(images.RECIPES)}"
    )
    verb("images", push_images, "build the images of an install and push them to the registry that REGISTRY names")
    verb("load", load_image, "bring the image that IMAGE names into the local cluster; prints its reference there")
    verb("dev", develop, "run this checkout's sources on the local cluster, restarted as they change, until Ctrl-C")
    for name, run in PASSED_ON.items():
        verb(name, run, f"{name} on this cluster, with the arguments that follow")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; what a person has to know goes to stderr and gives exit status 1."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    mine = next((place + 1 for place, word in enumerate(given) if word in PASSED_ON), len(given))
    asked = parser().parse_args(given[:mine])
    asked.rest = given[mine:]
    try:
        run: Command = asked.run
        return run(Request(asked, os.environ))
    except (LocalError, StepError, UpstreamError, ImageError) as problem:
        complain(f"error: {problem}")
        return 1
    except BrokenPipeError:
        # Whoever read our answer has read enough; nothing may be written when the interpreter ends either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        complain("interrupted; `make up` goes on from here, `make down` removes what was made")
        return 130


if __name__ == "__main__":
    sys.exit(main())
