/** A chat is a tree of messages: which of them are shown, and between which one can switch. */

import type { MessageRead } from "../api";

/** Under a message (or at the top: null), the one of its successors that is shown. */
export type Choices = ReadonlyMap<string | null, string>;

/** From the first question down; where nothing is chosen, the newest branch. */
export function findBranch(messages: readonly MessageRead[], choices: Choices): MessageRead[] {
  const branch: MessageRead[] = [];
  let parent: string | null = null;
  for (;;) {
    const successors = findSuccessors(messages, parent);
    const chosen = choices.get(parent);
    const next = successors.find((message) => message.id === chosen) ?? successors.at(-1);
    if (!next) return branch;
    branch.push(next);
    parent = next.id;
  }
}

/** Messages with the same parent, the oldest first: versions of a question, or of its answer. */
export function findSuccessors(
  messages: readonly MessageRead[],
  parent: string | null,
): MessageRead[] {
  return messages.filter((message) => message.parent_id === parent);
}

/** The choices that lead to a message. */
export function chooseBranchTo(
  messages: readonly MessageRead[],
  id: string,
  choices: Choices,
): Choices {
  const byId = new Map(messages.map((message) => [message.id, message]));
  const chosen = new Map(choices);
  for (let message = byId.get(id); message; message = byId.get(message.parent_id ?? "")) {
    chosen.set(message.parent_id, message.id);
  }
  return chosen;
}
