import type { VNode } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { ChatSessionRead } from "../api";
import { Icon } from "../icons";
import { place } from "../router";
import { branch, growing, isLoading, openChat, session, sought } from "../state/chat";
import { chats, deleteChat, exportChat, renameChat } from "../state/chats";
import { attempt } from "../state/feedback";
import { Composer } from "./Composer";
import { Menu } from "./Menu";
import { Start } from "./Start";
import { Turn } from "./Turn";

/** From here to the end still counts as being at the end. */
const NEAR_PX = 120;

export function Chat(): VNode {
  const { chatId } = place.value;
  const scroller = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  const shown = branch.value;

  useEffect(() => void openChat(chatId), [chatId]);

  useEffect(() => {
    isAtEnd.current = true;
  }, [chatId, shown.length]);

  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const wanted = sought.value && document.getElementById(sought.value);
    if (wanted) {
      sought.value = null;
      isAtEnd.current = false;
      wanted.scrollIntoView({ block: "center" });
      wanted.focus();
    } else if (isAtEnd.current) {
      element.scrollTop = element.scrollHeight;
    }
  });

  const noteScrolling = (): void => {
    const element = scroller.current!;
    isAtEnd.current = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_PX;
  };

  return (
    <div class="chat">
      <ChatHeader />
      <div class="turns" ref={scroller} onScroll={noteScrolling}>
        {chatId === null && shown.length === 0 && <Start />}
        {isLoading.value && <p class="quiet loading">Loading</p>}
        {shown.map((message) => (
          <Turn key={message.id} message={message} />
        ))}
      </div>
      <Composer chatId={chatId} growing={growing.value} />
    </div>
  );
}

function ChatHeader(): VNode {
  const open = session.value;
  const listed = chats.value.find((chat) => chat.id === open?.id) ?? open;
  useEffect(() => {
    document.title = listed ? `${listed.title} · Colloquy` : "Colloquy";
  }, [listed?.title]);
  return (
    <header class="page-header">
      <h1 tabIndex={-1} class={listed ? "" : "sr-only"}>
        {listed?.title ?? "New chat"}
      </h1>
      {listed && <ChatMenu chat={listed} />}
    </header>
  );
}

function ChatMenu({ chat }: { chat: ChatSessionRead }): VNode {
  const save = (format: "json" | "markdown"): Promise<void> =>
    attempt(() => exportChat(chat, format));
  return (
    <Menu label="This chat">
      <button onClick={() => renameChat(chat)}>
        <Icon name="edit" /> Rename
      </button>
      <button onClick={() => save("markdown")}>
        <Icon name="save" /> Export as Markdown
      </button>
      <button onClick={() => save("json")}>
        <Icon name="save" /> Export as JSON
      </button>
      <button class="danger" onClick={() => deleteChat(chat)}>
        <Icon name="bin" /> Delete
      </button>
    </Menu>
  );
}
