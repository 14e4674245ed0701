import { onCleanup, onMount } from "solid-js";
import "./tooltip.css";

const DELAY_MS = 350;
const GAP = 6;

/**
 * Shows the `data-tip` of whatever is under the pointer or focused, Escape hides it. One element for the whole page: a
 * list of a thousand rows would have thousands. It repeats what assistive programs are told by names and descriptions.
 */
export function Tooltips() {
  let box!: HTMLDivElement;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let shown: HTMLElement | undefined;

  const hide = () => {
    clearTimeout(timer);
    shown = undefined;
    box.hidePopover?.();
  };
  const show = (target: HTMLElement) => {
    if (!target.isConnected || !target.dataset["tip"]) return hide();
    box.textContent = target.dataset["tip"];
    // Of the top layer, or a dialog would cover it.
    box.showPopover?.();
    const [anchor, own] = [target.getBoundingClientRect(), box.getBoundingClientRect()];
    const above = anchor.top - own.height - GAP;
    box.style.top = `${above < 0 ? anchor.bottom + GAP : above}px`;
    const middle = anchor.left + anchor.width / 2 - own.width / 2;
    box.style.left = `${Math.max(GAP, Math.min(middle, window.innerWidth - own.width - GAP))}px`;
  };
  const enter = (event: Event) => {
    const target = (event.target as Element).closest?.<HTMLElement>("[data-tip]") ?? undefined;
    if (target === shown) return;
    hide();
    if (!target) return;
    if (event.type === "focusin" && !target.matches(":focus-visible")) return;
    shown = target;
    timer = setTimeout(() => show(target), event.type === "focusin" ? 0 : DELAY_MS);
  };
  const key = (event: KeyboardEvent) => event.key === "Escape" && hide();

  onMount(() => {
    const listened = [
      ["pointerover", enter],
      ["focusin", enter],
      ["focusout", hide],
      ["pointerdown", hide],
      ["keydown", key],
    ] as const;
    for (const [name, handler] of listened) document.addEventListener(name, handler as EventListener);
    window.addEventListener("scroll", hide, { passive: true, capture: true });
    onCleanup(() => {
      clearTimeout(timer);
      for (const [name, handler] of listened) document.removeEventListener(name, handler as EventListener);
      window.removeEventListener("scroll", hide, { capture: true });
    });
  });
  return <div class="tooltip" aria-hidden="true" popover="manual" ref={box} />;
}
