// A worker that draws the calls that fly. A message has some of
//   clock     see replay_clock.js; null: nothing flies
//   colours   { '--ink': '#111', .. }
//   index     of a fleet, with its canvas, its place and scale (see layout()), or its calls (see makeScene())
// It draws once a frame while time passes, and otherwise once after each message.

import { dotPlace } from './geometry.js';
import { fast, speedAt, timeOn } from './replay_clock.js';
import { dotsAt } from './scene.js';

const colourOf = { request: '--ink', answered: '--closed', failed: '--open', blocked: '--quiet' };
const radiusIn = ({ row }) => Math.min(4.5, row * 0.2); // px

const fleets = [];
let colours = {};
let clock = null;
let frame = 0;
let turn = 0; // the fleet that is drawn next in slow motion

// The wires pass behind the box of Redis: no call goes through it.
const isBehind = (box, { x, y }) => box !== undefined && x > box.left - 5 && x < box.right + 5 && y > box.top - 5 && y < box.bottom + 5;

// Answers fly beside the calls.
const liftOf = (leg, radius) => (leg === 'back' || leg === 'bounce' ? radius * 0.9 : 0);

// A dot drawn once, to be copied: stroking a hundred rings a frame would cost more than all else.
const sprite = ({ scale, place }, kind) => {
  const radius = radiusIn(place);
  const size = Math.ceil((radius + 1) * scale) * 2;
  const canvas = new OffscreenCanvas(size, size);
  const painter = canvas.getContext('2d');
  painter.setTransform(scale, 0, 0, scale, size / 2, size / 2);
  painter.arc(0, 0, radius, 0, 2 * Math.PI);
  painter.fillStyle = painter.strokeStyle = colours[colourOf[kind]];
  painter.lineWidth = 1.5;
  if (kind === 'blocked') painter.stroke(); // what is turned away is hollow: the difference does not depend on colour
  else painter.fill();
  return canvas.transferToImageBitmap();
};

const prepareSprites = (fleet) => {
  fleet.sprites = Object.fromEntries(Object.keys(colourOf).map((kind) => [kind, sprite(fleet, kind)]));
};

const resize = (fleet) => {
  const { place: { flight }, scale, canvas } = fleet;
  canvas.width = Math.round(flight.width * scale);
  canvas.height = Math.round(flight.height * scale);
};

// On whole pixels, which copies fastest, and as sharp as the dot was drawn.
const drawDot = ({ place, painter, scale, sprites }, dot) => {
  const at = dotPlace(place, dot);
  if (isBehind(place.box, at)) return;
  const image = sprites[dot.kind];
  const x = (at.x - place.flight.left) * scale - image.width / 2;
  const y = (at.y + liftOf(dot.leg, radiusIn(place)) - place.flight.top) * scale - image.height / 2;
  painter.drawImage(image, Math.round(x), Math.round(y));
};

const drawFleet = (fleet, time) => {
  const { canvas, painter, calls } = fleet;
  const dots = time === null ? [] : dotsAt({ calls }, time);
  if (dots.length === 0 && fleet.isEmpty) return;
  fleet.isEmpty = dots.length === 0;
  painter.clearRect(0, 0, canvas.width, canvas.height);
  for (const dot of dots) drawDot(fleet, dot);
};

// At the end of a race nothing flies any longer.
const flightTime = () => {
  if (clock === null) return null;
  const time = timeOn(clock);
  return time < clock.length ? time : null;
};

// In slow motion a dot moves by about a pixel a frame. There the fleets take turns: each moves by two pixels every second
// frame, which looks the same, and half of what would be drawn and composed is not.
const isTurnOf = (index, time) => time === null || clock.part === null || speedAt(clock.part, time) === fast || index === turn;

const draw = () => {
  const time = flightTime();
  turn = 1 - turn;
  fleets.forEach((fleet, index) => {
    if (fleet.place && fleet.calls && isTurnOf(index, time)) drawFleet(fleet, time);
  });
  frame = time !== null && clock.part !== null ? requestAnimationFrame(draw) : 0;
};

onmessage = ({ data: { index, canvas, ...news } }) => {
  if (canvas) fleets[index] = { canvas, painter: canvas.getContext('2d'), isEmpty: true };
  if (news.clock !== undefined) clock = news.clock;
  if (news.colours) colours = news.colours;
  if (news.calls) fleets[index].calls = news.calls;
  if (news.place) {
    Object.assign(fleets[index], { place: news.place, scale: news.scale });
    resize(fleets[index]);
    fleets[index].isEmpty = false; // the next frame clears it, also if nothing flies: what it showed before goes
  }
  if (news.colours) fleets.filter(({ place }) => place).forEach(prepareSprites);
  if (frame === 0) frame = requestAnimationFrame(draw);
};
