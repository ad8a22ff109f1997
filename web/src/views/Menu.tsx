import { toChildArray, type ComponentChildren, type VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Icon } from "../icons";

/** A button that opens a list of buttons; it closes when one is taken, or anything else. */
export function Menu({ label, children }: { label: string; children: ComponentChildren }): VNode {
  const details = useRef<HTMLDetailsElement>(null);
  const close = (): void => details.current?.removeAttribute("open");

  useEffect(() => {
    const closeElsewhere = (event: Event): void => {
      if (event.target instanceof Node && !details.current?.contains(event.target)) close();
    };
    addEventListener("pointerdown", closeElsewhere);
    addEventListener("focusin", closeElsewhere);
    return () => {
      removeEventListener("pointerdown", closeElsewhere);
      removeEventListener("focusin", closeElsewhere);
    };
  }, []);

  return (
    <details
      ref={details}
      class="menu"
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !details.current?.open) return;
        event.stopPropagation();
        close();
        details.current.querySelector("summary")?.focus();
      }}
    >
      <summary class="icon" aria-label={label}>
        <Icon name="more" />
      </summary>
      <ul onClick={close}>
        {toChildArray(children).map((child) => (
          <li>{child}</li>
        ))}
      </ul>
    </details>
  );
}
