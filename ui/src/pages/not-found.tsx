import { A } from "@solidjs/router";
import { EmptyState } from "../components/empty-state";
import { useTitle } from "../stores/title";

export function NotFoundPage() {
  useTitle(() => "No such page");
  return (
    <EmptyState
      icon="search"
      level={1}
      title="There is no such page"
      action={
        <A class="button primary" href="/">
          To the workspaces
        </A>
      }
    >
      <p>The address may be mistyped, or the page may have moved.</p>
    </EmptyState>
  );
}
