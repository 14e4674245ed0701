import { createSignal } from "solid-js";
import { api } from "../api/client";
import type { Server } from "../api/types";
import { Button, ButtonLink } from "../components/button";
import { Menu, type MenuItem } from "../components/menu";
import { address, launchAgain, VERB_ICON, VERB_LABEL, verbs } from "../lib/server";
import { useActions } from "../stores/actions";
import { useNotices } from "../stores/notices";
import { useSession } from "../stores/session";

/** The one thing that its state calls for. */
export function Primary(props: { server: Server }) {
  const actions = useActions();
  const { whyNot } = useSession();
  const page = () => `/w/${props.server.id}`;
  const shown = () => {
    const { server } = props;
    switch (server.status) {
      case "running":
        return (
          <ButtonLink small icon="open" href={address(server)} target="_blank" rel="noopener" label={`Open ${server.name}`} refused={whyNot("proxy")}>
            Open
          </ButtonLink>
        );
      case "stopped":
        return (
          <Button
            small
            icon="start"
            label={`Start ${server.name}`}
            busy={actions.busy(server.id)}
            refused={server.reason === "Terminating" ? "It is being deleted." : actions.whyNot("start")}
            onClick={() => actions.act("start", server)}
          >
            Start
          </Button>
        );
      case "failed":
        return (
          <ButtonLink small icon="alert" href={`${page()}/timeline`} label={`See why ${server.name} failed`}>
            See why
          </ButtonLink>
        );
      case "pending":
        return (
          <ButtonLink small icon="timeline" href={`${page()}/timeline`} label={`Watch ${server.name} start`}>
            Watch
          </ButtonLink>
        );
    }
  };
  return <>{shown()}</>;
}

/** Everything else that can be done to it. */
export function More(props: { server: Server }) {
  const actions = useActions();
  const notices = useNotices();
  const { whyNot } = useSession();
  // The rights on this very workspace: only its detail has them, and a list of a thousand does not ask for a thousand.
  const [detail, setDetail] = createSignal<Server>();
  const find = async () => {
    try {
      setDetail(await api.server(props.server.id));
    } catch {
      // The API itself says no, then, when it is asked to do it.
    }
  };
  const copy = async () => {
    const url = new URL(address(props.server), location.href).href;
    try {
      await navigator.clipboard.writeText(url);
      notices.done("The address is copied.");
    } catch {
      notices.problem(`The browser does not let this page copy. The address is ${url}`);
    }
  };
  const items = (): MenuItem[] => {
    const { server } = props;
    const page = `/w/${server.id}`;
    return [
      { label: "Timeline", icon: "timeline", href: `${page}/timeline` },
      { label: "Logs", icon: "logs", href: `${page}/logs`, refused: whyNot("readLogs", detail()) },
      { label: "Settings", icon: "settings", href: `${page}/settings` },
      { label: "Copy address", icon: "link", act: () => void copy() },
      { label: "Launch again like this", icon: "copy", href: launchAgain(server), refused: whyNot("launch") },
      ...verbs(server).map((verb): MenuItem => ({
        label: VERB_LABEL[verb],
        icon: VERB_ICON[verb],
        danger: verb === "delete",
        refused: actions.busy(server.id) ? "Something is under way." : actions.whyNot(verb, detail()),
        act: () => actions.act(verb, server),
      })),
    ];
  };
  return <Menu small variant="quiet" label={`More for ${props.server.name}`} items={items()} onOpen={() => void find()} />;
}
