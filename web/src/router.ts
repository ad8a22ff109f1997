/** Where the reader is: the address of the page, as state. Every place has an address of its own. */

import { signal } from "@preact/signals";

export interface Place {
  page: "chat" | "documents" | "account";
  chatId: string | null;
  /** The document opened beside the page, and which of its characters to show. */
  reading: { documentId: string; start: number | null; end: number | null } | null;
}

export const place = signal<Place>(read());

export function go(address: string, how: "push" | "replace" = "push"): void {
  history[how === "push" ? "pushState" : "replaceState"](null, "", address);
  place.value = read();
}

export function readDocument(documentId: string, start?: number, end?: number): void {
  const query = new URLSearchParams({ read: documentId });
  if (start !== undefined) query.set("at", `${start}-${end}`);
  go(`${location.pathname}?${query}`, place.value.reading ? "replace" : "push");
}

export function closeDocument(): void {
  go(location.pathname, "replace");
}

/** Lets plain links work without loading the page anew. */
export function followLinks(): void {
  addEventListener("popstate", () => (place.value = read()));
  addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    const isPlain = event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey);
    if (!link || !isPlain || link.target || link.hasAttribute("download")) return;
    if (link.origin !== location.origin || !isKnown(link.pathname)) return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
}

function isKnown(path: string): boolean {
  return /^\/($|documents$|account$|chats\/[^/]+$)/.test(path);
}

function read(): Place {
  const [, first, second] = location.pathname.split("/");
  const query = new URLSearchParams(location.search);
  const documentId = query.get("read");
  const range = /^(\d+)-(\d+)$/.exec(query.get("at") ?? "");
  return {
    page: first === "documents" || first === "account" ? first : "chat",
    chatId: first === "chats" && second ? second : null,
    reading: documentId && {
      documentId,
      start: range ? Number(range[1]) : null,
      end: range ? Number(range[2]) : null,
    } || null,
  };
}
