import type { ComponentChildren, VNode } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { colloquy, ColloquyError, documents as api, type ChunkRead, type DocumentRead } from "../api";
import { Icon } from "../icons";
import { joinPassages } from "../passages";
import { closeDocument } from "../router";
import { messages } from "../state/chat";
import { saveDocument } from "../state/documents";
import { describe } from "../state/feedback";

interface Props {
  documentId: string;
  start: number | null;
  end: number | null;
  isWide: boolean;
}

interface Opened {
  document: DocumentRead;
  chunks: ChunkRead[];
  next: number | null;
}

const PAGE = 60;
/** Passages shown before the one that was asked for. */
const BEFORE = 12;

/** A document beside the chat, open where a passage was cited. */
export function Reader({ documentId, start, end, isWide }: Props): VNode {
  const [opened, setOpened] = useState<Opened | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const text = useRef<HTMLParagraphElement>(null);
  const returnTo = useRef(document.activeElement);

  useEffect(() => {
    const controller = new AbortController();
    setProblem(null);
    openDocument(documentId, start, controller.signal)
      .then(setOpened)
      .catch((error: unknown) => {
        if (controller.signal.aborted) return;
        setOpened(null);
        setProblem(error instanceof ColloquyError && error.status === 404 ? GONE : describe(error));
      });
    return () => controller.abort();
  }, [documentId, start]);

  useLayoutEffect(() => {
    text.current?.querySelector("mark")?.scrollIntoView({ block: "start" });
    heading.current?.focus({ preventScroll: true });
  }, [opened?.document.id, start, problem]);

  useEffect(
    () => () => {
      if (returnTo.current instanceof HTMLElement) returnTo.current.focus();
    },
    [],
  );

  const showMore = async (from: number): Promise<void> => {
    const page = await listChunks(documentId, from);
    setOpened((now) => now && { ...now, chunks: [...now.chunks, ...page.items], next: page.next_ordinal });
  };
  const showEarlier = async (before: number): Promise<void> => {
    const from = Math.max(before - PAGE, 0);
    const page = await listChunks(documentId, from, before - from);
    setOpened((now) => now && { ...now, chunks: [...page.items, ...now.chunks] });
  };

  const first = opened?.chunks[0]?.ordinal ?? 0;
  const next = opened?.next ?? null;
  return (
    <Frame isWide={isWide}>
      <header class="page-header">
        <h2 ref={heading} tabIndex={-1}>
          {opened?.document.title ?? (problem ? "Document" : "Opening")}
        </h2>
        {opened && (
          <button class="icon" aria-label="Download the document" onClick={() => saveDocument(opened.document)}>
            <Icon name="save" />
          </button>
        )}
        <button class="icon" aria-label="Close the document" onClick={closeDocument}>
          <Icon name="close" />
        </button>
      </header>
      <div class="reader-text" tabIndex={0} role="region" aria-label="Text of the document">
        {problem && <p class="note bad">{problem}</p>}
        {problem === GONE && <Snapshot documentId={documentId} start={start} />}
        {first > 0 && (
          <button class="link small" onClick={() => void showEarlier(first)}>
            Show what comes before
          </button>
        )}
        {opened && (
          <p class="text" ref={text}>
            {joinPassages(opened.chunks, start ?? -1, end ?? -1).map((piece) => (
              <>
                {piece.page !== null && <span class="page-number">Page {piece.page}</span>}
                {piece.isMarked ? <mark>{piece.text}</mark> : piece.text}
              </>
            ))}
          </p>
        )}
        {next !== null && (
          <button class="link small" onClick={() => void showMore(next)}>
            Show what comes after
          </button>
        )}
      </div>
    </Frame>
  );
}

const GONE = "This document was deleted.";

/** Beside the chat where there is room, else in front of it. */
function Frame({ isWide, children }: { isWide: boolean; children: ComponentChildren }): VNode {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    if (!isWide) dialog.current?.showModal();
  }, [isWide]);
  if (!isWide) {
    return (
      <dialog ref={dialog} class="reader" aria-label="Document" onClose={closeDocument}>
        {children}
      </dialog>
    );
  }
  return (
    <aside
      class="reader"
      aria-label="Document"
      onKeyDown={(event) => event.key === "Escape" && closeDocument()}
    >
      {children}
    </aside>
  );
}

/** Answers keep the passages that they cited. */
function Snapshot({ documentId, start }: { documentId: string; start: number | null }): VNode | null {
  const source = messages.value
    .flatMap((message) => message.sources)
    .find((each) => each.document_id === documentId && each.start === start);
  if (!source) return null;
  return (
    <>
      <p class="small quiet">The passage as it was when it was cited:</p>
      <p class="text">
        <mark>{source.text}</mark>
      </p>
    </>
  );
}

async function openDocument(id: string, start: number | null, signal: AbortSignal): Promise<Opened> {
  const document = await api.getDocument(colloquy, { document_id: id }, { signal });
  const ordinal = start === null ? 0 : await findOrdinal(document, start, signal);
  const page = await listChunks(id, Math.max(ordinal - BEFORE, 0), PAGE, signal);
  return { document, chunks: page.items, next: page.next_ordinal };
}

/** The last passage that begins there or before; in a long book about twelve small requests. */
async function findOrdinal(document: DocumentRead, start: number, signal: AbortSignal): Promise<number> {
  let low = 0;
  let high = Math.max((document.chunks_total ?? 1) - 1, 0);
  while (high - low >= PAGE - BEFORE) {
    const middle = Math.ceil((low + high) / 2);
    const [chunk] = (await listChunks(document.id, middle, 1, signal)).items;
    if (chunk && chunk.start <= start) low = middle;
    else high = middle - 1;
  }
  return high < PAGE ? 0 : low;
}

function listChunks(id: string, from: number, limit = PAGE, signal?: AbortSignal): ReturnType<typeof api.listChunks> {
  const input = { document_id: id, from_ordinal: from, limit };
  return api.listChunks(colloquy, input, signal && { signal });
}
