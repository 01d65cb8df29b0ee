import { el, say } from './dom.js';

/** Minutes and seconds until `expiresAt()`; `onOver` once it is reached. */
export function countdown(expiresAt, onOver) {
  const node = el('p', { class: 'timer', role: 'timer', 'aria-label': 'Time left to pay' });
  let warned = false;
  const tick = () => {
    const left = Math.max(0, Math.round((Date.parse(expiresAt()) - Date.now()) / 1_000));
    node.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`;
    if (left <= 60 && left > 0 && !warned) say('One minute left to pay.');
    warned = left <= 60;
    if (left > 0) return;
    clearInterval(interval);
    onOver();
  };
  const interval = setInterval(tick, 500);
  tick();
  return { node, end: () => clearInterval(interval) };
}
