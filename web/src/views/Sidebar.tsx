import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { ChatSessionRead, FoundMessageRead } from "../api";
import { Icon, Logo } from "../icons";
import { place } from "../router";
import { seek } from "../state/chat";
import { chats, found, listMoreChats, nextChats, searchChats } from "../state/chats";
import { attempt } from "../state/feedback";
import { me } from "../state/me";
import { nameAge } from "../time";

export function Sidebar({ onClose }: { onClose?: () => void }): VNode {
  const { page, chatId } = place.value;
  return (
    <nav class="sidebar" aria-label="Chats and documents">
      <header>
        <a class="wordmark" href="/" onClick={onClose}>
          <Logo /> Colloquy
        </a>
        {onClose && (
          <button class="icon" aria-label="Close" onClick={onClose}>
            <Icon name="close" />
          </button>
        )}
      </header>
      <a class="button" href="/" onClick={onClose}>
        <Icon name="plus" /> New chat
      </a>
      <Search onClose={onClose} />
      <div class="chats">
        {found.value === null ? <ChatList openId={chatId} /> : <Results onClose={onClose} />}
      </div>
      <ul class="places">
        <li>
          <a href="/documents" aria-current={page === "documents" ? "page" : undefined} onClick={onClose}>
            <Icon name="file" /> Documents
          </a>
        </li>
        <li>
          <a href="/account" aria-current={page === "account" ? "page" : undefined} onClick={onClose}>
            <Icon name="person" /> {me.value?.username}
          </a>
        </li>
      </ul>
    </nav>
  );
}

function Search({ onClose }: { onClose?: (() => void) | undefined }): VNode {
  const input = useRef<HTMLInputElement>(null);
  const [words, setWords] = useState("");

  useEffect(() => {
    const timer = setTimeout(() => void searchChats(words), words ? 200 : 0);
    return () => clearTimeout(timer);
  }, [words]);

  useEffect(() => {
    const focus = (event: KeyboardEvent): void => {
      if (event.key !== "k" || !(event.metaKey || event.ctrlKey)) return;
      event.preventDefault();
      input.current?.focus();
    };
    addEventListener("keydown", focus);
    return () => removeEventListener("keydown", focus);
  }, []);

  return (
    <label class="search">
      <Icon name="search" />
      <span class="sr-only">Search your chats</span>
      <input
        ref={input}
        class="input"
        type="search"
        placeholder="Search your chats"
        maxLength={500}
        value={words}
        onInput={(event) => setWords(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          if (words) event.preventDefault();
          setWords("");
        }}
      />
      {onClose === undefined && <kbd aria-hidden="true">Ctrl K</kbd>}
    </label>
  );
}

function ChatList({ openId }: { openId: string | null }): VNode {
  if (chats.value.length === 0) return <p class="quiet small">Your chats will be listed here.</p>;
  return (
    <>
      {[...group(chats.value)].map(([age, items]) => (
        <section>
          <h2>{age}</h2>
          <ul>
            {items.map((chat) => (
              <li key={chat.id}>
                <a href={`/chats/${chat.id}`} aria-current={chat.id === openId ? "page" : undefined}>
                  {chat.title}
                </a>
              </li>
            ))}
          </ul>
        </section>
      ))}
      {nextChats.value && (
        <button class="link small" onClick={() => attempt(listMoreChats)}>
          Show more
        </button>
      )}
    </>
  );
}

function group(list: ChatSessionRead[]): Map<string, ChatSessionRead[]> {
  const groups = new Map<string, ChatSessionRead[]>();
  for (const chat of list) {
    const age = nameAge(chat.updated_at);
    groups.set(age, [...(groups.get(age) ?? []), chat]);
  }
  return groups;
}

function Results({ onClose }: { onClose?: (() => void) | undefined }): VNode {
  const results = found.value ?? [];
  const open = (result: FoundMessageRead): void => {
    seek(result.session_id, result.message_id);
    onClose?.();
  };
  return (
    <section>
      <h2 aria-live="polite">
        {results.length === 0 ? "Nothing found" : `Found ${results.length}`}
      </h2>
      <ul class="results">
        {results.map((result) => (
          <li key={result.message_id}>
            <button onClick={() => open(result)}>
              <b>{result.session_title}</b>
              <span>{highlight(result)}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function highlight({ snippet, highlights }: FoundMessageRead): (string | VNode)[] {
  const characters = Array.from(snippet); // As the API counts them.
  const parts: (string | VNode)[] = [];
  let position = 0;
  for (const { start, end } of highlights) {
    parts.push(characters.slice(position, start).join(""));
    parts.push(<mark>{characters.slice(start, end).join("")}</mark>);
    position = end;
  }
  return [...parts, characters.slice(position).join("")];
}
