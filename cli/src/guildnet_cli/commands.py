"""Every command as a value: parser, completion, man page and reference are made of this table."""

from __future__ import annotations

from typing import Any, Final, NamedTuple


class Arg(NamedTuple):
    """An option (its flags) or a positional (its one name). `options` go to argparse as they are."""

    flags: tuple[str, ...]
    help: str
    options: dict[str, Any] = {}


class Command(NamedTuple):
    """One command. `run` is `module:function` below `guildnet_cli`, imported when the command is run."""

    name: str
    summary: str
    run: str
    args: tuple[Arg, ...] = ()
    detail: str = ""
    examples: tuple[str, ...] = ()
    hidden: bool = False


def _opt(*flags: str, help: str, **options: Any) -> Arg:  # noqa: A002  argparse's own word
    return Arg(flags, help, options)


def _flag(*flags: str, help: str) -> Arg:  # noqa: A002  as above
    return Arg(flags, help, {"action": "store_true"})


_INSTALL: Final = _opt("--install", help="the install to speak to; default: the current one", metavar="NAME")
OUTPUT: Final = _opt("-o", "--output", help="format of the answer; default: table", metavar="table|json|yaml|name",
                     choices=["table", "json", "yaml", "name"], default="table")  # fmt: skip
WORKSPACE: Final = Arg(("workspace",), "name of a workspace", {"metavar": "WORKSPACE"})
WORKSPACES: Final = Arg(("workspaces",), "names of workspaces", {"metavar": "WORKSPACE", "nargs": "+"})
_TIMEOUT: Final = _opt("--timeout", help="how long to wait, in seconds or like `10m`; default: 10m", default="10m",
                       metavar="DURATION")  # fmt: skip

COMMANDS: Final = (
    Command(
        "login", "Remember an install, and log in to it.", "verbs.login:login",
        (
            Arg(("url",), "its address; one with `?token=` brings its token along",
                {"nargs": "?", "metavar": "URL", "default": ""}),
            _opt("--token", help="a bearer token; `-` reads it from standard input", metavar="TOKEN"),
            _opt("--name", help="what to call it here; default: its own name", metavar="NAME"),
            _flag("--no-keyring", help="keep the token in a file (mode 0600) even where there is a keyring"),
            Arg(("--kubeconfig",), "reach it through the API server, by `kubectl port-forward`; without FILE as kubectl"
                " chooses", {"nargs": "?", "const": "", "metavar": "FILE"}),
            _opt("--context", help="context of the kubeconfig", default="", metavar="NAME"),
            _opt("--namespace", help="namespace of the install; default: where its proxy is", default="", metavar="NS"),
        ),
        "On the tailnet there is nothing to log in with: the device says who you are. Elsewhere a token is asked for, "
        "and kept in the system's keyring where there is one, else in a file that only you can read. With --kubeconfig "
        "and no token it makes one of the install's administrator, where the kubeconfig may.",
        ("guildnet login https://guildnet.example.ts.net", 'guildnet login "$(make -s url)"',
         "guildnet login --kubeconfig"),
    ),
    Command(
        "logout", "End the token on the server, and forget it and the install.", "verbs.login:logout",
        (Arg(("name",), "the install; default: the current one", {"nargs": "?", "metavar": "NAME", "default": ""}),),
        "The token is good for nothing on that install any more; what was open by it ends within ten seconds. Where "
        "the server does not answer, the token is forgotten here, and how long it is still good is told.",
    ),
    Command(
        "use", "Choose the install that commands speak to, or list those known.", "verbs.login:use",
        (Arg(("name",), "the install", {"nargs": "?", "metavar": "NAME", "default": ""}), OUTPUT),
    ),
    Command(
        "list", "List workspaces.", "verbs.listing:run",
        (
            _flag("-w", "--watch", help="go on with each change, until Ctrl-C"),
            _opt("-q", "--query", help="only with this text in name, image, owner or notes", default="",
                 metavar="TEXT"),
            _opt("--status", help="only these, by comma: pending, running, failed, stopped", default="",
                 metavar="STATUS"),
            _opt("--owner", help="only of this owner", default="", metavar="LOGIN"),
            OUTPUT,
        ),
        examples=("guildnet list --status running -o name", "guildnet list --watch"),
    ),
    Command(
        "launch", "Launch a workspace.", "verbs.launch:run",
        (
            Arg(("what",), "name of a preset, or an image reference", {"metavar": "PRESET|IMAGE"}),
            _opt("--name", help="what its name begins with; five hex digits are added", metavar="NAME"),
            _opt("-e", "--env", help="an environment variable; may be repeated", metavar="KEY=VALUE", action="append",
                 default=[]),
            _opt("-p", "--port", help="a port that it serves, the first has its page; may be repeated",
                 metavar="PORT[:NAME]", action="append", default=[]),
            _opt("--storage", help="size of a volume that is kept, like `10Gi`; `none` for no volume", metavar="SIZE"),
            _opt("--cpu", help="CPUs, like `500m` or `2`", metavar="AMOUNT"),
            _opt("--memory", help="memory, like `2Gi`", metavar="AMOUNT"),
            _opt("-l", "--label", help="a label; may be repeated", metavar="KEY=VALUE", action="append", default=[]),
            _opt("--arg", help="an argument of its program; may be repeated", metavar="ARG", action="append",
                 default=[]),
            _opt("--command", help="replaces the image's entry point, split as by a shell", metavar="COMMAND"),
            _opt("--exposure", help="a way past the proxy, where the install allows it: `LoadBalancer` or `Ingress`",
                 metavar="TYPE[:DOMAIN]"),
            _opt("--notes", help="free text for people", metavar="TEXT"),
            _flag("--wait", help="wait until it is ready, and show each step"),
            _flag("--open", help="wait, then open it in a browser"),
            _TIMEOUT,
            OUTPUT,
        ),
        "Each condition is shown as it changes, with the seconds since the launch. The answer is its name.",
        ("guildnet launch jupyterlab --open", "guildnet launch ghcr.io/acme/tool:1 -p 3000 -e MODE=fast --wait"),
    ),
    Command(
        "open", "Open a workspace in a browser, or print its address.", "verbs.launch:open_",
        (
            WORKSPACE,
            _opt("--port", help="another of its ports", type=int, metavar="PORT"),
            _flag("--print", help="print the address alone"),
        ),
        "The address is printed in any case, and only printed where the output is no terminal.",
    ),
    Command(
        "forward", "Reach ports of a workspace as ports of this machine.", "verbs.forward:run",
        (
            WORKSPACE,
            Arg(("ports",), "a port that it declares, and the one here where another is wanted; 0 for a free one",
                {"nargs": "+", "metavar": "[HERE:]PORT"}),
            _opt("--address", help="address to listen on here; default: 127.0.0.1", default="127.0.0.1",
                 metavar="ADDRESS"),
        ),
        "Any TCP: databases, debuggers, HTTP. It goes through the front door, by the right to use the workspace, and "
        "needs none in the cluster. Ctrl-C ends it. Whoever reaches the address reaches the workspace as you.",
        ("guildnet forward lab 5432", "guildnet forward lab 8080:80 9229"),
    ),
    Command(
        "logs", "Show the log of a workspace.", "verbs.logs:run",
        (
            WORKSPACE,
            _flag("-f", "--follow", help="go on as lines come, until Ctrl-C"),
            _opt("-n", "--lines", help="how many of the newest lines; default: 200", type=int, default=200,
                 metavar="N"),
            _opt("--since", help="only from this time on: RFC 3339, or an age like `10m`", default="", metavar="TIME"),
            _opt("--grep", help="only with this text in any case, or matching `/expression/`", default="",
                 metavar="TEXT"),
            _opt("--level", help="only of this level", default="", choices=["debug", "info", "error"]),
            _opt("-c", "--container", help="a container of the pod; `*` for all", default="", metavar="NAME"),
            _flag("--previous", help="the run that ended last, after a crash"),
            _flag("-t", "--timestamps", help="each line with its time"),
            _opt("-o", "--output", help="`json`: one object a line; default: table", default="table",
                 choices=["table", "json"]),
        ),
        "A stream that breaks off goes on at the next line; what could not be recovered is told on standard error.",
        ("guildnet logs lab -f --grep error", "guildnet logs lab --previous"),
    ),
    Command("stop", "Stop workspaces; volume and settings stay.", "verbs.lifecycle:run", (WORKSPACES,)),
    Command("start", "Start stopped workspaces.", "verbs.lifecycle:run", (WORKSPACES,)),
    Command("restart", "Replace the pods of running workspaces.", "verbs.lifecycle:run", (WORKSPACES,)),
    Command(
        "delete", "Delete workspaces, and their volumes unless they are retained.", "verbs.lifecycle:run",
        (WORKSPACES, _flag("-y", "--yes", help="do not ask")),
        "Asks first; where nobody can be asked, `--yes` has to be given.",
    ),
    Command(
        "edit", "Change a workspace in an editor.", "verbs.edit:run",
        (WORKSPACE, _opt("-f", "--file", help="take this file instead of asking an editor; `-` for standard input",
                         metavar="FILE")),
        "Opens image, command, args, env, resources, ports, storage, exposure, labels and notes as YAML in `$VISUAL` "
        "or `$EDITOR`. Only what you change is sent. What another changed meanwhile is shown and never overwritten; "
        "your text is kept.",
    ),
    Command("events", "Show what happened to a workspace.", "verbs.why:events", (WORKSPACE, OUTPUT)),
    Command("why", "Say what a workspace waits for, and what to do.", "verbs.why:run", (WORKSPACE, OUTPUT)),
    Command(
        "capability", "Say what you may do, and by which rule.", "verbs.capability:run",
        (
            Arg(("what",), "`check`", {"choices": ["check"]}),
            Arg(("workspace",), "a workspace to be asked about", {"nargs": "?", "metavar": "WORKSPACE", "default": ""}),
            OUTPUT,
        ),
        "The api tells which actions you have on at least some workspace; which rule decides, it tells for `proxy` on "
        "a workspace that is named.",
    ),
    Command(
        "doctor", "Look for what is wrong with an install, and say how it is put right.", "doctor.run:run",
        (
            _opt("--kubeconfig", help="ask the cluster too; default: $KUBECONFIG", metavar="FILE"),
            _opt("--namespace", help="namespace of the install; default: where its operator is", default="",
                 metavar="NS"),
            OUTPUT,
        ),
        "Without a kubeconfig it asks what any caller may: name, connection, certificate, login, and the checks of the "
        "api. With one it also asks the cluster by kubectl: versions, kinds, programs, rights, volumes, network.",
    ),
    Command(
        "completion", "Print a shell's completion script.", "completion:script",
        (Arg(("shell",), "the shell", {"choices": ["bash", "zsh", "fish"]}),),
        examples=("source <(guildnet completion bash)",),
    ),
    Command("__complete", "Words that may come next.", "completion:words",
            (Arg(("typed",), "the words so far", {"nargs": "*"}),), hidden=True),
)  # fmt: skip

ENVIRONMENT: Final = (
    ("GUILDNET_URL", "address of an install that is used instead of the current one"),
    ("GUILDNET_TOKEN", "bearer token for `GUILDNET_URL`, or for the install chosen"),
    ("GUILDNET_INSTALL", "name of the install to speak to, as `--install`"),
    ("GUILDNET_CONFIG", "folder of what is remembered; default: `guildnet` below `$XDG_CONFIG_HOME` or `~/.config`"),
    ("NO_COLOR", "no colours, whatever the terminal can; there are none in a pipe either"),
)
WITHOUT_INSTALL: Final = frozenset({"login", "logout", "use", "completion", "__complete"})


def arguments(command: Command) -> tuple[Arg, ...]:
    """All arguments of a command, the common ones too."""
    return command.args if command.name in WITHOUT_INSTALL else (*command.args, _INSTALL)


def visible() -> tuple[Command, ...]:
    """What help and reference list."""
    return tuple(one for one in COMMANDS if not one.hidden)
