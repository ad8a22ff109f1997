/** The chats of the user: listed, searched, renamed, exported, deleted. */

import { signal } from "@preact/signals";
import { chat, colloquy, type ChatSessionRead, type FoundMessageRead } from "../api";
import { go, place } from "../router";
import { attempt, question } from "./feedback";

export const chats = signal<ChatSessionRead[]>([]);
export const nextChats = signal<string | null>(null);
export const found = signal<FoundMessageRead[] | null>(null);

export async function listChats(): Promise<void> {
  const page = await chat.listSessions(colloquy, { limit: 50 });
  chats.value = page.items;
  nextChats.value = page.next_cursor;
}

export async function listMoreChats(): Promise<void> {
  const page = await chat.listSessions(colloquy, { limit: 50, cursor: nextChats.value });
  chats.value = [...chats.value, ...page.items];
  nextChats.value = page.next_cursor;
}

let searches = 0;

/** The last search asked for is the one whose results are shown. */
export async function searchChats(words: string): Promise<void> {
  const search = ++searches;
  if (!words.trim()) {
    found.value = null;
    return;
  }
  await attempt(async () => {
    const page = await chat.searchMessages(colloquy, { q: words, limit: 50 });
    if (search === searches) found.value = page.items;
  });
}

export function renameChat(session: ChatSessionRead): void {
  question.value = {
    title: "Rename this chat",
    text: session.title,
    action: "Rename",
    run: async (title) => {
      const renamed = await chat.updateSession(colloquy, { session_id: session.id, title });
      chats.value = chats.value.map((each) => (each.id === renamed.id ? renamed : each));
    },
  };
}

export function deleteChat(session: ChatSessionRead): void {
  question.value = {
    title: "Delete this chat?",
    body: `“${session.title}” and all its messages will be gone. There is no way back.`,
    action: "Delete",
    isDangerous: true,
    run: async () => {
      await chat.deleteSession(colloquy, { session_id: session.id });
      chats.value = chats.value.filter((each) => each.id !== session.id);
      if (place.value.chatId === session.id) go("/");
    },
  };
}

export async function exportChat(
  session: ChatSessionRead,
  format: "json" | "markdown",
): Promise<void> {
  const file = await chat.exportSession(colloquy, { session_id: session.id, format });
  const text = typeof file === "string" ? file : JSON.stringify(file, null, 2);
  saveFile(new Blob([text]), `${session.title}.${format === "json" ? "json" : "md"}`);
}

/** Hand a file to the browser to be saved: never to be opened here, where it could run. */
export function saveFile(content: Blob, name: string): void {
  const address = URL.createObjectURL(new Blob([content], { type: "application/octet-stream" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
