import { A } from "@solidjs/router";

export function NotFoundPage() {
  return (
    <div class="panel empty">
      <h1>There is no such page</h1>
      <p>
        <A href="/">To the workspaces</A>
      </p>
    </div>
  );
}
