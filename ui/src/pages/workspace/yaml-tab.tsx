import { createMemo, Show } from "solid-js";
import type { Server } from "../../api/types";
import { CommandLine } from "../../components/command-line";
import { CopyButton } from "../../components/copy";
import { commandLine } from "../../lib/command-line";
import { manifest } from "../../lib/manifest";

/** The Workspace as kubectl knows it. */
export function YamlTab(props: { server: Server; detailed: boolean }) {
  const text = createMemo(() => manifest(props.server));
  return (
    <div class="workspace-tab">
      <Show when={props.detailed} fallback={<p class="panel muted">Loading …</p>}>
        <section class="panel yaml" aria-label="YAML">
          <div class="yaml-head">
            <p class="muted">What <code>kubectl apply</code> takes. Values of secrets are not shown.</p>
            <CopyButton text={text()} label="Copy the YAML" words="Copy" />
          </div>
          <pre tabindex="0">{text()}</pre>
        </section>
      </Show>
      <CommandLine what="Change it" line={commandLine.edit(props.server.name)} />
    </div>
  );
}
