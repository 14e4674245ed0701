import { Show } from "solid-js";
import type { JobSpec, Preset } from "../api/types";
import { Copyable } from "../components/copyable";
import { madeName } from "../lib/names";
import { readable, size } from "../lib/summary";
import { useSession } from "../stores/session";
import { presetRef } from "./form";
import { launchLine, launchManifest } from "./same";

const PAST = {
  ClusterIP: "whom the rules of this install allow",
  LoadBalancer: "whoever reaches its load balancer, whatever the rules say",
  Ingress: "whoever reaches its Ingress, whatever the rules say",
} as const;

/** What will come of the form, and the same for other hands. */
export function Preview(props: { job: JobSpec; presets: readonly Preset[] }) {
  const { config } = useSession();
  const preset = () => props.presets.find((one) => presetRef(one) === props.job.presetsRef);
  const name = () => madeName(props.job.name ?? "", props.job.image, "•••••");
  const address = () => {
    const host = location.host;
    switch (config.value()?.originMode) {
      case "host":
        return `${location.protocol}//${name()}-….${host}/`;
      case "port":
        return `${location.protocol}//${location.hostname}:…/`;
      default:
        return `${location.origin}/proxy/server/${name()}/`;
    }
  };
  const asked = () => size({ resources: { ...preset()?.resources, ...props.job.resources } as { cpu?: string; memory?: string } });
  const files = () => {
    if (props.job.storage === null) return "not kept";
    const kept = props.job.storage?.size ?? preset()?.storage?.size;
    return kept ? `${readable(kept)}, kept` : "kept where the install gives a volume";
  };
  return (
    <aside class="panel preview" aria-label="What will be launched">
      <dl class="facts">
        <div>
          <dt>Name</dt>
          <dd>
            <code aria-label={name().replace("•••••", "and five characters")}>{name()}</code>
          </dd>
        </div>
        <div>
          <dt>Address</dt>
          <dd>
            <code>{address()}</code>
          </dd>
        </div>
        <div>
          <dt>Open to</dt>
          <dd>{PAST[props.job.exposure?.type ?? "ClusterIP"]}</dd>
        </div>
        <div>
          <dt>Size</dt>
          <dd>{asked() || "no limit of its own"}</dd>
        </div>
        <div>
          <dt>Files</dt>
          <dd>{files()}</dd>
        </div>
      </dl>
      <Show when={props.job.image} fallback={<p class="muted small">Name an image to see the same for a terminal.</p>}>
        <Copyable label="In a terminal" text={launchLine(props.job)} wrap />
        <details>
          <summary class="field-label">As YAML, for kubectl</summary>
          <Copyable label="Workspace" text={launchManifest(props.job, props.presets)} />
        </details>
      </Show>
    </aside>
  );
}
