import type { VNode } from "preact";
import { Icon } from "../icons";
import { announcement, notice } from "../state/feedback";
import { me } from "../state/me";
import { Login } from "./Login";
import { QuestionDialog } from "./QuestionDialog";
import { Shell } from "./Shell";

export function App(): VNode {
  return (
    <>
      <div role="status" class="sr-only">
        {announcement}
      </div>
      <div role="alert" class="notices">
        {notice.value !== null && (
          <p class="note bad">
            {notice}
            <button class="icon little" aria-label="Dismiss" onClick={() => (notice.value = null)}>
              <Icon name="close" />
            </button>
          </p>
        )}
      </div>
      {me.value === null && <Login />}
      {me.value && <Shell />}
      <QuestionDialog />
    </>
  );
}
