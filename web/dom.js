/** `el('p', {class: 'x'}, 'text', child)`: an element; `on…` attributes are listeners. */
export function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
    else if (value === true) node.setAttribute(key, '');
    else if (value !== false && value !== undefined) node.setAttribute(key, value);
  }
  node.append(...children.flat().filter((child) => child !== undefined));
  return node;
}

/** Tells a person, and a screen reader, what has just happened. */
export function say(text) {
  const status = document.getElementById('status');
  status.textContent = text;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => {
    status.textContent = '';
  }, 6_000);
}

/** What the server says of a failure. */
export const problemText = (problem) =>
  problem?.detail ?? problem?.title ?? 'That did not work. Try again.';

export const sayProblem = (problem) => say(problemText(problem));

export const seatName = (seat) =>
  seat.area
    ? `${seat.area}`
    : `${seat.section ?? ''} row ${seat.row ?? ''} seat ${seat.number ?? seat.id}`;
