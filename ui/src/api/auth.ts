import { createSignal } from "solid-js";

// One fact of the whole page, like the cookie that it is about.
const [signedOut, setSignedOut] = createSignal(false);

/** Whether the front door no longer knows who asks: the last answer that says something about it was a 401. */
export { signedOut };

/** Told by everything that asks the API. */
export function heardOfSession(status: number): void {
  if (status === 401) setSignedOut(true);
  else if (status < 400) setSignedOut(false);
}

/** Where to sign in, and come back to this page. */
export function signInAddress(place: Pick<Location, "pathname" | "search" | "hash"> = location): string {
  return `/login?next=${encodeURIComponent(place.pathname + place.search + place.hash)}`;
}
