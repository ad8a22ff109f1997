import type { TargetedSubmitEvent, VNode } from "preact";
import { useState } from "preact/hooks";
import { Logo } from "../icons";
import { isKnownBrowser, logIn, register } from "../state/account";
import { describe } from "../state/feedback";

export function Login(): VNode {
  const [isNew, setNew] = useState(!isKnownBrowser());
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);

  const submit = async (event: TargetedSubmitEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const field = (name: string): string => String(form.get(name) ?? "");
    setBusy(true);
    setProblem(null);
    try {
      if (isNew) await register(field("username"), field("email"), field("password"));
      else await logIn(field("username"), field("password"), form.has("remember"));
    } catch (error) {
      setProblem(describe(error));
      setBusy(false);
    }
  };

  return (
    <main class="login">
      <div class="login-words">
        <p class="wordmark">
          <Logo /> Colloquy
        </p>
        <h1>Ask your own documents.</h1>
        <p>
          Every answer names the passages it rests on, and each of them is one click away, marked in
          its document.
        </p>
      </div>
      <form class="login-form" onSubmit={submit}>
        <h2>{isNew ? "Create an account" : "Log in"}</h2>
        <label class="field">
          <span>{isNew ? "User name" : "User name or email address"}</span>
          <input class="input" name="username" required autoComplete="username" autoCapitalize="none" spellcheck={false} />
        </label>
        {isNew && (
          <label class="field">
            <span>Email address</span>
            <input class="input" name="email" type="email" required autoComplete="email" />
          </label>
        )}
        <label class="field">
          <span>Password</span>
          <input
            class="input"
            name="password"
            type="password"
            required
            maxLength={128}
            autoComplete={isNew ? "new-password" : "current-password"}
            aria-describedby={isNew ? "password-rule" : undefined}
          />
          {isNew && (
            <small id="password-rule" class="quiet">
              At least 8 characters, with a digit.
            </small>
          )}
        </label>
        {!isNew && (
          <label class="check">
            <input type="checkbox" name="remember" defaultChecked /> Stay logged in on this computer
          </label>
        )}
        <div role="alert">{problem && <p class="note bad">{problem}</p>}</div>
        <button class="button primary" disabled={isBusy}>
          {isNew ? "Create account" : "Log in"}
        </button>
        <p class="small quiet">
          {isNew ? "Have an account? " : "New here? "}
          <button
            type="button"
            class="link"
            onClick={() => {
              setNew(!isNew);
              setProblem(null);
            }}
          >
            {isNew ? "Log in" : "Create an account"}
          </button>
        </p>
      </form>
    </main>
  );
}
