import type { VNode } from "preact";
import { useRef } from "preact/hooks";
import type { DocumentRead } from "../api";
import { Icon } from "../icons";
import { readDocument } from "../router";
import {
  deleteDocument,
  dismiss,
  isUnfinished,
  retryDocument,
  saveDocument,
  uploadFiles,
  type Upload,
} from "../state/documents";
import { formatBytes, formatDay } from "../time";
import { Menu } from "./Menu";

export function DropZone(): VNode {
  const input = useRef<HTMLInputElement>(null);
  return (
    <div class="drop-zone">
      <p>
        <button class="button" onClick={() => input.current?.click()}>
          <Icon name="plus" /> Add documents
        </button>
      </p>
      <p class="quiet small">
        <span class="with-mouse">or drop files anywhere. </span>
        PDF, Word, slides, sheets, mail, Markdown, code and more.
      </p>
      <input
        ref={input}
        class="sr-only"
        type="file"
        multiple
        tabIndex={-1}
        aria-label="Files to add"
        onChange={(event) => {
          uploadFiles(event.currentTarget.files ?? []);
          event.currentTarget.value = "";
        }}
      />
    </div>
  );
}

export function UploadRow({ upload }: { upload: Upload }): VNode {
  const percent = Math.round(upload.progress * 100);
  return (
    <li class="document">
      <Icon name="file" />
      <div>
        <p class="document-title">{upload.name}</p>
        {upload.error ? (
          <p class="small bad">{upload.error}</p>
        ) : (
          <>
            <p class="small quiet">{percent < 100 ? `Uploading, ${percent} %` : "Received"}</p>
            <progress aria-label={`Upload of ${upload.name}`} value={upload.progress} max={1} />
          </>
        )}
      </div>
      <button
        class="icon"
        aria-label={upload.error ? `Dismiss ${upload.name}` : `Cancel ${upload.name}`}
        onClick={() => (upload.error ? dismiss(upload.id) : upload.cancel())}
      >
        <Icon name="close" />
      </button>
    </li>
  );
}

export function DocumentRow({ document }: { document: DocumentRead }): VNode {
  const isReady = document.status === "ready";
  return (
    <li class="document" data-status={document.status}>
      <Icon name="file" />
      <div>
        <p class="document-title">
          {isReady ? (
            <button class="plain" onClick={() => readDocument(document.id)}>
              {document.title}
            </button>
          ) : (
            document.title
          )}
        </p>
        <p class={`small ${document.status === "failed" ? "bad" : "quiet"}`}>{describe(document)}</p>
        {isUnfinished(document) && <Progress document={document} />}
      </div>
      <Menu label={`More about ${document.title}`}>
        {isReady && (
          <button onClick={() => readDocument(document.id)}>
            <Icon name="file" /> Read
          </button>
        )}
        <button onClick={() => saveDocument(document)}>
          <Icon name="save" /> Download
        </button>
        {document.status === "failed" && (
          <button onClick={() => retryDocument(document)}>
            <Icon name="again" /> Try again
          </button>
        )}
        <button class="danger" onClick={() => deleteDocument(document)}>
          <Icon name="bin" /> Delete
        </button>
      </Menu>
    </li>
  );
}

function Progress({ document }: { document: DocumentRead }): VNode {
  const total = document.chunks_total;
  const known = total ? { value: document.chunks_done, max: total } : {};
  return <progress aria-label={`Indexing of ${document.title}`} {...known} />;
}

function describe(document: DocumentRead): string {
  switch (document.status) {
    case "ready":
      return [
        document.page_count && count(document.page_count, "page"),
        count(document.chunks_total ?? 0, "passage"),
        formatBytes(document.size_bytes),
        formatDay(document.created_at),
      ]
        .filter(Boolean)
        .join(" · ");
    case "failed":
      return document.status_detail ?? "It could not be read.";
    default:
      if (document.status_detail) return document.status_detail;
      if (document.step === "extracting") return "Reading";
      if (!document.chunks_total) return "Waiting to be read";
      return `Indexing, ${document.chunks_done} of ${count(document.chunks_total, "passage")}`;
  }
}

function count(number: number, noun: string): string {
  return `${number.toLocaleString()} ${noun}${number === 1 ? "" : "s"}`;
}
