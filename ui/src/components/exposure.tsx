import { For, Show } from "solid-js";
import { Field } from "./field";

/** "" for GuildNet alone. */
export type Way = "" | "LoadBalancer" | "Ingress";

const WAYS: readonly [Way, string][] = [
  ["", "By GuildNet alone: who may open it is decided by its rules"],
  ["LoadBalancer", "Also by a load balancer: whoever reaches it gets in"],
  ["Ingress", "Also by an Ingress: whoever reaches it gets in"],
];

/** By which ways a workspace is reached; others than GuildNet know nothing of its rules. */
export function Exposure(props: {
  exposure: Way;
  domain: string;
  problem: string | undefined;
  onChange: (part: { exposure?: Way; domain?: string }) => void;
}) {
  return (
    <>
      <Field label="Reached" hint="GuildNet asks nobody who comes past it: the program itself has to.">
        {(aria) => (
          <select
            {...aria}
            name="exposure"
            value={props.exposure}
            onChange={(event) => props.onChange({ exposure: event.currentTarget.value as Way })}
          >
            <For each={WAYS}>{([value, words]) => <option value={value}>{words}</option>}</For>
          </select>
        )}
      </Field>
      <Show when={props.exposure === "Ingress"}>
        <Field label="Domain" hint="Its host is NAME.DOMAIN; left out, the install's own domain." problem={props.problem}>
          {(aria) => (
            <input
              {...aria}
              name="domain"
              value={props.domain}
              spellcheck={false}
              autocapitalize="off"
              autocomplete="off"
              onInput={(event) => props.onChange({ domain: event.currentTarget.value })}
            />
          )}
        </Field>
      </Show>
    </>
  );
}
