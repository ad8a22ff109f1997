import type { VNode } from "preact";
import { useEffect } from "preact/hooks";
import {
  documents,
  filter,
  listDocuments,
  listMoreDocuments,
  nextDocuments,
  uploads,
} from "../state/documents";
import { attempt } from "../state/feedback";
import { DocumentRow, DropZone, UploadRow } from "./DocumentRows";

export function Library(): VNode {
  useEffect(() => {
    document.title = "Documents · Colloquy";
    return () => {
      if (filter.value === "") return;
      filter.value = "";
      void attempt(listDocuments);
    };
  }, []);

  useEffect(() => {
    const timer = setTimeout(() => void attempt(listDocuments), filter.value ? 200 : 0);
    return () => clearTimeout(timer);
  }, [filter.value]);

  return (
    <div class="page">
      <header class="page-header">
        <h1>Documents</h1>
      </header>
      <div class="column">
        <DropZone />
        <label class="field">
          <span class="sr-only">Find a document</span>
          <input
            class="input"
            type="search"
            placeholder="Find a document by its title"
            value={filter.value}
            onInput={(event) => (filter.value = event.currentTarget.value)}
          />
        </label>
        <ul class="documents" aria-label="Documents">
          {uploads.value.map((upload) => (
            <UploadRow key={upload.id} upload={upload} />
          ))}
          {documents.value.map((document) => (
            <DocumentRow key={document.id} document={document} />
          ))}
        </ul>
        {documents.value.length === 0 && uploads.value.length === 0 && (
          <p class="quiet">{filter.value ? "No document has that title." : "No documents yet."}</p>
        )}
        {nextDocuments.value && (
          <button class="button" onClick={() => attempt(listMoreDocuments)}>
            Show more
          </button>
        )}
      </div>
    </div>
  );
}
