import type { VNode } from "preact";
import { documents, uploads } from "../state/documents";
import { isOffline } from "../state/server";
import { DocumentRow, DropZone, UploadRow } from "./DocumentRows";

const MOST = 4;

/** Before the first question of a chat. */
export function Start(): VNode {
  const recent = documents.value.slice(0, MOST);
  return (
    <div class="start">
      <h2>{recent.length ? "What would you like to know?" : "Begin with a document."}</h2>
      {isOffline.value && <OfflineNote />}
      <DropZone />
      {(uploads.value.length > 0 || recent.length > 0) && (
        <ul class="documents" aria-label="Latest documents">
          {uploads.value.map((upload) => (
            <UploadRow key={upload.id} upload={upload} />
          ))}
          {recent.map((document) => (
            <DocumentRow key={document.id} document={document} />
          ))}
        </ul>
      )}
      {documents.value.length > MOST && (
        <p>
          <a href="/documents">All documents</a>
        </p>
      )}
    </div>
  );
}

export function OfflineNote(): VNode {
  return (
    <p class="note">
      <strong>No language model is connected.</strong> The built-in offline models answer: one finds
      passages by their words, the other quotes their best sentences. With{" "}
      <a href="https://ollama.com" target="_blank" rel="noopener noreferrer">
        Ollama
      </a>{" "}
      on this server, answers are written.
    </p>
  );
}
