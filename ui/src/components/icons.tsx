import type { JSX } from "solid-js";

// Drawn here, one stroke each, so that nothing is fetched and nothing is inlined as a data: URL.
const PATHS = {
  add: "M12 5v14M5 12h14",
  alert: "M12 4 2.8 19.5h18.4zM12 10v4.5M12 17v.2",
  back: "M19 12H5M11 18l-6-6 6-6",
  box: "M12 3l8 4.5v9L12 21l-8-4.5v-9zM12 12l8-4.5M12 12v9M12 12L4 7.5",
  cards: "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z",
  check: "M5 12.5l4.5 4.5L19 7",
  clock: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM12 7v5l3.5 2",
  close: "M6 6l12 12M18 6 6 18",
  code: "M8.5 7 3.5 12l5 5M15.5 7l5 5-5 5M13.5 5l-3 14",
  columns: "M4 5h16v14H4zM4 10h16M4 14.5h16",
  copy: "M9 9h11v11H9zM15 9V4H4v11h5",
  down: "M12 5v14M6 13l6 6 6-6",
  download: "M12 4v11M7 10.5l5 5 5-5M5 20h14",
  file: "M6 3h8l4 4v14H6zM14 3v4h4",
  full: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  health: "M3 12h4l2.5-6 4.5 12 2.5-6H21",
  keyboard: "M3 6h18v12H3zM7 10h.2M11 10h.2M15 10h.2M8 14h8",
  key: "M8 19a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM11 12.5 20 4M16.5 7.5l3 3",
  link: "M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.3l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3A4 4 0 0 0 11 18.7l1-1",
  lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  logs: "M4 6h16M4 12h10M4 18h13",
  more: "M5.5 12.6v-1.2M12 12.6v-1.2M18.5 12.6v-1.2M4.9 12h1.2M11.4 12h1.2M17.9 12h1.2",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5Z",
  next: "M9 5l7 7-7 7",
  notebook: "M6 3h13v18H6zM6 3v18M3.5 7.5H7M3.5 12H7M3.5 16.5H7M10 8h6M10 12h6",
  open: "M14 4h6v6M20 4l-9 9M18 14v5a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V7a1 1 0 0 1 1-1h5",
  refresh: "M20 11A8 8 0 0 0 6 6.3L4 8.5M4 4v4.5h4.5M4 13a8 8 0 0 0 14 4.7l2-2.2M20 20v-4.5h-4.5",
  remove: "M4 7h16M10 11v6M14 11v6M6 7l1 13h10l1-13M9 7V4h6v3",
  restart: "M4 12a8 8 0 1 0 2.5-5.8L4 8.5M4 4v4.5h4.5",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14ZM16 16l5 5",
  settings: "M4 7h9M17 7h3M4 17h3M11 17h9M15 9.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM9 19.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Z",
  sort: "M7 5v14M4 16l3 3 3-3M13 7h7M13 12h5M13 17h3",
  start: "M8 5.5v13l10.5-6.5z",
  stop: "M6 6h12v12H6z",
  sun: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.6 7 7M17 17l1.4 1.4M5.6 18.4 7 17M17 7l1.4-1.4",
  system: "M3 5h18v11H3zM9 20h6M12 16v4",
  terminal: "M3 5h18v14H3zM7 9.5l3 2.5-3 2.5M12 15h5",
  timeline: "M6 4v16M6 7h12M6 12h8M6 17h10",
  user: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4.5 20.5a7.5 7.5 0 0 1 15 0",
  warning: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM12 7.5v5M12 16v.2",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon(props: { name: IconName }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[props.name]} />
    </svg>
  );
}
