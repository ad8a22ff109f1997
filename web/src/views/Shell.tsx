import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Icon } from "../icons";
import { place } from "../router";
import { listChats } from "../state/chats";
import { listDocuments, uploadFiles } from "../state/documents";
import { attempt } from "../state/feedback";
import { lookAtServer } from "../state/server";
import { Account } from "./Account";
import { Chat } from "./Chat";
import { Library } from "./Library";
import { Reader } from "./Reader";
import { Sidebar } from "./Sidebar";

const wide = matchMedia("(min-width: 56rem)");

export function Shell(): VNode {
  const [isWide, setWide] = useState(wide.matches);
  const [isDropping, setDropping] = useState(false);
  const drawer = useRef<HTMLDialogElement>(null);
  const { page, chatId, reading } = place.value;

  useEffect(() => {
    const measure = (): void => setWide(wide.matches);
    wide.addEventListener("change", measure);
    void attempt(listChats);
    void attempt(listDocuments);
    void lookAtServer();
    const stop = takeDroppedFiles(setDropping);
    return () => {
      wide.removeEventListener("change", measure);
      stop();
    };
  }, []);

  useEffect(() => drawer.current?.close(), [page, chatId]);

  return (
    <div class="shell" data-reading={reading !== null}>
      <a class="skip button" href="#main">
        Skip to the content
      </a>
      {isWide ? (
        <Sidebar />
      ) : (
        <dialog ref={drawer} class="drawer" aria-label="Chats" onClick={closeOutside}>
          <Sidebar onClose={() => drawer.current?.close()} />
        </dialog>
      )}
      <main id="main" tabIndex={-1}>
        {!isWide && (
          <button
            class="icon open-drawer"
            aria-label="Chats and documents"
            aria-haspopup="dialog"
            onClick={() => drawer.current?.showModal()}
          >
            <Icon name="menu" />
          </button>
        )}
        {page === "documents" ? <Library /> : page === "account" ? <Account /> : <Chat />}
      </main>
      {reading && <Reader {...reading} isWide={isWide} />}
      {isDropping && (
        <div class="dropping" aria-hidden="true">
          <p>Drop to add to your documents</p>
        </div>
      )}
    </div>
  );
}

function closeOutside(event: MouseEvent): void {
  if (event.target === event.currentTarget) (event.target as HTMLDialogElement).close();
}

/** Files may be dropped anywhere on the page. */
function takeDroppedFiles(setDropping: (isDropping: boolean) => void): () => void {
  const controller = new AbortController();
  const { signal } = controller;
  const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes("Files") ?? false;
  addEventListener(
    "dragover",
    (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setDropping(true);
    },
    { signal },
  );
  addEventListener("dragleave", (event) => event.relatedTarget === null && setDropping(false), { signal });
  addEventListener(
    "drop",
    (event) => {
      setDropping(false);
      if (!hasFiles(event)) return;
      event.preventDefault();
      uploadFiles(event.dataTransfer!.files);
    },
    { signal },
  );
  return () => controller.abort();
}
