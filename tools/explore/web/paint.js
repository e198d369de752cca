// Drawing of a wafer on a 2D canvas: tiles, links, spares, edges. Shape says what colour says.

import { DX, DY, KIND } from "wafermesh-explore/scene.js";

export const DETAIL = 5; // pixels a tile from which tiles and links are drawn one by one
const LANES = 13; // pixels a tile from which both directions of a link are drawn
const BODY = 0.3; // half the side of a tile, in tiles

const NAMES = ["home", "repaired", "idle", "core", "dead", "core", "dead", "cut"];

/** The colours of the page's theme, from its style sheet. */
export function colours(element) {
  const style = getComputedStyle(element);
  const get = (name) => style.getPropertyValue(`--wm-${name}`).trim();
  const names = "wafer home repaired idle idle-line core dead cut lost link spare io route route-case cross cursor ink move grid cluster";
  const found = Object.fromEntries(names.split(" ").map((name) => [name, get(name)]));
  found.heat = [1, 2, 3, 4, 5, 6].map((k) => get(`heat-${k}`));
  found.flit = [1, 2, 3, 4, 5].map((k) => get(`flit-${k}`));
  return found;
}

/** The whole wafer as one picture, a pixel a tile; made once for each scene and theme. */
export function raster(scene, colour) {
  const canvas = new OffscreenCanvas(scene.width, scene.height);
  const context = canvas.getContext("2d");
  const image = context.createImageData(scene.width, scene.height);
  const words = new Uint32Array(image.data.buffer);
  const probe = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const word = (css) => {
    probe.fillStyle = css;
    probe.fillRect(0, 0, 1, 1);
    return new Uint32Array(probe.getImageData(0, 0, 1, 1).data.buffer)[0];
  };
  const table = NAMES.map((name) => word(colour[name]));
  table[KIND.CORE_LOST] = table[KIND.TILE_LOST] = word(colour.lost);
  table[KIND.IDLE] = word(colour["idle-line"]);
  for (let t = 0; t < words.length; t++) words[t] = table[scene.kind[t]];
  context.putImageData(image, 0, 0);
  return canvas;
}

/** Tiles with a defect or a repaired core: drawn as dots where a tile is less than a pixel. */
export function marks(scene) {
  const found = [];
  for (let t = 0; t < scene.kind.length && found.length < 20000; t++)
    if (scene.kind[t] !== KIND.HOME && scene.kind[t] !== KIND.IDLE) found.push(t);
  return found;
}

function spread(context, boxes, fill) {
  context.fillStyle = fill;
  context.beginPath();
  for (const [x, y, w, h, r] of boxes) context.roundRect(x, y, w, h, r);
  context.fill();
}

/** Everything that does not move. `show` says which layers are on. */
export function paintBase(context, scene, camera, colour, show, size) {
  const { scale, left, top } = camera;
  const [wide, high] = [scene.width * scale, scene.height * scale];
  context.clearRect(0, 0, size.width, size.height);
  spread(context, [[left - 5, top - 5, wide + 10, high + 10, 8]], colour.wafer);
  const bar = Math.max(2, Math.min(5, scale / 4));
  spread(context, [[left - 5 - bar - 3, top, bar, high, 2], [left + wide + 8, top, bar, high, 2]], colour.io);
  if (scale < DETAIL) {
    context.imageSmoothingEnabled = scale < 1;
    context.drawImage(scene.raster, left, top, wide, high);
    paintMarks(context, scene, camera, colour, size);
    return;
  }
  const area = camera.view(scene, size.width, size.height);
  paintSpares(context, scene, camera, colour, area);
  if (show.links) paintLinks(context, scene, camera, colour, area);
  paintTiles(context, scene, camera, colour, area);
  if (show.clusters) paintClusters(context, scene, camera, colour, area);
  if (show.grid && scene.host.length) paintGrid(context, scene, camera, colour);
  if (show.moves && scene.host.length) paintMoves(context, scene, camera, colour);
}

function each(scene, [x0, y0, x1, y1], visit) {
  for (let y = y0; y < y1; y++) for (let x = x0; x < x1; x++) visit(y * scene.width + x, x, y);
}

function paintMarks(context, scene, camera, colour, size) {
  if (camera.scale > 2.5) return;
  const side = 2.5;
  for (const tile of scene.marks) {
    const [x, y] = camera.centre(scene, tile);
    if (x < 0 || y < 0 || x > size.width || y > size.height) continue;
    const kind = scene.kind[tile];
    const lost = kind === KIND.CORE_LOST || kind === KIND.TILE_LOST;
    context.fillStyle = lost ? colour.lost : colour[NAMES[kind]];
    context.fillRect(x - side / 2, y - side / 2, side, side);
  }
}

function paintSpares(context, scene, { scale, left, top }, colour, area) {
  context.fillStyle = colour.spare;
  each(scene, area, (tile, x, y) => {
    if (scene.spare[tile]) context.fillRect(left + x * scale, top + y * scale, scale + 0.5, scale + 0.5);
  });
}

function paintTiles(context, scene, camera, colour, area) {
  const { scale, left, top } = camera;
  const boxes = NAMES.map(() => []);
  const [side, inset] = [2 * BODY * scale, (0.5 - BODY) * scale];
  each(scene, area, (tile, x, y) => {
    boxes[scene.kind[tile]].push([left + x * scale + inset, top + y * scale + inset, side, side, scale * 0.1]);
  });
  boxes.forEach((some, kind) => some.length && spread(context, some, colour[NAMES[kind]]));
  const line = Math.max(1, scale / 16);
  const stroke = (kinds, style, path) => {
    context.strokeStyle = style;
    context.lineWidth = line;
    context.beginPath();
    for (const kind of kinds) for (const [x, y] of boxes[kind]) path(x, y);
    context.stroke();
  };
  const ring = (x, y) => context.roundRect(x - line / 2, y - line / 2, side + line, side + line, scale * 0.12);
  const cross = (x, y) => {
    const [a, b] = [side * 0.27, side * 0.73];
    context.moveTo(x + a, y + a), context.lineTo(x + b, y + b);
    context.moveTo(x + b, y + a), context.lineTo(x + a, y + b);
  };
  stroke([KIND.IDLE], colour["idle-line"], ring);
  stroke([KIND.CUT_OFF], colour.cut, ring);
  stroke([KIND.TILE], colour.cross, cross);
  stroke([KIND.CORE], colour.ink, (x, y) => (context.moveTo(x + side * 0.3, y + side / 2), context.lineTo(x + side * 0.7, y + side / 2)));
  context.lineWidth = 2 * line;
  stroke([KIND.CORE_LOST, KIND.TILE_LOST], colour.lost, (x, y) => (ring(x, y), cross(x, y)));
}

/** One end of a lane to the other: beside the middle of the link, on the right in its direction. */
export function lane(camera, x, y, port, from, to) {
  const { scale, left, top } = camera;
  const cx = left + (x + 0.5) * scale - 0.11 * DY[port] * scale;
  const cy = top + (y + 0.5) * scale + 0.11 * DX[port] * scale;
  return [cx + from * DX[port] * scale, cy + from * DY[port] * scale, cx + to * DX[port] * scale, cy + to * DY[port] * scale];
}

function paintLinks(context, scene, camera, colour, area) {
  const { scale, left, top } = camera;
  const lines = new Path2D();
  const crosses = new Path2D();
  const arrows = new Path2D();
  const dead = (tile) => [KIND.TILE, KIND.TILE_LOST].includes(scene.kind[tile]);
  each(scene, area, (tile, x, y) => {
    if (dead(tile)) return;
    for (const port of [1, 2]) {
      if (x + DX[port] >= scene.width || y + DY[port] >= scene.height) continue;
      const there = tile + DX[port] + DY[port] * scene.width;
      if (dead(there)) continue;
      const out = !((scene.links[tile] >> port) & 1);
      const back = !((scene.links[there] >> (port + 2) % 4) & 1);
      const mx = left + (x + 0.5 + DX[port] / 2) * scale;
      const my = top + (y + 0.5 + DY[port] / 2) * scale;
      const add = (a) => (lines.moveTo(a[0], a[1]), lines.lineTo(a[2], a[3]));
      if (!out && !back) {
        const r = 0.1 * scale;
        crosses.moveTo(mx - r, my - r), crosses.lineTo(mx + r, my + r);
        crosses.moveTo(mx + r, my - r), crosses.lineTo(mx - r, my + r);
      } else if (out && back) {
        if (scale < LANES) add([mx - 0.2 * DX[port] * scale, my - 0.2 * DY[port] * scale, mx + 0.2 * DX[port] * scale, my + 0.2 * DY[port] * scale]);
        else add(lane(camera, x, y, port, BODY, 1 - BODY)), add(lane(camera, x + DX[port], y + DY[port], port + 2 & 3, BODY, 1 - BODY));
      } else {
        const way = out ? 1 : -1; // the direction that still works
        const [ux, uy] = [way * DX[port] * scale, way * DY[port] * scale];
        arrows.moveTo(mx - 0.07 * ux - 0.14 * uy, my - 0.07 * uy - 0.14 * ux);
        arrows.lineTo(mx + 0.09 * ux, my + 0.09 * uy);
        arrows.lineTo(mx - 0.07 * ux + 0.14 * uy, my - 0.07 * uy + 0.14 * ux);
      }
    }
  });
  const stroke = (path, style, width) => {
    context.strokeStyle = style;
    context.lineWidth = width;
    context.stroke(path);
  };
  context.lineCap = context.lineJoin = "round";
  stroke(lines, colour.link, Math.max(0.8, scale / 22));
  stroke(arrows, colour.lost, Math.max(1.2, scale / 13));
  stroke(crosses, colour.lost, Math.max(1.2, scale / 13));
}

/** Outlines around defective tiles that touch. */
function paintClusters(context, scene, { scale, left, top }, colour, area) {
  const bad = (x, y) => {
    if (x < 0 || y < 0 || x >= scene.width || y >= scene.height) return false;
    return [KIND.CORE, KIND.TILE, KIND.CORE_LOST, KIND.TILE_LOST].includes(scene.kind[y * scene.width + x]);
  };
  const near = (x, y) => [-1, 0, 1].some((dx) => [-1, 0, 1].some((dy) => (dx || dy) && bad(x + dx, y + dy)));
  const joined = (x, y) => bad(x, y) && near(x, y);
  context.strokeStyle = colour.cluster;
  context.lineWidth = Math.max(1.2, scale / 14);
  context.beginPath();
  each(scene, area, (tile, x, y) => {
    if (!joined(x, y)) return;
    const [a, b] = [left + x * scale, top + y * scale];
    if (!joined(x, y - 1)) context.moveTo(a, b), context.lineTo(a + scale, b);
    if (!joined(x, y + 1)) context.moveTo(a, b + scale), context.lineTo(a + scale, b + scale);
    if (!joined(x - 1, y)) context.moveTo(a, b), context.lineTo(a, b + scale);
    if (!joined(x + 1, y)) context.moveTo(a + scale, b), context.lineTo(a + scale, b + scale);
  });
  context.stroke();
}

/** Logical rows and columns through the hosts of their cores: they bend where cores moved. */
function paintGrid(context, scene, camera, colour) {
  const { logicalWidth: across, host } = scene;
  context.strokeStyle = colour.grid;
  context.lineWidth = Math.max(1, camera.scale / 18);
  context.beginPath();
  const join = (a, b) => {
    if (host[a] < 0 || host[b] < 0) return;
    context.moveTo(...camera.centre(scene, host[a]));
    context.lineTo(...camera.centre(scene, host[b]));
  };
  for (let i = 0; i < host.length; i++) {
    if ((i + 1) % across) join(i, i + 1);
    if (i + across < host.length) join(i, i + across);
  }
  context.stroke();
}

/** From the home of each repaired core to its host. */
function paintMoves(context, scene, camera, colour) {
  context.strokeStyle = context.fillStyle = colour.move;
  context.lineWidth = Math.max(1, camera.scale / 18);
  for (let i = 0; i < scene.host.length; i++) {
    if (scene.host[i] < 0 || scene.host[i] === scene.home[i]) continue;
    const [x0, y0] = camera.centre(scene, scene.home[i]);
    const [x1, y1] = camera.centre(scene, scene.host[i]);
    const far = Math.hypot(x1 - x0, y1 - y0);
    const [bx, by] = [(x0 + x1) / 2 - 0.16 * (y1 - y0), (y0 + y1) / 2 + 0.16 * (x1 - x0)];
    context.beginPath();
    context.moveTo(x0, y0);
    context.quadraticCurveTo(bx, by, x1, y1);
    context.stroke();
    const angle = Math.atan2(y1 - by, x1 - bx);
    const r = Math.min(0.28 * camera.scale, far / 2);
    context.beginPath();
    context.moveTo(x1, y1);
    for (const turn of [2.65, -2.65]) context.lineTo(x1 + r * Math.cos(angle + turn), y1 + r * Math.sin(angle + turn));
    context.fill();
  }
}
