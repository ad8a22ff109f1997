import type { TargetedSubmitEvent, VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { describe, question } from "../state/feedback";

/** Asks before something is done, or for a text. */
export function QuestionDialog(): VNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const asked = question.value;

  useEffect(() => {
    setProblem(null);
    if (asked) dialog.current?.showModal();
    else dialog.current?.close();
  }, [asked]);

  const submit = async (event: TargetedSubmitEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const text = new FormData(event.currentTarget).get("text");
    try {
      await asked?.run(String(text ?? ""));
      question.value = null;
    } catch (error) {
      setProblem(describe(error));
    }
  };

  return (
    <dialog
      ref={dialog}
      class="question"
      aria-labelledby="question-title"
      onClose={() => (question.value = null)}
    >
      {asked && (
        <form onSubmit={submit}>
          <h2 id="question-title">{asked.title}</h2>
          {asked.body && <p class="quiet">{asked.body}</p>}
          {asked.text !== undefined && (
            <input
              class="input"
              name="text"
              aria-labelledby="question-title"
              defaultValue={asked.text}
              required
              maxLength={200}
              autoFocus
            />
          )}
          {problem && (
            <p class="note bad" role="alert">
              {problem}
            </p>
          )}
          <div class="row end">
            <button type="button" class="button" onClick={() => (question.value = null)}>
              Cancel
            </button>
            <button class={`button ${asked.isDangerous ? "danger" : "primary"}`}>
              {asked.action}
            </button>
          </div>
        </form>
      )}
    </dialog>
  );
}
