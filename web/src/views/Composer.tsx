import type { TargetedKeyboardEvent, TargetedSubmitEvent, VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { MessageRead } from "../api";
import { Icon } from "../icons";
import { ask, isAsking, problem, stop } from "../state/chat";
import { uploadFiles } from "../state/documents";
import { attempt } from "../state/feedback";
import { chosenModel, defaultModel, isOffline, models } from "../state/server";

const canHover = matchMedia("(hover: hover)");

interface Props {
  chatId: string | null;
  growing: MessageRead | null;
}

export function Composer({ chatId, growing }: Props): VNode {
  const [text, setText] = useState("");
  const field = useRef<HTMLTextAreaElement>(null);
  const files = useRef<HTMLInputElement>(null);
  const isBusy = growing !== null || isAsking.value;

  useEffect(() => {
    // On a phone the keyboard would cover the page.
    if (canHover.matches) field.current?.focus();
  }, [chatId]);

  const submit = async (event: TargetedSubmitEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const query = text.trim();
    if (!query || isBusy) return;
    setText("");
    const isTaken = await ask(query);
    if (!isTaken) setText((typed) => typed || query);
  };

  return (
    <form class="composer" onSubmit={submit}>
      {problem.value && (
        <p class="note bad" role="alert">
          {problem}
        </p>
      )}
      <div class="composer-box">
        <textarea
          ref={field}
          rows={1}
          aria-label="Your question"
          placeholder="Ask your documents"
          maxLength={32_000}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
          onKeyDown={submitOnEnter}
        />
        <div class="composer-tools">
          <button type="button" class="icon" aria-label="Add documents" onClick={() => files.current?.click()}>
            <Icon name="attach" />
          </button>
          <input
            ref={files}
            type="file"
            multiple
            hidden
            onChange={(event) => {
              uploadFiles(event.currentTarget.files ?? []);
              event.currentTarget.value = "";
            }}
          />
          <ModelPicker />
          {growing ? (
            <button
              type="button"
              class="icon send"
              aria-label="Stop the answer"
              onClick={() => attempt(() => stop(growing))}
            >
              <Icon name="stop" />
            </button>
          ) : (
            <button class="icon send" aria-label="Ask" disabled={isBusy || !text.trim()}>
              <Icon name="send" />
            </button>
          )}
        </div>
      </div>
    </form>
  );
}

function ModelPicker(): VNode | null {
  if (models.value.length === 0) return null;
  return (
    <label class="model">
      <span class="sr-only">Model</span>
      <select
        value={chosenModel.value ?? ""}
        onChange={(event) => (chosenModel.value = event.currentTarget.value || null)}
      >
        <option value="">{defaultModel.value?.name ?? "The usual model"}</option>
        {models.value
          .filter((model) => !model.is_default)
          .map((model) => (
            <option value={model.name}>{model.name}</option>
          ))}
      </select>
      {isOffline.value && <span class="badge">offline model</span>}
    </label>
  );
}

/** Enter sends, Shift and Enter begin a new line; not while a word is being composed. */
export function submitOnEnter(event: TargetedKeyboardEvent<HTMLTextAreaElement>): void {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  event.currentTarget.form?.requestSubmit();
}
