/** The documents of the user: uploads, and how far their indexing is. */

import { computed, signal } from "@preact/signals";
import { colloquy, documents as api, ColloquyError, type DocumentRead } from "../api";
import { announce, attempt, describe, question } from "./feedback";
import { saveFile } from "./chats";

export interface Upload {
  id: number;
  name: string;
  /** From 0 to 1. */
  progress: number;
  error: string | null;
  cancel(): void;
}

/** A browser opens six connections to one server: these leave some for the answers. */
const UPLOADS_AT_ONCE = 2;
const FOLLOWED_AT_ONCE = 2;
/** One that waits for something must not keep the others from being followed. */
const FOLLOWED_FOR_MS = 10_000;
const PAUSE_MS = 2_000;

export const documents = signal<DocumentRead[]>([]);
export const nextDocuments = signal<string | null>(null);
export const uploads = signal<Upload[]>([]);
export const filter = signal("");

export const isUnfinished = (document: DocumentRead): boolean =>
  document.status === "pending" || document.status === "processing";
export const readyCount = computed(
  () => documents.value.filter((document) => document.status === "ready").length,
);

const waiting: { file: File; upload: Upload; signal: AbortSignal }[] = [];
const followed = new Set<string>();
const postponed = new Set<string>();
let uploading = 0;
let count = 0;

export async function listDocuments(): Promise<void> {
  const q = filter.value.trim();
  const page = await api.listDocuments(colloquy, { limit: 50, ...(q && { q }) });
  if (q !== filter.value.trim()) return; // Somebody types faster than the answers come.
  documents.value = page.items;
  nextDocuments.value = page.next_cursor;
  followUnfinished();
}

export async function listMoreDocuments(): Promise<void> {
  const q = filter.value.trim();
  const cursor = nextDocuments.value;
  const page = await api.listDocuments(colloquy, { limit: 50, cursor, ...(q && { q }) });
  documents.value = [...documents.value, ...page.items];
  nextDocuments.value = page.next_cursor;
  followUnfinished();
}

export function uploadFiles(files: Iterable<File>): void {
  for (const file of files) {
    const controller = new AbortController();
    const id = ++count;
    const upload: Upload = {
      id,
      name: file.name,
      progress: 0,
      error: null,
      cancel: () => {
        controller.abort();
        dismiss(id);
      },
    };
    uploads.value = [...uploads.value, upload];
    waiting.push({ file, upload, signal: controller.signal });
  }
  startUploads();
}

function startUploads(): void {
  while (uploading < UPLOADS_AT_ONCE && waiting.length > 0) {
    const { file, upload, signal } = waiting.shift()!;
    if (signal.aborted) continue;
    uploading++;
    void uploadFile(file, upload.id, signal).finally(() => {
      uploading--;
      startUploads();
    });
  }
}

async function uploadFile(file: File, id: number, signal: AbortSignal): Promise<void> {
  try {
    const { results } = await colloquy.upload(file, {
      signal,
      onProgress: ({ loaded, total }) => change(id, { progress: total ? loaded / total : 0 }),
    });
    dismiss(id);
    const [result] = results;
    if (result?.document) put(result.document);
    if (result?.is_existing) announce(`${file.name} was there already.`);
    followUnfinished();
  } catch (error) {
    if (signal.aborted) return;
    change(id, { error: describe(error) });
    announce(`${file.name} was not added. ${describe(error)}`);
  }
}

function change(id: number, changes: Partial<Upload>): void {
  uploads.value = uploads.value.map((each) => (each.id === id ? { ...each, ...changes } : each));
}

export function dismiss(id: number): void {
  uploads.value = uploads.value.filter((each) => each.id !== id);
}

function put(document: DocumentRead): void {
  const others = documents.value.filter((each) => each.id !== document.id);
  const isKnown = others.length < documents.value.length;
  documents.value = isKnown
    ? documents.value.map((each) => (each.id === document.id ? document : each))
    : [document, ...documents.value];
}

function remove(id: string): void {
  documents.value = documents.value.filter((each) => each.id !== id);
}

/** Oldest first: that is the order in which they are processed. */
function followUnfinished(): void {
  while (followed.size < FOLLOWED_AT_ONCE) {
    const unfinished = documents.value.filter(
      (document) => isUnfinished(document) && !followed.has(document.id),
    );
    const next = unfinished.findLast(({ id }) => !postponed.has(id)) ?? unfinished.at(-1);
    if (!next) return;
    postponed.delete(next.id);
    followed.add(next.id);
    void follow(next.id).finally(() => {
      followed.delete(next.id);
      followUnfinished();
    });
  }
}

async function follow(id: string): Promise<void> {
  const signal = AbortSignal.timeout(FOLLOWED_FOR_MS);
  try {
    for await (const event of colloquy.follow(id, { signal })) {
      if (event.type === "document.deleted") remove(id);
      else put(event.document);
      if (event.type === "document.ready") announce(`${event.document.title} is ready.`);
      if (event.type === "document.failed") announce(`${event.document.title} could not be read.`);
    }
  } catch (error) {
    if (error instanceof ColloquyError && error.status === 404) remove(id);
    postponed.add(id);
    if (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

export function deleteDocument(document: DocumentRead): void {
  question.value = {
    title: "Delete this document?",
    body: `“${document.title}” will no longer be searched. Answers keep the passages they cited.`,
    action: "Delete",
    isDangerous: true,
    run: async () => {
      await api.deleteDocument(colloquy, { document_id: document.id });
      remove(document.id);
    },
  };
}

export function retryDocument(document: DocumentRead): Promise<void> {
  return attempt(async () => {
    put(await api.reprocessDocument(colloquy, { document_id: document.id }));
    followUnfinished();
  });
}

export function saveDocument(document: { id: string; filename: string }): Promise<void> {
  return attempt(async () => {
    const content = await api.downloadDocument(colloquy, { document_id: document.id });
    saveFile(content, document.filename);
  });
}
