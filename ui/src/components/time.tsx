import { age, exact } from "../lib/time";

/** How long ago, with the exact time on hover. `now` moves on, so ages do. */
export function Ago(props: { at: string | undefined; now: number }) {
  return (
    <time datetime={props.at} data-tip={exact(props.at)}>
      {age(props.at, props.now)}
    </time>
  );
}
