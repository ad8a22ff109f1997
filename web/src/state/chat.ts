/** The chat on the page: its messages, and the answers that grow in it. */

import { batch, computed, signal } from "@preact/signals";
import {
  chat,
  colloquy,
  ColloquyError,
  iterate,
  type Answer,
  type ChatSessionRead,
  type MessageRead,
  type StreamEvent,
} from "../api";
import { toPlainText } from "../markdown";
import { go } from "../router";
import { listChats } from "./chats";
import { announce, attempt, describe } from "./feedback";
import { chosenModel } from "./server";
import { chooseBranchTo, findBranch, type Choices } from "./tree";

export const session = signal<ChatSessionRead | null>(null);
export const messages = signal<readonly MessageRead[]>([]);
export const choices = signal<Choices>(new Map());
export const branch = computed(() => findBranch(messages.value, choices.value));
/** What happens before the first word, by message. */
export const stages = signal<ReadonlyMap<string, string>>(new Map());
export const isLoading = signal(false);
/** Why the last question was not taken, or the chat not loaded. */
export const problem = signal<string | null>(null);
/** The message to show when its chat is opened. */
export const sought = signal<string | null>(null);
export const isAsking = signal(false);

export const growing = computed(
  () => branch.value.find((message) => message.status === "streaming") ?? null,
);

let open = new AbortController();
let openId: string | null = null;

/** Show a chat, or an empty page for a new one. Answers go on without being watched. */
export async function openChat(id: string | null): Promise<void> {
  if (id === openId && (id !== null || messages.value.length === 0)) return;
  open.abort();
  open = new AbortController();
  openId = id;
  batch(() => {
    session.value = null;
    messages.value = [];
    choices.value = new Map();
    stages.value = new Map();
    problem.value = null;
    isAsking.value = false;
    isLoading.value = id !== null;
  });
  if (id !== null) await load(id, open.signal);
}

async function load(id: string, signal: AbortSignal): Promise<void> {
  try {
    const [found, all] = await Promise.all([
      chat.getSession(colloquy, { session_id: id }, { signal }),
      listAllMessages(id, signal),
    ]);
    if (signal.aborted) return;
    batch(() => {
      session.value = found;
      messages.value = all;
      if (sought.value) showMessage(sought.value);
    });
    for (const message of all) {
      if (message.status === "streaming") void watch(colloquy.resume({ messageId: message.id }, { signal }), signal);
    }
  } catch (error) {
    if (!signal.aborted) problem.value = describe(error);
  } finally {
    if (!signal.aborted) isLoading.value = false;
  }
}

async function listAllMessages(id: string, signal: AbortSignal): Promise<MessageRead[]> {
  const all: MessageRead[] = [];
  const input = { session_id: id, limit: 100 };
  for await (const message of iterate(chat.listMessages, colloquy, input, { signal })) {
    all.push(message);
  }
  return all;
}

/** Ask after the last answer shown or, to edit a question, in the place of that one. */
export async function ask(query: string, edited?: MessageRead): Promise<boolean> {
  const parent = edited ? edited.parent_id : (branch.value.at(-1)?.id ?? null);
  const signal = open.signal;
  return start(
    colloquy.ask(
      {
        query,
        session_id: openId,
        ...(openId !== null && { parent_message_id: parent }),
        model: chosenModel.value,
      },
      { signal },
    ),
    query,
    parent,
  );
}

export async function regenerate(answer: MessageRead): Promise<boolean> {
  const model = chosenModel.value;
  const again = colloquy.regenerate(answer.id, model ? { model } : {}, { signal: open.signal });
  return start(again, null, answer.parent_id);
}

export async function stop(answer: MessageRead): Promise<void> {
  update(answer.id, await chat.stopMessage(colloquy, { message_id: answer.id }));
}

/** Resolves when the answer has begun, or could not: then false, and `problem` says why. */
function start(answer: Answer, query: string | null, parent: string | null): Promise<boolean> {
  const signal = open.signal;
  problem.value = null;
  isAsking.value = true;
  return new Promise((resolve) => {
    const begin = (event: StreamEvent): void => {
      if (event.type !== "message.started") return;
      isAsking.value = false;
      show(event, query, parent);
      resolve(true);
    };
    void watch(answer, signal, begin).then(() => {
      if (!signal.aborted) isAsking.value = false;
      resolve(false);
    });
  });
}

function show(
  event: Extract<StreamEvent, { type: "message.started" }>,
  query: string | null,
  parent: string | null,
): void {
  const fresh = [
    ...(query === null ? [] : [draft(event, "user", parent, query)]),
    draft(event, "assistant", event.user_message_id, ""),
  ];
  batch(() => {
    messages.value = [...messages.value, ...fresh];
    choices.value = chooseBranchTo(messages.value, event.message_id, choices.value);
    setStage(event.message_id, "Searching your documents");
  });
  announce("Answering.");
  if (openId === null) {
    openId = event.session_id;
    go(`/chats/${openId}${location.search}`, "replace");
    void refreshSession(openId);
  }
}

async function refreshSession(id: string): Promise<void> {
  await listChats();
  if (openId === id) session.value = await chat.getSession(colloquy, { session_id: id });
}

function draft(
  event: Extract<StreamEvent, { type: "message.started" }>,
  role: MessageRead["role"],
  parent: string | null,
  content: string,
): MessageRead {
  const isAnswer = role === "assistant";
  return {
    id: isAnswer ? event.message_id : event.user_message_id,
    session_id: event.session_id,
    parent_id: parent,
    role,
    status: isAnswer ? "streaming" : "completed",
    content,
    thinking: "",
    model: isAnswer ? event.model : null,
    sources: [],
    usage: null,
    error: null,
    feedback: null,
    created_at: new Date().toISOString(),
    completed_at: null,
  };
}

/** Follow one answer to its end; what comes between two frames is shown at once. */
async function watch(
  answer: Answer,
  signal: AbortSignal,
  onEvent: (event: StreamEvent) => void = () => {},
): Promise<void> {
  let id: string | null = null;
  let text = "";
  let thinking = "";
  let frame = 0;
  const flush = (): void => {
    cancelAnimationFrame(frame);
    frame = 0;
    if (id !== null && !signal.aborted) update(id, { content: text, thinking });
  };
  try {
    for await (const event of answer) {
      if (signal.aborted) return;
      onEvent(event);
      if (event.type === "message.started") id = event.message_id;
      else if (event.type === "answer.delta") text += event.text;
      else if (event.type === "thinking.delta") thinking += event.text;
      else if (event.type === "error") throw new ColloquyError(event.problem);
      else if (id !== null) settle(id, event);
      if (event.type.endsWith(".delta")) frame ||= requestAnimationFrame(flush);
    }
  } catch (error) {
    if (signal.aborted) return;
    if (id === null) problem.value = describe(error);
    else await reload(id, error);
  } finally {
    cancelAnimationFrame(frame);
  }
}

function settle(id: string, event: StreamEvent): void {
  if (event.type === "queued") {
    setStage(id, event.position === 1 ? "Next in line" : `Number ${event.position} in line`);
  } else if (event.type === "sources") {
    const count = event.sources.length;
    update(id, { sources: event.sources });
    const passages = count === 1 ? "one passage" : `${count} passages`;
    setStage(id, count === 0 ? "Found nothing about it" : `Reading ${passages}`);
  } else if (event.type === "message.completed") {
    update(id, event.message);
    announceEnd(event.message);
    void attempt(listChats); // The model may have found a title.
  }
}

/** After an error the stored message says best what there is. */
async function reload(id: string, error: unknown): Promise<void> {
  const detail = describe(error);
  const code = error instanceof ColloquyError ? error.code : "unknown";
  try {
    update(id, await chat.getMessage(colloquy, { message_id: id }));
  } catch {
    update(id, { status: "failed", error: { code, detail } });
  }
  announce(`The answer failed. ${detail}`);
}

function announceEnd(message: MessageRead): void {
  const cited = message.sources.filter((source) => source.is_cited).length;
  const sources = cited === 1 ? "one source" : `${cited} sources`;
  const text = toPlainText(message.content);
  const isWhole = message.status === "completed";
  announce(isWhole ? `Answer, with ${sources}: ${text}` : `Answer ${message.status}: ${text}`);
}

export function update(id: string, changes: Partial<MessageRead>): void {
  messages.value = messages.value.map((each) => (each.id === id ? { ...each, ...changes } : each));
}

function setStage(id: string, stage: string): void {
  stages.value = new Map(stages.value).set(id, stage);
}

export function choose(message: MessageRead): void {
  choices.value = new Map(choices.value).set(message.parent_id, message.id);
}

/** Open a chat where a message stands. */
export function seek(chatId: string, messageId: string): void {
  sought.value = messageId;
  if (chatId === openId) showMessage(messageId);
  go(`/chats/${chatId}`);
}

function showMessage(id: string): void {
  choices.value = chooseBranchTo(messages.value, id, choices.value);
}
