const palette = ['#0b57d0', '#00796b', '#8e24aa', '#c2410c', '#5d4037', '#37618e', '#ad1457'];
const taken = '#c9d1d9';

/** Colour of a category, the same on the map and in the legend. */
export const colourOf = (categories, name) => palette[categories.indexOf(name) % palette.length];

/** Status 0–3 of place `i` in the packed availability. */
const statusAt = (bits, i) => ((bits[i >> 2] ?? 255) >> (2 * (i % 4))) & 3;

/**
 * A chart drawn on a canvas: seats as dots in their category's colour, taken ones grey, chosen ones
 * ringed. `onPick(seat)` is called with a free seat that was clicked.
 */
export class SeatMap {
  constructor(canvas, chart, categories, onPick) {
    this.canvas = canvas;
    this.seats = chart.seats;
    this.categories = categories;
    this.bits = new Uint8Array();
    this.chosen = new Set();
    this.fit();
    canvas.addEventListener('click', (event) => {
      const seat = this.seatUnder(event);
      if (seat) onPick(seat);
    });
    canvas.addEventListener('mousemove', (event) => {
      const seat = this.seatUnder(event);
      canvas.title = seat ? `${seat.section} row ${seat.row} seat ${seat.number}` : '';
    });
  }

  fit() {
    const xs = this.seats.map((s) => s.x);
    const ys = this.seats.map((s) => s.y);
    const min = (values) => values.reduce((a, b) => Math.min(a, b), Infinity);
    const max = (values) => values.reduce((a, b) => Math.max(a, b), -Infinity);
    const [left, top, right, bottom] = [min(xs), min(ys), max(xs), max(ys)];
    this.canvas.width = 1600;
    const scale = 1540 / Math.max(1, right - left);
    this.canvas.height = Math.min(2400, Math.max(300, (bottom - top) * scale + 60));
    this.at = (s) => [(s.x - left) * scale + 30, (s.y - top) * scale + 30];
    const area = (this.canvas.width * this.canvas.height) / Math.max(1, this.seats.length);
    this.radius = Math.max(1.5, Math.min(14, Math.sqrt(area) * 0.22));
  }

  seatUnder(event) {
    const box = this.canvas.getBoundingClientRect();
    const x = ((event.clientX - box.left) * this.canvas.width) / box.width;
    const y = ((event.clientY - box.top) * this.canvas.height) / box.height;
    let best;
    let nearest = (this.radius * 2) ** 2;
    for (let i = 0; i < this.seats.length; i++) {
      if (statusAt(this.bits, i) !== 0) continue;
      const [sx, sy] = this.at(this.seats[i]);
      const distance = (sx - x) ** 2 + (sy - y) ** 2;
      if (distance < nearest) [best, nearest] = [this.seats[i], distance];
    }
    return best;
  }

  show(bits, chosen) {
    this.bits = bits;
    this.chosen = chosen;
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.draw());
  }

  draw() {
    const pen = this.canvas.getContext('2d');
    pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    for (let i = 0; i < this.seats.length; i++) {
      const seat = this.seats[i];
      const [x, y] = this.at(seat);
      pen.fillStyle =
        statusAt(this.bits, i) === 0 ? colourOf(this.categories, seat.category) : taken;
      pen.beginPath();
      pen.arc(x, y, this.radius, 0, 2 * Math.PI);
      pen.fill();
      if (this.chosen.has(seat.id)) {
        pen.lineWidth = 4;
        pen.strokeStyle = '#16202c';
        pen.stroke();
      }
    }
  }
}
