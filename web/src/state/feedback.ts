/** What the page says beside its content: to screen readers, in a corner, and in questions. */

import { signal } from "@preact/signals";

export const announcement = signal("");
export const notice = signal<string | null>(null);
export const question = signal<Question | null>(null);

export interface Question {
  title: string;
  body?: string;
  /** Ask for a text, which begins as this. */
  text?: string;
  action: string;
  isDangerous?: boolean;
  run(text: string): Promise<void>;
}

let timer: ReturnType<typeof setTimeout> | undefined;

/** Say something to those who do not see the page; it is gone before they could meet it twice. */
export function announce(text: string): void {
  announcement.value = text;
  clearTimeout(timer);
  timer = setTimeout(() => (announcement.value = ""), 10_000);
}

/** Run something, and say so when it fails. */
export async function attempt(run: () => Promise<unknown>): Promise<void> {
  try {
    await run();
  } catch (error) {
    notice.value = describe(error);
  }
}

export function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
