/** For a caller nobody vouches for: a token is exchanged for a session at /login, which the front door answers. */
export function SignIn() {
  return (
    <section class="panel sign-in">
      <h1>Sign in</h1>
      <p>
        On the tailnet you are known by your device. Here you need a token; whoever runs this install can make one with
      </p>
      <pre>kubectl create token guildnet-admin --audience guildnet -n guildnet</pre>
      <form action="/login" method="get">
        <label for="token">Token</label>
        <input id="token" name="token" type="password" autocomplete="off" required />
        <button type="submit" class="primary">
          Sign in
        </button>
      </form>
    </section>
  );
}
