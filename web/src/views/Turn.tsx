import type { VNode } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { chat, colloquy, type MessageRead, type SourceRead } from "../api";
import { Icon } from "../icons";
import { Markdown, type Citing } from "../markdown";
import { readDocument } from "../router";
import { ask, choose, growing, messages, regenerate, stages, update } from "../state/chat";
import { announce, attempt } from "../state/feedback";
import { findSuccessors } from "../state/tree";
import { submitOnEnter } from "./Composer";

export function Turn({ message }: { message: MessageRead }): VNode {
  return message.role === "user" ? <Question message={message} /> : <Answer message={message} />;
}

function Question({ message }: { message: MessageRead }): VNode {
  const [isEditing, setEditing] = useState(false);
  return (
    <article class="turn question" id={message.id} tabIndex={-1} aria-label="Your question">
      {isEditing ? (
        <Editor message={message} close={() => setEditing(false)} />
      ) : (
        <>
          <p class="asked">{message.content}</p>
          <div class="actions">
            <button
              class="icon little"
              aria-label="Edit the question"
              disabled={growing.value !== null}
              onClick={() => setEditing(true)}
            >
              <Icon name="edit" />
            </button>
            <Versions message={message} noun="question" />
          </div>
        </>
      )}
    </article>
  );
}

function Editor({ message, close }: { message: MessageRead; close: () => void }): VNode {
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    field.current?.focus();
    field.current?.setSelectionRange(message.content.length, message.content.length);
  }, []);
  return (
    <form
      class="editor"
      onSubmit={(event) => {
        event.preventDefault();
        const text = field.current!.value.trim();
        if (!text) return;
        close();
        void ask(text, message);
      }}
      onKeyDown={(event) => event.key === "Escape" && close()}
    >
      <textarea
        ref={field}
        class="input"
        aria-label="The question"
        defaultValue={message.content}
        maxLength={32_000}
        onKeyDown={submitOnEnter}
      />
      <div class="row end">
        <button type="button" class="button" onClick={close}>
          Cancel
        </button>
        <button class="button primary">Ask again</button>
      </div>
    </form>
  );
}

function Answer({ message }: { message: MessageRead }): VNode {
  const isGrowing = message.status === "streaming";
  const citing = useCiting(message.sources);
  return (
    <article
      class="turn answer"
      id={message.id}
      tabIndex={-1}
      aria-label="Answer"
      aria-busy={isGrowing}
    >
      <div class="said">
        {message.thinking && (
          <details class="thinking">
            <summary>Thoughts</summary>
            <p>{message.thinking}</p>
          </details>
        )}
        {isGrowing && !message.content && (
          <p class="stage">{stages.value.get(message.id) ?? "Coming back to the answer"}</p>
        )}
        <Markdown text={message.content} citing={citing} />
        <Ending message={message} />
        {!isGrowing && <Actions message={message} />}
      </div>
      <Sources message={message} />
    </article>
  );
}

/** Markers become buttons; one that names no source stays text. */
function useCiting(sources: SourceRead[]): Citing {
  const key = sources.map((source) => source.chunk_id + source.is_gone).join();
  return useMemo(() => {
    const byNumber = new Map(sources.map((source) => [source.number, source]));
    return {
      cite: (numbers) => {
        const known = numbers.flatMap((number) => byNumber.get(number) ?? []);
        return known.length ? known.map((source) => <Citation source={source} />) : null;
      },
    };
  }, [key]);
}

function Citation({ source }: { source: SourceRead }): VNode {
  return (
    <button class="citation" aria-label={`Source ${source.number}: ${name(source)}`} onClick={() => open(source)}>
      {source.number}
    </button>
  );
}

function open(source: SourceRead): void {
  readDocument(source.document_id, source.start, source.end);
}

function name(source: SourceRead): string {
  const { page_first: first, page_last: last } = source;
  if (first === null) return source.title;
  return `${source.title}, page ${last === null || last === first ? first : `${first} to ${last}`}`;
}

function Sources({ message }: { message: MessageRead }): VNode | null {
  const cited = message.sources.filter((source) => source.is_cited);
  if (message.status === "streaming" || cited.length === 0) return null;
  return (
    <div class="sources" role="group" aria-label="Sources of this answer">
      <ol>
        {cited.map((source) => (
          <li key={source.number}>
            <button onClick={() => open(source)}>
              <span class="number">{source.number}</span>
              <b>{name(source)}</b>
              <q>{source.text}</q>
              {source.is_gone && <small>Deleted since</small>}
            </button>
          </li>
        ))}
      </ol>
    </div>
  );
}

function Ending({ message }: { message: MessageRead }): VNode | null {
  switch (message.status) {
    case "stopped":
      return <p class="ending quiet small">Stopped.</p>;
    case "interrupted":
      return <p class="ending note bad">The server went away in the middle of this answer.</p>;
    case "failed":
      return <p class="ending note bad">{message.error?.detail ?? "This answer failed."}</p>;
    default:
      return null;
  }
}

function Actions({ message }: { message: MessageRead }): VNode {
  const [isCopied, setCopied] = useState(false);
  const copy = (): Promise<void> =>
    attempt(async () => {
      await navigator.clipboard.writeText(message.content);
      setCopied(true);
      announce("Copied.");
    });
  return (
    <div class="actions">
      <Versions message={message} noun="answer" />
      <button class="icon little" aria-label="Copy the answer" aria-pressed={isCopied} onClick={copy}>
        <Icon name="copy" />
      </button>
      <button
        class="icon little"
        aria-label="Answer again"
        disabled={growing.value !== null}
        onClick={() => void regenerate(message)}
      >
        <Icon name="again" />
      </button>
      <Rating message={message} rating="up" label="A good answer" />
      <Rating message={message} rating="down" label="A bad answer" />
      <span class="quiet small">{message.model}</span>
    </div>
  );
}

function Rating(props: { message: MessageRead; rating: "up" | "down"; label: string }): VNode {
  const { message, rating, label } = props;
  const isGiven = message.feedback?.rating === rating;
  const give = async (): Promise<void> => {
    const input = { message_id: message.id };
    if (isGiven) await chat.deleteFeedback(colloquy, input);
    const feedback = isGiven ? null : await chat.setFeedback(colloquy, { ...input, rating });
    update(message.id, { feedback });
  };
  return (
    <button class="icon little" aria-label={label} aria-pressed={isGiven} onClick={() => attempt(give)}>
      <Icon name={rating} />
    </button>
  );
}

/** Switches between the versions of a question or answer. */
function Versions({ message, noun }: { message: MessageRead; noun: string }): VNode | null {
  const versions = findSuccessors(messages.value, message.parent_id);
  if (versions.length < 2) return null;
  const index = versions.findIndex((version) => version.id === message.id);
  const turn = (step: number): void => {
    const version = versions[index + step]!;
    choose(version);
    announce(`Version ${index + step + 1} of ${versions.length}.`);
    // The buttons belong to the other version now.
    requestAnimationFrame(() => document.getElementById(version.id)?.focus());
  };
  return (
    <span class="versions" role="group" aria-label={`Versions of this ${noun}`}>
      <button class="icon little" aria-label={`Earlier ${noun}`} disabled={index === 0} onClick={() => turn(-1)}>
        <Icon name="left" />
      </button>
      <span class="small">
        {index + 1} / {versions.length}
      </span>
      <button
        class="icon little"
        aria-label={`Later ${noun}`}
        disabled={index === versions.length - 1}
        onClick={() => turn(1)}
      >
        <Icon name="right" />
      </button>
    </span>
  );
}
