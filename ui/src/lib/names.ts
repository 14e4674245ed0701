// How the API makes a name, for a preview; tests/unit/api/test_ui_form.py keeps the two alike.

const MOST = 63;
const SUFFIX = 5;

function slug(text: string): string {
  return text
    .normalize("NFKD")
    .toLowerCase()
    .replaceAll("ß", "ss")
    .replaceAll(/[^a-z0-9\-_\s]/g, "")
    .replaceAll(/[-_\s]+/g, "-")
    .replaceAll(/^-+|-+$/g, "");
}

function imageName(image: string): string {
  return image.split("@")[0]?.split("/").at(-1)?.split(":")[0] ?? "";
}

/** The name of a workspace, with `suffix` for the five characters that the API draws. */
export function madeName(name: string, image: string, suffix: string): string {
  const base = slug(name) || slug(imageName(image)) || "workload";
  const lettered = /^[a-z]/.test(base) ? base : `ws-${base}`;
  return `${lettered.slice(0, MOST - SUFFIX - 1).replace(/-+$/, "")}-${suffix}`;
}
