import { Show } from "solid-js";
import { signedOut, signInAddress } from "../api/auth";
import { Alert } from "../components/alert";
import { Button } from "../components/button";
import { Field } from "../components/field";
import "./sign-in.css";

/** One bar for a session that has ended, on whatever page: what was typed there stays. */
export function SignedOut() {
  return (
    <Show when={signedOut()}>
      <div class="signed-out">
        <Alert
          kind="warning"
          live
          title="You are signed out."
          action={
            // Answered by the front door, not by this page.
            <a class="button primary" href={signInAddress()} rel="external">
              Sign in
            </a>
          }
        >
          What you see may be old, and nothing you do is saved until you sign in. You come back to this page.
        </Alert>
      </div>
    </Show>
  );
}

/** For a caller nobody vouches for: a token is exchanged for a session at /login, which the front door answers. */
export function SignIn() {
  return (
    <section class="panel sign-in">
      <h1 tabindex="-1">Sign in</h1>
      <p>On the tailnet you are known by your device. Here you need a token; whoever runs this install can make one with</p>
      <pre>kubectl create token guildnet-admin --audience guildnet -n guildnet</pre>
      <form action="/login" method="get">
        <input type="hidden" name="next" value={location.pathname + location.search} />
        <Field label="Token">
          {(aria) => <input {...aria} name="token" type="password" autocomplete="off" required />}
        </Field>
        <Button type="submit" variant="primary">
          Sign in
        </Button>
      </form>
    </section>
  );
}
