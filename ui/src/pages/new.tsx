import { useNavigate } from "@solidjs/router";
import { Show } from "solid-js";
import { LaunchForm } from "../components/launch-form";
import { useSession } from "../stores/session";
import { useTitle } from "../stores/title";

export function NewPage() {
  const { presets } = useSession();
  const navigate = useNavigate();
  useTitle(() => "New workspace");
  return (
    <>
      <h1>New workspace</h1>
      <Show when={presets.value()}>
        {(offered) => (
          <LaunchForm presets={offered()} onCancel={() => navigate("/")} onLaunched={(id) => navigate(`/w/${id}/timeline`)} />
        )}
      </Show>
    </>
  );
}
