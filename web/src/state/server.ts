/** What stands behind the page: which models there are, and what runs embedded. */

import { computed, effect, signal } from "@preact/signals";
import { colloquy, health, llm, type LlmStatusRead, type ModelRead, type ReadyRead } from "../api";
import { attempt } from "./feedback";

const KEY = "colloquy.model";

export const models = signal<ModelRead[]>([]);
export const parts = signal<ReadyRead | null>(null);
export const status = signal<LlmStatusRead | null>(null);
/** The model to ask; null leaves it to the chat and the server. */
export const chosenModel = signal<string | null>(localStorage.getItem(KEY));

export const defaultModel = computed(() => models.value.find((model) => model.is_default) ?? null);
/** Whether what answers is no language model: it can only quote. */
export const isOffline = computed(() => {
  const chosen = models.value.find((model) => model.name === chosenModel.value);
  return (chosen ?? defaultModel.value)?.family.startsWith("offline-") ?? false;
});

effect(() => {
  if (chosenModel.value === null) localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, chosenModel.value);
});

export async function lookAtServer(): Promise<void> {
  await Promise.all([
    attempt(async () => {
      const page = await llm.listModels(colloquy);
      models.value = page.items.filter((model) => canAnswer(model));
      const isThere = models.value.some((model) => model.name === chosenModel.value);
      if (!isThere) chosenModel.value = null;
    }),
    attempt(async () => (parts.value = await health.checkReady(colloquy))),
    attempt(async () => (status.value = await llm.getStatus(colloquy))),
  ]);
}

function canAnswer(model: ModelRead): boolean {
  return model.capabilities?.includes("completion") ?? true;
}
