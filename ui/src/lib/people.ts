/** A login as it is, but of a program or a device the last part: `token:system:serviceaccount:guildnet:ci` → `ci`. */
export function plainName(login: string): string {
  return /^(token|node|system):/.test(login) ? login.split(":").at(-1) || login : login;
}

/** What a person is called where there is little room: an owner is a login, `token:…` or `node:…`. */
export function shortName(owner: string): string {
  return plainName(owner).split("@")[0] || owner;
}

/** `alice.smith@example.com` → `AS`, `guildnet-admin` → `GA`, `bob` → `BO`. */
export function initials(owner: string): string {
  const words = shortName(owner).split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  const letters = words.length > 1 ? words.slice(0, 2).map((word) => word[0]) : [...(words[0] ?? "?")].slice(0, 2);
  return letters.join("").toUpperCase();
}

/** A colour that stays the same for a name: degrees on the wheel. */
export function hue(name: string): number {
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 360;
  return sum;
}
