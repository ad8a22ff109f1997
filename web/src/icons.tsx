/** The drawings on buttons; what a button does stands in its label. */

import type { VNode } from "preact";

const PATHS = {
  menu: "M4 7h16M4 12h16M4 17h16",
  plus: "M12 5v14M5 12h14",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM20 20l-4-4",
  send: "M12 19V5M6 11l6-6 6 6",
  stop: "M8 8h8v8H8z",
  attach: "M20 11.5 12.2 19a4.6 4.6 0 0 1-6.6-6.5L13.7 5a3 3 0 0 1 4.3 4.3l-7.8 7.5a1.5 1.5 0 0 1-2.1-2.1l7-6.7",
  file: "M7 3h7l4 4v14H7zM14 3v4h4M10 12h5M10 16h5",
  edit: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
  again: "M4 12a8 8 0 0 1 13.7-5.7L20 8.5M20 4v4.5h-4.5M20 12a8 8 0 0 1-13.7 5.7L4 15.5M4 20v-4.5h4.5",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  left: "M14 6l-6 6 6 6",
  right: "M10 6l6 6-6 6",
  up: "M7 21H4V11h3zM7 11l4-8c1.7 0 2.5 1 2.5 2.5L13 9h6l-1.5 9.5c-.2 1.5-1 2.5-2.5 2.5H7",
  down: "M17 3h3v10h-3zM17 13l-4 8c-1.7 0-2.5-1-2.5-2.5L11 15H5l1.5-9.5C6.7 4 7.5 3 9 3h8",
  close: "M6 6l12 12M18 6 6 18",
  more: "M5.5 12a.5.5 0 1 0 1 0 .5.5 0 0 0-1 0M11.5 12a.5.5 0 1 0 1 0 .5.5 0 0 0-1 0M17.5 12a.5.5 0 1 0 1 0 .5.5 0 0 0-1 0",
  save: "M12 4v11M7 10.5l5 5 5-5M5 20h14",
  bin: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10.5 11v5M13.5 11v5",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20.5c1-4 4-5.5 7.5-5.5s6.5 1.5 7.5 5.5",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }): VNode {
  return (
    <svg class="glyph" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

export function Logo(): VNode {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="#1c5d5a" />
      <path
        fill="#faf8f4"
        d="M8 17.5c0-4.6 2.3-7.9 6-9.5l1 1.7c-2.1 1.1-3.3 2.8-3.5 4.7h3.3v7.1H8zm10 0c0-4.6 2.3-7.9 6-9.5l1 1.7c-2.1 1.1-3.3 2.8-3.5 4.7h3.3v7.1H18z"
      />
    </svg>
  );
}
